"""Read what a student handed in. It is untrusted: it is bounded and checked, and whatever is wrong with it is said."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coursekit.grading.source import Source

MAX_BYTES = 20_000_000  # of a file; pictures in the outputs count, too
MAX_NOTEBOOKS = 50  # of a student that are looked at, the newest
MAX_CELLS = 2000
MAX_SOURCE = 200_000  # characters of one cell
NEWEST_FORMAT = 4  # of the notebook formats; older ones are brought up to it
SAVE_AGAIN = "open it in JupyterLab, save it and hand it in again"


@dataclass(frozen=True)
class Cell:
    """All that is read of a student's cell."""

    number: int  # counted from 1, as the student counts
    kind: str  # "code", "markdown" or "raw"
    source: str
    id: str | None = None  # nbformat's
    grade_id: str | None = None  # nbgrader's


@dataclass(frozen=True)
class Submission:
    """A notebook that can be graded."""

    student: str
    name: str  # of the file
    sha256: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why there is nothing to grade, in a sentence for student and instructor."""

    student: str
    reason: str
    sha256: str = field(default="")


@dataclass(frozen=True)
class Collected:
    """What lies in a student's folder, unread: each notebook's name and content, newest first.

    Those that are named like another assignment come last. In place of a content that cannot be had stands the sentence
    that refuses it; it is the last one then.
    """

    student: str
    files: tuple[tuple[str, bytes | str], ...]
    count: int  # of the notebooks in the folder that are not named like another assignment
    time: float = 0.0  # when the first was written

    @property
    def sha256(self) -> str:
        """That of the first notebook, by which one is known again without reading it."""
        content = self.files[0][1]
        return _sha256(content if isinstance(content, bytes) else content.encode())


class _Refused(Exception):
    """The sentence of a Refusal, on its way up."""


def read(path: Path, source: "Source") -> Submission | Refusal:
    """Read a student's folder, or one notebook.

    Parameters
    ----------
    path : Path
        The folder, called as the student is, with a notebook in it; or the notebook in such a folder.
    source : Source
        The assignment: notebooks that say they are of another one are passed over.

    Returns
    -------
    Submission or Refusal
        Nothing that is in the folder makes this raise.
    """
    collected = collect(path, source.assignment)
    return collected if isinstance(collected, Refusal) else choose(collected, source)


def collect(path: Path, assignment: str) -> Collected | Refusal:
    """Take up what a student's folder holds, as bytes that nobody has looked into.

    Parameters
    ----------
    path : Path
        As for `read`.
    assignment : str
        The name of the assignment, such as `01_convolution_maths`.
    """
    path = Path(os.path.abspath(path))
    folder = path if path.is_dir() else path.parent
    student = student_id(folder.name)

    def gather() -> Collected:
        found = _notebooks(folder) if folder == path else [path]
        found.sort(key=lambda path: _of_another(path.name, assignment))
        count = sum(not _of_another(path.name, assignment) for path in found) or len(found)
        return Collected(student, tuple(_contents(found[:MAX_NOTEBOOKS], folder)), count, found[0].lstat().st_mtime)

    return _or_refusal(student, gather)


def choose(collected: Collected, source: "Source") -> Submission | Refusal:
    """Read the newest notebook that is not of another assignment. Nothing that is in it makes this raise."""
    return _or_refusal(collected.student, lambda: _read_one(collected, source))


def student_id(name: str) -> str:
    """Name a student as the folder is called, in one line; what had to be changed gets a mark that is its alone."""
    shown = printable(name, 100)
    if shown == name and not re.search(r"~[0-9a-f]{12}$", name):
        return name
    return f"{shown}~{_sha256(name.encode('utf-8', 'surrogateescape'))[:12]}"


def printable(text: str, longest: int = 120) -> str:
    """Give a name or sentence as one line that any terminal, table or page can show."""
    text = text.encode("utf-8", "backslashreplace").decode()
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _notebooks(folder: Path) -> list[Path]:
    """List the notebooks of a folder, newest first; what is hidden and what lies in folders below is passed over."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    notebooks = [folder / name for name in names if name.lower().endswith(".ipynb")]
    if notebooks:
        return sorted(notebooks, key=lambda path: path.lstat().st_mtime_ns, reverse=True)
    deeper = [path for path in sorted(folder.glob("*/*.ipynb")) if not path.parent.name.startswith(".")]
    if deeper:
        where = printable(str(deeper[0].relative_to(folder)))
        raise _Refused(f"No notebook was handed in: one lies deeper, {where}; move it up into the student's folder.")
    held = f"it holds {printable(', '.join(names[:3]))}" if names else "it is empty"
    raise _Refused(f"No notebook (.ipynb) was handed in: there is none in the folder, {held}.")


def _of_another(name: str, assignment: str) -> bool:
    """Whether a file is named like another assignment, 02_… and not 01_…."""
    number = re.match(r"\d\d_", name)
    return number is not None and not assignment.startswith(number[0])


def _or_refusal(student: str, work: Callable[[], Any]) -> Any:
    """Do it; whatever goes wrong becomes a refusal."""
    try:
        return work()
    except _Refused as refused:
        reason = str(refused)
    except OSError as error:
        reason = f"The notebook cannot be read ({error.strerror or 'input error'}): hand it in again."
    except Exception as error:
        # whatever else a hostile file brings out of the readers: its type is ours to show, its text may be the file's
        reason = f"The notebook cannot be read ({type(error).__name__}): {SAVE_AGAIN}."
    return Refusal(student, reason, _sha256(reason.encode()))


