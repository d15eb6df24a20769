"""Average, L2 and global average pooling: windows that mix their values instead of choosing one.

As for max pooling, the values that one tap of the window sees form a strided view of the input; here the views
are added up.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import expect_gradient, expect_shape, one_float_type
from coursekit.nn.pool import pool_geometry, surround, tap_grids
from coursekit.shapes import Mode

__all__ = [
    "average_pool_backward",
    "average_pool_forward",
    "global_average_pool_backward",
    "global_average_pool_forward",
    "l2_pool_backward",
    "l2_pool_forward",
]


class AverageCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    padded: tuple[int, ...]  # shape of the padded input
    window: tuple[int, ...]
    stride: tuple[int, ...]
    inside: tuple[slice, ...]  # where the input lies in the padded one
    counts: np.ndarray  # (*out): what each window's sum was divided by


class L2Cache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    x: np.ndarray  # (N, C, *padded)
    y: np.ndarray  # (N, C, *out)
    window: tuple[int, ...]
    stride: tuple[int, ...]
    inside: tuple[slice, ...]


def average_pool_forward(
    x: np.ndarray,
    window: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    mode: Mode = "floor",
    count_padding: bool = True,
) -> tuple[np.ndarray, AverageCache]:
    """Replace each window by the mean of its values, in every map by itself.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    window : int or one int per spatial axis
        Size of the window, in pixels.
    stride : int or one int per spatial axis, optional
        The window's size if not given.
    padding : int or one int per spatial axis
        Zeros added at EACH end; fewer than the window has.
    mode : {"floor", "strict", "ceil"}
        As for `max_pool_forward`. The cells where a last window hangs over are never counted.
    count_padding : bool
        Whether the zeros of the padding count as values, which makes the edges darker. True is what PyTorch
        does unless told otherwise (`count_include_pad`).

    Returns
    -------
    y : ndarray of shape (N, C, *out), same dtype
    cache : AverageCache
        For `average_pool_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If the window does not fit, or could lie on padding alone.

    Source: LeCun et al. (1998), "Gradient-based learning applied to document recognition", section II.B.

    >>> average_pool_forward(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0][0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    window, stride, padding, out = pool_geometry(x, window, stride, padding, mode)
    counts = _counts(x.shape[2:], window, stride, padding, out, count_padding).astype(x.dtype)
    x, inside = surround(x, window, stride, padding, out, 0.0)
    taps = tap_grids(window, stride, out)
    y = x[next(taps)].copy(order="K")
    for tap in taps:
        y += x[tap]
    y /= counts
    return y, AverageCache(x.shape, window, stride, inside, counts)


def average_pool_backward(dy: np.ndarray, cache: AverageCache) -> np.ndarray:
    """Spread each gradient evenly over its window; where windows overlap, the shares add up.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *out)
        Gradient with respect to the output of `average_pool_forward`.
    cache : AverageCache
        What `average_pool_forward` returned.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial), same dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    counts = cache.counts  # of x's dtype
    expect_gradient(dy, counts, (*cache.padded[:2], *counts.shape), "average_pool_forward")
    dx, share = np.zeros(cache.padded, dy.dtype), dy / counts
    for tap in tap_grids(cache.window, cache.stride, counts.shape):
        dx[tap] += share
    return dx[:, :, *cache.inside]


def l2_pool_forward(
    x: np.ndarray,
    window: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    mode: Mode = "floor",
) -> tuple[np.ndarray, L2Cache]:
    """Replace each window by its length: the root of the SUM of squares, as PyTorch's `lp_pool2d` with p = 2.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    window, stride, padding, mode
        As for `average_pool_forward`; zeros of the padding add nothing to the sum.

    Returns
    -------
    y : ndarray of shape (N, C, *out), same dtype
    cache : L2Cache
        For `l2_pool_backward`. It refers to x and y, so do not change them before.

    Raises
    ------
    TypeError, ValueError
        As for `average_pool_forward`.

    Source: Hyvarinen & Koster (2007), "Complex cell pooling and the statistics of natural images".

    >>> l2_pool_forward(np.array([[[[3.0, 0.0], [0.0, 4.0]]]]), 2)[0]
    array([[[[5.]]]])
    """
    window, stride, padding, out = pool_geometry(x, window, stride, padding, mode)
    x, inside = surround(x, window, stride, padding, out, 0.0)
    taps = tap_grids(window, stride, out)
    y = x[next(taps)] ** 2
    for tap in taps:
        y += x[tap] ** 2
    np.sqrt(y, out=y)
    return y, L2Cache(x, y, window, stride, inside)


def l2_pool_backward(dy: np.ndarray, cache: L2Cache) -> np.ndarray:
    """Each value gets its share of the window's length: dy * x / y. In a window of zeros that is 0 / 0: it gets 0.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *out)
        Gradient with respect to the output of `l2_pool_forward`.
    cache : L2Cache
        What `l2_pool_forward` returned.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial), same dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    x, y = cache.x, cache.y
    expect_gradient(dy, x, y.shape, "l2_pool_forward")
    dx = np.zeros_like(x)
    per_length = np.divide(dy, y, out=np.zeros_like(y), where=y > 0)  # (N, C, *out)
    for tap in tap_grids(cache.window, cache.stride, y.shape[2:]):
        dx[tap] += per_length * x[tap]
    return dx[:, :, *cache.inside]


def global_average_pool_forward(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Replace each map by its mean: one number per channel, whatever the size of the image.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64

    Returns
    -------
    y : ndarray of shape (N, C), same dtype
    cache : tuple of int
        The shape of x; for `global_average_pool_backward`.

    Raises
    ------
    TypeError, ValueError
        If x is not float32 or float64, has no spatial axes, or maps of no pixels.

    Source: Lin, Chen & Yan (2014), "Network in network", section 3.2.

    >>> global_average_pool_forward(np.arange(8.0).reshape(1, 2, 2, 2))[0]
    array([[1.5, 5.5]])
    """
    one_float_type(x=x)
    if x.ndim < 3 or 0 in x.shape[2:]:
        raise ValueError(f"x has shape {x.shape}, expected (N, C, *spatial) with one pixel or more in each map.")
    return x.mean(axis=tuple(range(2, x.ndim))), x.shape


def global_average_pool_backward(dy: np.ndarray, cache: tuple[int, ...]) -> np.ndarray:
    """Spread each gradient evenly over its map.

    Parameters
    ----------
    dy : ndarray of shape (N, C)
        Gradient with respect to the output of `global_average_pool_forward`.
    cache : tuple of int
        What `global_average_pool_forward` returned.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial), same dtype

    Raises
    ------
    TypeError, ValueError
        If dy is not float32 or float64, or not of the output's shape.
    """
    one_float_type(dy=dy)
    expect_shape("dy", dy, cache[:2], "the shape of global_average_pool_forward's output")
    pixels = prod(cache[2:])
    dx = np.empty(cache, dy.dtype)
    dx[...] = (dy / pixels).reshape(*dy.shape, *(1 for _ in cache[2:]))
    return dx


def _counts(spatial, window, stride, padding, out, count_padding):
    """How many cells each window counts, (*out): a product of one number per axis."""
    counts = np.ones(())
    for size, taps, step, pad, places in zip(spatial, window, stride, padding, out, strict=True):
        first, last = (0, size + 2 * pad) if count_padding else (pad, pad + size)  # the cells that count
        starts = np.arange(places) * step
        along = np.minimum(starts + taps, last) - np.maximum(starts, first)
        counts = counts[..., None] * along
    return counts
