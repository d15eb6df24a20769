"""Fractional max pooling: cells of 1 or 2 pixels, laid out at random, shrink an image by less than two.

Max pooling with windows of 2 halves an image each time. If some cells are 1 pixel wide and others 2, it shrinks
by any ratio between 1 and 2. Every random layout sees the image a little differently: average the predictions
over several of them at test time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import axis_names, expect_batch, expect_gradient, one_float_type, whole_per_axis
from coursekit.nn.pool import first_winners

__all__ = ["fractional_edges", "fractional_max_pool_backward", "fractional_max_pool_forward"]


class FractionalCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    x: np.ndarray  # (N, C, *spatial)
    y: np.ndarray  # (N, C, *out)
    edges: tuple[np.ndarray, ...]  # per spatial axis: where cells begin and end, (out + 1,)
    overlapping: bool


def fractional_edges(size: int, out: int, seed: int | np.random.Generator) -> np.ndarray:
    """Cut `size` pixels into `out` cells of 1 or 2, in random order.

    Parameters
    ----------
    size, out : int
        Pixels, and cells; out <= size <= 2 * out.
    seed : int or Generator
        Draws the order.

    Returns
    -------
    edges : ndarray of shape (out + 1,), int64
        From 0 to size; cell i holds the pixels edges[i] to edges[i + 1] - 1.

    Raises
    ------
    ValueError
        If so many cells of 1 or 2 pixels cannot make up the size.

    Source: Graham (2014), "Fractional max-pooling", section 2 (the "random" sequences).

    >>> fractional_edges(5, 3, seed=0)      # cells of 1, 2 and 2 pixels
    array([0, 1, 3, 5])
    """
    if not 1 <= out <= size <= 2 * out:
        raise ValueError(
            f"{size} pixels cannot be cut into {out} cells of 1 or 2: use {-(-size // 2)} to {size} cells."
        )
    widths = np.repeat([2, 1], [size - out, 2 * out - size])
    return np.concatenate([[0], np.cumsum(np.random.default_rng(seed).permutation(widths))])


def fractional_max_pool_forward(
    x: np.ndarray, out: int | tuple[int, ...], seed: int | np.random.Generator, *, overlapping: bool = False
) -> tuple[np.ndarray, FractionalCache]:
    """Keep the largest value of each cell of a random grid, the same grid for all images and maps.

    PyTorch's `fractional_max_pool2d` has windows of ONE size at random starts instead, so the two do not agree.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float32 or float64
        One, two or three spatial axes (or more).
    out : int or one int per spatial axis
        Size of the output: from half the input's size to all of it.
    seed : int or Generator
        Draws the grid. Pass a Generator for another grid each time.
    overlapping : bool
        Whether each cell also looks at the first pixel of the next, as the paper found better.

    Returns
    -------
    y : ndarray of shape (N, C, *out), same dtype
    cache : FractionalCache
        For `fractional_max_pool_backward`. It refers to x and y, so do not change them before.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If x has no spatial axes, or the output does not fit.

    Source: Graham (2014), "Fractional max-pooling", section 2.

    >>> fractional_max_pool_forward(np.arange(5.0).reshape(1, 1, 5), 3, seed=0)[0]
    array([[[0., 2., 4.]]])
    """
    one_float_type(x=x)
    expect_batch(x)
    rng = np.random.default_rng(seed)
    edges = tuple(_edges(axis, x.ndim - 2, *sizes, rng) for axis, sizes in enumerate(_sizes(x, out)))
    taps = _taps(edges, overlapping)
    y = x[next(taps)]  # a copy
    for tap in taps:
        np.maximum(y, x[tap], out=y)
    return y, FractionalCache(x, y, edges, overlapping)


def fractional_max_pool_backward(dy: np.ndarray, cache: FractionalCache) -> np.ndarray:
    """Hand each gradient to the value that won its cell, to the first one where several are equal.

    Parameters
    ----------
    dy : ndarray of shape (N, C, *out)
        Gradient with respect to the output of `fractional_max_pool_forward`.
    cache : FractionalCache
        What `fractional_max_pool_forward` returned.

    Returns
    -------
    dx : ndarray of shape (N, C, *spatial), same dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    x, y = cache.x, cache.y
    expect_gradient(dy, x, y.shape, "fractional_max_pool_forward")
    dx = np.zeros_like(x)
    for tap, wins in first_winners(x, y, _taps(cache.edges, cache.overlapping)):
        np.add.at(dx, tap, dy * wins)  # unlike +=, adds twice where the last two cells share a pixel
    return dx


def _sizes(x, out):
    """(size, out) for each spatial axis."""
    return zip(x.shape[2:], whole_per_axis("out", out, x.ndim - 2, 1), strict=True)


def _edges(axis, axes, size, out, rng):
    try:
        return fractional_edges(size, out, rng)
    except ValueError as error:
        raise ValueError(f"along the {axis_names(axes)[axis]}: {error}") from None


def _taps(edges, overlapping) -> Iterator[tuple]:
    """Index arrays for each tap of the cells; a tap beyond the end of its cell stays on the cell's last pixel."""
    last = [np.minimum(e[1:], e[-1] - 1) if overlapping else e[1:] - 1 for e in edges]
    for tap in np.ndindex((3 if overlapping else 2,) * len(edges)):
        rows = (np.minimum(e[:-1] + k, end) for e, k, end in zip(edges, tap, last, strict=True))
        yield (slice(None), slice(None), *np.ix_(*rows))
