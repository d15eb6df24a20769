"""What the layers make of an image: activation maps, and the maps that never fire."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from coursekit.viz.figure import new_figure, show
from coursekit.viz.running import Network, as_batch, one_volume, run_layers
from coursekit.viz.tilework import GAP, columns_for, draw_tiles, map_look

__all__ = ["activations", "dead_maps", "maps_figure", "show_maps"]

WIDEST = 8.0  # inches: what a notebook has room for
AT_ONCE = 20_000_000  # numbers that `dead_maps` keeps of a group of images, 80 MB
NUMBERED = 0.42  # inches from which on a map has room for its number


def activations(network: Network, image: Any, layers: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """What each layer makes of one image, from the first layer to the scores.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, torch.nn.Module, or what `coursekit.models.pretrained` returns
        Run as in use, with hooks that are taken off again; left in the mode it was in.
    image : ndarray or Tensor, shape (C, H, W), (1, C, H, W) or (H, W)
        As the network takes it. For a Pretrained also a photograph, (H, W, 3) of uint8.
    layers : sequence of str, optional
        The layers wanted; of a torch module any part by its name, such as "layer1.0". All layers where not given: a
        part that runs twice is listed as "relu" and "relu (2)".

    Returns
    -------
    maps : dict of name to ndarray
        Shape (C, H, W), or (features,) of a dense layer, in the order in which they ran.

    Raises
    ------
    TypeError, ValueError
        If it is no network, not one image, or there is no such layer.

    Source: Yosinski, Clune, Nguyen, Fuchs & Lipson (2015), "Understanding neural networks through deep
    visualization", section 2.

    >>> from coursekit.nn import SimpleConvNet
    >>> maps = activations(SimpleConvNet(), np.zeros((1, 28, 28), np.float32))
    >>> {name: values.shape for name, values in maps.items()}
    {'Conv1': (30, 24, 24), 'Relu1': (30, 24, 24), 'Pool1': (30, 12, 12), 'Affine1': (100,), 'Relu2': (100,), \
'Affine2': (10,)}
    """
    volumes = run_layers(network, one_volume(network, image), layers)
    return {name: volume[0] for name, volume in volumes.items()}


def dead_maps(network: Network, images: Any, layers: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Find the maps that never fire: not above zero at any place of any image.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, torch.nn.Module, or what `coursekit.models.pretrained` returns
    images : ndarray or Tensor, shape (N, C, H, W)
        The more, the surer.
    layers : sequence of str, optional
        The layers to look at; where not given, those that never return a negative number, as behind a ReLU.

    Returns
    -------
    dead : dict of name to ndarray of int64
        Numbers of the maps (of the units, in a dense layer) that are dead; empty where all fire.

    Raises
    ------
    TypeError, ValueError
        As for `activations`.

    >>> from coursekit.nn import SimpleConvNet
    >>> network = SimpleConvNet()
    >>> network.params["b1"][:] = 1.0
    >>> network.params["b1"][7] = -100.0                    # a bias that no image overcomes
    >>> {name: dead.tolist() for name, dead in dead_maps(network, np.ones((2, 1, 28, 28), np.float32)).items()
    ...  if name != "Relu2"}
    {'Relu1': [7], 'Pool1': [7]}
    """
    batch = as_batch(network, images)
    one = run_layers(network, batch[:1], layers)
    group = max(1, AT_ONCE // sum(volume.size for volume in one.values()))
    highest: dict[str, np.ndarray] = {}
    lowest: dict[str, float] = {}
    for start in range(0, len(batch), group):
        for name, volume in run_layers(network, batch[start : start + group], layers).items():
            top = volume.max(axis=(0, *range(2, volume.ndim)))
            highest[name] = np.maximum(highest.get(name, top), top)
            lowest[name] = min(lowest.get(name, np.inf), float(volume.min()))
    chosen = [name for name in highest if layers is not None or lowest[name] >= 0]
    return {name: np.flatnonzero(highest[name] <= 0) for name in chosen}


def show_maps(
    maps: np.ndarray,
    *,
    title: str = "",
    alt: str | None = None,
    most: int = 64,
    columns: int | None = None,
    scale: str = "each",
) -> None:
    """Show the maps of one layer side by side, with their numbers; those that do not fire get a frame.

    Parameters
    ----------
    maps : ndarray of shape (C, H, W)
        As `activations` returns it. Without negative numbers, as behind a ReLU, it is drawn grey on black, otherwise
        orange above and purple below zero.
    title : str
    alt : str, optional
        What the figure shows; made from the maps where not given.
    most : int
        Maps drawn at most, the first ones.
    columns : int, optional
        Maps in a row.
    scale : {"each", "all"}
        A colour scale for each map, which shows its pattern, or one for all, which shows who is strong.

    Raises
    ------
    ValueError
        If there is no map, or no such scale.

    >>> show_maps(np.stack([np.eye(4), np.zeros((4, 4))]), title="two maps")
    two maps: 2 maps of 4 x 4. 1 of them does not fire on this image: 1.
    """
    figure = maps_figure(maps, title=title, most=most, columns=columns, scale=scale)
    show(figure, alt or _describe(_as_maps(maps), title, most))


def maps_figure(
    maps: np.ndarray, *, title: str = "", most: int = 64, columns: int | None = None, scale: str = "each"
) -> Figure:
    """Draw what `show_maps` shows.

    >>> panel = maps_figure(np.stack([np.eye(4), np.zeros((4, 4))])).axes[0]
    >>> len(panel.images), len(panel.patches)  # two maps, and a frame around the one that does not fire
    (2, 1)
    """
    if scale not in ("each", "all"):
        raise ValueError(f"scale is {scale!r}: expected 'each' or 'all'.")
    maps = _as_maps(maps)
    limit = None if scale == "each" else float(np.abs(maps).max())
    signed, dead = maps.min() < 0, _not_firing(maps)
    drawn = maps[: max(1, most)]
    columns = min(columns or columns_for(len(drawn), 1.7), len(drawn))
    side = min(0.9, WIDEST / (columns * (1 + GAP)))
    rows, tall = math.ceil(len(drawn) / columns), maps.shape[1] / maps.shape[2]
    size = (side * columns * (1 + GAP), side * rows * (tall + GAP) + (0.35 if title else 0.08))
    figure, axes = new_figure(size=size)
    looks = [map_look(each, signed=signed, limit=limit) for each in drawn]
    draw_tiles(axes[0, 0], list(drawn), columns=columns, looks=looks, frames=set(dead.tolist()))
    if side >= NUMBERED:
        _number(axes[0, 0], len(drawn), columns, tall)
    axes[0, 0].set_title(title)
    return figure


def _number(panel, count: int, columns: int, tall: float) -> None:
    for k in range(count):
        left, top = (k % columns) * (1 + GAP) + 0.03, (k // columns) * (tall + GAP) + 0.03
        box = {"facecolor": "black", "alpha": 0.55, "linewidth": 0, "pad": 0.8}
        panel.text(left, top, k, color="white", fontsize=6.5, va="top", bbox=box)


def _not_firing(maps: np.ndarray) -> np.ndarray:
    """Maps without a number above zero, in a layer where nothing is negative; elsewhere that means nothing."""
    return np.flatnonzero(maps.max(axis=(1, 2)) <= 0) if maps.min() >= 0 else np.empty(0, int)


def _as_maps(maps) -> np.ndarray:
    maps = np.asarray(maps.detach().cpu() if hasattr(maps, "detach") else maps, dtype=float)
    if maps.ndim != 3 or not maps.size:
        raise ValueError(f"maps has shape {maps.shape}: expected (C, H, W) of one image, none of them 0.")
    return maps


def _describe(maps: np.ndarray, title: str, most: int) -> str:
    count, height, width = maps.shape
    text = f"{title + ': ' if title else ''}{count} maps of {height} x {width}"
    text += f", of which the first {most} are drawn." if most < count else "."
    dead = _not_firing(maps)
    if not len(dead):
        return text
    which = f": {', '.join(map(str, dead))}" if len(dead) <= 10 else ""
    return f"{text} {len(dead)} of them {'does' if len(dead) == 1 else 'do'} not fire on this image{which}."
