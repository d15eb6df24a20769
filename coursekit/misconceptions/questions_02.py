"""Of assignment 2, the convolutional layer and its neighbours: wrong answers with the thought behind each.

Functions with the name of a question's function take what that takes. Those for an entered answer are given the answer,
which they ignore, and then the numbers of the question.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.shapes import conv_macs, conv_parameters, output_size, unshared_parameters

# ------------------------------------------------------------------ boxes of numbers


def column_with_places_swapped(volume: np.ndarray, x: int, y: int) -> np.ndarray:
    """This reads the index as (x, y), right first. An array wants the row first: [y, x]."""
    return volume[:, x, y]


def mean_of_a_slice(volume: np.ndarray, x: int, y: int) -> np.ndarray:
    """This takes the mean of each sheet. A column holds one number of each sheet, that of the place."""
    return volume.mean(axis=(1, 2))


def reshaped_photos(photos: np.ndarray) -> np.ndarray:
    """This reshapes: the right shape, and the numbers of a pixel scattered."""
    count, height, width, depth = photos.shape
    return photos.reshape(count, depth, height, width)


def photos_on_their_side(photos: np.ndarray) -> np.ndarray:
    """This moves the channels forward and swaps rows and columns on the way."""
    return photos.T.transpose(3, 0, 1, 2)


def _stack(width: int, height: int, kernels: int, size: int, stride: int, padding: int, places) -> list[list[int]]:
    """Volumes after a convolution, a pooling 3x3 with stride 2, and 3x3 kernels twice as many that keep the size."""
    sides = [places(side, size, stride, padding) for side in (width, height)]
    pooled = [places(side, 3, 2, 0) for side in sides]
    return [[*sides, kernels], [*pooled, kernels], [*pooled, 2 * kernels]]


def stack_padded_once(volumes: object, *numbers: int) -> list[list[int]]:
    """This adds the padding once to each axis. There is one at each end: 2P."""
    return _stack(*numbers, lambda side, size, stride, padding: (side - size + padding) // stride + 1)


def stack_of_steps(volumes: object, *numbers: int) -> list[list[int]]:
    """This counts the steps and forgets the first place."""
    return _stack(*numbers, lambda side, size, stride, padding: (side - size + 2 * padding) // stride)


def stack_rounded_up(volumes: object, *numbers: int) -> list[list[int]]:
    """This lets the last window hang over the end where the stride does not fit."""
    return _stack(*numbers, lambda side, size, stride, padding: -(-(side - size + 2 * padding) // stride) + 1)


def summary_of_flat_kernels(shape: Sequence[int], kernels: int, size: int, stride: int, padding: int) -> list[int]:
    """This makes the kernels flat. A kernel is as deep as its input."""
    return _summary((1, *shape[1:]), kernels, size, stride, padding)


def summary_with_one_bias(shape: Sequence[int], kernels: int, size: int, stride: int, padding: int) -> list[int]:
    """This has one bias for the whole layer. Each kernel has its own."""
    height, width, weights, _, macs = _summary(shape, kernels, size, stride, padding)
    return [height, width, weights, 1, macs]


def summary_of_unshared_kernels(shape: Sequence[int], kernels: int, size: int, stride: int, padding: int) -> list[int]:
    """This counts the weights again for every place. All places share them."""
    height, width, weights, biases, macs = _summary(shape, kernels, size, stride, padding)
    return [height, width, weights * height * width, biases, macs]


def summary_with_work_for_one_map(
    shape: Sequence[int], kernels: int, size: int, stride: int, padding: int
) -> list[int]:
    """This counts the multiplications of a single kernel. All kernels visit every place."""
    *counts, macs = _summary(shape, kernels, size, stride, padding)
    return [*counts, macs // kernels]


def _summary(shape, kernels, size, stride, padding):
    sides = [output_size(side, size, stride, padding, mode="floor") for side in shape[1:]]
    weights = conv_parameters(shape[0], kernels, size, bias=False)
    return [*sides, weights, kernels, conv_macs(shape[0], kernels, size, sides)]


# ------------------------------------------------------------------ one number of the output


def window_at_the_index(window: object, stride: int, size: int, row: int, column: int) -> list[int]:
    """This starts the window at the output's own index. It starts at stride times the index."""
    return [row, row + size, column, column + size]


