"""Drills of chapter 5: guesses that count, a table of mistakes, and when to stop."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import training as wrong


def _top_k_inputs(rng):
    scores = rng.normal(size=(12, 6))
    labels = np.argsort(-scores, axis=1)[:, 0]  # the first guess is right ...
    labels[3:] = rng.integers(6, size=9)  # ... for three of them at least
    return scores, labels, int(rng.integers(2, 4))


def _confusion_inputs(rng):
    labels = rng.integers(4, size=25)
    return labels, np.where(rng.random(25) < 0.6, labels, rng.integers(4, size=25)), 4


def _patience_inputs(rng):
    """Falls, rises once, falls to its best, waits in vain, and would fall further later."""
    best = int(rng.integers(20, 30))
    start = [best + 30, best + 12, best + 15, best]
    return [*start, *(best + rng.integers(1, 9, 3)).tolist(), best - 5, best - 2], 3


DRILLS = {
    "topk": Drill(
        wrong.top_k_error,
        _top_k_inputs,
        wrong=(wrong.top_k_accuracy, wrong.bottom_k_error, wrong.top_1_error, wrong.only_kth_guess),
        cases=4,
        hints=(
            "Which classes are the k best guesses for a picture? np.argsort sorts upwards.",
            "np.argsort(-scores, axis=1)[:, :k] has the k best guesses of each picture in its rows.",
            "Compare them with labels[:, None]; a picture is an error where none of its k guesses is equal.",
        ),
        section="5.5 How good is it?",
    ),
    "confusion": Drill(
        wrong.confusion,
        _confusion_inputs,
        wrong=(wrong.transposed_confusion, wrong.overwritten_confusion, wrong.mistakes_alone),
        cases=4,
        hints=(
            "Each picture adds 1 to one cell of a table of classes x classes. To which?",
            "The row is the label, the column the prediction. A plain loop over the pictures will do.",
            "counts[label, prediction] += 1 for label, prediction in zip(labels, predictions).",
        ),
        section="5.6 What it gets wrong",
    ),
    "patience": Drill(
        wrong.best_until_stopped,
        _patience_inputs,
        wrong=(wrong.last_epoch, wrong.best_of_all, wrong.first_rise),
        cases=4,
        hints=(
            "Walk through the epochs, and remember the best one so far.",
            "As soon as the best one lies `patience` epochs back, stop: what comes later is never seen.",
            "Return the remembered epoch, not the one in which you stopped; count from 1.",
        ),
        section="5.8 Learning by heart",
    ),
}
