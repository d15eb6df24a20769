"""Many small pictures in one panel: quicker to draw than a panel each, and as tidy."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from coursekit.viz.figure import PALETTE
from coursekit.viz.grids import signed_norm

GAP = 0.08  # between tiles, in widths of a tile


def columns_for(count: int, wide: float) -> int:
    """Columns of a block about `wide` times as wide as high; a number that leaves no row half empty if one is near."""
    ideal = math.sqrt(wide * count)
    fitting = [c for c in range(math.ceil(0.7 * ideal), math.floor(1.45 * ideal) + 1) if count % c == 0]
    return min(fitting, key=lambda c: abs(c - ideal), default=math.ceil(ideal))


def draw_tiles(
    axes: Axes, tiles, *, columns: int, looks: list[dict] | None = None, frames=(), rim: bool = False
) -> None:
    """Draw tiles in rows, from the left to the right and downwards.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    tiles : sequence of ndarray, shape (H, W) or (H, W, 3), all of one shape
    columns : int
        Tiles in a row.
    looks : list of dict, optional
        How each is to be coloured, passed on to ``imshow``.
    frames : collection of int
        Tiles that get a frame.
    rim : bool
        A thin line around every tile, where white ones would melt into the page.
    """
    tall = tiles[0].shape[0] / tiles[0].shape[1]
    rows = math.ceil(len(tiles) / columns)
    for k, tile in enumerate(tiles):
        left, top = (k % columns) * (1 + GAP), (k // columns) * (tall + GAP)
        look = looks[k] if looks else {}
        axes.imshow(tile, extent=(left, left + 1, top + tall, top), **look)
        if rim:
            axes.add_patch(Rectangle((left, top), 1, tall, fill=False, ec="#bbbbbb", lw=0.5, clip_on=False))
        if k in frames:
            axes.add_patch(Rectangle((left, top), 1, tall, fill=False, ec=PALETTE[1], lw=2, clip_on=False))
    axes.set(xlim=(0, columns * (1 + GAP) - GAP), ylim=(rows * (tall + GAP) - GAP, 0), aspect="equal", anchor="N")
    axes.axis("off")


def map_look(values: np.ndarray, *, signed: bool, limit: float | None = None) -> dict:
    """Colours of a map: grey from black for 0 where nothing is negative, else orange above and purple below zero.

    Parameters
    ----------
    values : ndarray
        The map.
    signed : bool
        Whether the layer has negative numbers: its other maps may, where this one has none.
    limit : float, optional
        The value at the scale's end; the largest of the map where not given.
    """
    limit = float(np.abs(values).max()) if limit is None else limit
    if signed:
        return {"cmap": "PuOr_r", "norm": signed_norm(np.array([limit]))}
    return {"cmap": "gray", "vmin": 0.0, "vmax": limit or 1.0}  # a dead map is black, not grey
