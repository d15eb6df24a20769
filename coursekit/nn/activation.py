"""Activation functions, forward and backward."""

from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import expect_gradient, expect_shape, one_float_type

__all__ = [
    "elu_backward",
    "elu_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "tanh_backward",
    "tanh_forward",
]


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep what is positive, set the rest to 0.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
        Usually what a convolution or an affine layer returned.

    Returns
    -------
    y : ndarray of the same shape and dtype
    cache : ndarray of bool
        Where x is positive; for `relu_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64.

    Source: Nair & Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".

    >>> relu_forward(np.array([-1.5, 0.0, 2.0]))[0]
    array([0., 0., 2.])
    """
    one_float_type(x=x)
    return np.maximum(x, 0), x > 0


def relu_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Let the gradient through where the input was positive; at exactly 0 it counts as blocked.

    Parameters
    ----------
    dy : ndarray, float32 or float64
        Gradient with respect to the output of `relu_forward`.
    cache : ndarray of bool
        What `relu_forward` returned.

    Returns
    -------
    dx : ndarray of the same shape and dtype as dy

    Raises
    ------
    TypeError, ValueError
        If dy is not float32 or float64, or not of the output's shape.
    """
    one_float_type(dy=dy)
    expect_shape("dy", dy, cache.shape, "the shape of relu_forward's output")
    return dy * cache


class SlopeCache(NamedTuple):
    """What a backward pass needs to know: the output, and what tells the slopes."""

    y: np.ndarray
    positive: np.ndarray  # bool: where x is positive
    constant: float  # slope of leaky ReLU, alpha of ELU


def leaky_relu_forward(x: np.ndarray, slope: float = 0.01) -> tuple[np.ndarray, SlopeCache]:
    """Keep what is positive, let a little of the rest through: a unit that is negative everywhere can still learn.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
    slope : float
        Factor for what is not positive, from 0 to 1.

    Returns
    -------
    y : ndarray of the same shape and dtype
    cache : SlopeCache
        For `leaky_relu_backward`.

    Raises
    ------
    TypeError, ValueError
        If x is not float32 or float64, or slope not from 0 to 1.

    Source: Maas, Hannun & Ng (2013), "Rectifier nonlinearities improve neural network acoustic models", section 2.

    >>> leaky_relu_forward(np.array([-2.0, 0.0, 2.0]), slope=0.1)[0]
    array([-0.2,  0. ,  2. ])
    """
    one_float_type(x=x)
    if not 0 <= slope <= 1:
        raise ValueError(f"slope is {slope}, expected 0 to 1: it is 0.01 in the paper.")
    y = np.maximum(x, slope * x)
    return y, SlopeCache(y, x > 0, slope)


def leaky_relu_backward(dy: np.ndarray, cache: SlopeCache) -> np.ndarray:
    """Let dy through where the input was positive, slope times dy elsewhere.

    Parameters
    ----------
    dy : ndarray of the output's shape and dtype
    cache : SlopeCache
        What `leaky_relu_forward` returned.

    Returns
    -------
    dx : ndarray of the same shape and dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache.y, cache.y.shape, "leaky_relu_forward")
    return np.where(cache.positive, dy, cache.constant * dy)


def elu_forward(x: np.ndarray, alpha: float = 1.0) -> tuple[np.ndarray, SlopeCache]:
    """Keep what is positive, bend the rest to alpha * (exp(x) - 1), which never falls below -alpha.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64
    alpha : float
        How deep the negative side goes, 0 or more. With 1 the slope is continuous.

    Returns
    -------
    y : ndarray of the same shape and dtype
    cache : SlopeCache
        For `elu_backward`.

    Raises
    ------
    TypeError, ValueError
        If x is not float32 or float64, or alpha is negative.

    Source: Clevert, Unterthiner & Hochreiter (2016), "Fast and accurate deep network learning by exponential linear
    units", section 3.

    >>> elu_forward(np.array([-np.log(2), 0.0, 2.0]))[0]
    array([-0.5,  0. ,  2. ])
    """
    one_float_type(x=x)
    if not alpha >= 0:
        raise ValueError(f"alpha is {alpha}, expected 0 or more: it is 1 in the paper.")
    y = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))  # expm1: exp - 1 without loss near 0
    return y, SlopeCache(y, x > 0, alpha)


def elu_backward(dy: np.ndarray, cache: SlopeCache) -> np.ndarray:
    """Let dy through where the input was positive; elsewhere the slope alpha * exp(x) is y + alpha.

    Parameters
    ----------
    dy : ndarray of the output's shape and dtype
    cache : SlopeCache
        What `elu_forward` returned.

    Returns
    -------
    dx : ndarray of the same shape and dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache.y, cache.y.shape, "elu_forward")
    return np.where(cache.positive, dy, dy * (cache.y + cache.constant))


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squeeze to between 0 and 1: 1 / (1 + exp(-x)), written so that exp never overflows.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64

    Returns
    -------
    y : ndarray of the same shape and dtype
    cache : ndarray
        y; for `sigmoid_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64.

    Source: LeCun, Bottou, Orr & Muller (1998), "Efficient backprop", section 4.4 (which prefers tanh).

    >>> sigmoid_forward(np.array([-1000.0, 0.0, np.log(3)]))[0]
    array([0.  , 0.5 , 0.75])
    """
    one_float_type(x=x)
    power = np.exp(-np.abs(x))  # at most 1
    y = np.where(x >= 0, np.ones_like(x), power) / (1 + power)
    return y, y


def sigmoid_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Multiply dy by the slope y * (1 - y): 1/4 at most, nearly 0 where the unit is saturated.

    Parameters
    ----------
    dy : ndarray of the output's shape and dtype
    cache : ndarray
        What `sigmoid_forward` returned.

    Returns
    -------
    dx : ndarray of the same shape and dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache, cache.shape, "sigmoid_forward")
    return dy * cache * (1 - cache)


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squeeze to between -1 and 1, with 0 staying 0: twice a sigmoid of 2x, less 1.

    Parameters
    ----------
    x : ndarray of any shape, float32 or float64

    Returns
    -------
    y : ndarray of the same shape and dtype
    cache : ndarray
        y; for `tanh_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64.

    Source: LeCun et al. (1998), "Gradient-based learning applied to document recognition", appendix A.

    >>> tanh_forward(np.array([-1000.0, 0.0]))[0]
    array([-1.,  0.])
    """
    one_float_type(x=x)
    y = np.tanh(x)
    return y, y


def tanh_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Multiply dy by the slope 1 - y squared: 1 at 0, nearly 0 where the unit is saturated.

    Parameters
    ----------
    dy : ndarray of the output's shape and dtype
    cache : ndarray
        What `tanh_forward` returned.

    Returns
    -------
    dx : ndarray of the same shape and dtype

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    expect_gradient(dy, cache, cache.shape, "tanh_forward")
    return dy * (1 - cache * cache)
