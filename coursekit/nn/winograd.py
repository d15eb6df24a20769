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
that of plain summation. Harmless for training; in half precision it would not be.

Source: Lavin & Gray (2016), "Fast algorithms for convolutional neural networks", section 4 and equation (15).
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from coursekit.nn import strips
from coursekit.nn._taps import block_bytes, pieces

__all__ = ["backward", "forward"]

SCRATCH_BYTES = 2**20  # as a rule, for the transformed tiles of input and output

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
    return _convolve(cache)[0]


def backward(dy, cache, input_grad=True, kernel_grad=True):
    """Gradients for dy of shape (N, OH, OW, F): dx (N, H, W, C) and dw as w, None where not wanted.

    As in `strips`: dx is dy convolved with the turned kernel, and the tiles of dy that it is made of give dw too.
    """
    if not input_grad:
        return strips.backward(dy, cache, input_grad, kernel_grad)
    turned = np.flip(cache.w, (2, 3)).swapaxes(0, 1)  # (C, F, 3, 3)
    border = tuple(2 - p for p in cache.padding)
    back = cache._replace(x=np.moveaxis(dy, -1, 1), w=turned, padding=border, out=cache.x.shape[2:])
    dx, dturned = _convolve(back, np.moveaxis(cache.x, 1, -1) if kernel_grad else None)
    return dx, np.ascontiguousarray(np.flip(dturned, (2, 3)).swapaxes(0, 1)) if kernel_grad else None


def _convolve(cache, gradient=None):
    """y, and the gradient of the kernels for a gradient of y (N, OH, OW, F) if there is one."""
    n, c, f, dtype = len(cache.x), cache.x.shape[1], len(cache.w), cache.x.dtype
    kernels = _evaluate(G.astype(dtype), cache.w.transpose(2, 3, 1, 0)).reshape(36, c, f)
    dkernels = np.zeros_like(kernels)
    y = np.empty((n, *cache.out, f), dtype)
    down, across = (-(-size // 4) for size in cache.out)
    row_bytes = 36 * across * (c + f) * dtype.itemsize
    for images, rows in pieces(n, down, row_bytes, block_bytes(SCRATCH_BYTES, kernels.nbytes // 4)):
        block = images, slice(4 * rows.start, min(4 * rows.stop, cache.out[0]))
        tiles = _input_tiles(cache, images, rows, across)
        values = tiles.reshape(36, -1, c)  # (36, tiles, C)
        _interpolate(values @ kernels, y[block])
        if gradient is not None:
            dvalues = _output_tiles(gradient[block], across).reshape(36, -1, f)
            for total, value, dvalue in zip(dkernels, values, dvalues, strict=True):
                total += value.T @ dvalue
    dw = _evaluate(G.T.astype(dtype), dkernels.reshape(6, 6, c, f)) if gradient is not None else None
    return y, dw.transpose(3, 2, 0, 1) if gradient is not None else None


def _evaluate(matrix, tiles):
    """Compute matrix @ tile @ matrix.T for tiles of shape (rows, columns, ...)."""
    rows = (matrix @ tiles.reshape(len(tiles), -1)).reshape(len(matrix), *tiles.shape[1:])
    columns = matrix @ rows.reshape(*rows.shape[:2], -1)
    return columns.reshape(*columns.shape[:2], *tiles.shape[2:])


def _input_tiles(cache, images, rows, across):
    """Cut rows of tiles, 6 x 6 pixels, 4 apart, out of some images, and evaluate: (6, 6, rows, across, n, C)."""
    x, (above, left) = np.moveaxis(cache.x[images], 1, -1), cache.padding
    height, width = 4 * (rows.stop - rows.start) + 2, 4 * across + 2
    padded = np.zeros((height, width, len(x), x.shape[-1]), x.dtype)
    first = 4 * rows.start - above  # the pixel row that padded row 0 stands for
    inside = slice(max(first, 0), min(first + height, x.shape[1]))
    pixels = x[:, inside, : width - left].transpose(1, 2, 0, 3)
    padded[inside.start - first : inside.stop - first, left : left + pixels.shape[1]] = pixels
    return _evaluate_tiles(BT.astype(x.dtype), padded, rows.stop - rows.start, across)


def _output_tiles(dy, across):
    """The adjoint of `_interpolate`: (n, OH, OW, F) -> (6, 6, rows, across, n, F)."""
    n, height, width, f = dy.shape
    down = -(-height // 4)
    padded = np.zeros((4 * down, 4 * across, n, f), dy.dtype)
    padded[:height, :width] = dy.transpose(1, 2, 0, 3)
    return _evaluate_tiles(AT.T.astype(dy.dtype), padded, down, across)


def _evaluate_tiles(matrix, maps, down, across):
    """Compute matrix @ tile @ matrix.T for the tiles, 4 apart, of maps (H, W, n, C): (6, 6, down, across, n, C)."""
    size, (w, n, c) = matrix.shape[1], maps.shape[1:]
    step, item = n * c * maps.itemsize, maps.itemsize
    tiles = as_strided(maps, (down, size, w * n * c), (4 * w * step, w * step, item))  # tiles may overlap
    rows = np.matmul(matrix, tiles)  # (down, 6, W * n * C)
    tiles = as_strided(rows, (down, 6, across, size, n * c), (6 * w * step, w * step, 4 * step, step, item))
    values = np.empty((6, 6, down, across, n * c), maps.dtype)
    np.matmul(matrix, tiles, out=values.transpose(2, 0, 3, 1, 4))
    return values.reshape(6, 6, down, across, n, c)


def _interpolate(products, y):
    """AT @ tile @ AT.T for products (36, tiles, F), written to y (n, OH, OW, F); what hangs over is dropped."""
    n, height, width, f = y.shape
    tiles = _evaluate(AT.astype(y.dtype), products.reshape(6, 6, -1, f))
    tiles = tiles.reshape(4, 4, -(-height // 4), -(-width // 4), n, f)
    for i, j in np.ndindex(4, 4):
        place = y[:, i::4, j::4].transpose(1, 2, 0, 3)
        place[...] = tiles[i, j, : place.shape[0], : place.shape[1]]
