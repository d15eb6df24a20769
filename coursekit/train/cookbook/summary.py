"""Several seeds of a recipe in one line: mean, spread, interval, and how far the test set itself can be trusted."""

from collections.abc import Iterable, Sequence
from math import nan, sqrt
from statistics import mean, stdev
from typing import NamedTuple

from coursekit.train.cookbook.result import Result, standard_error

__all__ = ["Summary", "summary", "summary_text"]

# Student's t, two-sided 95 %, for 1 to 30 degrees of freedom. Source: any statistics textbook's table.
T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


class Summary(NamedTuple):
    """One network over its seeds; accuracies and errors as shares, not per cent.

    `sd` and `interval` (95 %, of the mean over seeds, by Student's t) say how much the seed matters; with one seed
    they are not known and NaN. `test_error` is the standard error of these test pictures, which no number of seeds
    makes smaller.
    """

    recipe: str
    case: str
    seeds: int
    mean: float
    sd: float
    interval: tuple[float, float]
    test_error: float
    validation: float
    training: float  # accuracy after the last epoch
    cpu_seconds: float  # of training, the mean
    images_per_second: float


def summary(results: Iterable[Result]) -> list[Summary]:
    """Summarise results, each network by itself.

    Parameters
    ----------
    results : iterable of Result

    Returns
    -------
    summaries : list of Summary
        In the order in which the networks first appear.

    Raises
    ------
    ValueError
        If results of one network differ in more than the seed, or a seed is there twice.
    """
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.recipe, result.case), []).append(result)
    return [_summed(group) for group in groups.values()]


def summary_text(summaries: Sequence[Summary]) -> str:
    """The summaries as a table of text."""
    rows = [("network", "seeds", "test accuracy", "95 % interval", "test set", "validation", "CPU s", "images/s")]
    rows += [_row(each) for each in summaries]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _summed(group: list[Result]) -> Summary:
    _expect_alike(group)
    tests = [each.test_accuracy for each in group if each.test_accuracy is not None]
    middle = mean(tests) if tests else nan
    sd = stdev(tests) if len(tests) > 1 else nan
    reach = T_95[min(len(tests) - 1, len(T_95)) - 1] * sd / sqrt(len(tests)) if len(tests) > 1 else nan
    return Summary(
        group[0].recipe,
        group[0].case,
        len(group),
        middle,
        sd,
        (middle - reach, middle + reach),
        standard_error(middle, group[0].test_images) if tests else nan,
        mean(nan if each.validation_accuracy is None else each.validation_accuracy for each in group),
        mean(_training(each) for each in group),
        mean(each.cpu_seconds["training"] for each in group),
        mean(each.images_per_second for each in group),
    )


def _training(result):
    if result.diverged is not None:
        return 0.0  # as on the other parts: what is left reads nothing
    return result.history.training_accuracy[-1] if result.history.training_accuracy else nan


def _expect_alike(group):
    first = group[0]
    for each in group[1:]:
        for name in ("quick", "data", "images", "views", "test_images"):
            if getattr(each, name) != getattr(first, name):
                raise ValueError(_differ(first, name, getattr(first, name), getattr(each, name)))
        for name in first.options.keys() | each.options.keys():
            if name not in ("seed", "device") and first.options.get(name) != each.options.get(name):
                raise ValueError(_differ(first, name, first.options.get(name), each.options.get(name)))
    seeds = [each.seed for each in group]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"results of {first.case} hold a seed twice ({seeds}): expected one result of each.")


def _differ(result, name, one, other):
    return (
        f"results of {result.case} differ in {name} ({one!r} and {other!r}): expected runs that differ in seed alone."
    )


def _row(each: Summary) -> tuple[str, ...]:
    def percent(value, digits=2):
        return "-" if value != value else f"{100 * value:.{digits}f} %"

    low, high = each.interval
    return (
        each.case,
        str(each.seeds),
        percent(each.mean),
        "-" if low != low else f"{100 * low:.2f} to {100 * high:.2f}",
        "-" if each.test_error != each.test_error else f"± {100 * each.test_error:.2f}",
        percent(each.validation),
        f"{each.cpu_seconds:.0f}",
        f"{each.images_per_second:,.0f}",
    )
