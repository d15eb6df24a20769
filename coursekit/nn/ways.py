"""The ways to compute a convolution, and the rules that choose one.

Each way is a module with forward(cache) -> y and backward(dy, cache, input_grad, kernel_grad) -> (dx, dw), on maps with
the channels last, (N, *spatial, C), and without the bias. All give the same numbers, up to rounding.
"""

from itertools import product
from math import prod

import numpy as np

from coursekit.nn import depthwise, pointwise, strips, windows, winograd
from coursekit.nn._checks import SCRATCH_BYTES

__all__ = ["gradients", "outputs", "way"]


def way(cache):
    """The first that fits.

    1. groups of one channel: tap by tap (`outputs` and `gradients` cut up wider groups);
    2. one tap, no stride, no padding: a matrix product of the maps as they lie;
    3. one axis, a stride, a dilation or padding as wide as the kernel: the windows, copied out;
    4. 3x3 with 24 channels or more on both sides: Winograd's transform;
    5. everything else: strips.
    """
    taps = cache.w.shape[2:]
    if cache.groups > 1:
        return depthwise
    if prod(taps) == prod(cache.stride) == 1 and not any(cache.padding):
        return pointwise
    wide = any(p >= k for p, k in zip(cache.padding, taps, strict=True))
    if len(taps) == 1 or max(cache.stride + cache.dilation) > 1 or wide:
        return windows
    return winograd if taps == (3, 3) and min(cache.w.shape[:2]) >= 24 else strips


def outputs(cache):
    """Compute y of shape (N, *out, F), without the bias."""
    if not _has_wide_groups(cache):
        return way(cache).forward(cache)
    y = np.empty((len(cache.x), *cache.out, len(cache.w)), cache.x.dtype)
    for part, images, _, kernels in _parts(cache):
        y[images, ..., kernels] = outputs(part)
    return y


def gradients(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, *out, F): dx (N, *spatial, C) and dw as w, None where not wanted."""
    if not _has_wide_groups(cache):
        return way(cache).backward(dy, cache, input_grad, kernel_grad)
    dx = np.empty((len(cache.x), *cache.x.shape[2:], cache.x.shape[1]), dy.dtype) if input_grad else None
    dw = np.zeros(cache.w.shape, dy.dtype) if kernel_grad else None
    for part, images, channels, kernels in _parts(cache):
        dx_part, dw_part = gradients(dy[images, ..., kernels], part, input_grad, kernel_grad)
        if input_grad:
            dx[images, ..., channels] = dx_part
        if kernel_grad:
            dw[kernels] += dw_part
    return dx, dw


def _has_wide_groups(cache):
    return 1 < cache.groups < cache.x.shape[1]


def _parts(cache):
    """Each group as a convolution of its own, with its slices of the images, of the channels and of the kernels.

    Its maps are copied to where they belong: to keep those copies small, it does some images at a time.
    """
    deep, many = cache.x.shape[1] // cache.groups, len(cache.w) // cache.groups
    image_bytes = (prod(cache.x.shape[2:]) * deep + prod(cache.out) * many) * cache.x.itemsize
    some = max(1, SCRATCH_BYTES // image_bytes)
    for first, group in product(range(0, len(cache.x), some), range(cache.groups)):
        images = slice(first, first + some)
        channels, kernels = slice(group * deep, (group + 1) * deep), slice(group * many, (group + 1) * many)
        part = cache._replace(x=cache.x[images, channels], w=cache.w[kernels], groups=1)
        yield part, images, channels, kernels
