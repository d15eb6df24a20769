"""Open questions: students answer in words, people give the points, and nothing that people wrote is lost."""

import copy
import csv

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell
from small_source import NAME, POINTS, small_source

from coursekit.grading.folders import UsageError
from coursekit.grading.release import outside_regions, student_notebook
from coursekit.grading.run import grade_folder
from coursekit.grading.source import SourceError, read_source

MODEL = "### BEGIN SOLUTION\nBecause a kernel *shares* its weights.\n### END SOLUTION"
ANSWERS = {"kim": "공유하기 때문에.", "lee": "=SUM(A1:A9)", "park": "YOUR ANSWER HERE"}


def course(folder, **nbgrader):
    notebook = small_source()
    meta = {"schema_version": 3, "grade_id": "why", "grade": True, "solution": True, "locked": False, "points": 5}
    cell = new_markdown_cell(MODEL, id="why", metadata={"nbgrader": meta | {"task": False} | nbgrader})
    notebook.cells += [new_markdown_cell("## Question 4\nWhy so few weights?", id="q4-text"), cell]
    path = folder / "solutions" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path


def hand_in(source, folder, answers):
    for student, answer in answers.items():
        notebook = copy.deepcopy(student_notebook(source))
        notebook.cells[-1].source = answer
        (folder / student).mkdir(parents=True, exist_ok=True)
        (folder / student / f"{NAME}.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_an_open_question_in_the_source_and_for_students(tmp_path):
    source = read_source(course(tmp_path))
    assert (source.points, source.checked_points) == (POINTS + 5, POINTS)
    student = student_notebook(source)
    assert student.cells[-1].source == "YOUR ANSWER HERE"
    assert outside_regions(source.notebook, student) == []


@pytest.mark.parametrize(
    ("nbgrader", "message"),
    [({"points": 0}, "an open question needs points|open question needs points"), ({"grade": False}, "code cells")],
)
def test_mistakes_are_named(tmp_path, nbgrader, message):
    with pytest.raises(SourceError, match=message):
        read_source(course(tmp_path, **nbgrader))


@pytest.mark.slow
def test_people_give_the_points(tmp_path):
    source = read_source(course(tmp_path))
    hand_in(source, tmp_path / "in", ANSWERS)
    out = tmp_path / "out"

    def grade(**options):
        return grade_folder(tmp_path / "in", NAME, out, root=tmp_path, sandboxed=False, **options)

    first = grade()
    assert first.unread == 2
    assert {line.grade.max_points for line in first.lines} == {POINTS + 5}
    rows = table(out / "open" / f"{NAME}.csv")
    assert [(row["student"], row["points"], row["of"]) for row in rows] == [
        ("kim", "", "5"),
        ("lee", "", "5"),
        ("park", "0", "5"),
    ]
    assert [row["answer"] for row in rows] == ["공유하기 때문에.", "'=SUM(A1:A9)", ""]
    rows[0] |= {"points": "4", "comment": "Well put."}
    with (out / "open" / f"{NAME}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    second = grade(manual=out / "open" / f"{NAME}.csv", only=["kim"])
    assert second.lines[0].grade.points == 4
    assert "why: +4 by hand: Well put." in second.lines[0].grade.notes
    assert len(table(out / "open" / f"{NAME}.csv")) == 3
    hand_in(source, tmp_path / "in", {"kim": "Something else."})
    third = grade()
    assert third.unread == 2  # the new answer is to be read anew
    assert table(out / "open" / f"{NAME}.csv")[0]["points"] == ""

    (out / "open" / f"{NAME}.csv").write_text("student;question;points\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has lost a column"):
        grade()
