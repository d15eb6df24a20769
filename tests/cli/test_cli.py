"""The command `coursekit`, run as a learner runs it, on a small copy of the course."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "coursekit"
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
MAIN_JOB = """
from pathlib import Path

def main_job(out, *, root, images=None, every_chapter=False):
    assert isinstance(out, Path)
    print(out)
    return 5
"""


@pytest.fixture
def root(tmp_path):
    """A course of one chapter: the command's own files, and a main job that says where it would write."""
    folder = tmp_path / "내 강의 a"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks" / "01_convolution_maths.ipynb").write_text(NOTEBOOK)
    shutil.copytree(PACKAGE, folder / "coursekit", ignore=shutil.ignore_patterns("mnist", "__pycache__"))
    (folder / "coursekit" / "mainjob.py").write_text(MAIN_JOB)
    return folder


def command(*arguments):
    return [sys.executable, "-m", "coursekit", *arguments]


def coursekit(root, *arguments, **more):
    environment = dict(os.environ, PYTHONUTF8="1", **more)
    return subprocess.run(
        command(*arguments), cwd=root, env=environment, capture_output=True, text=True, encoding="utf-8"
    )


def test_help_imports_nothing_heavy():
    code = "import sys, coursekit.cli; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True).stdout
    assert "click" in modules.split()
    assert {"numpy", "torch", "matplotlib", "jupyterlab", "IPython"}.isdisjoint(modules.split())


def test_help_names_the_commands(root):
    result = coursekit(root, "--help")
    assert result.returncode == 0
    named = set(re.findall(r"^  ([a-z-]+) ", result.stdout.partition("Commands:")[2], re.MULTILINE))
    learners = {"book", "check", "lab", "progress", "reset", "run", "table", "train"}
    instructors = {"author", "doctor", "grade", "new-assignment", "release", "sample-class", "variant"}
    assert named == learners | instructors | {"execute", "index"}


def test_run_passes_the_folder_and_the_exit_code(root):
    result = coursekit(root, "run")
    assert (result.returncode, result.stdout) == (5, f"{root / 'results'}\n")
    assert coursekit(root, "run", "--out", "a b").stdout == "a b\n"


def test_ctrl_c_in_the_main_job_is_one_line(root):
    (root / "coursekit" / "mainjob.py").write_text("def main_job(out, **options):\n    raise KeyboardInterrupt\n")
    result = coursekit(root, "run")
    assert (result.returncode, result.stderr.strip()) == (130, "Stopped.")


def test_reset_says_where_the_old_copy_is(root):
    assert "kept" not in coursekit(root, "reset", "01_convolution_maths").stdout
    result = coursekit(root, "reset", "01_convolution_maths.ipynb")
    (name,) = re.findall(r"kept as (.*\.ipynb)\.$", result.stdout)
    assert json.loads((root / "my" / name).read_text()) == json.loads(NOTEBOOK)


def test_reset_of_an_unknown_chapter(root):
    result = coursekit(root, "reset", "02")
    assert result.returncode == 1
    assert result.stderr == "Error: there is no notebook '02'; there are: 01_convolution_maths.\n"


def test_a_file_in_the_way_of_my(root):
    (root / "my").write_text("precious")
    result = coursekit(root, "reset", "01_convolution_maths")
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: {root / 'my'}: ")
    assert (root / "my").read_text() == "precious"


@pytest.mark.skipif(os.name == "nt", reason="mounts folders")
def test_a_folder_that_may_only_be_read(root):
    mounts = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*mounts, "true"], capture_output=True).returncode:
        pytest.skip("this user may not mount folders here")
    script = 'mount --bind . "$PWD" && mount -o remount,ro,bind "$PWD" || exit 77; cd "$PWD"; exec "$@"'
    line = [*mounts, "sh", "-c", script, "sh", *command("reset", "01_convolution_maths")]
    result = subprocess.run(line, cwd=root, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == f"Error: {root / 'my'} cannot be written to: copy the course to a folder of your own.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_a_sentence(root):
    (root / "coursekit" / "workspace.py").open("a").write(
        "\ndef reset(root, name):\n    open('/dev/full', 'wb', buffering=0).write(b'x')\n"
    )
    result = coursekit(root, "reset", "01_convolution_maths")
    assert (result.returncode, result.stderr) == (1, "Error: the disk is full: make room and type the same again.\n")


def test_lab_without_jupyterlab_is_one_sentence(root):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "bare"], check=True)
    click = Path(sys.modules["click"].__file__).parent if "click" in sys.modules else None
    click = click or Path(__import__("click").__file__).parent
    (site,) = [*(root / "bare").glob("lib/python*/site-packages"), *(root / "bare").glob("Lib/site-packages")]
    shutil.copytree(click, site / "click")
    python = root / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    result = subprocess.run([python, "-m", "coursekit", "lab"], cwd=root, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (
        1,
        "Error: JupyterLab is not installed here: python3 course.py lab brings it.\n",
    )


def test_lab_opens_the_first_chapter_unless_told_otherwise(root):
    # a JupyterLab that only says how it was called; the real one is started below
    (root / "jupyterlab.py").write_text("import os, sys\nprint(os.path.basename(os.getcwd()), sys.argv[1:])\n")
    folder = f"--ServerApp.root_dir={root / 'my'}"
    called = coursekit(root, "lab", PYTHONPATH=str(root)).stdout
    assert called == f"my {[folder, '01_convolution_maths.ipynb']}\n"
    called = coursekit(root, "lab", "--port=9", "-y", PYTHONPATH=str(root)).stdout
    assert called == f"my {[folder, '--port=9', '-y']}\n"


def start_lab(root, port):
    environment = dict(os.environ, PYTHONUTF8="1", JUPYTER_CONFIG_DIR=str(root / "config"))
    options = ["--no-browser", f"--port={port}", "--port-retries=0", "--allow-root", "--IdentityProvider.token="]
    return subprocess.Popen(
        command("lab", *options), cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ask(port, what):
    """What the Lab says to that, once it answers."""
    for _ in range(300):
        try:
            return json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}").read())
        except OSError:
            time.sleep(0.2)
    raise AssertionError("JupyterLab did not come up in a minute")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_lab_shows_the_copies_names_what_changed_and_ends_on_a_signal(root):
    pytest.importorskip("jupyterlab")
    coursekit(root, "reset", "01_convolution_maths")
    (root / "notebooks" / "01_convolution_maths.ipynb").write_text(NOTEBOOK + "\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lab = start_lab(root, port)
    try:
        listing = ask(port, "api/contents")
        told = ask(port, "lab/api/settings/@jupyterlab/apputils-extension:notification")["schema"]["properties"]
    finally:
        lab.send_signal(signal.SIGTERM)
        said, _ = lab.communicate(timeout=30)
    assert [file["name"] for file in listing["content"]] == ["01_convolution_maths.ipynb"]
    assert (told["fetchNews"]["default"], told["checkForUpdates"]["default"]) == ("false", False)
    assert said.startswith("01_convolution_maths.ipynb has changed in the course since your copy was made: ")
    assert "coursekit reset 01_convolution_maths " in said
    with pytest.raises(OSError, match="refused"):  # nothing of it lives on
        socket.create_connection(("127.0.0.1", port))
