"""Comparing what need not agree value by value: labels by how many are right, random draws by mean and spread."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from coursekit.compare.cases import RUBBISH, Unreadable, count, flatten

SPREAD = 0.05  # relative, where nothing is asked for


def thresholds(how: Mapping[str, Any]) -> list[float]:
    """The shares of right labels that are asked for, from low to high.

    Raises
    ------
    ValueError
        If ``at_least`` is no share between 0 and 1, nor a list of such.
    """
    steps = how.get("at_least")
    steps = steps if isinstance(steps, list) else [steps]
    if not steps or not all(type(step) in (int, float) and 0 < step <= 1 for step in steps):
        raise ValueError(f'compare kind "labels" needs at_least, a share such as 0.97 or a list, not {steps!r}.')
    return sorted(map(float, steps))


def labels_differ(expected: dict, got: dict, how: Mapping[str, Any]) -> str:
    """Why too few labels are right, or an empty text.

    Labels come as N numbers, or as N rows of scores, of which the place of the largest is the label.
    """
    (number,), right = flatten(expected)
    shape, values = flatten(got)
    if len(shape) not in (1, 2) or shape[0] != number or shape[-1] == 0:
        wanted = f"({number},) for labels, ({number}, classes) for scores"
        raise Unreadable(f"Shapes differ: yours {tuple(shape)}, expected {wanted}.")
    labels = values if len(shape) == 1 else [_largest(row) for row in _rows(values, shape[1])]
    hits = sum(a == b for a, b in zip(labels, right, strict=True))
    wanted = thresholds(how)[-1]
    if hits >= wanted * number:
        return ""
    # one digit more where rounding would hide that it is too little
    digits = next(d for d in (1, 2, 3, 4) if d == 4 or float(f"{100 * hits / number:.{d}f}") < 100 * wanted)
    share = f"{100 * hits / number:.{digits}f} %"
    return f"{count(hits, 'label')} of {number} are right, {share}; {100 * wanted:g} % are asked for."


def spread_differs(expected: dict, got: dict, how: Mapping[str, Any]) -> str:
    """Why random values are not spread as they should be, or an empty text: mean and standard deviation are compared.

    The standard deviation may be off by the share ``rtol``, and the mean by as much of the expected deviation.
    """
    shape, right = flatten(expected)
    yours_shape, yours = flatten(got)
    if shape != yours_shape:
        return f"Shapes differ: yours {tuple(yours_shape)}, expected {tuple(shape)}."
    (mean, deviation), (my_mean, my_deviation) = _moments(right), _moments(yours)
    allowed = how.get("rtol", SPREAD) * deviation
    if not abs(my_deviation - deviation) <= allowed:
        return f"The standard deviation is {my_deviation:.4g}, expected about {deviation:.4g}."
    if not abs(my_mean - mean) <= allowed:
        return f"The mean is {my_mean:.4g}, expected about {mean:.4g} (the standard deviation is right)."
    return ""


def _rows(values: Sequence[Any], width: int) -> list[Sequence[Any]]:
    return [values[start : start + width] for start in range(0, len(values), width)]


def _largest(scores: Sequence[Any]) -> int:
    """The place of the largest score, the first of several; -1, no label, where one is not a number."""
    if any(isinstance(score, complex) or score != score for score in scores):
        return -1
    return max(range(len(scores)), key=scores.__getitem__)


def _moments(values: Sequence[Any]) -> tuple[float, float]:
    if not values or any(isinstance(value, complex) or not math.isfinite(value) for value in values):
        raise Unreadable(RUBBISH if not values else "Real, finite numbers are expected.")
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
