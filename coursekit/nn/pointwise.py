"""Convolution with kernels of one pixel: a matrix product of the maps as they lie, without any copy.

Channels last, N images of any shape are one matrix (all their pixels, C).
"""

import numpy as np

__all__ = ["backward", "forward"]


def forward(cache):
    """Mix the channels of every pixel: y of shape (N, *out, F), without the bias."""
    x, w = np.moveaxis(cache.x, 1, -1), cache.w.reshape(cache.w.shape[:2])
    return (x.reshape(-1, x.shape[-1]) @ w.T).reshape(*x.shape[:-1], len(w))


def backward(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, *out, F): dx (N, *spatial, C) and dw as w, None where not wanted."""
    x, w = np.moveaxis(cache.x, 1, -1), cache.w.reshape(cache.w.shape[:2])
    rows = dy.reshape(-1, len(w))
    dx = (rows @ w).reshape(x.shape) if input_grad else None
    return dx, (rows.T @ x.reshape(-1, x.shape[-1])).reshape(cache.w.shape) if kernel_grad else None
