"""Which of the student's cells reach the kernel, and what is said about it: every way of losing track of a cell."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from small_source import small_source, write_small_source

from coursekit.grading.assemble import assemble
from coursekit.grading.release import notebook_text, student_notebook
from coursekit.grading.source import read_source, student_source
from coursekit.grading.submission import read

ANSWERS = {
    "q1": "def slide(image, kernel):\n    return image",
    "q2": "size = 24",
    "q3": "def places(size, kernel):\n    return size - kernel + 1",
}


@pytest.fixture
def source(tmp_path):
    return read_source(write_small_source(tmp_path / "course"))


@pytest.fixture
def assembled(tmp_path, source):
    """Change the cells of a notebook that was worked on, hand it in, and assemble it."""

    def change_and_assemble(change):
        notebook = student_notebook(source)
        for cell in notebook.cells:
            cell.source = ANSWERS.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        notebook.cells = change(notebook.cells) or notebook.cells
        path = tmp_path / "student" / "99_small.ipynb"
        path.parent.mkdir()
        path.write_text(notebook_text(notebook), encoding="utf-8")
        result = assemble(source, read(path, source), 7)
        json.dumps(result.notebook)
        return result

    return change_and_assemble


def code(result):
    """Sources of the assembled code cells."""
    return [cell.source for cell in result.notebook.cells if cell.cell_type == "code"]


def at(cells, grade_id):
    return next(k for k, cell in enumerate(cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def untag(cells):
    """Lose all marks, as a conversion by some editors does."""
    for number, cell in enumerate(cells):
        cell.metadata.clear()
        cell.id = f"new-{number}"


def complete(result):
    """Whether the answers stand at their places, and nothing else of the student's."""
    found = code(result)
    return [found[1], found[3], found[5]] == list(ANSWERS.values()) and len(found) == 8


def test_answers_come_into_the_trusted_notebook(assembled, source):
    result = assembled(lambda cells: None)
    assert complete(result)
    assert (result.notes, result.untouched) == ((), frozenset())
    check = code(result)[2]
    assert check.startswith('from coursekit.check import check\ncheck("99.q1", ')
    assert 'check("99.q1.hidden"' in check
    assert result.notebook.metadata == source.notebook.metadata
    for cell in result.notebook.cells:
        assert "tags" not in cell.metadata
        assert cell.get("outputs", []) == []


def test_the_source_is_not_changed_by_assembling(assembled, source):
    before = notebook_text(source.notebook)
    assembled(lambda cells: None)
    assert notebook_text(source.notebook) == before


def test_nothing_else_of_the_students_is_used(assembled):
    def change(cells):
        for cell in cells:
            cell.metadata["tags"] = ["skip-execution", "nbval-skip", "raises-exception"]
            cell.metadata["mine"] = "mine"
            if cell.cell_type == "code":
                cell.outputs = [new_output("stream", name="stdout", text="mine")]
        cells[at(cells, "q1-check")].source = "mine"
        cells[at(cells, "setup")].source = "mine"
        cells[at(cells, "q2")].source = "# NBVAL_SKIP\n  #NBVAL_RAISES_EXCEPTION\nsize = 24  # mine"
        cells[0].source = "mine"

    result = assembled(change)
    assert notebook_text(result.notebook).count("mine") == 1
    assert "NBVAL" not in code(result)[3].replace("# not NBVAL", "")
    assert result.notes == ("Not used: your changes in cells 2, 5, given with the assignment.",)


def test_helper_cells_directly_above_an_answer_come_along(assembled):
    def change(cells):
        place = at(cells, "q3")
        cells.insert(place, new_code_cell("def helper():\n    return 1"))
        cells.insert(place + 1, new_markdown_cell("My thoughts."))
        cells.insert(place + 2, new_code_cell(""))
        cells.insert(place + 3, new_code_cell("# NBVAL_SKIP\nmore = 2"))
        cells.append(new_code_cell("scratch = 3"))

    result = assembled(change)
    assert code(result)[5:8] == ["def helper():\n    return 1", "# not NBVAL_SKIP\nmore = 2", ANSWERS["q3"]]
    helpers = [cell for cell in result.notebook.cells if cell.metadata.get("coursekit") == {"helps": "q3"}]
    assert [helper.source for helper in helpers] == code(result)[5:7]
    assert result.notes == (
        "Not used: your own code in cell 16. Own cells come along directly above an answer cell only.",
    )


