"""Drills of chapter 11: a batch of shifts at once, gradients from several processes, networks that vote."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import speed as wrong


def _shift_inputs(rng):
    images = rng.integers(1, 256, size=(3, 5, 6)).astype(np.uint8)
    return images, rng.permutation([-2, -1, 1, 2])[:3], rng.permutation([-2, -1, 1, 2])[:3]


def _gradient_inputs(rng):
    return rng.normal(size=(3, 4)), rng.permutation([2, 5, 9])


def _vote_inputs(rng):
    return (rng.dirichlet([0.3] * 4, size=(3, 40)),)


DRILLS = {
    "shift": Drill(
        wrong.shifted,
        _shift_inputs,
        wrong=(wrong.other_way, wrong.axes_swapped, wrong.all_alike, wrong.rolled),
        cases=4,
        hints=(
            "Frame all pictures with zeros first, as wide as the largest shift. Then nothing can reach outside.",
            "Row r of picture i comes from row margin - down[i] + r of its frame: make these numbers for all r.",
            "framed[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]], rows (N, H), columns (N, W).",
        ),
        section="11.3 Keep the data where the work is",
    ),
    "gradient": Drill(
        wrong.whole_gradient,
        _gradient_inputs,
        wrong=(wrong.mean_of_means, wrong.summed, wrong.undivided),
        cases=4,
        hints=(
            "How large is the sum of the gradients of all pictures in part i, if their mean is gradients[i]?",
            "sizes[i] * gradients[i]. Add these up, and divide once, at the end.",
            "sizes @ gradients / sum(sizes).",
        ),
        section="11.6 Two processes, one network",
    ),
    "vote": Drill(
        wrong.vote,
        _vote_inputs,
        wrong=(wrong.majority, wrong.loudest, wrong.first_alone, wrong.multiplied),
        cases=4,
        hints=(
            "Two steps: one opinion out of several for each picture, and then the class.",
            "The networks lie along axis 0. After the mean there are N rows of probabilities.",
            "probabilities.mean(axis=0).argmax(axis=1).",
        ),
        section="11.7 The last tenths",
    ),
}
