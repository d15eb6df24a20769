"""Drills: short exercises inside a chapter, checked against a right answer and the ways in which it goes wrong.

Nothing here is a secret, unlike in an assignment, so the right function itself stands here, one module a chapter, and a
wrong value can be traced to the thought behind it.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from coursekit.check import CheckUnavailable, answers

SEED = 20  # of the inputs, the same for everybody


@dataclass(frozen=True)
class Drill:
    """One exercise.

    Attributes
    ----------
    right : callable
        Computes the right answer; its source is what `solution` prints.
    inputs : callable, optional
        From a `numpy.random.Generator` to the arguments of a case. Without it the answer is a value, not a function.
    wrong : tuple of callable
        Each computes what one misunderstanding leads to; the first line of its docstring says which.
    cases : int
        How often to draw inputs.
    hints : tuple of str
        From a nudge to nearly the answer.
    section : str
        Where to read, such as "2.3 Stride and padding".
    compare : dict
        How to compare, as `coursekit.compare.compare` takes it.
    """

    right: Callable
    inputs: Callable[[np.random.Generator], tuple] | None = None
    wrong: tuple[Callable, ...] = ()
    cases: int = 1
    hints: tuple[str, ...] = ()
    section: str = ""
    compare: Mapping[str, Any] = field(default_factory=dict)

    def called(self, function: Any) -> Any:
        """An answer as `check` takes it: a function of the generator, or the value as it came."""
        if self.inputs is None or function is None or function is ...:
            return function
        return lambda rng: function(*self.inputs(rng))


def is_drill(id: str) -> bool:
    """Whether a check's name is that of a drill: "c02.uses", where that of a question is "02.q3"."""
    return id.startswith("c")


def find(id: str) -> Drill:
    """A drill by its name.

    Raises
    ------
    CheckUnavailable
        If there is none of that name.
    """
    number, _, name = id.partition(".")
    drills = chapter(number[1:])
    if name not in drills:
        known = ", ".join(f"{number}.{name}" for name in drills) or "none"
        raise CheckUnavailable(
            f"{id} cannot be checked: there is no drill of that name. Chapter {number[1:]}: {known}."
        )
    return drills[name]


def chapter(number: str) -> Mapping[str, Drill]:
    """The drills of a chapter, given as "02": name to drill, in the order in which the chapter asks them."""
    if not re.fullmatch("[0-9]{2}", number):
        raise ValueError(f'number is {number!r}: expected two digits, such as "02".')
    try:
        return import_module(f"coursekit.drills.c{number}").DRILLS
    except ModuleNotFoundError as error:
        if error.name != f"coursekit.drills.c{number}":
            raise
        return {}


@cache
def entry(id: str) -> dict[str, Any]:
    """What the public values of a question would say of this drill."""
    drill = find(id)
    right = _cases(id, drill, drill.right)
    wrong = [{"says": says(function), "cases": _cases(id, drill, function)} for function in drill.wrong]
    return {
        "cases": right,
        "misunderstandings": wrong,
        "hints": list(drill.hints),
        "section": drill.section,
        "compare": dict(drill.compare),
        "solution": inspect.getsource(drill.right),
    }


def says(function: Callable) -> str:
    """The first line of a docstring."""
    return (function.__doc__ or "").strip().splitlines()[0]


def _cases(id: str, drill: Drill, function: Callable) -> list[dict]:
    answer = drill.called(function) if drill.inputs else lambda rng: function()
    return answers(id, answer, drill.cases, SEED)[0]
