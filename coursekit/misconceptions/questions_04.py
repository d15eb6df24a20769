"""Of assignment 4, questions 1 to 3: wrong answers with their thoughts.

The others are in `questions_04_norm` and `questions_04_training`.
"""

from itertools import pairwise

import numpy as np

Path = np.ndarray

# ------------------------------------------------ question 1, entered: functions of what is given there


def loss_as_share(classes: int) -> float:
    """This is how often guessing is wrong. The loss is no share: it is minus the logarithm of a chance."""
    return 1 - 1 / classes


def loss_in_tens(classes: int) -> float:
    """This takes the logarithm to base ten; losses are measured by the natural one."""
    return float(np.log10(classes))


def loss_in_bits(classes: int) -> float:
    """This takes the logarithm to base two; losses are measured by the natural one."""
    return float(np.log2(classes))


def loss_below_nothing(classes: int) -> float:
    """This is the logarithm of the chance itself, without the minus."""
    return float(np.log(1 / classes))


def bar_without_root(share: float, pictures: int) -> float:
    """This leaves the root out: that is a variance."""
    return 100 * share * (1 - share) / pictures


def bar_of_one_answer(share: float, pictures: int) -> float:
    """This is the spread of one answer, not that of the share among many."""
    return float(100 * np.sqrt(share * (1 - share)))


def bar_of_the_root_of_errors(share: float, pictures: int) -> float:
    """This divides by the number of pictures outside the root."""
    return float(100 * np.sqrt(share * (1 - share)) / pictures)


def bar_as_a_share(share: float, pictures: int) -> float:
    """This is a share, where percentage points are asked for."""
    return float(np.sqrt(share * (1 - share) / pictures))


def bar_of_95_percent(share: float, pictures: int) -> float:
    """This is half the width of an interval of 95 %, which is about two standard errors."""
    return float(196 * np.sqrt(share * (1 - share) / pictures))


