"""Of assignment 1, what `maths` does not have: wrong answers with their thoughts."""

import numpy as np

from coursekit.misconceptions.maths import window_sums

# ------------------------------------------------ question 1, entered: functions of what is given there


def side_by_side(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This sets the kernel down in tiles, side by side. It moves on by one pixel at a time."""
    return window_sums(image, kernel)[:: kernel.shape[0], :: kernel.shape[1]]


def transposed_weights(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This reads the kernel column by column."""
    return window_sums(image, kernel.T)


# ------------------------------------------------ question 6, entered


def drawn_by_dots(picture: np.ndarray, drawn: np.ndarray, *, add: bool = True) -> np.ndarray:
    """What the dots draw at the places where a kernel of `drawn`'s shape fits: one copy each, scaled by the dot."""
    rows, columns = drawn.shape
    full = np.zeros([n + k - 1 for n, k in zip(picture.shape, drawn.shape, strict=True)], dtype=int)
    for i, j in np.argwhere(picture):
        window = full[i : i + rows, j : j + columns]
        window[...] = picture[i, j] * drawn + (window if add else 0)
    return full[rows - 1 : picture.shape[0], columns - 1 : picture.shape[1]]


def picks_the_copies(choices: list, picture: list, kernel: list) -> str:
    """This picks the convolution, in which each dot becomes a copy of the kernel as it stands."""
    return _letter(choices, drawn_by_dots(np.array(picture), np.array(kernel)))


def picks_half_a_turn(choices: list, picture: list, kernel: list) -> str:
    """This turns left and right alone. A sliding kernel draws itself turned by 180 degrees."""
    return _letter(choices, drawn_by_dots(np.array(picture), np.array(kernel)[:, ::-1]))


def picks_the_overwritten(choices: list, picture: list, kernel: list) -> str:
    """This lets the second dot's copy cover the first one's. Sliding adds up all products of a place."""
    return _letter(choices, drawn_by_dots(np.array(picture), np.array(kernel)[::-1, ::-1], add=False))


def _letter(choices: list, value: np.ndarray) -> str:
    return "ABCD"[[np.array_equal(choice, value) for choice in choices].index(True)]


# ------------------------------------------------ questions 7 and 8

_MIDDLE = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
DIFFERENCE_ALONE = 2 * (_MIDDLE - 1 / 9)  # the picture itself is forgotten
SHARPEN_ONCE = _MIDDLE + (_MIDDLE - 1 / 9)
MEAN_OF_THE_NEIGHBOURS = _MIDDLE + 2 * (_MIDDLE - (1 - _MIDDLE) / 8)  # eight pixels where nine are meant

CURVE_P, CURVE_Q, CURVE_R = "P", "Q", "R"
EXTREMES_FOR_LEVELS = [2, 14, -4]  # read where sharpening exaggerates
JUMPS_FOR_LEVELS = [0, 3, -6]  # values of the difference
FIRST_REACTION = 11  # where the kernel's right end gets to the third area
THE_OTHER_EDGE = 6
BACK_TO_FLAT = 13  # where the whole kernel has got there

# ------------------------------------------------ question 9, entered


def grey_picture(size: int, outputs: int) -> int:
    """This counts one number a pixel. A colour picture has three."""
    return size * size * outputs


def one_output(size: int, outputs: int) -> int:
    """This counts the weights of a single output."""
    return size * size * 3


def with_biases(size: int, outputs: int) -> int:
    """This counts a bias for each output, too."""
    return size * size * 3 * outputs + outputs


def flat_kernels(size: int, kernels: int, taps: int) -> int:
    """This forgets that a kernel is as deep as its input."""
    return kernels * taps * taps


def one_kernel(size: int, kernels: int, taps: int) -> int:
    """This counts the weights of a single kernel."""
    return taps * taps * 3


def not_shared(size: int, kernels: int, taps: int) -> int:
    """This gives each place weights of its own."""
    return kernels * taps * taps * 3 * (size - taps + 1) ** 2


# ------------------------------------------------ question 11

SUM_OF_ROWS_SUSPECTED = {3, 4}
BOTH_SIZES_SUSPECTED = {1, 4}
IMAGE_SUSPECTED = {4, 5}


def last_row_lost(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """This takes H - K rows of places. There is one more."""
    return window_sums(image, np.outer(column, row))[:-1]


def last_weight_alone(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """This overwrites the shares of the column's earlier weights (`=` for `+=`)."""
    return window_sums(image, np.outer(np.append(np.zeros(len(column) - 1), column[-1]), row))


def weights_exchanged(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """This lays the row's weights below each other and the column's side by side."""
    return window_sums(image, np.outer(row, column))


def turned_passes(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """This turns both lists of weights round, as np.convolve does."""
    return window_sums(image, np.outer(column[::-1], row[::-1]))


def passes_added(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """This adds two passes over the picture. The second one goes over the first one's result."""
    across, down = window_sums(image, row[None, :]), window_sums(image, column[:, None])
    return across[: down.shape[0]] + down[:, : across.shape[1]]


# ------------------------------------------------ question 12


def turned_on_every_axis(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This turns the kernel round along every axis."""
    return _slide_nd(x, np.flip(w))


def mean_of_products(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This takes the mean of the products where the sum is meant."""
    return _slide_nd(x, w) / w.size


def one_place_lost(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This stops one place early along each axis."""
    return _slide_nd(x, w)[(slice(-1),) * x.ndim]


def _slide_nd(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape)
    return np.tensordot(windows, w, axes=x.ndim)


# ------------------------------------------------ question 15, entered


def product_at_the_time(rate: int, rain: int, stay: int, times: tuple) -> list:
    """This multiplies f(t) by g(t). The integral gathers every moment at which a drop fell that is still there."""
    return [rate * (t < rain) * (t < stay) for t in times]


def nothing_leaves(rate: int, rain: int, stay: int, times: tuple) -> list:
    """This keeps all the rain that ever fell."""
    return [rate * min(t, rain) for t in times]


def rain_without_end(rate: int, rain: int, stay: int, times: tuple) -> list:
    """This lets it rain on for ever."""
    return [rate * min(t, stay) for t in times]


def end_of_the_rain(rate: int, rain: int, stay: int, times: tuple) -> int:
    """This forgets that the last drops stay for a while."""
    return rain


def end_of_the_stay(rate: int, rain: int, stay: int, times: tuple) -> int:
    """This asks when the first drop leaves, not the last."""
    return stay
