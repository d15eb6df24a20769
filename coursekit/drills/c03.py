"""Drills of chapter 3, "Pooling and fully connected layers"."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import pooling as wrong


def max_pool(x, window, stride):
    """Largest value of each window of a picture x (H, W)."""
    rows, columns = ((length - window) // stride + 1 for length in x.shape)
    y = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            y[i, j] = x[top : top + window, left : left + window].max()
    return y


def dead_units(z):
    """Number of units that no picture makes positive; z (pictures, units) before ReLU."""
    silent = z <= 0
    return int(silent.all(axis=0).sum())


def first_layer(channels, size, window, outputs):
    """Parameters of a fully connected layer behind a pooling with windows side by side."""
    side = size // window
    return outputs * (channels * side * side + 1)


def global_average(x):
    """One mean for each map: (N, C, H, W) -> (N, C)."""
    return x.mean(axis=(2, 3))


DRILLS = {
    "max_pool": Drill(
        max_pool,
        lambda rng: (rng.integers(-9, 10, size=(7, 9)).astype(float), 3, 2),
        wrong=(wrong.mean_pool, wrong.one_pixel_steps, wrong.steps_of_a_window, wrong.lost_last_window),
        cases=4,
        hints=(
            "How many windows are there along an axis? With stride 1 it was H - F + 1.",
            "Output row i belongs to the window that begins at row i * stride.",
            "x[i * stride : i * stride + window, j * stride : j * stride + window].max()",
        ),
        section="3.1 Keep the largest",
    ),
    "dead_units": Drill(
        dead_units,
        lambda rng: (rng.normal(size=(6, 12)) - rng.uniform(0, 2.5, size=12),),
        wrong=(wrong.silent_answers, wrong.silent_pictures, wrong.silent_on_average, wrong.once_silent),
        cases=4,
        hints=(
            "Which values does ReLU turn into 0? Begin with an array of True and False.",
            "A unit is a column, and it is dead if ALL values of its column are silent.",
            "(z <= 0).all(axis=0) is True for each dead unit; count them.",
        ),
        section="3.7 Flat, and dead",
    ),
    "first_layer": Drill(
        first_layer,
        lambda rng: (int(rng.integers(3, 40)), 12 * int(rng.integers(1, 5)), int(rng.integers(2, 5)), 50),
        wrong=(
            wrong.pooled_along_one_axis,
            wrong.not_pooled,
            wrong.without_biases,
            wrong.one_map_deep,
        ),
        cases=4,
        hints=(
            "First: how many numbers come out of the pooling?",
            "channels maps of (size / window) x (size / window) numbers are laid end to end.",
            "Each output has one weight for each of these numbers, and one bias.",
        ),
        section="3.9 Everything connected to everything",
    ),
    "global_average": Drill(
        global_average,
        lambda rng: (rng.normal(size=(3, 5, 4, 6)),),
        wrong=(wrong.average_over_channels, wrong.global_sum, wrong.average_over_batch, wrong.average_of_rows),
        cases=4,
        hints=(
            "The result has shape (N, C): which two axes are gone?",
            "mean takes a tuple of axes.",
            "x.mean(axis=(2, 3))",
        ),
        section="3.10 One number for each map",
    ),
}
