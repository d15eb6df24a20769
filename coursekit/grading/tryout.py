"""Grading tried out on sample students: a few of them in the main job, all of them on request."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

ASSIGNMENT = "01"
SECONDS = 3.0  # for a cell of the first assignment; an endless loop costs that much
PATIENCE = 20.0  # for a cell of any, training included
# these do no harm where there is no sandbox
HARMLESS = ("모두 맞음 all right", "half right", "untouched", "syntax error", "empty file", "deleted and duplicated")


@dataclass(frozen=True)
class Tryout:
    """What came of it: the table of grades, who got something else than deserved, and whether a sandbox was used."""

    table: str
    students: int
    unfair: list[str]
    sandboxed: bool


def try_out(root: Path, out: Path) -> Tryout:
    """Grade a handful of sample students, hostile ones among them where there is a sandbox for them.

    Parameters
    ----------
    root : Path
        Folder of the course, with `solutions/`.
    out : Path
        Folder for submissions and grades; what is in it is replaced.

    Returns
    -------
    Tryout
        Of no students on Windows, where notebooks cannot be graded.
    """
    if os.name == "nt":
        click.echo("Notebooks are graded on Linux or macOS, so nobody is graded here; in WSL this part runs, too.")
        return Tryout(table="", students=0, unfair=[], sandboxed=False)
    from coursekit.grading.run import UsageError, find_source, grade_folder
    from coursekit.grading.sample import QUICK, write_sample_class

    shutil.rmtree(out, ignore_errors=True)
    source = find_source(root, ASSIGNMENT).path
    grade = partial(grade_folder, out / "submissions", ASSIGNMENT, out / "graded", root=root, timeout=SECONDS)
    get_bubblewrap()
    deserved = write_sample_class(out / "submissions", source, only=QUICK)
    try:
        summary, sandboxed = grade(sandboxed=True), True
    except UsageError as error:
        click.echo(f"{error}.\nSo only students who do no harm are graded here.")
        shutil.rmtree(out)
        deserved = write_sample_class(out / "submissions", source, only=HARMLESS)
        summary, sandboxed = grade(sandboxed=False), False
    got = {line.student: (line.grade.points, line.grade.status) for line in summary.lines}
    unfair = [
        f"{student}: {got.get(student)} instead of {(fair.points, fair.status)}"
        for student, fair in deserved.items()
        if got.get(student) != (fair.points, fair.status)
    ]
    return Tryout(summary.table(), len(deserved), unfair, sandboxed)


def get_bubblewrap() -> None:
    """Install bubblewrap where it is missing and that takes no more than a command that we may give."""
    if not sys.platform.startswith("linux") or shutil.which("bwrap") or not shutil.which("apt-get"):
        return
    if os.geteuid() != 0:
        return  # the sandbox will say what to type
    click.echo("Installing Debian's package bubblewrap, in which submissions are locked (apt-get install bubblewrap).")
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL, "check": False}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    subprocess.run(["apt-get", "install", "-qq", "--yes", "--no-install-recommends", "bubblewrap"], **quiet)


@click.command("sample-class")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--assignment", help="Its number or name [all].")
def sample_class_command(folder: Path, assignment: str | None) -> None:
    """Write a class of sample students into FOLDER, to try grading out.

    Some are right, some half, some cheat, stall or crash. Grade them in the sandbox only.
    """
    from coursekit.grading.run import UsageError, assignments, find_source
    from coursekit.grading.sample import write_sample_class
    from coursekit.workspace import WorkspaceError, course_root

    try:
        if folder.exists() and any(folder.iterdir()):
            raise click.ClickException(f"{folder} is not empty: name a new folder.")
        root = course_root()
        names = [assignment] if assignment else assignments(root)
        sources = [find_source(root, name) for name in names]
        deserved = {source.assignment: write_sample_class(folder, source.path) for source in sources}
    except (UsageError, WorkspaceError) as error:
        raise click.ClickException(f"{error}.") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from None
    for name, students in deserved.items():
        click.echo(f"{name}: {len(students)} students written. What each deserves:")
        for student, fair in students.items():
            click.echo(f"  {fair.points:4g}  {fair.status:8}  {student}")
    click.echo(f"Next: coursekit grade {folder} --out NEW_FOLDER --timeout {PATIENCE:g}")
