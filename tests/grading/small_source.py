"""A small valid source notebook for tests: a function, an entered number, and a hidden check in a cell of its own."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NAME = "99_small"
POINTS = 9  # in all
CHECKS = ("99.q1", "99.q1.hidden", "99.q2", "99.q3", "99.q3.hidden")

SLIDE = '''def slide(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Sums of products, shape (H - KH + 1, W - KW + 1), for an image (H, W) and a kernel (KH, KW)."""
    ### BEGIN SOLUTION
    height, width = kernel.shape
    rows, columns = image.shape[0] - height + 1, image.shape[1] - width + 1
    out = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = (image[i : i + height, j : j + width] * kernel).sum()
    return out
    ### END SOLUTION'''

SLIDE_CHECK = """check("99.q1", lambda rng: slide(rng.normal(size=(4, 5)), rng.normal(size=(2, 3))), cases=3)
### BEGIN HIDDEN TESTS
check("99.q1.hidden", lambda rng: slide(rng.normal(size=(7, 3)), rng.normal(size=(3, 1))), cases=2)
### END HIDDEN TESTS"""

SIZE = """size = None
### BEGIN SOLUTION
size = 28 - 5 + 1
### END SOLUTION"""

COUNT = '''def places(size: int, kernel: int) -> int:
    """How many places a kernel has along an axis of this size."""
    ### BEGIN SOLUTION
    return size - kernel + 1
    ### END SOLUTION'''

COUNT_CHECK = 'check("99.q3", lambda rng: places(int(rng.integers(20, 99)), int(rng.integers(1, 9))), cases=4)'

COUNT_HIDDEN = """### BEGIN HIDDEN TESTS
check("99.q3.hidden", lambda rng: [places(int(n), 3) for n in rng.integers(3, 99, size=5)])
### END HIDDEN TESTS"""


def small_source() -> nbformat.NotebookNode:
    """Make the notebook anew, so that a test may spoil its own."""
    cells = [
        _text("title", "# A small assignment"),
        _code("setup", "import numpy as np\n\nfrom coursekit.check import check, hint, solution", locked=True),
        _text("q1-text", "## Question 1\nWrite `slide`."),
        _code("q1", SLIDE, solution=True),
        _code("q1-check", SLIDE_CHECK, points=4, coursekit=_about("window_sums", "turned_kernel", "slide")),
        _text("q2-text", "## Question 2\nHow wide is the map of a 5 x 5 kernel on 28 x 28 pixels?"),
        _code("q2", SIZE, solution=True),
        _code("q2-check", 'check("99.q2", size)', points=1, coursekit=_fixed()),
        _text("q3-text", "## Question 3\nWrite `places`."),
        _code("q3", COUNT, solution=True),
        _code("q3-check", COUNT_CHECK, points=2, coursekit=_about("places", "steps", "places")),
        _code("q3-hidden", COUNT_HIDDEN, points=2, coursekit=_about("places", "steps", "places")),
    ]
    allow = {"packages": ["numpy"], "modules": ["coursekit.check"]}
    about = {"assignment": NAME, "title": "A small assignment", "chapter": "01_convolution_maths", "allow": allow}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=cells, metadata={"coursekit": about, "kernelspec": kernel})
    nbformat.validate(notebook)
    return notebook


def write_small_source(folder: Path) -> Path:
    """Write it to ``folder/solutions/99_small.ipynb``."""
    path = Path(folder) / "solutions" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(small_source()) + "\n", encoding="utf-8")
    return path


def _text(id: str, source: str) -> nbformat.NotebookNode:
    return new_markdown_cell(source, id=id)


def _code(id: str, source: str, *, solution=False, locked=False, points=None, coursekit=None) -> nbformat.NotebookNode:
    graded = points is not None
    nbgrader = {
        "schema_version": 3,
        "grade_id": id,
        "grade": graded,
        "solution": solution,
        "locked": locked or graded,
        "task": False,
    }
    metadata = {"nbgrader": nbgrader, "tags": ["nbval-ignore-output"]}
    if graded:
        nbgrader["points"] = points
        metadata["coursekit"] = coursekit
    return new_code_cell(source, id=id, metadata=metadata)


def _about(right: str, wrong: str, replace: str) -> dict:
    return {
        "assesses": ["math.conv2d-by-hand"] if right == "window_sums" else ["math.output-size"],
        "compare": {"kind": "numbers", "rtol": 1e-5, "atol": 1e-8},
        "misunderstandings": [
            {
                "replace": replace,
                "by": f"coursekit.misconceptions.maths:{wrong}",
                "says": f"This is what {wrong} gives.",
            }
        ],
        "hints": ["Think.", "Think of the window.", "Write what the docstring says."],
        "section": "1.1 A kernel slides",
        "fixed": False,
        "expects": f"what {right} gives on random inputs",
    }


def _fixed() -> dict:
    return {
        "assesses": ["math.output-size"],
        "compare": {"kind": "numbers", "digits": 6},
        "misunderstandings": [],
        "hints": ["Draw it.", "Count the places along one axis.", "H - K + 1."],
        "section": "1.1 A kernel slides",
        "fixed": True,
        "expects": "the width of the map",
    }
