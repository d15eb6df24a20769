"""A source notebook to begin with: one worked question, which can be checked and released as it is."""

import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from coursekit import catalogue
from coursekit.grading.author import TAG

ALLOW = {"packages": ["numpy"], "modules": ["coursekit.check"]}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}

INTRODUCTION = """\
# Assignment {number}: {title}

What is asked, what to hand in, and how much time it takes.

*Edit this source notebook, then:* `coursekit author check` *and* `coursekit release`."""
SETUP = """\
import numpy as np

from coursekit.check import check, hint, solution"""
QUESTION = """\
## Question 1: a weighted sum

*Easy, 2 points, 5 minutes.* `values` and `weights` are arrays of shape (N,). Multiply them one by one and add up.
Stuck? `hint("{number}.q1")`"""
ANSWER = '''\
def weighted_sum(values: np.ndarray, weights: np.ndarray) -> float:
    """Sum of the products of values (N,) and weights (N,)."""
    ### BEGIN SOLUTION
    return float((values * weights).sum())
    ### END SOLUTION'''
CHECK = """\
check("{number}.q1", lambda rng: weighted_sum(rng.normal(size=4), rng.normal(size=4)), cases=3)
### BEGIN HIDDEN TESTS
check("{number}.q1.hidden", lambda rng: weighted_sum(rng.normal(size=9), rng.normal(size=9)), cases=3)
### END HIDDEN TESTS"""


def new_assignment(name: str, folder: Path) -> Path:
    """Write a source notebook with one worked question.

    Parameters
    ----------
    name : str
        Two digits, _ and words: `07_my_topic`.
    folder : Path
        Where source notebooks are; made if it is not there.

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    ValueError
        If the name is of another form.
    FileExistsError
        If there is such a notebook already; it is left alone.
    """
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", name):
        raise ValueError(f"{name!r} is no name for an assignment: two digits, _ and small letters, as in 07_my_topic")
    path = Path(folder) / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(nbformat.writes(_notebook(name)) + "\n")
    return path


def _notebook(name: str) -> nbformat.NotebookNode:
    number, title = name[:2], name[3:].replace("_", " ")
    chapter, concept = _chapter_and_concept(number)
    cells = [
        new_markdown_cell(INTRODUCTION.format(number=int(number), title=title), id="title"),
        _code("setup", SETUP, locked=True),
        new_markdown_cell(QUESTION.format(number=number), id="q1-text"),
        _code("q1", ANSWER, solution=True),
        _code("q1-check", CHECK.format(number=number), points=2, about=_about(concept)),
    ]
    about = {"assignment": name, "title": f"Assignment {int(number)}: {title}", "chapter": chapter, "allow": ALLOW}
    return new_notebook(cells=cells, metadata={"coursekit": about, "kernelspec": KERNEL})


def _chapter_and_concept(number: str) -> tuple[str, str]:
    """The chapter of that number and its first concept; where there is none, the first that has one."""
    concepts = catalogue.load()
    first = next(iter(concepts.concepts.values()))
    chapter = next((file for file in concepts.chapters if file.startswith(f"{number}_")), first.chapter)
    return chapter, next((concept.id for concept in concepts.taught_in(chapter)), first.id)


def _code(
    id: str,
    source: str,
    *,
    locked: bool = False,
    solution: bool = False,
    points: int | None = None,
    about: dict[str, Any] | None = None,
) -> nbformat.NotebookNode:
    graded = points is not None
    flags = {"grade": graded, "solution": solution, "locked": locked or graded, "task": False}
    metadata: dict[str, Any] = {"nbgrader": {"schema_version": 3, "grade_id": id, **flags}, "tags": [TAG]}
    if graded:
        metadata["nbgrader"]["points"] = points
        metadata["coursekit"] = about
    return new_code_cell(source, id=id, metadata=metadata)


def _about(concept: str) -> dict[str, Any]:
    return {
        "assesses": [concept],
        "compare": {"kind": "numbers", "rtol": 1e-5, "atol": 1e-8},
        "expects": "the sum of the products, for random values and weights",
        "hints": ["Which two numbers belong together?", "values * weights, then add up.", "(values * weights).sum()"],
        "misunderstandings": [
            {"replace": "weighted_sum", "by": "numpy:multiply", "says": "These are the products. Their sum is asked."}
        ],
        "section": "the chapter's section to read again",
    }
