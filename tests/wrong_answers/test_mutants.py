"""The checks notice small changes to the solutions: mutants lose points."""

import copy
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from bench import Bench
from mutation import Judge, Mutant, Verdict, mutants, share_killed, summary

from coursekit.check import answers
from coursekit.grading.run import grade_folder
from coursekit.grading.sandbox import SandboxUnavailable, find_bwrap
from coursekit.grading.source import Cell

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb"))
SAMPLE, THROUGH_THE_GRADER = 100, 50

try:
    find_bwrap()
    SANDBOX = True
except SandboxUnavailable:
    SANDBOX = False

each_assignment = pytest.mark.parametrize("name", ASSIGNMENTS)


@cache
def judge(name: str) -> Judge:
    return Judge(Bench(name))


def sample(name: str, size: int) -> list[Mutant]:
    """So many mutants of an assignment, the same ones each time."""
    everyone = judge(name).all()
    chosen = np.random.default_rng(10).permutation(len(everyone))[:size]
    return [everyone[k] for k in sorted(chosen)]


@pytest.mark.slow
@each_assignment
def test_mutants_lose_points(name):
    verdicts = [judge(name).judge(mutant) for mutant in sample(name, SAMPLE)]
    survivors = [f"{v.mutant.grade_id}, {v.mutant.what}" for v in verdicts if v.outcome == "survived"]
    assert share_killed(verdicts) >= 0.98, survivors
    assert sum(verdict.outcome == "same" for verdict in verdicts) < 0.1 * len(verdicts)


@pytest.mark.slow
@pytest.mark.skipif(not SANDBOX, reason="needs bubblewrap: mutants can do anything")
@each_assignment
def test_the_grader_says_the_same(name, tmp_path):
    source, chosen = judge(name).bench.source, sample(name, THROUGH_THE_GRADER)
    for number, mutant in enumerate(chosen):
        notebook = copy.deepcopy(source.notebook)
        answer = next(cell for cell in source.cells if cell.grade_id == mutant.grade_id)
        notebook.cells[answer.index].source = mutant.source
        folder = tmp_path / "handed in" / f"mutant-{number:02}"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    (tmp_path / "solutions").mkdir()
    shutil.copy(source.path, tmp_path / "solutions")
    graded = grade_folder(tmp_path / "handed in", name, tmp_path / "out", root=tmp_path, seed=1, timeout=20)
    full = {line.student: line.grade.points == source.checked_points for line in graded.lines}
    for number, mutant in enumerate(chosen):
        same = judge(name).judge(mutant).outcome != "killed"
        assert full[f"mutant-{number:02}"] == same, f"{mutant.grade_id}, {mutant.what}"


# the engine itself, on an answer of our own

ANSWER = '''def climb(heights, step=1):
    """Sum of rises."""
    ### BEGIN SOLUTION
    total = 0
    for low, high in zip(heights[:-1], heights[step:]):
        if high > low:
            total += high - low
    return total
    ### END SOLUTION'''


ANSWER_CELL = Cell(0, "answer", "code", ANSWER, "climb", "climb")


@pytest.fixture
def answer():
    return ANSWER_CELL


def test_each_mutant_is_another_program_and_parses(answer):
    found = list(mutants(answer))
    sources = {mutant.source for mutant in found}
    assert len(sources) == len(found) >= 15
    for mutant in found:
        compile(mutant.source, "mutant", "exec")
        assert "def climb(heights, step=1):" in mutant.source, "the stub's own line was changed"
    said = " ".join(mutant.what for mutant in found)
    for what in ("Gt -> GtE", "Sub -> Add", "augmented assignment -> =", "slice without lower", "0 -> 1", "dropped"):
        assert what in said


def test_a_check_that_is_too_kind_lets_mutants_live(answer):
    strict, kind = (Judge(_ABench(how)) for how in ({}, {"rtol": 0.5}))
    verdicts, kinder = ([Verdict(m, judge.outcome(m)) for m in mutants(answer)] for judge in (strict, kind))
    assert share_killed(verdicts) == 1 > share_killed(kinder)
    outcomes = {verdict.mutant.what.partition(": ")[2]: verdict.outcome for verdict in verdicts}
    assert outcomes["Gt -> GtE"] == "same"  # a rise of 0 adds nothing
    assert outcomes["augmented assignment -> ="] == "killed"
    assert "survived" in {verdict.outcome for verdict in kinder}
    assert set(summary(verdicts)) == {"climb"}


def test_a_mutant_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr("mutation.SECONDS", 1)
    judge = Judge(_ABench({}))
    assert judge.judge(Mutant("climb", "", "def climb(h):\n    while True: pass", 1)).outcome == "killed"
    assert judge.judge(Mutant("climb", "", "def climb(h):\n    import os; os._exit(0)", 1)).outcome == "killed"


class _ABench:
    """A bench of one question, whose check compares like this."""

    def __init__(self, how):
        cell = SimpleNamespace(checks=[SimpleNamespace(id="99.q1")], role="check")
        self.source = SimpleNamespace(cells=[cell, ANSWER_CELL], answers_of=lambda cell: [ANSWER_CELL])
        self.names, self.how = {}, {"99.q1": how}
        exec(ANSWER, self.names)

    def sent(self, seed, *, only=None, **replaced):
        climb = (self.names | replaced)["climb"]
        return {"99.q1": answers("99.q1", lambda rng: climb(rng.integers(0, 9, size=12).tolist()), 3, seed)[0]}
