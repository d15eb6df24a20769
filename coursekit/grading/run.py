"""Grade a folder of submissions: the reference run, then all that is new or has changed, each kept at once."""

import datetime
import hashlib
import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DatabaseError

from coursekit._files import write_whole
from coursekit.grading import batch, feedback, reference
from coursekit.grading.adjust import Deadline, in_utc, read_manual, read_times
from coursekit.grading.batch import ClusterLost, Killed, Order
from coursekit.grading.folders import (
    FEEDBACK,
    OPEN,
    QUARANTINE,
    UsageError,
    collect_from,
    find_students,
    is_full,
    kept,
    left_out,
)
from coursekit.grading.gradebook import Batch, Gradebook
from coursekit.grading.open_answers import Row, read_table, write_table
from coursekit.grading.progress import Progress
from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable, find_bwrap
from coursekit.grading.score import Expectation, Grade, as_grade, expectations, without_checks
from coursekit.grading.source import Source, SourceError, read_source
from coursekit.grading.submission import Collected, Refusal
from coursekit.grading.summary import Line, Summary
from coursekit.grading.task import Work, failed, packed

AGAIN = "What was graded is kept: type the same again for the rest"
DEADLY = "ended every process that graded it"
SILENT = "They left no last words: the system may have killed them, as when memory runs out."


class GradingStopped(Exception):
    """What ended grading on the way, in a sentence. What was graded until then is kept."""


def grade_folder(
    folder: Path,
    assignment: str,
    out: Path,
    *,
    root: Path,
    sandboxed: bool = True,
    seed: int | None = None,
    new_seed: bool = False,
    only: Collection[str] = (),
    force: bool = False,
    timeout: float | None = None,
    total: float | None = None,
    warm: bool = True,
    jobs: int | None = None,
    cluster: str | None = None,
    deadline: Deadline | None = None,
    times: Path | None = None,
    manual: Path | None = None,
) -> Summary:
    """Grade what students handed in; go on where an earlier run of the same ended.

    A script that calls this has to do so below ``if __name__ == "__main__":``, for its worker processes read it, too.

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
    only : collection of str
        Students to grade; by default all.
    force : bool
        Grade again what has not changed, too.
    timeout, total : float, optional
        Seconds for a cell, and for a submission; by default what the assignment allows.
    warm : bool
        Whether kernels are forked from one that has its imports done; grades are the same without it.
    jobs : int, optional
        How many are graded at once; by default one for each core.
    cluster : str, optional
        Address of a Dask scheduler whose workers grade in place of processes of this machine.
    deadline : Deadline, optional
        When the assignment is due, and what lateness costs; kept in the gradebook until another one is given.
    times, manual : Path, optional
        Tables of when students handed in (else the notebook's own time counts), and of points by hand; kept likewise.

    Raises
    ------
    UsageError
        If grading cannot start: no such folder, unknown assignment or student, no sandbox, no cluster, `out` cannot be
        written to or is in use.
    GradingStopped
        If the solutions fail, the disk is full, or the cluster is lost.
    KeyboardInterrupt
        Whenever it comes, what was graded is kept, and `grades.csv` is written.
    """
    source = find_source(root, assignment)
    students = find_students(folder, out, only)
    if sandboxed and not cluster:
        _need_sandbox()
    summary = Summary(source.assignment, out, left_out=left_out(folder))
    told = {name: value for name, value in (("cell", timeout), ("total", total)) if value is not None}
    limits, jobs = Limits(**(source.limits | told)), jobs or os.cpu_count() or 1
    with kept(out) as book:
        try:
            _people_say(source, book, deadline, times, manual)
            read_by_people = out / OPEN / f"{source.assignment}.csv"
            earlier = _open_answers(read_by_people)
            round_ = book.batch(source.assignment, seed=seed, new=new_seed)
            job = _Job(source, _sha256(source.path.read_bytes()), out, book, round_, force)
            settled = {path: job.settle(path, folder) for path in students}
            summary.lines += [line for line in settled.values() if line]
            if todo := [path for path, line in settled.items() if line is None]:
                sandbox = Sandbox(source.packages, source.modules) if sandboxed else None
                with Progress(len(todo)) as progress, batch.cluster(min(jobs, len(todo)), cluster) as workers:
                    workers.prepare(sandbox, warm)  # while the solutions run
                    work = packed(Work(source, _reference(job), sandbox, limits, round_.seed, warm))
                    summary.lines += _grade_new(todo, folder, job, work, workers, progress)
            found = (collect_from(path, folder, source.assignment) for path in students)
            summary.unread = write_table(source, found, earlier, read_by_people)
        except SandboxUnavailable as error:
            raise UsageError(f"{error}. --no-sandbox grades without it, notebooks that you trust only") from None
        except ClusterLost as error:
            raise GradingStopped(f"{error}. {AGAIN}.") from None
        except (OSError, DatabaseError) as error:
            if is_full(error):
                raise GradingStopped(f"The disk of {out} is full or fails. {AGAIN}, when there is room.") from None
            raise
    summary.lines.sort(key=lambda line: line.student)
    return summary


