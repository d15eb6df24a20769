"""Adversarial examples as a picture: the image, what was added to it, and what the network reads then."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.images import as_picture

__all__ = ["adversarial_figure", "show_adversarial"]

Readings = Sequence[tuple[str, float]]  # classes with probabilities, likeliest first


def show_adversarial(
    picture, attacked, before: Readings, after: Readings, alt: str | None = None, *, magnify: float | None = None
) -> None:
    """Show an image, the change that fools a network, magnified, and the changed image, with the likeliest classes.

    Parameters
    ----------
    picture, attacked : ndarray of shape (H, W, 3) or (H, W), 0 to 1
        As `coursekit.viz.pictures_of` gives them.
    before, after : sequence of (class, probability)
        What the network reads in each, likeliest first.
    alt : str, optional
        What the figure shows; a sentence with the classes, if left out.
    magnify : float, optional
        How much the change is magnified; by the largest of 1, 2, 5, 10, ... that keeps it visible if left out.

    Raises
    ------
    ValueError
        If the pictures differ in size, or there is no class.

    >>> cat = np.full((4, 4), 0.5)
    >>> show_adversarial(cat, cat + 0.01, [("cat", 0.9)], [("dog", 0.8)])
    An image that a network reads as cat (90 %), a change of at most 0.010 of the way from black to white, shown 50 \
times larger, and the changed image, which it reads as dog (80 %).
    """
    figure = adversarial_figure(picture, attacked, before, after, magnify=magnify)
    show(figure, adversarial_alt(picture, attacked, before, after, magnify) if alt is None else alt)


def adversarial_figure(picture, attacked, before: Readings, after: Readings, *, magnify: float | None = None) -> Figure:
    """Draw what `show_adversarial` shows.

    >>> cat = np.full((4, 4), 0.5)
    >>> figure = adversarial_figure(cat, cat + 0.01, [("cat", 0.9)], [("dog", 0.8)])
    >>> [panel.get_title() for panel in figure.axes[:3]]
    ['image', 'change x 50, largest 0.010', 'image + change']
    """
    change, magnify = _change(picture, attacked, magnify)
    if not before or not after:
        raise ValueError(f"before has {len(before)} classes and after {len(after)}: give at least one each.")
    rows = max(len(before), len(after))
    tall = change.shape[0] / change.shape[1]
    figure, panels = new_figure(2, 3, size=(7.6, 2.4 * tall + 0.55 + 0.24 * rows),
                                gridspec_kw={"height_ratios": [2.4 * tall, 0.24 * rows]})  # fmt: skip
    titles = ("image", f"change x {magnify:g}, largest {np.abs(change).max():.3f}", "image + change")
    shown = (picture, np.clip(0.5 + magnify * change, 0, 1), attacked)
    for panel, title, each in zip(panels[0], titles, shown, strict=True):
        panel.imshow(each, cmap="gray", vmin=0, vmax=1)
        panel.set(title=title, xticks=[], yticks=[])
        panel.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.5)
    panels[1, 1].axis("off")
    panels[1, 1].text(0.5, 0.9, "grey: no change", ha="center", va="top", fontsize=9, transform=panels[1, 1].transAxes)
    _draw_readings(panels[1, 0], before, rows, PALETTE[0])
    _draw_readings(panels[1, 2], after, rows, PALETTE[1])
    return figure


def adversarial_alt(picture, attacked, before: Readings, after: Readings, magnify: float | None = None) -> str:
    """What was read before and after, and how large the change is, in words."""
    change, magnify = _change(picture, attacked, magnify)
    first, then = (f"{each[0][0]} ({each[0][1]:.0%})".replace("%", " %") for each in (before, after))
    return (
        f"An image that a network reads as {first}, a change of at most {np.abs(change).max():.3f} of the way from "
        f"black to white, shown {magnify:g} times larger, and the changed image, which it reads as {then}."
    )


def _change(picture, attacked, magnify: float | None) -> tuple[np.ndarray, float]:
    one, other = as_picture("picture", picture), as_picture("attacked", attacked)
    if one.shape != other.shape:
        raise ValueError(f"picture has shape {one.shape}, attacked {other.shape}: expected the same.")
    change = other.astype(float) - one.astype(float)
    largest = np.abs(change).max()
    if magnify is None:
        magnify = _round_down(0.5 / largest) if largest > 0 else 1.0
    return change, magnify


def _round_down(value: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... that is not above the value, and at least 1.

    >>> [_round_down(value) for value in (0.3, 2, 63.7)]
    [1.0, 2.0, 50.0]
    """
    if value < 1:
        return 1.0
    ten = 10.0 ** math.floor(math.log10(value))
    return max(factor * ten for factor in (1, 2, 5) if factor * ten <= value * (1 + 1e-6))


def _draw_readings(panel: Axes, readings: Readings, rows: int, colour: str) -> None:
    """A bar for each class, its name and probability written over it."""
    places = np.arange(len(readings))
    panel.barh(places, [share for _, share in readings], color=colour, alpha=0.35, height=0.85)
    for place, (name, share) in enumerate(readings):
        panel.text(0.02, place, f"{name}  {100 * share:.0f} %", va="center", fontsize=9)
    panel.set(xlim=(0, 1), ylim=(rows - 0.5, -0.5), xticks=[], yticks=[])
    panel.spines[:].set_visible(False)
    panel.grid(False)
