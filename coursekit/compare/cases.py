"""Reading the plain data that a check sends, as data of a stranger.

Whatever is not as `coursekit.check.encode` makes it raises Unreadable, with a sentence for its author, or one of the
errors in ODD, which Python raises for missing keys and wrong types.
"""

import math
from typing import Any

MAX_EMPTY = 1000  # rows without a value in an array: a shape of a few bytes must not cost memory
MAX_DEPTH = 8  # of lists in lists; a check sends fewer
NO_ANSWER = ("nothing", "error", "unknown", "too-large")
ODD = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError, MemoryError)
RUBBISH = "What came back cannot be read."


class Unreadable(Exception):
    """What came back cannot be compared; the message is a sentence for its author."""


def refuse_no_answer(case: Any, depth: int = 0) -> None:
    """Raise Unreadable if a case holds no answer, and say what it holds."""
    if not isinstance(case, dict) or depth > MAX_DEPTH:
        raise Unreadable(RUBBISH)
    kind = case.get("kind")
    if kind == "nothing":
        raise Unreadable("Nothing came back.")
    if kind == "error":
        message = line(case.get("message")).rstrip(".")
        raise Unreadable(f"Your code raised {line(case.get('type'))}{': ' if message else ''}{message}.")
    if kind == "too-large":
        raise Unreadable("Far more came back than a check takes.")
    if kind == "unknown":
        raise Unreadable(f"What came back is of a type that cannot be compared: {line(case.get('type'))}.")


def is_nothing(case: Any, depth: int = 0) -> bool:
    """Whether a case holds no attempt at all: nothing, or a list or dictionary of nothings."""
    if not isinstance(case, dict) or depth > MAX_DEPTH:
        return False
    items = case.get("items")
    if case.get("kind") not in ("list", "dict") or not isinstance(items, list) or not items:
        return case.get("kind") == "nothing"
    if case["kind"] == "dict":
        items = [pair[1] if isinstance(pair, list) and len(pair) == 2 else None for pair in items]
    return all(is_nothing(item, depth + 1) for item in items)


def flatten(case: Any, depth: int = 0) -> tuple[list[int], list]:
    """Shape and values of an array, a number, or a list of such that have one shape."""
    refuse_no_answer(case, depth)
    kind = case.get("kind")
    if kind == "number":
        return [], [_number(case["value"])]
    if kind == "array":
        shape, values = case["shape"], case["values"]
        if not (isinstance(shape, list) and len(shape) <= 64 and all(type(n) is int and n >= 0 for n in shape)):
            raise Unreadable(RUBBISH)
        if not isinstance(values, list) or math.prod(shape) != len(values):
            raise Unreadable(RUBBISH)
        return shape, [_number(value) for value in values]
    if kind != "list":
        raise Unreadable(f"Numbers are expected, {named(case)} came back.")
    parts = [flatten(item, depth + 1) for item in parts_of(case)]
    if any(shape != parts[0][0] for shape, _ in parts):
        raise Unreadable("A list of parts of different shapes came back.")
    return [len(parts), *(parts[0][0] if parts else [])], [value for _, values in parts for value in values]


def _number(value: Any) -> int | float | complex:
    if type(value) is int and value.bit_length() >= 1000:
        raise Unreadable("A number came back that is too large.")
    if isinstance(value, int | float):
        return value
    if value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, list) and len(value) == 2 and not any(isinstance(part, list) for part in value):
        return complex(*(float(_number(part)) for part in value))
    raise Unreadable(RUBBISH)


def parts_of(case: dict) -> list[dict]:
    """The parts of a list or set, or of an array along its first axis."""
    if case.get("kind") in ("list", "set"):
        if not isinstance(case["items"], list):
            raise Unreadable(RUBBISH)
        return case["items"]
    if case.get("kind") != "array" or not case["shape"]:
        raise Unreadable(f"A list is expected, {named(case)} came back.")
    (length, *shape), _ = flatten(case)
    size, values = math.prod(shape), case["values"]
    if length > max(len(values), MAX_EMPTY):
        raise Unreadable(RUBBISH)
    return [
        {"kind": "array", "dtype": case.get("dtype"), "shape": shape, "values": values[k * size : (k + 1) * size]}
        for k in range(length)
    ]


def dtypes(case: dict) -> set[str]:
    """Names of the dtypes in a case that `flatten` has read; a number of Python's own has NumPy's default."""
    if case["kind"] == "list":
        return {name for item in case["items"] for name in dtypes(item)}
    name = case.get("type" if case["kind"] == "number" else "dtype")
    return {{"float": "float64", "int": "int64"}.get(name, name) if isinstance(name, str) else "unknown"}


def named(case: dict) -> str:
    """What a case is, in words."""
    names = {"number": "a number", "text": "text", "list": "a list", "set": "a set", "dict": "a dictionary"}
    kind = case.get("kind")
    if kind == "array":
        return "an array" if case.get("shape") else "a number"
    return names.get(kind, "something else") if isinstance(kind, str) else "something else"


def line(text: Any) -> str:
    """A stranger's text on one line, without control characters."""
    if not isinstance(text, str):
        return "something"
    return "".join(c if c.isprintable() else " " for c in " ".join(text[:300].split()))


def quote(text: str) -> str:
    """Text in quotation marks, its middle left out where it is long."""
    return repr(text if len(text) <= 60 else f"{text[:40]} ... {text[-15:]}")


def count(number: int, noun: str, nouns: str | None = None) -> str:
    """A number with its noun."""
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"
