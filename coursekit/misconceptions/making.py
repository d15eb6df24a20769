"""Of making training work: right and wrong ways to start, to step, to normalise and to drop out."""

import numpy as np

# ------------------------------------------------ spread of a signal after some layers of n inputs each


def by_spread_and_root(n: int, spread: float, layers: int) -> float:
    """Each layer multiplies the spread by that of the weights and by the root of n, the number of terms in a sum."""
    return _digit((spread * np.sqrt(n)) ** layers)


def without_n(n: int, spread: float, layers: int) -> float:
    """This forgets that a unit adds up n terms. Their variances add, so the spread grows by the root of n."""
    return _digit(spread**layers)


def by_variance(n: int, spread: float, layers: int) -> float:
    """This is the variance, the square of the spread."""
    return _digit((n * spread**2) ** layers)


def by_count(n: int, spread: float, layers: int) -> float:
    """This multiplies by n. Terms of both signs cancel in part: the sum of n of them is about root n times as large."""
    return _digit((n * spread) ** layers)


def _digit(value) -> float:
    return float(f"{value:.1g}")


# ------------------------------------------------ first weights of a layer with ReLU: their standard deviation


def he_spread(shape: tuple[int, ...]) -> float:
    """The root of 2/n, where n is how many numbers a unit adds up: channels times taps."""
    return float(np.sqrt(2 / np.prod(shape[1:])))


def by_kernels(shape: tuple[int, ...]) -> float:
    """This counts where an input goes, kernels times taps. A unit adds up channels times taps."""
    return float(np.sqrt(2 / (shape[0] * np.prod(shape[2:]))))


def channels_alone(shape: tuple[int, ...]) -> float:
    """This forgets the taps: a kernel has one weight for each channel AND each place in its window."""
    return float(np.sqrt(2 / shape[1]))


def he_variance(shape: tuple[int, ...]) -> float:
    """This is the variance. The standard deviation is its root."""
    return float(2 / np.prod(shape[1:]))


def xavier_spread(shape: tuple[int, ...]) -> float:
    """This is the root of 1/n. ReLU throws half of the signal away, so it takes 2/n."""
    return float(np.sqrt(1 / np.prod(shape[1:])))


# ------------------------------------------------ batch norm of one map, gamma 1 and beta 0


def by_deviation(x: np.ndarray) -> np.ndarray:
    """Subtract the mean, 5, and divide by the standard deviation, the root of 4."""
    return _two_places((x - x.mean()) / x.std())


def by_its_variance(x: np.ndarray) -> np.ndarray:
    """This divides by the variance. Then the result would have the variance 1/4 here, not 1."""
    return _two_places((x - x.mean()) / x.var())


def by_range(x: np.ndarray) -> np.ndarray:
    """This squeezes everything into -1 to 1. A variance of 1 is no such promise: one of the values lands at 2."""
    return _two_places(2 * (x - x.min()) / np.ptp(x) - 1)


def by_unbiased(x: np.ndarray) -> np.ndarray:
    """This divides by n - 1 in the variance. Batch norm normalises by the mean of the squares, divided by n."""
    return _two_places((x - x.mean()) / x.std(ddof=1))


def _two_places(values) -> np.ndarray:
    return np.round(values, 2) + 0.0


# ------------------------------------------------ running mean and variance after a first batch, from 0 and 1


def running_right(x: np.ndarray, momentum: float) -> np.ndarray:
    """A tenth of the batch's mean, 5; and nine tenths of 1 and a tenth of the UNBIASED variance, 32/7."""
    return _running(momentum, x.mean(), x.var(ddof=1))


def running_biased(x: np.ndarray, momentum: float) -> np.ndarray:
    """This stores the biased variance, 32/8. PyTorch normalises by that one and stores the unbiased, 32/7."""
    return _running(momentum, x.mean(), x.var())


def running_other_share(x: np.ndarray, momentum: float) -> np.ndarray:
    """This takes nine tenths of the new. PyTorch's momentum of 0.1 is the share of the NEW batch."""
    return _running(1 - momentum, x.mean(), x.var(ddof=1))


