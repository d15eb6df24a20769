"""What a learner has tried and passed, kept in one small file beside the notebooks.

It is a convenience: where it cannot be read or written, checks go on without it and say so once. What the file holds of
checks that this edition does not have, or in fields that it does not know, stays as it is.
"""

import contextlib
import datetime
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from coursekit._files import write_whole

FILE = ".coursekit-progress.json"
VERSION = 1  # of the file; a later one is left alone
MAX_WRONG = 20
PATIENCE = 2  # seconds to wait for another kernel that writes

_unkept: dict[Path, dict[str, "Tried"]] = {}  # folders whose file cannot be used, with what is known in this process


class NewerFile(ValueError):
    """A file that a later version of the course has written."""


@dataclass
class Tried:
    """What is known of one check."""

    tries: int = 0
    passed: bool = False  # in any of the tries
    last: str = ""  # how the last try came out
    when: str = ""  # the last try
    hints: int = 0  # hints given
    wrong: list[str] = field(default_factory=list)  # hashes of wrong answers, each once


def read(folder: Path) -> dict[str, Tried]:
    """Each check that has been tried in a folder.

    Raises
    ------
    OSError, ValueError
        If the file is there and cannot be read; NewerFile if it is of a later version.
    """
    return {id: _tried(entry) for id, entry in _stored(folder)["checks"].items()}


def known(folder: Path, id: str) -> Tried:
    """What is known of a check, in the file or else in this process."""
    try:
        return (_unkept[folder] if folder in _unkept else read(folder)).get(id, Tried())
    except (OSError, ValueError):
        return Tried()


def update(folder: Path, id: str, change: Callable[[Tried], None]) -> str:
    """Change what is known of a check.

    Returns
    -------
    str
        A sentence for the learner if it cannot be kept, the first time; otherwise nothing.
    """
    note = ""
    if folder not in _unkept:
        try:
            with _alone(folder):
                _keep(folder, id, change)
            return ""
        except OSError as error:
            note = f"Your progress is not kept: {FILE} cannot be used here ({error.strerror})."
        except NewerFile:
            note = f"Your progress is not kept: {FILE} was written by a later version of the course. Update this one."
        except ValueError:
            note = f"Your progress is not kept: {FILE} is damaged. Delete it to start a new one."
        _unkept[folder] = {}
    _change(_unkept[folder], id, change)
    return note


def add_try(tried: Tried, outcome: str, answer: str) -> None:
    """Count a try: its outcome, and the hash of what came back."""
    tried.tries += 1
    tried.passed |= outcome == "correct"
    tried.last = outcome
    tried.when = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    if outcome == "wrong" and answer not in tried.wrong and len(tried.wrong) < MAX_WRONG:
        tried.wrong.append(answer)


def _change(checks: dict[str, Tried], id: str, change: Callable[[Tried], None]) -> None:
    change(checks.setdefault(id, Tried()))


def _tried(entry: Any) -> Tried:
    if not isinstance(entry, dict):
        raise ValueError(f"an entry is {entry!r}")
    known = {f.name: entry[f.name] for f in fields(Tried) if f.name in entry}
    for f in fields(Tried):
        if f.name in known and type(known[f.name]) is not type(getattr(Tried(), f.name)):
            raise ValueError(f"{f.name} is {known[f.name]!r}")
    return Tried(**known)


def _stored(folder: Path) -> dict[str, Any]:
    """The whole file, with all that is not ours."""
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if type(version := document.get("version", VERSION)) is not int or not isinstance(document["checks"], dict):
            raise ValueError(f"version is {version!r}")
    except FileNotFoundError:
        return {"version": VERSION, "checks": {}}
    except (AttributeError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if version > VERSION:
        raise NewerFile(f"version {version}, expected {VERSION} at most")
    return document


def _keep(folder: Path, id: str, change: Callable[[Tried], None]) -> None:
    """Change one entry of the file, and nothing beside it."""
    document = _stored(folder)
    entry = document["checks"].setdefault(id, {})
    change(tried := _tried(entry))
    entry |= asdict(tried)
    document = {"version": VERSION} | document | {"checks": dict(sorted(document["checks"].items()))}
    write_whole(folder / FILE, (json.dumps(document, indent=1) + "\n").encode())


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for other kernels that write here; where a folder cannot be locked, as on Windows, the last one counts."""
    if os.name == "nt":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + PATIENCE  # one that was stopped must not stop us
        while time.monotonic() < until:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:  # a file system without locks
                break
        yield
    finally:
        os.close(handle)