def arriving_unpadded(side: int) -> int:
    """This forgets that the fourth convolution pads by 2, so that a pixel is lost in pooling."""
    return 64 * (side // 2 // 2 // 2) ** 2


def arriving_of_one_map(side: int) -> int:
    """This counts the pixels of one map. There are 64 of them."""
    return _side(side) ** 2


def arriving_before_pooling(side: int) -> int:
    """This stops in front of the third pooling."""
    return 64 * (2 * _side(side)) ** 2


def parameters_without_biases(side: int) -> int:
    """This leaves the biases out: one for each kernel and each unit."""
    return _parameters(side, 0, 64 * _side(side) ** 2)


def parameters_of_flat_kernels(side: int) -> int:
    """This gives each kernel nine weights. It has nine for each map that it reads."""
    return 9 * (16 + 16 + 32 + 32 + 64 + 64) + 224 + 50 * (64 * _side(side) ** 2 + 1) + 510


def parameters_unpadded(side: int) -> int:
    """This forgets that the fourth convolution pads by 2, and so the first matrix is too small."""
    return _parameters(side, 1, arriving_unpadded(side))


def _side(side):
    return (side // 2 + 2) // 4


def _parameters(side, bias, arriving):
    maps = [1, 16, 16, 32, 32, 64, 64]
    kernels = sum(b * (9 * a + bias) for a, b in pairwise(maps))
    return kernels + 50 * (arriving + bias) + 10 * (50 + bias)


# ------------------------------------------------ question 2: first weights


def spread_by_outputs(shape: tuple, relu: bool, rng: np.random.Generator) -> np.ndarray:
    """This counts the outputs. What matters is how many products are added up for one of them."""
    n = shape[0] * np.prod(shape[2:]) if len(shape) == 4 else shape[1]
    return _weights(shape, relu, rng, n)


def spread_by_channels(shape: tuple, relu: bool, rng: np.random.Generator) -> np.ndarray:
    """This counts channels alone. A kernel adds up a product for each of its pixels, too."""
    return _weights(shape, relu, rng, shape[1] if len(shape) == 4 else shape[0])


def variance_for_spread(shape: tuple, relu: bool, rng: np.random.Generator) -> np.ndarray:
    """This takes 2/n or 1/n for the standard deviation; it is the variance."""
    return rng.normal(scale=(1 + relu) / _terms(shape), size=shape)


def spread_without_relu(shape: tuple, relu: bool, rng: np.random.Generator) -> np.ndarray:
    """This uses the root of 1/n in front of a ReLU as well, which halves the sum of squares."""
    return _weights(shape, False, rng, _terms(shape))


def spread_of_uniform(shape: tuple, relu: bool, rng: np.random.Generator) -> np.ndarray:
    """This draws uniformly between minus and plus the spread: their deviation is smaller by the root of 3."""
    edge = np.sqrt((1 + relu) / _terms(shape))
    return rng.uniform(-edge, edge, size=shape)


def spread_always_of_he(shape: tuple, relu: bool, rng: np.random.Generator) -> np.ndarray:
    """This uses the root of 2/n whether a ReLU follows or not."""
    return _weights(shape, True, rng, _terms(shape))


def spread_of_both_sides(shape: tuple, relu: bool, rng: np.random.Generator) -> np.ndarray:
    """This takes the mean of inputs and outputs for n, as some libraries do. The chapter counts inputs alone."""
    outputs = shape[0] * np.prod(shape[2:]) if len(shape) == 4 else shape[1]
    return _weights(shape, relu, rng, (_terms(shape) + outputs) / 2)


def _terms(shape):
    return np.prod(shape[1:]) if len(shape) == 4 else shape[0]


def _weights(shape, relu, rng, n):
    return rng.normal(scale=np.sqrt((1 + relu) / n), size=shape)


# ------------------------------------------------ question 3: steps


def momentum_forgotten(w: np.ndarray, gradients: np.ndarray, rate: float, mu: float) -> Path:
    """This starts each step with a new velocity: plain gradient descent."""
    return w - rate * np.cumsum(gradients, axis=0)


def momentum_of_nesterov(w: np.ndarray, gradients: np.ndarray, rate: float, mu: float) -> Path:
    """This looks ahead, as Nesterov's rule does."""
    return _momentum(w, gradients, lambda v, g: mu * v + g, lambda v, g: rate * (g + mu * v))


def momentum_as_mean(w: np.ndarray, gradients: np.ndarray, rate: float, mu: float) -> Path:
    """This takes 1 - mu of the new gradient: a running mean, as Adam has."""
    return _momentum(w, gradients, lambda v, g: mu * v + (1 - mu) * g, lambda v, g: rate * v)


def momentum_before_the_step(w: np.ndarray, gradients: np.ndarray, rate: float, mu: float) -> Path:
    """This notes the weights before each step. They are wanted after it."""
    path = _momentum(w, gradients, lambda v, g: mu * v + g, lambda v, g: rate * v)
    return np.concatenate([w[None], path[:-1]])


def momentum_uphill(w: np.ndarray, gradients: np.ndarray, rate: float, mu: float) -> Path:
    """This adds the step: it goes where the loss rises."""
    return _momentum(w, gradients, lambda v, g: mu * v + g, lambda v, g: -rate * v)


def momentum_in_place(w: np.ndarray, gradients: np.ndarray, rate: float, mu: float) -> Path:
    """This walks with the array that it was given. Its rows are right, and the caller's start is gone."""
    path = _momentum(w, gradients, lambda v, g: mu * v + g, lambda v, g: rate * v)
    w[:] = path[-1]
    return path


def momentum_one_array(w: np.ndarray, gradients: np.ndarray, rate: float, mu: float) -> Path:
    """This appends one array again and again and changes it in place: every row shows the end."""
    path = momentum_in_place(w, gradients, rate, mu)
    return np.array([w for _ in path])


def _momentum(w, gradients, velocity, step):
    v, path = np.zeros_like(w), []
    for g in gradients:
        v = velocity(v, g)
        w = w - step(v, g)
        path.append(w)
    return np.array(path)


def adam_uncorrected(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This leaves the hats off: m and s start at 0 and are too small at first."""
    return adam(w, gradients, rate, betas, eps, hats=(False, False))


def adam_half_corrected(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This corrects m alone. s starts at 0 as well."""
    return adam(w, gradients, rate, betas, eps, hats=(True, False))


def adam_same_correction(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This divides by 1 - beta in every step. The share that is missing shrinks: 1 - beta to the power of the step."""
    return adam(w, gradients, rate, betas, eps, power=lambda k: 1)


def adam_without_root(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This divides by s, not by its root."""
    return adam(w, gradients, rate, betas, eps, root=lambda s: s + eps)


def adam_eps_inside(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This adds eps under the root. Here it stands outside."""
    return adam(w, gradients, rate, betas, eps, root=lambda s: np.sqrt(s + eps))


def adam_counting_from_zero(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This counts steps from 0: the first hats divide by 1 - 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return adam(w, gradients, rate, betas, eps, power=lambda k: k - 1)


def adam_betas_swapped(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This takes the share of m for s, and that of s for m."""
    return adam(w, gradients, rate, betas[::-1], eps)


def adam_keeps_the_hats(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This goes on from the corrected m and s. What is kept from step to step wears no hat."""
    m, s, path = 0, 0, []
    for k, g in enumerate(gradients, 1):
        m = (betas[0] * m + (1 - betas[0]) * g) / (1 - betas[0] ** k)
        s = (betas[1] * s + (1 - betas[1]) * g**2) / (1 - betas[1] ** k)
        w = w - rate * m / (np.sqrt(s) + eps)
        path.append(w)
    return np.array(path)


def adam_in_place(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This walks with the array that it was given. Its rows are right, and the caller's start is gone."""
    path = adam(w, gradients, rate, betas, eps)
    w[:] = path[-1]
    return path


def adam_one_array(w: np.ndarray, gradients: np.ndarray, rate: float, betas: tuple, eps: float) -> Path:
    """This appends one array again and again and changes it in place: every row shows the end."""
    path = adam_in_place(w, gradients, rate, betas, eps)
    return np.array([w for _ in path])


def adam(w, gradients, rate, betas, eps, *, hats=(True, True), power=lambda k: k, root=None):
    """Adam's path, with knobs for what people get wrong."""
    m, s, path, root = np.zeros_like(w), np.zeros_like(w), [], root or (lambda s: np.sqrt(s) + eps)
    for k, g in enumerate(gradients, 1):
        m, s = betas[0] * m + (1 - betas[0]) * g, betas[1] * s + (1 - betas[1]) * g**2
        up, down = (
            each / (1 - beta ** power(k)) if hat else each for each, beta, hat in zip((m, s), betas, hats, strict=True)
        )
        w = w - rate * up / root(down)
        path.append(w)
    return np.array(path)
