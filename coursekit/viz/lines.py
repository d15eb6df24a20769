"""Curves and signals."""

import numpy as np
from matplotlib.figure import Figure

from coursekit.viz.figure import PALETTE, new_figure, show

DASHES = ("-", "--", ":", "-.")


def show_lines(
    x, curves: dict[str, np.ndarray], alt: str, *, xlabel: str, ylabel: str, panels: bool = False, **limits
) -> None:
    """Show curves over one axis, each with its name, told apart by colour and by dashes.

    Parameters
    ----------
    x : array_like, shape (n,)
    curves : dict of name to array_like, shape (n,)
    alt : str
        What the figure shows, in a sentence.
    xlabel, ylabel : str
        What the axes measure, with the unit.
    panels : bool
        One panel a curve, side by side, each with its own scale, instead of all in one.
    limits
        Passed on to ``Axes.set``, such as ``xscale="log"`` or ``ylim=(0, 1)``.

    Raises
    ------
    ValueError
        If a curve is not as long as x.

    >>> show_lines([0, 1], {"up": [0, 1]}, "A line that rises.", xlabel="time (s)", ylabel="height (m)")
    A line that rises.
    """
    show(lines_figure(x, curves, xlabel=xlabel, ylabel=ylabel, panels=panels, **limits), alt)


def lines_figure(
    x, curves: dict[str, np.ndarray], *, xlabel: str, ylabel: str, panels: bool = False, **limits
) -> Figure:
    """Draw what `show_lines` shows.

    >>> figure = lines_figure([0, 1], {"up": [0, 1], "down": [1, 0]}, xlabel="time (s)", ylabel="height (m)")
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['up', 'down']
    """
    x = np.asarray(x)
    for name, y in curves.items():
        if np.shape(y) != x.shape:
            raise ValueError(f"curve '{name}' has shape {np.shape(y)}, x has {x.shape}: give one value for each x.")
    count = len(curves) if panels else 1
    figure, axes = new_figure(1, count, size=(max(6.2, 3.1 * count), 2.8))
    for k, (name, y) in enumerate(curves.items()):
        panel = axes[0, k if panels else 0]
        panel.plot(x, y, DASHES[0 if panels else k % len(DASHES)], color=PALETTE[k % len(PALETTE)], label=name)
        if panels:
            panel.set_title(name)
    for panel in axes[0]:
        panel.set(xlabel=xlabel, **limits)
    axes[0, 0].set_ylabel(ylabel)
    if not panels and count < len(curves):
        axes[0, 0].legend(frameon=False)
    return figure
