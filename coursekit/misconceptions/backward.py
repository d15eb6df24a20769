"""Of gradients: the right way through a layer backwards, and wrong ways with their names."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# ------------------------------------------------ a value that is used twice: L = (w * x + x - t)**2


def both_paths(x: float, w: float, t: float) -> float:
    """Both ways from x to the loss count: 6 through the sum, 18 through the product, and they add up."""
    return 2 * (w * x + x - t) * (1 + w)


def last_path_only(x: float, w: float, t: float) -> float:
    """This is the way through the product alone: the share from the sum was overwritten by it (`=` for `+=`)."""
    return 2 * (w * x + x - t) * w


def sum_only(x: float, w: float, t: float) -> float:
    """This is the way through the sum alone. But x moves the product as well."""
    return 2 * (w * x + x - t)


def slope_of_the_sum(x: float, w: float, t: float) -> float:
    """This is how fast s moves with x. The chain goes on: times how fast the loss moves with s."""
    return 1 + w


# ------------------------------------------------ a convolution on a line


def input_gradient(d: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Each output hands its gradient, times the taps, to the inputs it has seen, and these shares add up."""
    return np.convolve(d, w)


def unturned_input_gradient(d: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This slides the kernel over d as it is. The first input met the FIRST tap, so the kernel has to be turned."""
    return np.correlate(d, w, mode="full")


def overwritten_input_gradient(d: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This lets the last output overwrite what the ones before had handed down (`=` for `+=`)."""
    dx = np.zeros(len(d) + len(w) - 1, dtype=int)
    for i, gradient in enumerate(d):
        dx[i : i + len(w)] = gradient * w
    return dx


def one_for_each_output(d: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This keeps the outputs' shape. A gradient has the shape of what it belongs to, and there are five inputs."""
    return np.convolve(d, w, mode="same")


# ------------------------------------------------ a convolution of a picture


def picture_gradient(
    dy: np.ndarray, w: np.ndarray, shape: tuple[int, int], stride: int = 1, *, add: bool = True
) -> np.ndarray:
    """Each output adds dy times the kernel to its window."""
    dx = np.zeros(shape, np.result_type(dy, w))
    for i, j in np.ndindex(dy.shape):
        window = dx[i * stride : i * stride + w.shape[0], j * stride : j * stride + w.shape[1]]
        window[...] = dy[i, j] * w + (window if add else 0)
    return dx


def picture_gradient_unturned(dy: np.ndarray, w: np.ndarray, shape: tuple[int, int], stride: int = 1) -> np.ndarray:
    """This turns the kernel by 180 degrees, so that each pixel meets the wrong tap."""
    return picture_gradient(dy, w[::-1, ::-1], shape, stride)


def picture_gradient_overwritten(dy: np.ndarray, w: np.ndarray, shape: tuple[int, int], stride: int = 1) -> np.ndarray:
    """This overwrites where it should add: where windows overlap only the last one counts."""
    return picture_gradient(dy, w, shape, stride, add=False)


def picture_gradient_without_stride(
    dy: np.ndarray, w: np.ndarray, shape: tuple[int, int], stride: int = 1
) -> np.ndarray:
    """This forgets the stride: the windows stand one step apart."""
    return picture_gradient(dy, w, shape)


# ------------------------------------------------ max pooling on a line


def to_winners(x: np.ndarray, dy: np.ndarray, window: int, stride: int) -> np.ndarray:
    """Each window hands its gradient to its largest value; one that won twice gets both shares."""
    dx = np.zeros(len(x), dtype=dy.dtype)
    np.add.at(dx, _winners(x, window, stride), dy)
    return dx


def to_winners_overwritten(x: np.ndarray, dy: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This gives a value that won twice the last share only (`=` for `+=`)."""
    dx = np.zeros(len(x), dtype=dy.dtype)
    dx[_winners(x, window, stride)] = dy
    return dx


def spread_evenly(x: np.ndarray, dy: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This spreads each gradient over its window: that is average pooling."""
    return to_everyone(x, dy / window, window, stride)


def to_everyone(x: np.ndarray, dy: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This hands the gradient to every value of the window. Only the largest one moved the output."""
    dx = np.zeros(len(x), dtype=dy.dtype)
    for i, gradient in enumerate(dy):
        dx[i * stride : i * stride + window] += gradient
    return dx


def to_all_of_a_tie(x: np.ndarray, dy: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This hands the whole gradient to each value of a tie, and so hands out more than came. The first one gets it."""
    dx = np.zeros(len(x), dtype=dy.dtype)
    for i, gradient in enumerate(dy):
        values = slice(i * stride, i * stride + window)
        dx[values] += gradient * (x[values] == x[values].max())
    return dx


def _winners(x, window, stride):
    return np.arange(0, len(x) - window + 1, stride) + sliding_window_view(x, window)[::stride].argmax(axis=1)


# ------------------------------------------------ losses of one picture's scores


def probability_minus_one(scores: np.ndarray, label: int) -> np.ndarray:
    """Softmax's probabilities, and 1 less for the right class."""
    return _softmax(scores) - (np.arange(len(scores)) == label)


def one_minus_probability(scores: np.ndarray, label: int) -> np.ndarray:
    """This has the sign the wrong way round: a step against it would make the right class LESS likely."""
    return -probability_minus_one(scores, label)


def probabilities_alone(scores: np.ndarray, label: int) -> np.ndarray:
    """These are softmax's probabilities. For the right class subtract 1: its own score stands in the loss, too."""
    return _softmax(scores)


def slope_by_probability(scores: np.ndarray, label: int) -> np.ndarray:
    """This is the slope of -ln p by p. The scores are one step further back, behind the softmax."""
    return np.where(np.arange(len(scores)) == label, -1 / _softmax(scores), 0.0)


def gradient_without_shift(scores: np.ndarray, label: int) -> np.ndarray:
    """This takes exp() of the scores as they are, which overflows for large ones: subtract the largest score first."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(scores)
        return powers / powers.sum() - (np.arange(len(scores)) == label)


def _softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()
