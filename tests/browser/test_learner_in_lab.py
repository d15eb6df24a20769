"""The learner's path in a real browser: open chapter 1 in JupyterLab, run it, change a kernel, see the picture."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from coursekit import workspace

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHAPTER = "01_convolution_maths.ipynb"
NOTEBOOK = "jupyterapp.shell.currentWidget"
QUIET = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def page():
    """A page of the browser that the system has."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: python3 course.py setup")
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        pytest.skip("needs a Chromium or Chrome browser, such as Debian's package chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium's own sandbox refuses to work for root
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path, args=[*QUIET, *(["--no-sandbox"] if root else [])])
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab's address, on a learner's fresh copies of the chapters."""
    course = tmp_path_factory.mktemp("내 강의 a")
    shutil.copytree(ROOT / "notebooks", course / "notebooks")
    workspace.copy_notebooks(course)
    token, options = secrets.token_hex(16), ["--no-browser", "--port=0", "--expose-app-in-browser", "--allow-root"]
    options += ["--ServerApp.ip=127.0.0.1", "--LabApp.news_url=None"]
    options += [f"--ServerApp.root_dir={course / 'my'}", f"--IdentityProvider.token={token}"]
    own = {f"JUPYTER_{kind}_DIR": str(course / kind) for kind in ("CONFIG", "RUNTIME")}
    with open(course / "lab.log", "w+", encoding="utf-8") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **own})
        try:
            yield wait_for_address(course / "RUNTIME", server, log), token
        finally:
            server.terminate()
            server.wait(30)


def wait_for_address(runtime: Path, server: subprocess.Popen, log) -> str:
    for _ in range(300):
        for file in runtime.glob("jpserver-*.json"):
            try:
                url = json.loads(file.read_text())["url"]
                urlopen(url + "api", timeout=5).close()
                return url
            except (OSError, ValueError):
                pass
        if server.poll() is not None:
            break
        time.sleep(0.2)
    log.seek(0)
    raise AssertionError(f"JupyterLab did not start:\n{log.read()}")


def cells(page, expression: str):
    """Evaluate a JavaScript expression for each cell of the open notebook."""
    return page.evaluate(f"{NOTEBOOK}.content.widgets.map(cell => {expression})")


def cell_index(page, id: str) -> int:
    return cells(page, "cell.model.id").index(id)


def show_cell(page, id: str):
    """Bring a cell into view; give the locator of the cell."""
    index = cell_index(page, id)
    page.evaluate(f"{NOTEBOOK}.content.activeCellIndex = {index}")
    page.evaluate(f"{NOTEBOOK}.content.scrollToItem({index}, 'start')")
    cell = page.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')
    cell.wait_for()
    return cell


@pytest.fixture(scope="module")
def chapter(page, lab):
    """Chapter 1, open in JupyterLab, all cells run."""
    url, token = lab
    page.goto(f"{url}lab/tree/{CHAPTER}?token={token}")
    page.wait_for_function(
        "window.jupyterapp && jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        f"{NOTEBOOK}.content.widgets.filter(c => c.model.type === 'code').every(c => c.model.executionCount !== null)"
        f" && {NOTEBOOK}.sessionContext.session.kernel.status === 'idle'",
        timeout=180_000,
    )
    return page


def test_runs_without_an_error(chapter):
    errors = cells(
        chapter, "cell.model.type === 'code' ? cell.model.outputs.toJSON().filter(o => o.output_type === 'error') : []"
    )
    assert not any(errors)


def test_formulas_are_typeset(chapter):
    cell = show_cell(chapter, "slide-formula")
    cell.locator("mjx-container").first.wait_for()
    assert "\\sum" not in cell.inner_text()


def test_figures_have_alt_texts(chapter):
    cell = show_cell(chapter, "slide-picture")
    picture = cell.locator("img")
    picture.wait_for()
    assert "2x2 frame" in picture.get_attribute("alt")


def test_changing_a_kernel_changes_the_picture(chapter):
    cell = show_cell(chapter, "filters-yours")
    picture = cell.locator("img")
    before = picture.get_attribute("src")
    source = chapter.evaluate(f"{NOTEBOOK}.content.activeCell.model.sharedModel.source")
    assert "[-2, 0, 2]" in source
    cell.locator(".cm-content").click()
    chapter.keyboard.press("ControlOrMeta+a")
    chapter.keyboard.insert_text(source.replace("[-2, 0, 2]", "[-2, 9, 2]"))
    chapter.keyboard.press("Shift+Enter")
    cell.get_by_text("weights add up to 9").wait_for()
    chapter.wait_for_function("([image, old]) => image.src !== old", arg=[picture.element_handle(), before])


def test_film_plays(chapter):
    cell = show_cell(chapter, "integral-film-boxes")
    caption = cell.locator("p[aria-live]")
    first, still = caption.inner_text(), cell.locator("img").get_attribute("src")
    cell.get_by_role("button", name="Next").click()
    assert caption.inner_text() != first
    assert cell.locator("img").get_attribute("src") != still
    cell.get_by_role("slider").focus()
    chapter.keyboard.press("Home")
    assert caption.inner_text() == "t = -0.50: overlap 0.00"
    cell.get_by_role("button", name="Play").click()
    chapter.wait_for_function("p => p.textContent.startsWith('t = 0.')", arg=caption.element_handle())
    cell.get_by_role("button", name="Pause").click()
