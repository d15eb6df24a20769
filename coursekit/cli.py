"""The command `coursekit`. Each body imports what it needs, so that `coursekit --help` answers at once."""

import contextlib
import errno
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from coursekit import __version__
from coursekit.grading.author_commands import author_group, new_assignment_command, release_command, variant_command
from coursekit.grading.doctor import doctor_command
from coursekit.grading.grade_commands import grade_command
from coursekit.grading.tryout import sample_class_command
from coursekit.models.table_commands import table_command
from coursekit.selfcheck import check_command, progress_command
from coursekit.train.cookbook.command import train_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """The course on convolutional networks."""


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the results [results, in the course].")
@click.option("--images", type=click.IntRange(1, 55_000), help="Train on so many digits only, for a quick look.")
@click.option("--all", "every_chapter", is_flag=True, help="Execute all chapters, not the first ones alone: minutes.")
def run(out: Path | None, images: int | None, every_chapter: bool) -> None:
    """Run the course's main job: check the first chapters, train a network, grade a sample, write a report."""
    with _sentences():
        from coursekit.mainjob import main_job
        from coursekit.workspace import course_root

        root = course_root()
        sys.exit(main_job(out or root / "results", root=root, images=images, every_chapter=every_chapter))


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[JUPYTER ARGUMENTS]...")
def lab(arguments: tuple[str, ...]) -> None:
    """Copy new chapters and assignments into the folder my and open them in JupyterLab."""
    from coursekit import workspace

    if importlib.util.find_spec("jupyterlab") is None:
        raise click.ClickException("JupyterLab is not installed here: python3 course.py lab brings it.")
    with _sentences():
        root = workspace.course_root()
        for name in workspace.copy_notebooks(root):
            click.echo(
                f"{name} has changed in the course since your copy was made: coursekit reset "
                f"{name.removesuffix('.ipynb')} (or python3 course.py reset) gives you the new one and keeps yours."
            )
    sys.exit(_open_lab(root / "my", arguments))


@cli.command()
@click.argument("notebook")
def reset(notebook: str) -> None:
    """Restore your copy of NOTEBOOK from the course, and keep the old one beside it."""
    from coursekit import workspace

    with _sentences():
        kept = workspace.reset(workspace.course_root(), notebook)
    click.echo("The copy in my is as in the course." + (f" The old one is kept as {kept.name}." if kept else ""))


@cli.command()
@click.option("--check", "only_check", is_flag=True, help="Write nothing; say what is not up to date, and exit with 1.")
def index(only_check: bool) -> None:
    """Make the glossary, the index of concepts and the sections in ERRATA.md anew."""
    from coursekit.index import is_current, pages, write_pages
    from coursekit.workspace import course_root

    with _sentences():
        try:
            root = course_root()
            stale = [path for path, text in pages(root).items() if not is_current(path, text)]
            for path in [] if only_check else write_pages(root):
                click.echo(f"written: {path}")
        except ValueError as error:
            raise click.ClickException(str(error)) from None
    if not stale:
        click.echo("Everything is up to date.")
    elif only_check:
        for path in stale:
            click.echo(f"{path} is not up to date: type coursekit index.", err=True)
        sys.exit(1)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pages [book, in the course].")
def book(out: Path | None) -> None:
    """Write the whole course as pages to read in a browser, without a network."""
    if missing := [name for name in ("jinja2", "math_core", "nbconvert") if importlib.util.find_spec(name) is None]:
        raise click.ClickException(f"{', '.join(missing)} missing here: python3 course.py setup brings what is needed.")
    with _sentences():
        from coursekit.book.edition import BookError, make
        from coursekit.workspace import course_root

        root = course_root()
        try:
            made = make(root, out or root / "book")
        except (BookError, ValueError) as error:
            raise click.ClickException(f"{str(error).removesuffix('.')}.") from None
    for trouble in made.troubles:
        click.echo(trouble, err=True)
    click.echo(f"{made.pages} pages, {made.size / 1e6:.1f} MB. Open {made.index} in a browser.")


@cli.command()
@click.argument("notebooks", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def execute(notebooks: tuple[Path, ...]) -> None:
    """Execute each chapter of NOTEBOOKS anew, and store its outputs as the repository keeps them."""
    from nbclient.exceptions import CellExecutionError

    from coursekit.chapters import execute

    with _sentences():
        for path in notebooks:
            try:
                execute(path)
            except CellExecutionError as error:
                raise click.ClickException(f"{path} is left as it was. {error}") from None
            click.echo(f"written: {path}")


def _open_lab(folder: Path, arguments: tuple[str, ...]) -> int:
    """Become JupyterLab, with the folder as all that it shows (on Windows, wait for it)."""
    # through -m, not by the script on PATH, which may belong to another environment
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # on matrices as small as ours threads wait for each other
    # so that a terminal in JupyterLab finds the command coursekit
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    # no question about news over the first page, and no offer of a version other than the one that is tested
    settings = [str(Path(__file__).parent / "templates" / "lab"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, settings))
    command += arguments or [path.name for path in sorted(folder.glob("0*.ipynb"))[:1]]
    os.chdir(folder)
    if os.name != "nt":
        os.execv(command[0], command)
    child = subprocess.Popen(command)
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # JupyterLab has it too, and asks
            return child.wait()


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """A sentence in place of the traceback, where the learner can do something about it."""
    from coursekit.workspace import WorkspaceError

    try:
        yield
    except WorkspaceError as error:
        raise click.ClickException(f"{error}.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            what = "the disk is full: make room and type the same again."
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            what = f"{error.filename} cannot be written to: copy the course to a folder of your own."
        else:
            what = f"{error.filename}: {error.strerror}."
        raise click.ClickException(what) from None


for command in (check_command, progress_command, table_command, train_command):
    cli.add_command(command)
for command in (new_assignment_command, author_group, release_command, variant_command):
    cli.add_command(command)
for command in (sample_class_command, grade_command, doctor_command):
    cli.add_command(command)


def main() -> None:
    """Run the command; Ctrl-C ends it with one line and the usual code."""
    try:
        code = cli.main(prog_name="coursekit", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        code = 130
    sys.exit(code)
