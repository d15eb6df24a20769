"""How long the course takes: what the chapters and assignments themselves say, added up."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursekit import workspace

__all__ = ["Piece", "pieces", "plan", "table"]

READING = re.compile(r"\*\*Time:\*\* about (\d+) minutes to read")
QUESTION = re.compile(r"^## Question.*?^\*[^*]*?\b(\d+) minutes[^*]*\*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Piece:
    """A chapter or an assignment."""

    name: str  # "chapter 3" or "assignment 1"
    title: str
    minutes: int


def pieces(root: Path) -> dict[str, Piece]:
    """Every chapter and assignment with its minutes: a chapter's as it says, an assignment's summed over its questions.

    Parameters
    ----------
    root : Path
        The folder of the course.

    Returns
    -------
    dict of str to Piece
        By name, such as "chapter 3"; each assignment behind the chapter after which it stands.

    Raises
    ------
    ValueError
        If a notebook does not say how long it takes.
    """
    found = {}
    for name, path in workspace.originals(root).items():
        notebook = json.loads(path.read_text(encoding="utf-8"))
        own = notebook["metadata"].get("coursekit", {})
        after = int(own.get("chapter", path.stem)[:2])
        kind = "assignment" if name.startswith("assignments/") else "chapter"
        found[(after, kind == "assignment", path.name)] = _piece(kind, path, notebook["cells"])
    return {piece.name: piece for _, piece in sorted(found.items())}


def _piece(kind: str, path: Path, cells: list[dict]) -> Piece:
    words = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    said = [
        int(n) for n in (READING.findall(words[0])[:1] if kind == "chapter" else QUESTION.findall("\n\n".join(words)))
    ]
    if not said:
        raise ValueError(f"{path.name} does not say how many minutes it takes: its title or its questions should.")
    title = re.sub(r"^# (?:\d+\. |Assignment \d+: )?", "", words[0].splitlines()[0])
    return Piece(f"{kind} {int(path.name[:2])}", title[:1].upper() + title[1:], sum(said))


def table(found: Mapping[str, Piece]) -> str:
    """Minutes of each chapter and assignment, and the hours of each kind, as text."""
    wide, long = (max(len(getattr(one, field)) for one in found.values()) for field in ("name", "title"))
    lines = [f"{one.name:{wide}}  {one.title:{long}}  {one.minutes:4} min" for one in found.values()]
    sums = {kind: sum(one.minutes for one in found.values() if one.name.startswith(kind)) for kind in _KINDS}
    told = [f"{kind}s {minutes / 60:.0f} hours" for kind, minutes in sums.items() if minutes]
    return "\n".join([*lines, "", f"{', '.join(told)}; together {sum(sums.values()) / 60:.0f} hours."])


_KINDS = ("chapter", "assignment")


def plan(found: Mapping[str, Piece], weeks: Sequence[str]) -> str:
    """A plan as text, a line a week with its hours.

    Parameters
    ----------
    found : mapping of str to Piece
        As `pieces` gives it.
    weeks : sequence of str
        What each week holds: "chapter 1, assignment 1". What the course does not have (yet) is put into brackets.

    Raises
    ------
    ValueError
        If something of the course is in no week, or in two.
    """
    held = [week.split(", ") for week in weeks]
    given = [name for week in held for name in week if name in found]
    if sorted(given) != sorted(found):
        missing = [name for name in found if name not in given]
        twice = sorted({name for name in given if given.count(name) > 1})
        raise ValueError(f"weeks lacks {missing} and repeats {twice}: each chapter and assignment should stand once.")
    told = [", ".join(name if name in found else f"({name})" for name in week) for week in held]
    minutes = [sum(found[name].minutes for name in week if name in found) for week in held]
    wide = max(map(len, told))
    rows = zip(told, minutes, strict=True)
    lines = [f"{number:4}  {words:{wide}}  {each / 60:5.1f}" for number, (words, each) in enumerate(rows, 1)]
    return "\n".join([f"week  {'':{wide}}  hours", *lines])
