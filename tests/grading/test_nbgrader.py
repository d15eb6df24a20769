"""The assignments' sources in nbgrader's own hands: it validates them, and makes the same student version.

nbgrader is no part of the course's environment, for it would put its extensions into every learner's JupyterLab.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from small_source import small_source, write_small_source

from coursekit.grading.images import first_lines
from coursekit.grading.release import SEED, release, student_notebook
from coursekit.grading.skeleton import new_assignment
from coursekit.grading.source import STUB, read_source

pytestmark = [pytest.mark.network, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
NBGRADER = "nbgrader==0.9.6"
SOURCES = [path.stem for path in sorted((ROOT / "solutions").glob("*.ipynb"))]
NAMES = ["99_small", "98_skeleton", *SOURCES]
CONFIGURATION = f"""
c = get_config()
c.CourseDirectory.course_id = "course"
c.ClearSolutions.code_stub = {{"python": {STUB!r}}}
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of a throw-away environment with nbgrader in it."""
    pytest.importorskip("uv", reason="needs uv: python3 course.py setup")
    folder = tmp_path_factory.mktemp("nbgrader") / "environment"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    path = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [*uv, "pip", "install", "--quiet", "--python", path, NBGRADER, "numpy"]
    done = subprocess.run(install, capture_output=True, text=True, cwd=folder)
    if re.search(r"error sending request|dns error|failed to fetch|connectivity is disabled", done.stderr, re.I):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    site = subprocess.run([path, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True)
    # what it lacks, such as PyTorch, it finds among the course's packages
    Path(site.stdout.decode().strip(), "course.pth").write_text(sysconfig.get_path("purelib"))
    return path


@pytest.fixture(scope="module")
def course(python, tmp_path_factory):
    """A course as nbgrader lays it out, with all sources, after `generate_assignment`."""
    folder = tmp_path_factory.mktemp("course")
    write_small_source(folder)
    new_assignment("98_skeleton", folder / "solutions")
    for name in SOURCES:
        shutil.copy(ROOT / "solutions" / f"{name}.ipynb", folder / "solutions")
    (folder / "nbgrader_config.py").write_text(CONFIGURATION)
    for name in NAMES:
        (folder / "source" / name).mkdir(parents=True)
        shutil.copy(folder / "solutions" / f"{name}.ipynb", folder / "source" / name)
        nbgrader(python, folder, "generate_assignment", name)
    return folder


def nbgrader(python, folder, *arguments, **more):
    """Run one of nbgrader's commands; its output."""
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("COURSEKIT", "JUPYTER"))}
    environment = outside | {"PYTHONPATH": str(ROOT), "PATH": str(python.parent) + os.pathsep + os.environ["PATH"]}
    environment |= {"JUPYTER_CONFIG_DIR": str(folder / "config"), "IPYTHONDIR": str(folder / "ipython")} | more
    command = [python, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def validate(python, notebook, **more):
    return nbgrader(python, notebook.parent, "validate", notebook.name, **more)


@pytest.mark.parametrize("name", NAMES)
def test_same_student_version(course, name):
    theirs = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    ours = student_notebook(read_source(course / "solutions" / f"{name}.ipynb"))
    assert [(cell.id, cell.cell_type, cell.source) for cell in theirs.cells if cell.source] == [
        (cell.id, cell.cell_type, cell.source) for cell in ours.cells
    ]


@pytest.mark.parametrize("name", NAMES)
def test_source_is_valid(python, course, name):
    notebook = with_images(course / "source" / name / f"{name}.ipynb")
    output = validate(python, notebook, COURSEKIT_CHECK_MODE="send", COURSEKIT_CHECK_SEED=str(SEED))
    assert output == "Success! Your notebook passes all the tests.\n"


def with_images(path):
    """The notebook with the digits that the grader gives to checks of trained networks."""
    source = read_source(path)
    for cell in source.cells:
        if any(check.images for check in cell.checks):
            source.notebook.cells[cell.index].source = first_lines(cell.checks, SEED, public=True) + cell.source
    nbformat.write(source.notebook, path)
    return path


def test_learners_see_what_is_missing(python, course):
    """In a released notebook the checks fail that nothing was written for; with answers they pass."""
    path, _ = release(course / "solutions" / "99_small.ipynb", course / "assignments")
    assert validate(python, path).startswith("VALIDATION FAILED ON 3 CELL(S)!")
    notebook = nbformat.read(path, as_version=4)
    answers = {cell.id: cell.source for cell in small_source().cells}
    for cell in notebook.cells:
        cell.source = answers[cell.id] if STUB in cell.source else cell.source
    nbformat.write(notebook, path)
    assert validate(python, path) == "Success! Your notebook passes all the tests.\n"


def test_extensions_stay_out_of_the_course(python):
    """The reason for an environment of its own: installed, nbgrader is switched on in every JupyterLab."""
    prefix = python.parent.parent
    assert (prefix / "etc/jupyter/jupyter_server_config.d/nbgrader.json").exists()
    assert (prefix / "share/jupyter/labextensions/@jupyter/nbgrader").exists()
    for lock in ROOT.glob("*.lock"):
        assert "nbgrader==" not in lock.read_text(encoding="utf-8")
