"""The real pieces of pictures that excite a unit most."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from coursekit.viz.field import layer_fields
from coursekit.viz.figure import new_figure, show
from coursekit.viz.running import Network, as_batch, run_layers
from coursekit.viz.tilework import GAP, draw_tiles

__all__ = ["Patch", "maximal_patches", "patches_figure", "show_patches"]

TOGETHER = 16  # images that go through the network at a time


class Patch(NamedTuple):
    """A piece of a picture, and how much it excites a unit.

    Attributes
    ----------
    value : float
        Of the unit at this place.
    image : int
        Which of the images it is cut from.
    place : tuple of int
        Row and column in the unit's map; () for a unit without places.
    box : (top, left, height, width)
        What the unit sees there, in pixels; it may reach beyond the picture.
    pixels : ndarray of shape (C, height, width)
        The piece, as the network takes it; where the unit sees padding, 0. Where it sees more than the whole
        picture, the picture.

    >>> Patch(1.5, image=0, place=(3, 4), box=(6, 8, 2, 2), pixels=np.eye(2)[None]).value
    1.5
    """

    value: float
    image: int
    place: tuple[int, ...]
    box: tuple[int, int, int, int]
    pixels: np.ndarray


def maximal_patches(
    network: Network, layer: str, unit: int, images: Any, count: int = 9, *, per_image: int = 1
) -> list[Patch]:
    """Find the pieces of pictures that excite a unit most, cut out by its receptive field.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, torch.nn.Module, or what `coursekit.models.pretrained` returns
        Run as in use; left in the mode it was in.
    layer : str
        As `activations` lists them, or any part of a torch module.
    unit : int
        Number of the map, or of the feature in a dense layer.
    images : ndarray or Tensor, shape (N, C, H, W)
        As the network takes them.
    count : int
        Patches wanted; there may be fewer if there are fewer images.
    per_image : int
        Patches that one image may give at most; they lie half a field apart or more.

    Returns
    -------
    patches : list of Patch
        The strongest first.

    Raises
    ------
    ValueError
        If there is no such layer or unit.

    Source: Girshick, Donahue, Darrell & Malik (2014), "Rich feature hierarchies", section 3.1; Zeiler & Fergus (2014),
    "Visualizing and understanding convolutional networks", figure 2.

    >>> from coursekit.nn import SimpleConvNet
    >>> images = np.zeros((2, 1, 28, 28), np.float32)
    >>> images[1, 0, 10:15, 3:8] = 1
    >>> best = maximal_patches(SimpleConvNet(), "Conv1", 0, images, count=1)[0]
    >>> best.image, best.pixels.shape
    (1, (1, 5, 5))
    """
    if count < 1 or per_image < 1:
        raise ValueError(f"count is {count} and per_image {per_image}: expected at least 1 of both.")
    batch = as_batch(network, images)
    fields = layer_fields(network, tuple(batch.shape[1:])).get(layer)
    found: list[tuple[float, int, tuple[int, ...]]] = []
    for start in range(0, len(batch), TOGETHER):
        volume = run_layers(network, batch[start : start + TOGETHER], [layer])[layer]
        if not 0 <= unit < volume.shape[1]:
            raise ValueError(f"unit is {unit}: layer {layer!r} has the units 0 to {volume.shape[1] - 1}.")
        for k, answers in enumerate(volume[:, unit], start):
            found += [(float(answers[place]), k, place) for place in _places(answers, fields, per_image)]
    found = sorted(found, key=lambda each: -each[0])[:count]
    return [_cut(np.asarray(batch[k].detach().cpu() if hasattr(batch, "detach") else batch[k]), fields, value, k, place)
            for value, k, place in found]  # fmt: skip


def _places(answers: np.ndarray, fields, most: int) -> list[tuple[int, ...]]:
    """The strongest places of a map, of which none lies within half a field of a stronger one."""
    answers, places = answers.astype(float), []
    while len(places) < most and answers.max(initial=-np.inf) > -np.inf:
        place = tuple(int(i) for i in np.unravel_index(answers.argmax(), answers.shape))
        places.append(place)
        if fields is None or len(place) != 2:
            break
        reach = [max(1, field.size // (2 * field.jump)) for field in fields]
        answers[tuple(slice(max(0, at - r), at + r + 1) for at, r in zip(place, reach, strict=True))] = -np.inf
    return places


def _cut(picture: np.ndarray, fields, value: float, image: int, place: tuple[int, ...]) -> Patch:
    height, width = picture.shape[1:]
    box = (0, 0, height, width)
    if fields is not None and len(place) == 2:
        top, left = (field.start + at * field.jump for field, at in zip(fields, place, strict=True))
        box = (top, left, fields[0].size, fields[1].size)
    if box[2] >= height and box[3] >= width:
        return Patch(value, image, place, box, picture.copy())
    pixels = np.zeros((len(picture), box[2], box[3]), picture.dtype)
    rows, columns = (
        slice(max(a, 0), min(a + n, end)) for a, n, end in zip(box, box[2:], (height, width), strict=False)
    )
    inside = pixels[:, rows.start - box[0] : rows.stop - box[0], columns.start - box[1] : columns.stop - box[1]]
    inside[...] = picture[:, rows, columns]
    return Patch(value, image, place, box, pixels)


def show_patches(patches: Mapping[str, Sequence[Patch]] | Sequence[Patch], *, alt: str | None = None) -> None:
    """Show the pieces that excite units most, a row for each unit.

    Parameters
    ----------
    patches : dict of title to list of Patch, or one list
        As `maximal_patches` returns it.
    alt : str, optional
        What the figure shows; made from the patches where not given.

    Raises
    ------
    ValueError
        If a unit has no patch.

    >>> patch = Patch(1.5, 0, (0, 0), (0, 0, 2, 2), np.eye(2)[None])
    >>> show_patches({"a unit for diagonals": [patch, patch]})
    The pieces of pictures that excite units most. a unit for diagonals: 2 pieces of 2 x 2, values 1.5 to 1.5.
    """
    figure = patches_figure(patches)
    rows = [
        f"{title + ': ' if title else ''}{len(row)} pieces of {row[0].pixels.shape[1]} x {row[0].pixels.shape[2]}, "
        f"values {row[0].value:.3g} to {row[-1].value:.3g}"
        for title, row in _rows(patches).items()
    ]
    show(figure, alt or f"The pieces of pictures that excite units most. {'; '.join(rows)}.")


def patches_figure(patches: Mapping[str, Sequence[Patch]] | Sequence[Patch]) -> Figure:
    """Draw what `show_patches` shows.

    >>> patch = Patch(1.5, 0, (0, 0), (0, 0, 2, 2), np.eye(2)[None])
    >>> [len(panel.images) for panel in patches_figure({"diagonals": [patch, patch], "others": [patch]}).axes]
    [2, 1]
    """
    rows = _rows(patches)
    longest = max(map(len, rows.values()))
    side = min(0.9, 7.0 / (longest * (1 + GAP)))
    room = max(0.1, 0.075 * max(map(len, rows))) if any(rows) else 0.05
    figure, axes = new_figure(len(rows), 1, size=(side * longest * (1 + GAP) + room, len(rows) * (side + 0.12) + 0.1))
    low = min(patch.pixels.min() for row in rows.values() for patch in row)
    high = max(patch.pixels.max() for row in rows.values() for patch in row)
    for panel, (title, row) in zip(axes[:, 0], rows.items(), strict=True):
        tiles = [_picture(patch.pixels, low, high) for patch in row]
        look = {"cmap": "gray", "vmin": 0, "vmax": 1} if tiles[0].ndim == 2 else {}
        draw_tiles(panel, tiles, columns=longest, looks=[look] * len(tiles), rim=True)
        if title:
            panel.text(-0.12, 0.5 * tiles[0].shape[0] / tiles[0].shape[1], title, ha="right", va="center", fontsize=9)
    return figure


def _rows(patches) -> dict[str, list[Patch]]:
    rows = {title: list(row) for title, row in patches.items()} if isinstance(patches, Mapping) else {"": list(patches)}
    if not rows or not all(rows.values()):
        raise ValueError("patches has a unit without patches: give what maximal_patches returns, at least one each.")
    return rows


def _picture(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    shares = (pixels - low) / ((high - low) or 1.0)
    return shares.transpose(1, 2, 0) if len(shares) == 3 else shares[0]
