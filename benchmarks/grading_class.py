"""One assignment of three questions and a class that hands it in, written out for each grader in its own form.

Every student gets question 1 right; nine of twenty get question 2 wrong; who has an endless loop has it
in the answer to question 3. So each grader can be held to the same scores: nobody is fast by not grading.
"""

import json
import os
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NAME = "97_timed"
POINTS = 6  # two a question
SETUP = "import numpy as np"


@dataclass(frozen=True)
class Question:
    """A function to write: its head, a right and a wrong body, random arguments, and the answer in other words."""

    name: str
    head: str
    right: str
    wrong: str
    draw: str
    expected: str


QUESTIONS = (
    Question(
        "slide",
        'def slide(image, kernel):\n    """Sums of products over all windows, shape (H - KH + 1, W - KW + 1)."""',
        "windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)\n"
        "return np.einsum('ijkl,kl->ij', windows, kernel)",
        "return image * kernel.sum()",
        "rng.normal(size=(12, 10)), rng.normal(size=(3, 4))",
        "lambda x, k: np.array([[(x[i:i + 3, j:j + 4] * k).sum() for j in range(7)] for i in range(10)])",
    ),
    Question(
        "pool",
        'def pool(image):\n    """The largest of each block of 2 x 2, shape (H/2, W/2)."""',
        "height, width = image.shape\nreturn image.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3))",
        "return image[::2, ::2]",
        "rng.normal(size=(8, 6)),",
        "lambda x: np.maximum(np.maximum(x[::2, ::2], x[1::2, ::2]), np.maximum(x[::2, 1::2], x[1::2, 1::2]))",
    ),
    Question(
        "softmax",
        'def softmax(scores):\n    """Probabilities for each row of scores, shape (N, C)."""',
        "power = np.exp(scores - scores.max(axis=1, keepdims=True))\nreturn power / power.sum(axis=1, keepdims=True)",
        "return np.exp(scores) / np.exp(scores).sum()",
        "rng.normal(size=(5, 4)),",
        "lambda s: np.exp(s) / np.exp(s).sum(axis=1)[:, None]",
    ),
)


def deserved(number: int) -> int:
    """Points of the student of that number: 11 of 20 are all right, the others miss a question."""
    return POINTS if number % 20 < 11 else POINTS - 2


def answers(number: int, *, endless: bool = False) -> list[str]:
    """The code of a student's three answers."""
    bodies = [question.right for question in QUESTIONS]
    if deserved(number) < POINTS:
        bodies[1] = QUESTIONS[1].wrong
    if endless:
        bodies[2] = "while True:\n    pass"
    return [answer(question, body) for question, body in zip(QUESTIONS, bodies, strict=True)]


def answer(question: Question, body: str) -> str:
    return f"{question.head}\n{textwrap.indent(body, '    ')}"


def environment(program: Path) -> dict[str, str]:
    """Variables for a program: those beside it are found, as in an environment that was activated; one thread."""
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def students(count: int) -> dict[str, int]:
    """Names -> numbers."""
    return {f"student{number:04}": number for number in range(count)}


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


def notebook_of(cells: list[nbformat.NotebookNode], **metadata: object) -> nbformat.NotebookNode:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, **metadata})


def marked(id: str, source: str, *, solution: bool = False, points: int = 0, **metadata: object):
    """A code cell with nbgrader's metadata, which ours are an addition to."""
    about = {"schema_version": 3, "grade_id": id, "grade": bool(points), "solution": solution, "task": False}
    about["locked"] = not solution
    if points:
        about["points"] = points
    return new_code_cell(source, id=id, metadata={"nbgrader": about, **metadata})


# --- ours --------------------------------------------------------------------------------------------------------


