"""The one comparator: what was expected against what came back, both as the plain data that a check sends.

A case is a dictionary with the key ``kind`` (`coursekit.check.encode` makes them). What was expected is ours. What came
back may be anything that JSON can say, for a kernel that runs a stranger's code can send anything: it is never trusted,
and whatever cannot be read is wrong.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from coursekit.compare.cases import (
    NO_ANSWER,
    ODD,
    RUBBISH,
    Unreadable,
    count,
    dtypes,
    flatten,
    is_nothing,
    line,
    named,
    parts_of,
    refuse_no_answer,
)
from coursekit.compare.measures import labels_differ, spread_differs, thresholds
from coursekit.compare.words import canonical, order_differs, rounded, set_differs, text_differs

__all__ = ["KINDS", "Result", "compare", "fingerprint", "same"]

Outcome = Literal["correct", "wrong", "nothing"]


@dataclass(frozen=True)
class Result:
    """How a comparison came out.

    Attributes
    ----------
    outcome : {"correct", "wrong", "nothing"}
        "nothing" if no case holds an answer: it was not attempted.
    case : int or None
        The first wrong case, counted from 1.
    reason : str
        What differs, in a sentence or two; empty if all is correct.
    passed, cases : int
        Cases that agree, of how many. Labels have a case for each share of them that is asked for.
    """

    outcome: Outcome
    case: int | None
    reason: str
    passed: int
    cases: int


def compare(expected: Sequence[dict], got: Any, how: Mapping[str, Any]) -> Result:
    """Compare the cases that came back with those that were expected.

    Parameters
    ----------
    expected : list of dict
        The encoded cases of the reference.
    got : anything
        Should be the encoded cases of the answer. Whatever it is, it raises nothing.
    how : mapping
        ``kind`` is "numbers" (default), "integers", "text", "set", "order", "labels" or "spread". Numbers agree if
        ``|yours - expected| <= atol + rtol * |expected|`` (1e-8, 1e-5) or if both are equal when rounded to ``digits``
        significant digits, where that is given; ``dtype`` asks for one. Text agrees whatever the space around it, and
        with ``casefold`` true in either case. Of labels, or of rows of scores, the share ``at_least`` must be right;
        where that is a list, each is a case. Spread compares mean and standard deviation, with ``rtol`` (0.05) of the
        latter. Lists and dictionaries are compared part by part.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If `how` asks for an unknown kind, or `expected` holds no answer.

    >>> compare([{"kind": "number", "type": "int", "value": 5}], [{"kind": "number", "type": "int", "value": 7}], {})
    Result(outcome='wrong', case=1, reason='Yours is 7, expected 5.', passed=0, cases=1)
    """
    _refuse_bad_reference(expected, how)
    if not isinstance(got, list) or len(got) != len(expected):
        arrived = len(got) if isinstance(got, list) else "none"
        return Result("wrong", None, f"Of {count(len(expected), 'case')}, {arrived} came back.", 0, len(expected))
    steps = [{**how, "at_least": share} for share in thresholds(how)] if how.get("kind") == "labels" else [how]
    reasons = [_reason(right, yours, step) for right, yours in zip(expected, got, strict=True) for step in steps]
    wrong = [k for k, reason in enumerate(reasons) if reason]
    if not wrong:
        return Result("correct", None, "", len(reasons), len(reasons))
    outcome = "nothing" if all(map(is_nothing, got)) else "wrong"
    return Result(outcome, wrong[0] + 1, reasons[wrong[0]], len(reasons) - len(wrong), len(reasons))


def same(expected: dict, got: Any, how: Mapping[str, Any]) -> bool:
    """Whether one case agrees with another, by the same rules. Whatever `got` is, it raises nothing."""
    return not _reason(expected, got, how)


def fingerprint(case: Any, how: Mapping[str, Any], salt: str, digits: int) -> str | None:
    """Hash an entered answer, so that a file can tell whether it is right without holding it.

    Parameters
    ----------
    case : dict
        One encoded case.
    how : mapping
        As for `compare`.
    salt : str
        Kept beside the hash.
    digits : int
        Significant digits to which numbers are rounded first.

    Returns
    -------
    str or None
        SHA-256 in hexadecimal; None if the case holds no answer.

    >>> seven = {"kind": "number", "type": "int", "value": 7}
    >>> nearly = {"kind": "array", "dtype": "float64", "shape": [], "values": [7.001]}
    >>> fingerprint(seven, {}, "salt", 3) == fingerprint(nearly, {}, "salt", 3)
    True
    """
    try:
        text = json.dumps(canonical(case, how, digits))
    except (Unreadable, *ODD):
        return None
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def _refuse_bad_reference(expected: Sequence[dict], how: Mapping[str, Any]) -> None:
    if how.get("kind", "numbers") not in KINDS:
        raise ValueError(f"the compare kind is {how['kind']!r}: expected one of {', '.join(KINDS)}.")
    if how.get("kind") == "labels":
        thresholds(how)
    for number, case in enumerate(expected, 1):
        if case["kind"] in NO_ANSWER or is_nothing(case):
            raise ValueError(
                f"case {number} of the reference holds no answer but {str(case)[:200]}: mend the solution."
            )


def _reason(expected: dict, got: Any, how: Mapping[str, Any]) -> str:
    """Why a case is wrong, or an empty text if it is right."""
    try:
        return _difference(expected, got, how, 0)
    except Unreadable as error:
        return str(error)
    except ODD:
        return RUBBISH


def _difference(expected: dict, got: Any, how: Mapping[str, Any], depth: int) -> str:
    if expected["kind"] == "nothing" and isinstance(got, dict) and got.get("kind") == "nothing":
        return ""  # a part that is None on purpose, such as the gradient of a bias that is not there
    refuse_no_answer(got, depth)
    kind = how.get("kind", "numbers")
    if expected["kind"] == "dict":
        return _keys_differ(expected, got, how, depth)
    if expected["kind"] == "list" and (kind == "text" or (KINDS[kind] is _numbers_differ and not _is_even(expected))):
        return _parts_differ(expected, got, how, depth)
    if expected["kind"] == "text" and KINDS[kind] is _numbers_differ:
        return text_differs(expected, got, how)
    return KINDS[kind](expected, got, how)


def _keys_differ(expected: dict, got: dict, how: Mapping[str, Any], depth: int) -> str:
    if got.get("kind") != "dict":
        raise Unreadable(f"A dictionary is expected, {named(got)} came back.")
    yours = {key: value for key, value in got["items"] if isinstance(key, str)}
    right = dict(expected["items"])
    for key, value in right.items():
        if key not in yours:
            return f"The key {key!r} is missing."
        if reason := _part_differs(value, yours[key], how, depth):
            return f"At key {key!r}: {reason}"
    return next((f"The key {line(key)!r} is not expected." for key in yours if key not in right), "")


def _parts_differ(expected: dict, got: dict, how: Mapping[str, Any], depth: int) -> str:
    right, yours = expected["items"], parts_of(got)
    if len(right) != len(yours):
        return f"{count(len(yours), 'part')} came back, {len(right)} expected."
    for number, (a, b) in enumerate(zip(right, yours, strict=True), 1):
        if reason := _part_differs(a, b, how, depth):
            return f"Part {number} of {len(right)}: {reason}"
    return ""


def _part_differs(expected: dict, got: Any, how: Mapping[str, Any], depth: int) -> str:
    try:
        return _difference(expected, got, how, depth + 1)
    except Unreadable as error:
        return str(error)


def _is_even(case: dict) -> bool:
    """Whether a list can be read as one array of numbers."""
    try:
        flatten(case)
    except Unreadable:
        return False
    return True


def _numbers_differ(expected: dict, got: dict, how: Mapping[str, Any]) -> str:
    shape, right = flatten(expected)
    yours_shape, yours = flatten(got)
    if shape != yours_shape:
        return f"Shapes differ: yours {tuple(yours_shape)}, expected {tuple(shape)}."
    wanted = how.get("dtype")
    for dtype in sorted(dtypes(got)) if wanted else ():
        if dtype != wanted:
            return f"The dtype is {line(dtype)}, {wanted} is asked for."
    agree = _agree_exactly if how.get("kind") == "integers" else _agree_closely
    for place, (a, b) in enumerate(zip(yours, right, strict=True)):
        if not agree(a, b, how):
            return _first_difference(shape, place, a, b)
    return ""


def _agree_exactly(yours: Any, right: Any, how: Mapping[str, Any]) -> bool:
    return yours == right


def _agree_closely(yours: Any, right: Any, how: Mapping[str, Any]) -> bool:
    if yours == right:
        return True
    if right != right:  # nan agrees with nan
        return yours != yours
    distance, size = abs(yours - right), abs(right)
    if not (math.isfinite(distance) and math.isfinite(size)):
        return False
    if distance <= how.get("atol", 1e-8) + how.get("rtol", 1e-5) * size:
        return True
    digits = how.get("digits")
    return digits is not None and rounded(yours, digits) == rounded(right, digits)


def _first_difference(shape: list[int], place: int, yours: Any, right: Any) -> str:
    for digits in range(4, 18):  # as many as show the difference
        a, b = _show(yours, digits), _show(right, digits)
        if a != b:
            break
    else:  # two whole numbers, too long to tell apart in the digits of a float
        a, b = str(yours), str(right)
    if not shape:
        return f"Yours is {a}, expected {b}."
    at: list[int] = []
    for size in reversed(shape):
        place, k = divmod(place, size)
        at.insert(0, k)
    return f"Shapes agree, {tuple(shape)}. First difference at {at}: yours {a}, expected {b}."


def _show(x: Any, digits: int) -> str:
    if isinstance(x, int) and abs(x) < 10**17:
        return str(x)
    return f"{x:.{digits}g}"


KINDS: dict[str, Callable[[dict, dict, Mapping[str, Any]], str]] = {
    "numbers": _numbers_differ,
    "integers": _numbers_differ,
    "text": text_differs,
    "set": set_differs,
    "order": order_differs,
    "labels": labels_differ,
    "spread": spread_differs,
}
