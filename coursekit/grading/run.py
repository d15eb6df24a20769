"""Grade a folder of submissions: the reference run, then one submission after the other, each kept at once."""

import errno
import hashlib
import os
import shutil
import time
import traceback
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import DatabaseError
from tqdm import tqdm

from coursekit.grading import execute, feedback, reference
from coursekit.grading.assemble import assemble
from coursekit.grading.gradebook import Batch, Gradebook
from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable, find_bwrap
from coursekit.grading.score import Expectation, Grade, expectations, score, without_checks
from coursekit.grading.source import Source, SourceError, read_source
from coursekit.grading.submission import Refusal, Submission, printable, read

# in the out folder
GRADEBOOK, TABLE, FEEDBACK, FAULTS = "gradebook.sqlite", "grades.csv", "feedback", "faults.txt"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO) if os.name != "nt" else (errno.ENOSPC,)
AGAIN = "What was graded is kept: type the same again for the rest"


class UsageError(Exception):
    """What keeps grading from starting, in a sentence."""


class GradingStopped(Exception):
    """What ended grading on the way, in a sentence. What was graded until then is kept."""


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


@dataclass(frozen=True)
class _Job:
    """What all submissions of a batch are graded with."""

    source: Source
    source_sha256: str
    out: Path
    book: Gradebook
    batch: Batch
    expected: dict[str, Expectation]
    sandbox: Sandbox | None
    limits: Limits


def grade_folder(
    folder: Path,
    assignment: str,
    out: Path,
    *,
    root: Path,
    sandboxed: bool = True,
    seed: int | None = None,
    new_seed: bool = False,
    timeout: float = Limits.cell,
    total: float = Limits.total,
) -> Summary:
    """Grade what students handed in; go on where an earlier run of the same ended.

    Parameters
    ----------
    folder : Path
        Holds a folder for each student, with a notebook in it.
    assignment : str
        Its number or its name: `01` or `01_convolution_maths`.
    out : Path
        Gets the gradebook, `grades.csv` and the feedback; made if it is not there.
    root : Path
        The course, with the assignment in `solutions`.
    sandboxed : bool
        Whether the submissions are locked in. Without it, their code can do all that you can.
    seed : int, optional
        Of the random inputs; by default that of the batch, drawn when it began.
    new_seed : bool
        Draw another seed, and grade everything again.
    timeout, total : float
        Seconds for a cell, and for a submission.

    Raises
    ------
    UsageError
        If grading cannot start: no such folder, unknown assignment, no sandbox, `out` cannot be written to.
    GradingStopped
        If the solutions fail, or the disk is full.
    KeyboardInterrupt
        Whenever it comes, what was graded is kept, and `grades.csv` is written.
    """
    source = find_source(root, assignment)
    students = find_students(folder, out)
    if sandboxed:
        _need_sandbox()
    loose = sorted(printable(path.name) for path in folder.glob("*.ipynb"))
    summary = Summary(source.assignment, out, left_out=loose)
    book = _open_gradebook(out)
    source_sha256 = hashlib.sha256(source.path.read_bytes()).hexdigest()
    try:
        batch = book.batch(source.assignment, seed=seed, new=new_seed)
        expected = _reference(source, source_sha256, book, batch)
        sandbox = Sandbox(source.packages, source.modules) if sandboxed else None
        job = _Job(source, source_sha256, out, book, batch, expected, sandbox, Limits(cell=timeout, total=total))
        for student in _with_progress(students):
            summary.lines.append(_grade_student(student, folder, job))
    except SandboxUnavailable as error:
        raise UsageError(f"{error}. --no-sandbox grades without it, notebooks that you trust only") from None
    except (OSError, DatabaseError) as error:
        if _is_full(error):
            raise GradingStopped(f"The disk of {out} is full or fails. {AGAIN}, when there is room.") from None
        raise
    finally:
        _export(book, out)
    return summary


def find_source(root: Path, assignment: str) -> Source:
    """Read the source notebook of an assignment, by its number or name."""
    there = sorted((root / "solutions").glob("*.ipynb"))
    wanted = Path(assignment).name.removesuffix(".ipynb")
    for path in there:
        if wanted and wanted in (path.stem, path.stem.split("_")[0]):
            try:
                return read_source(path)
            except SourceError as error:
                raise UsageError(f"{path.name} cannot be graded as it stands:\n{error}") from None
    names = ", ".join(path.stem for path in there) or "none"
    raise UsageError(f"there is no assignment {assignment!r}; there are: {names}")


