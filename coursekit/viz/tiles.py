"""Many small pictures of one size: filters of a layer, digits of a test set."""

import math

import numpy as np
from matplotlib.figure import Figure

from coursekit.viz.figure import PALETTE, new_figure
from coursekit.viz.images import colours


def tiles_figure(tiles: np.ndarray, *, columns: int = 10, side: float = 0.75) -> Figure:
    """Draw small pictures in rows, each with a colour scale of its own.

    Parameters
    ----------
    tiles : numpy.ndarray, shape (n, H, W)
        Pictures from 0 to 1, or signed maps: filters, digits.
    columns : int
        Pictures in a row.
    side : float
        Width of one picture, in inches.

    Raises
    ------
    ValueError
        If there is no picture, or they have not two axes each.
    """
    if np.ndim(tiles) != 3 or not np.size(tiles):
        raise ValueError(f"tiles has shape {np.shape(tiles)}: needed is (n, H, W), none of them 0.")
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    figure, axes = new_figure(rows, columns, size=(columns * side, rows * side))
    for panel in axes.flat:
        panel.axis("off")
    for panel, tile in zip(axes.flat, tiles, strict=False):
        panel.imshow(tile, **colours(tile))
    return figure


def mistakes_figure(images: np.ndarray, labels: np.ndarray, predictions: np.ndarray, *, most: int = 30) -> Figure:
    """Draw the first wrongly read digits, the true label at the top left, the prediction at the bottom right.

    Parameters
    ----------
    images : numpy.ndarray, shape (n, H, W)
    labels, predictions : numpy.ndarray of int, shape (n,)
    most : int
        How many are drawn at most.

    Raises
    ------
    ValueError
        If no prediction is wrong.
    """
    wrong = np.flatnonzero(np.asarray(labels) != np.asarray(predictions))[:most]
    if not len(wrong):
        raise ValueError("every prediction is right: there is no mistake to draw.")
    figure = tiles_figure(images[wrong], side=0.9)
    for panel, k in zip(figure.axes, wrong, strict=False):
        panel.text(0.04, 0.96, labels[k], transform=panel.transAxes, color=PALETTE[5], va="top", weight="bold")
        panel.text(0.96, 0.04, predictions[k], transform=panel.transAxes, color=PALETTE[4], ha="right", weight="bold")
    return figure
