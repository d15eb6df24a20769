"""The fast way to convolve: copy out only the kernel's height, and let neighbouring windows share memory.

im2col copies every pixel once per kernel tap, K * K times. But write the K pixels under the kernel's height beside
each other, column after column, and a whole window is K such columns in a row: a stretch of memory without a gap.
The next window is the same stretch, one column further. So one copy per kernel ROW will do:

    strip of one output row:   |column 0|column 1|column 2|column 3|...     each column: (kernel height, C) numbers
    window 0                   |<------- K columns ------>|
    window 1                            |<------- K columns ------>|

Window j of all strips forms a matrix (strips, K * K * C) whose rows lie evenly apart: BLAS takes it as it stands and
writes column j of the output where it belongs. One batched matrix product does all the columns.

With three axes the strips hold every kernel axis but the last.
Strips are made for some images (or some rows of one image) at a time, so that they stay in the cache.

This is for stride 1 and two axes or more. A strided layer reads few pixels twice, and along a single axis each image
is one strip, which makes products of few rows: `windows` does as well there, or better.
"""

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.nn._taps import block_bytes, meeting, pieces

__all__ = ["backward", "forward"]

SCRATCH_BYTES = 2**20  # as a rule; about half of the second-level cache of one core
SMALL_PRODUCT = 10**6  # multiplications up to which OpenBLAS takes thin matrices as they are, which is faster


def forward(cache):
    """Convolve cache.x with cache.w: y of shape (N, *out, F), without the bias."""
    y = np.empty((len(cache.x), *cache.out, len(cache.w)), cache.x.dtype)
    kernels = _as_columns(cache.w)  # (K, F), K = KW * KH * C
    for piece, strips in _strips(cache):
        np.matmul(_windows(strips, cache), kernels, out=_columns(y[piece]))
    return y


def backward(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, *out, F): dx (N, *spatial, C) and dw as w, None where not wanted."""
    if input_grad:
        return _by_turned_kernel(dy, cache, kernel_grad)
    return None, _kernel_gradient(dy, cache) if kernel_grad else None


def _kernel_gradient(dy, cache):
    """dw: each window times the dy of its place, added up."""
    dkernels = np.zeros((prod(cache.w.shape[1:]), len(cache.w)), dy.dtype)  # (K, F)
    for piece, strips in _strips(cache):
        _add_products(dkernels, _windows(strips, cache), _columns(dy[piece]))
    return _as_kernels(dkernels, cache.w.shape)


def _by_turned_kernel(dy, cache, kernel_grad):
    """Both dx and dw from ONE unrolling of dy.

    Pixel v met tap k on the way to output v - k + p. Looking back from the pixel, the taps run the other way:
    dx is dy, with a border of zeros, convolved with the turned kernel. And the windows of dy that dx is made of hold,
    for each pixel, just the outputs which it contributed to: times the pixel they give dw, turned too.
    """
    axes = tuple(range(2, cache.w.ndim))
    turned = np.flip(cache.w, axes).swapaxes(0, 1)  # (C, F, *kernel)
    border = tuple(k - 1 - p for k, p in zip(cache.w.shape[2:], cache.padding, strict=True))
    back = cache._replace(x=np.moveaxis(dy, -1, 1), w=turned, padding=border, out=cache.x.shape[2:])
    kernels = _as_columns(turned)  # (K, C), K = KW * KH * F
    x = np.ascontiguousarray(np.moveaxis(cache.x, 1, -1)) if kernel_grad else None
    dx, dkernels = np.empty((len(dy), *back.out, len(turned)), dy.dtype), np.zeros_like(kernels)
    for piece, strips in _strips(back):
        windows = _windows(strips, back)
        np.matmul(windows, kernels, out=_columns(dx[piece]))
        if kernel_grad:
            _add_products(dkernels, windows, _columns(x[piece]))
    dw = np.ascontiguousarray(np.flip(_as_kernels(dkernels, turned.shape), axes).swapaxes(0, 1))
    return dx, dw if kernel_grad else None


def _strips(cache):
    """Yield pieces (images, output rows) with their strips, of shape (n, *rows, padded width, *kernel rows, C)."""
    x, (height, *lead), tail = np.moveaxis(cache.x, 1, -1), cache.out[:-1], (*cache.w.shape[2:-1], cache.x.shape[1])
    columns = cache.x.shape[-1] + 2 * cache.padding[-1]
    strip_bytes = columns * prod(tail) * x.itemsize
    scratch = None
    for images, rows in pieces(len(x), height, prod(lead) * strip_bytes, _piece_bytes(cache.w, strip_bytes)):
        n, r = images.stop - images.start, rows.stop - rows.start
        if scratch is None:  # the first piece is the largest
            scratch = np.zeros((n, r, *lead, columns, *tail), x.dtype)
        strips = scratch[:n, :r]
        if r < height:
            strips[...] = 0  # else the zeros of the padding are at the same places in every piece
        for tap in np.ndindex(tail[:-1]):
            to_strips, to_x = _meeting(cache, images, rows, tap)
            strips[to_strips] = x[to_x]
        yield (images, rows), strips


def _piece_bytes(w, strip_bytes):
    """Bytes of a piece: some times the kernels; fewer if that makes the products small ones, of not too few strips."""
    scratch, small = block_bytes(SCRATCH_BYTES, w.nbytes), SMALL_PRODUCT // w.size * strip_bytes
    return min(scratch, small) if small > SCRATCH_BYTES // 2 else scratch


def _meeting(cache, images, rows, tap):
    """What a tap of all kernel axes but the last sees: an index into the strips, and one into x."""
    ends = [(rows.start, rows.stop), *((0, size) for size in cache.out[1:-1])]
    slices = [meeting(cache, axis, k, *ends[axis]) for axis, k in enumerate(tap)]
    inside = slice(cache.padding[-1], cache.padding[-1] + cache.x.shape[-1])
    return (slice(None), *(s[0] for s in slices), inside, *tap), (images, *(s[1] for s in slices))


def _windows(strips, cache):
    """The windows in the strips, a view of shape (OW, M, K): output column, strip, KW * *kernel rows * C."""
    column = prod(cache.w.shape[1:-1])  # numbers in a column of a strip
    flat = strips.reshape(-1, strips.shape[cache.w.ndim - 2] * column)
    windows = sliding_window_view(flat, cache.w.shape[-1] * column, axis=1)
    return windows[:, ::column].swapaxes(0, 1)


def _columns(maps):
    """(n, *rows, W, C) -> (W, M, C), a view: M strips, column by column."""
    return maps.reshape(-1, *maps.shape[-2:]).swapaxes(0, 1)


def _add_products(total, windows, columns):
    """Add window.T @ column for each column."""
    product = np.empty_like(total)
    for window, column in zip(windows, columns, strict=True):
        np.matmul(window.T, column, out=product)
        total += product


def _as_columns(w):
    """(F, C, *kernel) -> (KW * *kernel rows * C, F): one column per kernel, in the order of a strip."""
    return np.moveaxis(w, (0, 1, -1), (-1, -2, 0)).reshape(-1, len(w))


def _as_kernels(columns, shape):
    """Undo `_as_columns`."""
    kernels = columns.reshape(shape[-1], *shape[2:-1], shape[1], shape[0])
    return np.ascontiguousarray(np.moveaxis(kernels, (-1, -2, 0), (0, 1, -1)))
