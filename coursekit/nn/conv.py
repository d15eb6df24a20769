"""The convolutional layer, forward and backward, over any number of spatial axes.

As everywhere in deep learning the "convolution" is a cross-correlation: the kernel is not turned.

The idea: lay out every window of the input as one row of a matrix (im2col). One matrix product with
the kernels then does all places of all images at once. That matrix repeats each pixel once per kernel tap,
so the work is cut into pieces, some images or some rows of one image, to keep it small.
"""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.nn._checks import SCRATCH_BYTES, axis_names, expect_shape, one_float_type, output_sizes, per_axis
from coursekit.shapes import Mode

__all__ = ["conv_backward", "conv_forward"]


class ConvCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    x: np.ndarray  # (N, C, *spatial)
    w: np.ndarray  # (F, C, *kernel)
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    out: tuple[int, ...]  # spatial shape of the output
    bias: bool


def conv_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    dilation: int = 1,
    groups: int = 1,
    mode: Mode = "floor",
) -> tuple[np.ndarray, ConvCache]:
    """Slide F kernels over a batch: one output map per kernel, summed over the input channels.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    w : ndarray of shape (F, C, *kernel), same dtype
        F kernels, each as deep as the input.
    b : ndarray of shape (F,), same dtype, optional
        Added to every place of the map of its kernel.
    stride, padding : int or one int per spatial axis
        Step between places; zeros added at EACH end.
    dilation, groups : int
        Only 1 so far.
    mode : {"floor", "strict"}
        Drop what the stride leaves over, as PyTorch does, or refuse.

    Returns
    -------
    y : ndarray of shape (N, F, *out), same dtype
        Stored with the channels last, which suits the layers that follow.
    cache : ConvCache
        For `conv_backward`. It refers to x and w, so do not change them before.

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If shapes disagree or the kernel does not fit.

    Source: Chellapilla, Puri & Simard (2006), "High performance convolutional neural networks for
    document processing", section 3.

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> w = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> y, cache = conv_forward(x, w)
    >>> y[0, 0]
    array([[19., 25.],
           [37., 43.]])
    """
    stride, padding, out = _geometry(x, w, b, stride, padding, dilation, groups, mode)
    cache = ConvCache(x, w, stride, padding, out, b is not None)
    kernels = _as_columns(w)  # (*kernel * C, F)
    y = np.empty((len(x), *out, len(w)), x.dtype)  # channels last
    for piece in _pieces(cache):
        y[piece] = (_windows(cache, piece) @ kernels).reshape(y[piece].shape)
    if b is not None:
        y += b
    return np.moveaxis(y, -1, 1), cache


def conv_backward(
    dy: np.ndarray, cache: ConvCache, *, input_grad: bool = True
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray | None]:
    """Gradients of the loss with respect to input, kernels and bias.

    Each output is a sum of products, so each factor receives dy times the other factor:
    a kernel tap the pixels it met, a pixel the taps it met, added up over all meetings.

    Parameters
    ----------
    dy : ndarray of shape (N, F, *out)
        Gradient with respect to the output of `conv_forward`.
    cache : ConvCache
        What `conv_forward` returned.
    input_grad : bool
        False for a first layer, where nobody needs dx: it is None then.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial) or None
    dw : ndarray of shape (F, C, *kernel)
    db : ndarray of shape (F,), or None if there was no bias

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    x, w = cache.x, cache.w
    one_float_type(dy=dy, x=x)
    expect_shape("dy", dy, (len(x), len(w), *cache.out), "the shape of conv_forward's output")
    kernels = _as_columns(w)  # (*kernel * C, F)
    dkernels = np.zeros_like(kernels)
    db = np.zeros(len(w), w.dtype) if cache.bias else None
    dx = np.zeros((len(x), *x.shape[2:], x.shape[1]), x.dtype) if input_grad else None
    dy = np.moveaxis(dy, 1, -1)  # (N, *out, F)
    for piece in _pieces(cache):
        rows = dy[piece].reshape(-1, len(w))  # (n * out, F)
        dkernels += _windows(cache, piece).T @ rows
        if cache.bias:
            db += np.ones(len(rows), rows.dtype) @ rows  # a sum over places, by a matrix product: faster than sum()
        if input_grad:
            _add_back(dx, rows @ kernels.T, cache, piece)
    dw = dkernels.reshape(*w.shape[2:], w.shape[1], len(w))  # (*kernel, C, F)
    dw = np.ascontiguousarray(np.moveaxis(dw, (-1, -2), (0, 1)))
    return np.moveaxis(dx, -1, 1) if input_grad else None, dw, db


def _geometry(x, w, b, stride, padding, dilation, groups, mode):
    """Check the arguments; return stride and padding per axis, and the output's spatial shape."""
    one_float_type(x=x, w=w, b=b)
    if dilation != 1 or groups != 1:
        raise ValueError(f"dilation={dilation}, groups={groups}: only 1 is there so far. torch.nn.functional has both.")
    if x.ndim < 3:
        raise ValueError(f"x has shape {x.shape}, expected (N, C, *spatial): add axes by x[None, None] for one image.")
    if w.ndim != x.ndim or w.shape[1] != x.shape[1]:
        wanted = ", ".join(["F", str(x.shape[1]), *("K" + axis[0].upper() for axis in axis_names(x.ndim - 2))])
        raise ValueError(
            f"w has shape {w.shape}, expected ({wanted}): x has shape {x.shape}, and a kernel sees every channel."
        )
    if 0 in w.shape[:2]:
        raise ValueError(f"w has shape {w.shape}, expected at least one kernel and one channel.")
    if b is not None:
        expect_shape("b", b, w.shape[:1], "one number per kernel of w")
    if mode not in ("floor", "strict"):
        raise ValueError(f'mode is {mode!r}: a convolution knows "floor" and "strict".')
    stride, padding = per_axis("stride", stride, x.ndim - 2), per_axis("padding", padding, x.ndim - 2)
    return stride, padding, output_sizes(x.shape[2:], w.shape[2:], stride, padding, mode)


