"""Self-checks from outside the notebook: run its public checks and print a table; show the progress kept.

The notebook runs under pytest with nbval in a process of its own, in a kernel of this Python. Wrong answers do not end
it there: every check is tried, and what it printed is the row of the table.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

CELL_TIMEOUT = 120  # seconds
_LINE = re.compile(r"(?<!\d)(?<!\bc)(\d\d\.[\w.-]+)  (correct|not yet|not attempted yet)\b(.*)")

_CALL = re.compile(r"""^check\(\s*["'](\d\d\.[\w.-]+)["']""", re.MULTILINE)


class SelfCheckError(Exception):
    """What keeps a notebook from being checked, in a sentence for the learner."""


@dataclass(frozen=True)
class Row:
    """How one check came out."""

    id: str
    outcome: str  # "correct", "not yet", "not attempted yet" or "did not run"
    points: float  # reached
    max_points: float
    advice: str  # what to do; empty if it is correct


def run(notebook: Path, *, timeout: float = CELL_TIMEOUT) -> list[Row]:
    """Run a notebook's public checks.

    Parameters
    ----------
    notebook : Path
        The learner's copy, with the public values where `coursekit.check` looks for them.
    timeout : float
        Seconds for each cell.

    Returns
    -------
    list of Row
        One for each check that the public values know, in the order of the notebook.

    Raises
    ------
    SelfCheckError
        If there is no such notebook, it holds no checks, or there are no public values.
    """
    notebook = notebook.resolve()
    entries = _entries(notebook)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "cells.json")
        child = subprocess.run(
            [sys.executable, "-m", "coursekit.selfcheck", str(notebook), str(report), str(timeout)],
            env=environment | {"COURSEKIT_CHECK": "display", "COURSEKIT_CHECK_MODE": ""},
            cwd=notebook.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if not report.exists():
            last = (child.stderr or child.stdout).strip().splitlines()[-1:]
            raise SelfCheckError(f"the notebook could not be run: {last[0] if last else 'no reason was given'}")
        cells = json.loads(report.read_text(encoding="utf-8"))
    return list(_rows(entries, cells))


def table(rows: Sequence[Row]) -> str:
    """The rows as text, with a line for the sum."""
    width = max(len(row.id) for row in rows)
    lines = []
    for row in rows:
        reached, most = f"{round(row.points, 2):4g}", f"{round(row.max_points, 2):<4g}"
        lines.append(f"{row.id:{width}}  {row.outcome:17}  {reached} of {most}  {row.advice}".rstrip())
    reached, total = sum(row.points for row in rows), sum(row.max_points for row in rows)
    return "\n".join([*lines, f"{round(reached, 2):g} of {round(total, 2):g} points in the public checks."])


def progress(folder: Path) -> str:
    """What was tried and passed in a folder, as text.

    Raises
    ------
    SelfCheckError
        If what is kept there cannot be read.
    """
    from coursekit.practice import progress as kept

    try:
        checks = kept.read(folder)
    except kept.NewerFile:
        raise SelfCheckError(
            f"{folder / kept.FILE} was written by a later version of the course: update this one"
        ) from None
    except (OSError, ValueError):
        raise SelfCheckError(f"{folder / kept.FILE} is damaged: delete it to start a new one") from None
    tried = {id: entry for id, entry in sorted(checks.items()) if entry.tries}
    if not tried:
        return "Nothing tried yet in this folder: run a check in a notebook."
    width = max(5, *map(len, tried))
    lines = [f"{'check':{width}}  tries  passed  when"]
    lines += [
        f"{id:{width}}  {entry.tries:5}  {'yes' if entry.passed else 'no':6}  {entry.when[:16].replace('T', ' ')}"
        for id, entry in tried.items()
    ]
    passed = sum(entry.passed for entry in tried.values())
    return "\n".join([*lines, f"{passed} of {len(tried)} tried checks passed."])


def _entries(notebook: Path) -> dict[str, Any]:
    """What the public values say of each check that the notebook calls, but for hidden ones that they do not know."""
    from coursekit.check import CheckUnavailable
    from coursekit.practice import values

    found = {}
    for id in dict.fromkeys(_called(notebook)):
        try:
            found[id] = values.find(id, notebook.parent)[1]
        except CheckUnavailable as error:
            if not id.endswith(".hidden"):
                raise SelfCheckError(str(error).removesuffix(".")) from None
    if not found:
        raise SelfCheckError(f"{notebook.name} holds no checks: name an assignment")
    return found


def _called(notebook: Path) -> Iterator[str]:
    """The ids of the checks in a notebook, in order."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except FileNotFoundError:
        raise SelfCheckError(f"there is no notebook {notebook.name} in {notebook.parent}") from None
    except (OSError, ValueError, LookupError, TypeError):
        raise SelfCheckError(f"{notebook.name} is no notebook that can be read") from None
    for source in sources:
        yield from _CALL.findall(source)


def _rows(entries: Mapping[str, Any], cells: list[dict]) -> Iterator[Row]:
    said = {id: found for cell in cells for id, found in _said(cell["printed"])}
    stopped = [cell for cell in cells if cell["error"]]
    for id, entry in entries.items():
        points = entry.get("points", 0)
        if id not in said:
            cell = next((cell for cell in stopped if id in cell["calls"]), stopped[0] if stopped else None)
            advice = f"{cell['where']} stopped: {cell['error']}" if cell else "Is its cell marked to be skipped?"
            yield Row(id, "did not run", 0, points, advice)
            continue
        outcome, advice = said[id]
        right = outcome == "correct"
        yield Row(id, outcome, points if right else 0, points, advice)


def _said(printed: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """What each check printed: its outcome, and the rest on one line."""
    id, outcome, advice = "", "", []
    for line in [*printed.splitlines(), ""]:
        match = _LINE.search(line)
        if id and not match and line.startswith("     "):
            advice.append(line.strip())
            continue
        if id:  # what a correct answer is told is in the other columns
            shown = {"correct": [], "not attempted yet": advice[:1]}.get(outcome, advice)
            yield id, (outcome, " ".join(filter(None, shown)))
        id, outcome, advice = (match[1], match[2], [match[3].lstrip(".: ")]) if match else ("", "", [])


class _Cells:
    """A pytest plugin that takes down what each cell printed, and the error that ended it."""

    def __init__(self) -> None:
        self.cells: list[dict] = []

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        if call.when != "call":
            return
        outputs = getattr(item, "test_outputs", [])
        printed = "".join(out.get("text", "") for out in outputs if out.get("name") == "stdout")
        errors = [f"{out['ename']}: {out['evalue']}" for out in outputs if out.get("output_type") == "error"]
        raised = str(call.excinfo.value) if call.excinfo else ""
        if raised and (raised.startswith("Timeout") or not errors):  # rather than the KeyboardInterrupt it causes
            errors = [raised]
        self.cells.append(
            {
                "where": f"code cell {item.cell_num + 1}",
                "calls": _CALL.findall(item.cell.source),
                "printed": printed,
                "error": _short(errors[0]) if errors else "",
            }
        )


def _short(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:200]


def _child(notebook: str, report: str, timeout: str) -> None:
    """Run the notebook here and write down what its cells printed."""
    import pytest

    plugin = _Cells()
    settings = Path(report).with_name("pytest.ini")  # empty: not those of whatever project this is
    settings.touch()
    options = ["-c", str(settings), "--rootdir", str(Path(notebook).parent), "-p", "no:cacheprovider", "--noconftest"]
    nbval = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={timeout}"]
    pytest.main([*options, *nbval, notebook], plugins=[plugin])
    Path(report).write_text(json.dumps(plugin.cells), encoding="utf-8")


@click.command("check")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--timeout", default=CELL_TIMEOUT, show_default=True, help="Seconds for each cell.")
def check_command(notebook: Path, timeout: float) -> None:
    """Run the public checks of NOTEBOOK and say what to do next."""
    try:
        rows = run(notebook, timeout=timeout)
    except SelfCheckError as error:
        raise click.ClickException(f"{error}.") from None
    click.echo(table(rows))
    sys.exit(any(row.outcome != "correct" for row in rows))


def _show_overview(root: Path) -> int:
    from coursekit.overview import look, table

    overview = look(root)
    for trouble in overview.troubles:
        click.echo(trouble, err=True)
    click.echo(table(overview))
    return 1 if overview.troubles else 0


@click.command("progress")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
def progress_command(folder: Path | None) -> None:
    """Show how far you are in the course and what comes next; with FOLDER, each check that was tried there."""
    from coursekit.workspace import WorkspaceError, course_root

    try:
        if folder is None:
            sys.exit(_show_overview(course_root()))
        click.echo(progress(folder))
    except WorkspaceError as error:
        raise click.ClickException(f"{error}; or name a folder: coursekit progress FOLDER.") from None
    except SelfCheckError as error:
        raise click.ClickException(f"{error}.") from None


if __name__ == "__main__":
    _child(*sys.argv[1:])
