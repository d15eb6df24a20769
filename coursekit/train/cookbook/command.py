"""The command `coursekit train`: run a recipe by name, or list the recipes."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from coursekit._files import make_folder
from coursekit.train.cookbook.recipe import Recipe
from coursekit.train.cookbook.shelf import recipe, recipes

__all__ = ["train_command"]


@click.command("train")
@click.argument("name", required=False)
@click.option("--seed", type=click.IntRange(0), default=0, help="The first seed [0].")
@click.option("--seeds", type=click.IntRange(1), default=1, help="How many seeds, one after another [1].")
@click.option("--epochs", type=click.IntRange(1), help="Go through the pictures so often [the recipe's own].")
@click.option("--images", type=click.IntRange(1), help="Train on so many pictures only, for a quick look.")
@click.option("--device", help="auto, cpu, cuda, cuda:1 or mps [auto].")
@click.option("--threads", type=click.IntRange(1), help="CPU threads [PyTorch: its own choice; NumPy: 1].")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"), help="Folder for NAME.json [results].")
@click.option("--quick", is_flag=True, help="The recipe's quick variant.")
def train_command(name: str | None, out: Path, **options: Any) -> None:
    """Train networks by the recipe NAME and write down what came out; without NAME, list the recipes.

    An older file of the same name is replaced. Ctrl-C keeps the seeds that are finished.
    """
    if name is None:
        click.echo(listing())
        return
    try:
        _train(recipe(name), out, **options)
    except (ValueError, TypeError, ImportError, ArithmeticError, MemoryError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:  # pictures that could not be fetched, a full disk
        raise click.ClickException(str(error)) from None


def listing() -> str:
    """All recipes, with their CPU minutes: quick and full, for one seed of all their networks."""
    rows = [("recipe", "quick", "full", "")]
    rows += [(each.name, _minutes(each.quick_minutes), _minutes(each.minutes), each.shows) for each in recipes()]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = ["  ".join([*(row[k].ljust(widths[k]) for k in range(3)), row[3]]).rstrip() for row in rows]
    last = (
        "About so many minutes on one CPU core, for one seed; - was never tried. Run one: coursekit train NAME --quick"
    )
    return "\n".join([*lines, "", last])


def _minutes(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def _train(
    chosen: Recipe,
    out: Path,
    *,
    seed: int,
    seeds: int,
    epochs: int | None,
    images: int | None,
    device: str | None,
    threads: int | None,
    quick: bool,
) -> None:
    """Run the recipe, writing the file anew after each network."""
    _use_threads(chosen, threads)
    from coursekit.train.cookbook.plan import make_plan
    from coursekit.train.cookbook.run import series

    asked = {"epochs": epochs, "images": images, "device": device}
    changes = {key: value for key, value in asked.items() if value is not None}
    cases = chosen.cases_of(quick=quick)
    for case in cases:  # all that can be wrong is wrong before any work is done
        make_plan(chosen.name, case.name, seed, quick, changes)
    path = out / (chosen.name + ("-quick" if quick else "") + ".json")
    first = _first(chosen)
    if first:
        make_folder(out)
    results: list[Any] = []
    try:
        for result in series(chosen.name, seeds=range(seed, seed + seeds), quick=quick, **changes):
            results.append(replace(result, network=None))  # the network itself is not kept: there may be many
            _keep(results, path, first)
    except KeyboardInterrupt:
        if first:
            kept = f" and kept in {path}" if results else ""
            click.echo(f"\nStopped: {len(results)} of {len(cases) * seeds} runs are finished{kept}.", err=True)
        raise
    if first:
        _say(results, path)


def _use_threads(chosen: Recipe, threads: int | None) -> None:
    """Set the number of threads: NumPy's BLAS reads it when it is imported, PyTorch at any time."""
    if chosen.library == "numpy":
        # matrices this small are multiplied no faster by two threads, and much slower where something else runs
        os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads or 1))
    elif threads:
        from importlib.util import find_spec

        if find_spec("torch"):
            import torch

            torch.set_num_threads(threads)


def _first(chosen: Recipe) -> bool:
    """Whether this process writes and prints for all that torchrun has started."""
    if chosen.library == "numpy":
        return True
    from coursekit.train.distributed import first

    return first()


def _keep(results, path, first):
    from coursekit.train.cookbook.result import save_results

    if first:
        save_results(results, path)
        last = results[-1]
        test = "" if last.test_accuracy is None else f", test {last.test_accuracy:.2%}"
        held_out = "" if last.validation_accuracy is None else f": validation {last.validation_accuracy:.2%}{test}"
        click.echo(f"{last.case}, seed {last.seed}{held_out}, {last.cpu_seconds['training']:.0f} CPU s of training")


def _say(results, path):
    from coursekit.train.cookbook.summary import summary, summary_text

    click.echo(f"\n{summary_text(summary(results))}\n\nWritten to {path}.")
