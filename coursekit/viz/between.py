"""The loss on the straight line between two solutions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from coursekit.nn.sequential import Sequential
from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.lines import DASHES
from coursekit.viz.running import torch_module

__all__ = ["LineOfLosses", "line_of_losses", "line_of_losses_figure", "show_line_of_losses"]


class LineOfLosses(NamedTuple):
    """The loss on the straight line through two solutions.

    Attributes
    ----------
    places : ndarray of shape (points,)
        0 is the first solution, 1 the second.
    losses : ndarray of shape (points,)
        Mean loss, in nats.

    >>> LineOfLosses(np.array([0, 0.5, 1]), np.array([0.1, 2.0, 0.3])).barrier
    1.8
    """

    places: np.ndarray
    losses: np.ndarray

    @property
    def barrier(self) -> float:
        """How far the loss between the two rises above the straight line from one's loss to the other's.

        >>> LineOfLosses(np.array([0, 0.5, 1]), np.array([0.1, 2.0, 0.3])).barrier
        1.8
        """
        between = (self.places >= 0) & (self.places <= 1)
        ends = np.interp([0.0, 1.0], self.places, self.losses)
        return float(np.max((self.losses - np.interp(self.places, [0.0, 1.0], ends))[between]))


def line_of_losses(
    network: Any,
    weights_a: Mapping[str, Any],
    weights_b: Mapping[str, Any],
    data: tuple[Any, Any],
    *,
    points: int = 25,
    beyond: float = 0.25,
) -> LineOfLosses:
    """Measure the loss with weights (1 - s) * a + s * b, for s from `-beyond` to `1 + beyond`.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, or torch.nn.Module that returns scores
        Run as in use; its own weights stay as they are. For a torch module the loss is cross-entropy.
    weights_a, weights_b : dict of name to array or Tensor
        Two solutions of this network: copies of `params`, or of `state_dict()`. Running statistics are mixed like
        weights; for a network with batch norm they do not fit in between, which raises the loss.
    data : (x, t)
        Images (N, C, H, W) and labels (N,).
    points : int
        Places on the line, 3 or more; the two solutions are always among them.
    beyond : float
        How far to go on behind each solution; 0 or more.

    Raises
    ------
    ValueError
        If the two are not weights of this network, or points or beyond are out of range.

    Source: Goodfellow, Vinyals & Saxe (2015), "Qualitatively characterizing neural network optimization problems",
    section 2.

    >>> from coursekit.nn import SimpleConvNet
    >>> a, b = SimpleConvNet(seed=0), SimpleConvNet(seed=1)
    >>> digits = np.zeros((1, 1, 28, 28), np.float32), np.array([3])
    >>> line = line_of_losses(a, a.params, b.params, digits, points=3, beyond=0)
    >>> line.places.tolist(), line.losses.round(3).tolist()              # ln 10: no image, no idea
    ([0.0, 0.5, 1.0], [2.303, 2.303, 2.303])
    """
    if points < 3 or not beyond >= 0:
        raise ValueError(f"points is {points} and beyond {beyond}: expected 3 points or more, and 0 or more beyond.")
    if weights_a.keys() != weights_b.keys():
        odd = sorted(weights_a.keys() ^ weights_b.keys())
        raise ValueError(f"only one of weights_a and weights_b has {', '.join(odd)}: give two of one network.")
    places = np.unique(np.concatenate([np.linspace(-beyond, 1 + beyond, points), [0.0, 1.0]]))
    if isinstance(network, Sequential):
        losses = _numpy_losses(network, weights_a, weights_b, data, places)
    else:
        from coursekit.viz.torch_dynamics import torch_losses

        losses = torch_losses(torch_module(network), weights_a, weights_b, data, places)
    return LineOfLosses(places, np.array(losses))


def _numpy_losses(network: Sequential, a: Mapping, b: Mapping, data: tuple, places: np.ndarray) -> list[float]:
    homes = {name: home for home in (network.params, network.buffers) for name in home}
    if missing := set(network.params) ^ (set(a) - set(network.buffers)):
        raise ValueError(f"weights_a and {type(network).__name__} do not agree about {', '.join(sorted(missing))}.")
    ends = {name: (np.array(a[name]), np.array(b[name])) for name in a}  # copies: a may be the network's own
    before = {name: homes[name][name].copy() for name in a}
    try:
        losses = []
        for s in places:
            for name, (start, end) in ends.items():
                homes[name][name] = ((1 - s) * start + s * end).astype(start.dtype)
            losses.append(float(network.loss(*data)))
        return losses
    finally:
        for name, value in before.items():
            homes[name][name] = value


def show_line_of_losses(
    lines: Mapping[str, LineOfLosses], *, ends: tuple[str, str] = ("A", "B"), alt: str | None = None
) -> None:
    """Show the loss along the straight line through two solutions.

    Parameters
    ----------
    lines : dict of title to LineOfLosses
        Such as of training and test data.
    ends : (str, str)
        What the solutions are called.
    alt : str, optional
        What the figure shows; made from the losses where not given.

    Raises
    ------
    ValueError
        If there is no line.

    >>> show_line_of_losses({"test": LineOfLosses(np.array([0, 0.5, 1]), np.array([0.1, 2.0, 0.3]))})
    The loss on a line from A to B. test: 0.1 at A, 0.3 at B, a barrier of 1.8 between them.
    """
    figure = line_of_losses_figure(lines, ends=ends)
    each = []
    for title, line in lines.items():
        start, end = np.interp([0.0, 1.0], line.places, line.losses)
        each.append(f"{title}: {start:.2g} at {ends[0]}, {end:.2g} at {ends[1]}, a barrier of {line.barrier:.2g}")
    show(figure, alt or f"The loss on a line from {ends[0]} to {ends[1]}. {'; '.join(each)} between them.")


def line_of_losses_figure(lines: Mapping[str, LineOfLosses], *, ends: tuple[str, str] = ("A", "B")) -> Figure:
    """Draw what `show_line_of_losses` shows.

    >>> line = LineOfLosses(np.array([0, 0.5, 1]), np.array([0.1, 2.0, 0.3]))
    >>> [text.get_text() for text in line_of_losses_figure({"test": line}, ends=("seed 0", "seed 1")).axes[0].texts]
    ['seed 0', 'seed 1']
    """
    if not lines:
        raise ValueError("lines is empty: give at least one, as {title: line_of_losses(...)}.")
    figure, axes = new_figure(size=(6.2, 3.2))
    panel = axes[0, 0]
    for k, (title, line) in enumerate(lines.items()):
        colour = PALETTE[k % len(PALETTE)]
        panel.plot(line.places, line.losses, DASHES[k % len(DASHES)], color=colour, label=title)
        panel.plot([0, 1], np.interp([0, 1], line.places, line.losses), "o", color=colour)
    for place, name in zip((0, 1), ends, strict=True):
        panel.axvline(place, color="#999999", lw=0.8, zorder=0)
        panel.annotate(
            name, (place, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center"
        )
    panel.set(xlabel=f"share of {ends[1]} in the weights", ylabel="loss (nats)")
    panel.legend(fontsize=9, frameon=False)
    return figure
