"""The learner's own copies of the chapters, in the folder `my`: made, compared and restored here.

Nothing in `my` is ever overwritten or deleted. A course that is brought up to date therefore leaves a learner's
work alone, and says which chapters have changed since their copies were made.
"""

import datetime
import hashlib
import json
import os
import tempfile
from pathlib import Path

RECORD = ".coursekit.json"  # in my/: chapter -> sha256 of the original its copy was made from


class WorkspaceError(Exception):
    """What keeps the copies from being made or restored, in a sentence for the learner."""


def course_root() -> Path:
    """Find the folder of the course: the one above the package, as an editable install leaves it.

    Returns
    -------
    Path
        The folder that holds `notebooks`.

    Raises
    ------
    WorkspaceError
        If there are no chapters, as where the package alone was installed.
    """
    root = Path(__file__).resolve().parent.parent
    if not any((root / "notebooks").glob("*.ipynb")):
        raise WorkspaceError(
            f"there are no chapters in {root / 'notebooks'}: the package alone does not hold them; "
            "get the course's repository and start course.py there"
        )
    return root


def chapters(root: Path) -> list[Path]:
    """The course's notebooks, in reading order."""
    return sorted((root / "notebooks").glob("*.ipynb"))


def copy_chapters(root: Path) -> list[str]:
    """Copy into `my` the chapters that are not there yet.

    Parameters
    ----------
    root : Path
        The folder of the course.

    Returns
    -------
    list of str
        Names of the chapters that the course has changed since their copies were made.

    Raises
    ------
    OSError
        If `my` cannot be written to.
    """
    mine = root / "my"
    mine.mkdir(exist_ok=True)
    record = _read_record(mine)
    changed = []
    for chapter in chapters(root):
        content = chapter.read_bytes()
        copy = mine / chapter.name
        if not os.path.lexists(copy):
            _write(copy, content)
            _remember(mine, record, chapter.name, content)
        elif record.get(chapter.name, _sha256(content)) != _sha256(content):
            changed.append(chapter.name)
    return changed


def reset(root: Path, name: str) -> Path | None:
    """Restore the learner's copy of a chapter from the course, and keep the old copy beside it.

    Parameters
    ----------
    root : Path
        The folder of the course.
    name : str
        The chapter, with or without its folder and `.ipynb`.

    Returns
    -------
    Path or None
        Where the old copy is kept; None if there was none.

    Raises
    ------
    WorkspaceError
        If the course has no such chapter.
    OSError
        If `my` cannot be written to.
    """
    chapter = _find(root, name)
    mine = root / "my"
    mine.mkdir(exist_ok=True)
    copy = mine / chapter.name
    content = chapter.read_bytes()
    kept = None
    if os.path.lexists(copy):
        # a second name first: whenever this is cut short, the old work stands under one name at least
        kept = _keep(copy)
    _write(copy, content)
    _remember(mine, _read_record(mine), chapter.name, content)
    return kept


def _find(root: Path, name: str) -> Path:
    wanted = Path(name.replace("\\", "/")).name.removesuffix(".ipynb")
    for chapter in chapters(root):
        if chapter.stem == wanted:
            return chapter
    there = ", ".join(chapter.stem for chapter in chapters(root))
    raise WorkspaceError(f"there is no chapter {name!r}; there are: {there}")


def _keep(copy: Path) -> Path:
    """Save the copy under a name with the time, one that nothing has yet."""
    stamp = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    number = 1
    while True:
        suffix = stamp if number == 1 else f"{stamp}-{number}"
        kept = copy.with_name(f"{copy.stem}.{suffix}.ipynb")
        if not os.path.lexists(kept):
            _write(kept, copy.read_bytes())
            return kept
        number += 1


def _write(path: Path, content: bytes) -> None:
    """Write all of it or nothing: a full disk must not leave half a notebook."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp gives 0600
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_record(mine: Path) -> dict[str, str]:
    try:
        record = json.loads((mine / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _remember(mine: Path, record: dict[str, str], name: str, content: bytes) -> None:
    record[name] = _sha256(content)
    _write(mine / RECORD, json.dumps(record, indent=1).encode("utf-8"))
