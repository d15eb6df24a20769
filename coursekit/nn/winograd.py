"""Winograd's convolution, F(4x4, 3x3): a quarter of the multiplications, for some additions.

The story in one dimension. To multiply two polynomials one may multiply coefficients, each with each. Or evaluate both
at enough points, multiply the VALUES, point by point, and interpolate. Four outputs of a 3-tap kernel take 12 products;
they come from 6 pixels, and 6 points (0, 1, -1, 2, -2 and infinity) do it with 6:

    y = AT @ ((G @ w) * (BT @ x))        w: 3 taps, x: 6 pixels, y: 4 outputs

G and BT evaluate, AT interpolates. In two dimensions all three work on rows, then on columns: 36 products for a tile
of 4 x 4 outputs instead of 144. With many channels the products are 36 matrix products, one for each pair of
points, (tiles, C) @ (C, F), and the transforms, whose cost does not grow with C * F, pay off.

The price is rounding. AT has row sums up to 19 (in absolute value), so an error in a product can grow by 19^2 in
the worst case, and BT's, up to 10, make the products larger than the sum they end up in. Most of it cancels: in float32
the largest error is some 1e-6 of the largest output, 1e-5 with hundreds of channels (tests hold it below 5e-5), tenfold
that of plain summation. Harmless for training; in half precision it would not be. And a NaN or an infinity spoils the
whole tile that it lies in.

The other price is memory: kernels of 9 taps become 36 values, 36 MiB for 512 channels on both sides. But the points are
independent of each other, and so are the kernels. So many channels are done one row of six points after the other, for
some of the kernels at a time, and what they give is added up. Then about 8 MiB of scratch memory will do, whatever the
batch and the channels (tests hold it there up to 512 of them). Only for maps wider than about 200 pixels, with so many
channels, a single row of tiles takes more.

Source: Lavin & Gray (2016), "Fast algorithms for convolutional neural networks", section 4 and equation (15).
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from coursekit.nn import strips
from coursekit.nn._taps import pieces

__all__ = ["backward", "forward"]

SCRATCH_BYTES = 3 * 2**19  # as a rule, for the tiles of input and output, as they are and transformed
KERNEL_BYTES = 9 * 2**18  # for transformed kernels: all 36 points of 128 kernels of 128 channels, in float32

BT = np.array([
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
])  # fmt: skip
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
AT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])


def forward(cache):
    """Convolve cache.x with the 3x3 kernels cache.w at stride 1: y of shape (N, OH, OW, F), without the bias."""
    x = np.moveaxis(cache.x, 1, -1)
    y = np.empty((len(x), *cache.out, len(cache.w)), x.dtype)
    for some, points in _parts(cache.w):
        w, matrix = cache.w[some], _both_ways(G, points).astype(x.dtype)
        if len(matrix) == 36:  # rather reorder 9 taps than 36 values; but not again for each row of points
            kernels = _evaluate_kernels(w.swapaxes(0, 1), matrix)  # (points, C, some of F)
        else:
            kernels = np.ascontiguousarray(_evaluate_kernels(w, matrix).swapaxes(1, 2))
        _convolve(x, kernels, cache.padding, y[..., some], points, add=points.start > 0)
    return y


def backward(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, OH, OW, F): dx (N, H, W, C) and dw as w, None where not wanted.

    As in `strips`: dx is dy convolved with the turned kernel, and the tiles of dy that it is made of give dw too.
    """
    if not input_grad:
        return strips.backward(dy, cache, input_grad, kernel_grad)
    x, border = np.moveaxis(cache.x, 1, -1), tuple(2 - p for p in cache.padding)
    dx, dw = np.empty(x.shape, x.dtype), np.zeros(cache.w.shape, x.dtype) if kernel_grad else None
    for some, points in _parts(cache.w):
        turned = _both_ways(G, points)[:, ::-1].astype(x.dtype)  # (points, 9): the last tap first
        kernels = _evaluate_kernels(cache.w[some], turned)  # (points, some of F, C)
        dkernels = np.zeros_like(kernels) if kernel_grad else None
        later = some.start + points.start > 0  # the first ones set dx, the later ones add to it
        _convolve(dy[..., some], kernels, border, dx, points, later, x if kernel_grad else None, dkernels)
        if kernel_grad:
            dw[some] += (dkernels.reshape(len(turned), -1).T @ turned).reshape(dw[some].shape)
    return dx, dw


