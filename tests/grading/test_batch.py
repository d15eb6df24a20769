"""Many at once: workers die, graders are killed, somebody presses Ctrl-C; every grade comes once, nothing stays."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from small_source import POINTS, write_small_source

pytest.importorskip("nbval", reason="needs what grading needs: python3 course.py setup")

from coursekit.grading import progress, task
from coursekit.grading.folders import UsageError, kept
from coursekit.grading.gradebook import Gradebook
from coursekit.grading.progress import Progress
from coursekit.grading.run import grade_folder
from coursekit.grading.sample import write_sample_class
from coursekit.grading.sandbox import Limits, SandboxUnavailable, find_bwrap
from coursekit.grading.source import read_source
from coursekit.grading.submission import Collected

ROOT = Path(__file__).parents[2]
RIGHT = "모두 맞음 all right"
# of the process that runs Dask's worker: no sandbox keeps this code from it
DEADLY = """import os, signal, time, psutil
for parent in psutil.Process().parents():
    if "coursekit.grading._worker" in parent.cmdline():
        os.kill(parent.ppid(), signal.SIGSEGV)
        time.sleep(20)
"""

try:
    find_bwrap()
    LOCKED = True
except SandboxUnavailable:
    LOCKED = False


@pytest.fixture
def course(tmp_path):
    write_small_source(tmp_path)
    return tmp_path


def hand_in(course, *students, first_answer=""):
    """Hand in the whole solution for some students, with a text above the first answer."""
    write_sample_class(course / "in", course / "solutions/99_small.ipynb", [RIGHT])
    path = course / "in" / RIGHT / "99_small.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    shutil.rmtree(path.parent)
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "q1")
    cell["source"] = first_answer + "".join(cell["source"])
    for student in students:
        (course / "in" / student).mkdir(parents=True)
        (course / "in" / student / "99_small.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def grade(course, **options):
    return grade_folder(
        course / "in", "99", course / "out", root=course, **{"sandboxed": LOCKED, "total": 60} | options
    )


def start_grader(course, **options):
    """Start a grader in a process, and a group, of its own."""
    options = {"sandboxed": LOCKED} | options
    code = f"""
        from pathlib import Path
        from coursekit.grading.run import grade_folder
        if __name__ == "__main__":
            course = Path({str(course)!r})
            grade_folder(course / "in", "99", course / "out", root=course, **{options!r})
    """
    environment = {**os.environ, "TEST_COURSE": str(course)}  # by which its processes are known, orphans too
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], start_new_session=True, env=environment)


def left_running(course):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TEST_COURSE") == str(course) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            pass
    return found


def table(course):
    with (course / "out/grades.csv").open(encoding="utf-8", newline="") as file:
        return [(row["student"], row["score"], row["status"]) for row in csv.DictReader(file)]


def wait_until(true, seconds=100.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def family_of(process):
    return psutil.Process(process.pid).children(recursive=True)


def workers(process):
    """Dask's worker processes of a grader: those that have started one that runs notebooks."""
    found = []
    for member in family_of(process):
        try:
            if "coursekit.grading._worker" in member.cmdline():
                found.append(member.ppid())
        except psutil.Error:
            pass
    return found


def pages(course):
    return list((course / "out/feedback").glob("*/*.html"))


@pytest.mark.slow
def test_a_submission_that_kills_its_grader_is_set_aside_and_everybody_else_is_graded(course):
    hand_in(course, "poison", first_answer=DEADLY)
    hand_in(course, "a", "b", "c", "d", "z")
    assert start_grader(course, sandboxed=False).wait(300) == 0
    others = [(student, "9", "graded") for student in "abcdz"]
    assert sorted(table(course)) == sorted([*others, ("poison", "", "failed")])
    row = next(entry for entry in Gradebook(course / "out/gradebook.sqlite").entries() if entry.student == "poison")
    why = "not the student's fault (it ended every process that graded it; more in the folder quarantine)"
    assert why in row.grade.message
    wait_until(lambda: not left_running(course), 20)
    log = (course / "out/quarantine/poison.txt").read_text(encoding="utf-8")
    assert "Segmentation fault" in log
    assert [path.name for path in (course / "out/quarantine").iterdir()] == ["poison.txt"]
    shutil.copy(course / "in/a/99_small.ipynb", course / "in/poison/99_small.ipynb")
    again = grade(course, sandboxed=False)
    assert [line.student for line in again.lines if line.seconds] == ["poison"]
    assert again.exit_code == 0
    assert not list((course / "out/quarantine").iterdir())


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nobody_a_point(course):
    hand_in(course, *"abcdef")
    process = start_grader(course, jobs=2)
    wait_until(lambda: pages(course) and workers(process))
    os.kill(workers(process)[0], signal.SIGKILL)
    assert process.wait(200) == 0
    wait_until(lambda: not left_running(course), 20)
    assert table(course) == [(student, "9", "graded") for student in "abcdef"]


@pytest.mark.slow
def test_grading_under_random_kill_9_loses_and_doubles_nothing(course):
    """Kill the grader ten times, each a moment after it has kept something new."""
    students = [f"student {number:02}" for number in range(16)]
    hand_in(course, *students)
    chance = random.Random(0)
    graded_before = {}
    for _ in range(10):
        before = len(pages(course))
        process = start_grader(course)
        wait_until(lambda before=before, process=process: len(pages(course)) > before or process.poll() is not None)
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.wait()
        wait_until(lambda: not left_running(course), 20)
        kept_now = graded(course)
        assert graded_before.items() <= kept_now.items()
        graded_before = kept_now
    summary = grade(course)
    assert graded_before.items() <= graded(course).items()
    assert [line.student for line in summary.lines] == students
    assert sum(line.seconds == 0 for line in summary.lines) == len(graded_before)
    assert table(course) == [(student, "9", "graded") for student in students]
    assert len(pages(course)) == len(students)
    assert not list((course / "out").rglob(".*.tmp"))


