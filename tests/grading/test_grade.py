"""A folder of submissions, graded for real: kernels run, and everybody gets what they deserve."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click.testing
import nbformat
import pytest
from small_source import POINTS, write_small_source

pytest.importorskip("nbval", reason="needs what grading needs: python3 course.py setup")

from coursekit.grading import run
from coursekit.grading.grade_commands import grade_command
from coursekit.grading.gradebook import Gradebook
from coursekit.grading.run import GradingStopped, UsageError, grade_folder
from coursekit.grading.sample import QUICK, STUDENTS, write_sample_class
from coursekit.grading.sandbox import SandboxUnavailable, find_bwrap

ROOT = Path(__file__).parents[2]
ASSIGNMENT = ROOT / "solutions" / "01_convolution_maths.ipynb"
RIGHT = "모두 맞음 all right"
FAST = {"timeout": 3.0, "total": 60.0}

try:
    find_bwrap()
    LOCKED = True
except SandboxUnavailable:
    LOCKED = False
needs_sandbox = pytest.mark.skipif(not LOCKED, reason="needs bubblewrap: hostile code runs")


@pytest.fixture
def course(tmp_path):
    write_small_source(tmp_path)
    return tmp_path


@pytest.fixture
def source_path(course):
    return course / "solutions" / "99_small.ipynb"


def grade(course, **options):
    return grade_folder(course / "in", "99", course / "out", root=course, sandboxed=LOCKED, **FAST | options)


def scores(summary):
    return {line.student: line.grade.points for line in summary.lines}


def new(summary):
    return [line.student for line in summary.lines if line.seconds > 0]


def table(out):
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@needs_sandbox
def test_an_assignment_has_limits_of_its_own_and_the_instructor_the_last_word(course, source_path):
    notebook = nbformat.read(source_path, 4)
    answer = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    answer.source = f"__import__('time').sleep(2)\n{answer.source}"
    notebook.metadata.coursekit.limits = {"cell": 1}
    (course / "in" / "slow").mkdir(parents=True)
    nbformat.write(notebook, course / "in" / "slow" / source_path.name)
    nbformat.write(notebook, source_path)
    own, told = (grade(course, timeout=seconds, force=True).lines[0].grade for seconds in (None, 10))
    assert (own.status, told.status) == ("partial", "graded")
    assert own.points < told.points


@pytest.mark.slow
def test_a_folder_is_graded_and_then_only_what_is_new(course, source_path):
    students = {"half right": 4, "right and talkative": POINTS, "empty file": 0}
    deserved = write_sample_class(course / "in", source_path, students)
    assert {student: of.points for student, of in deserved.items()} == students
    (course / "in" / ".git").mkdir()
    (course / "in" / "notes.txt").touch()
    (course / "in" / "elsewhere").symlink_to(course / "solutions")
    summary = grade(course)
    assert scores(summary) == students | {"elsewhere": 0}
    assert summary.exit_code == 0
    assert new(summary) == sorted([*students, "elsewhere"])
    found = {row["student"]: (row["score"], row["max_score"], row["status"]) for row in table(course / "out")}
    assert found["right and talkative"] == ("9", "9", "graded")
    assert found["elsewhere"] == ("0", "9", "refused")
    assert not (course / "out/quarantine").exists()
    assert "leads elsewhere" in next(row["message"] for row in table(course / "out") if row["student"] == "elsewhere")
    talked = (course / "out/feedback/right and talkative/99_small.html").read_text(encoding="utf-8")
    assert "really" not in talked  # as it printed
    assert "empty" in (course / "out/feedback/empty file/99_small.html").read_text(encoding="utf-8")

    seed = Gradebook(course / "out/gradebook.sqlite").batch("99_small").seed
    assert new(grade(course)) == []
    shutil.copy(course / "in/half right/99_small.ipynb", course / "in/empty file/99_small.ipynb")
    (course / "out/feedback/half right/99_small.html").unlink()
    write_sample_class(course / "in", source_path, ["untouched"])
    summary = grade(course)
    assert new(summary) == ["empty file", "untouched"]
    assert scores(summary) == students | {"elsewhere": 0, "empty file": 4, "untouched": 0}
    assert (course / "out/feedback/half right/99_small.html").exists()
    assert Gradebook(course / "out/gradebook.sqlite").batch("99_small").seed == seed
    untouched = next(line.grade for line in summary.lines if line.student == "untouched")
    assert {check.outcome for check in untouched.checks} == {"nothing"}


@pytest.mark.slow
def test_a_source_that_was_mended_is_graded_with_anew(course, source_path):
    write_sample_class(course / "in", source_path, ["empty file"])
    grade(course)
    notebook = json.loads(source_path.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "q1-check")
    cell["metadata"]["nbgrader"]["points"] = 6
    source_path.write_text(json.dumps(notebook), encoding="utf-8")
    (line,) = grade(course).lines
    assert line.seconds > 0
    assert line.grade.max_points == POINTS + 2


@pytest.mark.slow
def test_a_fault_of_ours_stops_nobody_else_and_is_mended_later(course, source_path, tmp_path):
    """The temporary folder's path is too long for a socket, so no kernel can be reached."""
    write_sample_class(course / "in", source_path, ["half right", "empty file"])
    line = "from pathlib import Path; from coursekit.grading.run import grade_folder; import coursekit.grading.execute"
    broken = f"""
{line}
if __name__ == "__main__":
    course = Path({str(course)!r})
    grade_folder(course / "in", "99", course / "out", root=course, sandboxed={LOCKED}, warm=False)
"""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "nbval.py").write_text("raise KeyError('own \x1b[31m words')")
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"}
    subprocess.run([sys.executable, "-c", broken], env=environment, check=True)
    found = table(course / "out")
    assert [row["status"] for row in found] == ["refused", "failed"]
    assert found[1]["score"] == ""
    assert "not the student's fault (ExecutionError; more in the folder quarantine)" in found[1]["message"]
    log = (course / "out/quarantine/half right.txt").read_text(encoding="utf-8")
    assert log.startswith("half right, 99_small\n\nTraceback")
    assert "\x1b" not in log
    summary = grade(course)
    assert (new(summary), summary.exit_code) == (["half right"], 0)
    assert not (course / "out/quarantine/half right.txt").exists()