def _parts(w):
    """Cut the work so that transformed kernels take little memory: yield slices of the kernels and of rows of points.

    Everything at once if possible; otherwise fewer of the six rows; with one row still too much, fewer of the kernels.
    """
    row_bytes = 6 * w.shape[1] * w.itemsize  # one row of points, of one kernel
    some, rows = max(1, KERNEL_BYTES // row_bytes), min(6, max(1, KERNEL_BYTES // (row_bytes * len(w))))
    for first in range(0, len(w), some):
        for row in range(0, 6, rows):
            yield slice(first, first + some), slice(row, row + rows)


def _both_ways(matrix, points):
    """One matrix for rows and columns at once: it makes matrix[points] @ tile @ matrix.T of a tile."""
    return np.kron(matrix[points], matrix)


def _evaluate_kernels(w, matrix):
    """Turn kernels (F, C, 3, 3), or (C, F, 3, 3), into their values (points, F, C), or (points, C, F)."""
    return (matrix @ w.reshape(-1, 9).T).reshape(len(matrix), *w.shape[:2])


def _convolve(x, kernels, padding, y, points, add, dy=None, dkernels=None):
    """Write what some rows of points give to y (N, OH, OW, F), or add it.

    Given a gradient dy of y, also add to dkernels, (points, C, F) as kernels are, what it makes of theirs.
    """
    (c, f), (down, across) = kernels.shape[1:], (-(-size // 4) for size in y.shape[1:3])
    row_bytes = (16 + len(kernels)) * across * (c + f) * x.itemsize  # 16 new pixels in a tile
    to_outputs, scratch = _both_ways(AT.T, points).T.astype(x.dtype), None  # (16, points)
    for images, rows in pieces(len(y), down, row_bytes, _piece_bytes(kernels)):
        tiles = (images.stop - images.start) * (rows.stop - rows.start) * across
        if scratch is None:  # the first piece is the largest
            scratch = [np.empty((len(kernels), tiles, channels), x.dtype) for channels in (c, f)]
        values, products = (array[:, :tiles] for array in scratch)
        block = images, slice(4 * rows.start, min(4 * rows.stop, y.shape[1]))
        _input_tiles(x[images], padding, points, rows, across, out=values)
        _interpolate(to_outputs, np.matmul(values, kernels, out=products), y[block], add)
        if dy is not None:
            _output_tiles(dy[block], points, across, out=products)
            for total, value, dvalue in zip(dkernels, values, products, strict=True):
                total += value.T @ dvalue


def _piece_bytes(kernels):
    """Small pieces stay in the cache, but each one reads all the kernels again: more for many channels."""
    return min(max(SCRATCH_BYTES, 48 * kernels[0].nbytes), 2 * SCRATCH_BYTES)


def _input_tiles(x, padding, points, rows, across, out):
    """Cut rows of tiles, 6 x 6 pixels, 4 apart, out of some images; evaluate them into out (points, tiles, C)."""
    above, left = padding
    height, width = 4 * (rows.stop - rows.start) + 2, 4 * across + 2
    padded = np.zeros((height, width, len(x), x.shape[-1]), x.dtype)
    first = 4 * rows.start - above  # the pixel row that padded row 0 stands for
    inside = slice(max(first, 0), min(first + height, x.shape[1]))
    pixels = x[:, inside, : width - left].transpose(1, 2, 0, 3)
    padded[inside.start - first : inside.stop - first, left : left + pixels.shape[1]] = pixels
    _evaluate_tiles(BT, points, padded, rows.stop - rows.start, across, out)


def _output_tiles(dy, points, across, out):
    """The adjoint of interpolation: from (n, OH, OW, F) into out (points, tiles, F)."""
    n, height, width, f = dy.shape
    down = -(-height // 4)
    padded = np.zeros((4 * down, 4 * across, n, f), dy.dtype)
    padded[:height, :width] = dy.transpose(1, 2, 0, 3)
    _evaluate_tiles(AT.T, points, padded, down, across, out)


def _evaluate_tiles(matrix, points, maps, down, across, out):
    """Compute matrix[points] @ tile @ matrix.T for the tiles, 4 apart, of maps (H, W, n, C)."""
    matrix = matrix.astype(maps.dtype)
    some, size, (w, n, c) = matrix[points], matrix.shape[1], maps.shape[1:]
    step, item = n * c * maps.itemsize, maps.itemsize
    tiles = as_strided(maps, (down, size, w * n * c), (4 * w * step, w * step, item))  # tiles may overlap
    rows = np.matmul(some, tiles)  # (down, points, W * n * C)
    strides = (len(some) * w * step, w * step, 4 * step, step, item)
    tiles = as_strided(rows, (down, len(some), across, size, n * c), strides)
    values = out.reshape(len(some), 6, down, across, n * c)  # a view
    np.matmul(matrix, tiles, out=values.transpose(2, 0, 3, 1, 4))


def _interpolate(matrix, products, y, add):
    """From products (points, tiles, F) to outputs y (n, OH, OW, F), set or added to; what hangs over is dropped."""
    n, height, width, f = y.shape
    tiles = (matrix @ products.reshape(len(products), -1)).reshape(4, 4, -(-height // 4), -(-width // 4), n, f)
    for i, j in np.ndindex(4, 4):
        place = y[:, i::4, j::4].transpose(1, 2, 0, 3)
        inside = tiles[i, j, : place.shape[0], : place.shape[1]]
        if add:
            place += inside
        else:
            place[...] = inside
