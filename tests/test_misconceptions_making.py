"""Wrong ways to start, normalise and drop out: the right ones are the layers' own, and each wrong one is another."""

import numpy as np
import pytest

from coursekit import nn
from coursekit.misconceptions import making as wrong

RNG = np.random.default_rng(6)
BATCH = np.array([2.0, 4, 4, 4, 5, 5, 7, 9])


def test_a_signal_through_layers():
    h = RNG.normal(size=(200, 100))
    for _ in range(3):
        h = h @ (0.03 * RNG.normal(size=(100, 100)))
    assert h.std() == pytest.approx(wrong.by_spread_and_root(100, 0.03, 3), rel=0.3)
    assert wrong.without_n(100, 0.03, 3) < h.std() / 100
    assert wrong.by_count(100, 0.03, 3) > 100 * h.std()


@pytest.mark.parametrize("shape", [(40, 16, 3, 3), (8, 64, 5, 5)])
def test_first_spread_of_kernels(shape):
    drawn = nn.he_init(shape, seed=0, dtype=np.float64)
    assert drawn.std() == pytest.approx(wrong.he_spread(shape), rel=0.05)
    for other in (wrong.by_kernels, wrong.channels_alone, wrong.he_variance, wrong.xavier_spread):
        assert abs(other(shape) / drawn.std() - 1) > 0.2


def test_batch_norm_of_a_batch():
    one = np.ones(1)
    start = nn.RunningStatistics(np.zeros(1), np.ones(1))
    y, cache = nn.batch_norm_forward(BATCH[:, None], one, 0 * one, start, eps=0.0)
    assert np.allclose(wrong.by_deviation(BATCH), y[:, 0])
    assert np.allclose(wrong.running_right(BATCH, 0.1), np.ravel(cache.running), atol=5e-4)
    for other in (wrong.by_its_variance, wrong.by_range, wrong.by_unbiased):
        assert not np.allclose(other(BATCH), y[:, 0], atol=0.02)
    for other in (wrong.running_biased, wrong.running_other_share, wrong.running_from_zero):
        assert not np.allclose(other(BATCH, 0.1), np.ravel(cache.running), atol=0.01)


def test_back_through_a_batch():
    x, dy, gamma = RNG.normal(2, 3, 7), RNG.normal(size=7), 1.7
    _, cache = nn.batch_norm_forward(x[:, None], np.array([gamma]), np.zeros(1), eps=0.0)
    dx = nn.batch_norm_backward(dy[:, None], cache)[0][:, 0]
    assert np.allclose(wrong.batch_gradient(dy, x, gamma), dx)
    for other in (wrong.both_constant, wrong.deviation_constant, wrong.without_gamma, wrong.sums_for_means):
        assert not np.allclose(other(dy, x, gamma), dx, atol=0.01)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_given_its_luck(training):
    x = RNG.normal(size=9)
    y, _ = nn.dropout_forward(x, 0.4, seed=3, training=training)
    assert np.allclose(wrong.dropped(x, np.random.default_rng(3).random(9), 0.4, training), y)


def test_a_bias_that_is_subtracted_again_grows_without_effect():
    ends = [wrong.bias_under_normalising(steps) for steps in (1, 10, 100)]
    assert [round(bias) for bias, _ in ends] == sorted({round(bias) for bias, _ in ends})
    assert max(abs(change) for _, change in ends) < 1e-9