@pytest.mark.parametrize("ending", ["the disk is full", "the book is full", "Ctrl-C"])
def test_what_was_graded_stays_when_it_ends_early(course, source_path, monkeypatch, ending):
    import sqlalchemy.exc

    for student in ("a", "b"):
        (course / "in" / student).mkdir(parents=True)
    errors = {
        "the disk is full": OSError(28, "No space left on device"),
        "the book is full": sqlalchemy.exc.OperationalError("", {}, Exception("database or disk is full")),
        "Ctrl-C": KeyboardInterrupt(),
    }
    real = Gradebook.keep

    def keep(book, batch, student, *rest):
        if student == "b":
            raise errors[ending]
        real(book, batch, student, *rest)

    monkeypatch.setattr(Gradebook, "keep", keep)
    with pytest.raises((GradingStopped, KeyboardInterrupt)) as caught:
        grade(course)
    if ending != "Ctrl-C":
        assert "What was graded is kept: type the same again" in str(caught.value)
    assert [row["student"] for row in table(course / "out")] == ["a"]
    monkeypatch.undo()
    assert new(grade(course)) == ["b"]


def test_what_keeps_grading_from_starting_is_said(course, source_path, monkeypatch):
    with pytest.raises(UsageError, match=r"there is no folder .*in"):
        grade(course)
    (course / "in").mkdir()
    with pytest.raises(UsageError, match="holds no submissions: each student needs a folder"):
        grade(course)
    (course / "in/a").mkdir()
    with pytest.raises(UsageError, match="no assignment '98'; there are: 99_small"):
        grade_folder(course / "in", "98", course / "out", root=course)
    with pytest.raises(UsageError, match=r"cannot write to .*--out"):
        grade_folder(course / "in", "99_small", source_path, root=course, sandboxed=False)
    (course / "bad").mkdir()
    (course / "bad/gradebook.sqlite").write_text("no database, but long enough to be taken for one" * 20)
    with pytest.raises(UsageError, match=r"gradebook\.sqlite cannot be used .*not a database"):
        grade_folder(course / "in", "99", course / "bad", root=course, sandboxed=False)

    def unavailable():
        raise SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr(run, "find_bwrap", unavailable)
    with pytest.raises(UsageError, match=r"bubblewrap is not installed\. --no-sandbox grades without it"):
        grade_folder(course / "in", "99", course / "out", root=course)
    source_path.write_text("{}")
    with pytest.raises(UsageError, match=r"99_small\.ipynb cannot be graded as it stands"):
        grade(course)


@pytest.mark.slow
def test_solutions_that_fail_are_found_before_any_submission(course, source_path):
    text = source_path.read_text(encoding="utf-8")
    source_path.write_text(text.replace("return size - kernel + 1", "return None"), encoding="utf-8")
    write_sample_class(course / "in", source_path, ["untouched"])
    with pytest.raises(GradingStopped, match=r"The solutions fail.*\n.*99\.q3"):
        grade(course)
    assert table(course / "out") == []


@pytest.mark.slow
def test_the_command(course, source_path, monkeypatch):
    write_sample_class(course / "in", source_path, [RIGHT, "broken file"])
    (course / "in/.hidden").mkdir()
    for name in ("loose.ipynb", ".hidden/99_small.ipynb"):
        (course / "in" / name).touch()
    monkeypatch.setattr("coursekit.workspace.course_root", lambda: course)
    line = [str(course / "in"), "--assignment", "99", "--out", str(course / "out"), "--timeout", "3"]
    command = click.testing.CliRunner()
    result = command.invoke(grade_command, line + ([] if LOCKED else ["--no-sandbox"]))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "99_small"
    assert lines[1].split() == ["student", "score", "status", "message"]
    assert lines[2].split()[:6] == ["broken", "file", "0", "of", "9", "refused"]
    assert "9 of 9  graded   5 of 5 checks right." in lines[3]
    assert "2 graded now, 0 unchanged" in result.stdout
    assert str(course / "out/grades.csv") in result.stdout
    assert str(course / "out/index.html") in result.stdout
    assert "in no student's folder: .hidden, loose.ipynb" in result.stderr
    assert "0 graded now, 2 unchanged" in command.invoke(grade_command, [*line, "--no-sandbox"]).stdout
    assert "Warning: without the sandbox" in command.invoke(grade_command, [*line, "--no-sandbox"]).stderr
    for wrong in (["98", str(course / "in")], ["99", str(course / "nowhere")]):
        result = command.invoke(grade_command, [wrong[1], "--assignment", wrong[0], "--out", str(course / "out")])
        assert result.exit_code == 2
        assert "there is no" in result.stderr


