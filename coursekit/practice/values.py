"""Finding the public values of a check: NN_name.public.json, which stands beside the notebook."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coursekit.check import CheckUnavailable


def find(id: str, start: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The file that knows a check, and what it says of the check.

    Parameters
    ----------
    id : str
        Such as "02.q3".
    start : Path
        The folder in which the kernel was started.

    Returns
    -------
    file, entry : dict

    Raises
    ------
    CheckUnavailable
        If there is no such file, or none that knows the check.
    """
    others: list[str] = []
    for path in files(id.partition(".")[0], start):
        values = _read(path)
        if id in values["checks"]:
            return values, values["checks"][id]
        others.append(f"{path.name} has {', '.join(sorted(values['checks'])) or 'none'}")
    if others and id.endswith(".hidden"):
        raise CheckUnavailable(f"{id} cannot be checked here: hidden checks are compared in grading.")
    if others:
        raise CheckUnavailable(f"{id} cannot be checked: there is no check of that name. {'; '.join(others)}.")
    number = id.partition(".")[0]
    raise CheckUnavailable(
        f"{id} cannot be checked: {number}_*.public.json is not found. Put it beside the notebook "
        "(it comes with the assignment), or name its folder in COURSEKIT_VALUES and restart the kernel."
    )


def files(number: str, start: Path) -> Iterator[Path]:
    """The files of values of an assignment, those that count first first; an instructor has private ones, too."""
    named = os.environ.get("COURSEKIT_VALUES")
    if named and (start / named).is_file():
        yield start / named
    folders = [start / named] if named else []
    for folder in [*folders, start, start.parent / "assignments", start / "assignments"]:
        for kind in ("public", "private"):
            yield from sorted(folder.glob(f"{number}_*.{kind}.json"))


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(values["checks"], dict) and type(values["seed"]) is int and values["version"] == 1:
            return values
        raise ValueError
    except (OSError, ValueError, LookupError, TypeError):
        raise CheckUnavailable(
            f"nothing can be checked: {path.name} cannot be read. Get it anew, with the notebook."
        ) from None
