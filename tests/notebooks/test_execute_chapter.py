"""The command that executes chapters stores what the hygiene rules want, and spoils nothing where a cell fails."""

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook

from coursekit.cli import cli

pytestmark = pytest.mark.slow


def written(path, *sources):
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cells = [new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_outputs_are_stored_in_one_piece(tmp_path):
    path = written(tmp_path / "장.ipynb", "for k in range(3):\n    print(k, flush=True)", "1 + 1")
    result = CliRunner().invoke(cli, ["execute", str(path)])
    assert result.exit_code == 0, result.output
    notebook = nbformat.read(path, 4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]
    assert [output.text for output in notebook.cells[0].outputs] == ["0\n1\n2\n"]
    assert notebook.metadata["language_info"] == {"name": "python"}
    assert all("execution" not in cell.metadata for cell in notebook.cells)


def test_a_chapter_that_fails_is_left_as_it_was(tmp_path):
    path = written(tmp_path / "a.ipynb", "print(1)", "1 / 0")
    before = path.read_bytes()
    result = CliRunner().invoke(cli, ["execute", str(path)])
    assert result.exit_code == 1
    assert "is left as it was" in result.output
    assert "ZeroDivisionError" in result.output
    assert path.read_bytes() == before
