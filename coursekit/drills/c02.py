"""The drills of chapter 2: sizes, the whole layer, the matrix of columns."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import layer as wrong

__all__ = ["DRILLS"]


def _lengths(rng: np.random.Generator) -> tuple[int, int, int, int]:
    kernel, stride = int(rng.choice([3, 5, 7])), int(rng.integers(2, 5))
    padding = int(rng.integers(1, kernel // 2 + 1))
    steps, rest = int(rng.integers(4, 12)), int(rng.integers(1, stride))
    return kernel - 2 * padding + stride * steps + rest, kernel, stride, padding


def _picture_and_kernels(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    x = rng.integers(-9, 10, size=(2, 7, 8)).astype(float)
    w = rng.integers(-3, 4, size=(3, 2, 3, 3)).astype(float)
    return x, w, rng.integers(1, 9, size=3).astype(float), 2, 1


def _picture_and_sizes(rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
    return rng.integers(-9, 10, size=(2, 5, 7)).astype(float), 3, 2


DRILLS = {
    "places": Drill(
        wrong.places_and_rest,
        _lengths,
        (wrong.padding_at_one_end, wrong.steps_for_places, wrong.rounded_up),
        cases=4,
        hints=(
            "How far can the kernel travel from its first place, in pixels, before it hits the end of the padded line?",
            "It travels W - F + 2P pixels in steps of S. Whole steps, plus the place where it began.",
            "Python has both halves: travel // stride and travel % stride.",
        ),
        section="2.3 Larger steps, and a frame of zeros",
    ),
    "layer": Drill(
        wrong.layer,
        _picture_and_kernels,
        (
            wrong.corner_is_index,
            wrong.biasless_layer,
            wrong.bias_for_each_channel,
            wrong.padded_before_only,
            wrong.padded_depth,
            wrong.turned_kernels,
        ),
        cases=4,
        hints=(
            "Begin with np.pad. It wants a pair (before, after) for each of the three axes; the channels get (0, 0).",
            "The output has len(w) maps, and (H + 2P - F) // S + 1 rows. Fill it in three loops: k, i, j.",
            "At (k, i, j) the window is x[:, S*i : S*i + F, S*j : S*j + F], from the padded x.",
        ),
        section="2.5 The layer, in loops",
    ),
    "columns": Drill(
        wrong.columns,
        _picture_and_sizes,
        (wrong.windows_in_rows, wrong.walked_down_first, wrong.channels_last_in_the_column, wrong.every_window),
        cases=4,
        hints=(
            "Two loops over the places, rows outside, columns inside, and a list that grows by one window each time.",
            "A window is x[:, i : i + kernel, j : j + kernel]; ravel() flattens it channel by channel.",
            "np.stack(list_of_windows, axis=1) makes each of them a column.",
        ),
        section="2.9 From loops to one matrix product",
    ),
}
