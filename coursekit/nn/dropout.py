"""Dropout: in training, switch off a random part of the units at each step."""

from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import expect_gradient, one_float_type

__all__ = ["dropout_backward", "dropout_forward", "expect_rate"]


class DropoutCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    factor: np.ndarray | None  # of x's shape: 0 or 1 / (1 - rate); None where nothing was dropped
    shape: tuple[int, ...]


def dropout_forward(
    x: np.ndarray, rate: float, seed: int | np.random.Generator, *, training: bool = True
) -> tuple[np.ndarray, DropoutCache]:
    """Set a share `rate` of the values to 0 and divide the others by 1 - rate, so that the mean stays.

    This is INVERTED dropout: afterwards, with training=False, x passes as it is. AlexNet and the book by Saito
    scale in use instead (times 1 - rate), which gives the same network times a constant.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
    rate : float
        Chance of each value to be dropped, 0 or more and less than 1.
    seed : int or Generator
        Draws what is dropped. Pass a Generator for another draw each time.
    training : bool
        False: nothing is dropped, nothing is scaled.

    Returns
    -------
    y : ndarray of the same shape and dtype
    cache : DropoutCache
        For `dropout_backward`.

    Raises
    ------
    TypeError, ValueError
        If x is not float32 or float64, or rate not from 0 to below 1.

    Source: Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting",
    sections 4 and 10.

    >>> dropout_forward(np.ones(6), 0.5, seed=1)[0]
    array([2., 2., 0., 2., 0., 0.])
    """
    one_float_type(x=x)
    expect_rate(rate)
    if not training or rate == 0:
        return x.copy(), DropoutCache(None, x.shape)
    kept = np.random.default_rng(seed).random(x.shape) >= rate
    factor = kept.astype(x.dtype) / x.dtype.type(1 - rate)
    return x * factor, DropoutCache(factor, x.shape)


def dropout_backward(dy: np.ndarray, cache: DropoutCache) -> np.ndarray:
    """Drop and scale the gradient as the values were.

    Parameters
    ----------
    dy : ndarray of the output's shape and dtype
    cache : DropoutCache
        What `dropout_forward` returned.

    Returns
    -------
    dx : ndarray of the same shape and dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache.factor, cache.shape, "dropout_forward")
    return dy.copy() if cache.factor is None else dy * cache.factor


def expect_rate(rate: float) -> None:
    """Insist on a chance that leaves something over."""
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.number):
        raise TypeError(f"rate is {rate!r} ({type(rate).__name__}), expected a number such as 0.5.")
    if not 0 <= rate < 1:
        raise ValueError(f"rate is {rate}, expected 0 or more and less than 1: the share that is DROPPED.")
