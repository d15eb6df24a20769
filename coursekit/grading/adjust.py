"""What people add to a grade: points by hand, and what lateness costs. It stands beside what the checks gave."""

import csv
import dataclasses
import datetime
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursekit.grading.score import Grade
from coursekit.grading.submission import printable

DAY = 86_400  # seconds


@dataclass(frozen=True)
class Manual:
    """Points for a question, given or taken (below 0) by hand."""

    student: str
    question: str
    points: float
    comment: str = ""


@dataclass(frozen=True)
class Deadline:
    """When an assignment is due, percent that each day begun after it costs, and minutes that are overlooked."""

    due: datetime.datetime
    per_day: float = 10.0
    grace: float = 0.0

    def share_lost(self, handed_in: datetime.datetime) -> float:
        """Give the part of the points that is taken off, 0 to 1."""
        late = (handed_in - self.due).total_seconds()
        days = math.ceil(late / DAY) if late > 60 * self.grace else 0
        return min(1.0, days * self.per_day / 100)


def adjusted(
    grade: Grade, manual: Sequence[Manual], deadline: Deadline | None, handed_in: datetime.datetime | None
) -> Grade:
    """Add points by hand to a grade, and take off what lateness costs; notes say both.

    Parameters
    ----------
    grade : Grade
        As the checks gave it.
    manual : sequence of Manual
        Those of the student. All points together stay between 0 and the most one can have.
    deadline : Deadline or None
    handed_in : datetime or None
        Where it is not known, nothing is taken off.
    """
    if grade.status == "failed":
        return grade  # no points yet
    points = grade.points + math.fsum(item.points for item in manual)
    points = min(max(points, 0.0), grade.max_points)
    notes = [f"{item.question}: {item.points:+g} by hand{_comment(item)}." for item in manual]
    lost = deadline.share_lost(handed_in) if deadline and handed_in else 0.0
    if lost:
        notes.append(f"Handed in late, {_time(handed_in)}: {lost:.0%} of {points:g} points are taken off.")
    return dataclasses.replace(grade, points=round(points * (1 - lost), 6)).with_notes(notes)


def _comment(item: Manual) -> str:
    return f": {item.comment.rstrip('.')}" if item.comment else ""


def read_manual(path: Path, questions: Collection[str]) -> list[Manual]:
    """Read a table with the columns student, question, points and, if need be, comment.

    Raises
    ------
    ValueError
        If a column is missing, or a row makes no sense; it names the row.
    """
    found = []
    for where, row in _rows(path, ("student", "question", "points")):
        if not row["points"] and row.get("answer"):  # an open question that nobody has read yet
            continue
        if row["question"] not in questions:
            raise ValueError(f"{where}: there is no question {row['question']!r}; there are: {', '.join(questions)}")
        try:
            points = float(row["points"])
        except ValueError:
            points = math.nan
        if not math.isfinite(points):
            raise ValueError(f"{where}: points has to be a number, not {row['points']!r}; 0 takes earlier ones back")
        found.append(Manual(row["student"], row["question"], points, printable(row.get("comment") or "", 500)))
    return found


def read_times(path: Path) -> dict[str, datetime.datetime]:
    """Read a table with the columns student and time (2026-03-01 23:59; without an offset, in this computer's zone).

    Raises
    ------
    ValueError
        If a column is missing, or a time is none; it names the row.
    """
    found = {}
    for where, row in _rows(path, ("student", "time")):
        try:
            found[row["student"]] = in_utc(datetime.datetime.fromisoformat(row["time"]))
        except ValueError:
            raise ValueError(f"{where}: {row['time']!r} is no time: write it as 2026-03-01 23:59") from None
    return found


def in_utc(when: datetime.datetime) -> datetime.datetime:
    """Give a time as the gradebook keeps it: in UTC, and without saying so."""
    return when.astimezone(datetime.UTC).replace(tzinfo=None)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a table of a spreadsheet's making, each with its place."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := set(columns) - set(reader.fieldnames or ()):
                raise ValueError(f"{path.name} needs the columns {', '.join(columns)}: {min(missing)} is missing")
            for row in reader:
                yield f"{path.name}, line {reader.line_num}", {key: (row[key] or "").strip() for key in row if key}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as a table ({type(error).__name__})") from None


def _time(when: datetime.datetime | None) -> str:
    local = when.replace(tzinfo=datetime.UTC).astimezone() if when else None
    return f"{local:%Y-%m-%d %H:%M}"
