"""Gradient checking: compare what backward says with what wiggling the input shows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from coursekit.nn._checks import expect_shape

__all__ = ["GradientReport", "check_gradient", "numerical_gradient"]


@dataclass(frozen=True)
class GradientReport:
    """How far a gradient is from the numerical one."""

    relative_error: float  # max |analytic - numeric| / max |numeric|
    worst: tuple[int, ...]  # the element that is furthest off
    analytic: float  # its value, from the formula
    numeric: float  # its value, from differences
    checked: int  # elements looked at

    def __repr__(self) -> str:
        place = ", ".join(map(str, self.worst))
        return (
            f"relative error {self.relative_error:.1e} over {self.checked} elements; "
            f"worst at [{place}]: analytic {self.analytic:.6g}, numeric {self.numeric:.6g}"
        )


def numerical_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Slope of f along each element of x, by centred differences: (f(x + eps) - f(x - eps)) / (2 eps).

    Parameters
    ----------
    f : callable
        Takes x, returns one number. It may also ignore its argument and look at x itself: x is changed in
        place, one element at a time, and put right again.
    x : ndarray of float64
        In float32 the difference would drown in rounding.
    eps : float
        Half the distance between the two points. At a kink (ReLU at 0, ties in a window) the slope is wrong.

    Returns
    -------
    gradient : ndarray of the shape of x, float64

    Raises
    ------
    TypeError
        If x is not an array of float64.
    ValueError
        If x is read-only, or f returns more than one number.

    >>> numerical_gradient(lambda x: np.sum(x**2), np.array([1.0, -3.0])).round(6)
    array([ 2., -6.])
    """
    expect_float64("x", x)
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        gradient[place] = _slope(f, x, place, eps)
    return gradient


def check_gradient(
    f: Callable[[np.ndarray], float],
    x: np.ndarray,
    gradient: np.ndarray,
    *,
    eps: float = 1e-5,
    samples: int | None = None,
    seed: int | np.random.Generator = 0,
) -> GradientReport:
    """Compare a gradient with centred differences.

    A relative error below 1e-7 is fine; above 1e-4 look for a mistake, or for a kink within eps of x.

    Parameters
    ----------
    f, x, eps
        As for `numerical_gradient`.
    gradient : ndarray of the shape of x, float64
        What the formula says.
    samples : int, optional
        Look at so many elements, drawn at random, instead of all.
    seed : int or Generator
        Draws the samples.

    Returns
    -------
    report : GradientReport

    Raises
    ------
    TypeError, ValueError
        If x or gradient is not float64, or their shapes differ.

    >>> x = np.array([1.0, -3.0])
    >>> check_gradient(lambda x: np.sum(x**2), x, np.array([2.0, 6.0]))
    relative error 2.0e+00 over 2 elements; worst at [1]: analytic 6, numeric -6
    """
    expect_float64("x", x)
    expect_float64("gradient", gradient)
    expect_shape("gradient", gradient, x.shape, "the shape of x")
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}: there is nothing to check.")
    places = np.arange(x.size)
    if samples is not None and samples < 1:
        raise ValueError(f"samples is {samples}, expected 1 or more, or None to look at all.")
    if samples is not None and samples < x.size:
        places = np.random.default_rng(seed).choice(x.size, samples, replace=False)
    places = [tuple(map(int, np.unravel_index(place, x.shape))) for place in places]
    numeric = np.array([_slope(f, x, place, eps) for place in places])
    analytic = np.array([gradient[place] for place in places])
    return make_report(places, analytic, numeric)


def make_report(places, analytic, numeric):
    """The report on these elements: places, and the two gradients there."""
    off = np.abs(analytic - numeric)
    worst = int(np.argmax(off))  # argmax takes the first nan for the largest
    scale = np.abs(numeric).max()
    error = float(off[worst] / scale) if scale else float(np.inf if off[worst] else 0.0)
    return GradientReport(error, places[worst], float(analytic[worst]), float(numeric[worst]), len(places))


def slopes_of_each(f, x, eps):
    """Slopes of each number that f returns, (N, *shape of x); N is 1 where it returns a single one."""
    expect_float64("x", x)
    slopes = np.zeros((len(_numbers(f(x))), *x.shape))
    for place in np.ndindex(x.shape):
        slopes[:, *place] = _slope(f, x, place, eps, _numbers)
    return slopes


def _slope(f, x, place, eps, read=None):
    """Centred difference along one element; x is put right again whatever happens in f."""
    if not eps > 0:
        raise ValueError(f"eps is {eps}, expected a small number such as 1e-5: half the distance of two points.")
    read, kept = read or _number, x[place]
    try:
        x[place] = kept + eps
        above = read(f(x))
        x[place] = kept - eps
        below = read(f(x))
    finally:
        x[place] = kept
    return (above - below) / (2 * eps)


def _number(value):
    return float(_numbers(value, "one number: sum it up in f", most=1)[0])


def _numbers(value, wanted="one number, or a row of one per image", most=None):
    """What f returned, as a row of float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or not array.size or array.size > (most or max(array.shape, default=1)):
        raise ValueError(f"f returned {type(value).__name__} of shape {array.shape}, expected {wanted}.")
    if array.dtype in (np.float16, np.float32):
        raise TypeError("f returned float32, expected float64: the difference would drown in rounding.")
    return array.astype(np.float64).reshape(-1)


def expect_float64(name, array):
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(
            f"{name} is {kind}, expected float64: in less the differences drown in rounding. "
            f"Use {name}.astype(np.float64), and float64 throughout f."
        )
    if name == "x" and not array.flags.writeable:
        raise ValueError("x is read-only, but is wiggled in place: pass x.copy().")
