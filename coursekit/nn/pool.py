"""Max pooling, forward and backward, over any number of spatial axes.

Every window has one value for each of its taps. The values that one tap sees in all windows form a grid, a strided
view of the input; the output is the elementwise maximum of these views.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import expect_batch, expect_gradient, one_float_type, output_sizes, whole_per_axis
from coursekit.shapes import Mode

__all__ = ["max_pool_backward", "max_pool_forward"]


class PoolCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    x: np.ndarray  # (N, C, *padded)
    y: np.ndarray  # (N, C, *out)
    window: tuple[int, ...]
    stride: tuple[int, ...]
    inside: tuple[slice, ...]  # where the input lies in the padded one


def max_pool_forward(
    x: np.ndarray,
    window: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    mode: Mode = "floor",
) -> tuple[np.ndarray, PoolCache]:
    """Keep the largest value of each window, in every map by itself.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    window : int or one int per spatial axis
        Size of the window, in pixels.
    stride : int or one int per spatial axis, optional
        The window's size if not given, so that windows touch but do not overlap.
    padding : int or one int per spatial axis
        Cells of minus infinity, which never win, added at EACH end; fewer than the window has.
    mode : {"floor", "strict", "ceil"}
        Drop what the stride leaves over (as PyTorch does), refuse, or let the last window hang over.

    Returns
    -------
    y : ndarray of shape (N, C, *out), same dtype
    cache : PoolCache
        For `max_pool_backward`. It refers to x and y, so do not change them before.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If the window does not fit, or could lie on padding alone.

    >>> y, cache = max_pool_forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    >>> y[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    window, stride, padding, out = pool_geometry(x, window, stride, padding, mode)
    x, inside = surround(x, window, stride, padding, out, -np.inf)
    taps = tap_grids(window, stride, out)
    y = x[next(taps)].copy(order="K")
    for tap in taps:
        np.maximum(y, x[tap], out=y)
    return y, PoolCache(x, y, window, stride, inside)


def max_pool_backward(dy: np.ndarray, cache: PoolCache) -> np.ndarray:
    """Hand each gradient to the value that won its window, to the first one where several are equal.

    Where windows overlap, a value may win several times: its gradients add up.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *out)
        Gradient with respect to the output of `max_pool_forward`.
    cache : PoolCache
        What `max_pool_forward` returned.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial), same dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    x, y, out = cache.x, cache.y, cache.y.shape[2:]
    expect_gradient(dy, x, y.shape, "max_pool_forward")
    gradient = np.empty_like(y)  # dy, laid out in memory as y is: mixed orders are slow
    gradient[...] = dy
    covered = tuple(o * k for o, k in zip(out, cache.window, strict=True))
    tiled = cache.stride == cache.window and covered == x.shape[2:]  # each value in one window, none left out
    dx = np.empty_like(x) if tiled else np.zeros_like(x)
    for tap, wins in first_winners(x, y, tap_grids(cache.window, cache.stride, out)):
        if tiled:
            np.multiply(gradient, wins, out=dx[tap])
        else:
            dx[tap] += gradient * wins
    return dx[:, :, *cache.inside]


def first_winners(x, y, taps) -> Iterator[tuple[tuple, np.ndarray]]:
    """For each tap, its index into x and the windows (N, C, *out) that it wins: it has their largest value y first."""
    taken = np.zeros_like(y, dtype=bool)  # windows whose winner has been found
    for tap in taps:
        wins = x[tap] == y
        np.greater(wins, taken, out=wins)  # wins, and nobody before did
        taken |= wins
        yield tap, wins


def pool_geometry(x, window, stride, padding, mode):
    """Check the arguments of a pooling layer; return window, stride, padding and output size, one per axis."""
    one_float_type(x=x)
    expect_batch(x)
    axes = x.ndim - 2
    window = whole_per_axis("window", window, axes, 1)
    stride = whole_per_axis("stride", window if stride is None else stride, axes, 1)
    padding = whole_per_axis("padding", padding, axes, 0)
    out = output_sizes(x.shape[2:], window, stride, padding, mode, what="window")
    if any(p >= k for p, k in zip(padding, window, strict=True)):
        raise ValueError(f"padding {padding} lets a window {window} lie on padding alone: use less than the window.")
    return window, stride, padding, out


def surround(x, window, stride, padding, out, value):
    """Surround x with a value as far as the windows reach; also say where x lies in the result."""
    spatial = x.shape[2:]
    inside = tuple(slice(p, p + size) for p, size in zip(padding, spatial, strict=True))
    reach = [(o - 1) * s + k for o, s, k in zip(out, stride, window, strict=True)]  # end of the last window
    ends = [(p, max(0, r - p - size)) for p, r, size in zip(padding, reach, spatial, strict=True)]
    if any(map(any, ends)):
        x = np.pad(np.moveaxis(x, 1, -1), [(0, 0), *ends, (0, 0)], constant_values=value)  # channels last
        x = np.moveaxis(x, -1, 1)
    return x, inside


def tap_grids(window, stride, out) -> Iterator[tuple[slice, ...]]:
    """For each tap of the window an index: x[tap] is what it sees in all windows, a view of shape (N, C, *out)."""
    for tap in np.ndindex(window):
        grid = (slice(k, k + s * (o - 1) + 1, s) for k, s, o in zip(tap, stride, out, strict=True))
        yield slice(None), slice(None), *grid
