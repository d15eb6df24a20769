"""The author's part of the command `coursekit`. Each body imports what it needs, so that `--help` answers at once."""

import sys
from pathlib import Path

import click

NOTEBOOKS = click.argument("notebooks", nargs=-1, type=click.Path(path_type=Path), metavar="[NOTEBOOK]...")


@click.command("release")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; say what is not up to date, and exit with 1.")
@NOTEBOOKS
def release_command(notebooks: tuple[Path, ...], only_check: bool) -> None:
    """Make the student's version of each source NOTEBOOK, and its values [all in solutions]."""
    from coursekit.grading.release import ReleaseError, is_up_to_date, release
    from coursekit.grading.source import SourceError

    failed = False
    for path in _sources(notebooks):
        folder = path.resolve().parent.parent / "assignments"
        try:
            if only_check:
                differences = is_up_to_date(path, folder)
                remedy = f"type coursekit release {path.stem}"
                lines = [f"{path.name}: {what}: {remedy}" for what in differences] or [f"{path.name} is up to date"]
                failed = failed or bool(differences)
            else:
                lines = [f"written: {written}" for written in release(path, folder)]
        except (SourceError, ReleaseError) as error:
            lines = [f"{path.name}: {line}" for line in str(error).splitlines()]
            failed = True
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}.") from None
        click.echo("\n".join(lines), err=failed)
    sys.exit(1 if failed else 0)


@click.command("variant")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--seed", required=True, type=click.IntRange(0), help="The same seed gives the same numbers.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write it to.")
def variant_command(notebook: Path, seed: int, out: Path) -> None:
    """Write the assignment NOTEBOOK with other numbers: for another year, another group, or another try."""
    from coursekit.grading.release import ReleaseError
    from coursekit.grading.source import SourceError
    from coursekit.grading.variants import how_many, read_source, write_variant

    path = _sources((notebook,))[0]
    try:
        source, student, _ = write_variant(path, seed, out)
    except (SourceError, ReleaseError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from None
    click.echo(f"written, one of {how_many(read_source(source)):,}: {student}")
    click.echo(f"Hand it out with the file of values beside it, and grade with --assignment {source}")


@click.command("new-assignment")
@click.argument("name")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where it goes [solutions].")
def new_assignment_command(name: str, folder: Path | None) -> None:
    """Write a source notebook NAME (such as 07_my_topic) with one worked question."""
    from coursekit.grading.skeleton import new_assignment

    try:
        path = new_assignment(name, folder or _solutions())
    except FileExistsError as error:
        raise click.ClickException(f"{error.filename} is there already, and is left as it is.") from None
    except ValueError as error:
        raise click.ClickException(f"{error}.") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from None
    click.echo(f"written: {path}")


@click.group("author")
def author_group() -> None:
    """Help for those who write assignments."""


@author_group.command("check")
@NOTEBOOKS
def check_command(notebooks: tuple[Path, ...]) -> None:
    """Look for mistakes in each source NOTEBOOK [all in solutions]; exit with 1 if there are any."""
    from coursekit.grading.author import findings

    failed = False
    for path in _sources(notebooks):
        found = findings(path)
        failed = failed or bool(found)
        click.echo("\n".join(f"{path.name}: {what}" for what in found or ["nothing found"]))
    sys.exit(1 if failed else 0)


def _sources(notebooks: tuple[Path, ...]) -> list[Path]:
    """The notebooks named, by path or by name; all source notebooks if none is."""
    if not notebooks:
        return sorted(_solutions().glob("*.ipynb"))
    return [path if path.is_file() else _named(path) for path in notebooks]


def _named(path: Path) -> Path:
    there = sorted(_solutions().glob("*.ipynb"))
    for source in there:
        if path.name.removesuffix(".ipynb") in (source.stem, source.stem[:2]):
            return source
    names = ", ".join(source.stem for source in there) or "none"
    raise click.ClickException(f"there is no source notebook {str(path)!r}; there are: {names}.")


def _solutions() -> Path:
    from coursekit.workspace import WorkspaceError, course_root

    try:
        return course_root() / "solutions"
    except WorkspaceError as error:
        raise click.ClickException(f"{error}.") from None
