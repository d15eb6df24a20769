"""The learner's path in a real browser: open chapter 1 in JupyterLab, run it, change a kernel, see the picture."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOK_PATH = "01_convolution_maths.ipynb"


def test_runs_without_an_error(notebook):
    errors = notebook.cells(
        "cell.model.type === 'code' ? cell.model.outputs.toJSON().filter(o => o.output_type === 'error') : []"
    )
    assert not any(errors)


def test_formulas_are_typeset(notebook):
    cell = notebook.show("slide-formula")
    cell.locator("mjx-container").first.wait_for()
    assert "\\sum" not in cell.inner_text()


def test_figures_have_alt_texts(notebook):
    cell = notebook.show("slide-picture")
    picture = cell.locator("img")
    picture.wait_for()
    assert "2x2 frame" in picture.get_attribute("alt")


def test_changing_a_kernel_changes_the_picture(notebook):
    cell = notebook.show("filters-yours")
    picture = cell.locator("img")
    before = picture.get_attribute("src")
    source = notebook.source()
    assert "[-2, 0, 2]" in source
    notebook.retype(cell, source.replace("[-2, 0, 2]", "[-2, 9, 2]"))
    cell.get_by_text("weights add up to 9").wait_for()
    notebook.page.wait_for_function("([image, old]) => image.src !== old", arg=[picture.element_handle(), before])


def test_film_plays(notebook):
    cell = notebook.show("integral-film-boxes")
    caption = cell.locator("p[aria-live]")
    first, still = caption.inner_text(), cell.locator("img").get_attribute("src")
    cell.get_by_role("button", name="Next").click()
    assert caption.inner_text() != first
    assert cell.locator("img").get_attribute("src") != still
    cell.get_by_role("slider").focus()
    notebook.page.keyboard.press("Home")
    assert caption.inner_text() == "t = -0.50: overlap 0.00"
    cell.get_by_role("button", name="Play").click()
    notebook.page.wait_for_function("p => p.textContent.startsWith('t = 0.')", arg=caption.element_handle())
    cell.get_by_role("button", name="Pause").click()
