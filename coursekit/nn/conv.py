"""The convolutional layer, forward and backward, over any number of spatial axes.

As everywhere in deep learning the "convolution" is a cross-correlation: the kernel is not turned.

Here is the contract: what goes in, what comes out, what is refused. How it is computed is told in `windows` (im2col,
the one to read first), `strips` (the fast one) and their neighbours; `ways` chooses.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import (
    SCRATCH_BYTES,
    axis_names,
    check_groups,
    expect_batch,
    expect_gradient,
    expect_shape,
    one_float_type,
    output_sizes,
    steps_per_axis,
)
from coursekit.nn._taps import pieces
from coursekit.nn.ways import gradients, outputs
from coursekit.shapes import Mode

__all__ = ["conv_backward", "conv_forward"]


class ConvCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    x: np.ndarray  # (N, C, *spatial)
    w: np.ndarray  # (F, C / groups, *kernel)
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    out: tuple[int, ...]  # spatial shape of the output
    bias: bool


def conv_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    mode: Mode = "floor",
) -> tuple[np.ndarray, ConvCache]:
    """Slide F kernels over a batch: one output map per kernel, summed over the input channels.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    w : ndarray of shape (F, C / groups, *kernel), same dtype
        F kernels, each as deep as its group of the input.
    b : ndarray of shape (F,), same dtype, optional
        Added to every place of the map of its kernel.
    stride, padding, dilation : int or one int per spatial axis
        Step between places; zeros added at EACH end; step between the taps of the kernel (1: no gaps).
    groups : int
        Cut channels and kernels into so many groups; each group of kernels sees only its channels.
        As many groups as channels make a depthwise convolution.
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
    stride, padding, dilation, out = geometry(x, w, b, stride, padding, dilation, groups, mode)
    cache = ConvCache(x, w, stride, padding, dilation, groups, out, b is not None)
    y = outputs(cache)  # (N, *out, F): channels last
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
    dw : ndarray of shape (F, C / groups, *kernel)
    db : ndarray of shape (F,), or None if there was no bias

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache.x, (len(cache.x), len(cache.w), *cache.out), "conv_forward")
    dy = np.moveaxis(dy, 1, -1)  # (N, *out, F)
    dx, dw = gradients(dy, cache, input_grad)
    return np.moveaxis(dx, -1, 1) if input_grad else None, dw, _bias_gradient(dy) if cache.bias else None


def _bias_gradient(dy):
    """Sum dy (N, *out, F) over all places. A matrix product does it faster than sum()."""
    db = np.zeros(dy.shape[-1], dy.dtype)
    row_bytes = prod(dy.shape[2:]) * dy.itemsize
    for piece in pieces(*dy.shape[:2], row_bytes, SCRATCH_BYTES):
        rows = dy[piece].reshape(-1, len(db))
        db += np.ones(len(rows), dy.dtype) @ rows
    return db


def geometry(x, w, b, stride, padding, dilation, groups, mode):
    """Check the arguments; return stride, padding and dilation per axis, and the output's spatial shape."""
    one_float_type(x=x, w=w, b=b)
    expect_batch(x)
    check_groups(groups, x.shape[1], "channels of x")
    if w.ndim != x.ndim or w.shape[1] * groups != x.shape[1]:
        depth = x.shape[1] // groups
        wanted = ", ".join(["F", str(depth), *("K" + axis[0].upper() for axis in axis_names(x.ndim - 2))])
        sees = "every channel" if groups == 1 else f"{depth} of {x.shape[1]} channels, with groups={groups}"
        raise ValueError(
            f"w has shape {w.shape}, expected ({wanted}): x has shape {x.shape}, and a kernel sees {sees}."
        )
    if 0 in w.shape[:2]:
        raise ValueError(f"w has shape {w.shape}, expected at least one kernel and one channel.")
    check_groups(groups, len(w), "kernels of w")
    if b is not None:
        expect_shape("b", b, w.shape[:1], "one number per kernel of w")
    if mode not in ("floor", "strict"):
        raise ValueError(f'mode is {mode!r}: a convolution knows "floor" and "strict".')
    stride, padding, dilation = steps_per_axis(stride, padding, dilation, x.ndim - 2)
    return stride, padding, dilation, output_sizes(x.shape[2:], w.shape[2:], stride, padding, mode, dilation)
