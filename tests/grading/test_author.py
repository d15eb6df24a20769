"""The author's lint: a valid source passes, and each mistake is named; a new assignment begins without any."""

import nbformat
import pytest
from click.testing import CliRunner
from small_source import NAME, small_source, write_small_source

from coursekit.grading import author, reference
from coursekit.grading.author import findings
from coursekit.grading.author_commands import author_group, new_assignment_command
from coursekit.grading.release import SEED, is_up_to_date, release
from coursekit.grading.skeleton import new_assignment
from coursekit.misconceptions import maths as misconceptions

STATIC = {  # what is done to a cell -> what is said
    "tag": ("q1", lambda cell: cell.metadata.pop("tags"), "needs the tag nbval-ignore-output"),
    "unknown concept": (
        "q1-check",
        lambda cell: cell.metadata.coursekit.update(assesses=["math.none"]),
        "assesses names 'math.none', which the catalogue does not have",
    ),
    "no concept": ("q1-check", lambda cell: cell.metadata.coursekit.pop("assesses"), "assesses is empty"),
    "two hints": ("q1-check", lambda cell: cell.metadata.coursekit.update(hints=["a", "b"]), "it has 2 hints"),
    "empty hint": ("q1-check", lambda cell: cell.metadata.coursekit.update(hints=["a", " ", "c"]), "it has 3 hints"),
    "section": ("q1-check", lambda cell: cell.metadata.coursekit.pop("section"), "section is missing"),
    "expects": ("q1-check", lambda cell: cell.metadata.coursekit.pop("expects"), "expects is missing"),
    "compare": (
        "q1-check",
        lambda cell: cell.metadata.coursekit.update(compare={"kind": "colour"}),
        "compare.kind is 'colour': known are numbers",
    ),
    "hidden id": (
        "q3-hidden",
        lambda cell: cell.update(source=cell.source.replace("99.q3.hidden", "99.q3.more")),
        "check '99.q3.more' is hidden: end its id in .hidden",
    ),
    "public id": (
        "q3-check",
        lambda cell: cell.update(source=cell.source.replace("99.q3", "99.q4.hidden")),
        "check '99.q4.hidden' is public: hide it, or take .hidden off its id",
    ),
    "import": ("setup", lambda cell: cell.update(source="import numpy as np"), "no given cell imports check"),
}
VERDICTS = [
    "lambda rng: np.allclose(slide(image, kernel), expected)",
    "lambda rng: slide(image, kernel).shape == (3, 3)",
    "lambda rng: float(np.array_equal(a, b))",
    "lambda rng: [n > 3 for n in sizes]",
    "lambda rng: not broken",
    "lambda rng: (a < b) and (b < c)",
    "(a == b, c == d)",
    "True",
]
VALUES = [
    "lambda rng: slide(image, kernel)",
    "size",
    "lambda rng: [refuses(f, n) for n in sizes]",
    "3",
    "np.sum(a > b)",
]


@pytest.fixture
def no_kernel(monkeypatch):
    """Leave out what the solutions' own answers would show."""
    monkeypatch.setattr(author, "_value_findings", lambda source: iter(()))


def spoiled(tmp_path, change):
    notebook = small_source()
    change({cell.id: cell for cell in notebook.cells})
    path = write_small_source(tmp_path)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(("cell", "change", "said"), STATIC.values(), ids=STATIC)
def test_each_mistake_is_named(tmp_path, cell, change, said):
    [found] = findings(spoiled(tmp_path, lambda cells: change(cells[cell])))
    assert said in found


@pytest.mark.usefixtures("no_kernel")
def test_answers_without_checks_and_checks_without_answers(tmp_path):
    notebook = small_source()
    notebook.cells = [cell for cell in notebook.cells if cell.id not in ("q1", "q2-check", "q3-check", "q3-hidden")]
    path = write_small_source(tmp_path)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    assert findings(path) == [
        "cell 'q1-check': no answer cell stands above this check: it has nothing to ask about",
        "cell 'q2': no check cell follows this answer: add one below it",
        "cell 'q3': no check cell follows this answer: add one below it",
    ]


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("answer", VERDICTS)
def test_verdicts(tmp_path, answer):
    path = spoiled(tmp_path, lambda cells: cells["q1-check"].update(source=f'check("99.q1", {answer})'))
    assert findings(path) == [
        "cell 'q1-check': check '99.q1' sends a verdict, which could be guessed: send the values themselves"
    ]


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize("answer", VALUES)
def test_values_are_no_verdicts(tmp_path, answer):
    assert findings(spoiled(tmp_path, lambda cells: cells["q1-check"].update(source=f'check("99.q1", {answer})'))) == []


def test_a_source_that_cannot_be_read(tmp_path):
    path = spoiled(tmp_path, lambda cells: cells["q1"].update(source="slide = None"))
    [found] = findings(path)
    assert "needs a region" in found


def test_a_valid_source_has_no_findings(tmp_path):
    assert findings(write_small_source(tmp_path)) == []


