"""What a learner has tried and passed, kept in one small file beside the notebooks.

It is a convenience: where it cannot be read or written, checks go on without it and say so once.
"""

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from coursekit._files import write_whole

FILE = ".coursekit-progress.json"
MAX_WRONG = 20

_unkept: dict[Path, dict[str, "Tried"]] = {}  # folders whose file cannot be used, with what is known in this process


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
        If the file is there and cannot be read.
    """
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))["checks"]
        return {id: _tried(entry) for id, entry in stored.items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


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
            _change(checks := read(folder), id, change)
            _write(folder / FILE, checks)
            return ""
        except OSError as error:
            note = f"Your progress is not kept: {FILE} cannot be used here ({error.strerror})."
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


def _tried(entry: dict) -> Tried:
    known = {f.name: entry[f.name] for f in fields(Tried) if f.name in entry}
    for f in fields(Tried):
        if f.name in known and type(known[f.name]) is not type(getattr(Tried(), f.name)):
            raise ValueError(f"{f.name} is {known[f.name]!r}")
    return Tried(**known)


def _write(path: Path, checks: dict[str, Tried]) -> None:
    text = json.dumps({"version": 1, "checks": {id: asdict(tried) for id, tried in sorted(checks.items())}}, indent=1)
    write_whole(path, (text + "\n").encode())
