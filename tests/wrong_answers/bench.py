"""A test bench for the questions of an assignment: its checks, called with other answers in place of the right ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from coursekit.check import answers
from coursekit.compare import compare
from coursekit.grading.source import read_source

ROOT = Path(__file__).parents[2]


class Bench:
    """The cells of a source notebook, executed here with its solutions; checks are kept, to be called later."""

    def __init__(self, name: str):
        self.source = read_source(ROOT / "solutions" / f"{name}.ipynb")
        self.how = {check.id: check.how for check in self.source.checks}
        self.calls: dict[str, tuple[Callable | Any, int]] = {}
        self.names: dict[str, Any] = {}
        for cell in self.source.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, cell.grade_id or "cell", "exec"), self.names)
                self.names["check"] = self._keep

    def _keep(self, id, answer, *, cases=1):
        self.calls[id] = (answer, cases)

    def sent(self, seed: int, *, only=None, **replaced) -> dict[str, list[dict]]:
        """What each check (or `only` these) sends, with these names of the notebook bound to something else."""
        before = {name: self.names.get(name) for name in replaced}
        self.names.update(replaced)
        try:
            return {
                id: answers(id, self._current(answer, before, replaced), cases, seed)[0]
                for id, (answer, cases) in self.calls.items()
                if only is None or id in only
            }
        finally:
            self.names.update(before)

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
