"""What a learner has done of the whole course, and what comes next: read from the copies in `my`, never written.

No course can know what was read. What it can know is which of a chapter's cells were run, in the copy as it was last
saved or in one that a reset has put aside, which drills were solved, and which checks of the assignments.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coursekit import catalogue, drills, workspace
from coursekit.practice import progress

__all__ = ["Assignment", "Chapter", "Overview", "look", "table"]


@dataclass(frozen=True)
class Chapter:
    """How far a learner is in a chapter."""

    number: int
    title: str
    cells: int  # code cells that are still in the learner's copy
    run: int  # of these
    drills: Mapping[str, bool]  # passed?
    tried: bool  # any of the drills

    @property
    def begun(self) -> bool:
        """Whether anything was done."""
        return self.run > 0 or self.tried

    @property
    def left(self) -> list[str]:
        """Drills that are not passed."""
        return [id for id, passed in self.drills.items() if not passed]


@dataclass(frozen=True)
class Assignment:
    """How far a learner is in an assignment."""

    number: int
    title: str
    after: int  # the chapter after which it stands
    checks: Mapping[str, bool]  # passed?
    points: float  # reached in the public checks
    of: float


@dataclass(frozen=True)
class Overview:
    """The whole course, in reading order.

    Attributes
    ----------
    chapters : list of Chapter
    assignments : list of Assignment
    others : int
        Checks in the learner's files that this edition of the course does not have; they stay there.
    troubles : list of str
        Files that could not be read, a sentence each.
    """

    chapters: list[Chapter]
    assignments: list[Assignment]
    others: int = 0
    troubles: list[str] = field(default_factory=list)

    def next(self) -> str:
        """What to do next, in a sentence: go on where the learner is furthest."""
        begun = [chapter for chapter in self.chapters if chapter.begun]
        if not begun:
            return f"Begin with {_named(self.chapters[0])}." if self.chapters else "There are no chapters yet."
        here = begun[-1]
        if here.run < here.cells:
            return f"Go on in {_named(here)}: {here.cells - here.run} of its cells have not been run."
        if here.left:
            return f"Solve what is left of {_named(here)}: {', '.join(here.left)}."
        for one in self.assignments:
            if one.after <= here.number and not all(one.checks.values()):
                what = "Go on with" if any(one.checks.values()) else "Try"
                return f"{what} assignment {one.number}: my/assignments holds it."
        later = [chapter for chapter in self.chapters if chapter.number > here.number]
        return f"Open {_named(later[0])}." if later else "That is all there is so far. Well done."


def look(root: Path) -> Overview:
    """Look through the learner's copies.

    Parameters
    ----------
    root : Path
        The folder of the course.

    Returns
    -------
    Overview
        Of the chapters and assignments that the course has now. Whatever in `my` cannot be read counts as not done,
        and is named.
    """
    mine, troubles = root / "my", []
    there = workspace.originals(root)
    tried = {folder: _tried(folder, troubles) for folder in (mine, mine / "assignments")}
    found = catalogue.load().chapters
    chapters = [
        _chapter(path, mine, title.title, tried[mine], troubles)
        for file, title in found.items()
        if (path := there.get(f"{file}.ipynb"))
    ]
    assignments = [
        _assignment(path, tried[mine / "assignments"], troubles)
        for name, path in there.items()
        if name.startswith("assignments/")
    ]
    known = {id for one in chapters for id in one.drills} | {id for one in assignments for id in one.checks}
    others = sum(id not in known and entry.tries > 0 for kept in tried.values() for id, entry in kept.items())
    return Overview(chapters, assignments, others, troubles)


def table(overview: Overview) -> str:
    """The overview as text, with what comes next as its last line."""
    width = max((len(one.title) for one in [*overview.chapters, *overview.assignments]), default=0)
    lines = [f"{'chapter':{width + 4}}  {'cells run':>12}  {'drills passed':>15}"]
    for one in overview.chapters:
        solved = f"{len(one.drills) - len(one.left)} of {len(one.drills)}" if one.drills else "-"
        left = f"   left: {', '.join(one.left)}" if one.left and one.begun else ""
        lines.append(f"{one.number:2}  {one.title:{width}}  {f'{one.run} of {one.cells}':>12}  {solved:>15}{left}")
    if overview.assignments:
        lines += ["", f"{'assignment':{width + 4}}  {'points':>12}  {'checks passed':>15}"]
    for one in overview.assignments:
        points, passed = f"{round(one.points, 2):g} of {round(one.of, 2):g}", sum(one.checks.values())
        lines.append(f"{one.number:2}  {one.title:{width}}  {points:>12}  {f'{passed} of {len(one.checks)}':>15}")
    if overview.others:
        lines += ["", f"Checks of other editions of the course, kept as they are: {overview.others}."]
    return "\n".join([*lines, "", overview.next()])


def _chapter(path: Path, mine: Path, title: str, tried: Mapping[str, progress.Tried], troubles: list[str]) -> Chapter:
    wanted = {id for id, _ in _cells(path, troubles)}
    copies = [copy for copy in sorted(mine.glob(f"{path.stem}*.ipynb")) if _is_copy(copy, path)]
    held = {copy.name: dict(_cells(copy, troubles)) for copy in copies}
    if held.get(path.name):  # a cell that the learner has deleted is not left to do
        wanted &= held[path.name].keys()
    run = {id for cells in held.values() for id, ran in cells.items() if ran}
    number = path.name[:2]
    passed = {f"c{number}.{name}": _passed(tried, f"c{number}.{name}") for name in drills.chapter(number)}
    begun = any(id in tried for id in passed)
    return Chapter(int(number), title, len(wanted), len(wanted & run), passed, begun)


def _is_copy(copy: Path, original: Path) -> bool:
    """Whether it is the learner's copy, or one that `coursekit reset` has put aside under the time."""
    return copy.name == original.name or copy.name.startswith(f"{original.stem}.")


