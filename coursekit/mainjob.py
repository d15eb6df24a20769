"""The main job: check the chapters, train a network, write a report. ``coursekit run`` does it."""

import subprocess
import sys
from pathlib import Path
from time import perf_counter
from xml.etree import ElementTree

import click

EXPECTED = 0.97  # test accuracy below which the quick run has gone wrong


def main_job(out: Path, *, root: Path, images: int | None = None) -> int:
    """Execute the finished chapters under nbval, train SimpleConvNet on MNIST, write a report.

    Parameters
    ----------
    out : Path
        Folder for the results; made if it is not there.
    root : Path
        Folder of the course, with ``notebooks/``.
    images : int, optional
        Train on so many digits only. The accuracy is then not held against what a full quick run reaches.

    Returns
    -------
    int
        0, or 1 if a chapter failed or the network learned less than it should.

    Raises
    ------
    click.ClickException
        If ``out`` cannot be written to.
    """
    start = perf_counter()
    make_folder(out)
    chapters = sorted((root / "notebooks").glob("*.ipynb"))
    click.echo(f"1 of 3: executing {', '.join(c.stem for c in chapters)} and comparing every output with the stored one")
    ran, failed = check_chapters(chapters, root, out / "chapters.xml")
    click.echo("\n2 of 3: training SimpleConvNet, written in NumPy, to read handwritten digits")
    result, pictures = train(images)
    click.echo("\n3 of 3: writing the report")
    report = write_report(out / "report.html", result, *pictures, chapters=chapters, ran=ran, failed=failed)
    learned = result.test_accuracy >= EXPECTED or images is not None
    say_the_end(report, result.test_accuracy, ran, failed, learned, perf_counter() - start)
    return 0 if learned and ran and not failed else 1


def make_folder(out: Path) -> None:
    """Make the folder for the results, and make sure that it can be written to before any work is done."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise click.ClickException(f"cannot write to {out} ({error.strerror}): name another folder with --out.") from None


def check_chapters(chapters: list[Path], root: Path, record: Path) -> tuple[int, int]:
    """Execute chapters under nbval, in a process of its own; give the numbers of cells executed and failed."""
    record.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={record}", *map(str, chapters)]
    subprocess.run(command, cwd=root, check=False)
    if not record.exists():
        return 0, 1
    suite = next(ElementTree.parse(record).iter("testsuite"))
    return int(suite.get("tests", 0)), int(suite.get("failures", 0)) + int(suite.get("errors", 0))


def train(images: int | None):
    """Train the network; give the result, the first filters before and after, and the test digits with their readings."""
    import numpy as np

    from coursekit.data import as_float, load_mnist
    from coursekit.nn import SimpleConvNet
    from coursekit.train import quick_mnist

    seed = 0
    before = SimpleConvNet(seed=np.random.default_rng(seed)).params["W1"][:, 0]  # (30, 5, 5), as quick_mnist starts
    result = quick_mnist(seed=seed, **({} if images is None else {"images": images}))
    after = result.network.params["W1"][:, 0]
    digits, labels = load_mnist("test")
    readings = result.network.predict(as_float(digits)).argmax(axis=1)
    return result, (before, after, digits / 255, labels, readings)


def write_report(path: Path, result, before, after, digits, labels, readings, *, chapters, ran, failed) -> Path:
    """Write the report, one HTML file that needs no other, and give its path."""
    import numpy as np
    from jinja2 import Environment, PackageLoader

    from coursekit import viz

    losses = np.asarray(result.history.losses)
    window = min(25, len(losses))
    smooth = np.convolve(losses, np.full(window, 1 / window), mode="valid")
    curve = viz.lines_figure(
        np.arange(window, len(losses) + 1), {"loss": smooth}, xlabel="steps", ylabel=f"loss, mean of {window} steps", yscale="log"
    )
    wrong = int((labels != readings).sum())
    figures = {
        "curve": (curve, f"The loss falls from {smooth[0]:.2f} to {smooth[-1]:.2f} in {len(losses)} steps."),
        "before": (viz.tiles_figure(before), "Thirty 5x5 filters before training: noise."),
        "after": (viz.tiles_figure(after), "The same filters after training: edges and strokes in many directions."),
    }
    if wrong:
        mistakes = viz.mistakes_figure(digits, labels, readings)
        figures["mistakes"] = (mistakes, "Digits that were read wrongly, with the right and the wrong reading.")
    page = Environment(loader=PackageLoader("coursekit", "templates"), autoescape=True).get_template("report.html.j2")
    path.write_text(
        page.render(
            accuracy=result.test_accuracy,
            validation=result.history.validation_accuracy,
            history=result.history,
            parameters=result.network.parameter_count,
            wrong=wrong,
            tested=len(labels),
            chapters=[chapter.stem for chapter in chapters],
            ran=ran,
            failed=failed,
            figures={name: viz.img_tag(viz.data_uri(figure), alt, figure) for name, (figure, alt) in figures.items()},
        ),
        encoding="utf-8",
    )
    return path


def say_the_end(report: Path, accuracy: float, ran: int, failed: int, learned: bool, seconds: float) -> None:
    """Say in the last lines what was done, where the results are and what to type next."""
    click.echo()
    click.echo(f"Done in {seconds:.0f} s.")
    click.echo(f"  chapters  {ran - failed} of {ran} cells gave the stored results" + (f"; {failed} did not, see above" if failed else ""))
    click.echo(f"  network   reads {accuracy:.2%} of 10,000 test digits" + ("" if learned else f"; at least {EXPECTED:.0%} was expected"))
    click.echo(f"  report    {report.resolve()}")
    click.echo("Next: python3 course.py lab   opens the chapters in JupyterLab, python3 course.py test   runs all tests.")
