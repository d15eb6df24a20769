"""Filters: what they look like, and what they answer to an image."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from coursekit.viz.figure import new_figure, show
from coursekit.viz.tilework import GAP, columns_for, draw_tiles

__all__ = ["filters_figure", "normalise_filters", "show_filters"]

WIDEST = 8.0  # inches: what a notebook has room for


def normalise_filters(weights: np.ndarray, *, scale: str = "each", signed: bool = False) -> np.ndarray:
    """Stretch filters over 0..255, so that they can be looked at.

    Parameters
    ----------
    weights : ndarray of float, shape (F, C, KH, KW)
    scale : {"each", "all"}
        Stretch each filter by itself, which shows its pattern, or all alike, which shows who is strong.
    signed : bool
        False: the smallest weight becomes 0, the largest 255. True: the weight 0 becomes 127.5 (rounded to 128), the
        one farthest from zero 0 or 255.

    Returns
    -------
    bytes : ndarray of uint8, shape (F, C, KH, KW)
        128 throughout where all weights are equal.

    Raises
    ------
    ValueError
        If the shape is another, a weight is not finite, or there is no such scale.

    >>> normalise_filters(np.array([[[[-1.0, 0.0, 3.0]]]]))
    array([[[[  0,  64, 255]]]], dtype=uint8)
    >>> normalise_filters(np.array([[[[-1.0, 0.0, 3.0]]]]), signed=True)
    array([[[[ 85, 128, 255]]]], dtype=uint8)
    """
    weights = _as_filters("weights", weights)
    if scale not in ("each", "all"):
        raise ValueError(f"scale is {scale!r}: expected 'each' or 'all'.")
    axes = (1, 2, 3) if scale == "each" else None
    if signed:
        high = np.abs(weights).max(axis=axes, keepdims=True)
        low = -high
    else:
        low, high = weights.min(axis=axes, keepdims=True), weights.max(axis=axes, keepdims=True)
    flat = high == low
    shares = np.where(flat, 0.5, (weights - low) / np.where(flat, 1, high - low))
    return np.floor(255 * shares + 0.5).astype(np.uint8)


def show_filters(
    weights: np.ndarray | Mapping[str, np.ndarray],
    alt: str,
    *,
    look: str = "auto",
    scale: str = "each",
    columns: int | None = None,
    side: float | None = None,
) -> None:
    """Show the filters of a layer, or several sets side by side, such as before and after training.

    Parameters
    ----------
    weights : ndarray of shape (F, C, KH, KW), or dict of title to such
        C = 1 is drawn signed or grey, C = 3 in colours: red, green and blue first to last.
    alt : str
        What the figure shows, in a sentence.
    look : {"auto", "signed", "grey", "colour"}
        "auto" is "signed" for C = 1 (orange above, purple below zero, white zero) and "colour" for C = 3. "grey"
        goes from black for the smallest to white for the largest weight.
    scale : {"each", "all"}
        As for `normalise_filters`; "all" means all of one set.
    columns : int, optional
        Filters in a row of one set; about as many as there are rows where not given.
    side : float, optional
        Width of one filter, in inches; as large as fits where not given.

    Raises
    ------
    ValueError
        If there is no filter, or C is neither 1 nor 3.

    Source: Saito, "Deep Learning from Scratch", section 7.6.1 (before and after training); Krizhevsky, Sutskever &
    Hinton (2012), "ImageNet classification with deep convolutional neural networks", figure 3 (colour filters).

    >>> edges = np.array([[[[1.0, -1.0]]], [[[-1.0, 1.0]]]])
    >>> show_filters({"two edges": edges}, alt="Two edge detectors of 1 by 2 pixels.")
    Two edge detectors of 1 by 2 pixels.
    """
    show(filters_figure(weights, look=look, scale=scale, columns=columns, side=side), alt)


def filters_figure(
    weights: np.ndarray | Mapping[str, np.ndarray],
    *,
    look: str = "auto",
    scale: str = "each",
    columns: int | None = None,
    side: float | None = None,
) -> Figure:
    """Draw what `show_filters` shows.

    >>> figure = filters_figure({"before": np.eye(4)[None, None], "after": np.ones((6, 1, 4, 4))})
    >>> [len(panel.images) for panel in figure.axes]
    [1, 6]
    """
    sets = dict(weights) if isinstance(weights, Mapping) else {"": weights}
    if not sets:
        raise ValueError("weights is empty: give at least one set of filters, as {title: weights}.")
    sets = {title: _as_filters(f"weights '{title}'" if title else "weights", each) for title, each in sets.items()}
    widths = [columns or columns_for(len(each), 2.0 if len(sets) == 1 else 1.0) for each in sets.values()]
    widths = [min(width, len(each)) for width, each in zip(widths, sets.values(), strict=True)]
    side = side or min(0.62, (WIDEST - 0.3 * len(sets)) / (sum(widths) * (1 + GAP)))
    heights = [
        math.ceil(len(each) / width) * each.shape[2] / each.shape[3]
        for width, each in zip(widths, sets.values(), strict=True)
    ]
    size = (side * sum(widths) * (1 + GAP) + 0.3 * len(sets), side * max(heights) * (1 + GAP) + 0.4)
    figure, axes = new_figure(1, len(sets), size=size, width_ratios=widths)
    for panel, (title, each), width in zip(axes[0], sets.items(), widths, strict=True):
        tiles, colour = _tiles(each, look, scale)
        draw_tiles(panel, tiles, columns=width, looks=[colour] * len(tiles), rim=True)
        panel.set_title(title)
    return figure


def _tiles(weights: np.ndarray, look: str, scale: str) -> tuple[np.ndarray, dict]:
    """Pictures of the filters, and how they are to be coloured."""
    channels = weights.shape[1]
    looks = {1: ("signed", "grey"), 3: ("colour",)}.get(channels, ())
    if look not in ("auto", *looks):
        raise ValueError(
            f"weights has shape {weights.shape} and look is {look!r}: with C = 1 it may be 'signed' or 'grey', with "
            "C = 3 'colour'. One channel of many is weights[:, :1]; every channel by itself is "
            "weights.reshape(-1, 1, KH, KW)."
        )
    if not looks:
        raise ValueError(
            f"weights has shape {weights.shape}: C = {channels} is neither grey nor colour. One channel is "
            "weights[:, :1]; every channel by itself is weights.reshape(-1, 1, KH, KW)."
        )
    look = looks[0] if look == "auto" else look
    values = normalise_filters(weights, scale=scale, signed=look == "signed")
    if look == "colour":
        return values.transpose(0, 2, 3, 1), {}
    return values[:, 0], {"cmap": "PuOr_r" if look == "signed" else "gray", "vmin": 0, "vmax": 255}


def _as_filters(name: str, weights) -> np.ndarray:
    weights = np.asarray(weights.detach().cpu() if hasattr(weights, "detach") else weights)
    if weights.ndim != 4 or not weights.size:
        raise ValueError(f"{name} has shape {weights.shape}: expected (F, C, KH, KW), none of them 0.")
    weights = weights.astype(np.float64)
    if not np.isfinite(weights).all():
        raise ValueError(f"{name} has weights that are not finite: there is nothing to draw.")
    return weights
