"""Points by hand and lateness: reckoned as announced, said on the page, and still there when all is graded again."""

import csv
import datetime
import os

import click.testing
import pytest
from small_source import write_small_source

from coursekit.grading.adjust import Deadline, Manual, adjusted, in_utc, read_manual, read_times
from coursekit.grading.folders import UsageError
from coursekit.grading.grade_commands import grade_command
from coursekit.grading.gradebook import Gradebook
from coursekit.grading.run import grade_folder
from coursekit.grading.score import Grade
from coursekit.grading.source import read_source

DUE = datetime.datetime(2026, 3, 1, 12)
HOUR = datetime.timedelta(hours=1)


def grade_of(points, status="graded"):
    return Grade(points, 9.0, (), status, "As it is.")


@pytest.mark.parametrize(
    ("late", "lost"),
    [(-5, 0), (0, 0), (0.25, 0), (0.26, 0.1), (1, 0.1), (24, 0.1), (24.1, 0.2), (24 * 10, 1), (24 * 99, 1)],
)
def test_each_day_begun_costs_and_the_grace_is_free(late, lost):
    deadline = Deadline(DUE, per_day=10, grace=15)
    assert deadline.share_lost(DUE + late * HOUR) == pytest.approx(lost)
    assert adjusted(grade_of(8.0), [], deadline, DUE + late * HOUR).points == pytest.approx(8 * (1 - lost))


def test_who_is_in_time_or_unknown_loses_nothing_and_nothing_is_said():
    assert adjusted(grade_of(8.0), [], Deadline(DUE), None) == grade_of(8.0)
    assert adjusted(grade_of(8.0), [], None, DUE) == grade_of(8.0)
    late = adjusted(grade_of(8.0), [], Deadline(DUE), DUE + 30 * HOUR)
    assert late.notes[0].startswith("Handed in late, 2026-03-0")
    assert late.notes[0].endswith(": 20% of 8 points are taken off.")


def test_points_by_hand_stay_within_what_one_can_have():
    plus = [Manual("a", "q1", 1.5, "well argued"), Manual("a", "q2", -1.0)]
    grade = adjusted(grade_of(4.0), plus, None, None)
    assert grade.points == 4.5
    assert grade.notes == ("q1: +1.5 by hand: well argued.", "q2: -1 by hand.")
    assert adjusted(grade_of(8.0), plus[:1], None, None).points == 9
    assert adjusted(grade_of(0.5), plus[1:], None, None).points == 0
    assert adjusted(grade_of(4.0), plus[:1], Deadline(DUE), DUE + HOUR).points == pytest.approx(5.5 * 0.9)
    assert adjusted(grade_of(0.0, "failed"), plus, Deadline(DUE), DUE + HOUR) == grade_of(0.0, "failed")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("student,points\na,1\n", r"needs the columns student, question, points: question is missing"),
        ("", "student is missing|points is missing|question is missing"),
        ("student,question,points\na,q9,1\n", r"line 2: there is no question 'q9'; there are: q1, q2"),
        ("student,question,points\na,q1,1\na,q1,much\n", r"line 3: points has to be a number, not 'much'"),
        ("student,question,points\na,q1,nan\n", "has to be a number"),
        ("student,question,points\na,q1\n", "has to be a number, not ''"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path, text, complaint):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        read_manual(tmp_path / "points.csv", ["q1", "q2"])


def test_tables_are_read_as_spreadsheets_write_them(tmp_path):
    (tmp_path / "t.csv").write_text(
        '\ufeffstudent,question,points,comment\r\n김 민수,q1, 1.5 ,"a, b\x1b[31m"\r\n', "utf-8"
    )
    assert read_manual(tmp_path / "t.csv", ["q1"]) == [Manual("김 민수", "q1", 1.5, "a, b�[31m")]
    (tmp_path / "w.csv").write_text("student,time\na,2026-03-01T12:00:00+00:00\n")
    assert read_times(tmp_path / "w.csv") == {"a": DUE}
    (tmp_path / "w.csv").write_text("student,time\na,yesterday\n")
    with pytest.raises(ValueError, match="line 2: 'yesterday' is no time: write it as 2026-03-01 23:59"):
        read_times(tmp_path / "w.csv")
    with pytest.raises(ValueError, match="cannot be read as a table"):
        read_times(tmp_path)