def running_from_zero(x: np.ndarray, momentum: float) -> np.ndarray:
    """This starts the variance at 0, as some lecture code does. PyTorch starts it at 1."""
    return _running(momentum, x.mean(), x.var(ddof=1), start=0.0)


def _running(share, mean, variance, start=1.0) -> np.ndarray:
    return np.round([share * mean, (1 - share) * start + share * variance], 3)


# ------------------------------------------------ backward pass of batch norm, for one map: x and dy of shape (m,)


def batch_gradient(dy: np.ndarray, x: np.ndarray, gamma: float) -> np.ndarray:
    """Take dy without its mean and without its part along the normalised values, times gamma / deviation."""
    normed = (x - x.mean()) / x.std()
    return gamma / x.std() * (dy - dy.mean() - normed * (dy * normed).mean())


def both_constant(dy: np.ndarray, x: np.ndarray, gamma: float) -> np.ndarray:
    """This takes mean and deviation for constants. Every value of the batch moves both of them."""
    return gamma / x.std() * dy


def deviation_constant(dy: np.ndarray, x: np.ndarray, gamma: float) -> np.ndarray:
    """This goes back through the mean alone. The deviation depends on every value, too."""
    return gamma / x.std() * (dy - dy.mean())


def without_gamma(dy: np.ndarray, x: np.ndarray, gamma: float) -> np.ndarray:
    """This forgets gamma, by which the normalised values were multiplied on their way out."""
    return batch_gradient(dy, x, 1.0)


def sums_for_means(dy: np.ndarray, x: np.ndarray, gamma: float) -> np.ndarray:
    """This subtracts sums where it should be means: divide both by m."""
    normed = (x - x.mean()) / x.std()
    return gamma / x.std() * (dy - dy.sum() - normed * (dy * normed).sum())


# ------------------------------------------------ dropout, given the random numbers


def dropped(x: np.ndarray, luck: np.ndarray, rate: float, training: bool) -> np.ndarray:
    """In training 0 where luck is below rate, and the rest divided by 1 - rate; in use x as it is."""
    return np.where(luck < rate, 0.0, x / (1 - rate)) if training else x.copy()


def not_rescaled(x: np.ndarray, luck: np.ndarray, rate: float, training: bool) -> np.ndarray:
    """This does not divide by 1 - rate, so the next layer gets more in use than it ever got in training."""
    return np.where(luck < rate, 0.0, x) if training else x.copy()


def always_dropping(x: np.ndarray, luck: np.ndarray, rate: float, training: bool) -> np.ndarray:
    """This drops in use as well: the same picture would get another answer each time."""
    return dropped(x, luck, rate, True)


def kept_for_dropped(x: np.ndarray, luck: np.ndarray, rate: float, training: bool) -> np.ndarray:
    """This takes rate for the share that is KEPT. It is the share that is dropped."""
    return np.where(luck < rate, x / rate, 0.0) if training else x.copy()


def scaled_down(x: np.ndarray, luck: np.ndarray, rate: float, training: bool) -> np.ndarray:
    """This multiplies by 1 - rate in training. Fewer terms arrive, so those that do must count for more: divide."""
    return np.where(luck < rate, 0.0, x * (1 - rate)) if training else x.copy()


# ------------------------------------------------ normalising outside the gradient


def bias_under_normalising(steps: int, rate: float = 1.0) -> tuple[float, float]:
    """The bias after some steps, and the loss's change, if the mean is subtracted but taken for a constant."""
    rng = np.random.default_rng(0)
    u, target, b = rng.normal(size=20), 3.0, 0.0
    u -= u.mean()

    def loss(b):
        return np.mean(((u + b) - (u + b).mean() - target) ** 2)

    start = loss(b)
    for _ in range(steps):
        normed = (u + b) - (u + b).mean()
        b -= rate * np.mean(2 * (normed - target))  # d(normed)/db taken for 1; it is 0
    return float(b), float(loss(b) - start)