def _assignment(path: Path, tried: Mapping[str, progress.Tried], troubles: list[str]) -> Assignment:
    notebook = _read(path, troubles).get("metadata", {}).get("coursekit", {})
    checks = _read(path.with_suffix(".public.json"), troubles).get("checks", {})
    passed = {id: _passed(tried, id) for id in checks}
    points = {id: entry.get("points", 0) for id, entry in checks.items()}
    title = notebook.get("title", path.stem).partition(": ")
    return Assignment(
        number=int(path.name[:2]),
        title=title[2].capitalize() or title[0],
        after=int(notebook.get("chapter", path.stem)[:2]),
        checks=passed,
        points=sum(points[id] for id, done in passed.items() if done),
        of=sum(points.values()),
    )


def _passed(tried: Mapping[str, progress.Tried], id: str) -> bool:
    return id in tried and tried[id].passed


def _tried(folder: Path, troubles: list[str]) -> Mapping[str, progress.Tried]:
    try:
        return progress.read(folder)
    except progress.NewerFile:
        troubles.append(f"{folder / progress.FILE} was written by a later version of the course: update this one.")
    except (OSError, ValueError):
        troubles.append(f"{folder / progress.FILE} is damaged: delete it to start a new one.")
    return {}


def _cells(path: Path, troubles: list[str]) -> Iterator[tuple[str, bool]]:
    """The id of each code cell of a notebook, and whether it was run."""
    cells = _read(path, troubles).get("cells")
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "code" and "id" in cell:
            yield str(cell["id"]), cell.get("execution_count") is not None


def _read(path: Path, troubles: list[str]) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict):
            return document
    except (OSError, ValueError, RecursionError):
        pass
    troubles.append(f"{path} cannot be read, and is not counted.")
    return {}


def _named(chapter: Chapter) -> str:
    return f"chapter {chapter.number}, {chapter.title}"
