"""What chapter 8 calls right agrees with the networks, and what it calls wrong does not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")

from coursekit import models
from coursekit.misconceptions import case_studies
from coursekit.models.lenet import C3_TABLE, ScaledTanh, Subsampling

RNG = np.random.default_rng(8)
SEES = [len(row) for row in C3_TABLE]


def parameters(name):
    return models.table(name).totals.parameters


def test_lenet_is_counted_as_it_is_built():
    assert case_studies.lenet_of_1998(SEES) == parameters("lenet5")
    wrong = (
        case_studies.every_map_sees_all,
        case_studies.subsampling_without_weights,
        case_studies.affine_output,
    )
    steps = [each(SEES) - case_studies.lenet_of_1998(SEES) for each in wrong]
    assert parameters("lenet5") + sum(steps) == parameters("lenet5-modern")


def test_subsampling_is_that_of_the_network():
    torch.set_num_threads(1)
    x, weight, bias = RNG.normal(size=(3, 4, 6)), RNG.normal(size=3), RNG.normal(size=3)
    layer = Subsampling(3).double()
    layer.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    with torch.no_grad():
        expected = ScaledTanh()(layer(torch.from_numpy(x[None])))[0].numpy()
    np.testing.assert_allclose(case_studies.subsample(x, weight, bias), expected, rtol=1e-12)


def test_alexnets_are_counted_as_they_are_built():
    maps = (96, 256, 384, 384, 256)
    assert case_studies.two_towers(maps) == parameters("alexnet")
    assert case_studies.no_towers(maps) == parameters("alexnet-ungrouped")
    assert case_studies.one_tower(maps) == parameters("alexnet-torchvision")
    assert case_studies.towers_throughout(maps) < parameters("alexnet")


@pytest.mark.parametrize(("size", "padding"), [(227, 0), (224, 2), (227, 2), (224, 1), (301, 3)])
def test_numbers_that_reach_the_first_fully_connected_layer(size, padding):
    pattern = (
        f"INPUT 3x{size}x{size} -> CONV11-96/S4/P{padding}/FLOOR -> POOL3/S2/FLOOR -> CONV5-256 -> POOL3/S2/FLOOR"
        " -> CONV3-256 -> POOL3/S2/FLOOR -> FC-10"
    )
    last_maps = [row for row in models.table(pattern).rows if row.kind == "pool"][-1]
    assert case_studies.flat_length(size, padding) == last_maps.elements


@pytest.mark.parametrize(("period", "stride"), [(6, 4), (5, 4), (7, 4), (6, 2), (12, 4)])
def test_the_folded_wave_goes_through_the_same_samples(period, stride):
    places = stride * np.arange(30)
    shown = case_studies.folded(period, stride)
    np.testing.assert_allclose(np.cos(2 * np.pi * places / shown), np.cos(2 * np.pi * places / period), atol=1e-3)
    assert shown >= case_studies.finest(period, stride) - 1e-9


@pytest.mark.parametrize(("depth", "blocks"), [(11, (1, 1, 2, 2, 2)), (16, (2, 2, 3, 3, 3)), (19, (2, 2, 4, 4, 4))])
def test_vggs_are_counted_as_they_are_built(depth, blocks):
    assert case_studies.vgg_parameters(blocks, 1000) == parameters(f"vgg{depth}")


def test_frozen_norm_is_that_of_test_mode():
    x, mean, variance = RNG.normal(size=(4, 3, 2, 2)), RNG.normal(size=3), RNG.uniform(0.5, 2, size=3)
    arrays = (torch.from_numpy(each) for each in (x, mean, variance))
    expected = torch.nn.functional.batch_norm(*arrays, training=False).numpy()
    np.testing.assert_allclose(case_studies.frozen_norm(x, mean, variance), expected, rtol=1e-12)


def test_a_new_head_is_counted_as_it_is_built():
    head, old = torch.nn.Linear(1280, 7), torch.nn.Linear(1280, 1000)
    count = sum(p.numel() for p in head.parameters())
    assert case_studies.new_head(1280, 1000, 7, 0) == count
    whole = 5_000 + sum(p.numel() for p in old.parameters())
    assert case_studies.everything_trained(1280, 1000, 7, whole) == 5_000 + count
