"""A sample class: one student for each way in which a submission goes right or wrong, with the score it deserves.

Instructors try the grader out on it before a term; the tests and the main job grade it for real. It is made from the
source notebook of any assignment.
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.grading import _tricks
from coursekit.grading.release import notebook_text, student_notebook
from coursekit.grading.source import MARKS, Cell, Source, read_source


@dataclass(frozen=True)
class Deserved:
    """What fair grading gives; the points are those of the whole assignment if nothing else is said."""

    points: float
    status: str = "graded"


Change = Callable[[NotebookNode, Source], bytes | None]  # of a notebook with all solutions in it; or the file's content
Score = Callable[[Source], float]

# names of students who can be graded in a few seconds each, hostile ones among them
QUICK = (
    "모두 맞음 all right",
    "half right",
    "untouched",
    "syntax error",
    "endless loop",
    "exits",
    "patches everything",
)
QUICK += ("empty file", "deleted and duplicated")


def write_sample_class(folder: Path, source_path: Path, only: Collection[str] | None = None) -> dict[str, Deserved]:
    """Write the submissions of the sample class.

    Parameters
    ----------
    folder : Path
        Gets a folder for each student; made if it is not there.
    source_path : Path
        The source notebook of an assignment, with its solutions.
    only : collection of str, optional
        Students to write, such as `QUICK`; by default all.

    Returns
    -------
    dict of str to Deserved
        What each student should get, in a sandbox, with any seed.
    """
    source = read_source(source_path)
    deserved = {}
    for student, (change, score, status) in STUDENTS.items():
        if only is not None and student not in only:
            continue
        notebook = student_notebook(source)
        for cell in _answers(notebook, source):
            cell.source = _solved(cell, source)
        content = change(notebook, source)
        path = Path(folder) / student / f"{source.assignment}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(notebook_text(notebook).encode() if content is None else content)
        deserved[student] = Deserved(score(source), status)
    return deserved


def full(source: Source) -> float:
    """All points."""
    return source.checked_points


def zero(source: Source) -> float:
    """No points."""
    return 0


def half(source: Source) -> float:
    """Points of the questions whose answers are in the first half."""
    return _points(source, _questions(source)[: len(_questions(source)) // 2])


def all_but_first(source: Source) -> float:
    """Points of the questions that do not need the first answer cell."""
    return _points(source, _questions(source)[1:])


def _points(source: Source, right: Collection[str]) -> float:
    """Points of the check cells all of whose answers are right."""
    cells = [cell for cell in source.cells if cell.role == "check"]
    return sum(cell.points for cell in cells if all(answer.grade_id in right for answer in source.answers_of(cell)))


def _questions(source: Source) -> list[str]:
    return [cell.grade_id for cell in source.cells if cell.role == "answer"]


def _answers(notebook: NotebookNode, source: Source) -> list[NotebookNode]:
    wanted = _questions(source)
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in wanted]


def _original(cell: NotebookNode, source: Source) -> Cell:
    return next(other for other in source.cells if other.grade_id == cell.metadata.nbgrader.grade_id)


def _solved(cell: NotebookNode, source: Source) -> str:
    """Make an answer cell's source with its solution, without the marks around it."""
    lines = _original(cell, source).source.split("\n")
    return "\n".join(line for line in lines if line.strip() not in MARKS["solution"])


def _unsolved(cell: NotebookNode, source: Source) -> str:
    released = student_notebook(source)
    return next(other.source for other in released.cells if other.id == cell.id)


def _functions(cell: NotebookNode) -> list[str]:
    return re.findall(r"^def (\w+)", cell.source, re.MULTILINE)


def _values(cell: NotebookNode) -> list[str]:
    return sorted(set(re.findall(r"^(\w+) *(?::[^=\n]*)?=(?!=)", cell.source, re.MULTILINE)))


def _leave(notebook: NotebookNode, source: Source) -> None:
    """All solutions, as they are."""


def _in_float32(notebook: NotebookNode, source: Source) -> None:
    """Compute right, and round to single precision."""
    for cell in _answers(notebook, source):
        for name in _functions(cell):
            cell.source += _tricks.FLOAT32.replace("NAME", name)


def _by_helpers(notebook: NotebookNode, source: Source) -> None:
    """Do the work in a cell of one's own above each answer."""
    for cell in _answers(notebook, source):
        place = notebook.cells.index(cell)
        notebook.cells.insert(place, nbformat.v4.new_code_cell(cell.source))
        calls = [_tricks.HELPED.replace("NAME", name) for name in _functions(cell)]
        cell.source = "\n\n".join(calls + [f"{name} = {name}" for name in _values(cell)])