@dataclass(frozen=True)
class _Job:
    """A batch on its way into the gradebook."""

    source: Source
    source_sha256: str
    out: Path
    book: Gradebook
    batch: Batch
    force: bool

    def settle(self, path: Path, folder: Path) -> Line | None:
        """Give a student's line if there is nothing to run: nothing new, or nothing that could be graded."""
        start = time.perf_counter()
        found = collect_from(path, folder, self.source.assignment)
        kept = self.book.find(self.batch, found.student, self.source_sha256)
        same = kept is not None and kept[1] == found.sha256
        if isinstance(found, Collected) and not (same and self.book.handed_in(self.batch.assignment, found.student)):
            written = datetime.datetime.fromtimestamp(found.time, datetime.UTC)
            self.book.keep_times(self.batch.assignment, {found.student: in_utc(written)}, told=False)
        if kept and same and not self.force:
            return self._unchanged(found.student, kept[0])
        if isinstance(found, Refusal):
            grade = without_checks(self.source, "refused", found.reason)
            grade = self._write(found.student, found.sha256, grade)
            return Line(found.student, grade, time.perf_counter() - start)
        return None

    def order(self, number: int, path: Path, folder: Path) -> Order | None:
        """Take up what is to be graded; None if it has gone since we looked."""
        found = collect_from(path, folder, self.source.assignment)
        known = self._known(found.student)
        return None if isinstance(found, Refusal) else Order(number, found, known[1] if known else "")

    def keep(self, order: Order, result: dict[str, Any] | Killed) -> Line:
        """Write a result down: first the page, for where a grade is in the book, the page is the one of it."""
        student = order.collected.student
        if isinstance(result, Killed):
            grade = without_checks(self.source, "failed", failed(f"it {DEADLY}"))
            self._quarantine(student, f"This submission {DEADLY}.\n\n{result.log or SILENT}")
            grade = self._write(student, order.collected.sha256, grade)
            return Line(student, grade, result.seconds)
        if "unavailable" in result:
            raise SandboxUnavailable(result["unavailable"])
        if "stop" in result:
            raise GradingStopped(f"{result['stop']}. {AGAIN}.")
        if result["grade"] is None:
            known = self._known(student)
            assert known is not None, f"{student} was graded before, and is not in the gradebook"
            return self._unchanged(student, known[0])
        grade = as_grade(result["grade"])
        self._quarantine(student, result["fault"])
        grade = self._write(student, result["sha256"], grade)
        return Line(student, grade, result["seconds"])

    def _known(self, student: str) -> tuple[Grade, str] | None:
        return None if self.force else self.book.find(self.batch, student, self.source_sha256)

    def _unchanged(self, student: str, grade: Grade) -> Line:
        final = self.book.adjusted(self.batch.assignment, student, grade)
        feedback.write(self.out / FEEDBACK, student, final, self.source)  # people may have changed their minds
        return Line(student, final, 0.0)

    def _write(self, student: str, sha256: str, grade: Grade) -> Grade:
        final = self.book.adjusted(self.batch.assignment, student, grade)
        feedback.write(self.out / FEEDBACK, student, final, self.source)
        self.book.keep(self.batch, student, sha256, self.source_sha256, grade)
        return final

    def _quarantine(self, student: str, log: str) -> None:
        """Keep why a submission could not be graded, until it can."""
        path = self.out / QUARANTINE / f"{feedback.file_name(student)}.txt"
        if log:
            write_whole(path, f"{student}, {self.source.assignment}\n\n{log}\n".encode("utf-8", "replace"))
        else:
            path.unlink(missing_ok=True)


