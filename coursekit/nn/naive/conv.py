"""Convolution as plain as its formula: loops over images, maps and places."""

import numpy as np

from coursekit.nn.naive._windows import pad, places, unpad, window_at

__all__ = ["conv2d_naive", "conv2d_naive_backward"]


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
    x = pad(x, padding)
    y = np.zeros((len(x), len(w), *places(x, w.shape[2:], stride)), x.dtype)
    for n, f, i, j in np.ndindex(y.shape):
        y[n, f, i, j] = np.sum(window_at(x[n], i, j, w.shape[2:], stride) * w[f]) + b[f]
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
    x = pad(x, padding)
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w), w.dtype)
    for n, f, i, j in np.ndindex(dy.shape):
        window_at(dx[n], i, j, w.shape[2:], stride)[...] += dy[n, f, i, j] * w[f]
        dw[f] += dy[n, f, i, j] * window_at(x[n], i, j, w.shape[2:], stride)
        db[f] += dy[n, f, i, j]
    return unpad(dx, padding), dw, db