def write_ours(folder: Path, count: int, *, endless: bool = False) -> None:
    """Write a course with the source notebook, and submissions."""
    given = f"{SETUP}\n\nfrom coursekit.check import check"
    cells = [new_markdown_cell("# Timed", id="title"), marked("setup", given)]
    for question in QUESTIONS:
        right = f"### BEGIN SOLUTION\n{question.right}\n### END SOLUTION"
        compare = {"kind": "numbers", "rtol": 1e-5, "atol": 1e-8}
        about = {"assesses": ["math.conv2d-by-hand"], "compare": compare, "hints": ["a", "b", "c"], "section": "1.1"}
        about |= {"expects": "numbers", "fixed": False, "misunderstandings": []}
        call = f'check("97.{question.name}", lambda rng: {question.name}({question.draw}), cases=3)'
        cells.append(marked(question.name, answer(question, right), solution=True))
        cells.append(marked(f"{question.name}-check", call, points=2, coursekit=about))
    allow = {"packages": ["numpy"], "modules": ["coursekit.check"]}
    about = {"assignment": NAME, "title": "Timed", "chapter": "01_convolution_maths", "allow": allow}
    source = notebook_of(cells, coursekit=about)
    write(source, folder / "solutions" / f"{NAME}.ipynb")
    for student, number in students(count).items():
        fill(source, answers(number, endless=endless))
        write(source, folder / "in" / student / f"{NAME}.ipynb")


def fill(notebook: nbformat.NotebookNode, codes: list[str]) -> None:
    """Put a student's answers in."""
    for question, code in zip(QUESTIONS, codes, strict=True):
        next(cell for cell in notebook.cells if cell.id == question.name).source = code


# --- nbgrader, and plain nbval -----------------------------------------------------------------------------------


def asserts(question: Question) -> str:
    """A test as nbgrader's authors write it: next to the answer, with the right one in it."""
    return (
        f"rng = np.random.default_rng(0)\nexpected = {question.expected}\nfor case in range(3):\n"
        f"    arguments = ({question.draw})\n    assert np.allclose({question.name}(*arguments), expected(*arguments))"
    )


def write_nbgrader(folder: Path, count: int, python: Path, *, timeout: int, endless: bool = False) -> None:
    """Write nbgrader's folders, and have it make its data base."""
    cells = [marked("setup", SETUP)]
    for question in QUESTIONS:
        right = f"### BEGIN SOLUTION\n{question.right}\n### END SOLUTION"
        cells.append(marked(question.name, answer(question, right), solution=True))
        cells.append(marked(f"{question.name}-check", asserts(question), points=2))
    source = notebook_of(cells)
    write(source, folder / "source" / NAME / f"{NAME}.ipynb")
    lines = ["c = get_config()", "c.CourseDirectory.course_id = 'timed'", f"c.ExecutePreprocessor.timeout = {timeout}"]
    (folder / "nbgrader_config.py").write_text("\n".join(lines))
    command = [python, "-m", "nbgrader", "generate_assignment", NAME]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment(python))
    released = nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    for student, number in students(count).items():
        fill(released, answers(number, endless=endless))
        write(released, folder / "submitted" / student / NAME / f"{NAME}.ipynb")


def write_nbval(folder: Path, count: int, *, endless: bool = False) -> None:
    """Write notebooks with answers and tests, for pytest: nothing keeps a student from changing the tests."""
    for student, number in students(count).items():
        cells = [new_code_cell(SETUP)]
        for question, code in zip(QUESTIONS, answers(number, endless=endless), strict=True):
            cells += [new_code_cell(code), new_code_cell(asserts(question))]
        write(notebook_of(cells), folder / f"{student}.ipynb")


# --- otter -------------------------------------------------------------------------------------------------------


def write_otter(folder: Path, count: int, otter: Path) -> None:
    """Write otter's tests, have it pack them, and write notebooks."""
    (folder / "tests").mkdir(parents=True)
    for question in QUESTIONS:
        lines = asserts(question).splitlines()
        prompts = [f"{'...' if line.startswith(' ') else '>>>'} {line}" for line in lines]
        cases = [{"code": "\n".join(prompts), "hidden": True, "locked": False}]
        suite = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": question.name, "points": 2, "suites": [suite]}
        (folder / "tests" / f"{question.name}.py").write_text(f"OK_FORMAT = True\n\ntest = {test!r}\n")
    (folder / "otter_config.json").write_text(json.dumps({"lang": "python"}))
    command = [otter, "generate", "-t", "tests", "-o", "autograder.zip", "-c", "otter_config.json", "--no-environment"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment(otter))
    for student, number in students(count).items():
        cells = [new_code_cell(SETUP), *map(new_code_cell, answers(number))]
        write(notebook_of(cells), folder / "in" / f"{student}.ipynb")
