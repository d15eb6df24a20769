"""The textbook's im2col: against the loops, and its own adjoint."""

import numpy as np
import pytest

from coursekit.nn.naive import conv2d_naive, conv2d_naive_backward
from coursekit.nn.textbook import col2im, conv2d_textbook, conv2d_textbook_backward, im2col


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_loops(stride, padding, dtype):
    rng = np.random.default_rng(1)
    x, w, b = (rng.normal(size=shape).astype(dtype) for shape in ((2, 3, 7, 8), (4, 3, 3, 2), (4,)))
    y = conv2d_textbook(x, w, b, stride, padding)
    dy = rng.normal(size=y.shape).astype(dtype)
    got = [y, *conv2d_textbook_backward(dy, x, w, stride, padding)]
    wanted = [conv2d_naive(x, w, b, stride, padding), *conv2d_naive_backward(dy, x, w, stride, padding)]
    for mine, naive in zip(got, wanted, strict=True):
        assert mine.dtype == dtype
        assert mine.shape == naive.shape
        assert np.allclose(mine, naive, rtol=0, atol=1e-3 if dtype == np.float32 else 1e-12)


def test_col2im_is_the_adjoint_of_im2col():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2, 3, 6, 7))
    rows = im2col(x, (3, 2), 2, 1)
    other = rng.normal(size=rows.shape)
    assert np.isclose(np.sum(rows * other), np.sum(x * col2im(other, x.shape, (3, 2), 2, 1)))
