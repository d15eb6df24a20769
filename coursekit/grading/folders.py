"""The two folders of grading: the one that submissions are read from, and the one that grades are written to."""

import contextlib
import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from coursekit.grading.gradebook import Gradebook
from coursekit.grading.items import write_index
from coursekit.grading.submission import Collected, Refusal, collect, printable, student_id
from coursekit.grading.task import FULL

# in the out folder
GRADEBOOK, TABLE, FEEDBACK, QUARANTINE, LOCK = "gradebook.sqlite", "grades.csv", "feedback", "quarantine", ".lock"
OPEN = "open"  # answers that people read, a table for each assignment


class UsageError(Exception):
    """What keeps grading from starting, in a sentence."""


def find_students(folder: Path, out: Path, only: Collection[str] = ()) -> list[Path]:
    """List the students' folders, or those of some students."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    found = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    students = {student_id(path.name): path for path in found if path.resolve() != out.resolve()}
    if not students:
        raise UsageError(f"{folder} holds no submissions: each student needs a folder in it, with a notebook")
    wanted = {name.rstrip("/") for name in only}
    if unknown := wanted - students.keys():
        raise UsageError(f"{folder} holds nothing of {', '.join(sorted(unknown))}: write names as in grades.csv")
    return [path for student, path in students.items() if not wanted or student in wanted]


def left_out(folder: Path) -> list[str]:
    """List what holds a notebook and is no student's: files beside the folders, and folders that are hidden."""
    hidden = [path for path in folder.glob(".*") if path.name != ".ipynb_checkpoints" and any(path.glob("*.ipynb"))]
    loose = [path for path in folder.glob("*.ipynb") if not path.is_dir()]
    return sorted(printable(path.name) for path in {*loose, *hidden})


def collect_from(path: Path, folder: Path, assignment: str) -> Collected | Refusal:
    """Take up what a student has handed in for an assignment, if it lies in the folder of submissions."""
    if path.resolve().is_relative_to(folder.resolve()):
        return collect(path, assignment)
    reason = "The folder is a link that leads elsewhere: hand in the notebook itself."
    return Refusal(student_id(path.name), reason, hashlib.sha256(reason.encode()).hexdigest())


@contextlib.contextmanager
def kept(out: Path) -> Iterator[Gradebook]:
    """Give the gradebook, to us alone; whatever happens, table and index are written at the end."""
    with contextlib.ExitStack() as stack:
        try:
            (out / FEEDBACK).mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(out / LOCK))
            for half in (*out.glob(".*.tmp"), *out.glob("*/.*.tmp"), *out.glob(f"{FEEDBACK}/*/.*.tmp")):
                half.unlink()  # a process was killed while it wrote
            book = Gradebook(out / GRADEBOOK)
        except OSError as error:
            raise UsageError(f"cannot write to {out} ({error.strerror}): name another folder with --out") from None
        except DatabaseError as error:
            what = f"{out / GRADEBOOK} cannot be used ({error.orig})"
            raise UsageError(f"{what}: move it away, or name another folder with --out") from None
        try:
            yield book
        finally:
            _export(book, out)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other graders out. The lock is the system's, and goes when we do, however we end."""
    import fcntl  # grading is for Linux and macOS; importing this module is for all

    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{path.parent} is in use: another grader writes to it, so wait until it is done"
            ) from None
        yield


def is_full(error: Exception) -> bool:
    """Whether nothing more can be written, so that there is no point in going on."""
    if isinstance(error, DatabaseError):
        return any(words in str(error.orig) for words in ("is full", "disk I/O", "readonly", "unable to open"))
    return isinstance(error, OSError) and error.errno in FULL


def _export(book: Gradebook, out: Path) -> None:
    try:
        book.export_csv(out / TABLE)
        write_index(book.entries(), out)
    except (OSError, DatabaseError) as error:
        if not is_full(error):
            raise
