"""The board of chapter 0 in a real browser: what is drawn with the mouse comes out as text that Python can read."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit.data import picture_of_text
from coursekit.viz.drawing import ALT, PAGE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def board(page):
    errors = []
    page.once("pageerror", lambda error: errors.append(error))
    page.set_content(f"<!doctype html><meta charset='utf-8'><body>{PAGE.format(alt=ALT)}")
    yield page
    assert not errors


def drawn(page):
    """The text, as the line of Python that it is."""
    names = {}
    exec(page.locator("pre").inner_text(), names)
    return names["drawing"]


def stroke(page, *points):
    corner = page.locator("canvas").bounding_box()
    page.mouse.move(corner["x"] + points[0][0], corner["y"] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(corner["x"] + x, corner["y"] + y, steps=4)
    page.mouse.up()


def test_a_stroke_becomes_text(board):
    assert set(drawn(board)) == {".", "\n"}
    stroke(board, (60, 40), (220, 40), (110, 240))  # a seven
    lines = drawn(board).split()
    assert [len(line) for line in lines] == [28] * 14
    assert {"#", "+", "."} == set("".join(lines))
    picture = picture_of_text(drawn(board))
    rows = picture[picture.any(axis=1)] > 0
    assert rows[2].sum() > 14  # the bar
    assert rows[-2].sum() < 6 < 14 < np.nonzero(rows[2])[0].max()  # the foot
    board.mouse.move(5, 5)  # no button pressed: draws nothing
    assert drawn(board).split() == lines


def test_copy_and_clear(board):
    stroke(board, (60, 40), (220, 200))
    board.get_by_role("button", name="Copy").click()
    board.wait_for_function("document.querySelector('span').textContent")
    assert board.evaluate("getSelection().toString()").startswith('drawing = """')
    assert "Paste it over" in board.locator("span").inner_text() or "Ctrl+C" in board.locator("span").inner_text()
    board.get_by_role("button", name="Clear").click()
    assert set(drawn(board)) == {".", "\n"}
