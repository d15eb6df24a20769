"""Transposed convolution: the backward pass of a convolution, used forward, to make maps larger.

A convolution is linear, a matrix with one row per output. Its backward pass multiplies by the transposed matrix: every
number lays a copy of the kernel, times itself, on the larger map, `stride` pixels apart; where copies overlap they add
up. It has the shapes of an inverse but is none ("deconvolution" is a misnomer).
"""

from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import (
    axis_names,
    check_groups,
    expect_batch,
    expect_gradient,
    expect_shape,
    one_float_type,
    steps_per_axis,
    whole_per_axis,
)
from coursekit.nn.conv import ConvCache
from coursekit.nn.ways import gradients, outputs

__all__ = ["conv_transpose_backward", "conv_transpose_forward"]


class TransposedCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    x: np.ndarray  # (N, C, *spatial)
    conv: ConvCache  # the convolution that goes the other way; its x has y's shape and no contents
    bias: bool


def conv_transpose_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    output_padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> tuple[np.ndarray, TransposedCache]:
    """Lay the kernels on a larger map, each times the number it belongs to, and add up.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    w : ndarray of shape (C, F / groups, *kernel), same dtype
        The kernels of the convolution from F to C channels whose transpose this is: channels first, as in PyTorch.
    b : ndarray of shape (F,), same dtype, optional
        Added to every place of its map.
    stride, padding, dilation : int or one int per spatial axis
        Those of the convolution: step on the larger map; pixels cut off at EACH end; step between taps.
    output_padding : int or one int per spatial axis
        Pixels added at the end only: a strided convolution makes one size of several, and this says which one to
        go back to. Fewer than the stride, or than the dilation if that is larger, as in PyTorch.
    groups : int
        Of channels, as in `conv_forward`.

    Returns
    -------
    y : ndarray of shape (N, F, *out), same dtype
        out = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + output_padding along each axis.
    cache : TransposedCache
        For `conv_transpose_backward`. It refers to x and w, so do not change them before.

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If shapes disagree or nothing is left of the output.

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", section 4.

    >>> x, w = np.array([[[1.0, 10.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    >>> y, cache = conv_transpose_forward(x, w, stride=2)
    >>> y[0, 0]      # 1 2 3 and, two further, 10 20 30
    array([ 1.,  2., 13., 20., 30.])
    """
    steps, out = _geometry(x, w, b, stride, padding, output_padding, dilation, groups)
    canvas = np.broadcast_to(x.dtype.type(0), (len(x), w.shape[1] * groups, *out))  # a shape, no memory
    cache = TransposedCache(x, ConvCache(canvas, w, *steps, groups, x.shape[2:], False), b is not None)
    y, _ = gradients(np.moveaxis(x, 1, -1), cache.conv, kernel_grad=False)  # (N, *out, F)
    if b is not None:
        y += b
    return np.moveaxis(y, -1, 1), cache


def conv_transpose_backward(
    dy: np.ndarray, cache: TransposedCache, *, input_grad: bool = True
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray | None]:
    """Gradients of the loss with respect to input, kernels and bias: transposed twice, dx is a convolution.

    Parameters
    ----------
    dy : ndarray of shape (N, F, *out)
        Gradient with respect to the output of `conv_transpose_forward`.
    cache : TransposedCache
        What `conv_transpose_forward` returned.
    input_grad : bool
        False where nobody needs dx: it is None then.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial) or None
    dw : ndarray of shape (C, F / groups, *kernel)
    db : ndarray of shape (F,), or None if there was no bias

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache.x, cache.conv.x.shape, "conv_transpose_forward")
    conv = cache.conv._replace(x=dy)
    dx = np.moveaxis(outputs(conv), -1, 1) if input_grad else None
    _, dw = gradients(np.moveaxis(cache.x, 1, -1), conv, input_grad=False)
    return dx, dw, dy.sum(axis=(0, *range(2, dy.ndim))) if cache.bias else None


def _geometry(x, w, b, stride, padding, output_padding, dilation, groups):
    """Check the arguments; return (stride, padding, dilation) per axis, and the output's spatial shape."""
    one_float_type(x=x, w=w, b=b)
    expect_batch(x)
    if w.ndim != x.ndim or len(w) != x.shape[1]:
        wanted = ", ".join([str(x.shape[1]), "F", *("K" + axis[0].upper() for axis in axis_names(x.ndim - 2))])
        raise ValueError(f"w has shape {w.shape}, expected ({wanted}): x has shape {x.shape}. If w is made for "
                         "conv_forward, use w.swapaxes(0, 1).")  # fmt: skip
    if 0 in w.shape:
        raise ValueError(f"w has shape {w.shape}, expected at least one channel, one kernel and one tap.")
    check_groups(groups, x.shape[1], "channels of x")
    if b is not None:
        expect_shape("b", b, (w.shape[1] * groups,), "one number per map of the output")
    axes = x.ndim - 2
    steps = steps_per_axis(stride, padding, dilation, axes)
    extra = whole_per_axis("output_padding", output_padding, axes, 0)
    numbers = zip(axis_names(axes), x.shape[2:], w.shape[2:], *steps, extra, strict=True)
    return steps, tuple(_output_size(*along) for along in numbers)


def _output_size(axis, size, kernel, stride, padding, dilation, extra):
    """Size of the larger map along one axis."""
    if extra >= max(stride, dilation):
        raise ValueError(
            f"along the {axis}: output_padding is {extra}, expected less than the larger of stride, {stride}, and "
            f"dilation, {dilation}: use 0 to {max(stride, dilation) - 1}."
        )
    out = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + extra
    if out < 1 or size < 1:
        raise ValueError(
            f"along the {axis}: input size {size}, kernel {kernel}, stride {stride}, padding {padding} leave an output "
            f"of {out} pixels: expected 1 or more. Use less padding."
        )
    return out
