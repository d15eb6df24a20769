"""A class of attackers with honest neighbours among them, graded for real."""

import csv
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("nbval", reason="needs what grading needs: python3 course.py setup")

import folders
import harness
import insiders
import insiders_harm
import outsiders
import outsiders_harm
import target

from coursekit.grading.sandbox import SandboxUnavailable, find_bwrap

try:
    find_bwrap()
    LOCKED = True
except SandboxUnavailable:
    LOCKED = False
needs_sandbox = pytest.mark.skipif(not LOCKED, reason="needs bubblewrap: hostile code runs")
SHORT = {"timeout": 1.5, "total": 20.0}
REST = target.POINTS - 4  # of all questions but the first
SOMEBODY = 54_321


@pytest.fixture
def made():
    folder = Path(tempfile.mkdtemp(prefix="redteam-", dir="/var/tmp"))
    folder.chmod(0o755)
    with harness.scene(folder) as scene:
        yield scene
    shutil.rmtree(folder)


def hand_in_all(made) -> dict[str, float]:
    """Everybody hands in; returns the points that each deserves."""
    deserved = {}
    for side in (outsiders, insiders):
        for kind, attacks in (("forgery", side.FORGERIES), ("escape", side.ESCAPES)):
            for attack in attacks:
                made.hand_in_attack(attack, kind)
                deserved[attack.__name__] = 0
    for attack in (*outsiders_harm.NUISANCES, *insiders_harm.NUISANCES):
        made.hand_in_attack(attack, "nuisance")
        deserved[attack.__name__] = REST
    for attack in folders.NOTEBOOKS:
        notebook = target.handed_out(made.source)
        attack(notebook)
        made.hand_in(attack.__name__, notebook)
        deserved[attack.__name__] = 0
    for letter in "aflmsz":  # first, last, and in between
        made.hand_in_right(f"{letter} honest")
        deserved[f"{letter} honest"] = target.POINTS
    return deserved


def why_not_somebody_else() -> str:
    """Why the tests cannot be run as an ordinary user, too."""
    if os.geteuid() != 0:
        return "only root can become somebody else"
    if not Path(harness.SYSTEM_PYTHON).exists():
        return "the system has no Python of its own"
    code = "import sys, coursekit, zmq, numpy; print(sys.version_info[:2] == tuple(map(int, sys.argv[1:])))"
    paths = [str(harness.ROOT), *(path for path in sys.path if path.endswith("-packages"))]
    version = [str(part) for part in sys.version_info[:2]]
    tried = subprocess.run(
        [harness.SYSTEM_PYTHON, "-c", code, *version],
        env={"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
        user=SOMEBODY, group=SOMEBODY, extra_groups=[], capture_output=True, text=True, cwd="/", check=False,
    )  # fmt: skip
    return "" if tried.stdout.strip() == "True" else "this environment cannot be read by, or run for, an ordinary user"


@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize("user", [None, SOMEBODY], ids=["as we are", "as somebody else"])
def test_nobody_gets_what_is_not_deserved_and_everybody_what_is(made, user):
    if user is not None and why_not_somebody_else():
        pytest.skip(why_not_somebody_else())
    deserved = hand_in_all(made)
    assert len(deserved) >= 40
    if user is not None:
        give(made.folder, user)
    before = harness.tree(made.folder)
    graded = harness.grade(made, user=user, **SHORT)
    print(graded.terminal)
    got = {student: of[0] for student, of in graded.lines.items()}
    assert got == deserved
    assert {of[1] for of in graded.lines.values()} == {"graded", "partial"}
    assert all(of[1] == "graded" for student, of in graded.lines.items() if student.endswith("honest"))
    assert graded.code == 0
    assert not graded.left_running
    look_around(made, before, set(deserved))
    look_at_what_is_shown(made, graded, len(deserved))
    tables = [(made.folder / "out" / name).read_text(encoding="utf-8") for name in ("grades.csv", "index.html")]
    assert harness.MARK not in "".join([graded.terminal, *tables])


@needs_sandbox
@pytest.mark.slow
def test_names_and_folders_do_no_harm(made):
    """Nobody is lost, nobody is taken for somebody else, and no name does anything on page, table or terminal."""
    for name in folders.NAMES:
        made.hand_in(name, b"")
    for right, empty in folders.TWINS:
        made.hand_in_right(right)
        made.hand_in(empty, b"")
    for attack in folders.FOLDERS:
        place = made.folder / "in" / attack.__name__
        place.mkdir()
        attack(place, made.folder / "home" / ".netrc")
    made.hand_in_right("a honest")
    students = len(os.listdir(os.fsencode(made.folder / "in")))
    graded = harness.grade(made, **SHORT)
    print(graded.terminal)
    assert len(graded.lines) == students
    right = [student for student, of in graded.lines.items() if of[0] == target.POINTS]
    assert len(right) == len(folders.TWINS) + 1, right
    assert {of[1] for of in graded.lines.values()} == {"graded", "refused"}
    assert graded.code == 0
    assert not harness.strays()
    look_at_what_is_shown(made, graded, students)
    again = harness.grade(made, **SHORT)
    assert {student: of[:2] for student, of in again.lines.items()} == {
        student: of[:2] for student, of in graded.lines.items()
    }
    assert all(of[2] == 0 for of in again.lines.values())  # all known again by their names


def give(folder: Path, user: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


def look_around(made, before, students):
    """Nothing has changed but the out folder, and in it there is nothing but what grading puts there."""
    assert not harness.strays()
    after = harness.tree(made.folder)
    out = str(made.folder / "out")
    assert {path: what for path, what in after.items() if not path.startswith(out)} == before
    there = {path.name for path in (made.folder / "out").iterdir()}
    assert there <= {"gradebook.sqlite", "grades.csv", "index.html", "feedback", "quarantine", ".lock"}, there
    pages = {str(path.relative_to(made.folder / "out/feedback")) for path in (made.folder / "out/feedback").rglob("*")}
    assert pages == students | {f"{student}/{target.NAME}.html" for student in students}


def look_at_what_is_shown(made, graded, students):
    """No markup, no control characters, no formula, no secret: on pages, in the table, on the terminal."""
    out = made.folder / "out"
    pages = [*out.rglob("*.html")]
    assert len(pages) == students + 1  # the instructor's page is one, too
    for page in pages:
        text = page.read_text(encoding="utf-8")
        kind = harness.Index if page.name == "index.html" else harness.Page
        assert not kind(text).complaints, page
        assert made.secret not in text
        assert not page.stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == students + 1
    for field in (field for row in rows for field in row):
        assert field.isprintable()
        assert not field.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert all(character.isprintable() or character == "\n" for character in graded.terminal.replace("\r", ""))
    for text in (graded.terminal, (out / "grades.csv").read_text(encoding="utf-8")):
        assert made.secret not in text
    with sqlite3.connect(out / "gradebook.sqlite") as book:
        assert book.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert book.execute("select count(*), count(distinct student) from grades").fetchone() == (students, students)
    book.close()
