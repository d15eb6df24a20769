"""What the loops over windows share: cut one out, count the places, pad and take the padding off again."""

import numpy as np

from coursekit.shapes import output_size


def window_at(image, i, j, kernel, stride):
    """Window number (i, j) of an image (C, H, W): a view of shape (C, KH, KW)."""
    top, left = i * stride, j * stride
    return image[:, top : top + kernel[0], left : left + kernel[1]]


def places(x, kernel, stride):
    """Along height and width: at how many places the kernel can stand."""
    return [output_size(size, k, stride, mode="floor") for size, k in zip(x.shape[2:], kernel, strict=True)]


def pad(x, padding, value=0.0):
    """Surround each map (..., H, W) with so many rows and columns of one value."""
    return np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], constant_values=value)


def unpad(x, padding):
    """Take away what `pad` has added."""
    return x[:, :, padding : x.shape[2] - padding, padding : x.shape[3] - padding]
