"""Comparing what is no array of numbers: text, sets, orders."""

from collections.abc import Mapping
from typing import Any

from coursekit.compare.cases import (
    MAX_DEPTH,
    RUBBISH,
    Unreadable,
    count,
    flatten,
    named,
    parts_of,
    quote,
    refuse_no_answer,
)


def text_differs(expected: dict, got: dict, how: Mapping[str, Any]) -> str:
    """Why a text is wrong, or an empty text."""
    if got.get("kind") != "text":
        raise Unreadable(f"Text is expected, {named(got)} came back.")
    if word(got, how) == word(expected, how):
        return ""
    return f"Yours is {quote(got['value'].strip())}, expected {quote(expected['value'].strip())}."


def set_differs(expected: dict, got: dict, how: Mapping[str, Any]) -> str:
    """Which members are missing or too many, or an empty text."""
    right, yours = members(expected, how), members(got, how)
    missing, extra = [m for m in right if m not in yours], [m for m in yours if m not in right]
    sentences = [
        f"Missing: {_listing(missing)}." if missing else "",
        f"Not expected: {_listing(extra)}." if extra else "",
    ]
    return " ".join(filter(None, sentences))


def order_differs(expected: dict, got: dict, how: Mapping[str, Any]) -> str:
    """Where an order is wrong first, or an empty text."""
    right, yours = ([member(item, how) for item in parts_of(case)] for case in (expected, got))
    if len(right) != len(yours):
        return f"{count(len(yours), 'entry', 'entries')} came back, {len(right)} expected."
    if right == yours:
        return ""
    place = next(k for k, (a, b) in enumerate(zip(right, yours, strict=True)) if a != b)
    again = (
        "The entries are right, their order is not. " if sorted(map(repr, right)) == sorted(map(repr, yours)) else ""
    )
    return f"{again}Place {place + 1}: yours {_plainly(yours[place])}, expected {_plainly(right[place])}."


def members(case: dict, how: Mapping[str, Any]) -> dict:
    """The different members of a set or list, as the keys of a dictionary."""
    return dict.fromkeys(member(item, how) for item in parts_of(case))


def member(case: Any, how: Mapping[str, Any], depth: int = 0) -> tuple:
    """Something that can be looked up: a text without the space around it, a number to nine digits, a list of such."""
    refuse_no_answer(case, depth)
    if case.get("kind") == "text":
        return "text", word(case, how)
    if case.get("kind") in ("list", "set") or (case.get("kind") == "array" and case.get("shape")):
        return "list", *(member(item, how, depth + 1) for item in parts_of(case))
    return "number", rounded(flatten(case)[1][0], 9)


def word(case: dict, how: Mapping[str, Any]) -> str:
    """A text as it is compared."""
    if not isinstance(case["value"], str):
        raise Unreadable(RUBBISH)
    text = case["value"].strip()
    return text.casefold() if how.get("casefold") else text


def rounded(x: Any, digits: int) -> str:
    """A number at so many significant digits, written one way whatever its type."""
    if x == 0:
        return "0"
    return f"{x if isinstance(x, complex) else float(x):.{digits - 1}e}"


def canonical(case: Any, how: Mapping[str, Any], digits: int, depth: int = 0) -> list:
    """A case in one way of writing, with its numbers rounded."""
    refuse_no_answer(case, depth)
    kind = case.get("kind")
    if kind == "text":
        return ["text", word(case, how)]
    if how.get("kind") == "set":
        return ["set", *sorted(map(repr, members(case, how)))]
    if kind == "dict":
        return ["dict", *sorted([str(key), canonical(v, how, digits, depth + 1)] for key, v in case["items"])]
    try:
        shape, values = flatten(case, depth)
    except Unreadable:
        if kind != "list":
            raise
        return ["list", *(canonical(item, how, digits, depth + 1) for item in parts_of(case))]
    return ["numbers", shape, [rounded(value, digits) for value in values]]


def _listing(found: list[tuple]) -> str:
    """The first few members, as a learner would write them."""
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return ", ".join(_plainly(m) for m in found[:5]) + more


def _plainly(found: tuple, depth: int = 0) -> str:
    kind, *values = found
    if kind == "list":
        return f"({', '.join(_plainly(value, depth + 1) for value in values[:8])})" if depth < MAX_DEPTH else "..."
    if kind == "text":
        return quote(values[0])
    return values[0] if "j" in values[0] else f"{float(values[0]):.9g}"