def find_students(folder: Path, out: Path) -> list[Path]:
    """List the students' folders."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    found = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    students = [path for path in found if path.resolve() != out.resolve()]
    if not students:
        raise UsageError(f"{folder} holds no submissions: each student needs a folder in it, with a notebook")
    return students


def _need_sandbox() -> None:
    try:
        find_bwrap()
    except SandboxUnavailable as error:
        raise UsageError(f"{error}. --no-sandbox grades without it, notebooks that you trust only") from None


def _open_gradebook(out: Path) -> Gradebook:
    """Open the gradebook, and make sure before any work is done that results can be written."""
    try:
        (out / FEEDBACK).mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
        return Gradebook(out / GRADEBOOK)
    except OSError as error:
        raise UsageError(f"cannot write to {out} ({error.strerror}): name another folder with --out") from None
    except DatabaseError as error:
        what = f"{out / GRADEBOOK} cannot be used ({error.orig})"
        raise UsageError(f"{what}: move it away, or name another folder with --out") from None


def _reference(source: Source, source_sha256: str, book: Gradebook, batch: Batch) -> dict[str, Expectation]:
    """Run the solutions, once for a batch."""
    kept = book.reference(batch, source_sha256)
    if kept is None:
        result = reference.run(source, batch.seed)
        if result.problems:
            raise GradingStopped("The solutions fail, so nothing can be graded:\n" + "\n".join(result.problems))
        kept = expectations(source, result)
        book.keep_reference(batch, source_sha256, kept)
    return kept


def _with_progress(students: list[Path]) -> Iterator[Path]:
    with tqdm(students, unit=" submissions", disable=None) as bar:  # None: where nobody watches, no bar
        for student in bar:
            bar.set_postfix_str(printable(student.name, 20))
            yield student


def _grade_student(path: Path, folder: Path, job: _Job) -> Line:
    """Grade a submission unless that was done; keep the grade before going on."""
    start = time.perf_counter()
    found = _read(path, folder, job.source)
    known = job.book.find(job.batch, found.student, found.sha256, job.source_sha256)
    if known is not None:
        if not feedback.page_of(job.out / FEEDBACK, found.student, job.source).exists():
            feedback.write(job.out / FEEDBACK, found.student, known, job.source)
        return Line(found.student, known, 0.0)
    grade = _grade(found, job)
    # the page first: where a grade is in the book, the page is the one that belongs to it
    feedback.write(job.out / FEEDBACK, found.student, grade, job.source)
    job.book.keep(job.batch, found.student, found.sha256, job.source_sha256, grade)
    return Line(found.student, grade, time.perf_counter() - start)


def _read(path: Path, folder: Path, source: Source) -> Submission | Refusal:
    if path.resolve().is_relative_to(folder.resolve()):
        return read(path, source)
    reason = "The folder is a link that leads elsewhere: hand in the notebook itself."
    return Refusal(printable(path.name), reason, hashlib.sha256(reason.encode()).hexdigest())


def _grade(found: Submission | Refusal, job: _Job) -> Grade:
    """Grade one submission. Whatever goes wrong with it, the next one has its turn."""
    if isinstance(found, Refusal):
        return without_checks(job.source, "refused", found.reason)
    try:
        assembled = assemble(job.source, found)
        runs = execute.run(assembled.notebook, sandbox=job.sandbox, seed=job.batch.seed, limits=job.limits)
        return score(job.source, runs, job.expected, assembled.untouched).with_notes(assembled.notes)
    except Exception as error:
        if isinstance(error, SandboxUnavailable) or _is_full(error):
            raise
        with (job.out / FAULTS).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{found.student}\n{traceback.format_exc()}\n")
        # no text of the error: what came from the kernel may be in it
        message = f"Could not be graded, which is not the student's fault ({type(error).__name__}, see {FAULTS})."
        return without_checks(job.source, "failed", message)


def _is_full(error: Exception) -> bool:
    """Whether nothing more can be written, so that there is no point in going on."""
    if isinstance(error, DatabaseError):
        return any(words in str(error.orig) for words in ("is full", "disk I/O", "readonly", "unable to open"))
    return isinstance(error, OSError) and error.errno in FULL


def _export(book: Gradebook, out: Path) -> None:
    try:
        book.export_csv(out / TABLE)
    except (OSError, DatabaseError) as error:
        if not _is_full(error):
            raise


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
