"""Item analysis: which checks tell those who know from those who do not, and the instructor's page that says so."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coursekit._files import write_whole
from coursekit.grading.feedback import file_name, template
from coursekit.grading.score import REASONS, CheckResult, Grade

if TYPE_CHECKING:
    from coursekit.grading.gradebook import Entry

PAGE = "index.html"
FEW = 5  # students with fewer of whom nothing is said of a check
WEAK = 0.2  # discrimination below which a check is marginal (Ebel's rule of thumb)


@dataclass(frozen=True)
class Item:
    """One check over all students who have a grade.

    Attributes
    ----------
    id : str
    share : float
        Mean share of its points that students got, 0 to 1: the item's difficulty index, high where it is easy.
    attempted : int
        How many changed the answer from what was handed out.
    discrimination : float or None
        Correlation of the points in this check with those in all the others, -1 to 1; None where one of the two is the
        same for everybody, or students are few. Source: Ebel and Frisbie, Essentials of educational measurement, 1991.
    verdict : str
        What that means, in a few words.
    slip : str
        The misunderstanding that was named to most of those who lost points; empty if none was.
    slips : int
        To how many.
    """

    id: str
    share: float
    attempted: int
    discrimination: float | None
    verdict: str
    slip: str
    slips: int


@dataclass(frozen=True)
class Analysis:
    """An assignment over all students; ``points`` are the totals of those who have a grade, in ascending order."""

    assignment: str
    max_points: float
    points: tuple[float, ...]
    items: tuple[Item, ...]
    others: int  # refused or failed

    @property
    def median(self) -> float:
        """Of the points; 0 where nobody has any."""
        return statistics.median(self.points) if self.points else 0.0

    @property
    def counts(self) -> list[int]:
        """How many are in each tenth of the points, the last with full points."""
        tenths = [min(9, max(0, int(10 * points / self.max_points))) for points in self.points]
        return [tenths.count(tenth) for tenth in range(10)]


def analyse(assignment: str, grades: Iterable[Grade]) -> Analysis:
    """Look at each check of an assignment over all students.

    Parameters
    ----------
    assignment : str
    grades : iterable of Grade
        One a student. Those that were refused, or that we failed to grade, have no checks and are counted apart.

    Returns
    -------
    Analysis
    """
    grades = list(grades)
    graded = [grade for grade in grades if grade.checks]
    kinds = Counter(tuple(check.id for check in grade.checks) for grade in graded)
    usual = next(iter(kinds.most_common(1)), ((), 0))[0]  # some may have been graded by an older source
    rows = [grade.checks for grade in graded if tuple(check.id for check in grade.checks) == usual]
    totals = np.array([sum(check.points for check in row) for row in rows])
    items = tuple(_item(column, totals) for column in zip(*rows, strict=True))
    points = tuple(sorted(grade.points for grade in graded))
    most = max((grade.max_points for grade in grades), default=0.0)
    return Analysis(assignment, most, points, items, len(grades) - len(graded))


def _item(column: Sequence[CheckResult], totals: np.ndarray) -> Item:
    """One check, from what each student got for it."""
    points = np.array([check.points for check in column])
    rest = totals - points
    found = None
    if len(column) >= FEW and np.ptp(points) > 0 and np.ptp(rest) > 0:
        found = float(np.corrcoef(points, rest)[0, 1])
    share = float(points.mean() / column[0].max_points)
    told = Counter(filter(None, map(_misunderstanding, column)))
    slip, slips = next(iter(told.most_common(1)), ("", 0))
    attempted = sum(check.outcome != "nothing" for check in column)
    return Item(column[0].id, share, attempted, found, _verdict(share, found, len(column)), slip, slips)


def _misunderstanding(check: CheckResult) -> str:
    """The sentence that named one to the student, if one did."""
    return check.reason.partition(REASONS["wrong"])[2].strip() if check.outcome == "wrong" else ""


def _verdict(share: float, discrimination: float | None, students: int) -> str:
    if students < FEW:
        return "too few students"
    if discrimination is None:
        return "everybody has it" if share > 0.999 else "nobody has it" if share < 0.001 else "nothing to compare with"
    if discrimination < 0:
        return "look at it: the better students lose it"
    return "separates" if discrimination >= WEAK else "hardly separates"


def write_index(entries: Sequence["Entry"], out: Path) -> Path:
    """Write the instructor's page: all assignments, their checks, and a link to each student's page.

    Parameters
    ----------
    entries : sequence of Entry
        The gradebook's.
    out : Path
        The folder of grades; the page is `index.html` in it.

    Returns
    -------
    Path
    """
    by_assignment: dict[str, dict[str, Grade]] = {}
    for entry in entries:
        by_assignment.setdefault(entry.assignment, {})[entry.student] = entry.grade
    sections = [
        {"analysis": analyse(name, grades.values()), "students": _students(name, grades)}
        for name, grades in sorted(by_assignment.items())
    ]
    path = out / PAGE
    write_whole(path, template("grades").render(sections=sections).encode("utf-8", "replace"))
    return path


def _students(assignment: str, grades: Mapping[str, Grade]) -> list[dict[str, object]]:
    return [
        {"name": student, "page": f"feedback/{file_name(student)}/{assignment}.html", "grade": grade}
        for student, grade in grades.items()
    ]
