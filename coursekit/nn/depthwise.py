"""Depthwise convolution: every channel has kernels of its own, and sees no other channel.

Nothing is summed over channels, so there is no matrix product to be had. Instead, tap by tap: all pixels that a tap
sees, times the tap, added to the outputs. (The ordinary convolution could be done so too, but would touch its output
once per tap for each channel.)
"""

from math import prod

import numpy as np

from coursekit.nn._taps import meeting, pieces

__all__ = ["backward", "forward"]

SCRATCH_BYTES = 2**20  # the products of one tap


def forward(cache):
    """Convolve each channel of cache.x with its own kernels: y of shape (N, *out, F), without the bias."""
    x, taps = np.moveaxis(cache.x, 1, -1), _taps(cache)
    y = np.zeros((len(x), *cache.out, *taps.shape[-2:]), x.dtype)  # (N, *out, C, F / C)
    for tap, places, pixels in _meetings(cache):
        y[places] += x[pixels][..., None] * taps[tap]
    return y.reshape(*y.shape[:-2], len(cache.w))


def backward(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, *out, F): dx (N, *spatial, C) and dw as w, None where not wanted."""
    x, taps = np.moveaxis(cache.x, 1, -1), _taps(cache)
    dy = dy.reshape(*dy.shape[:-1], *taps.shape[-2:])
    dx, dtaps = np.zeros(x.shape, dy.dtype), np.zeros_like(taps)
    for tap, places, pixels in _meetings(cache):
        if input_grad:
            dx[pixels] += (dy[places] * taps[tap]).sum(axis=-1)
        if kernel_grad:
            products = (dy[places] * x[pixels][..., None]).reshape(-1, taps[tap].size)
            dtaps[tap] += (np.ones(len(products), x.dtype) @ products).reshape(taps[tap].shape)
    dw = np.moveaxis(dtaps.reshape(*cache.w.shape[2:], len(cache.w)), -1, 0)[:, None]
    return dx if input_grad else None, np.ascontiguousarray(dw) if kernel_grad else None


def _taps(cache):
    """(F, 1, *kernel) -> (*kernel, C, F / C)."""
    taps = np.moveaxis(cache.w[:, 0], 0, -1)
    return np.ascontiguousarray(taps.reshape(*cache.w.shape[2:], cache.groups, -1))


def _meetings(cache):
    """Yield each tap with the places (an index into y) and the pixels (an index into x) that it joins."""
    row_bytes = prod(cache.out[1:]) * len(cache.w) * cache.x.itemsize
    for images, rows in pieces(len(cache.x), cache.out[0], row_bytes, SCRATCH_BYTES):
        for tap in np.ndindex(cache.w.shape[2:]):
            ends = [(rows.start, rows.stop), *((0, size) for size in cache.out[1:])]
            slices = [meeting(cache, axis, k, *ends[axis]) for axis, k in enumerate(tap)]
            below = slice(rows.start + slices[0][0].start, rows.start + slices[0][0].stop)
            yield tap, (images, below, *(s[0] for s in slices[1:])), (images, *(s[1] for s in slices))
