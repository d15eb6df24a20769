"""What students hand in, whole or broken: read, or refused with a sentence; nothing makes the reader raise."""

import json
import os

import nbformat
import pytest
from small_source import write_small_source

from coursekit.grading import submission
from coursekit.grading.release import notebook_text, student_notebook
from coursekit.grading.source import read_source
from coursekit.grading.submission import Refusal, Submission, collect, printable, read


@pytest.fixture
def source(tmp_path):
    return read_source(write_small_source(tmp_path / "course"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "김 민수").mkdir()
    return tmp_path / "김 민수"


def hand_in(folder, source, name="99_small.ipynb", when=None, **changes):
    """Write the notebook as it was handed out, with changes to its JSON."""
    notebook = json.loads(notebook_text(student_notebook(source)))
    path = folder / name
    path.write_text(json.dumps(notebook | changes), encoding="utf-8")
    if when:
        os.utime(path, (when, when))
    return path


def test_a_notebook_is_read_cell_by_cell(folder, source):
    path = hand_in(folder, source)
    found = read(folder, source)
    assert isinstance(found, Submission)
    assert found == read(path, source)
    assert (found.student, found.notes) == ("김 민수", ())
    assert [cell.grade_id for cell in found.cells if cell.grade_id][1:4] == ["q1", "q1-check", "q2"]
    assert found.cells[3].kind == "code"
    assert found.cells[3].source.endswith("    ...  # YOUR CODE HERE")
    assert len(found.sha256) == 64


def test_of_several_notebooks_the_newest_counts_and_it_is_said(folder, source):
    hand_in(folder, source, "b.ipynb", when=2_000_000_000)
    hand_in(folder, source, "a.ipynb", when=1_900_000_000)
    (folder / "99_small.public.json").write_text("{}")
    (folder / ".hidden.ipynb").write_text("{}")
    (folder / ".ipynb_checkpoints").mkdir()
    hand_in(folder / ".ipynb_checkpoints", source, "b-checkpoint.ipynb")
    found = read(folder, source)
    assert found.name == "b.ipynb"
    assert found.notes == ("Of 2 notebooks in the folder the newest was taken, b.ipynb.",)


def test_the_newest_one_being_broken_is_said_with_the_choice(folder, source):
    hand_in(folder, source, "good.ipynb", when=1_500_000_000)
    (folder / "new.ipynb").write_text("{")
    reason = read(folder, source).reason
    assert "new.ipynb is damaged" in reason
    assert "Of 2 notebooks" in reason


def test_notebooks_of_another_assignment_are_passed_over(folder, source):
    other = {"coursekit": {"assignment": "02_other"}}
    hand_in(folder, source, "02_other.ipynb", when=2_000_000_000, metadata=other)
    assert read(folder, source).reason == "02_other.ipynb is of the assignment 02_other, not of 99_small."
    hand_in(folder, source, when=1_900_000_000)
    assert read(folder, source).name == "99_small.ipynb"


def test_each_assignment_has_its_own_newest_notebook(folder, source):
    hand_in(folder, source, when=1_900_000_000)
    (folder / "02_other.ipynb").write_text("{")  # newer, and broken
    found = collect(folder, source.assignment)
    assert [name for name, _ in found.files] == ["99_small.ipynb", "02_other.ipynb"]
    assert (found.count, found.time) == (1, 1_900_000_000)
    assert read(folder, source).notes == ()
    hand_in(folder, source, "newer.ipynb", when=1_950_000_000)
    assert read(folder, source).notes == ("Of 2 notebooks in the folder the newest was taken, newer.ipynb.",)


def test_a_notebook_that_is_named_wrongly_counts_where_there_is_no_other(folder, source):
    hand_in(folder, source, "02_other.ipynb")
    assert read(folder, source).name == "02_other.ipynb"


def test_what_only_a_run_would_need_may_be_missing_or_broken(folder, source):
    cells = [{"cell_type": "code", "source": ["x = 1\n", "y = 2"], "outputs": 7, "metadata": [], "id": 3}]
    hand_in(folder, source, cells=cells, metadata=None, nbformat=4, nbformat_minor="?")
    (cell,) = read(folder, source).cells
    assert (cell.source, cell.id, cell.grade_id) == ("x = 1\ny = 2", None, None)


def test_a_notebook_in_the_old_format_is_brought_up_to_date(folder, source):
    old = nbformat.convert(student_notebook(source), 3)
    (folder / "old.ipynb").write_text(json.dumps(old))
    found = read(folder, source)
    assert [cell.grade_id for cell in found.cells if cell.grade_id][1] == "q1"
    assert "def slide" in found.cells[3].source


BROKEN = {
    "empty": (b"", "is empty: open it"),
    "blank": (b" \n ", "is empty: open it"),
    "binary": (b"\x89PNG\r\n\x1a\n\xff", "does not hold text"),
    "cut off": (b'{"cells": [\n{"cell_type": "co', "no JSON from line 2, column 15 on"),
    "not a notebook": (b'{"a": 1}', "it has no cells"),
    "a list": (b"[]", "it has no cells"),
    "no cells": (b'{"cells": [], "nbformat": 4}', "has no cells: open it"),
    "cells of another kind": (b'{"cells": {"a": 1}, "nbformat": 4}', "it has no cells"),
    "a cell that is none": (b'{"cells": [7], "nbformat": 4}', "cell 1 has no text"),
    "a source that is none": (
        b'{"cells": [{"cell_type": "code", "source": [1]}], "nbformat": 4}',
        "cell 1 has no text",
    ),
    "half a character": (
        rb'{"cells": [{"cell_type": "code", "source": "\ud800"}], "nbformat": 4}',
        "characters that are no text",
    ),
    "the format of the future": (b'{"cells": [1], "nbformat": 5}', "format that is not known"),
    "a format that is none": (b'{"cells": [1], "nbformat": true}', "format that is not known"),
    "nested": (b"[" * 200_000, "nested too deeply"),
    "nested cells": (b'{"cells": [' + b"[" * 200_000, "nested too deeply"),
    "an endless number": (b'{"cells": ' + b"1" * 5000 + b"}", "endless number"),
    "a broken old one": (b'{"worksheets": [{"cells": [{}]}], "nbformat": 3}', "cannot be brought up to date"),
    "a broken older one": (b'{"cells": [3], "nbformat": 2}', "cannot be brought up to date"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_notebook_is_refused_with_a_sentence(folder, source, case):
    content, says = BROKEN[case]
    (folder / "hw.ipynb").write_bytes(content)
    refusal = read(folder, source)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith("hw.ipynb ") or "of hw.ipynb" in refusal.reason
    assert says in refusal.reason
    assert refusal.reason.endswith(".")
    assert len(refusal.sha256) == 64


def test_sizes_are_bounded(folder, source, monkeypatch):
    cell = {"cell_type": "code", "source": "x"}
    hand_in(folder, source, cells=[cell] * 2001)
    assert "2,001 cells, more than 2,000" in read(folder, source).reason
    hand_in(folder, source, cells=[cell, {"cell_type": "code", "source": "x" * 200_001}])
    assert "Cell 2 of 99_small.ipynb is too long (200,001 characters)" in read(folder, source).reason
    monkeypatch.setattr(submission, "MAX_BYTES", 1000)
    assert "is too big" in read(folder, source).reason


def test_nothing_handed_in(folder, source):
    assert read(folder, source).reason.endswith("there is none in the folder, it is empty.")
    (folder / "hw.py").touch()
    assert read(folder, source).reason.endswith("it holds hw.py.")
    (folder / "assignments").mkdir()
    hand_in(folder / "assignments", source)
    assert "one lies deeper, assignments/99_small.ipynb; move it up" in read(folder, source).reason


def test_links_and_what_is_no_file_are_refused(tmp_path, folder, source):
    hand_in(tmp_path, source, "neighbour.ipynb")
    link = folder / "hw.ipynb"
    link.symlink_to(tmp_path / "neighbour.ipynb")
    assert "link that leads out of the folder" in read(folder, source).reason
    link.unlink()
    link.symlink_to("nowhere.ipynb")
    assert "points to nothing" in read(folder, source).reason
    link.unlink()
    link.mkdir()
    assert "is not a file" in read(folder, source).reason or "cannot be read" in read(folder, source).reason
    link.rmdir()
    os.mkfifo(link)
    assert "is not a file" in read(folder, source).reason


def test_a_file_that_may_not_be_read_is_refused(folder, source, monkeypatch):
    hand_in(folder, source)

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(submission.os, "open", refuse)  # root may read everything
    assert read(folder, source).reason == "The notebook cannot be read (Permission denied): hand it in again."


def test_names_are_made_printable():
    assert printable("이름 1") == "이름 1"
    assert printable("a\x1b[2J\nb") == "a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b"
    assert printable(os.fsdecode(b"caf\xe9")) == "caf\\udce9"
    assert len(printable("x" * 500)) == 120


def test_no_two_folders_are_one_student():
    names = ["a", "a\n", "a\t", "a\u202e", "a\udcff", "x" * 200, "x" * 201, "é", "e\u0301", "<b>", "a~0123456789ab"]
    names += [submission.student_id("a\n")]  # who is called as another one is named
    ids = [submission.student_id(name) for name in names]
    assert len(set(ids)) == len(names)
    assert ids[0] == "a"
    assert all(id.isprintable() and len(id) < 120 for id in ids)
