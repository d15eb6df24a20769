"""Local response normalisation, as AlexNet had it: large values damp their neighbours in depth."""

from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import expect_gradient, one_float_type

__all__ = ["local_response_norm_backward", "local_response_norm_forward"]


class ResponseCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    x: np.ndarray  # (N, C, *spatial)
    base: np.ndarray  # (N, C, *spatial): k + alpha * sum of squares
    size: int
    alpha: float
    beta: float


def local_response_norm_forward(
    x: np.ndarray, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
) -> tuple[np.ndarray, ResponseCache]:
    """Divide each value by (k + alpha * sum of squares of `size` channels around it) ** beta, place by place.

    This is the paper's formula with the paper's constants. PyTorch divides alpha by size: its alpha is 5e-4 where
    the paper and this function say 1e-4 with size 5 (and its k is 1 unless told otherwise).

    Parameters
    ----------
    x : ndarray of shape (N, C, ...), float32 or float64
    size : int
        Channels in the sum, an odd number: the value's own and as many on either side. At the ends there are fewer.
    alpha, beta, k : float
        Strength, power and offset.

    Returns
    -------
    y : ndarray of the shape and dtype of x
    cache : ResponseCache
        For `local_response_norm_backward`. It refers to x, so do not change it before.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If x has no channels' axis, size is not odd, or k is not positive.

    Source: Krizhevsky, Sutskever & Hinton (2012), "ImageNet classification with deep convolutional neural
    networks", section 3.3.

    >>> local_response_norm_forward(np.array([[1.0, 2.0, 0.0]]), size=3, alpha=1.0, beta=1.0, k=1.0)[0].round(3)
    array([[0.167, 0.333, 0.   ]])
    """
    one_float_type(x=x)
    if x.ndim < 2:
        raise ValueError(f"x has shape {x.shape}, expected (N, C, ...): the sum runs over the channels.")
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1 or size % 2 == 0:
        raise ValueError(f"size is {size}, expected an odd whole number such as 5: as many channels on either side.")
    if not k > 0 or not alpha >= 0:
        raise ValueError(f"k is {k} and alpha {alpha}, expected k > 0 and alpha >= 0: the sum is raised to a power.")
    base = k + alpha * _neighbours(x * x, size)
    return x * base**-beta, ResponseCache(x, base, size, alpha, beta)


def local_response_norm_backward(dy: np.ndarray, cache: ResponseCache) -> np.ndarray:
    """A value moves its own output, and the sums of all its neighbours.

    Parameters
    ----------
    dy : ndarray of the shape of x
        Gradient with respect to the output of `local_response_norm_forward`.
    cache : ResponseCache
        What `local_response_norm_forward` returned.

    Returns
    -------
    dx : ndarray of the shape and dtype of x

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    x, base, size, alpha, beta = cache
    expect_gradient(dy, x, x.shape, "local_response_norm_forward")
    damping = base**-beta
    dbase = dy * x * damping / base  # times -beta: gradient of each sum
    return dy * damping - 2 * alpha * beta * x * _neighbours(dbase, size)  # a neighbour's neighbour is oneself


def _neighbours(values, size):
    """Sum over the `size` channels around each channel; beyond the first and last there is nothing."""
    total, channels = values.copy(), values.shape[1]
    for step in range(1, min(size // 2, channels - 1) + 1):
        total[:, step:] += values[:, :-step]
        total[:, :-step] += values[:, step:]
    return total
