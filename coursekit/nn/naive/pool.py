"""Pooling as plain as its formula: loops over images, maps and places."""

import numpy as np

from coursekit.nn.naive._windows import pad, places, unpad, window_at

__all__ = [
    "average_pool2d_naive",
    "average_pool2d_naive_backward",
    "l2_pool2d_naive",
    "l2_pool2d_naive_backward",
    "max_pool2d_naive",
    "max_pool2d_naive_backward",
]


def max_pool2d_naive(x: np.ndarray, window: int, stride: int, padding: int = 0) -> np.ndarray:
    """Keep the largest value of each window, map by map.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The maps.
    window, stride, padding : int
        The padding is minus infinity, which never wins.

    Returns
    -------
    y : ndarray of shape (N, C, OH, OW)
    """
    x = pad(x, padding, -np.inf)
    y = np.zeros((*x.shape[:2], *places(x, (window, window), stride)), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = window_at(x[n], i, j, (window, window), stride)[c].max()
    return y


def max_pool2d_naive_backward(dy: np.ndarray, x: np.ndarray, window: int, stride: int, padding: int = 0) -> np.ndarray:
    """Hand each dy to the largest value of its window, to the first one where several are equal.

    Parameters
    ----------
    dy : ndarray of shape (N, C, OH, OW)
        Gradient with respect to the output.
    x, window, stride, padding
        As for `max_pool2d_naive`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
    """
    x = pad(x, padding, -np.inf)
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dy.shape):
        values = window_at(x[n], i, j, (window, window), stride)[c]
        winner = np.unravel_index(values.argmax(), values.shape)  # argmax: the first of equals
        window_at(dx[n], i, j, (window, window), stride)[c][winner] += dy[n, c, i, j]  # += : windows may overlap
    return unpad(dx, padding)


def average_pool2d_naive(x: np.ndarray, window: int, stride: int, padding: int = 0) -> np.ndarray:
    """Replace each window by the mean of its values, map by map.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The maps.
    window, stride, padding : int
        The padding is 0 and counts as values.

    Returns
    -------
    y : ndarray of shape (N, C, OH, OW)
    """
    x = pad(x, padding)
    y = np.zeros((*x.shape[:2], *places(x, (window, window), stride)), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = window_at(x[n], i, j, (window, window), stride)[c].mean()
    return y


def average_pool2d_naive_backward(
    dy: np.ndarray, x: np.ndarray, window: int, stride: int, padding: int = 0
) -> np.ndarray:
    """Spread each dy evenly over its window.

    Parameters
    ----------
    dy : ndarray of shape (N, C, OH, OW)
        Gradient with respect to the output.
    x, window, stride, padding
        As for `average_pool2d_naive`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
    """
    dx = np.zeros_like(pad(x, padding))
    for n, c, i, j in np.ndindex(dy.shape):
        window_at(dx[n], i, j, (window, window), stride)[c] += dy[n, c, i, j] / window**2
    return unpad(dx, padding)


def l2_pool2d_naive(x: np.ndarray, window: int, stride: int, padding: int = 0) -> np.ndarray:
    """Replace each window by the root of its sum of squares, map by map.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The maps.
    window, stride, padding : int
        The padding is 0.

    Returns
    -------
    y : ndarray of shape (N, C, OH, OW)
    """
    x = pad(x, padding)
    y = np.zeros((*x.shape[:2], *places(x, (window, window), stride)), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = np.sqrt(np.sum(window_at(x[n], i, j, (window, window), stride)[c] ** 2))
    return y


def l2_pool2d_naive_backward(dy: np.ndarray, x: np.ndarray, window: int, stride: int, padding: int = 0) -> np.ndarray:
    """Hand dy to the values of its window in proportion: the slope of a root of squares y is x / y.

    Parameters
    ----------
    dy : ndarray of shape (N, C, OH, OW)
        Gradient with respect to the output.
    x, window, stride, padding
        As for `l2_pool2d_naive`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        0 where a window holds zeros only: its root has no slope there.
    """
    x = pad(x, padding)
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dy.shape):
        values = window_at(x[n], i, j, (window, window), stride)[c]
        length = np.sqrt(np.sum(values**2))
        if length > 0:
            window_at(dx[n], i, j, (window, window), stride)[c] += dy[n, c, i, j] * values / length
    return unpad(dx, padding)
