"""Answers to question 12 of assignment 4: networks put together, trained badly, and trained well in other ways."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from coursekit.data import load_mnist
from coursekit.grading.source import read_source

SOLUTION = Path(__file__).parents[2] / "solutions" / "04_training.ipynb"


@cache
def kit():
    """What the question gives: layers, digits, and a little more."""
    (cell,) = [cell for cell in read_source(SOLUTION).cells if cell.grade_id == "q12-given"]
    names = {"np": np, "load_mnist": load_mnist}
    exec(cell.source, names)
    return SimpleNamespace(**names)


def weights(rng, n, *shape):
    return (np.sqrt(2 / n) * rng.normal(size=shape)).astype(np.float32)


# ------------------------------------------------------------------ networks


def net_unpooled(size, kernels, taps, hidden, classes, rng):
    n = kernels * (size - taps + 1) ** 2
    first = [kit().Conv(weights(rng, taps**2, kernels, 1, taps, taps)), kit().Relu()]
    return [
        *first,
        kit().Affine(weights(rng, n, n, hidden)),
        kit().Relu(),
        kit().Affine(weights(rng, hidden, hidden, classes)),
    ]


def net_of_classes_first(size, kernels, taps, hidden, classes, rng):
    return net_by_append(size, kernels, taps, classes, hidden, rng)


def net_with_relu_on_scores(size, kernels, taps, hidden, classes, rng):
    return [*net_by_append(size, kernels, taps, hidden, classes, rng), kit().Relu()]


def net_of_outputs(size, kernels, taps, hidden, classes, rng):
    """Spreads by the number of outputs."""
    net = net_by_append(size, kernels, taps, hidden, classes, rng)
    for layer, by in zip(net[0::3] + net[5:], (taps**2 / kernels, net[3].params[0].shape[0] / hidden, 1), strict=True):
        layer.params[0] *= np.float32(np.sqrt(by))
    net[5].params[0] *= np.float32(np.sqrt(hidden / classes))
    return net


def net_by_append(size, kernels, taps, hidden, classes, rng):
    side = (size - taps + 1) / 2
    net = []
    net.append(kit().Conv(weights(rng, taps * taps, kernels, 1, taps, taps)))
    net += [kit().Relu(), kit().Pool()]
    n = int(side * side * kernels)
    net.append(kit().Affine(weights(rng, n, n, hidden)))
    net.append(kit().Relu())
    net.append(kit().Affine(weights(rng, hidden, hidden, classes)))
    return net


def net_in_float64(size, kernels, taps, hidden, classes, rng):
    places = (size - taps) // 2 + (size - taps) % 2
    n = kernels * places * places
    last = rng.normal(scale=(2 / hidden) ** 0.5, size=(hidden, classes))
    middle = rng.normal(scale=(2 / n) ** 0.5, size=(n, hidden))
    kernel = rng.normal(scale=2**0.5 / taps, size=(kernels, 1, taps, taps))
    k = kit()
    return [k.Conv(kernel), k.Relu(), k.Pool(), k.Affine(middle), k.Relu(), k.Affine(last)]


# ------------------------------------------------------------------ trainings: (digits) -> labels


def learn(net, steps, *, rate=0.05, batch=50, labels=None, shift=3, momentum=0.9, count=12000, seed=0):
    """Train with momentum and a rate that falls to 0."""
    rng, labels = np.random.default_rng(seed), kit().LABELS if labels is None else labels
    kept = [[np.zeros_like(p) for p in layer.params] for layer in net]
    for step in range(steps):
        some = rng.integers(count, size=batch)
        x = kit().DIGITS[some]
        x = kit().shifted(x, rng, shift)
        backward(net, kit().softmax_gradient(scores_of(net, x), labels[some]))
        for layer, velocities in zip(net, kept, strict=True):
            for p, v, g in zip(layer.params, velocities, layer.grads, strict=True):
                v[:] = momentum * v + g
                p -= rate * (1 - step / steps) * v
    return net


def scores_of(net, x):
    for layer in net:
        x = layer.forward(x)
    return x


def backward(net, d):
    for layer in reversed(net):
        d = layer.backward(d)


def prepared(images):
    return images[:, None].astype(np.float32) / 255


def fresh():
    return net_by_append(28, 8, 5, 50, 10, np.random.default_rng(1))


@cache
def linear():
    return learn([kit().Affine(weights(np.random.default_rng(1), 784, 784, 10))], 240)


@cache
def hurried():
    return learn(fresh(), 40)


@cache
def of_other_labels():
    return learn(fresh(), 60, labels=kit().LABELS[::-1])


@cache
def of_forty_digits():
    return learn(fresh(), 60, count=40)


@cache
def of_a_wild_rate():
    with np.errstate(all="ignore"):
        return learn(fresh(), 40, rate=5.0)


@cache
def sound():
    return learn(fresh(), 330, batch=64, seed=2)


@cache
def unshifted():
    return learn(fresh(), 400, shift=0)


@cache
def without_momentum():
    return learn(fresh(), 400, momentum=0.0)


def labels_unshifted(images):
    return scores_of(unshifted(), prepared(images)).argmax(axis=1)


def labels_without_momentum(images):
    return scores_of(without_momentum(), prepared(images)).argmax(axis=1)


def labels_untrained(images):
    return scores_of(fresh(), prepared(images)).argmax(axis=1)


def labels_linear(images):
    return scores_of(linear(), prepared(images)).argmax(axis=1)


def labels_hurried(images):
    return scores_of(hurried(), prepared(images)).argmax(axis=1)


def labels_of_other_labels(images):
    return scores_of(of_other_labels(), prepared(images)).argmax(axis=1)


def labels_of_forty_digits(images):
    return scores_of(of_forty_digits(), prepared(images)).argmax(axis=1)


def labels_of_a_wild_rate(images):
    with np.errstate(all="ignore"):
        return scores_of(of_a_wild_rate(), prepared(images)).argmax(axis=1)


def labels_of_pictures_on_their_side(images):
    return scores_of(sound(), prepared(images.swapaxes(1, 2))).argmax(axis=1)


def labels_least_likely(images):
    return scores_of(sound(), prepared(images)).argmin(axis=1)


def labels_from_sound(images):
    return scores_of(sound(), prepared(images)).argmax(axis=1).tolist()


def labels_in_parts(images):
    """A hundred digits at a time, as floats."""
    found = [scores_of(sound(), prepared(some)).argmax(axis=1) for some in np.array_split(images, 10)]
    return np.concatenate(found).astype(np.float32)


def scores_for_labels(images):
    return scores_of(sound(), prepared(images))


def chances_for_labels(images):
    scores = scores_of(sound(), prepared(images))
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def one_hot_for_labels(images):
    return np.eye(10)[scores_of(sound(), prepared(images)).argmax(axis=1)]


def column_of_labels(images):
    return scores_of(sound(), prepared(images)).argmax(axis=1)[:, None]


def highest_chances(images):
    return chances_for_labels(images).max(axis=1)


def labels_from_one(images):
    return 1 + scores_of(sound(), prepared(images)).argmax(axis=1)


@cache
def shifted_in_batches():
    """A larger net, all digits of a batch shifted alike."""
    net, rng = net_by_append(28, 10, 5, 64, 10, np.random.default_rng(7)), np.random.default_rng(8)
    kept = [[np.zeros_like(p) for p in layer.params] for layer in net]
    for step in range(420):
        some = rng.integers(12000, size=50)
        x = np.roll(kit().DIGITS[some], rng.integers(-3, 4, size=2), axis=(2, 3))
        backward(net, kit().softmax_gradient(scores_of(net, x), kit().LABELS[some]))
        for layer, velocities in zip(net, kept, strict=True):
            for p, v, g in zip(layer.params, velocities, layer.grads, strict=True):
                v += -0.1 * v + g
                p -= 0.05 * (1 - step / 420) * v
    return net


def labels_shifted_in_batches(images):
    return scores_of(shifted_in_batches(), prepared(images)).argmax(axis=1)


@cache
def by_adam():
    net, rng = net_by_append(28, 8, 5, 60, 10, np.random.default_rng(4)), np.random.default_rng(5)
    kept = [[[np.zeros_like(p), np.zeros_like(p)] for p in layer.params] for layer in net]
    for step in range(1, 401):
        some = rng.integers(12000, size=50)
        x = kit().shifted(kit().DIGITS[some], rng) - np.float32(0.13)
        backward(net, kit().softmax_gradient(scores_of(net, x), kit().LABELS[some]))
        for layer, pairs in zip(net, kept, strict=True):
            for p, ms, g in zip(layer.params, pairs, layer.grads, strict=True):
                ms[0] += 0.1 * (g - ms[0])
                ms[1] += 0.001 * (g * g - ms[1])
                rate = 0.006 * (1 - step / 401)
                p -= rate * (ms[0] / (1 - 0.9**step)) / (np.sqrt(ms[1] / (1 - 0.999**step)) + 1e-8)
    return net


def labels_by_adam(images):
    return scores_of(by_adam(), prepared(images) - np.float32(0.13)).argmax(axis=1)
