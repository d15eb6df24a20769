"""Hostile names of students, and hostile things in their folders in place of a notebook."""

import base64
import os
import zlib
from pathlib import Path

import nbformat

NAMES = (  # of folders, as a learning platform may make them of what students call themselves
    *("-rf", "--out", "~", "%s%n%x", "{{7*7}}", "{% raw %}", "${HOME}", "$(touch coursekit-redteam-was-here)"),
    *(
        "`id`",
        "; rm -rf .",
        "'; DROP TABLE grades;--",
        'a" onload="x',
        "<script>alert(1)<script>",
        "<img src=x onerror=y>",
    ),
    *(
        "=cmd|' !A0",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "＝cmd",
        "＋1",
        "\t=1",
        "\n=1",
        " =1",
        "'=1",
        "\r\n=1,9,9",
        'x","9","graded',
    ),
    *(
        "\x1b[2J\x1b[31m",
        "\x1b]0;owned\x07",
        "a\nb",
        "a\rb",
        "a\x7fb",
        "\x08\x08\x08",
        "\u202egnp.exe",
        "\u2066x\u2069",
    ),
    *("\u200bkim", "\ufeffkim", "\u3164", "\U000e0041kim", "z\u0336\u0335\u0322" * 20, "\N{PILE OF POO}" * 40),
    *("CON", "aux.txt", "nul", "COM1", "lpt9", "trailing.", "trailing ", "a:b", "a?b", "a*b", "a|b", "a\\b"),
    *("x" * 255, "가" * 85, "x" * 119 + "ab", "x" * 119 + "ac", "Kim", "kim", "kim-00000000", "kim~0123456789ab"),
    *(b"\xff\xfe\xfd", b"\xc3\x28", b"kim\xed\xa0\x80"),
)
TWINS = (  # two that look alike, or that become one if somebody is careless; the first of each is right
    ("twin\x01", "twin\x02"),
    ("twin\N{NO-BREAK SPACE}b", "twin\N{EM SPACE}b"),
    ("twin \N{LATIN SMALL LETTER E WITH ACUTE}", "twin e\N{COMBINING ACUTE ACCENT}"),
    ("twin" + "y" * 120 + "1", "twin" + "y" * 120 + "2"),
    ("twin?", "student-twin_-a7a5c1cd4c8f"),
)


def a_link_to_a_secret(folder: Path, secret: Path) -> None:
    (folder / "98_redteam.ipynb").symlink_to(secret)


def a_link_to_a_neighbours(folder: Path, secret: Path) -> None:
    (folder / "98_redteam.ipynb").symlink_to("../a honest/98_redteam.ipynb")


def a_link_to_itself(folder: Path, secret: Path) -> None:
    (folder / "98_redteam.ipynb").symlink_to("98_redteam.ipynb")


def a_link_to_nothing(folder: Path, secret: Path) -> None:
    (folder / "98_redteam.ipynb").symlink_to("/nowhere")


def a_link_to_endless_zeros(folder: Path, secret: Path) -> None:
    (folder / "98_redteam.ipynb").symlink_to("/dev/zero")


def a_pipe_that_nobody_writes_to(folder: Path, secret: Path) -> None:
    os.mkfifo(folder / "98_redteam.ipynb")


def a_folder_called_notebook(folder: Path, secret: Path) -> None:
    (folder / "98_redteam.ipynb").mkdir()


def a_file_without_content_of_a_terabyte(folder: Path, secret: Path) -> None:
    with (folder / "98_redteam.ipynb").open("wb") as file:
        file.truncate(1 << 40)


def a_name_that_a_terminal_obeys(folder: Path, secret: Path) -> None:
    (folder / "\x1b[2J<script>x\n=1.ipynb").write_bytes(b"{}")


def a_thousand_notebooks(folder: Path, secret: Path) -> None:
    for number in range(1000):
        (folder / f"{number}.ipynb").write_bytes(b'{"cells": []}')


def a_notebook_far_below(folder: Path, secret: Path) -> None:
    deep = folder.joinpath(*["d" * 20] * 30)
    deep.mkdir(parents=True)
    (deep / "98_redteam.ipynb").write_bytes(b"{}")


