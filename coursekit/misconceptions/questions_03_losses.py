"""Of assignment 3, questions 7 to 12: losses, gradient checks and a whole network, wrong on purpose."""

from collections.abc import Callable

import numpy as np

Gradients = dict[str, np.ndarray]

# ------------------------------------------------ questions 7 and 8: losses


def softmax_summed(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """This sums over the pictures: loss and gradient are N times too large."""
    loss, ds = _softmax_loss(scores, labels)
    return loss * len(labels), ds * len(labels)


def softmax_mean_of_the_loss_only(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """This takes the mean for the loss, and forgets to divide its gradient by N."""
    loss, ds = _softmax_loss(scores, labels)
    return loss, ds * len(labels)


def softmax_without_shift(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """This takes exp() of the scores as they are, which overflows for large ones."""
    rows = np.arange(len(labels))
    with np.errstate(all="ignore"):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return -np.log(p[rows, labels]).mean(), (p - _right(scores, labels)) / len(labels)


def softmax_probability_first(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """This computes the probability and then its logarithm: a small one is 0 by then."""
    _, ds = _softmax_loss(scores, labels)
    p = (ds * len(labels) + _right(scores, labels))[np.arange(len(labels)), labels]
    with np.errstate(divide="ignore"):
        return -np.log(np.where(p < 1e-300, 0, p)).mean(), ds


def softmax_probabilities_alone(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """This forgets to subtract 1 for the right class."""
    loss, ds = _softmax_loss(scores, labels)
    return loss, ds + _right(scores, labels) / len(labels)


def _right(scores, labels):
    return np.arange(scores.shape[1]) == np.asarray(labels)[:, None]


def _softmax_loss(scores, labels):
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = _right(scores, labels)
    return -logs[right].mean(), (np.exp(logs) - right) / len(labels)


def svm_right_class_pays(scores: np.ndarray, labels: np.ndarray, margin: float) -> tuple[float, np.ndarray]:
    """This lets the right class pay the margin to itself: the sum goes over the other classes."""
    loss, ds = _svm(scores, labels, margin)
    return loss + margin, ds


def svm_minus_one(scores: np.ndarray, labels: np.ndarray, margin: float) -> tuple[float, np.ndarray]:
    """This gives the right class -1 once. It gets -1 for each class that pays."""
    loss, ds = _svm(scores, labels, margin)
    return loss, np.maximum(ds, -1 / len(labels))


def svm_kink_pays(scores: np.ndarray, labels: np.ndarray, margin: float) -> tuple[float, np.ndarray]:
    """This also counts classes that pay exactly 0. They move nothing."""
    return _svm(scores, labels, margin, np.greater_equal)


def svm_without_mean(scores: np.ndarray, labels: np.ndarray, margin: float) -> tuple[float, np.ndarray]:
    """This sums over the pictures: loss and gradient are N times too large."""
    loss, ds = _svm(scores, labels, margin)
    return loss * len(labels), ds * len(labels)


def _svm(scores, labels, margin, pays=np.greater):
    right = _right(scores, labels)
    missing = np.where(right, -1.0, scores - scores[right][:, None] + margin)
    ds = 1.0 * pays(missing, 0)
    return np.maximum(missing, 0).sum() / len(labels), (ds - right * ds.sum(axis=1, keepdims=True)) / len(labels)


# ------------------------------------------------ questions 9 to 11: checking gradients


def one_sided(f: Callable, x: np.ndarray, h: float) -> np.ndarray:
    """This goes a step to one side only; the question asks for both."""
    return _slopes(x, lambda step: (f(x + step) - f(x)) / h, h)


def divided_by_h(f: Callable, x: np.ndarray, h: float) -> np.ndarray:
    """This divides by h. From x - h to x + h it is 2h."""
    return _slopes(x, lambda step: (f(x + step) - f(x - step)) / h, h)


def all_at_once(f: Callable, x: np.ndarray, h: float) -> np.ndarray:
    """This moves all numbers at once, and so finds one slope for all of them."""
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


def _slopes(x, slope, h):
    slopes = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = h
        slopes[place] = slope(step)
    return slopes


def absolute_error(gradient: np.ndarray, numeric: np.ndarray) -> float:
    """This is the largest difference. It has to be divided by the largest slope."""
    return float(np.abs(gradient - numeric).max())


def largest_quotient(gradient: np.ndarray, numeric: np.ndarray) -> float:
    """This divides element by element first, so that one tiny slope decides."""
    with np.errstate(all="ignore"):
        return float(np.nanmax(np.abs(gradient - numeric) / np.abs(numeric)))


def signed_error(gradient: np.ndarray, numeric: np.ndarray) -> float:
    """This forgets the absolute values: differences below 0 go unnoticed."""
    return float((gradient - numeric).max() / (numeric.max() or 1))


EVERY_MISMATCH = {"convolution", "relu", "affine"}  # a mismatch at a kink taken for a bug
INPUTS_ALONE = {"convolution"}  # only dx was checked
INPUTS_AND_KINK = {"convolution", "relu"}  # only dx was checked, and a kink taken for a bug
WRONG_STRIDE = "E"  # right numbers at the wrong place taken for windows at the wrong place
WRONG_TURN = "C"  # a convolution in the code taken for a turn that matters
ALL_AGREE = "A"  # a layer whose draw was not looked at, or of which dx alone was checked
WRONG_ORDER = "H"  # a product suspected, where a sum is wrong


def shifted_line(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This is the layer as it was given: the rim is cut off at one end only."""
    return _line(dy, x, w, stride, padding, slice(0, len(x)))


def uncut_line(dy: np.ndarray, x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> Gradients:
    """This keeps the rim: the gradient of x has the length of x."""
    return _line(dy, x, w, stride, padding, slice(None))


def _line(dy, x, w, stride, padding, kept):
    padded = np.pad(x, padding)
    dx, dw = np.zeros(len(padded)), np.zeros(len(w))
    for i, d in enumerate(dy):
        dx[i * stride : i * stride + len(w)] += d * w
        dw += d * padded[i * stride : i * stride + len(w)]
    return {"x": dx[kept], "w": dw}


SMALLEST_STEP = -11  # "the smaller the step the better"
BEST_OF_FLOAT32 = -3  # the valley of another curve
LOWEST_ROW = -10  # the error read off in place of the step
FALLS_LIKE_ONE_SIDED = 1

CURVE_P, CURVE_Q, CURVE_R = "PQR"

# ------------------------------------------------ question 12: a whole network


def network_overwritten(dscores: np.ndarray, x: np.ndarray, p: dict, kept: dict, pool: int, step: int) -> Gradients:
    """This overwrites in pooling: a value that wins two windows keeps the last share only."""
    return _network(dscores, x, p, kept, pool, step, add=False)


def network_open_relu(dscores: np.ndarray, x: np.ndarray, p: dict, kept: dict, pool: int, step: int) -> Gradients:
    """This forgets ReLU on the way back: where its input was not above 0 nothing passes."""
    return _network(dscores, x, p, kept, pool, step, relu=False)


def network_unturned(dscores: np.ndarray, x: np.ndarray, p: dict, kept: dict, pool: int, step: int) -> Gradients:
    """This meets the taps in the wrong order in the gradient of x."""
    return _network(dscores, x, p | {"w1": p["w1"][:, ::-1]}, kept, pool, step)


def network_of_means(dscores: np.ndarray, x: np.ndarray, p: dict, kept: dict, pool: int, step: int) -> Gradients:
    """This takes means over the pictures. The mean, if there is one, is in dscores already: sums are meant."""
    found = _network(dscores, x, p, kept, pool, step)
    return {name: value if name == "x" else value / len(x) for name, value in found.items()}


def _network(dscores, x, p, kept, pool, step, *, add=True, relu=True):
    dm = (dscores @ p["w2"].T).reshape(kept["m"].shape)
    dr = np.zeros_like(kept["r"])
    for (n, f, i), d in np.ndenumerate(dm):
        winner = n, f, i * step + kept["r"][n, f, i * step : i * step + pool].argmax()
        dr[winner] = d + (dr[winner] if add else 0)
    da = dr * (kept["a"] > 0) if relu else dr
    dx, taps = np.zeros_like(x), p["w1"].shape[1]
    for i in range(da.shape[2]):
        dx[:, i : i + taps] += da[:, :, i] @ p["w1"]
    dw1 = np.einsum("nfi,nik->fk", da, np.lib.stride_tricks.sliding_window_view(x, taps, axis=1))
    w2 = kept["flat"].T @ dscores
    return {"x": dx, "w1": dw1, "b1": da.sum(axis=(0, 2)), "w2": w2, "b2": dscores.sum(axis=0)}
