"""The loop versions of the norms and of L2 pooling against the fast ones, and against differences."""

import itertools

import numpy as np
import pytest

import coursekit.nn as nn
from coursekit.nn import naive

SHAPES = [(3, 2, 4, 5), (1, 7, 3, 2), (2, 1, 1, 3)]


def draw(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def apart(a, b):
    assert a.shape == b.shape
    return np.abs(a - b).max() / np.abs(b).max()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_batch_norm_is_its_loops(shape, eps):
    x, dy = 3 * draw(*shape) + 2, draw(*shape, seed=2)
    gamma, beta = draw(shape[1], seed=3), draw(shape[1], seed=4)
    y, cache = nn.batch_norm_forward(x, gamma, beta, eps=eps)
    assert apart(y, naive.batch_norm2d_naive(x, gamma, beta, eps)) < 1e-12
    wanted = naive.batch_norm2d_naive_backward(dy, x, gamma, eps)
    assert all(apart(a, b) < 1e-11 for a, b in zip(nn.batch_norm_backward(dy, cache), wanted, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response_norm_is_its_loops(shape, size):
    x, dy, options = 10 * draw(*shape), draw(*shape, seed=2), dict(size=size, alpha=0.02, beta=0.6, k=1.5)
    y, cache = nn.local_response_norm_forward(x, **options)
    assert apart(y, naive.local_response_norm2d_naive(x, **options)) < 1e-13
    wanted = naive.local_response_norm2d_naive_backward(dy, x, **options)
    assert apart(nn.local_response_norm_backward(dy, cache), wanted) < 1e-12


STEPS = [(k, s, p) for k, s, p in itertools.product((1, 2, 3), (1, 2, 3), (0, 1)) if p <= k // 2]


@pytest.mark.parametrize(("window", "stride", "padding"), STEPS)
def test_l2_pooling_is_its_loops(window, stride, padding):
    x = draw(2, 3, 7, 8)
    x[0, :, :4, :4] = 0  # windows of zeros, too
    y, cache = nn.l2_pool_forward(x, window, stride=stride, padding=padding)
    dy = draw(*y.shape, seed=2)
    assert apart(y, naive.l2_pool2d_naive(x, window, stride, padding)) < 1e-13
    wanted = naive.l2_pool2d_naive_backward(dy, x, window, stride, padding)
    assert apart(nn.l2_pool_backward(dy, cache), wanted) < 1e-13


def test_the_loops_themselves_by_differences():
    x, gamma, beta, dy = draw(2, 3, 3, 2), draw(3, seed=2), draw(3, seed=3), draw(2, 3, 3, 2, seed=4)
    found = nn.diagnose_gradients(
        lambda _: np.sum(naive.batch_norm2d_naive(x, gamma, beta) * dy),
        {"x": x, "gamma": gamma, "beta": beta},
        dict(zip(("x", "gamma", "beta"), naive.batch_norm2d_naive_backward(dy, x, gamma), strict=True)),
    )
    assert found.right, found
    pairs = [
        (lambda x: naive.local_response_norm2d_naive(x, 3, 0.3), naive.local_response_norm2d_naive_backward, (3, 0.3)),
        (lambda x: naive.l2_pool2d_naive(x, 2, 1, 1), naive.l2_pool2d_naive_backward, (2, 1, 1)),
    ]
    for forward, backward, args in pairs:
        slope = draw(*forward(x).shape, seed=5)
        report = nn.check_gradient(lambda x, f=forward, s=slope: np.sum(f(x) * s), x, backward(slope, x, *args))
        assert report.relative_error < 1e-8
