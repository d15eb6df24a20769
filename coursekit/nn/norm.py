"""Normalisation: batch norm and layer norm, forward and backward.

Batch norm looks down a channel, over all images and places; layer norm looks across one image. Both subtract a mean
and divide by a STANDARD DEVIATION, then scale by gamma and shift by beta, which are learned.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import expect_gradient, expect_shape, one_float_type

__all__ = [
    "RunningStatistics",
    "batch_norm_backward",
    "batch_norm_forward",
    "layer_norm_backward",
    "layer_norm_forward",
]


class RunningStatistics(NamedTuple):
    """What batch norm remembers of the batches it saw, for use on single images."""

    mean: np.ndarray  # (C,)
    variance: np.ndarray  # (C,), unbiased


class NormCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    normed: np.ndarray  # (M, C), one row per image and place; for layer norm (images, D)
    deviation: np.ndarray  # (C,); for layer norm (images, 1): root of variance + eps
    gamma: np.ndarray
    shape: tuple[int, ...]  # of x
    training: bool
    running: RunningStatistics | None  # after this batch


def batch_norm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running: RunningStatistics | None = None,
    *,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[np.ndarray, NormCache]:
    """Normalise each channel over all images and places: y = gamma * (x - mean) / sqrt(variance + eps) + beta.

    In training, mean and variance are those of the batch; afterwards the running ones, so that an image's result
    does not depend on its company. As in PyTorch the batch is normalised by its biased variance (divided by the
    count m), while the running one takes the unbiased (divided by m - 1).

    Parameters
    ----------
    x : ndarray of shape (N, C) or (N, C, *spatial), float32 or float64
    gamma, beta : ndarray of shape (C,), same dtype
        Scale and shift, learned.
    running : RunningStatistics, optional
        Statistics so far, two arrays of shape (C,), which start at 0 and 1; never changed. Needed if training is
        False.
    training : bool
        Whether to use the batch's own statistics.
    momentum : float
        Share of the NEW batch in the running statistics, as in PyTorch. CS231n and Saito call the share of the
        old ones momentum: their 0.9 is 0.1 here.
    eps : float
        Keeps the division finite.

    Returns
    -------
    y : ndarray of the shape and dtype of x
        Stored with the channels last.
    cache : NormCache
        For `batch_norm_backward`; `cache.running` holds the running statistics after this batch (None if none
        were given).

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If shapes disagree, statistics are missing or have a negative variance, or training has one value per channel
        only.

    Source: Ioffe & Szegedy (2015), "Batch normalization", algorithms 1 and 2 and section 3.2.

    >>> batch_norm_forward(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), eps=0.0)[0]
    array([[-1.],
           [ 1.]])
    """
    _expect_batch(x, gamma, beta, running, training, momentum, eps)
    rows = np.moveaxis(x, 1, -1).reshape(-1, len(gamma))  # (M, C): one row per image and place
    if training:
        mean = _mean(rows)
        rows = rows - mean
        rows -= _mean(rows)  # what rounding left: matters in float32 if the mean is large
        variance = _mean(rows * rows)
        running = running and _updated(running, mean, variance * (len(rows) / (len(rows) - 1)), momentum)
    else:
        rows, variance = rows - running.mean, running.variance
    deviation = np.sqrt(variance + eps)
    normed = rows / deviation
    y = (normed * gamma + beta).reshape(_channels_last(x.shape))
    return np.moveaxis(y, -1, 1), NormCache(normed, deviation, gamma, x.shape, training, running)


def batch_norm_backward(dy: np.ndarray, cache: NormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients with respect to input, scale and shift.

    In training every value also moves the mean and the variance. The long way through the graph shortens to
    this: dx is dy without its mean and without its part along the normalised values, times gamma / deviation.

    Parameters
    ----------
    dy : ndarray of the shape of x
        Gradient with respect to the output of `batch_norm_forward`.
    cache : NormCache
        What `batch_norm_forward` returned.

    Returns
    -------
    dx : ndarray of the shape of x
    dgamma, dbeta : ndarray of shape (C,)

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache.gamma, cache.shape, "batch_norm_forward")
    rows = np.moveaxis(dy, 1, -1).reshape(cache.normed.shape)  # (M, C)
    dgamma, dbeta = _sum(rows * cache.normed), _sum(rows)
    if cache.training:
        rows = rows - dbeta / len(rows) - cache.normed * (dgamma / len(rows))
    dx = (rows * (cache.gamma / cache.deviation)).reshape(_channels_last(cache.shape))
    return np.moveaxis(dx, -1, 1), dgamma, dbeta


def layer_norm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float = 1e-5
) -> tuple[np.ndarray, NormCache]:
    """Normalise each image by itself, over all its values; training and use are the same.

    Parameters
    ----------
    x : ndarray of shape (N, ..., *shape), float32 or float64
        The last axes, as many as gamma has, are normalised together.
    gamma, beta : ndarray of the last axes' shape, same dtype
        Scale and shift of each value, learned: (C, H, W) for images, (D,) for rows.
    eps : float
        Keeps the division finite.

    Returns
    -------
    y : ndarray of the shape and dtype of x
    cache : NormCache
        For `layer_norm_backward`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes disagree.

    Source: Ba, Kiros & Hinton (2016), "Layer normalization", section 3.

    >>> layer_norm_forward(np.array([[1.0, 3.0], [10.0, 30.0]]), np.ones(2), np.zeros(2), eps=0.0)[0]
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    one_float_type(x=x, gamma=gamma, beta=beta)
    if not 0 < gamma.ndim < x.ndim or x.shape[-gamma.ndim :] != gamma.shape or not gamma.size:
        raise ValueError(
            f"gamma has shape {gamma.shape}, expected {x.shape[1:]}: one number per value of an image of x {x.shape}."
        )
    expect_shape("beta", beta, gamma.shape, "the shape of gamma")
    _expect_eps(eps)
    rows = x.reshape(prod(x.shape[: -gamma.ndim]), gamma.size)  # (images, D)
    rows = rows - rows.mean(axis=1, keepdims=True)
    deviation = np.sqrt((rows * rows).mean(axis=1, keepdims=True) + eps)  # (images, 1)
    normed = rows / deviation
    y = (normed * gamma.ravel() + beta.ravel()).reshape(x.shape)
    return y, NormCache(normed, deviation, gamma, x.shape, True, None)


