"""What came of grading a folder, and the table of it for the terminal."""

import shutil
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from coursekit.grading.score import Grade


@dataclass(frozen=True)
class Line:
    """One student in the summary; ``seconds`` is 0 where an earlier grade still holds."""

    student: str
    grade: Grade
    seconds: float


@dataclass
class Summary:
    """What came of a folder."""

    assignment: str
    out: Path
    lines: list[Line] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # notebooks that lie in no student's folder
    unread: int = 0  # answers to open questions that have no points yet

    @property
    def exit_code(self) -> int:
        """0 if every submission has a grade or a refusal, 1 if we failed with some."""
        return int(any(line.grade.status == "failed" for line in self.lines))

    def table(self, width: int | None = None) -> str:
        """Write the table for the terminal, each line as wide as that at most."""
        width = width or shutil.get_terminal_size((120, 24)).columns
        rows = [("student", "score", "status", "message")]
        for line in self.lines:
            grade = line.grade
            points = "-" if grade.status == "failed" else f"{grade.points:g} of {grade.max_points:g}"
            rows.append((line.student, points, grade.status, " ".join((grade.message, *grade.notes))))
        widths = [min(40, max(_cells(row[column]) for row in rows)) for column in range(3)]
        lines = ("  ".join([*map(_padded, row, widths), row[3]]).rstrip() for row in rows)
        return "\n".join(_padded(line, width).rstrip() for line in lines)


def _cells(text: str) -> int:
    """Width in the terminal: Korean letters take two places."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int) -> str:
    """Make a text just so wide."""
    if _cells(text) > width:
        while _cells(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _cells(text))