def _pieces(cache) -> Iterator[tuple[slice, slice]]:
    """Cut the work into (images, output rows) whose windows fit into scratch memory together."""
    row_bytes = prod(cache.out[1:]) * prod(cache.w.shape[1:]) * cache.x.itemsize  # windows of one output row
    rows = min(cache.out[0], max(1, SCRATCH_BYTES // max(1, row_bytes)))
    images = max(1, SCRATCH_BYTES // max(1, row_bytes * cache.out[0]))
    for first in range(0, len(cache.x), images):
        for top in range(0, cache.out[0], rows):
            yield slice(first, first + images), slice(top, min(top + rows, cache.out[0]))


def _as_columns(w):
    """(F, C, *kernel) -> (*kernel * C, F): one column per kernel, channels last."""
    return np.moveaxis(w, (0, 1), (-1, -2)).reshape(prod(w.shape[1:]), len(w))


def _reach(cache, rows):
    """Which input rows the given output rows look at, and how many rows of zeros above and below."""
    height, kernel, stride, padding = cache.x.shape[2], cache.w.shape[2], cache.stride[0], cache.padding[0]
    top, length = rows.start * stride - padding, (rows.stop - rows.start - 1) * stride + kernel
    inside = slice(min(max(top, 0), height), min(max(top + length, 0), height))
    above = min(max(-top, 0), length)
    return inside, (above, length - above - (inside.stop - inside.start))


def _windows(cache, piece):
    """im2col of a piece: (n * out, *kernel * C), one row per window."""
    images, rows = piece
    inside, ends = _reach(cache, rows)
    pads = [ends, *((p, p) for p in cache.padding[1:])]
    x = np.moveaxis(cache.x[images, :, inside], 1, -1)  # (n, *spatial, C)
    if any(map(any, pads)):
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    kernel = cache.w.shape[2:]
    windows = sliding_window_view(x, kernel, tuple(range(1, 1 + len(kernel))))  # (n, *places, C, *kernel), a view
    windows = windows[:, *(slice(None, None, s) for s in cache.stride)]  # (n, *out, C, *kernel)
    windows = np.moveaxis(windows, 1 + len(kernel), -1)  # (n, *out, *kernel, C)
    return windows.reshape(prod(windows.shape[: 1 + len(kernel)]), prod(cache.w.shape[1:]))  # the copy


def _add_back(dx, dwindows, cache, piece):
    """col2im: add the gradient of every window of a piece to the pixels it looked at, in dx (N, *spatial, C)."""
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
        grid = (slice(k, k + s * (o - 1) + 1, s) for k, s, o in zip(tap, cache.stride, out, strict=True))
        padded[:, *grid] += dwindows[:, *(slice(None) for _ in tap), *tap]
    within = (slice(p[0], p[0] + size) for p, size in zip(pads, spatial, strict=True))
    dx[images, inside] += padded[:, *within]
