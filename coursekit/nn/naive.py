"""Convolution and pooling as plain as their formulas: loops over images, maps and places.

Slow, on purpose. Every faster version in this package is tested against these.
"""

import numpy as np

from coursekit.shapes import output_size

__all__ = ["conv2d_naive", "conv2d_naive_backward", "max_pool2d_naive", "max_pool2d_naive_backward"]
__all__ += ["average_pool2d_naive", "average_pool2d_naive_backward", "l2_pool2d_naive"]


def conv2d_naive(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """Slide every kernel over every image; at each place multiply and sum.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The images.
    w : ndarray of shape (F, C, KH, KW)
        The kernels.
    b : ndarray of shape (F,)
        One number per kernel.
    stride, padding : int
        What the stride leaves over is dropped.

    Returns
    -------
    y : ndarray of shape (N, F, OH, OW)
    """
    x = _pad(x, padding)
    y = np.zeros((len(x), len(w), *_places(x, w.shape[2:], stride)), x.dtype)
    for n, f, i, j in np.ndindex(y.shape):
        y[n, f, i, j] = np.sum(_window(x[n], i, j, w.shape[2:], stride) * w[f]) + b[f]
    return y


def conv2d_naive_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each output y = sum(window * w) + b hands dy * w to its window, dy * window to w and dy to b.

    Parameters
    ----------
    dy : ndarray of shape (N, F, OH, OW)
        Gradient with respect to the output.
    x, w, stride, padding
        As for `conv2d_naive`.

    Returns
    -------
    dx, dw, db : ndarrays of the shapes of x, w and b
    """
    x = _pad(x, padding)
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w), w.dtype)
    for n, f, i, j in np.ndindex(dy.shape):
        _window(dx[n], i, j, w.shape[2:], stride)[...] += dy[n, f, i, j] * w[f]
        dw[f] += dy[n, f, i, j] * _window(x[n], i, j, w.shape[2:], stride)
        db[f] += dy[n, f, i, j]
    return _unpad(dx, padding), dw, db


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
    x = _pad(x, padding, -np.inf)
    y = np.zeros((*x.shape[:2], *_places(x, (window, window), stride)), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = _window(x[n], i, j, (window, window), stride)[c].max()
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
    x = _pad(x, padding, -np.inf)
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dy.shape):
        values = _window(x[n], i, j, (window, window), stride)[c]
        winner = np.unravel_index(values.argmax(), values.shape)  # argmax: the first of equals
        _window(dx[n], i, j, (window, window), stride)[c][winner] += dy[n, c, i, j]  # += : windows may overlap
    return _unpad(dx, padding)


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
    x = _pad(x, padding)
    y = np.zeros((*x.shape[:2], *_places(x, (window, window), stride)), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = _window(x[n], i, j, (window, window), stride)[c].mean()
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
    dx = np.zeros_like(_pad(x, padding))
    for n, c, i, j in np.ndindex(dy.shape):
        _window(dx[n], i, j, (window, window), stride)[c] += dy[n, c, i, j] / window**2
    return _unpad(dx, padding)


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
    x = _pad(x, padding)
    y = np.zeros((*x.shape[:2], *_places(x, (window, window), stride)), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = np.sqrt(np.sum(_window(x[n], i, j, (window, window), stride)[c] ** 2))
    return y


def _window(image, i, j, kernel, stride):
    """Window number (i, j) of an image (C, H, W): a view of shape (C, KH, KW)."""
    top, left = i * stride, j * stride
    return image[:, top : top + kernel[0], left : left + kernel[1]]


def _places(x, kernel, stride):
    """Along height and width: at how many places the kernel can stand."""
    return [output_size(size, k, stride, mode="floor") for size, k in zip(x.shape[2:], kernel, strict=True)]


def _pad(x, padding, value=0.0):
    return np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], constant_values=value)


def _unpad(x, padding):
    return x[:, :, padding : x.shape[2] - padding, padding : x.shape[3] - padding]
