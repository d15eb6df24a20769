"""Of assignment 3, questions 1 to 6: wrong answers with their thoughts. The others are in `questions_03_losses`."""

from collections.abc import Callable

import numpy as np

Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]

# ------------------------------------------------ questions 1 and 3, entered: functions of what is given there


def unturned_on_a_line(inputs: tuple, taps: tuple, arrived: tuple) -> np.ndarray:
    """This lays the taps on the wrong way round: the first input met the FIRST tap."""
    return np.convolve(arrived, taps[::-1])


def overwritten_on_a_line(inputs: tuple, taps: tuple, arrived: tuple) -> np.ndarray:
    """This keeps the last share of each input; the shares of all outputs have to be added."""
    dx = np.zeros(len(inputs))
    for i, d in enumerate(arrived):
        dx[i : i + len(taps)] = d * np.array(taps)
    return dx


def one_output_alone(inputs: tuple, taps: tuple, arrived: tuple) -> np.ndarray:
    """This multiplies the taps with the sum of the gradients, as if all outputs had seen the same window."""
    return np.append(np.sum(arrived) * np.array(taps), np.zeros(len(arrived) - 1))


def flipped_for_the_taps(inputs: tuple, taps: tuple, arrived: tuple) -> np.ndarray:
    """This turns d round before it slides over x. Only the gradient of the inputs has a turn in it."""
    return np.convolve(inputs, arrived, mode="valid")


def first_window_alone(inputs: tuple, taps: tuple, arrived: tuple) -> np.ndarray:
    """This takes one term for each tap. Each tap was used by every output."""
    return np.array([d * x for d, x in zip(arrived, inputs, strict=False)][: len(taps)])


def _letter(choices: list, value: np.ndarray) -> str:
    return "ABCD"[[np.array_equal(choice, value) for choice in choices].index(True)]


def sent_back(dy: np.ndarray, kernel: np.ndarray, *, add: bool = True) -> np.ndarray:
    """Each output adds dy times the kernel to its window."""
    dx = np.zeros([n + k - 1 for n, k in zip(np.shape(dy), np.shape(kernel), strict=True)], dtype=int)
    for (i, j), d in np.ndenumerate(dy):
        window = dx[i : i + len(kernel), j : j + len(kernel[0])]
        window[...] = d * np.array(kernel) + (window if add else 0)
    return dx


def picks_the_right_gradient(choices: list, dy: list, kernel: list) -> str:
    """This picks what the code should give. Without the flip it gives something else."""
    return _letter(choices, sent_back(np.array(dy), np.array(kernel)))


def picks_half_a_turn(choices: list, dy: list, kernel: list) -> str:
    """This turns left and right alone; a missing turn by 180 degrees concerns both axes."""
    return _letter(choices, sent_back(np.array(dy), np.array(kernel)[:, ::-1]))


def picks_the_overwritten(choices: list, dy: list, kernel: list) -> str:
    """This lets windows overwrite each other. Sliding adds up all products of a place."""
    return _letter(choices, sent_back(np.array(dy), np.array(kernel)[::-1, ::-1], add=False))


TRANSPOSED_THE_SAME = {"B", "E", "F"}  # kernels that equal their transpose
MIRRORED_THE_SAME = {"D", "E", "F"}  # kernels that read the same from left and from right

# ------------------------------------------------ question 2: a graph


def last_way_of_x(x: float, w: float, b: float, t: float) -> dict[str, float]:
    """This lets the second share of x overwrite the first (`=` for `+=`)."""
    found = _graph(x, w, b, t)
    return found | {"x": found["b"] * w}


def one_way_of_w(x: float, w: float, b: float, t: float) -> dict[str, float]:
    """This forgets that w stands in the loss itself, too."""
    found = _graph(x, w, b, t)
    return found | {"w": found["b"] * x}


def open_relu(x: float, w: float, b: float, t: float) -> dict[str, float]:
    """This lets the gradient through the maximum wherever a was, also below 0."""
    return _graph(x, w, b, t, blocked=False)


def without_the_square(x: float, w: float, b: float, t: float) -> dict[str, float]:
    """This starts with s - t: the factor 2 of the square is missing."""
    return _graph(x, w, b, t, factor=1)


def _graph(x, w, b, t, *, blocked=True, factor=2):
    a = w * x + b
    ds = factor * (max(a, 0) * x - t)
    da = ds * x * (a > 0 or not blocked)
    return {"x": ds * max(a, 0) + da * w, "w": 2 * w + da * x, "b": da}


