"""Every step of a small convolution or pooling, recorded as plain data: what a demo draws, and a reader can follow.

One picture at a time, without a batch axis. The steps come in the order in which a loop would go through them, and the
results of all steps together are those of the layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from coursekit.nn._checks import output_sizes, per_axis

__all__ = ["conv_backward_steps", "conv_steps", "im2col_steps", "plain", "pool_backward_steps", "pool_steps"]

LARGEST = 2000  # steps: a demo of more is no demo


@dataclass(frozen=True)
class ConvStep:
    """One output number: kernel ``map`` at place (row, column), its window's top left corner in the padded input."""

    map: int
    place: tuple[int, int]
    corner: tuple[int, int]  # in the padded input, so subtract the padding for the input's own rows and columns
    patch: np.ndarray  # (C, KH, KW)
    kernel: np.ndarray  # (C, KH, KW)
    products: np.ndarray  # (C, KH, KW)
    sums: np.ndarray  # (C,) products summed for each channel
    bias: float
    value: float  # sums + bias


@dataclass(frozen=True)
class ConvBackwardStep:
    """What one output's gradient adds to the pixels of its window, its kernel and its bias; and the totals so far."""

    map: int
    place: tuple[int, int]
    corner: tuple[int, int]
    dy: float
    to_pixels: np.ndarray  # (C, KH, KW), dy times the kernel
    to_kernel: np.ndarray  # (C, KH, KW), dy times the patch
    dx: np.ndarray  # (C, H, W) so far
    dw: np.ndarray  # (F, C, KH, KW) so far
    db: np.ndarray  # (F,) so far


@dataclass(frozen=True)
class ColumnStep:
    """One column of im2col: the window at this place, stretched out."""

    column: int
    place: tuple[int, int]
    corner: tuple[int, int]
    values: np.ndarray  # (C * KH * KW,)


@dataclass(frozen=True)
class PoolStep:
    """One output of max pooling: the window and its winner, the first where there are several."""

    channel: int
    place: tuple[int, int]
    corner: tuple[int, int]
    patch: np.ndarray  # (KH, KW), -inf where there is padding
    winner: tuple[int, int]  # inside the patch
    value: float


@dataclass(frozen=True)
class PoolBackwardStep:
    """Where one output's gradient goes, and the totals so far; where windows overlap they add up."""

    channel: int
    place: tuple[int, int]
    pixel: tuple[int, int]  # of the input, or outside it where the winner is padding
    dy: float
    dx: np.ndarray  # (C, H, W) so far


def conv_steps(x, w, b=None, *, stride=1, padding=0) -> list[ConvStep]:
    """Record the forward pass of a convolution.

    Parameters
    ----------
    x : array_like of shape (C, H, W)
    w : array_like of shape (F, C, KH, KW)
    b : array_like of shape (F,), optional
        Zeros if not given.
    stride, padding : int or (int, int)

    Returns
    -------
    steps : list of ConvStep
        Map by map, row by row, column by column. What the stride leaves over at the end is dropped.

    Raises
    ------
    ValueError
        If shapes disagree, the kernel does not fit, or there are more than 2,000 steps.
    """
    x, w, b = _conv_arrays(x, w, b)
    steps = []
    for place, corner, patch in _windows(x, w.shape[2:], stride, padding, count=len(w)):
        for map, kernel in enumerate(w):
            products = patch * kernel
            sums = products.sum(axis=(1, 2))
            steps.append(
                ConvStep(map, place, corner, patch, kernel, products, sums, float(b[map]), float(sums.sum() + b[map]))
            )
    return sorted(steps, key=lambda step: (step.map, step.place))


def conv_backward_steps(dy, x, w, *, stride=1, padding=0) -> list[ConvBackwardStep]:
    """Record the backward pass of a convolution, output by output.

    Parameters
    ----------
    dy : array_like of shape (F, OH, OW)
        Gradient with respect to the output.
    x, w, stride, padding
        As for `conv_steps`.

    Returns
    -------
    steps : list of ConvBackwardStep
        The last one holds the whole gradients.

    Raises
    ------
    ValueError
        If shapes disagree, the kernel does not fit, or there are more than 2,000 steps.
    """
    x, w, _ = _conv_arrays(x, w, None)
    forward = conv_steps(x, w, stride=stride, padding=padding)
    dy = _expect_gradient(dy, (len(w), *(1 + last for last in forward[-1].place)))
    pads = per_axis("padding", padding, 2)
    padded = np.zeros((len(x), *(n + 2 * p for n, p in zip(x.shape[1:], pads, strict=True))))
    inside = (slice(None), *(slice(p, p + n) for n, p in zip(x.shape[1:], pads, strict=True)))
    dw, db, steps = np.zeros_like(w), np.zeros(len(w)), []
    for step in forward:
        gradient = float(dy[step.map, *step.place])
        window = (slice(None), *(slice(c, c + k) for c, k in zip(step.corner, w.shape[2:], strict=True)))
        padded[window] += gradient * step.kernel
        dw[step.map] += gradient * step.patch
        db[step.map] += gradient
        parts = (gradient * step.kernel, gradient * step.patch, padded[inside].copy(), dw.copy(), db.copy())
        steps.append(ConvBackwardStep(step.map, step.place, step.corner, gradient, *parts))
    return steps


