"""Points for what a kernel sent: right values alone win them, whatever else the messages claim or are."""

import dataclasses

import pytest
from small_source import CHECKS, POINTS, small_source, write_small_source

from coursekit.grading.execute import CellRun
from coursekit.grading.reference import Reference
from coursekit.grading.score import LOST, Grade, expectations, score, without_checks
from coursekit.grading.source import Misunderstanding, read_source


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return read_source(write_small_source(tmp_path_factory.mktemp("course")))


def number(value):
    return {"kind": "number", "type": "float", "value": value}


@pytest.fixture
def reference(source):
    """Each check expects 1, 2, … in its cases; the first misunderstanding of the first check gives 0 in all."""
    cases = {check.id: [number(float(k + 1)) for k in range(check.cases)] for check in source.checks}
    first = source.checks[0]
    wrong = {(first.id, first.misunderstandings[0]): [number(0.0)] * first.cases}
    return expectations(source, Reference(cases, wrong))


def message(id, cases):
    return {"version": 1, "id": id, "cases": cases}


@pytest.fixture
def runs(source, reference):
    """A run in which all is right."""
    cells = [cell for cell in source.cells if cell.role == "check"]
    return [
        CellRun(cell.index, "ran", [message(check.id, reference[check.id]["cases"]) for check in cell.checks])
        for cell in cells
    ]


def outcomes(grade):
    return {result.id: result.outcome for result in grade.checks}


def test_all_right(source, runs, reference):
    grade = score(source, runs, reference)
    assert (grade.points, grade.max_points, grade.status) == (POINTS, POINTS, "graded")
    assert grade.message == "5 of 5 checks right."
    assert tuple(result.id for result in grade.checks) == CHECKS
    assert [result.points for result in grade.checks] == [2, 2, 1, 2, 2]


def test_wrong_and_missing_values(source, runs, reference):
    runs[0].messages[0]["cases"] = [number(1.0), number(2.0), number(4.0)]
    runs[1].messages[0]["cases"] = [{"kind": "nothing"}]
    runs[2].messages.clear()
    grade = score(source, runs, reference)
    assert (grade.points, grade.status) == (4, "graded")
    assert list(outcomes(grade).values()) == ["wrong", "correct", "nothing", "missing", "correct"]
    assert grade.message == "2 of 5 checks right, 1 not attempted, 1 without an answer."


def test_a_known_misunderstanding_is_named(source, runs, reference):
    runs[0].messages[0]["cases"] = [number(0.0)] * 3
    assert score(source, runs, reference).checks[0].reason.endswith("This is what turned_kernel gives.")
    runs[0].messages[0]["cases"][2] = number(0.5)
    assert score(source, runs, reference).checks[0].reason == "It gives other values than expected, or an error."


def test_wrong_values_of_a_stub_are_not_attempted(source, runs, reference):
    for run in runs:
        for sent in run.messages:
            sent["cases"] = [number(-1.0)] * len(sent["cases"])
    grade = score(source, runs, reference, untouched={"q1", "q3"})
    assert list(outcomes(grade).values()) == ["nothing", "nothing", "wrong", "nothing", "nothing"]


DISTORTIONS = {
    "twice": lambda sent: [sent, sent],
    "right and wrong": lambda sent: [sent, {**sent, "cases": []}],
    "another version": lambda sent: [{**sent, "version": 2}],
    "too few cases": lambda sent: [{**sent, "cases": sent["cases"][:-1]}],
    "too many cases": lambda sent: [{**sent, "cases": sent["cases"] * 2}],
    "no cases": lambda sent: [{"version": 1, "id": sent["id"]}],
    "cases of another kind": lambda sent: [{**sent, "cases": "abc"}],
    "cases that are none": lambda sent: [{**sent, "cases": [None] * len(sent["cases"])}],
    "cases without a kind": lambda sent: [{**sent, "cases": [{}] * len(sent["cases"])}],
    "values of another kind": lambda sent: [{**sent, "cases": [{"kind": "number", "value": []}] * len(sent["cases"])}],
    "an id of another kind": lambda sent: [{**sent, "id": [sent["id"]]}],
    "an unknown id": lambda sent: [{**sent, "id": "99.q9"}],
    "a verdict": lambda sent: [{"version": 1, "id": sent["id"], "cases": [{"kind": "correct"}] * len(sent["cases"])}],
}


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_only_one_well_formed_message_wins_points(source, runs, reference, distortion):
    changed = [
        dataclasses.replace(run, messages=[new for sent in run.messages for new in DISTORTIONS[distortion](sent)])
        for run in runs
    ]
    grade = score(source, changed, reference)
    assert (grade.points, grade.max_points) == (0, POINTS)
    assert all(result.reason.endswith(".") for result in grade.checks)


