"""Convolution by im2col, the way to understand the faster ones: every window becomes one row of a matrix.

One matrix product with the kernels then does all places of all images at once. That matrix repeats each pixel once
per kernel tap, so the work is cut into pieces, some images or some rows of one image, to keep it small.
Any stride, padding and dilation will do.

Source: Chellapilla, Puri & Simard (2006), "High performance convolutional neural networks for document processing".
"""

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.nn._checks import SCRATCH_BYTES
from coursekit.nn._taps import pieces

__all__ = ["backward", "forward"]


def forward(cache):
    """Convolve cache.x with cache.w: y of shape (N, *out, F), without the bias."""
    kernels = as_columns(cache.w)  # (*kernel * C, F)
    y = np.empty((len(cache.x), *cache.out, len(cache.w)), cache.x.dtype)
    for piece in window_pieces(cache):
        y[piece] = (im2col(cache, piece) @ kernels).reshape(y[piece].shape)
    return y


def backward(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, *out, F): dx (N, *spatial, C) and dw as w, None where not wanted."""
    x, w = cache.x, cache.w
    kernels = as_columns(w)  # (*kernel * C, F)
    dkernels = np.zeros_like(kernels)
    dx = np.zeros((len(x), *x.shape[2:], x.shape[1]), x.dtype) if input_grad else None
    for piece in window_pieces(cache):
        rows = dy[piece].reshape(-1, len(w))  # (n * out, F)
        if kernel_grad:
            dkernels += im2col(cache, piece).T @ rows
        if input_grad:
            col2im(dx, rows @ kernels.T, cache, piece)
    dw = dkernels.reshape(*w.shape[2:], w.shape[1], len(w))  # (*kernel, C, F)
    return dx, np.ascontiguousarray(np.moveaxis(dw, (-1, -2), (0, 1))) if kernel_grad else None


def window_pieces(cache):
    """Pieces (images, output rows) whose windows fit into scratch memory together."""
    row_bytes = prod(cache.out[1:]) * prod(cache.w.shape[1:]) * cache.x.itemsize  # windows of one output row
    return pieces(len(cache.x), cache.out[0], row_bytes, SCRATCH_BYTES)


def as_columns(w):
    """(F, C, *kernel) -> (*kernel * C, F): one column per kernel, channels last."""
    return np.moveaxis(w, (0, 1), (-1, -2)).reshape(prod(w.shape[1:]), len(w))


def _spans(cache):
    """Along each axis the pixels from the first tap to the last, dilation included."""
    return tuple(d * (k - 1) + 1 for d, k in zip(cache.dilation, cache.w.shape[2:], strict=True))


def _reach(cache, rows):
    """Which input rows the given output rows look at, and how many rows of zeros above and below."""
    height, stride, padding = cache.x.shape[2], cache.stride[0], cache.padding[0]
    top, length = rows.start * stride - padding, (rows.stop - rows.start - 1) * stride + _spans(cache)[0]
    inside = slice(min(max(top, 0), height), min(max(top + length, 0), height))
    above = min(max(-top, 0), length)
    return inside, (above, length - above - (inside.stop - inside.start))


def im2col(cache, piece):
    """The windows of a piece as the rows of a matrix: (n * out, *kernel * C), one row per window."""
    images, rows = piece
    inside, ends = _reach(cache, rows)
    pads = [ends, *((p, p) for p in cache.padding[1:])]
    x = np.moveaxis(cache.x[images, :, inside], 1, -1)  # (n, *spatial, C)
    if any(map(any, pads)):
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    spans = _spans(cache)
    windows = sliding_window_view(x, spans, tuple(range(1, 1 + len(spans))))  # (n, *places, C, *spans), a view
    out = (rows.stop - rows.start, *cache.out[1:])  # a transposed convolution's map may have room for more
    places = [slice(0, s * (o - 1) + 1, s) for s, o in zip(cache.stride, out, strict=True)]
    windows = windows[:, *places, :, *(slice(None, None, d) for d in cache.dilation)]  # (n, *out, C, *kernel)
    windows = np.moveaxis(windows, 1 + len(spans), -1)  # (n, *out, *kernel, C)
    return windows.reshape(prod(windows.shape[: 1 + len(spans)]), prod(cache.w.shape[1:]))  # the copy


def col2im(dx, dwindows, cache, piece):
    """The way back: add the gradient of every window of a piece to the pixels it looked at, in dx (N, *spatial, C)."""
    images, rows = piece
    inside, ends = _reach(cache, rows)
    kernel, channels = cache.w.shape[2:], cache.w.shape[1]
    out = (rows.stop - rows.start, *cache.out[1:])
    dwindows = dwindows.reshape(-1, *out, *kernel, channels)
    pads = [ends, *((p, p) for p in cache.padding[1:])]
    spatial = dx[images, inside].shape[1:-1]
    padded = np.zeros(
        (len(dwindows), *(size + sum(p) for size, p in zip(spatial, pads, strict=True)), channels), dx.dtype
    )
    for tap in np.ndindex(kernel):  # each tap saw a grid of pixels, `stride` apart
        steps = zip(tap, cache.dilation, cache.stride, out, strict=True)
        grid = (slice(k * d, k * d + s * (o - 1) + 1, s) for k, d, s, o in steps)
        padded[:, *grid] += dwindows[:, *(slice(None) for _ in tap), *tap]
    within = (slice(p[0], p[0] + size) for p, size in zip(pads, spatial, strict=True))
    dx[images, inside] += padded[:, *within]