@pytest.mark.slow
def test_all_assignments_in_one_command(course, monkeypatch):
    other = nbformat.read(course / "solutions" / "99_small.ipynb", 4)
    other.metadata.coursekit.assignment = "98_other"
    for cell in other.cells:
        cell.source = cell.source.replace('"99.', '"98.')
    nbformat.write(other, course / "solutions" / "98_other.ipynb")
    shutil.copy(course / "solutions" / "98_other.ipynb", course / "solutions" / "97_nobody_yet.ipynb")
    for name in ("99_small", "98_other"):
        write_sample_class(course / "in", course / "solutions" / f"{name}.ipynb", [RIGHT, "half right"])
    (course / "in" / "half right" / "98_other.ipynb").write_text("{")  # the newest of his, and no hindrance to 99
    monkeypatch.setattr("coursekit.workspace.course_root", lambda: course)
    command, line = click.testing.CliRunner(), [str(course / "in"), "--out", str(course / "out")]
    result = command.invoke(grade_command, line + ([] if LOCKED else ["--no-sandbox"]))
    assert result.exit_code == 0
    got = {(row["student"], row["assignment"]): row["score"] for row in table(course / "out")}
    assert got == {(RIGHT, "98_other"): "9", (RIGHT, "99_small"): "9"} | {
        ("half right", "98_other"): "0",
        ("half right", "99_small"): "4",
    }
    page = (course / "out" / "index.html").read_text(encoding="utf-8")
    assert page.index('id="98_other"') < page.index('id="99_small"')
    assert "97_nobody_yet" not in page
    refused = command.invoke(grade_command, [*line, "--manual", "points.csv"])
    assert refused.exit_code == 2
    assert "--manual is for one assignment: say which with --assignment" in refused.stderr
    (course / "in" / RIGHT / "99_small.ipynb").rename(course / "in" / RIGHT / "mine.ipynb")
    refused = command.invoke(grade_command, [str(course / "in" / RIGHT), "--out", str(course / "out")])
    assert "holds no notebook called like an assignment: name one of 97_nobody_yet" in refused.stderr


def test_grading_imports_neither_torch_nor_the_reference_layers():
    code = (
        "import sys, coursekit.grading.run, coursekit.grading.sample as s; print([m for m in sys.modules if m in s.M])"
    )
    code = code.replace("s.M", "('torch', 'coursekit.nn', 'matplotlib')")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def leaked(out: Path) -> list[str]:
    """What stands on the pages that only a kernel could know or say."""
    pages = "".join(path.read_text(encoding="utf-8") for path in (out / "feedback").rglob("*.html"))
    words = (
        "answer is 42",
        "really",
        "not yet ",
        "COURSEKIT",
        "MemoryError",
        "SyntaxError",
        "Traceback",
        "rng",
        "lambda",
    )
    return [word for word in words if word in pages.replace("<title>", "")]


def grade_class(course: Path, source_path: Path) -> None:
    """Grade the whole class; then again, with other random inputs."""
    deserved = write_sample_class(course / "in", source_path)
    assert len(deserved) == len(STUDENTS) >= 14
    for again in (False, True) if source_path.stem == "99_small" else (False,):
        summary = grade_folder(
            course / "in", source_path.stem, course / "out", root=source_path.parents[1], new_seed=again, **FAST
        )
        assert len(new(summary)) == len(deserved)
        got = {line.student: (line.grade.points, line.grade.status) for line in summary.lines}
        assert got == {student: (of.points, of.status) for student, of in deserved.items()}
        assert all(line.grade.message.endswith(".") for line in summary.lines)
        assert summary.exit_code == 0
    assert leaked(course / "out") == []
    assert len(table(course / "out")) == len(deserved)


@needs_sandbox
@pytest.mark.slow
def test_everybody_in_the_sample_class_gets_what_they_deserve(course, source_path):
    grade_class(course, source_path)


@needs_sandbox
@pytest.mark.slow
@pytest.mark.skipif(not ASSIGNMENT.exists(), reason="no assignment 1 yet")
def test_everybody_gets_what_they_deserve_for_assignment_1(tmp_path):
    grade_class(tmp_path, ASSIGNMENT)


def test_the_quick_ones_are_in_the_class():
    assert set(QUICK) <= STUDENTS.keys()