def graded(course):
    """When each grade was written: one that is written again would have another time."""
    import sqlite3

    connection = sqlite3.connect(course / "out/gradebook.sqlite")
    try:
        rows = connection.execute("select student, graded from grades").fetchall()
    finally:
        connection.close()
    assert len(dict(rows)) == len(rows)
    return dict(rows)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["while it starts", "while it grades"])
def test_ctrl_c_ends_everything_at_once_and_keeps_what_was_graded(course, moment):
    hand_in(course, "a")
    hand_in(course, "b", "c", "d", first_answer="while True:\n    pass\n")
    process = start_grader(course, timeout=30.0)
    if moment == "while it grades":
        wait_until(lambda: pages(course) and graded(course) and len(workers(process)) == min(4, os.cpu_count()))
    else:
        wait_until(lambda: (course / "out/gradebook.sqlite").exists() and family_of(process))
    pressed = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) != 0
    assert time.monotonic() - pressed < 10  # a second or two where nothing else runs
    wait_until(lambda: not left_running(course), 10)
    assert table(course) == [("a", "9", "graded")] * (moment == "while it grades")


def test_two_graders_do_not_share_an_out_folder(course):
    hand_in(course, "a")
    code = """
        import sys, time
        from pathlib import Path
        from coursekit.grading.folders import kept
        with kept(Path(sys.argv[1])):
            print(flush=True)
            time.sleep(100)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(course / "out")]
    other = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        with pytest.raises(UsageError, match="in use: another grader writes to it"):
            grade(course)
    finally:
        other.kill()
        other.communicate()
    with kept(course / "out") as book:  # the lock has gone with the one who held it
        assert isinstance(book, Gradebook)


def test_only_some_students_and_unchanged_ones_by_force(course):
    for student in ("a", "b", "c"):
        (course / "in" / student).mkdir(parents=True)  # refused without a kernel: it is empty
    assert [line.student for line in grade(course, only=["b", "a/"]).lines] == ["a", "b"]
    assert [line.seconds > 0 for line in grade(course).lines] == [False, False, True]
    assert [line.seconds > 0 for line in grade(course, only=["a"], force=True).lines] == [True]
    with pytest.raises(UsageError, match=r"holds nothing of x, y: write names as in grades\.csv"):
        grade(course, only=["x", "a", "y"])


@pytest.mark.slow
def test_nothing_is_imported_from_the_folder_one_is_in(course):
    """It may well be the folder of submissions, and a student's file may be called as a library is."""
    hand_in(course, "a")
    names = ("distributed", "dask", "multiprocessing", "coursekit", "numpy", "yaml", "tornado", "nbval", "ipykernel")
    for name in names:
        (course / "in" / f"{name}.py").write_text(f"open({str(course / 'imported')!r}, 'a').write({name!r})\n")
    script = course / "script.py"
    script.write_text(f"""
from pathlib import Path
from coursekit.grading.run import grade_folder
if __name__ == "__main__":
    print(grade_folder(Path(), "99", Path("../out"), root=Path(".."), sandboxed={LOCKED}).table())
""")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, script], cwd=course / "in", env=environment, capture_output=True, text=True)
    assert "9 of 9  graded" in ended.stdout, ended.stderr
    assert not (course / "imported").exists()


@pytest.mark.slow
def test_a_cluster_that_is_there_is_used_and_left_alone(course):
    from distributed import Client, LocalCluster

    hand_in(course, "a", "b")
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        summary = grade(course, cluster=cluster.scheduler_address)
        assert [line.grade.points for line in summary.lines] == [POINTS, POINTS]
        with Client(cluster) as client:
            assert len(client.nthreads()) == 1


def test_a_submission_that_is_never_read_to_its_end_ends_its_worker(course, tmp_path):
    """Its last words say where it stood."""
    work = task.packed(task.Work(read_source(course / "solutions/99_small.ipynb"), {}, None, Limits(), 0))
    (tmp_path / "work").write_bytes(work)
    code = f"""
        from pathlib import Path
        from coursekit.grading import task
        task.READING = 0.05
        work = Path({str(tmp_path / "work")!r}).read_bytes()
        notebook = b"[" + b"[]," * 6_000_000 + b"0]"
        task.grade(work, ("a", (("a.ipynb", notebook),), 1), log={str(tmp_path / "log")!r})
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False)
    assert ended.returncode == 1
    words = (tmp_path / "log").read_text()
    assert "Timeout" in words
    assert "_json" in words


def test_a_task_says_which_notebook_it_has_graded(course):
    """The newest one is of another assignment, so it takes a look inside to know that nothing has changed."""
    source = read_source(course / "solutions/99_small.ipynb")
    work = task.packed(task.Work(source, {}, None, Limits(), 0))
    other = json.dumps({"cells": [], "metadata": {"coursekit": {"assignment": "02_other"}}}).encode()
    handed_in = ("a", (("other.ipynb", other), ("mine.ipynb", b"{")), 2)
    first = task.grade(work, handed_in)
    assert first["grade"]["status"] == "refused"
    assert first["fault"] == ""
    assert first["sha256"] != Collected(*handed_in).sha256
    assert task.grade(work, handed_in, known=first["sha256"])["grade"] is None


def test_where_nobody_watches_a_line_comes_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with Progress(3) as counted:
        for student in "abc":
            counted.step(student)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in said] == ["1 of 3 graded", "2 of 3 graded"]
    assert said[0].endswith(" s to go")
