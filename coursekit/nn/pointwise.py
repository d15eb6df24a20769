"""Convolution with kernels of one pixel: a matrix product of the maps as they lie.

Channels last, N images of any shape are one matrix (all their pixels, C). Maps that lie otherwise in memory are copied,
a piece at a time.
"""

from math import prod

import numpy as np

from coursekit.nn._checks import SCRATCH_BYTES
from coursekit.nn._taps import pieces

__all__ = ["backward", "forward"]


def forward(cache):
    """Mix the channels of every pixel: y of shape (N, *out, F), without the bias."""
    x, w = np.moveaxis(cache.x, 1, -1), cache.w.reshape(cache.w.shape[:2])
    y = np.empty((*x.shape[:-1], len(w)), x.dtype)
    for piece in _pieces(x, y):
        np.matmul(_pixels(x[piece]), w.T, out=_pixels(y[piece]))
    return y


def backward(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, *out, F): dx (N, *spatial, C) and dw as w, None where not wanted."""
    x, w = np.moveaxis(cache.x, 1, -1), cache.w.reshape(cache.w.shape[:2])
    dx = np.empty(x.shape, x.dtype) if input_grad else None
    dw = np.zeros(w.shape, w.dtype) if kernel_grad else None
    for piece in _pieces(x, dy):
        rows = _pixels(dy[piece])  # (pixels, F)
        if input_grad:
            np.matmul(rows, w, out=_pixels(dx[piece]))
        if kernel_grad:
            dw += rows.T @ _pixels(x[piece])
    return dx, dw.reshape(cache.w.shape) if kernel_grad else None


def _pieces(x, y):
    """Pieces (images, rows) of x and y that fit into scratch memory together."""
    return pieces(*x.shape[:2], prod(x.shape[2:-1]) * (x.shape[-1] + y.shape[-1]) * x.itemsize, SCRATCH_BYTES)


def _pixels(maps):
    """(n, *spatial, C) -> (pixels, C): a view if the channels come last in memory."""
    return maps.reshape(-1, maps.shape[-1])
