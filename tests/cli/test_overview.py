"""`coursekit progress`: what was run, solved and passed in the whole course, and what comes next."""

import json

import pytest
from click.testing import CliRunner

from coursekit import drills, workspace
from coursekit.cli import cli
from coursekit.overview import look, table
from coursekit.practice import progress as kept

ONE, TWO, THREE = "01_convolution_maths", "02_convolutional_layer", "03_pooling_and_fully_connected"
DRILLS = {"01": {}, "02": {"corner": None, "places": None}, "03": {}}


def notebook(*ids, run=(), **metadata):
    cells = [{"cell_type": "markdown", "id": "title", "source": "# 1", "metadata": {}}]
    for id in ids:
        cells.append({"cell_type": "code", "id": id, "source": "1", "execution_count": 1 if id in run else None})
    return json.dumps({"cells": cells, "metadata": {"coursekit": metadata}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(drills, "chapter", lambda number: DRILLS[number])
    for name in (ONE, TWO, THREE):
        write(tmp_path / "notebooks" / f"{name}.ipynb", notebook("a", "b", "c", run=("a", "b", "c")))
    told = {"chapter": TWO, "title": "Assignment 1: the layer"}
    write(tmp_path / "assignments" / "01_the_layer.ipynb", notebook("q", **told))
    values = {"checks": {"01.q1": {"points": 6}, "01.q2": {"points": 2.5}}}
    write(tmp_path / "assignments" / "01_the_layer.public.json", json.dumps(values))
    workspace.copy_notebooks(tmp_path)
    return tmp_path


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def mine(root, name, *ids, run):
    write(root / "my" / f"{name}.ipynb", notebook(*ids, run=run))


def passed(folder, *ids):
    for id in ids:
        kept.update(folder, id, lambda tried: kept.add_try(tried, "correct", "x"))


def test_a_fresh_workspace(root):
    overview = look(root)
    assert [(one.number, one.run, one.cells, dict(one.drills)) for one in overview.chapters] == [
        (1, 0, 3, {}),
        (2, 0, 3, {"c02.corner": False, "c02.places": False}),
        (3, 0, 3, {}),
    ]
    assert overview.next() == "Begin with chapter 1, Convolution maths."


def test_before_there_is_a_workspace(root):
    (root / "my").rename(root / "elsewhere")
    assert look(root).next() == "Begin with chapter 1, Convolution maths."
    assert not (root / "my").exists()


def test_from_the_first_cell_to_the_last(root):
    mine(root, ONE, "a", "b", "c", run=("a",))
    assert look(root).next() == "Go on in chapter 1, Convolution maths: 2 of its cells have not been run."
    mine(root, ONE, "a", "b", "c", run=("a", "b", "c"))
    assert look(root).next() == "Open chapter 2, The convolutional layer."
    mine(root, TWO, "a", "b", "c", run=("a", "b", "c"))
    passed(root / "my", "c02.corner")
    assert look(root).next() == "Solve what is left of chapter 2, The convolutional layer: c02.places."
    passed(root / "my", "c02.places")
    assert look(root).next() == "Try assignment 1: my/assignments holds it."
    passed(root / "my/assignments", "01.q1")
    assert look(root).next() == "Go on with assignment 1: my/assignments holds it."
    passed(root / "my/assignments", "01.q2")
    assert look(root).next() == "Open chapter 3, Pooling and fully connected layers."
    mine(root, THREE, "a", "b", "c", run=("a", "b", "c"))
    assert look(root).next() == "That is all there is so far. Well done."


def test_who_begins_in_the_middle_goes_on_there(root):
    mine(root, TWO, "a", "b", "c", run=("b",))
    assert look(root).next().startswith("Go on in chapter 2")


def test_own_and_deleted_cells_do_not_count(root):
    mine(root, ONE, "a", "c", "my-own", run=("a", "my-own"))
    assert (look(root).chapters[0].run, look(root).chapters[0].cells) == (1, 2)


def test_a_reset_takes_nothing_away(root):
    mine(root, ONE, "a", "b", "c", run=("a", "b"))
    workspace.reset(root, ONE)
    write(root / "my" / f"{ONE}_notes.ipynb", notebook("a", "b", "c", run=("c",)))  # not a copy of ours
    assert look(root).chapters[0].run == 2


def test_an_update_of_the_course_takes_nothing_away(root):
    """A check that has been renamed or removed stays in the file, and is no longer asked for."""
    passed(root / "my", "c02.corner", "c02.of_an_older_edition")
    passed(root / "my/assignments", "01.q1", "01.q9")
    overview = look(root)
    assert overview.others == 2
    assert (overview.assignments[0].points, overview.assignments[0].of) == (6, 8.5)
    (root / "notebooks" / f"{ONE}.ipynb").unlink()
    write(root / "notebooks" / f"{TWO}.ipynb", notebook("a", "new", "c"))
    assert [one.number for one in look(root).chapters] == [2, 3]
    assert (look(root).chapters[0].cells, look(root).chapters[0].drills["c02.corner"]) == (2, True)


def test_the_table(root):
    mine(root, TWO, "a", "b", "c", run=("b",))
    passed(root / "my", "c02.corner", "c02.gone")
    passed(root / "my/assignments", "01.q1")
    assert table(look(root)).splitlines() == [
        "chapter                                    cells run    drills passed",
        " 1  Convolution maths                         0 of 3                -",
        " 2  The convolutional layer                   1 of 3           1 of 2   left: c02.places",
        " 3  Pooling and fully connected layers        0 of 3                -",
        "",
        "assignment                                    points    checks passed",
        " 1  The layer                               6 of 8.5           1 of 2",
        "",
        "Checks of other editions of the course, kept as they are: 1.",
        "",
        "Go on in chapter 2, The convolutional layer: 2 of its cells have not been run.",
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 5}', '{"cells": [5, {"cell_type": "code"}]}'])
def test_a_damaged_notebook_counts_as_not_run(root, content):
    write(root / "my" / f"{ONE}.ipynb", content)
    overview = look(root)
    assert (overview.chapters[0].run, overview.chapters[0].cells) == (0, 3)
    assert overview.next() == "Begin with chapter 1, Convolution maths."


@pytest.mark.parametrize(
    ("content", "words"), [("{", "is damaged: delete it"), ('{"version": 9, "checks": {}}', "by a later version")]
)
def test_the_command_names_what_it_cannot_read_and_goes_on(root, monkeypatch, content, words):
    monkeypatch.setattr(workspace, "course_root", lambda: root)
    assert CliRunner().invoke(cli, ["progress"]).exit_code == 0
    write(root / "my" / kept.FILE, content)
    ended = CliRunner().invoke(cli, ["progress"])
    assert ended.exit_code == 1
    assert words in ended.stderr
    assert ended.stdout.endswith("Begin with chapter 1, Convolution maths.\n")
    assert (root / "my" / kept.FILE).read_text() == content
    named = CliRunner().invoke(cli, ["progress", str(root / "my")])
    assert (named.exit_code, words in named.stderr) == (1, True)


def test_with_a_folder_the_checks_one_by_one(root, monkeypatch):
    passed(root / "my/assignments", "01.q1")
    ended = CliRunner().invoke(cli, ["progress", str(root / "my/assignments")])
    assert ended.stdout.splitlines()[1].startswith("01.q1      1  yes")


def test_the_package_alone_has_no_course(tmp_path, monkeypatch):
    def none():
        raise workspace.WorkspaceError("there are no chapters")

    monkeypatch.setattr(workspace, "course_root", none)
    ended = CliRunner().invoke(cli, ["progress"])
    assert ended.exit_code == 1
    assert "or name a folder: coursekit progress FOLDER." in ended.stderr
