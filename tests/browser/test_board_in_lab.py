"""A newcomer's first minutes in a real browser: draw in chapter 0, copy, paste into the next cell, run, be read."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOK_PATH = "00_start_here.ipynb"
SEVEN = ((70, 50), (210, 50), (120, 240))


@pytest.fixture(scope="module")
def drawn(notebook):
    """The board's cell with a seven drawn on it, and the drawing as the text beside it."""
    cell = notebook.show("board")
    corner, mouse = cell.locator("canvas").bounding_box(), notebook.page.mouse
    places = [(corner["x"] + x, corner["y"] + y) for x, y in SEVEN]
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=8)
    mouse.up()
    return cell, cell.locator("pre").inner_text()


def test_the_drawing_is_pasted_and_read(notebook, drawn):
    board, text = drawn
    assert "#" in text
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    board.get_by_role("button", name="Copy").click()
    board.get_by_text("Paste it over the text in the next cell.").wait_for()
    notebook.show("drawing").locator(".cm-content").click()
    notebook.page.keyboard.press("ControlOrMeta+a")
    notebook.page.keyboard.press("ControlOrMeta+v")
    assert notebook.source() == text
    for _ in ("drawing", "picture", "picture-notes", "strip"):
        notebook.page.keyboard.press("Shift+Enter")
    notebook.show("strip").get_by_text("read as 7").wait_for()


def test_the_drawing_survives_scrolling(notebook, drawn):
    notebook.show("paths")
    board = notebook.show("board")
    ink = "canvas => canvas.getContext('2d').getImageData(140, 50, 1, 1).data[3]"
    assert board.locator("canvas").evaluate(ink) == 255
    assert board.locator("pre").inner_text() == drawn[1]
