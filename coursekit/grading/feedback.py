"""A page for each student: what was expected, how it went, where to read up. Nothing that a kernel said is on it."""

import functools
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coursekit._files import write_whole
from coursekit.grading.score import Grade

if TYPE_CHECKING:
    from jinja2 import Template

    from coursekit.grading.source import Source

# Windows keeps the first for itself; what ends in the second could be a changed name
TAKEN = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*-[0-9a-f]{12}", re.IGNORECASE)
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
    page = template("feedback").render(title=source.title, student=student, grade=grade, rows=_rows(grade, source))
    content = page.encode("utf-8", "replace")
    path = page_of(folder, student, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != content:
        write_whole(path, content)
    return path


@functools.cache
def template(name: str) -> "Template":
    """A page of grading, from `coursekit/templates`: "feedback" or "grades"."""
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("coursekit", "templates"), autoescape=True).get_template(f"{name}.html.j2")


def page_of(folder: Path, student: str, source: "Source") -> Path:
    """Where a student's page stands: always in the folder, whatever the student is called."""
    return folder / file_name(student) / f"{source.assignment}.html"


def file_name(student: str) -> str:
    """Name of a student that a file or folder can have on any system; no two students share one."""
    safe = re.sub(r'[/\\:*?"<>|\x00-\x1f\x7f]', "_", student.encode("utf-8", "replace").decode()).strip(" .")
    if len(safe.encode()) > 200:
        safe = safe.encode()[:150].decode(errors="ignore")
    if not safe or safe != student or TAKEN.fullmatch(safe):  # two names must not become one
        mark = hashlib.sha256(student.encode("utf-8", "backslashreplace")).hexdigest()[:12]
        safe = f"student-{safe.replace('.', '_')}-{mark}"
    return safe


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