def _half(notebook: NotebookNode, source: Source) -> None:
    cells = _answers(notebook, source)
    for cell in cells[len(cells) // 2 :]:
        cell.source = _unsolved(cell, source)


def _untouched(notebook: NotebookNode, source: Source) -> None:
    for cell in _answers(notebook, source):
        cell.source = _unsolved(cell, source)


def _first(text: str, *, keep: bool = True) -> Change:
    """Put a text above, or in place of, the first answer."""

    def change(notebook: NotebookNode, source: Source) -> None:
        cell = _answers(notebook, source)[0]
        cell.source = f"{text}\n\n{cell.source}" if keep else text

    return change


def _everywhere(text: str, value: str) -> Change:
    """Put a text above the first answer; all functions call, and all values are, what it defines under that name."""

    def change(notebook: NotebookNode, source: Source) -> None:
        cells = _answers(notebook, source)
        for cell in cells:
            functions, values = _functions(cell), _values(cell)
            lines = [f"def {name}(*given, **named):\n    return {value}" for name in functions]
            cell.source = "\n\n".join(lines + [f"{name} = {value}" for name in values])
        cells[0].source = f"{text}\n\n{cells[0].source}"

    return change


def _blanked(notebook: NotebookNode, source: Source) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "nbval-skip", "raises-exception"]
    for cell in _answers(notebook, source):
        cell.source = _unsolved(cell, source)
    _first(_tricks.BLANK)(notebook, source)


def _forged(notebook: NotebookNode, source: Source) -> None:
    """Send well-formed answers under every id, from the answer cells and in place of the checks'."""
    sent = [(check.id, check.cases) for check in source.checks]
    _everywhere(_tricks.FORGE.replace("SENT", repr(sent)), "0")(notebook, source)


def _deleted_and_duplicated(notebook: NotebookNode, source: Source) -> None:
    """Lose the first answer; leave the others behind a copy of their stub."""
    first, *others = _answers(notebook, source)
    for cell in others:
        copy = nbformat.v4.new_code_cell(_unsolved(cell, source), metadata=cell.metadata)
        notebook.cells.insert(notebook.cells.index(cell), copy)
    notebook.cells.remove(first)


def _without_marks(notebook: NotebookNode, source: Source) -> None:
    for number, cell in enumerate(notebook.cells):
        cell.metadata.clear()
        cell.id = f"another-{number}"


def _in_old_format(notebook: NotebookNode, source: Source) -> bytes:
    return json.dumps(nbformat.convert(notebook, 3)).encode()


def _file(content: bytes) -> Change:
    return lambda notebook, source: content


def _cut_off(notebook: NotebookNode, source: Source) -> bytes:
    text = notebook_text(notebook).encode()
    return text[: len(text) // 2]


# student -> what is done to a notebook that is all right, what it then deserves, and how it is graded
STUDENTS: dict[str, tuple[Change, Score, str]] = {
    "모두 맞음 all right": (_leave, full, "graded"),
    "right in float32": (_in_float32, full, "graded"),
    "right by helper cells": (_by_helpers, full, "graded"),
    "right and talkative": (_first(_tricks.TALK), full, "graded"),
    "right without marks": (_without_marks, full, "graded"),
    "right in an old format": (_in_old_format, full, "graded"),
    "half right": (_half, half, "graded"),
    "untouched": (_untouched, zero, "graded"),
    "syntax error": (_first("def (:"), all_but_first, "graded"),
    "endless loop": (_first("while True:\n    pass"), all_but_first, "partial"),
    "keeps printing": (_first(_tricks.STUBBORN), all_but_first, "partial"),
    "hoards memory": (_first(_tricks.HOARD), all_but_first, "graded"),
    "exits": (_first("import os\n\nos._exit(0)"), all_but_first, "partial"),
    "deleted and duplicated": (_deleted_and_duplicated, all_but_first, "graded"),
    "patches everything": (_everywhere(_tricks.PATCH, "same"), zero, "graded"),
    "forges messages": (_forged, zero, "graded"),
    "blanks later cells": (_blanked, zero, "graded"),
    "searches for answers": (_everywhere(_tricks.SEARCH, "found"), zero, "graded"),
    "empty file": (_file(b""), zero, "refused"),
    "broken file": (_cut_off, zero, "refused"),
    "a picture": (_file(b"\x89PNG\r\n\x1a\n\xff\xd8"), zero, "refused"),
}
