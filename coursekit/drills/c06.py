"""Drills of chapter 6: a first spread, back through a batch, and dropout."""

from coursekit.drills import Drill
from coursekit.misconceptions import making as wrong


def _shape(rng):
    kernels, channels = rng.choice([8, 16, 24, 40, 64], 2, replace=False)
    return ((int(kernels), int(channels), *(2 * [int(rng.integers(2, 6))])),)


def _map(rng):
    return rng.normal(size=6), rng.normal(size=6) * 3 + 1, float(rng.uniform(1.5, 3))


def _luck(rng):
    luck = rng.random(8)
    luck[:2] = 0.0, 0.99  # one at least is dropped, one is kept
    return rng.normal(size=8), luck, 0.3, bool(rng.integers(2)) if luck[2] > 0.5 else True


DRILLS = {
    "he": Drill(
        wrong.he_spread,
        _shape,
        wrong=(wrong.by_kernels, wrong.channels_alone, wrong.he_variance, wrong.xavier_spread),
        cases=4,
        hints=(
            "How many products does one output of this layer add up?",
            "A kernel of shape (C, KH, KW) has C * KH * KW weights; F says only how many kernels there are.",
            "The variance is 2 divided by that number, and the standard deviation is its root.",
        ),
        section="6.2 A signal on its way down",
    ),
    "batchnorm": Drill(
        wrong.batch_gradient,
        _map,
        wrong=(wrong.both_constant, wrong.deviation_constant, wrong.without_gamma, wrong.sums_for_means),
        cases=4,
        hints=(
            "Compute the normalised values first: x minus its mean, divided by x.std().",
            "Take two things off dy: its mean, and the normalised values times the mean of dy * normed.",
            "gamma / x.std() * (dy - dy.mean() - normed * (dy * normed).mean())",
        ),
        section="6.7 Back through the batch",
    ),
    "dropout": Drill(
        wrong.dropped,
        _luck,
        wrong=(wrong.not_rescaled, wrong.always_dropping, wrong.kept_for_dropped, wrong.scaled_down),
        cases=6,
        hints=(
            "There are two modes. In use (training is False) nothing happens at all.",
            "In training a value becomes 0 where its luck is below rate.",
            "The others are divided by 1 - rate: np.where(luck < rate, 0.0, x / (1 - rate)).",
        ),
        section="6.10 Leave some out",
    ),
}
