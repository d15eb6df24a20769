"""Open questions: what students wrote, in one table in which people give the points."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit._files import write_whole
from coursekit.grading.source import TEXT_STUB
from coursekit.grading.submission import Refusal, choose

if TYPE_CHECKING:
    from coursekit.grading.source import Source
    from coursekit.grading.submission import Collected

COLUMNS = ("student", "question", "points", "of", "comment", "answer")
LONGEST = 20_000  # characters of an answer that are kept


Row = dict[str, str]


def read_table(path: Path) -> list[Row]:
    """Read the table of an earlier run, with what people have written into it; nothing if there is none.

    Raises
    ------
    ValueError
        If it is another table now.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not in UTF-8 any more: save it as CSV in UTF-8, or move it away") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if set(COLUMNS) - set(reader.fieldnames or ()):
        wanted = ", ".join(COLUMNS)
        raise ValueError(f"{path} has lost a column ({wanted}): save it as CSV with commas, or move it away")
    return [{name: row[name] or "" for name in COLUMNS} for row in reader]


def write_table(source: "Source", handed_in: "Iterable[Collected | Refusal]", earlier: list[Row], path: Path) -> int:
    """Write the answers to the open questions; points and comments for the same answers are kept.

    Parameters
    ----------
    source : Source
    handed_in : iterable of Collected or Refusal
        What lies in the students' folders; who handed in nothing that can be read is left out.
    earlier : list of dict
        What `read_table` found; rows of other students stay.
    path : Path
        The table. It can be given back as that of points by hand.

    Returns
    -------
    int
        How many rows have no points yet. No table is written for an assignment without open questions.
    """
    questions = [cell for cell in source.cells if cell.role == "open"]
    if not questions:
        return 0
    given = {(row["student"], row["question"], row["answer"]): (row["points"], row["comment"]) for row in earlier}
    rows, students = [], set()
    for collected in handed_in:
        students.add(collected.student)
        submission = collected if isinstance(collected, Refusal) else choose(collected, source)
        if isinstance(submission, Refusal):
            continue
        cells = {cell.grade_id or cell.id: cell.source for cell in submission.cells}
        for question in questions:
            answer = _harmless(cells.get(question.grade_id) or cells.get(question.id) or "")
            points, comment = given.get((submission.student, question.grade_id, answer), ("", ""))
            if not answer:
                points, comment = "0", "Nothing was handed in for it."
            rows.append((submission.student, question.grade_id, points, f"{question.points:g}", comment, answer))
    rows += [tuple(row.values()) for row in earlier if row["student"] not in students]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode("utf-8-sig"))  # so that spreadsheets see that it is UTF-8
    return sum(not row[2] for row in rows)


def _harmless(answer: str) -> str:
    """An answer as a cell of a spreadsheet, which must not take it for a formula; the untouched stub is none."""
    answer = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in answer)
    answer = answer.replace(TEXT_STUB, "").strip()[:LONGEST]
    return f"'{answer}" if answer.startswith(("=", "+", "-", "@")) else answer
