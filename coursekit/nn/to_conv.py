"""Fully connected layers as convolutions, and convolutions as fully connected layers: the same sums, written apart."""

from math import prod

import numpy as np

from coursekit.nn._checks import one_float_type
from coursekit.nn.conv import conv_forward

__all__ = ["affine_to_conv", "conv_to_affine"]


def affine_to_conv(w: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
    """Fold the weights of an affine layer into kernels as large as its input.

    On an input of that size the convolution gives the same M numbers, as maps of one pixel; on a larger one it
    gives them for every place at once. The bias stays as it is.

    Parameters
    ----------
    w : ndarray of shape (D, M), float32 or float64
    input_shape : (C, *spatial)
        Shape of one image before the affine layer flattens it; D numbers in all.

    Returns
    -------
    kernels : ndarray of shape (M, C, *spatial), same dtype

    Raises
    ------
    TypeError, ValueError
        If w is not (D, M) of float32 or float64, or the input has not D numbers.

    Source: Long, Shelhamer & Darrell (2015), "Fully convolutional networks for semantic segmentation", section 3.1.

    >>> affine_to_conv(np.ones((7 * 7 * 512, 4)), (512, 7, 7)).shape
    (4, 512, 7, 7)
    """
    one_float_type(w=w)
    if w.ndim != 2 or prod(input_shape) != len(w) or len(input_shape) < 2:
        raise ValueError(
            f"w has shape {w.shape}, expected ({prod(input_shape)}, M): an image of shape {tuple(input_shape)}, "
            f"(C, *spatial), has {prod(input_shape)} numbers."
        )
    return np.ascontiguousarray(w.T).reshape(-1, *input_shape)


def conv_to_affine(w: np.ndarray, input_shape: tuple[int, ...], **options) -> np.ndarray:
    """Write a convolution as the weights of an affine layer: sparse, and with the same few numbers over and over.

    Row by row it is what the convolution makes of an image with a single 1.

    Parameters
    ----------
    w : ndarray of shape (F, C, *kernel), float32 or float64
    input_shape : (C, *spatial)
        Shape of one image.
    **options
        stride, padding, ... of `conv_forward`.

    Returns
    -------
    weights : ndarray of shape (D, M), same dtype
        D numbers of an image, M = F * places. A bias is repeated for each place: np.repeat(b, places).

    Raises
    ------
    TypeError, ValueError
        As for `conv_forward`.

    >>> conv_to_affine(np.array([[[2.0, 3.0]]]), (1, 4))
    array([[2., 0., 0.],
           [3., 2., 0.],
           [0., 3., 2.],
           [0., 0., 3.]])
    """
    one_float_type(w=w)
    numbers = prod(input_shape)
    y, _ = conv_forward(np.eye(numbers, dtype=w.dtype).reshape(numbers, *input_shape), w, **options)
    return y.reshape(numbers, -1)