def an_attachment_that_unpacks_to_a_gigabyte(folder: Path, secret: Path) -> None:
    packed = base64.b64encode(zlib.compress(bytes(1 << 27), 9)).decode()
    cell = nbformat.v4.new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": packed}})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "98_redteam.ipynb")


def an_old_notebook_that_complains(folder: Path, secret: Path) -> None:
    """Upgrading it makes nbformat log what it does not like, in the file's own words."""
    odd = "\\u001b[2J\\u0007<script>alert(1)</script>\\u202e" + "x" * 5000
    cell = f'{{"cell_type": "{odd}", "source": "{odd}"}}'
    text = f'{{"nbformat": 3, "metadata": null, "worksheets": [{{"cells": [{cell}]}}]}}'
    (folder / "98_redteam.ipynb").write_text(text)


FOLDERS = (
    a_link_to_a_secret,
    a_link_to_a_neighbours,
    a_link_to_itself,
    a_link_to_nothing,
    a_link_to_endless_zeros,
    a_pipe_that_nobody_writes_to,
    a_folder_called_notebook,
    a_file_without_content_of_a_terabyte,
    a_name_that_a_terminal_obeys,
    a_thousand_notebooks,
    a_notebook_far_below,
    an_attachment_that_unpacks_to_a_gigabyte,
    an_old_notebook_that_complains,
)


def wants_more_than_is_allowed(notebook: nbformat.NotebookNode) -> None:
    """Say in the notebook's metadata what only the instructor's may say."""
    about = notebook.metadata.coursekit
    about.allow = {"packages": ["torch", "scipy"], "modules": ["coursekit.grading", "coursekit.nn"]}
    notebook.metadata.kernelspec = {"name": "bash", "display_name": "x", "language": "bash"}
    notebook.metadata.points = 1000
    for cell in notebook.cells:
        cell.metadata.tags = ["skip-execution", "nbval-skip", "raises-exception", "nbval-check-output"]
        if cell.metadata.nbgrader.get("grade"):
            cell.metadata.nbgrader.points = 1000
            cell.source = "# NBVAL_SKIP\nprint('correct')"


def brings_checks_of_its_own(notebook: nbformat.NotebookNode) -> None:
    """Add check cells worth a thousand points each, and call answers checks and checks answers."""
    marks = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False, "points": 1000}
    for number in range(20):
        meta = {"nbgrader": marks | {"grade_id": f"mine-{number}", "cell_type": "code"}}
        notebook.cells.append(nbformat.v4.new_code_cell("print('correct')", metadata=meta))
    for cell in notebook.cells[:9]:
        marks = cell.metadata.nbgrader
        marks.grade, marks.solution = marks.solution, marks.grade
        marks.grade_id = marks.grade_id.removesuffix("-check") if marks.solution else f"{marks.grade_id}-check"


def hides_its_deeds_in_helper_cells(notebook: nbformat.NotebookNode) -> None:
    """Put an attack into two hundred cells of its own above the first answer, where helpers come along."""
    place = next(k for k, cell in enumerate(notebook.cells) if cell.metadata.nbgrader.grade_id == "mean_of")
    code = "import coursekit.check\ncoursekit.check.check = check = lambda *given, **named: None\n# NBVAL_SKIP {}"
    cells = [nbformat.v4.new_code_cell(code.format(number)) for number in range(200)]
    notebook.cells[place:place] = cells


def stores_outputs_that_say_it_is_right(notebook: nbformat.NotebookNode) -> None:
    """Keep outputs in the file as a graded run would show them, with scripts in them."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            data = {"text/html": "<script>alert(1)</script>", "application/vnd.coursekit.check+json": {"version": 1}}
            cell.outputs = [
                nbformat.v4.new_output("stream", text="98.q1  correct, 3 of 3 cases\n"),
                nbformat.v4.new_output("display_data", data),
            ]
            cell.execution_count = 1


NOTEBOOKS = (
    wants_more_than_is_allowed,
    brings_checks_of_its_own,
    hides_its_deeds_in_helper_cells,
    stores_outputs_that_say_it_is_right,
)
