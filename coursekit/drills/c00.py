"""The drill of chapter 0: one line, to try out how a drill works."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import start as wrong

__all__ = ["DRILLS"]


def _digit(rng: np.random.Generator) -> tuple[np.ndarray]:
    paper = rng.random((28, 28)) < rng.uniform(0.6, 0.9)
    return (np.where(paper, 0, rng.integers(1, 256, size=(28, 28))).astype(np.uint8),)


DRILLS = {
    "ink": Drill(
        wrong.share_of_ink,
        _digit,
        (wrong.count_of_ink, wrong.mean_darkness, wrong.share_of_paper, wrong.in_percent),
        cases=4,
        hints=(
            "Ask each pixel a question whose answer is True where there is ink.",
            "picture > 0 asks all of them at once, and gives an array of True and False.",
            "True counts as 1 and False as 0, so the mean of that array is the share: (picture > 0).mean().",
        ),
        section="0.4 A first drill",
    ),
}