# ------------------------------------------------ question 4: a convolution


def conv_unturned(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This turns the kernel once too often, so that each pixel meets the wrong weight."""
    return _convolution(dy, x, w, stride, padding, kernel=w[:, :, ::-1, ::-1])


def conv_overwritten(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This overwrites where it should add: of overlapping windows only the last one counts."""
    return _convolution(dy, x, w, stride, padding, add=False)


def conv_without_stride(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This sets the windows down side by side and forgets the stride."""
    return _convolution(dy, x, w, 1, padding)


def conv_rim_at_one_end(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This cuts the rim off at the end of each axis only, so that dx is shifted."""
    return _convolution(dy, x, w, stride, padding, cut=0)


def conv_dw_flipped(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This flips dw as well. Only dx has a turn in it."""
    dx, dw, db = _convolution(dy, x, w, stride, padding)
    return dx, dw[:, :, ::-1, ::-1], db


def conv_db_of_means(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This takes means: over the pictures for dw, over all places for db. Each use adds a share: sums are meant."""
    dx, dw, _ = _convolution(dy, x, w, stride, padding)
    return dx, dw / len(x), dy.mean(axis=(0, 2, 3))


def _convolution(dy, x, w, stride, padding, *, kernel=None, add=True, cut=None):
    kernel = w if kernel is None else kernel
    cut = padding if cut is None else cut
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for (n, f, i, j), d in np.ndenumerate(dy):
        rows, columns = (slice(stride * at, stride * at + k) for at, k in zip((i, j), w.shape[2:], strict=True))
        dx[n, :, rows, columns] = d * kernel[f] + (dx[n, :, rows, columns] if add else 0)
        dw[f] += d * padded[n, :, rows, columns]
    return dx[:, :, cut : cut + x.shape[2], cut : cut + x.shape[3]], dw, dy.sum(axis=(0, 2, 3))


# ------------------------------------------------ questions 5 and 6: pooling


def max_pool_overwritten(dy: np.ndarray, x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This gives a value that won several windows the last share only (`=` for `+=`)."""
    return _max_pool(dy, x, window, stride, lambda dx, values, d: np.where(_first(values), d, dx))


def max_pool_to_all_of_a_tie(dy: np.ndarray, x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This hands the whole gradient to each value of a tie. The first of them gets all of it."""
    return _max_pool(dy, x, window, stride, lambda dx, values, d: dx + d * (values == values.max()))


def max_pool_split_in_a_tie(dy: np.ndarray, x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This splits the gradient among the values of a tie. The first of them gets all of it."""
    share = lambda values: (values == values.max()) / (values == values.max()).sum()  # noqa: E731
    return _max_pool(dy, x, window, stride, lambda dx, values, d: dx + d * share(values))


def max_pool_as_average(dy: np.ndarray, x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This spreads each gradient over its window: that is average pooling."""
    return _max_pool(dy, x, window, stride, lambda dx, values, d: dx + d / values.size)


def _first(values):
    return (np.arange(values.size) == values.argmax()).reshape(values.shape)


def _max_pool(dy, x, window, stride, change: Callable):
    dx = np.zeros_like(x)
    for (n, c, i, j), d in np.ndenumerate(dy):
        at = n, c, slice(i * stride, i * stride + window), slice(j * stride, j * stride + window)
        dx[at] = change(dx[at], x[at], d)
    return dx


def average_pool_overwritten(dy: np.ndarray, shape: tuple, window: tuple, stride: int) -> np.ndarray:
    """This overwrites where windows overlap; the shares have to be added."""
    return _average_pool(dy, shape, window, stride, add=False)


def average_pool_undivided(dy: np.ndarray, shape: tuple, window: tuple, stride: int) -> np.ndarray:
    """This hands the whole gradient to every value of a window; each has a share of it only."""
    return _average_pool(dy, shape, window, stride, size=1)


def average_pool_of_a_square(dy: np.ndarray, shape: tuple, window: tuple, stride: int) -> np.ndarray:
    """This divides by the square of the window's height; its width may be another."""
    return _average_pool(dy, shape, window, stride, size=window[0] ** 2)


def _average_pool(dy, shape, window, stride, *, size=None, add=True):
    dx, size = np.zeros(shape), size or window[0] * window[1]
    for i, j in np.ndindex(dy.shape[2:]):
        at = dx[:, :, i * stride : i * stride + window[0], j * stride : j * stride + window[1]]
        at[...] = dy[:, :, i, j, None, None] / size + (at if add else 0)
    return dx
