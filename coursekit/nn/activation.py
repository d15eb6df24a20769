"""Activation functions, forward and backward."""

import numpy as np

from coursekit.nn._checks import expect_shape, one_float_type

__all__ = ["relu_backward", "relu_forward"]


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
