"""Batch norm and local response norm as plain as their formulas: one channel, or one value, at a time."""

import numpy as np

__all__ = [
    "batch_norm2d_naive",
    "batch_norm2d_naive_backward",
    "local_response_norm2d_naive",
    "local_response_norm2d_naive_backward",
]


def batch_norm2d_naive(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """In each channel subtract the mean, divide by the standard deviation, scale and shift: as in training.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The maps.
    gamma, beta : ndarray of shape (C,)
        Scale and shift of each channel.
    eps : float
        Keeps the division finite.

    Returns
    -------
    y : ndarray of shape (N, C, H, W)
    """
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        centred = x[:, c] - x[:, c].mean()  # (N, H, W)
        variance = np.mean(centred**2)
        y[:, c] = gamma[c] * centred / np.sqrt(variance + eps) + beta[c]
    return y


def batch_norm2d_naive_backward(
    dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Go back through every step of the forward pass, channel by channel: nothing is shortened.

    Parameters
    ----------
    dy : ndarray of shape (N, C, H, W)
        Gradient with respect to the output.
    x, gamma, eps
        As for `batch_norm2d_naive`.

    Returns
    -------
    dx, dgamma, dbeta : ndarrays of the shapes of x, gamma and beta
    """
    dx, dgamma, dbeta = np.zeros_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    for c in range(x.shape[1]):
        centred = x[:, c] - x[:, c].mean()
        variance = np.mean(centred**2)
        deviation = np.sqrt(variance + eps)
        dgamma[c] = np.sum(dy[:, c] * centred / deviation)
        dbeta[c] = np.sum(dy[:, c])
        dnormed = dy[:, c] * gamma[c]
        dvariance = np.sum(dnormed * centred) * -0.5 * (variance + eps) ** -1.5
        dcentred = dnormed / deviation + dvariance * 2 * centred / centred.size
        dx[:, c] = dcentred - dcentred.mean()  # every value is in the mean, too
    return dx, dgamma, dbeta


def local_response_norm2d_naive(
    x: np.ndarray, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
) -> np.ndarray:
    """Divide each value by (k + alpha * sum of squares of the `size` channels around it) ** beta.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The maps.
    size : int
        An odd number; at the first and last channels there are fewer.
    alpha, beta, k : float
        As in AlexNet's paper; PyTorch divides alpha by size besides.

    Returns
    -------
    y : ndarray of shape (N, C, H, W)
    """
    y = np.zeros_like(x)
    for n, c, i, j in np.ndindex(x.shape):
        near = x[n, _around(c, size), i, j]
        y[n, c, i, j] = x[n, c, i, j] / (k + alpha * np.sum(near**2)) ** beta
    return y


def local_response_norm2d_naive_backward(
    dy: np.ndarray, x: np.ndarray, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
) -> np.ndarray:
    """Each output y = x / base ** beta hands dy to its own x above, and to all the x in the base below.

    Parameters
    ----------
    dy : ndarray of shape (N, C, H, W)
        Gradient with respect to the output.
    x, size, alpha, beta, k
        As for `local_response_norm2d_naive`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
    """
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(x.shape):
        near = x[n, _around(c, size), i, j]
        base = k + alpha * np.sum(near**2)
        dx[n, c, i, j] += dy[n, c, i, j] / base**beta
        dbase = dy[n, c, i, j] * x[n, c, i, j] * -beta / base ** (beta + 1)
        dx[n, _around(c, size), i, j] += dbase * alpha * 2 * near
    return dx


def _around(channel, size):
    """The channels of one sum: as many on either side, none below the first."""
    return slice(max(0, channel - size // 2), channel + size // 2 + 1)
