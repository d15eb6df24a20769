"""The hours of the course: added up from what its notebooks say."""

import json
from pathlib import Path

import pytest

from coursekit.hours import Piece, pieces, plan, table

ROOT = Path(__file__).parents[2]
THREE = {
    "chapter 1": Piece("chapter 1", "Convolution maths", 80),
    "assignment 1": Piece("assignment 1", "Maths", 130),
    "chapter 2": Piece("chapter 2", "Layers", 100),
}


def notebook(*texts, **own):
    cells = [{"cell_type": "markdown", "id": f"c{k}", "source": [text]} for k, text in enumerate(texts)]
    return json.dumps({"cells": cells, "metadata": {"coursekit": own}})


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def course(tmp_path):
    for name, minutes in {"01_one": 80, "02_two": 100}.items():
        title = f"# {int(name[:2])}. The title\n\n**Time:** about {minutes} minutes to read and try, 5 minutes of CPU."
        write(tmp_path / "notebooks" / f"{name}.ipynb", notebook(title, "In 30 minutes"))
    questions = [
        "# Assignment 1: maths\n\nTwo questions, 45 minutes",
        "## Question 1: a\n\n*5 points, 8 minutes, easy. Read again: section 1.1.*\n\nIt takes 99 minutes.",
        "## Question 2: b\n\n*Hard, 4 points, 30 minutes. Read again: chapter 2.*",
    ]
    write(tmp_path / "assignments/01_maths.ipynb", notebook(*questions, chapter="01_one"))
    return tmp_path


def test_each_says_how_long_it_takes(course):
    assert list(pieces(course).values()) == [
        Piece("chapter 1", "The title", 80),
        Piece("assignment 1", "Maths", 38),
        Piece("chapter 2", "The title", 100),
    ]


def test_one_that_does_not_say_it_is_named(course):
    write(course / "notebooks/02_two.ipynb", notebook("# 2. The title"))
    with pytest.raises(ValueError, match=r"02_two.ipynb does not say how many minutes"):
        pieces(course)


def test_the_course_itself():
    found = pieces(ROOT)
    assert {f"chapter {number}" for number in range(6)} <= found.keys()
    assert all(10 <= piece.minutes <= 400 for piece in found.values())
    questions = json.loads(next((ROOT / "assignments").glob("01_*.ipynb")).read_text(encoding="utf-8"))["cells"]
    asked = sum("".join(cell["source"]).startswith("## Question") for cell in questions)
    assert found["assignment 1"].minutes >= 5 * asked


def test_table():
    lines = table(THREE).splitlines()
    assert lines[1] == "assignment 1  Maths               130 min"
    assert lines[-1] == "chapters 3 hours, assignments 2 hours; together 5 hours."


def test_plan():
    lines = plan(THREE, ["chapter 1, chapter 2", "assignment 1, assignment 7"]).splitlines()
    assert lines[1].split() == ["1", "chapter", "1,", "chapter", "2", "3.0"]
    assert lines[2].split() == ["2", "assignment", "1,", "(assignment", "7)", "2.2"]


@pytest.mark.parametrize(
    ("weeks", "words"),
    [(["chapter 1", "chapter 2"], r"lacks \['assignment 1'\]"), ([*THREE, "chapter 2"], r"repeats \['chapter 2'\]")],
)
def test_a_plan_holds_everything_once(weeks, words):
    with pytest.raises(ValueError, match=words):
        plan(THREE, weeks)
