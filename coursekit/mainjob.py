"""The main job: check the chapters, train a network, grade a sample, write a report. ``coursekit run`` does it."""

import subprocess
import sys
from pathlib import Path
from time import perf_counter
from xml.etree import ElementTree

import click

from coursekit._files import make_folder
from coursekit.grading.tryout import Tryout, try_out
from coursekit.report import Checked, Trained, write_report

EXPECTED = 0.97  # test accuracy below which the quick run has gone wrong
FIRST = 3  # chapters that are executed unless all are wanted: as many as fit a main job of three minutes


def main_job(out: Path, *, root: Path, images: int | None = None, every_chapter: bool = False) -> int:
    """Execute chapters under nbval, train SimpleConvNet on MNIST, grade sample students, write a report.

    Parameters
    ----------
    out : Path
        Folder for the results; made if it is not there.
    root : Path
        Folder of the course, with ``notebooks/`` and ``solutions/``.
    images : int, optional
        Train on so many digits only. The accuracy is then not held against what a full quick run reaches.
    every_chapter : bool
        Execute all chapters, not the first ones alone.

    Returns
    -------
    int
        0, or 1 if a chapter failed, the network learned less than it should or a sample student was graded unfairly.

    Raises
    ------
    click.ClickException
        If ``out`` cannot be written to.
    KeyboardInterrupt
        If the run is stopped from the keyboard.
    """
    start = perf_counter()
    make_folder(out)
    chapters = sorted((root / "notebooks").glob("*.ipynb"))
    chosen = chapters if every_chapter else chapters[:FIRST]
    click.echo(f"1 of 4: executing {_named(chosen, chapters)} and comparing every output with the stored one")
    checked = check_chapters(chosen, root, out / "chapters.xml")
    click.echo("\n2 of 4: training SimpleConvNet, written in NumPy, to read handwritten digits")
    trained = train(images)
    click.echo("\n3 of 4: grading sample students, some of whom cheat, stall or crash")
    graded = try_out(root, out / "grading")
    click.echo(graded.table)
    click.echo("\n4 of 4: drawing what the network sees, and writing the report")
    report = write_report(out / "report.html", checked, trained, graded)
    learned = images is not None or trained.accuracy >= EXPECTED
    say_the_end(report, checked, trained, graded, learned, perf_counter() - start)
    return 0 if learned and checked.ran and not checked.failed and not graded.unfair else 1


def _named(chosen: list[Path], chapters: list[Path]) -> str:
    """The chapters that are executed, in a few words."""
    names = ", ".join(chapter.stem for chapter in chosen)
    rest = "" if len(chosen) == len(chapters) else f" ({len(chosen)} of {len(chapters)} chapters; all with --all)"
    return names + rest


def check_chapters(chapters: list[Path], root: Path, record: Path) -> Checked:
    """Execute chapters under nbval, in a process of its own, and count the cells from its record."""
    record.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={record}"]
    subprocess.run([*command, *map(str, chapters)], cwd=root, check=False)
    names = [chapter.stem for chapter in chapters]
    if not record.exists():
        return Checked(names, ran=0, failed=1)
    suite = next(ElementTree.parse(record).iter("testsuite"))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return Checked(names, ran=int(suite.get("tests", 0)), failed=failed)


def train(images: int | None) -> Trained:
    """Train the network by the quick recipe and let it read the test digits."""
    import numpy as np

    from coursekit.data import as_float, load_mnist
    from coursekit.nn import SimpleConvNet
    from coursekit.train import quick_mnist

    seed = 0
    before = SimpleConvNet(seed=np.random.default_rng(seed)).params["W1"][:, 0]  # (30, 5, 5), as quick_mnist starts
    result = quick_mnist(seed=seed, **({} if images is None else {"images": images}))
    if result.history.interrupted:
        raise KeyboardInterrupt
    digits, labels = load_mnist("test")
    readings = result.network.predict(as_float(digits)).argmax(axis=1)
    return Trained(result.network, result.history, before, digits, labels, readings)


def say_the_end(
    report: Path, checked: Checked, trained: Trained, graded: Tryout, learned: bool, seconds: float
) -> None:
    """Say in the last lines what was done, where the results are and what to type next."""
    wrong_cells = f"; {checked.failed} did not, see above" if checked.failed else ""
    too_little = "" if learned else f"; at least {EXPECTED:.0%} was expected"
    click.echo(f"\nDone in {seconds:.0f} s.")
    click.echo(
        f"  chapters  {checked.ran - checked.failed} of {checked.ran} cells gave the stored results{wrong_cells}"
    )
    click.echo(f"  network   reads {trained.accuracy:.2%} of {len(trained.labels):,} test digits{too_little}")
    fair = f"; unfairly: {'; '.join(graded.unfair)}" if graded.unfair else ", each as deserved"
    where = "in the sandbox" if graded.sandboxed else "without a sandbox, harmless ones only"
    click.echo(f"  grading   {graded.students} sample students {where}{fair}")
    click.echo(f"  report    {report.resolve()}")
    click.echo("Next: open the report in a browser, then type: python3 course.py lab")
