"""Of assignment 4, questions 4 to 6: wrong answers with their thoughts."""

import numpy as np

Three = tuple[np.ndarray, np.ndarray, np.ndarray]

# ------------------------------------------------ question 4: local response normalisation


def lrn_of_pytorch(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This divides alpha by n first, as PyTorch does."""
    return lrn(x, n, k, alpha / n, beta)


def lrn_both_sides_whole(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This takes n maps to either side. n counts all of them, the map itself too."""
    return lrn(x, 2 * n + 1, k, alpha, beta)


def lrn_without_itself(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This leaves the map itself out of the sum."""
    return lrn(x, n, k, alpha, beta, own=0)


def lrn_round_the_corner(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This lets the last map be the neighbour of the first. At the ends there are fewer neighbours."""
    around = sum(np.roll(x**2, step, axis=1) for step in range(-(n // 2), n // 2 + 1))
    return x / (k + alpha * around) ** beta


def lrn_in_space(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This looks at neighbours in a row of pixels. They are neighbours in depth, at the same pixel."""
    return lrn(x.swapaxes(1, 3), n, k, alpha, beta).swapaxes(1, 3)


def lrn_negative_places(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This slices from i - n // 2, which is negative for the first maps: counted from the end, the slice is empty."""
    squares = [(x[:, i - n // 2 : i + n // 2 + 1] ** 2).sum(axis=1) for i in range(x.shape[1])]
    return x / (k + alpha * np.stack(squares, axis=1)) ** beta


def lrn_without_power(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This divides by the bracket itself. It stands to the power of beta."""
    return lrn(x, n, k, alpha, 1.0)


def lrn_of_its_own_results(x: np.ndarray, n: int, k: float, alpha: float, beta: float) -> np.ndarray:
    """This overwrites each map while the next one still needs it: part of the neighbours are normalised already."""
    y = x.copy()
    for i in range(x.shape[1]):
        y[:, i] /= (k + alpha * (y[:, max(0, i - n // 2) : i + n // 2 + 1] ** 2).sum(axis=1)) ** beta
    return y


def lrn(x, n, k, alpha, beta, *, own=1):
    """Local response normalisation, with a knob for what people get wrong."""
    y = np.zeros_like(x)
    for i in range(x.shape[1]):
        around = (x[:, max(0, i - n // 2) : i + n // 2 + 1] ** 2).sum(axis=1) - (1 - own) * x[:, i] ** 2
        y[:, i] = x[:, i] / (k + alpha * around) ** beta
    return y


def alpha_as_it_is(alpha: float, n: int) -> float:
    """This passes the paper's alpha as it is. PyTorch divides it by n."""
    return alpha


def alpha_divided(alpha: float, n: int) -> float:
    """This divides by n, as PyTorch does once more: what is passed has to make up for it."""
    return alpha / n


# ------------------------------------------------ question 5: batch normalisation


def norm_by_variance(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This divides by the variance. The deviation is its root."""
    return norm(x, gamma, beta, running, momentum, training, eps, root=lambda v: v)


def norm_by_unbiased(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This normalises by the unbiased variance, which is meant for storing alone."""
    return norm(x, gamma, beta, running, momentum, training, eps, ddof=(1, 1))


def norm_of_each_pixel(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This takes mean and variance over the pictures, for each pixel by itself. A map has one of each."""
    y, *stored = norm(x, gamma, beta, running, momentum, training, eps)
    if training:
        normed = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
        y = gamma[:, None, None] * normed + beta[:, None, None]
    return y, *stored


def norm_stores_biased(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This stores the biased variance. What is stored is divided by m - 1."""
    return norm(x, gamma, beta, running, momentum, training, eps, ddof=(0, 0))


def norm_other_share(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This takes momentum for the share of the old. Here it is the share of the new batch."""
    return norm(x, gamma, beta, running, 1 - momentum, training, eps)


def norm_always_training(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This uses the batch's own numbers in use, too: then an answer depends on its company."""
    y, *_ = norm(x, gamma, beta, running, momentum, True, eps)
    return y, *norm(x, gamma, beta, running, momentum, training, eps)[1:]


def norm_stores_in_use(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This moves the running statistics in use, too. They are learned in training alone."""
    y, *_ = norm(x, gamma, beta, running, momentum, training, eps)
    return y, *norm(x, gamma, beta, running, momentum, True, eps)[1:]


def norm_eps_outside(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This adds eps to the root. Here it stands under it, beside the variance."""
    return norm(x, gamma, beta, running, momentum, training, eps, root=lambda v: np.sqrt(np.abs(v - eps)) + eps)


def norm_over_all_maps(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This takes one mean and one variance for all maps together. Each map has its own."""
    y, *stored = norm(x, gamma, beta, running, momentum, training, eps)
    if training:
        y = gamma[:, None, None] * (x - x.mean()) / np.sqrt(x.var() + eps) + beta[:, None, None]
    return y, *stored


def norm_of_each_picture(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This takes mean and variance of each map in each picture by itself. A map has one of each for the whole batch."""
    y, *stored = norm(x, gamma, beta, running, momentum, training, eps)
    if training:
        own = {"axis": (2, 3), "keepdims": True}
        y = gamma[:, None, None] * (x - x.mean(**own)) / np.sqrt(x.var(**own) + eps) + beta[:, None, None]
    return y, *stored


def norm_by_running_in_training(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This normalises by the running statistics in training, too. There the batch's own count."""
    y, *_ = norm(x, gamma, beta, running, momentum, False, eps)
    return y, *norm(x, gamma, beta, running, momentum, training, eps)[1:]


def norm_stores_in_place(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This writes the new statistics into the arrays that it was given."""
    found = norm(x, gamma, beta, running, momentum, training, eps)
    running[0][:], running[1][:] = found[1:]
    return found


def norm_counts_pictures(x, gamma, beta, running, momentum, training, eps) -> Three:
    """This corrects the stored variance by the number of pictures. A map has N H W values."""
    y, mean, _ = norm(x, gamma, beta, running, momentum, training, eps)
    if not training:
        return y, mean, running[1]
    unbiased = x.var(axis=(0, 2, 3)) * len(x) / max(len(x) - 1, 1)
    return y, mean, (1 - momentum) * running[1] + momentum * unbiased


def norm(x, gamma, beta, running, momentum, training, eps, *, root=np.sqrt, ddof=(0, 1)):
    """Batch normalisation, with knobs for what people get wrong."""
    mean, variance = running
    if training:
        now = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=ddof[0])
        unbiased = x.var(axis=(0, 2, 3), ddof=ddof[1])
        running = [(1 - momentum) * old + momentum * new for old, new in zip(running, (now[0], unbiased), strict=True)]
        mean, variance = now
    mean, deviation, gamma, beta = (each[:, None, None] for each in (mean, root(variance + eps), gamma, beta))
    return gamma * (x - mean) / deviation + beta, *running


# ------------------------------------------------ question 6: back through the batch


def back_both_constant(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This takes mean and deviation for constants. Both move with every value of the batch."""
    return norm_back(dy, x, gamma, eps, shares=(0, 0))


def back_deviation_constant(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This takes the deviation for a constant."""
    return norm_back(dy, x, gamma, eps, shares=(1, 0))


def back_sums_for_means(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This takes off sums where means belong."""
    return norm_back(dy, x, gamma, eps, shares=(x[:, 0].size, x[:, 0].size))


def back_without_gamma(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This forgets gamma on the way back to x."""
    return norm_back(dy, x, np.ones_like(gamma), eps)


def back_by_raw_input(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This multiplies dy with x for dgamma. gamma is multiplied with the normalised x."""
    dx, _, dbeta = norm_back(dy, x, gamma, eps)
    return dx, (dy * x).sum(axis=(0, 2, 3)), dbeta


def back_mean_constant(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This takes the mean for a constant."""
    return norm_back(dy, x, gamma, eps, shares=(0, 1))


def back_eps_outside(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This adds eps to the root. Here it stands under it, beside the variance."""
    return norm_back(dy, x, gamma, eps, root=lambda v: np.sqrt(v) + eps)


def back_eps_forgotten(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This divides by the root of the variance alone."""
    return norm_back(dy, x, gamma, eps, root=np.sqrt)


def back_of_means(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Three:
    """This has means for dgamma and dbeta. Every value of a map hands its share to them: they are sums."""
    dx, dgamma, dbeta = norm_back(dy, x, gamma, eps)
    return dx, dgamma / x[:, 0].size, dbeta / x[:, 0].size


def norm_back(dy, x, gamma, eps, *, shares=(1, 1), root=None):
    """The way back through a batch, with knobs for what people get wrong."""
    every = {"axis": (0, 2, 3), "keepdims": True}
    deviation = np.sqrt(x.var(**every) + eps) if root is None else root(x.var(**every))
    normed = (x - x.mean(**every)) / deviation
    dx = dy - shares[0] * dy.mean(**every) - shares[1] * normed * (dy * normed).mean(**every)
    return gamma[:, None, None] * dx / deviation, (dy * normed).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
