"""Affine layers and convolutions turned into each other give the same numbers."""

import numpy as np
import pytest

import coursekit.nn as nn


def test_an_affine_layer_is_a_convolution():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(60, 7)), rng.normal(size=7)
    wanted, _ = nn.affine_forward(x, w, b)
    kernels = nn.affine_to_conv(w, (3, 4, 5))
    got, _ = nn.conv_forward(x, kernels, b)
    assert np.allclose(got[:, :, 0, 0], wanted, rtol=1e-12)
    larger = rng.normal(size=(1, 3, 6, 6))
    maps, _ = nn.conv_forward(larger, kernels, b)
    assert maps.shape == (1, 7, 3, 2)
    crop, _ = nn.affine_forward(larger[:, :, 2:6, 1:6], w, b)
    assert np.allclose(maps[:, :, 2, 1], crop, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, dict(stride=2, padding=1)])
def test_a_convolution_is_an_affine_layer(options):
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
    wanted, _ = nn.conv_forward(x, w, b, **options)
    weights = nn.conv_to_affine(w, (3, 5, 6), **options)
    places = wanted[0, 0].size
    got, _ = nn.affine_forward(x, weights, np.repeat(b, places))
    assert np.allclose(got.reshape(wanted.shape), wanted, rtol=1e-12)
    assert np.mean(weights == 0) > 0.5


def test_messages():
    with pytest.raises(ValueError, match=r"w has shape \(5, 2\), expected \(12, M\): an image of shape \(3, 4\)"):
        nn.affine_to_conv(np.ones((5, 2)), (3, 4))
    with pytest.raises(TypeError, match="w has dtype int64"):
        nn.conv_to_affine(np.ones((1, 1, 2), int), (1, 4))
