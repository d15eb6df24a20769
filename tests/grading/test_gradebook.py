"""Grades stay, come back as they were, and leave as a table that no spreadsheet runs."""

import csv
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from coursekit.grading.gradebook import COLUMNS, Gradebook
from coursekit.grading.score import CheckResult, Grade

RESULT = CheckResult("99.q1", 1.5, 2.0, "wrong", "It differs.", "ran")
GRADE = Grade(1.5, 9.0, (RESULT,), "graded", "1 of 2 checks right.", ("Cell 3 was moved.",))


@pytest.fixture
def book(tmp_path):
    return Gradebook(tmp_path / "gradebook.sqlite")


def rows(book, path):
    book.export_csv(path)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_batch_keeps_its_seed(book, tmp_path):
    first = book.batch("01_a")
    assert 0 <= first.seed < 2**63
    assert book.batch("01_a") == first
    assert Gradebook(tmp_path / "gradebook.sqlite").batch("01_a", seed=first.seed) == first
    assert book.batch("02_b") != first
    other = book.batch("01_a", new=True)
    assert other.seed != first.seed
    assert book.batch("01_a") == other
    assert book.batch("01_a", seed=7).seed == 7
    assert book.batch("01_a").seed == 7


def test_a_grade_comes_back_as_it_was(book):
    batch = book.batch("01_a")
    book.keep(batch, "김 민수", "abc", "source", GRADE)
    assert book.find(batch, "김 민수", "source") == (GRADE, "abc")
    assert book.find(batch, "김 민수", "changed") is None
    assert book.find(batch, "another", "source") is None
    assert book.find(book.batch("01_a", new=True), "김 민수", "source") is None


def test_a_failure_of_ours_is_tried_again(book):
    batch = book.batch("01_a")
    book.keep(batch, "a", "abc", "source", Grade(0.0, 9.0, (), "failed", "Ours."))
    assert book.find(batch, "a", "source") is None
    book.keep(batch, "a", "abc", "source", GRADE)
    assert [entry.grade for entry in book.entries()] == [GRADE]


def test_reference_runs_are_kept_for_batch_and_source(book):
    batch, cases = book.batch("01_a"), {"99.q1": {"cases": [{"kind": "nothing"}], "misunderstandings": []}}
    assert book.reference(batch, "x") is None
    book.keep_reference(batch, "x", cases)
    assert book.reference(batch, "x") == cases
    assert book.reference(batch, "y") is None
    assert book.reference(book.batch("01_a", new=True), "x") is None


def test_the_table_has_the_latest_grade_of_each(book, tmp_path):
    first = book.batch("01_a")
    for student in ("b", "a"):
        book.keep(first, student, "x", "s", GRADE)
    second = book.batch("01_a", new=True)
    book.keep(second, "a", "x", "s", Grade(9.0, 9.0, (), "graded", "All."))
    book.keep(book.batch("02_b"), "a", "x", "s", Grade(0.0, 3.0, (), "failed", "Ours."))
    table = rows(book, tmp_path / "grades.csv")
    assert tuple(table[0]) == COLUMNS
    found = [(row["student"], row["assignment"], row["score"], row["max_score"], row["status"]) for row in table]
    assert found == [
        ("a", "01_a", "9", "9", "graded"),
        ("b", "01_a", "1.5", "9", "graded"),
        ("a", "02_b", "", "3", "failed"),
    ]
    assert table[1]["message"] == "1 of 2 checks right. Cell 3 was moved."


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_the_table_is_a_formula(book, tmp_path, name):
    book.keep(book.batch("01_a"), name, "x", "s", Grade(1.0, 9.0, (), "graded", "=cmd()"))
    (row,) = rows(book, tmp_path / "grades.csv")
    assert row["student"] == f"'{name}".replace("\r", " ")
    assert row["message"] == "'=cmd()"


def test_names_of_all_kinds(book, tmp_path):
    names = ['a, "b"', "두 줄\n이름", "김 민수", "<b>", "'; drop table grades; --"]
    for name in names:
        book.keep(book.batch("01_a"), name, "x", "s", GRADE)
    assert {row["student"] for row in rows(book, tmp_path / "grades.csv")} == set(names)


def test_a_table_that_cannot_be_written_leaves_the_old_one(book, tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    book.export_csv(path)
    before = path.read_bytes()
    book.keep(book.batch("01_a"), "a", "x", "s", GRADE)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        book.export_csv(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".tmp")] == []


def test_kill_9_loses_no_grade_and_spoils_no_file(tmp_path):
    """A process that writes as fast as it can is killed; all that it said it had kept is there."""
    path = tmp_path / "gradebook.sqlite"
    code = f"""
        from pathlib import Path
        from coursekit.grading.gradebook import Gradebook
        from coursekit.grading.score import Grade
        book = Gradebook(Path({str(path)!r}))
        batch = book.batch("01_a")
        for number in range(100_000):
            book.keep(batch, f"student {{number}}", "x", "s", Grade(1.0, 9.0, (), "graded", "x" * 5000))
            print(number, flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    for _ in range(40):
        last = process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    last = (process.stdout.read().split() or [last])[-1]
    process.wait()
    process.stdout.close()
    book = Gradebook(path)
    kept = {entry.student for entry in book.entries()}
    assert {f"student {number}" for number in range(int(last) + 1)} <= kept
    assert len(kept) <= int(last) + 2
    book.keep(book.batch("01_a"), "one more", "x", "s", GRADE)
