"""Of assignment 4, question 11: the broken script, mended in part."""

import numpy as np

from coursekit.misconceptions.questions_04_training import chances

Pair = tuple[np.ndarray, np.ndarray]


def script_open_relu(w1: np.ndarray, w2: np.ndarray, seen: np.ndarray, right: np.ndarray) -> tuple:
    """This lets the gradient through the ReLU everywhere, as the broken script does."""
    return script_gradients(w1, w2, seen, right, mask=lambda h, dh: 1)


def script_of_sums(w1: np.ndarray, w2: np.ndarray, seen: np.ndarray, right: np.ndarray) -> tuple:
    """This has the gradients of the sum over the pictures."""
    loss, *both = script_gradients(w1, w2, seen, right)
    return loss, *(len(right) * each for each in both)


def script_mask_by_gradient(w1: np.ndarray, w2: np.ndarray, seen: np.ndarray, right: np.ndarray) -> tuple:
    """This lets pass what is positive of the gradient. A ReLU asks whether its INPUT was positive."""
    return script_gradients(w1, w2, seen, right, mask=lambda h, dh: dh > 0)


def script_gradients(w1, w2, seen, right, *, mask=lambda h, dh: h > 0):
    """Loss and gradients of the script, with a knob for its mistake."""
    h = np.maximum(seen @ w1, 0)
    p = chances(h @ w2)
    rows = np.arange(len(right))
    loss = -np.log(p[rows, right]).mean()
    p[rows, right] -= 1
    d = p / len(right)
    dh = d @ w2.T
    return loss, seen.T @ (dh * mask(h, dh)), h.T @ d


def script_too_wide(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This starts with weights of spread 1, as the broken script does."""
    return script(x, labels, new, hidden, classes, steps, rate, rng, spread=1)


def script_of_other_labels(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This takes the first twenty labels whatever the batch."""
    return script(x, labels, new, hidden, classes, steps, rate, rng, own=False)


def script_of_unprepared(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This lets the network read new pictures as they come, 0 to 255."""
    return script(x, labels, new, hidden, classes, steps, rate, rng, prepare=lambda new, x: new)


def script_of_another_mean(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This prepares new pictures by their own mean."""
    return script(
        x, labels, new, hidden, classes, steps, rate, rng, prepare=lambda new, x: (new - new.mean(axis=0)) / 255
    )


def script_of_large_new_ones(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This takes the mean off new pictures, and forgets to divide them by 255."""
    return script(x, labels, new, hidden, classes, steps, rate, rng, prepare=lambda new, x: new - x.mean(axis=0))


def script_of_uncentred_new_ones(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This divides new pictures by 255, and forgets the mean."""
    return script(x, labels, new, hidden, classes, steps, rate, rng, prepare=lambda new, x: new / 255)


def script_of_the_old_gradients(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This goes by the broken gradients, though they were mended elsewhere."""
    return script(x, labels, new, hidden, classes, steps, rate, rng, gradients=script_open_relu)


def script_as_it_was(x, labels, new, hidden, classes, steps, rate, rng) -> Pair:
    """This is the script with all its mistakes but those of the gradients."""
    return script(x, labels, new, hidden, classes, steps, rate, rng, spread=1, own=False, prepare=lambda new, x: new)


def script(x, labels, new, hidden, classes, steps, rate, rng, *, spread=0.1, own=True, prepare=None, gradients=None):
    """The script, with knobs for its mistakes."""
    w1, w2 = (spread * rng.normal(size=size) for size in ((x.shape[1], hidden), (hidden, classes)))
    pictures, losses = (x - x.mean(axis=0)) / 255, []
    for _ in range(steps):
        batch = rng.permutation(len(x))[:20]
        loss, dw1, dw2 = (gradients or script_gradients)(w1, w2, pictures[batch], labels[batch] if own else labels[:20])
        losses.append(loss)
        w1, w2 = w1 - rate * dw1, w2 - rate * dw2
    new = (new - x.mean(axis=0)) / 255 if prepare is None else prepare(new, x)
    return np.array(losses), np.maximum(new @ w1, 0) @ w2
