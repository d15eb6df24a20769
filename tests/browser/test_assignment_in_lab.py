"""The learner's path through an assignment in a real browser: answer wrong, read why, take a hint, pass."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOK_PATH = "assignments/01_convolution_maths.ipynb"
STUB = "...  # YOUR CODE HERE"
TURNED = "return np.convolve(w[::-1], x)"
RIGHT = "return np.convolve(x, w)"


def answer(notebook, line: str):
    """Put this line in the place of the stub, run it and the check below; give the check's cell."""
    cell = notebook.show("q4")
    source = notebook.source()
    old = STUB if STUB in source else source.splitlines()[-1].strip()
    notebook.retype(cell, source.replace(old, line))
    check = notebook.show("q4-check")
    check.locator(".cm-content").click()
    notebook.page.keyboard.press("Shift+Enter")
    return check


def test_untouched_questions_say_so_and_stop_nothing(notebook):
    outputs = notebook.cells("cell.model.type === 'code' ? cell.model.outputs.toJSON() : []")
    errors = [output for cell in outputs for output in cell if output["output_type"] == "error"]
    texts = ["".join(output["text"]) for cell in outputs for output in cell if output["output_type"] == "stream"]
    checks = [line for text in texts for line in text.splitlines() if line.startswith("01.q")]
    assert not errors
    assert len(checks) >= 14
    assert all("not attempted yet" in line for line in checks)


def test_wrong_then_a_hint_then_right(notebook):
    check = answer(notebook, TURNED)
    check.get_by_text("01.q4  not yet: case 1 of 4").wait_for()
    check.get_by_text("Convolution turns it").wait_for()
    cell = notebook.show("q4-check")
    source = notebook.source()
    notebook.retype(cell, 'hint("01.q4")')
    cell.get_by_text("drops a copy of the kernel").wait_for()
    notebook.retype(notebook.show("q4-check"), source)
    check = answer(notebook, RIGHT)
    check.get_by_text("01.q4  correct, 4 of 4 cases, 3 points.").wait_for()
