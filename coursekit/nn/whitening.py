"""Whitening: what batch normalisation leaves out, because it is expensive."""

import numpy as np

from coursekit.nn._checks import one_float_type

__all__ = ["whiten"]


def whiten(x: np.ndarray, *, eps: float = 1e-5) -> tuple[np.ndarray, np.ndarray]:
    """Make features uncorrelated, each of mean 0 and variance 1, and as like the old ones as can be (ZCA).

    Batch normalisation divides each feature by its own standard deviation. Whitening multiplies all of them by the
    inverse root of their covariance matrix, which costs D * D numbers and about D ** 3 operations for D features, at
    every step of training.

    Parameters
    ----------
    x : ndarray of shape (N, D), float32 or float64
    eps : float
        Added to the variances, so that a feature without any does not blow up.

    Returns
    -------
    y : ndarray of shape (N, D)
        ``(x - mean) @ matrix``.
    matrix : ndarray of shape (D, D)
        The inverse root of the covariance; symmetric.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If x has not two axes, or holds no rows.

    Source: Ioffe & Szegedy (2015), "Batch normalization", section 2; Bell & Sejnowski (1997) for the symmetric root.
    """
    one_float_type(x=x)
    if x.ndim != 2 or not x.size:
        raise ValueError(
            f"x has shape {x.shape}, expected (N, D), neither of them 0: flatten it by reshape(len(x), -1)."
        )
    centred = x - x.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(x))
    roots = np.sqrt(np.maximum(variances, 0) + eps)  # rounding may leave a variance just below 0
    matrix = ((directions / roots) @ directions.T).astype(x.dtype)
    return centred @ matrix, matrix
