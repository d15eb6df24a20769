"""The command `coursekit grade`. Its body imports what it needs, so that `coursekit --help` answers at once."""

import sys
from pathlib import Path

import click

STOPPED = 130  # as after Ctrl-C


@click.command("grade")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--assignment", required=True, help="Its number or name, such as 01.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for grades and feedback.")
@click.option("--new-seed", is_flag=True, help="Draw new random inputs, and grade everything again.")
@click.option("--no-sandbox", is_flag=True, help="Run the submissions unprotected: notebooks that you trust only.")
@click.option("--timeout", type=click.FloatRange(0.1), help="Seconds for a cell [30].")
@click.option("--total", type=click.FloatRange(1), help="Seconds for a submission [300].")
def grade_command(
    folder: Path,
    assignment: str,
    out: Path,
    new_seed: bool,
    no_sandbox: bool,
    timeout: float | None,
    total: float | None,
) -> None:
    """Grade the notebooks in FOLDER, which holds a folder for each student.

    Typed again, it grades only what is new or has changed. Exit code 0: every submission has a grade, or a refusal that
    says why; 1: some could not be graded; 2: grading could not start.
    """
    from coursekit.workspace import WorkspaceError, course_root

    try:
        from coursekit.grading.run import AGAIN, GradingStopped, UsageError, grade_folder
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"{error.name} is not installed: python3 course.py setup brings what grading needs."
        ) from None
    if no_sandbox:
        click.echo("Warning: without the sandbox, the submissions' code can do all that you can.", err=True)
    limits = {name: value for name, value in (("timeout", timeout), ("total", total)) if value is not None}
    try:
        summary = grade_folder(
            folder, assignment, out, root=course_root(), sandboxed=not no_sandbox, new_seed=new_seed, **limits
        )
    except (UsageError, WorkspaceError) as error:
        raise click.UsageError(f"{error}.") from None
    except GradingStopped as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo(f"\nStopped. {AGAIN}.", err=True)
        sys.exit(STOPPED)
    click.echo(f"{summary.table()}\n")
    new = sum(line.seconds > 0 for line in summary.lines)
    click.echo(f"{new} graded now, {len(summary.lines) - new} unchanged since the last time.")
    click.echo(f"  grades    {out.resolve() / 'grades.csv'}")
    click.echo(f"  feedback  {out.resolve() / 'feedback'}")
    if summary.left_out:
        click.echo(f"Left out, as it is in no student's folder: {', '.join(summary.left_out)}", err=True)
    if summary.exit_code:
        click.echo("Some could not be graded, which is not their fault: see above, and type the same again.", err=True)
    sys.exit(summary.exit_code)
