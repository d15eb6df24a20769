"""`coursekit check` and `coursekit progress`, and the same notebook under plain nbval."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from coursekit import selfcheck
from coursekit.practice import progress as kept
from coursekit.selfcheck import Row, SelfCheckError, check_command, progress_command, run, table

CELLS = [
    "import numpy as np\nfrom coursekit.check import check, hint, solution",
    "def sums(x):\n    print('summing', end='')\n    return x.cumsum(axis=1)",
    'check("91.sums", lambda rng: sums(rng.normal(size=(4, 3))), cases=5)\ncheck("91.name", "ReLU")',
    "size = None",
    'check("91.size", size)\ncheck("91.size.hidden", size)',
]


def write(folder, cells):
    path = folder / "91_small.ipynb"
    notebook = new_notebook(cells=[new_markdown_cell("# Small"), *map(new_code_cell, cells)])
    for cell in notebook.cells[1:]:
        cell.metadata.tags = ["nbval-ignore-output"]
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def beside(tmp_path, public, monkeypatch):
    """A folder with the public values, for kernels that start there."""
    (tmp_path / "91_small.public.json").write_text(json.dumps(public), encoding="utf-8")
    for name in [name for name in os.environ if name.startswith("COURSEKIT_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.slow
def test_every_check_gets_a_row_and_progress_is_kept(beside):
    ended = CliRunner().invoke(check_command, [str(write(beside, CELLS))])
    assert ended.exit_code == 1
    sums, name, size, total = ended.output.splitlines()
    assert sums.startswith(
        "91.sums  not yet               0 of 6     case 1 of 5. Shapes agree, (4, 3). First difference"
    )
    assert sums.endswith('is the axis right? hint("91.sums") helps.')
    assert name == "91.name  correct               1 of 1"
    assert size == '91.size  not attempted yet     0 of 2.5   Start from section 1.2, "Sizes".'
    assert total == "1 of 9.5 points in the public checks."

    shown = CliRunner().invoke(progress_command, [str(beside)])
    lines = [line.split() for line in shown.output.splitlines()]
    assert lines[0] == ["check", "tries", "passed", "when"]
    assert [line[:3] for line in lines[1:3]] == [["91.name", "1", "yes"], ["91.sums", "1", "no"]]
    assert shown.output.endswith("1 of 2 tried checks passed.\n")
    assert sorted(os.listdir(beside)) == [kept.FILE, "91_small.ipynb", "91_small.public.json"]


@pytest.mark.slow
def test_plain_nbval_sees_failing_cells(beside):
    write(beside, [*CELLS[:3], "print('goes on')", *CELLS[3:]])
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-q", "."],
        cwd=beside,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout
    assert "2 failed, 4 passed" in ended.stdout
    assert "CheckFailed: 91.sums not yet" in ended.stdout
    assert "CheckFailed: 91.size not attempted yet" in ended.stdout


@pytest.mark.slow
def test_what_stopped_a_check_is_named(beside):
    endless = "while True:\n    pass"
    rows = run(write(beside, [CELLS[0], endless, "broken(", f"unknown\n{CELLS[2]}", *CELLS[3:]]), timeout=2)
    assert rows == [
        Row("91.sums", "did not run", 0, 6, "code cell 4 stopped: NameError: name 'unknown' is not defined"),
        Row("91.name", "did not run", 0, 1, "code cell 4 stopped: NameError: name 'unknown' is not defined"),
        Row("91.size", "not attempted yet", 0, 2.5, 'Start from section 1.2, "Sizes".'),
    ]


@pytest.mark.slow
def test_a_check_that_never_ends_or_ends_the_kernel(beside):
    endless = 'def turn(rng):\n    while True:\n        pass\ncheck("91.name", turn)'
    rows = run(
        write(beside, [f"import os\n{CELLS[0]}", endless, 'check("91.size", lambda rng: os._exit(1))']), timeout=2
    )
    assert [(row.id, row.outcome) for row in rows] == [("91.name", "did not run"), ("91.size", "did not run")]
    assert rows[0].advice == "code cell 2 stopped: Timeout of 2 seconds exceeded executing cell"
    assert rows[1].advice.startswith("code cell 3 stopped: Timeout of 2 seconds exceeded")


def test_what_a_cell_printed_becomes_rows(public):
    cells = [
        {
            "where": "code cell 1",
            "calls": ["91.sums"],
            "printed": "91.name  said\n91.sums  correct, 5 of 5 cases.\n",
            "error": "",
        },
        {"where": "code cell 2", "calls": [], "printed": "", "error": "NameError: name 'x' is not defined"},
    ]
    rows = list(selfcheck._rows({id: public["checks"][id] for id in ("91.sums", "91.name")}, cells))
    assert rows == [
        Row("91.sums", "correct", 6, 6, ""),
        Row("91.name", "did not run", 0, 1, "code cell 2 stopped: NameError: name 'x' is not defined"),
    ]
    assert table(rows).endswith("\n6 of 7 points in the public checks.")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["x = 1"], "holds no checks"),
        (['check("91.q7", 5)'], "no check of that name"),
        (['check("92.q7", 5)'], r"92_\*\.public\.json is not found"),
    ],
)
def test_what_cannot_be_checked_is_said(beside, cells, message):
    with pytest.raises(SelfCheckError, match=message):
        run(write(beside, cells))


def test_files_that_are_no_notebooks(beside):
    (beside / "text.ipynb").write_text("no")
    for name, message in (("text.ipynb", "no notebook that can be read"), ("none.ipynb", "there is no notebook none")):
        ended = CliRunner().invoke(check_command, [str(beside / name)])
        assert (ended.exit_code, ended.output.startswith("Error: ")) == (1, True)
        assert message in ended.output


def test_progress_of_an_untouched_and_of_a_damaged_folder(tmp_path):
    shown = CliRunner().invoke(progress_command, [str(tmp_path)])
    assert shown.output == "Nothing tried yet in this folder: run a check in a notebook.\n"
    (tmp_path / kept.FILE).write_text("{")
    shown = CliRunner().invoke(progress_command, [str(tmp_path)])
    assert shown.exit_code == 1
    assert "is damaged: delete it to start a new one." in shown.output
