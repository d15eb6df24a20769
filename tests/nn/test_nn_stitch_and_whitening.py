"""Shift-and-stitch gives the finer stride exactly; whitening leaves a unit covariance."""

import numpy as np
import pytest

from coursekit.nn import conv_forward, shift_and_stitch, whiten


@pytest.mark.parametrize(("stride", "factor"), [(2, 2), (4, 2), (4, 4), (6, 3), (3, 1)])
@pytest.mark.parametrize("size", [(17, 20), (16, 16), (23, 9)])
def test_stitched_scores_are_those_of_the_finer_stride(stride, factor, size):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, *size)), rng.normal(size=(4, 3, 3, 2))
    stitched = shift_and_stitch(lambda part: conv_forward(part, w, stride=stride)[0], x, stride, factor)
    assert np.allclose(stitched, conv_forward(x, w, stride=stride // factor)[0])


def test_it_takes_factor_squared_passes():
    seen = []
    shift_and_stitch(lambda part: seen.append(part.shape) or part[:, :, ::32, ::32], np.zeros((1, 1, 96, 96)), 32)
    assert sorted(seen) == [(1, 1, 80, 80), (1, 1, 80, 96), (1, 1, 96, 80), (1, 1, 96, 96)]


@pytest.mark.parametrize(("stride", "factor"), [(3, 2), (2, 0), (0, 1)])
def test_a_factor_that_does_not_divide_is_refused(stride, factor):
    with pytest.raises(ValueError, match=f"factor {factor} does not divide stride {stride}"):
        shift_and_stitch(lambda part: part, np.zeros((1, 1, 4, 4)), stride, factor)


def test_a_picture_without_a_batch_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(4, 4\)"):
        shift_and_stitch(lambda part: part, np.zeros((4, 4)), 2)


@pytest.mark.parametrize(("dtype", "exact"), [(np.float64, 1e-9), (np.float32, 1e-3)])
def test_whitened_features_are_uncorrelated(dtype, exact):
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 5).astype(dtype)
    before = x.copy()
    y, matrix = whiten(x, eps=0.0)
    assert y.dtype == matrix.dtype == dtype
    assert np.abs(y.T @ y / len(y) - np.eye(6)).max() < exact
    assert np.abs(y.mean(axis=0)).max() < exact
    assert np.abs(matrix - matrix.T).max() < exact
    assert np.array_equal(x, before)


def test_a_constant_feature_stays_finite():
    y, _ = whiten(np.c_[np.arange(4.0), np.ones(4)])
    assert np.isfinite(y).all()
    assert np.abs(y[:, 1]).max() < 1e-9


def test_other_shapes_and_types_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2, 3, 4\), expected \(N, D\)"):
        whiten(np.zeros((2, 3, 4)))
    with pytest.raises(TypeError, match="int64"):
        whiten(np.zeros((2, 3), int))
