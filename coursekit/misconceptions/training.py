"""Of training: the right way to size, measure and stop, wrong ways with their names, and projects with a bug each."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from coursekit.nn import SimpleConvNet, softmax
from coursekit.nn.layers import SoftmaxWithLoss
from coursekit.shapes import output_size

# ------------------------------------------------ inputs of the first fully connected layer


def pooled_volume(size: int, kernel: int, maps: int) -> int:
    """28 - 5 + 1 = 24 places along each axis, 12 after pooling, and 30 such maps: 30 times 144."""
    return maps * (output_size(size, kernel) // 2) ** 2


def unpooled_volume(size: int, kernel: int, maps: int) -> int:
    """This takes the volume in front of the pooling, which still has 24 values along each axis."""
    return maps * output_size(size, kernel) ** 2


def padded_volume(size: int, kernel: int, maps: int) -> int:
    """This lets the convolution keep the size, as if it were padded. Here the padding is 0."""
    return maps * (size // 2) ** 2


def one_map(size: int, kernel: int, maps: int) -> int:
    """This counts one map. There is one for each kernel, and all of them are flattened into one row."""
    return (output_size(size, kernel) // 2) ** 2


# ------------------------------------------------ the loss before any training


def first_loss(classes: int) -> float:
    """The network gives each class the same chance, and minus the logarithm of 1/C is ln C."""
    return round(float(np.log(classes)), 1)  # as short as the wrong ones, not to stand out


def share_of_wrong_answers(classes: int) -> float:
    """This is how often guessing is wrong. The loss is not a share: it is minus the logarithm of a chance."""
    return 1 - 1 / classes


def loss_in_tens(classes: int) -> float:
    """This takes the logarithm to base 10. Cross-entropy takes the natural one."""
    return float(np.log10(classes))


def chance_itself(classes: int) -> float:
    """This is the chance that each class gets. The loss is minus its logarithm."""
    return 1 / classes


# ------------------------------------------------ the error bar of a test set, in points


def standard_error(share: float, count: int) -> float:
    """The spread of one answer, the root of p(1 - p), divided by the root of how many there are."""
    return _two_digits(100 * np.sqrt(share * (1 - share) / count))


def without_root(share: float, count: int) -> float:
    """This forgets the root: p(1 - p)/n is the variance, the square of the standard error."""
    return _two_digits(100 * share * (1 - share) / count)


def of_one_answer(share: float, count: int) -> float:
    """This is the spread of a single answer. The mean of n answers spreads less, by the root of n."""
    return _two_digits(100 * np.sqrt(share * (1 - share)))


def root_of_count(share: float, count: int) -> float:
    """This is 1 through the root of n, and forgets that nearly all answers are the same: p(1 - p) is small."""
    return _two_digits(100 / np.sqrt(count))


def _two_digits(value) -> float:
    return float(f"{value:.2g}")


# ------------------------------------------------ early stopping: which epoch's weights are kept


def best_until_stopped(errors: list[int], patience: int) -> int:
    """Go on until the error has not improved for `patience` epochs, then go back to the best one so far."""
    return int(np.argmin(errors[: last_epoch(errors, patience)])) + 1


def last_epoch(errors: list[int], patience: int) -> int:
    """This keeps the weights of the last epoch. The waiting was only to make sure: the best ones were earlier."""
    best = 0
    for epoch, error in enumerate(errors):
        if error < errors[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch + 1
    return len(errors)


def best_of_all(errors: list[int], patience: int) -> int:
    """This looks into the future: training had stopped before that epoch came."""
    return int(np.argmin(errors)) + 1


def first_rise(errors: list[int], patience: int) -> int:
    """This stops, and stays, at the first epoch that is worse than the one before. Errors jump about: be patient."""
    worse = np.flatnonzero(np.diff(errors) > 0)
    return int(worse[0]) + 2 if len(worse) else len(errors)


# ------------------------------------------------ top-k error


def top_k_error(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """The share of the pictures whose label is not among the k highest scores."""
    best = np.argsort(-scores, axis=1)[:, :k]
    return float(np.mean((best != labels[:, None]).all(axis=1)))


def top_k_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """This is the share of those that are right. The error is the rest, 1 minus it."""
    return 1 - top_k_error(scores, labels, k)


def bottom_k_error(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """This takes the k lowest scores: argsort sorts upwards."""
    return top_k_error(-scores, labels, k)


def top_1_error(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """This allows one guess only, whatever k is."""
    return top_k_error(scores, labels, 1)


def only_kth_guess(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """This looks at the k-th guess alone. The first ones count as well."""
    return float(np.mean(np.argsort(-scores, axis=1)[:, k - 1] != labels))


# ------------------------------------------------ confusion matrix


def confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """One count for each picture, in the row of its label and the column of its prediction."""
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (labels, predictions), 1)
    return counts


def transposed_confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """This has rows and columns exchanged: the row is the true class, the column the prediction."""
    return confusion(predictions, labels, classes)


def overwritten_confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """This counts each pair once at most: with arrays as the index, += is = in disguise (section 4.9)."""
    counts = np.zeros((classes, classes), dtype=int)
    counts[labels, predictions] += 1
    return counts


def mistakes_alone(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """This counts the mistakes and leaves out what was right, the diagonal."""
    counts = confusion(labels, predictions, classes)
    return counts - np.diag(np.diag(counts))


# ------------------------------------------------ sizes of the notes' network


def notes_volume(size: int, kernel: int, maps: int) -> int:
    """This divides by 2 with a fraction left over, and cuts it off only after squaring."""
    return int(maps * ((size - kernel + 1) / 2) * ((size - kernel + 1) / 2))


# ------------------------------------------------ six projects, five of them with a bug


class MissingGradient(SimpleConvNet):
    """The gradient of W1 is never computed: the kernels stay as random as they were."""

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """As the right one, but for W1."""
        grads = super().gradient(x, t)
        return grads | {"W1": np.zeros_like(grads["W1"])}


class DoubleSoftmax(SoftmaxWithLoss):
    """Softmax, and then a loss that applies softmax once more; its backward pass fits it."""

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        """The loss of chances that are taken for scores."""
        self.chances = softmax(scores)
        return super().forward(self.chances, labels)

    def backward(self) -> np.ndarray:
        """Back through both."""
        d = super().backward()
        return self.chances * (d - (d * self.chances).sum(axis=1, keepdims=True))


class SoftmaxTwice(SimpleConvNet):
    """Softmax is applied twice: chances lie between 0 and 1, so no class can get far ahead of the others."""

    def __init__(self, **options):
        super().__init__(**options)
        self.last_layer = DoubleSoftmax()


def shuffled(labels: np.ndarray) -> np.ndarray:
    """The digits were put into another order and their labels were not: each gets the label of some other digit."""
    return np.random.default_rng(0).permutation(labels)


class Project(NamedTuple):
    """What somebody hands in: how to build the network, the learning rate, and what becomes of the labels."""

    network: Callable[..., SimpleConvNet] = SimpleConvNet
    rate: float = 3e-3
    labels: Callable[[np.ndarray], np.ndarray] = np.copy


PROJECTS = {
    "A": Project(labels=shuffled),
    "B": Project(network=SoftmaxTwice),
    "C": Project(),
    "D": Project(network=MissingGradient),
    "E": Project(rate=0.3),
    "F": Project(network=partial(SimpleConvNet, weight_init_std=1.0)),
}
