"""The fully connected (affine) layer, forward and backward."""

from math import prod
from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import expect_gradient, expect_shape, one_float_type

__all__ = ["affine_backward", "affine_forward"]


class AffineCache(NamedTuple):
    """What the backward pass needs to know about the forward pass."""

    rows: np.ndarray  # (N, D)
    w: np.ndarray  # (D, M)
    shape: tuple[int, ...]  # of x


def affine_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, AffineCache]:
    """Lay each image out as one row of D numbers and multiply: y = x w + b.

    Parameters
    ----------
    x : ndarray of shape (N, ...), float32 or float64
        The axes after the first are flattened, in the order of x's shape: channel, row, column.
    w : ndarray of shape (D, M), same dtype
        One column of weights for each of the M outputs.
    b : ndarray of shape (M,), same dtype
        Added to each row of the product.

    Returns
    -------
    y : ndarray of shape (N, M)
    cache : AffineCache
        For `affine_backward`. It may refer to x and w, so do not change them before.

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If x has no batch axis, an image of x not D numbers, or b not M.

    >>> affine_forward(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]]), np.ones(3))[0]
    array([[ 2.,  3., 12.]])
    """
    one_float_type(x=x, w=w, b=b)
    if x.ndim < 2:
        raise ValueError(f"x has shape {x.shape}, expected (N, ...): use x[None] for one image.")
    if w.ndim != 2 or prod(x.shape[1:]) != w.shape[0]:
        raise ValueError(
            f"w has shape {w.shape}, expected ({prod(x.shape[1:])}, M): x has shape {x.shape}, "
            f"so that each image is a row of {prod(x.shape[1:])} numbers."
        )
    expect_shape("b", b, w.shape[1:], "one number per column of w")
    rows = x.reshape(len(x), w.shape[0])  # (N, D)
    return rows @ w + b, AffineCache(rows, w, x.shape)


def affine_backward(dy: np.ndarray, cache: AffineCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the loss with respect to input, weights and bias.

    Parameters
    ----------
    dy : ndarray of shape (N, M)
        Gradient with respect to the output of `affine_forward`.
    cache : AffineCache
        What `affine_forward` returned.

    Returns
    -------
    dx : ndarray of the shape of x
    dw : ndarray of shape (D, M)
    db : ndarray of shape (M,)

    Raises
    ------
    TypeError, ValueError
        If dy has another dtype or shape than the output had.
    """
    rows, w, shape = cache
    expect_gradient(dy, w, (len(rows), w.shape[1]), "affine_forward")
    return (dy @ w.T).reshape(shape), rows.T @ dy, dy.sum(axis=0)