def test_messages_count_in_their_own_cell_only(source, runs, reference):
    moved = [dataclasses.replace(run, messages=runs[k - 1].messages) for k, run in enumerate(runs)]
    assert score(source, moved, reference).points == 0
    everywhere = [sent for run in runs for sent in run.messages]
    extra = [dataclasses.replace(run, messages=everywhere) for run in runs]
    assert score(source, extra, reference).points == POINTS  # what does not belong there is passed over


@pytest.mark.parametrize("status", LOST)
def test_a_check_that_did_not_run_to_its_end_is_0(source, runs, reference, status):
    runs[2] = dataclasses.replace(runs[2], status=status)
    grade = score(source, runs, reference)
    assert (grade.points, grade.status) == (POINTS - 2, "partial")
    assert grade.checks[3].reason == LOST[status]
    assert grade.message == f"4 of 5 checks right, 1 could not run to the end; the first is 99.q3. {LOST[status]}"


@pytest.mark.parametrize("status", ["timeout", "dead"])
def test_what_a_cell_sent_before_it_was_lost_counts(source, runs, reference, status):
    runs[0] = dataclasses.replace(runs[0], status=status, messages=runs[0].messages[:1])
    assert list(outcomes(score(source, runs, reference)).values())[:2] == ["correct", "missing"]
    runs[0] = dataclasses.replace(runs[0], status="rubbish")
    assert list(outcomes(score(source, runs, reference)).values())[:2] == ["missing", "missing"]


def test_a_cell_that_raised_after_its_message_is_right(source, runs, reference):
    runs[2] = dataclasses.replace(runs[2], status="error")
    assert score(source, runs, reference).points == POINTS


def test_every_check_cell_must_be_accounted_for(source, runs, reference):
    with pytest.raises(AssertionError, match="4 check cells, but 3"):
        score(source, runs[:-1], reference)


def test_thirds_come_out_whole(tmp_path):
    notebook = small_source()
    cell = next(cell for cell in notebook.cells if cell.id == "q1-check")
    cell.source += '\ncheck("99.q1.more", lambda rng: slide(rng.normal(size=(4, 5)), rng.normal(size=(2, 3))))'
    cell.metadata.nbgrader.points = 1
    path = write_small_source(tmp_path)
    import nbformat

    nbformat.write(notebook, path)
    source = read_source(path)
    reference = {check.id: {"cases": [number(1.0)] * check.cases, "misunderstandings": []} for check in source.checks}
    cells = [cell for cell in source.cells if cell.role == "check"]
    runs = [
        CellRun(cell.index, "ran", [message(check.id, [number(1.0)] * check.cases) for check in cell.checks])
        for cell in cells
    ]
    assert score(source, runs, reference).points == source.points == 6


def test_grades_without_checks_and_with_notes(source):
    grade = without_checks(source, "refused", "Empty.")
    assert grade == Grade(0.0, POINTS, (), "refused", "Empty.")
    assert grade.with_notes(["a"]).with_notes(["b"]).notes == ("a", "b")


def test_misunderstandings_without_a_run_are_left_out(source):
    check = source.checks[0]
    made = expectations(source, Reference({check.id: [] for check in source.checks}, {}))
    assert made[check.id] == {"cases": [], "misunderstandings": []}
    assert isinstance(check.misunderstandings[0], Misunderstanding)
