"""A progress bar for terminal, notebook and log file."""

import builtins
import sys

from tqdm.auto import tqdm

__all__ = ["bar"]


def bar(total: int, *, shown: bool, done: int = 0) -> tqdm:
    """Make the bar of a training run that takes `total` steps, `done` of them taken before."""
    return tqdm(total=total, initial=done, desc="training", unit="step", disable=not shown, mininterval=_pause())


def _pause():
    """Seconds between two states of the progress bar: a log file keeps each of them, a terminal only the last."""
    return 0.1 if sys.stderr.isatty() or "get_ipython" in dir(builtins) else 15.0