def test_a_text_of_the_course_between_keeps_a_cell_from_helping(assembled):
    def change(cells):
        cells.insert(at(cells, "q3") - 1, new_code_cell("helper = 1"))

    result = assembled(change)
    assert complete(result)
    assert result.notes[0].startswith("Not used: your own code in cell 9.")


def test_a_deleted_answer_keeps_its_stub(assembled, source):
    result = assembled(lambda cells: cells.pop(at(cells, "q1")) and None)
    stub = next(student_source(cell.source) for cell in source.cells if cell.grade_id == "q1")
    assert code(result)[1] == stub
    assert result.notes == ("q1: there is no cell for it in the notebook, so nothing was handed in for it.",)
    assert result.untouched == {"q1"}


def test_deleted_given_and_check_cells_are_there_again(assembled):
    assert complete(
        assembled(lambda cells: [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")])
    )


def test_moved_answers_are_found(assembled):
    result = assembled(lambda cells: cells[::-1])
    assert complete(result)
    assert result.notes == ()


def test_of_copies_the_first_that_was_worked_on_counts(assembled, source):
    def change(cells):
        place = at(cells, "q1")
        stub = next(student_source(cell.source) for cell in source.cells if cell.grade_id == "q1")
        cells.insert(place, new_code_cell(stub, metadata=cells[place].metadata))
        later = "def slide(image, kernel):\n    return 2"
        cells.insert(place + 2, new_code_cell(later, metadata=cells[place].metadata))

    result = assembled(change)
    assert complete(result)
    assert result.notes == ("q1: cells 4, 5, 6 are copies of one; cell 5 counts.",)


def test_a_copy_that_was_made_a_helper_helps(assembled):
    def change(cells):
        place = at(cells, "q1")
        cells.insert(place, new_code_cell("def pad(image):\n    return image", metadata=cells[place].metadata))

    result = assembled(change)
    assert code(result)[1:3] == ["def pad(image):\n    return image", ANSWERS["q1"]]
    assert result.notes == ()


def test_without_grade_ids_the_cell_ids_tell(assembled):
    def change(cells):
        for cell in cells:
            cell.metadata.clear()

    result = assembled(change)
    assert complete(result)
    assert result.notes == ()


def test_without_any_marks_the_names_tell(assembled):
    result = assembled(untag)
    assert complete(result)
    assert result.notes == (
        "q1: its cell had lost its mark; cell 4 was taken for it.",
        "q2: its cell had lost its mark; cell 7 was taken for it.",
        "q3: its cell had lost its mark; cell 10 was taken for it.",
    )


def test_a_renamed_mark_is_as_good_as_none(assembled):
    def change(cells):
        cells[at(cells, "q2")].id = "x"
        cells[at(cells, "q2")].metadata["nbgrader"]["grade_id"] = "question-2"

    result = assembled(change)
    assert complete(result)
    assert len(result.notes) == 1


def test_of_several_without_marks_the_one_in_place_counts(assembled):
    def change(cells):
        untag(cells)
        cells.insert(0, new_code_cell("size = 1  # tried out"))
        cells.append(new_code_cell("size = 2"))

    result = assembled(change)
    assert complete(result)
    assert "q2: its cell had lost its mark; cell 8 was taken for it." in result.notes


def test_one_cell_for_two_questions_answers_both(assembled):
    def change(cells):
        cells[at(cells, "q1")].source += "\n\n\n" + ANSWERS["q3"]
        cells.pop(at(cells, "q3"))

    result = assembled(change)
    assert code(result)[1] == code(result)[5]
    assert result.notes == ("q3: its cell is not there; cell 4 was taken for it.",)


def test_an_answer_beside_an_untouched_stub_counts(assembled, source):
    def change(cells):
        place = at(cells, "q3")
        cells[place].source = next(student_source(cell.source) for cell in source.cells if cell.grade_id == "q3")
        cells.insert(place + 1, new_code_cell(ANSWERS["q3"]))

    result = assembled(change)
    assert complete(result)
    assert result.notes == ("q3: its cell is as it was handed out; cell 11 was taken for it.",)


def test_an_answer_that_was_split_is_taken_together(assembled):
    def change(cells):
        place = at(cells, "q3")
        cells[place].source = "def helper():\n    return 1"
        cells.insert(place + 1, new_code_cell(ANSWERS["q3"]))

    result = assembled(change)
    assert code(result)[5:7] == ["def helper():\n    return 1", ANSWERS["q3"]]
    assert result.notes == ("q3: its cell does not define places; cell 11 was taken for it.",)


def test_an_answer_under_another_name_stays_as_it_is(assembled):
    def change(cells):
        cells[at(cells, "q3")].source = "def spots(size, kernel):\n    return 1"

    result = assembled(change)
    assert code(result)[5] == "def spots(size, kernel):\n    return 1"
    assert result.notes == ("q3: cell 10 does not define places, which is asked for.",)
    assert result.untouched == frozenset()


def test_names_of_one_answer_in_two_cells_are_put_together(tmp_path):
    notebook = small_source()
    place = at(notebook.cells, "q2")
    notebook.cells[
        place
    ].source = "size = None\ncount = None\n### BEGIN SOLUTION\nsize = 24\ncount = 576\n### END SOLUTION"
    write_small_source(tmp_path).write_text(nbformat.writes(notebook))
    source = read_source(tmp_path / "solutions" / "99_small.ipynb")
    notebook.cells[place].source = "size = 24"
    notebook.cells[place + 1 : place + 1] = [new_markdown_cell("And the count:"), new_code_cell("count = size**2")]
    path = tmp_path / "kim.ipynb"
    path.write_text(nbformat.writes(notebook))
    result = assemble(source, read(path, source), 7)
    assert code(result)[3] == "size = 24\n\ncount = size**2"
    assert result.notes[0] == "q2: cells 7, 9 are parts of one answer, and were taken together."


def test_an_answer_that_was_made_text_counts(assembled):
    def change(cells):
        cell = cells[at(cells, "q2")]
        cells[at(cells, "q2")] = new_markdown_cell(cell.source, metadata=cell.metadata)

    result = assembled(change)
    assert complete(result)
    assert result.notes == ("q2: cell 7 is a text cell now; it was taken as code.",)


def test_code_that_does_not_parse_is_matched_too(assembled):
    def change(cells):
        untag(cells)
        cells[3].source = "def slide(image, kernel:\n    return (("

    result = assembled(change)
    assert code(result)[1] == "def slide(image, kernel:\n    return (("


def test_check_cells_without_marks_are_no_helpers(assembled):
    def change(cells):
        untag(cells)
        cells[4].source = 'x = 1\ncheck( "99.q1", 7)'
        del cells[5]  # now the check stands directly above an answer

    assert complete(assembled(change))


def test_a_notebook_without_a_cell_of_ours_is_all_stubs(assembled, source):
    result = assembled(lambda cells: [new_code_cell("x = 1"), new_markdown_cell("slide")])
    assert [student_source(cell.source) for cell in source.cells if cell.role == "answer"] == code(result)[1:6:2]
    assert len(result.notes) == 4
    assert result.untouched == {"q1", "q2", "q3"}


def test_hostile_lengths_take_no_time(assembled):
    def change(cells):
        untag(cells)
        for text in (
            " " * 190_000,
            "#" * 190_000,
            "a," * 90_000,
            "\n" * 190_000,
            "def slide(" * 19_000,
            "check(" * 30_000,
        ):
            cells.append(new_code_cell(text))
        cells.extend(new_code_cell("def slide():\n    " + "x" * 5000) for _ in range(1500))

    assert complete(assembled(change))