def _contents(found: list[Path], folder: Path) -> Iterator[tuple[str, bytes | str]]:
    """Give names and contents up to the first that is refused: what is older than that one would not count."""
    room = 3 * MAX_BYTES
    for path in found:
        name = printable(path.name)
        try:
            content = _content(path, folder)
        except _Refused as refused:
            yield name, str(refused)
            return
        room -= len(content)
        if room < 0:
            yield name, f"{name} and the newer notebooks are too big together: leave in the folder the one that counts."
            return
        yield name, content


def _read_one(collected: Collected, source: "Source") -> Submission | Refusal:
    other, student, count = "", collected.student, collected.count
    for name, content in collected.files:
        among = f" Of {count} notebooks in the folder the newest was taken, {name}." if count > 1 else ""
        if isinstance(content, str):
            return Refusal(student, f"{content}{among}", _sha256(content.encode()))
        try:
            notebook = _json(content, name)
            belongs = _assignment(notebook)
            if belongs not in (None, source.assignment):
                other = other or f"{name} is of the assignment {printable(belongs)}, not of {source.assignment}."
                continue
            cells = _cells(notebook, name)
        except _Refused as refused:
            return Refusal(student, f"{refused}{among}", _sha256(content))
        return Submission(student, name, _sha256(content), cells, (among.strip(),) if among else ())
    raise _Refused(other)


def _content(path: Path, folder: Path) -> bytes:
    """Read a file that is a plain one, in the student's folder and not too big."""
    name = printable(path.name)
    if not path.exists():
        raise _Refused(f"{name} points to nothing: hand in the notebook itself, not a link.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _Refused(f"{name} is a link that leads out of the folder: hand in the notebook itself.")
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _Refused(f"{name} is not a file: hand in the notebook itself.")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        megabytes = f"{status.st_size / 1e6:,.0f} MB, more than {MAX_BYTES / 1e6:.0f}"
        raise _Refused(f"{name} is too big ({megabytes}): clear its outputs and save it again.")
    return content


def _json(content: bytes, name: str) -> dict[str, Any]:
    if not content.strip():
        raise _Refused(f"{name} is empty: {SAVE_AGAIN}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Refused(f"{name} is not a notebook: it does not hold text. Hand in the .ipynb file itself.") from None
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _Refused(f"{name} is damaged: it is no JSON from {where} on. Hand in a whole copy of it.") from None
    except RecursionError:
        raise _Refused(f"{name} is nested too deeply to be a notebook: {SAVE_AGAIN}.") from None
    except ValueError:
        raise _Refused(f"{name} is damaged: it holds an endless number. Hand in a whole copy of it.") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells", notebook.get("worksheets")), list):
        raise _Refused(f"{name} is not a notebook: it has no cells. Hand in the .ipynb file that JupyterLab saved.")
    return notebook


def _assignment(notebook: dict[str, Any]) -> str | None:
    """Find out which assignment the notebook says that it is of."""
    name = _at(notebook, "metadata", "coursekit", "assignment")
    return name if isinstance(name, str) else None


def _at(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _cells(notebook: dict[str, Any], name: str) -> tuple[Cell, ...]:
    """Check the cells and keep of each what grading needs."""
    version = notebook.get("nbformat", NEWEST_FORMAT if "cells" in notebook else 3)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= NEWEST_FORMAT:
        raise _Refused(f"{name} is in a notebook format that is not known here: save it in format {NEWEST_FORMAT}.")
    cells = notebook.get("cells") if version == NEWEST_FORMAT else _upgraded(notebook, version, name)
    if not isinstance(cells, list) or not cells:
        raise _Refused(f"{name} has no cells: {SAVE_AGAIN}.")
    if len(cells) > MAX_CELLS:
        raise _Refused(f"{name} has {len(cells):,} cells, more than {MAX_CELLS:,}: delete those that are not needed.")
    return tuple(_cell(number, cell, name) for number, cell in enumerate(cells, start=1))


def _upgraded(notebook: dict[str, Any], version: int, name: str) -> Any:
    from nbformat import convert, versions

    try:
        return convert(versions[version].to_notebook_json(notebook), NEWEST_FORMAT).get("cells")
    except Exception:  # the upgrades trip over missing keys, wrong types and deep nesting in many ways
        what = f"{name} is in the old notebook format {version} and cannot be brought up to date"
        raise _Refused(f"{what}: {SAVE_AGAIN}.") from None


def _cell(number: int, cell: Any, name: str) -> Cell:
    kind, source = _at(cell, "cell_type"), _at(cell, "source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(kind, str) or not isinstance(source, str):
        raise _Refused(f"{name} is damaged: cell {number} has no text. Hand in a whole copy of it.")
    if len(source) > MAX_SOURCE:
        raise _Refused(f"Cell {number} of {name} is too long ({len(source):,} characters): take out what is not code.")
    if any("\ud800" <= character <= "\udfff" for character in source):
        raise _Refused(f"Cell {number} of {name} holds characters that are no text: type them again.")
    grade_id, id = _at(cell, "metadata", "nbgrader", "grade_id"), _at(cell, "id")
    return Cell(number, kind, source, _short(id), _short(grade_id))


def _short(text: Any) -> str | None:
    return text if isinstance(text, str) and len(text) <= 100 else None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
