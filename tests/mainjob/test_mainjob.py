"""The main job on a small course: chapters are really executed, the network really learns, the report is written."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat", reason="needs JupyterLab: python3 course.py setup")

from coursekit.grading.tryout import HARMLESS, Tryout
from coursekit.mainjob import EXPECTED, main_job, make_folder
from coursekit.report import Checked, Trained, write_report

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path):
    """Make a course of one chapter of two cells, whose second has this output stored."""

    def make(stored: str) -> Path:
        files = ("conftest.py", "pyproject.toml", "tests/nbval_sanitize.cfg", "solutions/01_convolution_maths.ipynb")
        for name in files:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
        output = nbformat.v4.new_output("stream", name="stdout", text=stored)
        cells = [
            nbformat.v4.new_code_cell("x = 19", execution_count=1),
            nbformat.v4.new_code_cell("print(x)", execution_count=2, outputs=[output]),
        ]
        (tmp_path / "notebooks").mkdir()
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks/01_tiny.ipynb")
        return tmp_path

    return make


@pytest.mark.slow
def test_ends_well_and_says_what_it_did(course, tmp_path, capfd):
    out = tmp_path / "결과 1"
    assert main_job(out, root=course("19\n"), images=2000) == 0
    said = capfd.readouterr().out
    assert "2 of 2 cells gave the stored results\n" in said
    assert str(out / "report.html") in said.splitlines()[-2]
    accuracy = float(re.search(r"reads ([\d.]+)% of 10,000 test digits\n", said)[1])
    assert accuracy > 50
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"{accuracy:.2f} %" in page
    assert "433,890 parameters" in page
    with_torch = importlib.util.find_spec("efficientnet_lite_pytorch") is not None
    assert page.count("<img ") == page.count("alt=") == (7 if with_torch else 6)
    assert ("Grad-CAM" in page) == with_torch
    assert re.search(r"  grading   \d+ sample students .*each as deserved\n", said)
    assert "half right" in page


@pytest.mark.slow
def test_a_chapter_that_gives_another_result_fails_the_job(course, tmp_path, capfd):
    assert main_job(tmp_path / "out", root=course("25\n"), images=100) == 1
    assert "1 of 2 cells gave the stored results; 1 did not" in capfd.readouterr().out
    assert "1 did not." in (tmp_path / "out/report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_without_a_sandbox_the_harmless_are_graded(tmp_path):
    code = (
        "import sys; from pathlib import Path; from coursekit.grading.tryout import try_out;"
        "tried = try_out(Path(sys.argv[1]), Path(sys.argv[2])); print(tried.sandboxed, tried.unfair, tried.students)"
    )
    command = [sys.executable, "-c", code, ROOT, tmp_path / "grading"]
    nothing = {**os.environ, "PATH": str(tmp_path)}  # bubblewrap is not found there, nor what installs it
    said = subprocess.run(command, env=nothing, capture_output=True, text=True, check=True).stdout
    assert "bubblewrap (bwrap) is not installed: " in said
    assert "So only students who do no harm are graded here." in said
    assert said.splitlines()[-1] == f"False [] {len(HARMLESS)}"


@pytest.mark.slow
def test_a_network_that_learns_too_little_fails_the_job(course, tmp_path, capfd, monkeypatch):
    import coursekit.mainjob

    root, train = course("19\n"), coursekit.mainjob.train
    monkeypatch.setattr(coursekit.mainjob, "train", lambda images: train(100))
    assert main_job(tmp_path / "out", root=root) == 1
    assert f"at least {EXPECTED:.0%} was expected" in capfd.readouterr().out


def test_a_folder_that_cannot_be_written_is_named_before_any_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(click.ClickException, match=r"cannot write to .*file.*--out"):
        make_folder(tmp_path / "file")


@pytest.mark.slow
def test_report_without_mistakes_leaves_their_gallery_out(tmp_path):
    from coursekit.nn import SimpleConvNet
    from coursekit.train import History

    network, labels = SimpleConvNet(), np.array([1, 2])
    history = History(losses=[2.3, 1.0], validation_accuracy=[1.0])
    trained = Trained(network, history, network.params["W1"][:, 0], np.zeros((2, 28, 28), np.uint8), labels, labels)
    page = write_report(
        tmp_path / "r.html", Checked(["<b>"], 3, 0), trained, Tryout("table", 2, ["<i>"], True)
    ).read_text(encoding="utf-8")
    assert "100.00 %" in page
    assert "mistakes" not in page
    assert "&lt;b&gt;" in page
    assert "&lt;i&gt;" in page