def window_without_its_last_row(window: object, stride: int, size: int, row: int, column: int) -> list[int]:
    """This ends each slice one too early: the end of a slice is not part of it."""
    return [stride * row, stride * row + size - 1, stride * column, stride * column + size - 1]


def window_with_axes_swapped(window: object, stride: int, size: int, row: int, column: int) -> list[int]:
    """This takes the first index for the one that goes right. In an array it goes down."""
    return [stride * column, stride * column + size, stride * row, stride * row + size]


def flat_window(products: object, stride: int, size: int) -> int:
    """This counts the products of a flat window. It goes all the way in depth."""
    return size * size


def window_of_all_kernels(products: object, stride: int, size: int) -> int:
    """This counts the products of all four kernels. One number of the output comes from one kernel."""
    return size * size * 6 * 4


def readers_of_one_kernel(touched: object, stride: int, size: int) -> int:
    """This counts the windows and forgets that each is read by all four kernels."""
    first, second = (len([i for i in range(12) if stride * i <= place < stride * i + size]) for place in (12, 10))
    return first * second


def every_window_reads_it(touched: object, stride: int, size: int) -> int:
    """This counts as if the stride were 1, so that a pixel lies in F x F windows."""
    return size * size * 4


# ------------------------------------------------------------------ one layer by hand


def demo_with_a_bias_a_channel(demo: object, volume: np.ndarray, kernel: np.ndarray, bias: float) -> np.ndarray:
    """This adds the bias once for each channel."""
    return conv(volume[None], kernel[None], np.array([len(volume) * bias]), 2, 1)[0, 0]


def demo_padded_at_the_end(demo: object, volume: np.ndarray, kernel: np.ndarray, bias: float) -> np.ndarray:
    """This puts all zeros below and at the right. One belongs at each side."""
    grown = np.pad(volume, [(0, 0), (0, 2), (0, 2)])
    return conv(grown[None], kernel[None], np.array([bias]), 2, 0)[0, 0]


def demo_with_a_turned_kernel(demo: object, volume: np.ndarray, kernel: np.ndarray, bias: float) -> np.ndarray:
    """This turns the kernel by 180 degrees first. Layers use it as it is."""
    return conv(volume[None], kernel[None, :, ::-1, ::-1], np.array([bias]), 2, 1)[0, 0]


# ------------------------------------------------------------------ the whole layer


def conv(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride, padding) -> np.ndarray:
    """Zeros at all four sides, a window at stride times the index, and a bias for each kernel: the right way."""
    (down, right), (rows, columns) = np.broadcast_to(stride, 2), np.broadcast_to(padding, 2)
    grown = np.pad(x, [(0, 0), (0, 0), (rows, rows), (columns, columns)])
    windows = sliding_window_view(grown, w.shape[2:], axis=(2, 3))[:, :, ::down, ::right]
    return np.einsum("ncijpq,fcpq->nfij", windows, w, optimize=True) + np.reshape(b, (-1, 1, 1))


def conv_at_the_index(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride, padding) -> np.ndarray:
    """This starts the window of output (i, j) at row i and column j. It starts at stride times the index."""
    _, _, rows, columns = conv(x, w, b, stride, padding).shape
    return conv(x, w, b, 1, padding)[:, :, :rows, :columns]


def conv_with_one_stride(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride, padding) -> np.ndarray:
    """This uses the first stride for both axes."""
    return conv(x, w, b, stride[0], padding)


def conv_with_pads_swapped(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride, padding) -> np.ndarray:
    """This pads rows by what is meant for columns, and the other way round."""
    return conv(x, w, b, stride, padding[::-1])


def conv_without_bias(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride, padding) -> np.ndarray:
    """This leaves the biases out."""
    return conv(x, w, 0 * b, stride, padding)


