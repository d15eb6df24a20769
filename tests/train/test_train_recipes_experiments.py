"""The recipes that change one thing at a time: what their networks are, and what they write down."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from torch import nn

from coursekit import train
from coursekit.train.cookbook import torch_bench
from coursekit.train.cookbook.experiments import EXPERIMENTS, slow_rise
from coursekit.train.cookbook.gradients import GradientNorms
from coursekit.train.cookbook.networks import make
from coursekit.train.cookbook.pictures import pictures
from coursekit.train.cookbook.plan import make_plan

TINY = dict(images=60, held_out=40, epochs=1, progress=False)
DIGITS = dict(seed=0, classes=10, channels=1)


def kernels(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def parameters(case, size):
    return sum(value.numel() for value in make(case.network, size=size, **DIGITS, **case.network_options).parameters())


def test_a_diverged_run_is_a_result_where_the_recipe_says_so(tmp_path):
    options = {**TINY, "rate": 1e30, "batch": 20, "seed": 3}
    result = train.run("batch-norm", case="without-1", **options)
    assert result.diverged == len(result.history.losses) + 1 <= 3
    assert (result.validation_accuracy, result.test_accuracy, result.test_images) == (0, 0, 40)
    (line,) = train.summary([result])
    assert (line.mean, line.training) == (0, 0)
    train.save_results([result], tmp_path / "one.json")
    assert "NaN" not in (tmp_path / "one.json").read_text()
    assert train.load_results(tmp_path / "one.json")[0].diverged == result.diverged
    with pytest.raises(train.DivergedError):
        train.run("mnist-fast", device="cpu", **options)


def test_so_many_validation_pictures_are_watched_and_all_read_at_the_end():
    plan = make_plan("batch-norm", "with-0.1", 0, False, {"images": 60, "held_out": 90, "epochs": 2})
    plan = replace(plan, recipe=replace(plan.recipe, watched=7))
    parts = {part: pictures("mnist", part, first=90, shrink=2) for part in ("train", "validation")}
    trained = torch_bench.train(plan, parts, progress=False)
    assert [7 * each == pytest.approx(round(7 * each)) for each in trained.history.validation_accuracy] == [True, True]
    images, labels, _ = parts["validation"]
    own = train.accuracy(trained.network, images[:7], labels[:7])
    assert trained.history.validation_accuracy[-1] == pytest.approx(own)


def test_a_case_may_have_pictures_and_rates_of_its_own():
    few = make_plan("augmentation", "flip-500", 1, False, {})
    assert (few.images, few.options.augmentation.flip) == (500, True)
    assert make_plan("augmentation", "flip-500", 1, False, {"images": 30}).images == 30
    assert make_plan("optimisers", "adam", 0, False, {}).rates != make_plan("optimisers", "sgd", 0, False, {}).rates
    assert make_plan("optimisers", "adam", 0, False, {"rate": 0.5}).rates == ()


@pytest.mark.parametrize(("first", "expected"), [("0.01", 0.01), ("1", 1), ("xavier", 1 / 12), ("he", 2**0.5 / 12)])
def test_first_weights_have_the_spread_they_are_named_for(first, expected):
    network = make("stack", size=14, layers=3, maps=16, first=first, **DIGITS)
    weights = torch.cat(
        [layer.weight.detach().flatten() for layer in kernels(network)[1:]]
    )  # fan-in and fan-out are 144
    assert float(weights.std()) == pytest.approx(expected, rel=0.05)
    assert all(not layer.bias.any() for layer in kernels(network))


@pytest.mark.parametrize("layers", [1, 2, 3, 8])
def test_stacks_of_any_depth_end_in_as_many_pixels(layers):
    network = make("stack", size=14, layers=layers, maps=5, norm=True, **DIGITS)
    assert len(kernels(network)) == layers
    assert network[-1].in_features == 5 * 3 * 3
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in network) == layers
    assert network(torch.rand(2, 1, 14, 14)).shape == (2, 10)


def test_plain_is_changed_in_one_thing():
    options = dict(depth=14, width=0.5, size=14, **DIGITS)
    usual, bare, other = (
        make("plain", **options),
        make("plain", norm=False, **options),
        make("plain", he=False, **options),
    )
    published = make("resnet-cifar", residual=False, **options)
    for one, two, three, four in zip(*map(kernels, (published, usual, bare, other)), strict=True):
        assert torch.equal(one.weight, two.weight)
        assert torch.equal(one.weight, three.weight)
        assert float(four.weight.detach().abs().max()) <= four.weight[0].numel() ** -0.5
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in bare.modules())
    assert len(list(bare.parameters())) == len(list(usual.parameters())) - len(kernels(usual))  # shifts, but no scales
    assert bare(torch.rand(2, 1, 14, 14)).shape == (2, 10)


def test_a_slow_rise_ends_in_the_middle():
    assert [round(slow_rise(done), 3) for done in (0.0, 0.25, 0.5, 0.75, 1.0)] == [0.01, 0.505, 1.0, 0.505, 0.01]
    assert train.Options(schedule=slow_rise).as_dict()["schedule"] == "slow_rise"


def test_depths_share_a_budget():
    counts = {case.name: parameters(case, 14) for case in train.recipe("depth").cases}
    assert max(counts.values()) < 1.1 * min(counts.values())


def test_case_studies_differ_in_what_they_say():
    cases = {case.name: case for case in train.recipe("case-studies").cases}
    networks = {name: make(case.network, size=28, **DIGITS, **case.network_options) for name, case in cases.items()}
    kinds = {name: {type(layer) for layer in network.modules()} for name, network in networks.items()}
    assert nn.LocalResponseNorm in kinds["alexnet"] - kinds["alexnet-without"]
    windows = [
        [layer.kernel_size for layer in networks[name].modules() if isinstance(layer, nn.MaxPool2d)]
        for name in ("alexnet", "alexnet-without")
    ]
    assert windows == [[3, 3], [2, 2]]
    assert parameters(cases["alexnet"], 28) == parameters(cases["alexnet-without"], 28)
    assert kernels(networks["zfnet"])[0].kernel_size < kernels(networks["alexnet"])[0].kernel_size
    assert [layer.kernel_size for layer in kernels(networks["vgg"])] == [(3, 3)] * 6
    assert [layer.kernel_size for layer in kernels(networks["vgg-without"])] == [(5, 5)] * 3
    assert parameters(cases["googlenet"], 28) < parameters(cases["googlenet-without"], 28) / 3
    assert parameters(cases["resnet"], 28) == parameters(cases["resnet-without"], 28)
    for network in networks.values():
        assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_gradients_that_are_not_finite_are_left_out():
    network = nn.Conv2d(1, 1, 1)
    network.weight.grad = torch.full((1, 1, 1, 1), 1e30)  # its square is more than float32 holds
    watch = GradientNorms(3, places=3)
    watch(0, network)
    network.weight.grad = torch.full((1, 1, 1, 1), inf)
    watch(1, network)
    assert watch.steps == [0]
    assert np.isclose(watch.norms[0][0], 1e30)


def test_experiments_are_stored_once_they_are_measured():
    names = {each.name for each in EXPERIMENTS}
    for name in names:
        seeds = {case.name: set() for case in train.recipe(name).cases}
        for result in train.stored(name):
            seeds[result.case].add(result.seed)
            assert result.images == make_plan(name, result.case, 0, False, {}).images
        assert all(len(found) >= 3 for found in seeds.values()), name
