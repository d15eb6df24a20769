"""Drills of chapter 10: evidence from maps and gradients, a window that hides, neighbours, and a step that fools."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import inside as wrong


def _cam_inputs(rng):
    """Maps as behind a ReLU, and gradients that differ from place to place."""
    return np.maximum(rng.normal(size=(4, 3, 5)), 0), rng.normal(size=(4, 3, 5))


def _occlusion_inputs(rng):
    """A score that is no plain sum, so that hiding a window differs from showing it alone."""
    weights = rng.normal(size=(6, 8))
    return (lambda x: float((weights * x).sum() + (weights * x)[::2].sum() ** 2)), rng.random((6, 8)), 2, 2


def _attack_inputs(rng):
    return rng.random((4, 6)).round(2), rng.normal(scale=0.3, size=(4, 6)), 0.25


DRILLS = {
    "gradcam": Drill(
        wrong.grad_cam,
        _cam_inputs,
        wrong=(wrong.unclipped, wrong.gradient_in_place, wrong.clipped_weights, wrong.swapped_roles),
        cases=4,
        hints=(
            "How much does each map count? One number for each, from its gradients.",
            "weights = gradients.mean(axis=(1, 2)) has shape (K,). Now add up weight times map.",
            "np.maximum((weights[:, None, None] * maps).sum(axis=0), 0): the ReLU comes last.",
        ),
        section="10.6 Where is the evidence?",
    ),
    "occlusion": Drill(
        wrong.occlusion_map,
        _occlusion_inputs,
        wrong=(wrong.scores_left, wrong.gain_for_drop, wrong.never_uncovered, wrong.window_alone),
        cases=3,
        hints=(
            "Two loops, over the rows and the columns at which a window begins: range(0, H - window + 1, stride).",
            "In each: covered = image.copy(), set its window to 0, and ask score(covered).",
            "Keep score(image) - score(covered) in an array with a row for each i and a column for each j.",
        ),
        section="10.7 Cover it up",
    ),
    "fgsm": Drill(
        wrong.fgsm,
        _attack_inputs,
        wrong=(wrong.downhill, wrong.without_sign, wrong.beyond_white),
        cases=4,
        hints=(
            "Which way must a pixel go for the loss to rise? Its gradient says so by its sign.",
            "image + epsilon * np.sign(gradient) moves each pixel by epsilon.",
            "Pixels stay between 0 and 1: np.clip.",
        ),
        section="10.11 Deeper: fooling it",
    ),
}