@pytest.fixture
def course(tmp_path):
    """A course where two students were graded 8 of 9 already, for what lies in their folders."""
    source = read_source(write_small_source(tmp_path))
    import hashlib

    book_folder = tmp_path / "out"
    book_folder.mkdir()
    book = Gradebook(book_folder / "gradebook.sqlite")
    for student in ("a", "b"):
        (tmp_path / "in" / student).mkdir(parents=True)
        path = tmp_path / "in" / student / "99_small.ipynb"
        path.write_text("{}")
        moment = DUE.replace(tzinfo=datetime.UTC).timestamp() + (student == "b") * 3600
        os.utime(path, (moment, moment))
        sha256 = hashlib.sha256(b"{}").hexdigest()
        of_source = hashlib.sha256(source.path.read_bytes()).hexdigest()
        book.keep(book.batch("99_small"), student, sha256, of_source, grade_of(8.0))
    return tmp_path


def grade(course, **options):
    summary = grade_folder(course / "in", "99", course / "out", root=course, sandboxed=False, **options)
    with (course / "out/grades.csv").open(encoding="utf-8", newline="") as file:
        table = {row["student"]: float(row["score"]) for row in csv.DictReader(file)}
    assert table == {line.student: line.grade.points for line in summary.lines}
    return table


def test_what_people_say_is_in_table_and_page_and_stays(course):
    page = course / "out/feedback/a/99_small.html"
    assert grade(course) == {"a": 8, "b": 8}
    assert "by hand" not in page.read_text(encoding="utf-8")
    (course / "points.csv").write_text("student,question,points,comment\na,q1,-1.5,<b>too short\n")
    assert grade(course, manual=course / "points.csv") == {"a": 6.5, "b": 8}
    assert "q1: -1.5 by hand: &lt;b&gt;too short." in page.read_text(encoding="utf-8")
    assert grade(course, deadline=Deadline(DUE, 50)) == {"a": 6.5, "b": 4}
    for path in (course / "in").glob("*/*.ipynb"):
        os.utime(path)  # copied anew, today: that makes nobody late
    assert grade(course) == {"a": 6.5, "b": 4}
    (course / "times.csv").write_text("student,time\nb,2026-03-01 11:59+00:00\n")
    assert grade(course, times=course / "times.csv") == {"a": 6.5, "b": 8}
    (course / "points.csv").write_text("student,question,points\na,q1,0\n")
    assert grade(course, manual=course / "points.csv") == {"a": 8, "b": 8}
    assert "by hand" not in page.read_text(encoding="utf-8")
    (course / "points.csv").write_text("student,question,points\na,q1-check,0\n")
    with pytest.raises(UsageError, match="no question 'q1-check'; there are: q1, q2, q3"):
        grade(course, manual=course / "points.csv")


def test_the_command_takes_a_deadline_in_local_time(course, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("coursekit.workspace.course_root", lambda: course)
    local = DUE.replace(tzinfo=datetime.UTC).astimezone()
    assert in_utc(local) == DUE
    options = ["--assignment", "99", "--out", str(course / "out"), "--no-sandbox", "--late", "25"]
    due = ["--deadline", f"{local:%Y-%m-%d %H:%M}"]
    result = click.testing.CliRunner().invoke(grade_command, [str(course / "in"), *options, *due])
    assert result.exit_code == 0, result.output
    assert "a        8 of 9  graded" in result.stdout
    assert "b        6 of 9  graded" in result.stdout
    assert "25% of 8 points are taken off" in result.stdout
