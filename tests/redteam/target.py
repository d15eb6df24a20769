"""A small course to attack: one assignment with a check of each kind, and the notebooks that students make of it."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from coursekit.grading.release import student_notebook
from coursekit.grading.source import MARKS, read_source

NAME = "98_redteam"
POINTS = 9

MEAN = '''def mean_of(image: np.ndarray) -> np.ndarray:
    """Means of an image's columns."""
    ### BEGIN SOLUTION
    return image.mean(axis=0)
    ### END SOLUTION'''

SIZE = """size = None
### BEGIN SOLUTION
size = 28 - 5 + 1
### END SOLUTION"""

RANKS = '''def ranks(values: np.ndarray) -> list:
    """Numbers of the values, the largest first."""
    ### BEGIN SOLUTION
    return [int(place) for place in np.argsort(-values)]
    ### END SOLUTION'''

PIECES = '''def pieces(length: int) -> list:
    """A name, then pieces of length 1, 2 and 3."""
    ### BEGIN SOLUTION
    return [f"pieces of {length}", *(list(range(length, length + count)) for count in (1, 2, 3))]
    ### END SOLUTION'''

MEAN_CHECK = """check("98.q1", lambda rng: mean_of(rng.normal(size=(4, 5))), cases=3)
### BEGIN HIDDEN TESTS
check("98.q1.hidden", lambda rng: mean_of(rng.normal(size=(7, 3))), cases=2)
### END HIDDEN TESTS"""

QUESTIONS = (  # name, answer, check cell, points, how it is compared
    ("mean_of", MEAN, MEAN_CHECK, 4, {"kind": "numbers", "rtol": 1e-5}),
    ("size", SIZE, 'check("98.q2", size)', 1, {"kind": "numbers", "digits": 6}),
    ("ranks", RANKS, 'check("98.q3", lambda rng: ranks(rng.normal(size=6)), cases=4)', 2, {"kind": "order"}),
    ("pieces", PIECES, 'check("98.q4", lambda rng: pieces(int(rng.integers(5, 99))), cases=3)', 2, {}),
)
CHECKS = {"98.q1": 3, "98.q1.hidden": 2, "98.q2": 1, "98.q3": 4, "98.q4": 3}  # id -> cases


def write_course(root: Path) -> Path:
    """Write the source notebook to ``root/solutions``."""
    setup = "import numpy as np\n\nfrom coursekit.check import check, hint, solution"
    cells = [_cell("setup", setup, locked=True)]
    for name, answer, check, points, how in QUESTIONS:
        cells.append(_cell(name, answer, solution=True))
        cells.append(_cell(f"{name}-check", check, points=points, about=_about(how, fixed=name == "size")))
    allow = {"packages": ["numpy"], "modules": ["coursekit.check"]}
    about = {"assignment": NAME, "title": "To be attacked", "chapter": "01_convolution_maths", "allow": allow}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=cells, metadata={"coursekit": about, "kernelspec": kernel})
    path = Path(root) / "solutions" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return path


def handed_out(source_path: Path) -> nbformat.NotebookNode:
    """Make the students' notebook."""
    return student_notebook(read_source(source_path))


def solved(name: str) -> str:
    """Give the solution of a question, without the marks around it."""
    answer = next(answer for question, answer, *_ in QUESTIONS if question == name)
    return "\n".join(line for line in answer.split("\n") if line.strip() not in MARKS["solution"])


def fill_in(notebook: nbformat.NotebookNode, answers: dict[str, str]) -> nbformat.NotebookNode:
    """Put texts into the answer cells of the questions that are named."""
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    return notebook


def all_right(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Answer everything as the solutions do."""
    return fill_in(notebook, {name: solved(name) for name, *_ in QUESTIONS})


def _cell(id: str, source: str, *, solution=False, locked=False, points=None, about=None) -> nbformat.NotebookNode:
    graded = points is not None
    marks = {"schema_version": 3, "grade_id": id, "grade": graded, "solution": solution, "task": False}
    metadata = {"nbgrader": marks | {"locked": locked or graded}, "tags": ["nbval-ignore-output"]}
    if graded:
        metadata["nbgrader"]["points"] = points
        metadata["coursekit"] = about
    return new_code_cell(source, id=id, metadata=metadata)


def _about(how: dict, *, fixed: bool) -> dict:
    return {
        "assesses": ["math.output-size"],
        "compare": how,
        "misunderstandings": [],
        "hints": ["Think.", "Think again.", "Write what the docstring says."],
        "section": "1.1 A kernel slides",
        "fixed": fixed,
        "expects": "what the solution gives on random inputs",
    }
