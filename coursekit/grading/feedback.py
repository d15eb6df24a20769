"""A page for each student: what was expected, how it went, where to read up. Nothing that a kernel said is on it."""

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coursekit._files import write_whole
from coursekit.grading.score import Grade

if TYPE_CHECKING:
    from coursekit.grading.source import Source

WORDS = {"correct": "right", "wrong": "wrong", "nothing": "not attempted", "missing": "no answer"}


def write(folder: Path, student: str, grade: Grade, source: "Source") -> Path:
    """Write a student's page.

    Parameters
    ----------
    folder : Path
        Where the feedback of all students goes: each gets a folder in it.
    student : str
        Any name; one that no folder can have is changed until it can.
    grade : Grade
    source : Source

    Returns
    -------
    Path
        The page, `NN_name.html` in the student's folder.
    """
    from jinja2 import Environment, PackageLoader

    template = Environment(loader=PackageLoader("coursekit", "templates"), autoescape=True).get_template(
        "feedback.html.j2"
    )
    page = template.render(title=source.title, student=student, grade=grade, rows=_rows(grade, source))
    path = page_of(folder, student, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page.encode("utf-8", "replace"))
    return path


def page_of(folder: Path, student: str, source: "Source") -> Path:
    """Where a student's page stands: always in the folder, whatever the student is called."""
    safe = re.sub(r'[/\\:*?"<>|\x00-\x1f\x7f]', "_", student.encode("utf-8", "replace").decode()).strip(" .")
    if len(safe.encode()) > 200:
        safe = safe.encode()[:150].decode(errors="ignore")
    if not safe or safe != student:  # two names must not become one
        safe = f"{safe or 'student'}-{hashlib.sha256(student.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"
    return folder / safe / f"{source.assignment}.html"


def _rows(grade: Grade, source: "Source") -> list[dict[str, Any]]:
    checks = {check.id: check for check in source.checks}
    return [
        {
            "id": result.id,
            "hidden": checks[result.id].hidden,
            "expects": checks[result.id].expects,
            "section": checks[result.id].section,
            "outcome": result.outcome if result.outcome in WORDS else "missing",
            "words": WORDS.get(result.outcome, WORDS["missing"]),
            "reason": result.reason,
            "points": result.points,
            "max_points": result.max_points,
        }
        for result in grade.checks
        if result.id in checks
    ]
