"""Each assignment through the grader: untouched is 0, solved is all that checks give, half done is its half."""

import copy
import shutil
from pathlib import Path

import nbformat
import pytest

from coursekit.grading.release import student_notebook
from coursekit.grading.run import grade_folder
from coursekit.grading.sandbox import SandboxUnavailable, find_bwrap
from coursekit.grading.source import read_source

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb"))

try:
    find_bwrap()
    SANDBOX = True
except SandboxUnavailable:
    SANDBOX = False


def done(source, questions) -> nbformat.NotebookNode:
    """The student's version with the solutions of some answers in it."""
    notebook = copy.deepcopy(student_notebook(source))
    solved = {cell.id: cell.source for cell in source.cells if cell.grade_id in questions}
    for cell in notebook.cells:
        cell.source = solved.get(cell.id, cell.source)
    return notebook


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_each_check_sends_to_a_section_that_there_is(name):
    headings = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        lines = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
        headings |= {line.removeprefix("## ") for line in lines.splitlines() if line.startswith("## ")}
    lost = {check.id: check.section for check in read_source(ROOT / "solutions" / f"{name}.ipynb").checks}
    assert not {id: section for id, section in lost.items() if section not in headings}


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_untouched_half_and_whole(name, tmp_path):
    source = read_source(ROOT / "solutions" / f"{name}.ipynb")
    if "torch" in source.packages:
        pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
    answers = [cell.grade_id for cell in source.cells if cell.role == "answer"]
    every_second = set(answers[::2])
    submissions = {"untouched": set(), "half": every_second, "whole": set(answers)}
    for student, questions in submissions.items():
        (tmp_path / "in" / student).mkdir(parents=True)
        nbformat.write(done(source, questions), tmp_path / "in" / student / f"{name}.ipynb")
    (tmp_path / "solutions").mkdir()
    shutil.copy(source.path, tmp_path / "solutions")
    summary = grade_folder(tmp_path / "in", name, tmp_path / "out", root=tmp_path, sandboxed=SANDBOX)
    grades = {line.student: line.grade for line in summary.lines}
    assert grades["untouched"].points == 0
    assert {check.outcome for check in grades["untouched"].checks} == {"nothing"}
    assert grades["whole"].points == source.checked_points
    deserved = sum(
        cell.points
        for cell in source.cells
        if cell.role == "check" and every_second.issuperset(answer.grade_id for answer in source.answers_of(cell))
    )
    assert 0 < deserved < source.checked_points
    assert deserved <= grades["half"].points < source.checked_points  # a check of several answers may give a part
