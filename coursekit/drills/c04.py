"""Drills of chapter 4: gradients by hand, window by window and score by score."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import backward as wrong


def _pixels(dy, w, shape, stride):
    dx = np.zeros(shape)
    for i in range(dy.shape[0]):
        for j in range(dy.shape[1]):
            window = dx[i * stride : i * stride + w.shape[0], j * stride : j * stride + w.shape[1]]
            window += dy[i, j] * w  # a view: this adds to dx
    return dx


def _pool(dy, x, window, stride):
    dx = np.zeros(len(x))
    for i in range(len(dy)):
        start = i * stride
        winner = start + np.argmax(x[start : start + window])  # the first one, if there are several
        dx[winner] += dy[i]
    return dx


def _swapped(function):
    """The same with the arguments in the order in which a drill gives them."""

    def answer(dy, x, window, stride):
        return function(x, dy, window, stride)

    answer.__doc__ = function.__doc__
    return answer


def _scores(scores, label):
    powers = np.exp(scores - scores.max())  # nothing above 1, so nothing overflows
    ds = powers / powers.sum()
    ds[label] -= 1
    return ds


def _picture_inputs(rng):
    shape = tuple(map(int, rng.integers(6, 9, 2)))  # a stride of 2 leaves a row over where it is even
    out = [(size - 3) // 2 + 1 for size in shape]
    return rng.normal(size=out), rng.normal(size=(3, 3)), shape, 2


def _pool_inputs(rng):
    x = rng.normal(size=9)
    x[4] = 5.0  # wins two windows
    x[7:] = 4.0  # a tie
    return rng.normal(size=4), x, 3, 2


def _score_inputs(rng):
    return 800 + 2 * rng.normal(size=4), int(rng.integers(4))


DRILLS = {
    "pixels": Drill(
        _pixels,
        _picture_inputs,
        wrong=(
            wrong.picture_gradient_unturned,
            wrong.picture_gradient_overwritten,
            wrong.picture_gradient_without_stride,
        ),
        cases=4,
        hints=(
            "Where is the top left corner of the window of output (i, j)? The stride says so.",
            "Each output adds dy[i, j] times the whole kernel to its window of dx.",
            "dx[i*stride : i*stride + KH, j*stride : j*stride + KW] += dy[i, j] * w, in two loops.",
        ),
        section="4.6 Strides leave gaps",
    ),
    "pool": Drill(
        _pool,
        _pool_inputs,
        wrong=(
            _swapped(wrong.to_winners_overwritten),
            _swapped(wrong.spread_evenly),
            _swapped(wrong.to_everyone),
            _swapped(wrong.to_all_of_a_tie),
        ),
        cases=4,
        hints=(
            "Window i begins at i * stride. Which of its values came out?",
            "np.argmax gives the place inside the window, the first one in a tie; add the window's start.",
            "dx[start + np.argmax(x[start : start + window])] += dy[i], in a loop over i.",
        ),
        section="4.7 Pooling: the winner takes all",
    ),
    "scores": Drill(
        _scores,
        _score_inputs,
        wrong=(
            wrong.one_minus_probability,
            wrong.probabilities_alone,
            wrong.gradient_without_shift,
        ),
        cases=4,
        hints=(
            "Some of the scores are above 709. What does exp() make of them?",
            "Subtract the largest score first. Then the probabilities, then the label.",
            "p = e / e.sum() with e = np.exp(scores - scores.max()); then p[label] -= 1.",
        ),
        section="4.10 Two losses",
    ),
}
