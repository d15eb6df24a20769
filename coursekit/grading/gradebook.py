"""The gradebook: a SQLite file that keeps each grade from the moment it is given, whatever happens next."""

import csv
import datetime
import io
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool

from coursekit._files import write_whole
from coursekit.grading.adjust import Deadline, Manual, adjusted
from coursekit.grading.score import CheckResult, Expectation, Grade

COLUMNS = ("student", "assignment", "score", "max_score", "status", "message")
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # so begins what a spreadsheet computes


class _Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012  (as SQLAlchemy wants it)


class _Batch(_Base):
    """All submissions of an assignment, graded on one seed."""

    __tablename__ = "batches"
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment: Mapped[str] = mapped_column(index=True)
    seed: Mapped[str]  # decimal: SQLite's integers end at 63 bits
    created: Mapped[datetime.datetime]


class _Reference(_Base):
    """What the solutions answer on the seed of a batch."""

    __tablename__ = "reference_runs"
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    source_sha256: Mapped[str] = mapped_column(primary_key=True)
    cases: Mapped[dict[str, Any]]


class _Grade(_Base):
    """The grade of a student in a batch, with the hashes of what was graded and by what."""

    __tablename__ = "grades"
    __table_args__ = (UniqueConstraint("batch_id", "student"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    student: Mapped[str]
    sha256: Mapped[str]
    source_sha256: Mapped[str]
    points: Mapped[float]
    max_points: Mapped[float]
    status: Mapped[str]
    message: Mapped[str]
    checks: Mapped[list[Any]]
    notes: Mapped[list[Any]]
    graded: Mapped[datetime.datetime]


class _Deadline(_Base):
    """When an assignment is due, and what lateness costs."""

    __tablename__ = "deadlines"
    assignment: Mapped[str] = mapped_column(primary_key=True)
    due: Mapped[datetime.datetime]
    per_day: Mapped[float]
    grace: Mapped[float]


class _HandedIn(_Base):
    """When a student has handed in; ``told`` if a table said so, and not the file."""

    __tablename__ = "handed_in"
    assignment: Mapped[str] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(primary_key=True)
    time: Mapped[datetime.datetime]
    told: Mapped[bool]


class _Manual(_Base):
    """Points by hand."""

    __tablename__ = "manual_points"
    assignment: Mapped[str] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    points: Mapped[float]
    comment: Mapped[str]


@dataclass(frozen=True)
class Batch:
    """One round of grading: every submission in it gets the same random inputs."""

    id: int
    assignment: str
    seed: int


@dataclass(frozen=True)
class Entry:
    """A line of the gradebook."""

    student: str
    assignment: str
    grade: Grade


class Gradebook:
    """The grades in one file. Each call is one transaction: what it wrote stays, even if the process is killed."""

    def __init__(self, path: Path) -> None:
        # no pool: a connection is closed after each transaction, and nothing stands open while a submission runs
        self._engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": 30})
        event.listen(self._engine, "connect", _careful)
        _Base.metadata.create_all(self._engine)

    def batch(self, assignment: str, *, seed: int | None = None, new: bool = False) -> Batch:
        """Go on with the latest batch of an assignment, or begin one.

        Parameters
        ----------
        assignment : str
        seed : int, optional
            Begin a batch on this seed, unless the latest has it. By default a seed is drawn that nobody can foresee.
        new : bool
            Begin a batch in any case.
        """
        with Session(self._engine) as session, session.begin():
            latest = session.scalars(
                select(_Batch).where(_Batch.assignment == assignment).order_by(_Batch.id.desc()).limit(1)
            ).first()
            if new or latest is None or seed not in (None, int(latest.seed)):
                drawn = secrets.randbits(63) if seed is None else seed
                latest = _Batch(assignment=assignment, seed=str(drawn), created=_now())
                session.add(latest)
                session.flush()
            return Batch(latest.id, latest.assignment, int(latest.seed))

    def reference(self, batch: Batch, source_sha256: str) -> dict[str, Expectation] | None:
        """Give the reference run of a batch, if it is kept here."""
        with Session(self._engine) as session:
            kept = session.get(_Reference, (batch.id, source_sha256))
            return None if kept is None else kept.cases

    def keep_reference(self, batch: Batch, source_sha256: str, cases: dict[str, Expectation]) -> None:
        """Keep a reference run, so that the solutions need not be run again for this batch."""
        with Session(self._engine) as session, session.begin():
            session.merge(_Reference(batch_id=batch.id, source_sha256=source_sha256, cases=cases))

    def find(self, batch: Batch, student: str, source_sha256: str) -> tuple[Grade, str] | None:
        """Give a student's grade and the sha256 of what it is for; None if there is none, or we failed with it."""
        with Session(self._engine) as session:
            kept = session.scalars(_of(batch, student)).first()
            if kept is None or kept.source_sha256 != source_sha256 or kept.status == "failed":
                return None
            return _grade(kept), kept.sha256

    def keep(self, batch: Batch, student: str, sha256: str, source_sha256: str, grade: Grade) -> None:
        """Write a grade down, in place of an earlier one of the same batch."""
        with Session(self._engine) as session, session.begin():
            row = session.scalars(_of(batch, student)).first() or _Grade(batch_id=batch.id, student=student)
            row.sha256, row.source_sha256, row.graded = sha256, source_sha256, _now()
            row.points, row.max_points = grade.points, grade.max_points
            row.status, row.message = grade.status, grade.message
            row.checks, row.notes = [asdict(check) for check in grade.checks], list(grade.notes)
            session.add(row)

    def keep_deadline(self, assignment: str, deadline: Deadline) -> None:
        """Write down when an assignment is due, in place of what was written before."""
        with Session(self._engine) as session, session.begin():
            session.merge(_Deadline(assignment=assignment, **asdict(deadline)))

    def keep_times(self, assignment: str, times: Mapping[str, datetime.datetime], *, told: bool) -> None:
        """Write down when students have handed in; what a table told is not replaced by the time of a file."""
        with Session(self._engine) as session, session.begin():
            for student, time in times.items():
                kept = session.get(_HandedIn, (assignment, student))
                if told or kept is None or not kept.told:
                    session.merge(_HandedIn(assignment=assignment, student=student, time=time, told=told))

    def handed_in(self, assignment: str, student: str) -> datetime.datetime | None:
        """Give the time that is known for a student, in UTC."""
        with Session(self._engine) as session:
            kept = session.get(_HandedIn, (assignment, student))
            return kept.time if kept else None

    def keep_manual(self, assignment: str, items: Iterable[Manual]) -> None:
        """Write points by hand down, in place of earlier ones for the same student and question."""
        with Session(self._engine) as session, session.begin():
            for item in items:
                session.merge(_Manual(assignment=assignment, **asdict(item)))

    def adjusted(self, assignment: str, student: str, grade: Grade) -> Grade:
        """Give a grade with all that people have added to it."""
        with Session(self._engine) as session:
            return _adjusted(session, assignment, student, grade)

    def entries(self) -> list[Entry]:
        """List the latest grade of each student in each assignment, with what people have added."""
        query = select(_Batch.assignment, _Grade).join(_Batch, _Grade.batch_id == _Batch.id).order_by(_Batch.id)
        with Session(self._engine) as session:
            latest = {(assignment, row.student): _grade(row) for assignment, row in session.execute(query)}
            for (assignment, student), grade in latest.items():
                latest[assignment, student] = _adjusted(session, assignment, student, grade)
        return [Entry(student, assignment, latest[assignment, student]) for assignment, student in sorted(latest)]

    def export_csv(self, path: Path) -> None:
        """Write all grades as a table for spreadsheets and learning platforms; all of it or nothing."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_guarded(field) for field in _line(entry)] for entry in self.entries())
        write_whole(path, text.getvalue().encode("utf-8"))


def _careful(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _of(batch: Batch, student: str) -> Any:
    return select(_Grade).where(_Grade.batch_id == batch.id, _Grade.student == student)


def _adjusted(session: Session, assignment: str, student: str, grade: Grade) -> Grade:
    mine = select(_Manual).where(_Manual.assignment == assignment, _Manual.student == student, _Manual.points != 0)
    rows = session.scalars(mine.order_by(_Manual.question))
    manual = [Manual(student, row.question, row.points, row.comment) for row in rows]
    due, handed_in = session.get(_Deadline, assignment), session.get(_HandedIn, (assignment, student))
    deadline = Deadline(due.due, due.per_day, due.grace) if due else None
    return adjusted(grade, manual, deadline, handed_in.time if handed_in else None)


def _grade(row: _Grade) -> Grade:
    checks = tuple(CheckResult(**check) for check in row.checks)
    return Grade(row.points, row.max_points, checks, row.status, row.message, tuple(row.notes))


def _line(entry: Entry) -> Sequence[str]:
    grade = entry.grade
    points = "" if grade.status == "failed" else f"{grade.points:g}"  # none given yet, which is not 0
    said = " ".join((grade.message, *grade.notes))
    return entry.student, entry.assignment, points, f"{grade.max_points:g}", grade.status, said


def _guarded(field: str) -> str:
    field = field.replace("\r", " ")  # before Python 3.13 the csv module does not quote it
    return f"'{field}" if field.lstrip().startswith(FORMULA) else field


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