def layer_norm_backward(dy: np.ndarray, cache: NormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients with respect to input, scale and shift: batch norm's formula, along rows instead of columns.

    Parameters
    ----------
    dy : ndarray of the shape of x
        Gradient with respect to the output of `layer_norm_forward`.
    cache : NormCache
        What `layer_norm_forward` returned.

    Returns
    -------
    dx : ndarray of the shape of x
    dgamma, dbeta : ndarray of the shape of gamma

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    normed, gamma = cache.normed, cache.gamma
    expect_gradient(dy, gamma, cache.shape, "layer_norm_forward")
    rows = dy.reshape(normed.shape)
    dgamma, dbeta = (rows * normed).sum(axis=0).reshape(gamma.shape), rows.sum(axis=0).reshape(gamma.shape)
    rows = rows * gamma.ravel()  # gradient of the normalised values
    along = (rows * normed).mean(axis=1, keepdims=True)
    dx = (rows - rows.mean(axis=1, keepdims=True) - normed * along) / cache.deviation
    return dx.reshape(cache.shape), dgamma, dbeta


def _expect_batch(x, gamma, beta, running, training, momentum, eps):
    mean, variance = running or (None, None)
    one_float_type(x=x, gamma=gamma, beta=beta, running_mean=mean, running_variance=variance)
    if x.ndim < 2:
        raise ValueError(f"x has shape {x.shape}, expected (N, C) or (N, C, *spatial).")
    arrays = {"gamma": gamma, "beta": beta}
    arrays |= {"running.mean": mean, "running.variance": variance} if running else {}
    for name, array in arrays.items():
        expect_shape(name, array, x.shape[1:2], f"one number per channel of x {x.shape}")
    if running and (variance < 0).any():
        raise ValueError(f"running.variance goes down to {variance.min():g}, expected 0 or more: start it at 1.")
    if not training and running is None:
        raise ValueError("running is None, but training=False needs RunningStatistics(mean, variance): train first.")
    if training and x.size <= x.shape[1]:
        raise ValueError(
            f"x has shape {x.shape}: training needs two or more values per channel, else all are 0 minus 0. "
            "Use a larger batch, or training=False."
        )
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum is {momentum}, expected 0 to 1: the share of the new batch, often 0.1.")
    _expect_eps(eps)


def _expect_eps(eps):
    if not eps >= 0:
        raise ValueError(f"eps is {eps}, expected a small number such as 1e-5.")


def _sum(rows):
    """Sum over rows by a matrix product: several times faster than rows.sum(axis=0)."""
    return np.ones(len(rows), rows.dtype) @ rows


def _mean(rows):
    return _sum(rows) / len(rows)


def _updated(running, mean, variance, momentum):
    new = zip(running, (mean, variance), strict=True)
    return RunningStatistics(*((1 - momentum) * old + momentum * value for old, value in new))


def _channels_last(shape):
    return (shape[0], *shape[2:], shape[1])