def _people_say(
    source: Source, book: Gradebook, deadline: Deadline | None, times: Path | None, manual: Path | None
) -> None:
    """Take what people add to grades into the gradebook."""
    name, questions = source.assignment, [cell.grade_id for cell in source.cells if cell.role in ("answer", "open")]
    try:
        by_hand = read_manual(manual, questions) if manual else []
        told = read_times(times) if times else {}
    except ValueError as error:
        raise UsageError(str(error)) from None
    book.keep_manual(name, by_hand)
    book.keep_times(name, told, told=True)
    if deadline:
        book.keep_deadline(name, deadline)


def _open_answers(path: Path) -> list[Row]:
    """What people have written into the table of open answers."""
    try:
        return read_table(path)
    except ValueError as error:
        raise UsageError(str(error)) from None


def find_source(root: Path, assignment: str) -> Source:
    """Read the source notebook of an assignment, by its number or name, or from a file (of a variant)."""
    there = sorted((root / "solutions").glob("*.ipynb"))
    if Path(assignment).is_file():
        there = [Path(assignment)]
    wanted = Path(assignment).name.removesuffix(".ipynb")
    for path in there:
        if wanted and wanted in (path.stem, path.stem.split("_")[0]):
            try:
                return read_source(path)
            except SourceError as error:
                raise UsageError(f"{path.name} cannot be graded as it stands:\n{error}") from None
    names = ", ".join(path.stem for path in there) or "none"
    raise UsageError(f"there is no assignment {assignment!r}; there are: {names}")


def assignments(root: Path) -> list[str]:
    """List the names of all assignments of the course."""
    return sorted(path.stem for path in (root / "solutions").glob("*.ipynb"))


def handed_in(folder: Path, root: Path) -> list[str]:
    """List the assignments of which some student's folder holds a notebook, by the names of files."""
    names = assignments(root)
    found = [name for name in names if next(folder.glob(f"[!.]*/{name}*.ipynb"), None)]
    if not found:
        known = ", ".join(names) or "none"
        raise UsageError(f"{folder} holds no notebook called like an assignment: name one of {known} with --assignment")
    return found


def _grade_new(
    todo: list[Path], folder: Path, job: _Job, work: bytes, workers: batch.Cluster, progress: Progress
) -> list[Line]:
    """Grade on a cluster, and keep each grade as it comes."""
    orders = (job.order(number, path, folder) for number, path in enumerate(todo))
    lines = []
    for order, result in workers.grade(work, (order for order in orders if order)):
        lines.append(job.keep(order, result))
        progress.step(order.collected.student)
    return lines


def _need_sandbox() -> None:
    try:
        find_bwrap()
    except SandboxUnavailable as error:
        raise UsageError(f"{error}. --no-sandbox grades without it, notebooks that you trust only") from None


def _reference(job: _Job) -> dict[str, Expectation]:
    """Run the solutions, once for a batch."""
    kept = job.book.reference(job.batch, job.source_sha256)
    if kept is None:
        result = reference.run(job.source, job.batch.seed)
        if result.problems:
            raise GradingStopped("The solutions fail, so nothing can be graded:\n" + "\n".join(result.problems))
        kept = expectations(job.source, result)
        job.book.keep_reference(job.batch, job.source_sha256, kept)
    return kept


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
