"""Wrong gradients on purpose: the right ones beside them are the layers' own, and each wrong one is another."""

import inspect

import numpy as np
import pytest

import coursekit.nn as nn
from coursekit.misconceptions import backward as wrong

RNG = np.random.default_rng(3)
X, W, D = RNG.integers(-5, 6, 9), np.array([1, 2, -1]), RNG.integers(-4, 5, 7)
PICTURE, KERNEL = RNG.normal(size=(8, 7)), RNG.normal(size=(3, 3))


def as_batch(array):
    return np.asarray(array, dtype=float)[None, None]


def test_on_a_line_dx_turns_the_kernel_and_dw_flips_nothing():
    _, cache = nn.conv_forward(as_batch(X), as_batch(W))
    dx, dw, _ = nn.conv_backward(as_batch(D), cache)
    assert np.array_equal(wrong.input_gradient(D, W), dx[0, 0])
    assert np.array_equal(np.correlate(X, D, mode="valid"), dw[0, 0])
    assert not np.array_equal(np.correlate(X, D[::-1], mode="valid"), dw[0, 0])
    for function in (wrong.unturned_input_gradient, wrong.overwritten_input_gradient, wrong.one_for_each_output):
        assert not np.array_equal(function(D, W), dx[0, 0])


def test_the_derivative_by_position_is_another_thing_than_the_gradient_by_value():
    y = np.correlate(X, W, mode="valid")
    assert np.array_equal(np.diff(y), np.correlate(np.diff(X), W, mode="valid"))
    assert np.diff(y).shape != wrong.input_gradient(D, W).shape == X.shape
    assert D @ y == wrong.input_gradient(D, W) @ X  # the adjoint


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_of_a_picture(stride):
    y, cache = nn.conv_forward(as_batch(PICTURE), as_batch(KERNEL), stride=stride)
    dy = RNG.normal(size=y.shape)
    right = nn.conv_backward(dy, cache)[0][0, 0]
    assert np.allclose(wrong.picture_gradient(dy[0, 0], KERNEL, PICTURE.shape, stride), right)
    slips = [wrong.picture_gradient_unturned]
    slips += [wrong.picture_gradient_overwritten] if stride < 3 else []  # else no windows overlap
    slips += [wrong.picture_gradient_without_stride] if stride > 1 else []
    for slip in slips:
        assert not np.allclose(slip(dy[0, 0], KERNEL, PICTURE.shape, stride), right)


def test_of_overlapping_pooling():
    x, dy = np.array([1.0, 2, 7, 3, 0, 4, 4]), np.array([3.0, 6, 9])
    _, cache = nn.max_pool_forward(as_batch(x), 3, stride=2)
    right = nn.max_pool_backward(as_batch(dy), cache)[0, 0]
    assert np.array_equal(wrong.to_winners(x, dy, 3, 2), right)
    _, cache = nn.average_pool_forward(as_batch(x), 3, stride=2)
    average = nn.average_pool_backward(as_batch(dy), cache)[0, 0]
    assert np.allclose(wrong.spread_evenly(x, dy, 3, 2), average)
    for slip in (wrong.to_winners_overwritten, wrong.spread_evenly, wrong.to_everyone, wrong.to_all_of_a_tie):
        assert not np.allclose(slip(x, dy, 3, 2), right)


def test_of_scores():
    scores = RNG.normal(size=5)
    _, right = nn.softmax_cross_entropy(scores[None], np.array([3]))
    assert np.allclose(wrong.probability_minus_one(scores, 3), right[0])
    assert np.allclose(wrong.gradient_without_shift(scores, 3), right[0])
    assert np.isnan(wrong.gradient_without_shift(scores + 1000, 3)).any()
    for slip in (wrong.one_minus_probability, wrong.probabilities_alone, wrong.slope_by_probability):
        assert not np.allclose(slip(scores, 3), right[0])


def test_of_a_value_used_twice():
    def loss(x):
        return (3 * x[0] + x[0] - 5) ** 2

    assert np.isclose(wrong.both_paths(2, 3, 5), nn.numerical_gradient(loss, np.array([2.0]))[0])
    others = [f(2, 3, 5) for f in (wrong.last_path_only, wrong.sum_only, wrong.slope_of_the_sum)]
    assert len({wrong.both_paths(2, 3, 5), *others}) == 4


def test_each_says_in_its_first_line_what_it_does():
    functions = [f for name, f in inspect.getmembers(wrong, inspect.isfunction) if name[0] != "_"]
    for function in functions:
        if function.__module__ == wrong.__name__:
            assert function.__doc__.splitlines()[0].endswith("."), function.__name__