@pytest.mark.slow
def test_what_only_running_shows(tmp_path):
    """Two runs show: answers that do not depend on the seed, booleans, and misunderstandings that are none."""

    def wrong(name, replace="slide"):
        return {"replace": replace, "by": name, "says": "x"}

    def change(cells):
        cells["q1-check"].source = 'check("99.q1", lambda rng: slide(np.eye(4), np.ones((2, 2))), cases=2)'
        cells["q1-check"].metadata.coursekit.misunderstandings = [
            wrong("coursekit.misconceptions.maths:window_sums"),
            wrong("coursekit.misconceptions.maths:no_such_function"),
            wrong("no_such_module:slide"),
            wrong("coursekit.misconceptions.maths:turned_kernel", replace="glide"),
        ]
        cells["q3-check"].source = 'check("99.q3", lambda rng: is_even(rng.integers(9)), cases=8)'
        cells["q3"].source += "\n\n\ndef is_even(n):\n    return n % 2 == 0"
        cells["q3-hidden"].metadata.coursekit.misunderstandings = [
            wrong("math:sqrt", replace="places"),
            wrong("coursekit.misconceptions.maths:steps", replace="places"),
            wrong("operator:sub", replace="places"),
        ]

    path = spoiled(tmp_path, change)
    found = findings(path)
    assert len(found) == 3, found  # what cannot be run ends it; the author mends that first
    assert (
        "misunderstanding 'coursekit.misconceptions.maths:no_such_function' cannot be imported: AttributeError"
        in found[0]
    )
    assert "misunderstanding 'no_such_module:slide' cannot be imported: ModuleNotFoundError" in found[1]
    assert (
        "misunderstanding 'coursekit.misconceptions.maths:turned_kernel' cannot replace 'glide': NameError" in found[2]
    )

    def mended(cells):
        change(cells)
        del cells["q1-check"].metadata.coursekit.misunderstandings[1:]

    path = spoiled(tmp_path, mended)
    assert findings(path) == [
        "cell 'q1-check': check '99.q1' does not depend on the seed: draw its inputs from rng, or mark its cell fixed",
        "cell 'q1-check': misunderstanding 'coursekit.misconceptions.maths:window_sums' gives the right answer: "
        "take it out, or ask so that it shows",
        "cell 'q3-check': check '99.q3' sends booleans alone, which could be guessed: send the values themselves",
        "cell 'q3-check': misunderstanding 'coursekit.misconceptions.maths:steps' gives the right answer: "
        "take it out, or ask so that it shows",
        "cell 'q3-hidden': misunderstanding 'math:sqrt' gives no value to compare with: "
        "math.sqrt() takes exactly one argument (2 given)",
        "cell 'q3-hidden': misunderstandings 'coursekit.misconceptions.maths:steps' and 'operator:sub' give the same: "
        "ask so that they differ, or keep one",
    ]


def test_the_right_function_is_put_back(tmp_path):
    """Each check after a misunderstanding is answered by the solution again."""

    def change(cells):
        cells["q3-hidden"].source = cells["q3-hidden"].source.replace("places(int(n), 3)", "float(slide(n, n))")
        cells["q3-hidden"].source = cells["q3-hidden"].source.replace("float(slide(n, n))", "int(n) + places(9, 2)")

    source = author.read_source(spoiled(tmp_path, change))
    answers = reference.run(source, SEED)
    assert answers.problems == []
    [item] = source.checks[-1].misunderstandings
    right = [case["value"] for case in answers.cases["99.q3.hidden"][0]["items"]]
    wrong = [case["value"] for case in answers.wrong["99.q3.hidden", item][0]["items"]]
    assert [n - misconceptions.places(9, 2) for n in right] == [n - misconceptions.steps(9, 2) for n in wrong]
    [first] = source.checks[0].misunderstandings
    assert answers.cases["99.q1"] != answers.wrong["99.q1", first]


def test_new_assignment_is_never_overwritten(tmp_path):
    arguments = ["07_my_topic", "--folder", str(tmp_path / "solutions")]
    made = CliRunner().invoke(new_assignment_command, arguments)
    path = tmp_path / "solutions" / "07_my_topic.ipynb"
    assert (made.exit_code, made.output) == (0, f"written: {path}\n")
    before = path.read_bytes()
    made = CliRunner().invoke(new_assignment_command, arguments)
    assert made.exit_code == 1
    assert "is there already, and is left as it is" in made.output
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["07_my_topic", pytest.param("98_no_chapter", marks=pytest.mark.slow)])
def test_new_assignment_passes_the_check(tmp_path, name):
    path = new_assignment(name, tmp_path / "solutions")
    checked = CliRunner().invoke(author_group, ["check", str(path)])
    assert (checked.exit_code, checked.output) == (0, f"{name}.ipynb: nothing found\n")


@pytest.mark.slow
def test_new_assignment_can_be_released(tmp_path):
    path = new_assignment("07_my_topic", tmp_path / "solutions")
    release(path, tmp_path / "assignments")
    assert is_up_to_date(path, tmp_path / "assignments") == []


def test_check_command_exits_with_1(tmp_path):
    path = spoiled(tmp_path, lambda cells: cells["q1"].update(source="slide = None"))
    checked = CliRunner().invoke(author_group, ["check", str(path)])
    assert checked.exit_code == 1
    assert checked.output.startswith(f"{NAME}.ipynb: cell 'q1': an answer cell needs a region")


@pytest.mark.parametrize("name", ["my_topic", "7_topic", "07_My topic", "07_../../x", "07_", ""])
def test_names_of_other_forms(tmp_path, name):
    with pytest.raises(ValueError, match="as in 07_my_topic"):
        new_assignment(name, tmp_path)
    made = CliRunner().invoke(new_assignment_command, [name, "--folder", str(tmp_path)])
    assert made.exit_code == 1
    assert not list(tmp_path.iterdir())
