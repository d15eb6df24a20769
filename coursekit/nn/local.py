"""Locally connected layer: windows as in a convolution, but every place has kernels of its own.

Nothing is shared, so a pattern learned at one place is not known at the next, and the parameters multiply by the number
of places. Where parts of the image mean different things (eyes above, mouth below) that can be worth it.
"""

from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import (
    axis_names,
    expect_batch,
    expect_gradient,
    expect_shape,
    one_float_type,
    output_sizes,
    steps_per_axis,
)
from coursekit.nn.conv import ConvCache
from coursekit.nn.windows import col2im, im2col, window_pieces
from coursekit.shapes import Mode

__all__ = ["locally_connected_backward", "locally_connected_forward"]


class LocalCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    w: np.ndarray  # (F, C, *out, *kernel)
    conv: ConvCache  # the convolution with the same windows; its w is that of one place
    bias: bool


def locally_connected_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    mode: Mode = "floor",
) -> tuple[np.ndarray, LocalCache]:
    """Multiply every window with the kernels of its place, and sum.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    w : ndarray of shape (F, C, *out, *kernel), same dtype
        F kernels for each place of the output.
    b : ndarray of shape (F, *out), same dtype, optional
        One number for each output.
    stride, padding, dilation, mode
        As for `conv_forward`.

    Returns
    -------
    y : ndarray of shape (N, F, *out), same dtype
    cache : LocalCache
        For `locally_connected_backward`. It refers to x and w, so do not change them before.

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If shapes disagree or the kernel does not fit.

    Source: Taigman et al. (2014), "DeepFace: closing the gap to human-level performance in face verification",
    section 2.2.

    >>> x, w = np.array([[[1.0, 2.0, 3.0]]]), np.array([[[[1.0, 1.0], [10.0, 10.0]]]])
    >>> locally_connected_forward(x, w)[0]       # 1 + 2 at the first place, 10 * (2 + 3) at the second
    array([[[ 3., 50.]]])
    """
    cache = LocalCache(w, _geometry(x, w, b, stride, padding, dilation, mode), b is not None)
    kernels = _by_place(cache)  # (*out, K, F)
    y = np.empty((len(x), *cache.conv.out, len(w)), x.dtype)
    for images, rows in window_pieces(cache.conv):
        windows = _windows(cache, (images, rows))  # (*out, n, K)
        y[images, rows] = np.moveaxis(windows @ kernels[rows], -2, 0)
    if b is not None:
        y += np.moveaxis(b, 0, -1)
    return np.moveaxis(y, -1, 1), cache


def locally_connected_backward(
    dy: np.ndarray, cache: LocalCache, *, input_grad: bool = True
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray | None]:
    """Gradients of the loss with respect to input, kernels and bias: a convolution's, with nothing summed over places.

    Parameters
    ----------
    dy : ndarray of shape (N, F, *out)
        Gradient with respect to the output of `locally_connected_forward`.
    cache : LocalCache
        What `locally_connected_forward` returned.
    input_grad : bool
        False where nobody needs dx: it is None then.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial) or None
    dw : ndarray of shape (F, C, *out, *kernel)
    db : ndarray of shape (F, *out), or None if there was no bias

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    x, w, out = cache.conv.x, cache.w, cache.conv.out
    expect_gradient(dy, x, (len(x), len(w), *out), "locally_connected_forward")
    kernels = _by_place(cache)  # (*out, K, F)
    dkernels = np.zeros_like(kernels)
    dx = np.zeros((len(x), *x.shape[2:], x.shape[1]), x.dtype) if input_grad else None
    for piece in window_pieces(cache.conv):
        rows = np.moveaxis(dy, 1, -1)[piece]  # (n, *out, F)
        by_place = np.moveaxis(rows, 0, -2)  # (*out, n, F)
        dkernels[piece[1]] += _windows(cache, piece).swapaxes(-1, -2) @ by_place
        if input_grad:
            dwindows = by_place @ kernels[piece[1]].swapaxes(-1, -2)  # (*out, n, K)
            col2im(dx, np.moveaxis(dwindows, -2, 0), cache.conv, piece)
    dw = dkernels.reshape(*out, *cache.conv.w.shape[2:], x.shape[1], len(w))
    dw = np.ascontiguousarray(np.moveaxis(dw, (-1, -2), (0, 1)))
    return np.moveaxis(dx, -1, 1) if input_grad else None, dw, dy.sum(axis=0) if cache.bias else None


def _geometry(x, w, b, stride, padding, dilation, mode):
    """Check the arguments; return the convolution with the same windows."""
    one_float_type(x=x, w=w, b=b)
    expect_batch(x)
    axes = x.ndim - 2
    letters = [axis[0].upper() for axis in axis_names(axes)]
    wanted = ", ".join(["F", str(x.shape[1]), *("O" + a for a in letters), *("K" + a for a in letters)])
    if w.ndim != 2 + 2 * axes or w.shape[1] != x.shape[1] or 0 in w.shape[:2]:
        raise ValueError(f"w has shape {w.shape}, expected ({wanted}): x has shape {x.shape}.")
    if mode not in ("floor", "strict"):
        raise ValueError(f'mode is {mode!r}: a locally connected layer knows "floor" and "strict".')
    steps = steps_per_axis(stride, padding, dilation, axes)
    kernel = w.shape[2 + axes :]
    out = output_sizes(x.shape[2:], kernel, steps[0], steps[1], mode, steps[2])
    expect_shape("w", w, (*w.shape[:2], *out, *kernel), f"({wanted}), with kernels for each place of the output")
    if b is not None:
        expect_shape("b", b, (len(w), *out), "one number for each output")
    one_place = w.reshape(*w.shape[:2], -1, *kernel)[:, :, 0]
    return ConvCache(x, one_place, *steps, 1, out, b is not None)


def _by_place(cache):
    """(F, C, *out, *kernel) -> (*out, K, F), K = *kernel * C."""
    w, out = np.moveaxis(cache.w, (0, 1), (-1, -2)), cache.conv.out
    return np.ascontiguousarray(w.reshape(*out, -1, len(cache.w)))


def _windows(cache, piece):
    """The windows of a piece, place by place: (*out, n, K)."""
    images, rows = piece
    windows = im2col(cache.conv, piece)
    n = len(cache.conv.x[images])
    return np.moveaxis(windows.reshape(n, rows.stop - rows.start, *cache.conv.out[1:], windows.shape[-1]), 0, -2)
