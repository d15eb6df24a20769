"""JupyterLab on a learner's fresh copies, in a real browser."""

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
NOTEBOOK = "jupyterapp.shell.currentWidget"
QUIET = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


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
    for folder in ("notebooks", "assignments"):
        shutil.copytree(ROOT / folder, course / folder)
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


@pytest.fixture(scope="module")
def notebook(page, lab, request):
    """The notebook that the test module names as NOTEBOOK_PATH, open in JupyterLab, all cells run."""
    url, token = lab
    page.goto(f"{url}lab/tree/{request.module.NOTEBOOK_PATH}?token={token}")
    page.wait_for_function(
        "window.jupyterapp && jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        f"{NOTEBOOK}.content.widgets.filter(c => c.model.type === 'code').every(c => c.model.executionCount !== null)"
        f" && {NOTEBOOK}.sessionContext.session.kernel.status === 'idle'",
        timeout=180_000,
    )
    return Notebook(page)


class Notebook:
    """The notebook that is open in JupyterLab."""

    def __init__(self, page):
        self.page = page

    def cells(self, expression: str) -> list:
        """Evaluate a JavaScript expression for each cell."""
        return self.page.evaluate(f"{NOTEBOOK}.content.widgets.map(cell => {expression})")

    def show(self, id: str):
        """Bring a cell into view and make it the active one; give its locator."""
        index = self.cells("cell.model.id").index(id)
        self.page.evaluate(f"{NOTEBOOK}.content.activeCellIndex = {index}")
        self.page.evaluate(f"{NOTEBOOK}.content.scrollToItem({index}, 'start')")
        cell = self.page.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')
        cell.wait_for()
        return cell

    def source(self) -> str:
        """The text of the active cell."""
        return self.page.evaluate(f"{NOTEBOOK}.content.activeCell.model.sharedModel.source")

    def retype(self, cell, source: str) -> None:
        """Replace the text of a cell, as a person would, and run it."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
