"""Learning-rate schedules: what to multiply the learning rate with, as training goes on.

Each takes how much is done, from 0 at the first step to 1 at the last, and returns a factor; `coursekit.train.fit`
takes any of them as `schedule`. For other options than the usual ones wrap it:
`lambda done: step_decay(done, factor=0.5)`.
"""

from collections.abc import Callable, Sequence
from math import cos, pi

__all__ = [
    "cosine_decay",
    "exponential_decay",
    "inverse_decay",
    "linear_decay",
    "one_cycle",
    "step_decay",
    "warm_up",
]


def step_decay(done: float, *, at: Sequence[float] = (0.5, 0.75), factor: float = 0.1) -> float:
    """Multiply by `factor` at each of the places `at`, and stay constant between them.

    Source: He et al. (2016), "Deep residual learning for image recognition", section 4.2.

    >>> [round(step_decay(done), 3) for done in (0.0, 0.49, 0.5, 0.75, 1.0)]
    [1.0, 1.0, 0.1, 0.01, 0.01]
    """
    _expect_share(done)
    return float(factor) ** sum(done >= place for place in at)


def linear_decay(done: float, *, floor: float = 0.0) -> float:
    """Fall in a straight line from 1 to `floor`.

    >>> [linear_decay(done) for done in (0.0, 0.25, 1.0)]
    [1.0, 0.75, 0.0]
    """
    return _expect_floor(floor) + (1 - floor) * (1 - _expect_share(done))


def exponential_decay(done: float, *, floor: float = 0.01) -> float:
    """Fall by the same factor in each step, from 1 to `floor`, which is more than 0.

    >>> [round(exponential_decay(done), 3) for done in (0.0, 0.5, 1.0)]
    [1.0, 0.1, 0.01]
    """
    if not 0 < floor <= 1:
        raise ValueError(f"floor is {floor}, expected more than 0 and at most 1: a power never reaches 0.")
    return float(floor) ** _expect_share(done)


def inverse_decay(done: float, *, strength: float = 9.0) -> float:
    """Fall as 1 / (1 + strength * done): fast at first, then slowly, to 1 / (1 + strength).

    Source: Robbins & Monro (1951), whose steps shrink as 1 / t.

    >>> [round(inverse_decay(done), 3) for done in (0.0, 0.5, 1.0)]
    [1.0, 0.182, 0.1]
    """
    if not strength >= 0:
        raise ValueError(f"strength is {strength}, expected 0 or more: the rate is to fall.")
    return 1 / (1 + strength * _expect_share(done))


def cosine_decay(done: float, *, floor: float = 0.0) -> float:
    """Fall from 1 to `floor` along half a cosine: slowly, fast, slowly.

    Source: Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", equation 5.

    >>> [round(cosine_decay(done), 3) for done in (0.0, 0.5, 1.0)]
    [1.0, 0.5, 0.0]
    """
    return _expect_floor(floor) + (1 - floor) * (1 + cos(pi * _expect_share(done))) / 2


def warm_up(
    done: float, *, share: float = 0.05, floor: float = 0.01, then: Callable[[float], float] = cosine_decay
) -> float:
    """Rise in a straight line from `floor` to 1 during the first `share` of training, then do as `then` says.

    Source: Goyal et al. (2017), "Accurate, large minibatch SGD", section 2.2.

    >>> [round(warm_up(done, share=0.2), 3) for done in (0.0, 0.1, 0.2, 0.6, 1.0)]
    [0.01, 0.505, 1.0, 0.5, 0.0]
    """
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}, expected 0 or more and less than 1: something must come after it.")
    if _expect_share(done) < share:
        return _expect_floor(floor) + (1 - floor) * done / share
    return then((done - share) / (1 - share))


def one_cycle(done: float, *, share: float = 0.2, floor: float = 0.01) -> float:
    """Rise in a straight line from `floor` to 1 during the first `share` of training, then fall along half a cosine.

    It is `warm_up` with a long rise and `cosine_decay` to the same floor; the high rates between save epochs.

    Source: after Smith & Topin (2018), "Super-convergence".

    >>> [round(one_cycle(done), 3) for done in (0.0, 0.1, 0.2, 0.6, 1.0)]
    [0.01, 0.505, 1.0, 0.505, 0.01]
    """
    return warm_up(done, share=share, floor=floor, then=lambda left: cosine_decay(left, floor=floor))


def _expect_share(done):
    if not 0 <= done <= 1:
        raise ValueError(f"done is {done}, expected 0 to 1: the share of training that is done, not a step's number.")
    return done


def _expect_floor(floor):
    if not 0 <= floor <= 1:
        raise ValueError(f"floor is {floor}, expected 0 to 1: a share of the learning rate, not a rate.")
    return floor
