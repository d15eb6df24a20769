"""The command `coursekit grade`. Its body imports what it needs, so that `coursekit --help` answers at once."""

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from coursekit.grading.summary import Summary

STOPPED = 130  # as after Ctrl-C


@click.command("grade")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--assignment", help="Its number or name, such as 01, or a source notebook [all there are notebooks of].")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for grades and feedback.")
@click.option("--only", multiple=True, metavar="STUDENT", help="Grade this student alone; may be given several times.")
@click.option("--force", is_flag=True, help="Grade again what has not changed, too.")
@click.option("--new-seed", is_flag=True, help="Draw new random inputs, and grade everything again.")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%d"]), help="When it is due [never].")
@click.option("--late", default=10.0, type=click.FloatRange(0, 100), help="Percent off for each day begun [10].")
@click.option("--grace", default=0.0, type=click.FloatRange(0), help="Minutes of lateness that are overlooked [0].")
@click.option("--times", type=click.Path(path_type=Path), help="CSV of when they handed in: student, time.")
@click.option(
    "--manual", type=click.Path(path_type=Path), help="CSV of points by hand: student, question, points, comment."
)
@click.option("--timeout", type=click.FloatRange(0.1), help="Seconds for a cell [30, or what the assignment says].")
@click.option("--total", type=click.FloatRange(1), help="Seconds for a submission [300, or what the assignment says].")
@click.option("--jobs", type=click.IntRange(1), help="How many to grade at once [one for each core].")
@click.option(
    "--cluster", metavar="ADDRESS", help="Grade on the workers of this Dask scheduler, such as tcp://host:8786."
)
@click.option("--cold", is_flag=True, help="Start each kernel afresh: slower, with the same grades.")
@click.option("--no-sandbox", is_flag=True, help="Run the submissions unprotected: notebooks that you trust only.")
def grade_command(
    folder: Path,
    assignment: str | None,
    out: Path,
    no_sandbox: bool,
    cold: bool,
    timeout: float | None,
    total: float | None,
    deadline: datetime.datetime | None,
    late: float,
    grace: float,
    **options: Any,
) -> None:
    """Grade the notebooks in FOLDER, which holds a folder for each student.

    Without --assignment it grades every assignment of which there are notebooks. Typed again, it grades only what is
    new or has changed. Exit code 0: every submission has a grade, or a refusal that says why; 1: some could not be
    graded; 2: grading could not start.
    """
    from coursekit.workspace import WorkspaceError, course_root

    try:
        from coursekit.grading.adjust import Deadline, in_utc
        from coursekit.grading.run import AGAIN, GradingStopped, UsageError, grade_folder, handed_in
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"{error.name} is not installed: python3 course.py setup brings what grading needs."
        ) from None
    if no_sandbox:
        click.echo("Warning: without the sandbox, the submissions' code can do all that you can.", err=True)
    summaries = []
    try:
        for name, value in {"deadline": deadline, "times": options["times"], "manual": options["manual"]}.items():
            if value and not assignment:
                raise UsageError(f"--{name} is for one assignment: say which with --assignment")
        if deadline:
            options["deadline"] = Deadline(in_utc(deadline), late, grace)
        options |= {"root": course_root(), "sandboxed": not no_sandbox, "warm": not cold}
        for name in [assignment] if assignment else handed_in(folder, options["root"]):
            summaries.append(grade_folder(folder, name, out, timeout=timeout, total=total, **options))
            _show(summaries[-1])
    except (UsageError, WorkspaceError) as error:
        raise click.UsageError(f"{error}.") from None
    except GradingStopped as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo(f"\nStopped. {AGAIN}.", err=True)
        sys.exit(STOPPED)
    sys.exit(max(summary.exit_code for summary in summaries))


def _show(summary: "Summary") -> None:
    """Write the table, and where everything lies."""
    click.echo(f"{summary.assignment}\n{summary.table()}\n")
    new = sum(line.seconds > 0 for line in summary.lines)
    click.echo(f"{new} graded now, {len(summary.lines) - new} unchanged since the last time.")
    click.echo(f"  grades    {summary.out.resolve() / 'grades.csv'}")
    click.echo(f"  feedback  {summary.out.resolve() / 'feedback'}")
    click.echo(f"  overview  {summary.out.resolve() / 'index.html'}")
    if summary.unread:
        table = summary.out.resolve() / "open" / f"{summary.assignment}.csv"
        click.echo(f"{summary.unread} open answers wait for points: fill in {table} and pass it with --manual.")
    if summary.left_out:
        click.echo(f"Left out, in no student's folder: {', '.join(summary.left_out)}", err=True)
    if summary.exit_code:
        click.echo("Some could not be graded, which is not their fault: see above, and type the same again.", err=True)
