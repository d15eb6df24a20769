"""Many small pictures of one size: filters of a layer, digits of a test set."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from coursekit.viz.figure import PALETTE, new_figure
from coursekit.viz.images import colours


def tiles_figure(tiles: np.ndarray, *, columns: int = 10, side: float = 0.75) -> Figure:
    """Draw small pictures in rows, each with a colour scale of its own.

    Parameters
    ----------
    tiles : numpy.ndarray, shape (n, H, W) or (n, C, H, W)
        Pictures from 0 to 1 or of bytes, or signed maps: filters, digits. C is 1 or 3.
    columns : int
        Pictures in a row.
    side : float
        Width of one picture, in inches.

    Raises
    ------
    ValueError
        If there is no picture, or they have not two axes each, and channels that can be shown.

    >>> len(tiles_figure(np.zeros((12, 4, 4)), columns=6).axes)
    12
    """
    if not np.size(tiles) or not (np.ndim(tiles) == 3 or (np.ndim(tiles) == 4 and np.shape(tiles)[1] in (1, 3))):
        raise ValueError(
            f"tiles has shape {np.shape(tiles)}: needed is (n, H, W), none of them 0, or (n, C, H, W) with C 1 or 3."
        )
    if np.ndim(tiles) == 4:
        tiles = tiles[:, 0] if tiles.shape[1] == 1 else tiles.transpose(0, 2, 3, 1)
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    figure, axes = new_figure(rows, columns, size=(columns * side, rows * side))
    for panel in axes.flat:
        panel.axis("off")
    for panel, tile in zip(axes.flat, tiles, strict=False):
        panel.imshow(tile, **colours(tile))
    return figure


def mistakes_figure(
    images: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    *,
    most: int = 30,
    names: Sequence[str] | None = None,
    sureness: np.ndarray | None = None,
) -> Figure:
    """Draw wrongly read pictures, the true label at the top left, the prediction at the bottom right.

    Parameters
    ----------
    images : numpy.ndarray, shape (n, H, W) or (n, C, H, W)
    labels, predictions : numpy.ndarray of int, shape (n,)
    most : int
        How many are drawn at most.
    names : sequence of str, optional
        Of the classes, to be written in place of their numbers.
    sureness : numpy.ndarray, shape (n,), optional
        How sure each prediction was; the surest mistakes are then drawn, the surest first. Otherwise the first ones.

    Raises
    ------
    ValueError
        If no prediction is wrong.

    >>> figure = mistakes_figure(np.zeros((3, 4, 4)), np.array([3, 1, 4]), np.array([3, 7, 9]))
    >>> [[text.get_text() for text in panel.texts] for panel in figure.axes]
    [['1', '7'], ['4', '9']]
    """
    wrong = np.flatnonzero(np.asarray(labels) != np.asarray(predictions))
    if not len(wrong):
        raise ValueError("every prediction is right: there is no mistake to draw.")
    if sureness is not None:
        wrong = wrong[np.argsort(-np.asarray(sureness, dtype=float)[wrong], kind="stable")]
    wrong = wrong[:most]
    figure = tiles_figure(images[wrong], side=0.8)  # ten in a row: 8 inches, as wide as a notebook
    for panel, k in zip(figure.axes, wrong, strict=False):
        label, reading = (each[k] if names is None else names[each[k]] for each in (labels, predictions))
        look = {"transform": panel.transAxes, "weight": "bold", "fontsize": 10 if names is None else 8}
        look["bbox"] = {"facecolor": "black", "alpha": 0.55, "linewidth": 0, "pad": 1}  # pictures may be bright
        panel.text(0.04, 0.96, label, color=PALETTE[5], va="top", **look)
        panel.text(0.96, 0.04, reading, color=PALETTE[4], ha="right", **look)
    return figure