def im2col_steps(x, kernel: tuple[int, int], *, stride=1, padding=0) -> list[ColumnStep]:
    """Record how windows become columns of a matrix.

    Parameters
    ----------
    x : array_like of shape (C, H, W)
    kernel : (int, int)
        Height and width of the window.
    stride, padding : int or (int, int)

    Returns
    -------
    steps : list of ColumnStep
        ``np.stack([step.values for step in steps], axis=1)`` is the matrix, shape (C * KH * KW, OH * OW).

    Raises
    ------
    ValueError
        If x has not three axes, the window does not fit, or there are more than 2,000 steps.
    """
    windows = _windows(_expect_axes("x", x, 3, "(C, H, W)"), kernel, stride, padding)
    return [ColumnStep(k, place, corner, patch.ravel()) for k, (place, corner, patch) in enumerate(windows)]


def pool_steps(x, window: tuple[int, int], *, stride=None, padding=0) -> list[PoolStep]:
    """Record the forward pass of max pooling.

    Parameters
    ----------
    x : array_like of shape (C, H, W)
    window : (int, int)
    stride : int or (int, int), optional
        The window's own size if not given.
    padding : int or (int, int)
        Padded with -inf, which never wins against a number.

    Returns
    -------
    steps : list of PoolStep
        Channel by channel, row by row, column by column.

    Raises
    ------
    ValueError
        If x has not three axes, the window does not fit, or there are more than 2,000 steps.
    """
    x = _expect_axes("x", x, 3, "(C, H, W)")
    stride = window if stride is None else stride
    steps = []
    for place, corner, patches in _windows(x, window, stride, padding, count=len(x), fill=-np.inf):
        for channel, patch in enumerate(patches):
            winner = tuple(int(k) for k in np.unravel_index(patch.argmax(), patch.shape))
            steps.append(PoolStep(channel, place, corner, patch, winner, float(patch[winner])))
    return sorted(steps, key=lambda step: (step.channel, step.place))


def pool_backward_steps(dy, x, window: tuple[int, int], *, stride=None, padding=0) -> list[PoolBackwardStep]:
    """Record the backward pass of max pooling: each gradient goes to the pixel that won.

    Parameters
    ----------
    dy : array_like of shape (C, OH, OW)
    x, window, stride, padding
        As for `pool_steps`.

    Returns
    -------
    steps : list of PoolBackwardStep
        The last one holds the whole gradient.

    Raises
    ------
    ValueError
        If shapes disagree, the window does not fit, or there are more than 2,000 steps.
    """
    forward = pool_steps(x, window, stride=stride, padding=padding)
    dx = np.zeros(np.shape(x))
    dy = _expect_gradient(dy, (len(dx), *(1 + last for last in forward[-1].place)))
    pads, steps = per_axis("padding", padding, 2), []
    for step in forward:
        gradient = float(dy[step.channel, *step.place])
        pixel = tuple(c + k - p for c, k, p in zip(step.corner, step.winner, pads, strict=True))
        if all(0 <= at < size for at, size in zip(pixel, dx.shape[1:], strict=True)):
            dx[step.channel, *pixel] += gradient
        steps.append(PoolBackwardStep(step.channel, step.place, pixel, gradient, dx.copy()))
    return steps


def plain(step) -> dict[str, Any]:
    """Make a step plain data, such as JSON takes: arrays as nested lists, places as lists, -inf as None."""
    return {field.name: _plain(getattr(step, field.name)) for field in fields(step)}


def _plain(value):
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if value == -np.inf else value


def _windows(x, kernel, stride, padding, *, count=1, fill=0.0) -> Iterator[tuple[tuple, tuple, np.ndarray]]:
    """Place, corner in the padded input, and patch (C, KH, KW) of each window."""
    kernel, stride = per_axis("kernel", kernel, 2), per_axis("stride", stride, 2)
    pads = per_axis("padding", padding, 2)
    out = output_sizes(x.shape[1:], kernel, stride, pads, "floor")
    if np.prod(out) * count > LARGEST:
        raise ValueError(
            f"{np.prod(out) * count:,} steps would be recorded, at most {LARGEST:,}: take a smaller input."
        )
    padded = np.pad(x, [(0, 0), *((p, p) for p in pads)], constant_values=fill)
    for place in np.ndindex(*out):
        corner = tuple(i * s for i, s in zip(place, stride, strict=True))
        window = tuple(slice(c, c + k) for c, k in zip(corner, kernel, strict=True))
        yield place, corner, padded[:, *window].copy()


def _conv_arrays(x, w, b):
    x, w = _expect_axes("x", x, 3, "(C, H, W)"), _expect_axes("w", w, 4, "(F, C, KH, KW)")
    if w.shape[1] != len(x):
        raise ValueError(
            f"w has shape {w.shape}, x has {x.shape}: a kernel is as deep as its input, so w needs {len(x)}."
        )
    b = np.zeros(len(w)) if b is None else np.asarray(b, dtype=float)
    if b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {b.shape}, expected {w.shape[:1]}: one number for each kernel.")
    return x, w, b


def _expect_axes(name, array, axes, shape):
    array = np.array(array, dtype=float)  # a copy: steps keep what they saw, whatever becomes of the original
    if array.ndim != axes or not array.size:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}, none of them 0: no batch axis here.")
    return array


def _expect_gradient(dy, shape):
    dy = np.asarray(dy, dtype=float)
    if dy.shape != shape:
        raise ValueError(f"dy has shape {dy.shape}, expected {shape}, the shape of the output.")
    return dy
