"""Source notebooks: what is read from them, and what is said of those that cannot be graded."""

import nbformat
import pytest
from small_source import CHECKS, COUNT_HIDDEN, NAME, POINTS, SIZE, SLIDE, small_source, write_small_source

from coursekit.grading.source import (
    STUB,
    Misunderstanding,
    SourceError,
    read_source,
    regions,
    solution_source,
    student_source,
)

SPOILED = {  # what is done to a cell's metadata or source -> what is said
    "points zero": ("q1-check", {"points": 0}, "points, a number above 0, not 0"),
    "points missing": ("q1-check", {"points": None}, "points, a number above 0, not None"),
    "points true": ("q1-check", {"points": True}, "points, a number above 0, not True"),
    "points nan": ("q1-check", {"points": float("nan")}, "points, a number above 0, not nan"),
    "old schema": ("q1-check", {"schema_version": 2}, "needs schema_version 3"),
    "flag missing": ("q1", {"locked": None}, "needs locked, true or false"),
    "extra key": ("q1", {"weight": 3}, "schema 3 has no weight"),
    "a space in the grade_id": ("q1", {"grade_id": "q 1"}, "grade_id 'q 1' has to be made of letters"),
    "grade_id twice": ("q2", {"grade_id": "q1"}, "grade_id 'q1' stands twice"),
    "check cell open": ("q1-check", {"locked": False}, "a check cell has to be locked"),
    "answer cell locked": ("q1", {"locked": True}, "an answer cell cannot be locked"),
    "both": ("q1", {"grade": True}, "grade and solution are both true"),
    "task": ("setup", {"task": True}, "task cells cannot be graded here"),
    "cell type": ("q1", {"cell_type": "markdown"}, "calls it 'markdown', it is a code cell"),
    "no region": ("q1", "def slide(): ...", "an answer cell needs a region"),
    "region in given": ("setup", SIZE, "solution region but is no answer cell"),
    "hidden in given": ("setup", COUNT_HIDDEN, "hidden tests belong into a check cell"),
    "open region": ("q1", "### BEGIN SOLUTION", "is never closed: put ### END SOLUTION below it"),
    "nested": ("q1", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "inside the region that line 1"),
    "end alone": ("q1", "### END SOLUTION", "closes nothing: put ### BEGIN SOLUTION above it"),
    "no check": ("q1-check", "slide", "a check cell needs a call such as"),
    "magic": ("q1-check", "%timeit slide", "it is not plain Python"),
    "check in a loop": ("q1-check", 'for _ in "ab":\n    check("99.a", size)', "has to be a statement of its own"),
    "id computed": ("q1-check", "check(name, size)", "with the id spelled out"),
    "answer missing": ("q1-check", 'check("99.q1")', "with the id spelled out"),
    "cases computed": ("q1-check", 'check("99.q1", size, cases=n)', "cases has to be spelled out"),
    "other keyword": ("q1-check", 'check("99.q1", size, seed=3)', "check takes cases and images alone, not seed"),
    "number of another file": ("q1-check", 'check("98.q1", size)', "has to begin with '99.', as in '99.q1'"),
    "id twice": ("q1-check", 'check("99.q2", size)', "check '99.q2' stands in cell 'q1-check' too"),
    "fixed function": ("q2-check", 'check("99.q2", lambda rng: size)', "pass it the entered value alone"),
    "fixed cases": ("q2-check", 'check("99.q2", size, cases=2)', "pass it the entered value alone"),
}
ABOUT = {
    "unknown": ({"hint": []}, "metadata has hint; known are"),
    "hints": ({"hints": [1, 2, 3]}, "needs hints to be a list of three hints, each a text"),
    "section": ({"section": 1.1}, "needs section to be the section"),
    "fixed": ({"fixed": "yes"}, "needs fixed to be true or false"),
    "digits": ({"fixed": True}, "compare needs digits"),
    "compare": ({"compare": "numbers"}, "needs compare to be a table"),
    "misunderstanding": ({"misunderstandings": [{"by": "a:b"}]}, "needs replace, by and says, all texts"),
    "by": ({"misunderstandings": [{"replace": "slide", "by": "wrong", "says": "x"}]}, "'slide' by 'wrong'"),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return read_source(write_small_source(tmp_path_factory.mktemp("course")))


def spoiled(tmp_path, change):
    """The path of a small source that was changed."""
    notebook = small_source()
    change(notebook, {cell.id: cell for cell in notebook.cells})
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path


def findings(path):
    with pytest.raises(SourceError) as error:
        read_source(path)
    assert str(error.value) == "\n".join(error.value.findings)
    return error.value.findings


def test_notebook(source):
    assert (source.assignment, source.title) == (NAME, "A small assignment")
    assert (source.packages, source.modules) == (("numpy",), ("coursekit.check",))
    assert source.points == POINTS == sum(check.points for check in source.checks)


def test_roles(source):
    roles = {cell.id: cell.role for cell in source.cells}
    assert [id for id, role in roles.items() if role == "answer"] == ["q1", "q2", "q3"]
    assert [id for id, role in roles.items() if role == "check"] == ["q1-check", "q2-check", "q3-check", "q3-hidden"]
    assert [cell.index for cell in source.cells] == list(range(len(source.notebook.cells)))


def test_checks(source):
    assert tuple(check.id for check in source.checks) == CHECKS
    assert [check.cases for check in source.checks] == [3, 2, 1, 4, 1]
    assert [check.points for check in source.checks] == [2, 2, 1, 2, 2]
    assert [check.hidden for check in source.checks] == [False, True, False, False, True]
    assert [check.fixed for check in source.checks] == [False, False, True, False, False]
    first = source.checks[0]
    wrong = Misunderstanding(
        "slide", "coursekit.misconceptions.maths:turned_kernel", "This is what turned_kernel gives."
    )
    assert first.misunderstandings == (wrong,)
    assert first.how["rtol"] == 1e-5
    assert len(first.hints) == 3
    assert first.section == "1.1 A kernel slides"


def test_answers_of_a_question(source):
    names = {c.id: [answer.id for answer in source.answers_of(c)] for c in source.cells if c.role == "check"}
    assert names == {"q1-check": ["q1"], "q2-check": ["q2"], "q3-check": ["q3"], "q3-hidden": ["q3"]}


@pytest.mark.parametrize(("cell", "change", "said"), SPOILED.values(), ids=SPOILED)
def test_findings_name_the_cell_and_the_remedy(tmp_path, cell, change, said):
    def apply(_, cells):
        if isinstance(change, str):
            cells[cell].source = change
        for key, value in change.items() if isinstance(change, dict) else ():
            if value is None:
                del cells[cell].metadata.nbgrader[key]
            else:
                cells[cell].metadata.nbgrader[key] = value

    found = findings(spoiled(tmp_path, apply))
    assert any(said in finding for finding in found), found
    assert all(finding.startswith("cell ") for finding in found)


@pytest.mark.parametrize(("about", "said"), ABOUT.values(), ids=ABOUT)
def test_findings_about_our_metadata(tmp_path, about, said):
    path = spoiled(tmp_path, lambda _, cells: cells["q1-check"].metadata.coursekit.update(about))
    found = findings(path)
    assert said in found[0]
    assert "cell 'q1-check'" in found[0]


def test_all_findings_are_collected(tmp_path):
    def change(notebook, cells):
        notebook.metadata.coursekit = {"assignment": "other"}
        cells["q1"].source = "slide = None"
        cells["q3-check"].metadata.nbgrader.points = -1

    found = findings(spoiled(tmp_path, change))
    assert len(found) == 7
    assert "coursekit.assignment to be '99_small'" in found[0]
    assert "coursekit.allow.packages" in found[3]


@pytest.mark.parametrize("limits", [{"cell": 0}, {"cell": "120"}, {"memory": 4}, {"total": True}, [120]])
def test_limits_are_seconds(tmp_path, limits):
    path = spoiled(tmp_path, lambda notebook, _: notebook.metadata.coursekit.update(limits=limits))
    assert findings(path) == ('notebook: its coursekit.limits have to be seconds, such as {"cell": 120, "total": 600}',)


def test_no_notebook(tmp_path):
    path = tmp_path / "99_small.ipynb"
    assert "no such file" in findings(path)[0]
    for content in ("", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', '{"nbformat": 3}'):
        path.write_text(content)
        assert "is not a Jupyter notebook of format 4" in findings(path)[0]


def test_metadata_of_another_kind(tmp_path):
    def change(notebook, cells):
        notebook.metadata.coursekit = []
        cells["setup"].metadata.nbgrader = "locked"
        cells["q1-check"].metadata.coursekit = 3

    found = findings(spoiled(tmp_path, change))
    assert "cell 2: its nbgrader metadata has to be a table" in found
    assert "cell 'q1-check': its coursekit metadata has to be a table" in found


@pytest.mark.filterwarnings("ignore")  # nbformat's own, about the ids
def test_cells_need_ids(tmp_path):
    def change(notebook, cells):
        notebook.nbformat_minor = 4
        for cell in notebook.cells:
            del cell["id"]

    assert findings(spoiled(tmp_path, change)) == (
        "notebook: each cell needs an id of its own: save it in notebook format 4.5",
    )


def test_file_needs_a_number(tmp_path):
    path = write_small_source(tmp_path)
    assert "two digits, _ and words" in findings(path.rename(path.with_name("small.ipynb")))[0]


def test_nothing_to_grade(tmp_path):
    path = spoiled(tmp_path, lambda notebook, _: notebook.update(cells=notebook.cells[:2]))
    assert findings(path) == ("notebook: it has no check cell, so there is nothing to grade",)


def test_points_that_do_not_divide(tmp_path):
    def change(_, cells):
        cells["q1-check"].metadata.nbgrader.points = 5

    source = read_source(spoiled(tmp_path, change))
    assert [check.points for check in source.checks[:2]] == [2.5, 2.5]


def test_student_source():
    version = student_source(SLIDE).split("\n")
    assert version == [*SLIDE.split("\n")[:2], f"    {STUB}"]
    assert student_source(SIZE) == f"size = None\n{STUB}"
    assert student_source(COUNT_HIDDEN) == ""
    assert student_source("x = 1\n") == "x = 1\n"


def test_several_regions():
    text = (
        "a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nif c:\n    ### BEGIN SOLUTION\n    d\n    e\n    ### END SOLUTION"
    )
    assert student_source(text) == f"a\n{STUB}\nif c:\n    {STUB}"
    assert solution_source(text) == "b\nd\ne"
    assert [(region.kind, region.first, region.last) for region in regions(text)] == [
        ("solution", 1, 3),
        ("solution", 5, 8),
    ]
