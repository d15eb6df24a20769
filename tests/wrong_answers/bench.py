"""A test bench for the questions of an assignment: its checks, called with other answers in place of the right ones."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coursekit.check import answers, encode, generator
from coursekit.compare import compare
from coursekit.data import draw_digits
from coursekit.grading.source import read_source

ROOT = Path(__file__).parents[2]


class Bench:
    """The cells of a source notebook, executed here with its solutions; checks are kept, to be called later."""

    def __init__(self, name: str):
        self.source = read_source(ROOT / "solutions" / f"{name}.ipynb")
        self.how = {check.id: check.how for check in self.source.checks}
        self.calls: dict[str, tuple[Callable | Any, int, int]] = {}
        self.names: dict[str, Any] = {}
        for cell in self.source.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, cell.grade_id or "cell", "exec"), self.names)
                self.names["check"] = self._keep

    def _keep(self, id, answer, *, cases=1, images=0):
        self.calls[id] = (answer, cases, images)

    def sent(self, seed: int, *, only=None, **replaced) -> dict[str, list[dict]]:
        """What each check (or `only` these) sends, with these names of the notebook bound to something else.

        Where digits are to be labelled and nothing is replaced, that is their labels, as in grading.
        """
        before = {name: self.names.get(name) for name in replaced}
        self.names.update(replaced)
        try:
            return {
                id: self._answers(id, self._current(answer, before, replaced), cases, images, seed, bool(replaced))
                for id, (answer, cases, images) in self.calls.items()
                if only is None or id in only
            }
        finally:
            self.names.update(before)

    @staticmethod
    def _answers(id, answer, cases, images, seed, replaced) -> list[dict]:
        digits, labels = draw_digits("test", images, generator(seed, id, 0)) if images else (None, None)
        return [encode(labels)] if images and not replaced else answers(id, answer, cases, seed, digits)[0]

    @staticmethod
    def _current(answer, before: dict, replaced: dict):
        """The answer itself; for an entered value, which the check took long ago, what now stands in its place."""
        for name, value in before.items():
            if answer is value:
                return replaced[name]
        return answer

    def outcomes(self, seed: int, **replaced) -> dict[str, str]:
        """The outcome of each check with these names replaced."""
        expected, got = self.sent(seed), self.sent(seed, **replaced)
        return {id: compare(expected[id], got[id], self.how[id]).outcome for id in expected}


def rows(table):
    return [
        pytest.param(name, answer, id=f"{name}-{getattr(answer, '__name__', k)}")
        for name, given in table.items()
        for k, answer in enumerate(given)
    ]


def checks_of(bench, names) -> dict[str, list[str]]:
    """The checks that stand below the answer that makes a name, for each of these names."""
    ids = {}
    for cell in bench.source.cells:
        for answer in bench.source.answers_of(cell) if cell.checks else ():
            ids.setdefault(answer.grade_id, []).extend(check.id for check in cell.checks)
    made = {cell.grade_id: cell.source for cell in bench.source.cells if cell.grade_id in ids}
    found = {
        name: [id for grade_id, source in made.items() if makes(source, name) for id in ids[grade_id]] for name in names
    }
    assert all(found.values())
    return found


def makes(source, name):
    """Whether a cell makes a name, at the beginning of a line."""
    return any(line.startswith((f"{name} = ", f"def {name}(")) for line in source.splitlines())


def outcomes(bench, asking, seed, name, answer):
    """The outcome of each check of a question, with this answer to it."""
    expected = bench.sent(seed, only=asking[name])
    got = bench.sent(seed, only=asking[name], **{name: answer})
    return {id: compare(expected[id], got[id], bench.how[id]).outcome for id in expected}


def nothing(*given):
    """A stub that nobody has filled."""


def in_float32(function, *, scalars=False):
    """The same function, given and giving float32 where arrays of floats are meant, and with `scalars` floats."""

    def cast(value):
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            return value.astype(np.float32)
        if isinstance(value, dict):
            return {key: cast(item) for key, item in value.items()}
        if isinstance(value, tuple) and any(isinstance(item, np.ndarray) for item in value):
            return tuple(map(cast, value))
        return np.float32(value) if scalars and isinstance(value, float) else value

    return lambda *given: cast(function(*map(cast, given)))


def named(idea):
    """The function or constant that a misunderstanding names."""
    module, _, name = idea.by.partition(":")
    return getattr(importlib.import_module(module), name)


def misunderstandings(bench, given, names=None):
    """Each with its check cell, and its answer: an entered one is what the function makes of the question's numbers.

    `given` names the numbers of each entered answer; `names` are those of a variant, by default the notebook's own.
    """
    names = bench.names if names is None else names
    for cell in bench.source.cells:
        for idea in cell.checks[0].misunderstandings if cell.checks else ():
            answer = named(idea)
            if idea.replace in given:
                answer = answer(*(names[number] for number in given[idea.replace]))
            yield cell, idea, answer
