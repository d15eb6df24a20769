"""Words are spelled as dictionaries have them: in pages, code and docstrings, and in every cell of every notebook."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("codespell_lib", reason="needs codespell: python3 course.py setup")

ROOT = Path(__file__).parents[1]
SLIP = "rec" + "ieve"  # in one piece it would be found here


def misspelt(folder):
    """What codespell, with the project's settings, says about a folder."""
    command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml"), "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def write_cells(notebook, folder):
    """Write each cell's source, and the words that the course keeps in its metadata, to a file named after the cell."""
    folder.mkdir(parents=True)
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        metadata = json.dumps(cell["metadata"].get("coursekit", {}), ensure_ascii=False, indent=1)
        (folder / f"{cell['id']}.txt").write_text("".join(cell["source"]) + "\n" + metadata, encoding="utf-8")


def test_pages_and_code():
    assert misspelt(ROOT) == []


def test_notebooks(tmp_path):
    for notebook in ROOT.glob("*/*.ipynb"):
        if notebook.parent.name in ("notebooks", "solutions", "assignments"):
            write_cells(notebook, tmp_path / notebook.parent.name / notebook.stem)
    assert misspelt(tmp_path) == []


def test_a_slip_is_found(tmp_path):
    prose = {"id": "intro", "metadata": {}, "source": ["Fine.\n", f"You will {SLIP} it."]}
    hints = {"id": "q1-check", "metadata": {"coursekit": {"hints": [f"{SLIP.upper()} it"]}}, "source": "check()"}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [prose, hints]}))
    write_cells(tmp_path / "a.ipynb", tmp_path / "a")
    (tmp_path / "code.py").write_text(f'"""To {SLIP}."""\n')
    assert sorted(line.split(":")[0] for line in misspelt(tmp_path)) == [
        "./a/intro.txt",
        "./a/q1-check.txt",
        "./code.py",
    ]