def conv_with_a_bias_a_channel(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride, padding) -> np.ndarray:
    """This adds the bias once for each input channel. It is added once, after everything else."""
    return conv(x, w, x.shape[1] * b, stride, padding)


def conv_with_turned_kernels(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride, padding) -> np.ndarray:
    """This turns the kernels by 180 degrees, which layers do not do."""
    return conv(x, w[:, :, ::-1, ::-1], b, stride, padding)


def matrix_layer_with_pictures_mixed(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """This reads the product as (N, F, OH, OW). Its rows are kernels, so it is (F, N, OH, OW)."""
    right = conv(x, w, 0 * b, stride, 0)
    return right.swapaxes(0, 1).reshape(right.shape) + b.reshape(-1, 1, 1)


def matrix_layer_with_channels_scattered(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """This writes a window with its channels side by side, while the kernel's row has channel 0 first, whole."""
    filters, channels, height, width = w.shape
    met = w.reshape(filters, height, width, channels).transpose(0, 3, 1, 2)
    return conv(x, met, b, stride, 0)


def matrix_layer_with_both_mistakes(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """This is the friend's layer as it was."""
    right = matrix_layer_with_channels_scattered(x, w, 0 * b, stride)
    return right.swapaxes(0, 1).reshape(right.shape) + b.reshape(-1, 1, 1)


# ------------------------------------------------------------------ parameters, shared or not


def _first_layer(kernels: int, size: int, stride: int) -> tuple[int, int]:
    places = output_size(227, size, stride)
    return places, places * places * kernels


def parameters_of_flat_first_kernels(counts: object, kernels: int, size: int, stride: int) -> list[int]:
    """This makes the kernels flat. They read all three colours."""
    places, numbers = _first_layer(kernels, size, stride)
    flat = conv_parameters(1, kernels, size)
    return [numbers, flat, places * places * flat]


def parameters_with_shared_biases(counts: object, kernels: int, size: int, stride: int) -> list[int]:
    """This unshares the weights and keeps one bias a kernel. Each place would have a bias of its own, too."""
    places, numbers = _first_layer(kernels, size, stride)
    shared = conv_parameters(3, kernels, size)
    return [numbers, shared, places * places * (shared - kernels) + kernels]


def parameters_without_biases(counts: object, kernels: int, size: int, stride: int) -> list[int]:
    """This counts weights and leaves the biases out."""
    places, numbers = _first_layer(kernels, size, stride)
    return [
        numbers,
        conv_parameters(3, kernels, size, bias=False),
        unshared_parameters(3, kernels, size, places, bias=False),
    ]


def slopes_averaged(slopes: object, line: list[int], blame: list[int]) -> list[float]:
    """This takes the mean over the places. A shared weight acts at all of them at once: add up."""
    return [slope / len(blame) for slope in _slopes(line, blame)]


def slopes_of_the_last_place(slopes: object, line: list[int], blame: list[int]) -> list[int]:
    """This keeps what the last place says: each place has overwritten the one before (`=` for `+=`)."""
    return [blame[-1] * line[len(blame) - 1], blame[-1] * line[len(blame)]]


def slopes_of_equal_places(slopes: object, line: list[int], blame: list[int]) -> list[int]:
    """This adds up the inputs and forgets how much the score listens to each output."""
    return _slopes(line, [1] * len(blame))


def _slopes(line, blame):
    return [sum(g * line[i + k] for i, g in enumerate(blame)) for k in (0, 1)]


def windows_as_rows(columns: object, kernels: int, size: int, stride: int) -> list[int]:
    """This lays the windows out as rows. Each window is a column, as long as a window has numbers."""
    places, _ = _first_layer(kernels, size, stride)
    return [places * places, 3 * size * size, kernels * 3 * size * size * places * places]


def columns_of_one_colour(columns: object, kernels: int, size: int, stride: int) -> list[int]:
    """This copies one colour. A window holds all three."""
    places, _ = _first_layer(kernels, size, stride)
    return [size * size, places * places, kernels * size * size * places * places]
