"""The step between loops and speed: im2col and col2im in one go, as in textbooks.

A table of indices says which pixel every tap sees from every place. Looking it up lays out all windows of all images
as the columns of one matrix, and the convolution is then one matrix product. Simple, and a hundred times faster
than loops; but each pixel is copied once per tap, and all of it is in memory at once. `windows` cuts it into pieces,
`strips` copies less.

Source: Chellapilla, Puri & Simard (2006), "High performance convolutional neural networks for document processing".
"""

import numpy as np

from coursekit.shapes import output_size

__all__ = ["col2im", "conv2d_textbook", "conv2d_textbook_backward", "im2col"]


def im2col(x: np.ndarray, kernel: tuple[int, int], stride: int = 1, padding: int = 0) -> np.ndarray:
    """Lay out every window of the images as a row.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The images.
    kernel : (KH, KW)
        Size of the windows, in pixels.
    stride, padding : int
        What the stride leaves over is dropped.

    Returns
    -------
    rows : ndarray of shape (N * OH * OW, C * KH * KW)

    >>> im2col(np.arange(9.0).reshape(1, 1, 3, 3), (2, 2))
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    i, j = _pixels(x.shape[2:], kernel, stride, padding)
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = x[:, :, i, j]  # (N, C, OH, OW, KH, KW)
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kernel[0] * kernel[1])


def col2im(
    rows: np.ndarray, x_shape: tuple[int, ...], kernel: tuple[int, int], stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Add every window back to the pixels it came from: the adjoint of `im2col`, not its inverse.

    Parameters
    ----------
    rows : ndarray of shape (N * OH * OW, C * KH * KW)
        One number per window and tap.
    x_shape : (N, C, H, W)
        Shape of the images.
    kernel, stride, padding
        As for `im2col`.

    Returns
    -------
    x : ndarray of shape (N, C, H, W)

    >>> col2im(np.ones((4, 4)), (1, 1, 3, 3), (2, 2))[0, 0]    # in how many windows does each pixel lie?
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    n, c, h, w = x_shape
    i, j = _pixels((h, w), kernel, stride, padding)
    windows = rows.reshape(n, i.shape[0], j.shape[1], c, *kernel)
    x = np.zeros((n, c, h + 2 * padding, w + 2 * padding), rows.dtype)
    for a, b in np.ndindex(*kernel):  # the pixels of ONE tap are all different, so += misses none
        x[:, :, i[..., a, b], j[..., a, b]] += windows[..., a, b].transpose(0, 3, 1, 2)
    return x[:, :, padding : padding + h, padding : padding + w]


def conv2d_textbook(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """Multiply the matrix of all windows with the matrix of all kernels.

    Parameters and return value are those of `coursekit.nn.naive.conv2d_naive`.
    """
    i, j = _pixels(x.shape[2:], w.shape[2:], stride, padding)
    y = im2col(x, w.shape[2:], stride, padding) @ w.reshape(len(w), -1).T + b  # (N * OH * OW, F)
    return y.reshape(len(x), i.shape[0], j.shape[1], len(w)).transpose(0, 3, 1, 2)


def conv2d_textbook_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A matrix product y = rows @ kernels has the gradients dy @ kernels.T and rows.T @ dy.

    Parameters and return value are those of `coursekit.nn.naive.conv2d_naive_backward`.
    """
    dy = dy.transpose(0, 2, 3, 1).reshape(-1, len(w))  # (N * OH * OW, F)
    dw = (dy.T @ im2col(x, w.shape[2:], stride, padding)).reshape(w.shape)
    dx = col2im(dy @ w.reshape(len(w), -1), x.shape, w.shape[2:], stride, padding)
    return dx, dw, dy.sum(axis=0)


def _pixels(size, kernel, stride, padding):
    """Row and column of the pixel each tap sees from each place: two tables that broadcast to (OH, OW, KH, KW)."""
    oh, ow = (output_size(s, k, stride, padding, mode="floor") for s, k in zip(size, kernel, strict=True))
    i = stride * np.arange(oh)[:, None, None, None] + np.arange(kernel[0])[:, None]
    j = stride * np.arange(ow)[None, :, None, None] + np.arange(kernel[1])
    return np.broadcast_to(i, (oh, 1, *kernel)), np.broadcast_to(j, (1, ow, *kernel))
