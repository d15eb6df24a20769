"""What chapter 3 calls right agrees with the layers, and what it calls wrong does not."""

import numpy as np
import pytest

from coursekit import nn
from coursekit.misconceptions import pooling
from coursekit.shapes import output_size

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (2, 1), (3, 3)])
def test_max_pooling_is_that_of_the_layer(window, stride):
    x = RNG.normal(size=(6, 6))  # half of the values are negative
    y, _ = nn.max_pool_forward(x[None, None], window, stride=stride)
    np.testing.assert_array_equal(pooling.max_pool(x, window, stride), y[0, 0])
    sides = [output_size(6, window, stride, mode="floor")] * 2
    assert pooling.pooled_volume((4, 6, 6), window, stride) == (4, *sides)
    for wrong in (pooling.mean_pool, pooling.first_of_window, pooling.lost_last_window):
        assert not np.array_equal(wrong(x, window, stride), y[0, 0])


def test_padding_of_max_pooling_never_wins():
    x = -RNG.uniform(1, 2, size=(5, 5))
    y, _ = nn.max_pool_forward(x[None, None], 3, stride=2, padding=1)
    np.testing.assert_array_equal(pooling.padded_max_pool(x, 3, 2, 1), y[0, 0])
    assert (pooling.zeros_that_win(x, 3, 2, 1) == 0).any()
    assert (y < 0).all()


def test_slopes_in_a_chain_are_multiplied():
    _, cache = nn.sigmoid_forward(np.zeros(1))
    slope = nn.sigmoid_backward(np.ones(1), cache)
    for _ in range(3):
        slope = nn.sigmoid_backward(slope, cache)
    assert slope == pooling.product_of_slopes(0.25, 4) != pooling.sum_of_slopes(0.25, 4)
