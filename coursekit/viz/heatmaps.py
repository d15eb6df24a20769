"""Maps laid over the photograph they speak of, several methods side by side, and what random weights do to them."""

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from coursekit.viz.figure import PALETTE, STYLE, new_figure, show
from coursekit.viz.images import colours
from coursekit.viz.lines import DASHES

if TYPE_CHECKING:
    from coursekit.viz.sanity import SanityCheck

__all__ = ["heatmap_figure", "sanity_figure", "show_heatmaps", "show_sanity"]

FULL = 99.5  # percentile of a map that gets the full colour: a few extreme pixels may not set the scale
LUMA = np.array([0.299, 0.587, 0.114])  # red, green, blue: how bright each looks


def show_heatmaps(
    picture,
    maps: Mapping,
    alt: str | None = None,
    *,
    smooth: float | None = None,
    columns: int = 4,
    side: float = 1.75,
) -> None:
    """Show a picture and, side by side, maps laid over it: transparent where a map is near 0.

    Parameters
    ----------
    picture : array of shape (H, W, 3) or (H, W)
        Bytes, or from 0 to 1; as the network saw it (`coursekit.viz.pictures_of`).
    maps : dict of title to array or Tensor, shape (H, W) or (C, H, W)
        One map each. Of several channels the largest size counts, without its sign. If a map has values below 0, all
        are drawn in two colours: orange for, purple against.
    alt : str, optional
        What the figure shows; a sentence made from the maps, if left out.
    smooth : float, optional
        Standard deviation of a blur of the maps, in pixels, without which single pixels are too small to be seen; a
        200th of the picture's width if left out, 0 for none.
    columns : int
        Pictures in a row.
    side : float
        Width of one picture, in inches.

    Raises
    ------
    ValueError
        If there is no map, or one is not of the picture's size.

    >>> show_heatmaps(np.zeros((2, 2)), {"saliency": np.array([[0.0, 1.0], [0.0, 0.0]])})
    The picture, and over it maps of saliency (strongest in the upper right).
    """
    figure = heatmap_figure(picture, maps, smooth=smooth, columns=columns, side=side)
    show(figure, heatmap_alt(maps) if alt is None else alt)


def heatmap_figure(
    picture, maps: Mapping, *, smooth: float | None = None, columns: int = 4, side: float = 1.75
) -> Figure:
    """Draw what `show_heatmaps` shows.

    >>> figure = heatmap_figure(np.zeros((2, 2)), {"saliency": np.eye(2), "occlusion": np.eye(2) - 0.5})
    >>> [panel.get_title() for panel in figure.axes if panel.images]
    ['picture', 'saliency', 'occlusion']
    """
    picture = np.asarray(picture)
    flat = {title: as_map(title, values, picture.shape[:2]) for title, values in maps.items()}
    if not flat:
        raise ValueError("maps is empty: give at least one map, as {title: array}.")
    smooth = picture.shape[1] / 200 if smooth is None else smooth
    flat = {title: gaussian_filter(values, smooth) for title, values in flat.items()}
    columns = min(columns, len(flat) + 1)
    rows = math.ceil((len(flat) + 1) / columns)
    tall = picture.shape[0] / picture.shape[1]
    figure, axes = new_figure(rows, columns, size=(columns * side + 0.9, rows * (side * tall + 0.3)))
    for panel in axes.flat:
        panel.axis("off")
    axes.flat[0].imshow(picture, **colours(picture))
    axes.flat[0].set_title("picture")
    signed = any(values.min() < 0 for values in flat.values())
    for panel, (title, values) in zip(axes.flat[1:], flat.items(), strict=False):
        draw_heatmap(panel, picture, values, signed=signed)
        panel.set_title(title)
    _add_bar(figure, axes, signed)
    return figure


def draw_heatmap(panel: Axes, picture: np.ndarray, values: np.ndarray, *, signed: bool) -> None:
    """The picture in pale grey, over it the map's colours, the stronger the less transparent."""
    grey = _grey(picture)
    panel.imshow(np.repeat(grey[..., None], 3, axis=2))
    full = np.percentile(np.abs(values), FULL) or np.abs(values).max() or 1.0
    shares = np.clip(values / full, -1, 1)
    heat = _colours(signed)((shares + 1) / 2 if signed else shares)
    heat[..., 3] = _opacity(np.abs(shares))
    panel.imshow(heat, interpolation="nearest")


def heatmap_alt(maps: Mapping) -> str:
    """In which part of the picture each map is strongest, in words."""
    parts = [f"{title} (strongest in the {_where(as_map(title, values))})" for title, values in maps.items()]
    return f"The picture, and over it maps of {', '.join(parts)}."


def as_map(title: str, values, sides: tuple[int, int] | None = None) -> np.ndarray:
    """A map of shape (H, W) in float64, of an array or a tensor; of several channels the largest size."""
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=float)
    if array.ndim == 3:
        array = np.abs(array).max(axis=0)
    if array.ndim != 2 or not array.size or (sides and array.shape != tuple(sides)):
        wanted = f"({sides[0]}, {sides[1]}), as the picture" if sides else "(H, W) or (C, H, W)"
        raise ValueError(
            f"map '{title}' has shape {np.shape(values)}, expected {wanted}. Of a batch give one: maps[0]."
        )
    return array


def show_sanity(
    checks: "Mapping[str, SanityCheck]", alt: str | None = None, *, titles: Mapping[str, str] | None = None
) -> None:
    """Show what is left of each method's map when layers are drawn anew, from the top down.

    Parameters
    ----------
    checks : dict of method's name to SanityCheck
        As `coursekit.viz.sanity_check` gives them, all with the same stages.
    alt : str, optional
        What the figure shows; a sentence with the numbers, if left out.
    titles : dict of stage to str, optional
        Words for layers whose names say little; a stage without one keeps its name.

    Raises
    ------
    ValueError
        If there is no check, their stages differ, or a title is for none of them.

    >>> from coursekit.viz import SanityCheck
    >>> check = SanityCheck(("trained", "fc", "conv"), (1.0, 0.4, 0.0), (1.0, 0.3, 0.1), np.zeros((3, 4, 4)))
    >>> show_sanity({"saliency": check})
    Maps of methods while a network loses its weights from the top down. Rank correlation with the maps of the \
trained network: saliency 1.00 trained, 0.40 down to fc, 0.00 down to conv.
    """
    figure = sanity_figure(checks, titles=titles)
    show(figure, sanity_alt(checks, titles=titles) if alt is None else alt)


def sanity_figure(checks: "Mapping[str, SanityCheck]", *, titles: Mapping[str, str] | None = None) -> Figure:
    """Draw what `show_sanity` shows: a row of maps for each method, and below them the rank correlations.

    >>> from coursekit.viz import SanityCheck
    >>> check = SanityCheck(("trained", "fc", "conv"), (1.0, 0.4, 0.0), (1.0, 0.3, 0.1), np.ones((3, 4, 4)))
    >>> len(sanity_figure({"saliency": check, "guided": check}).axes)
    7
    """
    stages = _titled(_common_stages(checks), titles)
    rows, columns = len(checks), len(stages)
    side = min(1.25, 6.6 / columns)
    figure, panels = new_figure(rows + 1, columns, size=(columns * side + 1.3, rows * side + 2.6),
                                gridspec_kw={"height_ratios": [side] * rows + [1.8]})  # fmt: skip
    for row, (name, check) in zip(panels, checks.items(), strict=False):
        for panel, values in zip(row, check.maps, strict=True):
            full = np.percentile(values, FULL) or values.max() or 1.0
            panel.imshow(values, cmap="inferno", vmin=0, vmax=full)
            panel.set(xticks=[], yticks=[])
        row[0].set_ylabel(name.replace(" ", "\n", 1), rotation=0, ha="right", va="center")
    for panel in panels[-1]:
        panel.remove()
    with rc_context(STYLE):
        curves = figure.add_subplot(panels[-1, 0].get_gridspec()[-1, :])
    for k, (name, check) in enumerate(checks.items()):
        look = {"color": PALETTE[k % len(PALETTE)], "linestyle": DASHES[k % len(DASHES)], "marker": "os^Dv"[k % 5]}
        curves.plot(range(columns), check.rank_correlation, label=name, **look)
    curves.set(ylabel="rank correlation\nwith the trained map", ylim=(min(-0.05, *_lowest(checks)), 1.05))
    curves.set(xlabel="lowest layer with random weights, all above it random too", xlim=(-0.5, columns - 0.5))
    curves.set_xticks(range(columns), [_broken(stage) for stage in stages], fontsize=8)
    curves.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def sanity_alt(checks: "Mapping[str, SanityCheck]", *, titles: Mapping[str, str] | None = None) -> str:
    """Every rank correlation of the figure, in words."""
    first, *others = _titled(_common_stages(checks), titles)
    places = [first, *(f"down to {stage}" for stage in others)]
    lines = []
    for name, check in checks.items():
        words = (f"{value:.2f} {place}" for place, value in zip(places, check.rank_correlation, strict=True))
        lines.append(f"{name} {', '.join(words)}")
    return (
        "Maps of methods while a network loses its weights from the top down. Rank correlation with the maps of the "
        f"trained network: {'; '.join(lines)}."
    )


def _broken(name: str, width: int = 12) -> str:
    """A layer's name or title in short lines, broken before points and underscores and between words."""
    lines = [""]
    for piece in re.split(r"(?<=[^._ ])(?=[._ ])", name):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
            piece = piece.lstrip()
        lines[-1] += piece
    return "\n".join(lines)


def _lowest(checks: "Mapping[str, SanityCheck]") -> list[float]:
    return [min(check.rank_correlation) - 0.05 for check in checks.values()]


def _common_stages(checks: "Mapping[str, SanityCheck]") -> tuple[str, ...]:
    stages = {check.stages for check in checks.values()}
    if len(stages) != 1:
        found = "; ".join(", ".join(names) for names in stages) or "none"
        raise ValueError(f"checks have the stages {found}: expected one or more checks, all with the same stages.")
    return stages.pop()


def _titled(stages: tuple[str, ...], titles: Mapping[str, str] | None) -> list[str]:
    """Stages by their titles, as far as they have one."""
    titles = titles or {}
    if unknown := [name for name in titles if name not in stages]:
        raise ValueError(f"titles names {', '.join(map(repr, unknown))}: expected stages, {', '.join(stages)}.")
    return [titles.get(stage, stage) for stage in stages]


def _grey(picture: np.ndarray) -> np.ndarray:
    """Brightness from 0 to 1, paler than the picture, so that colours stand out."""
    shares = picture / 255 if picture.dtype == np.uint8 else np.clip(picture, 0, 1)
    return 0.25 + 0.65 * (shares[..., :3] @ LUMA if shares.ndim == 3 else shares)


def _colours(signed: bool) -> Colormap:
    return colormaps["PuOr_r" if signed else "inferno"]


def _opacity(strength: np.ndarray) -> np.ndarray:
    return 0.9 * strength**0.8


def _add_bar(figure: Figure, axes: np.ndarray, signed: bool) -> None:
    """The colour bar, as the maps look over mid-grey."""
    ends = (-1, 1) if signed else (0, 1)
    shares = np.linspace(*ends, 256)
    colour = _colours(signed)(np.linspace(0, 1, 256))
    opacity = _opacity(np.abs(shares))[:, None]
    seen = ListedColormap(np.hstack([opacity * colour[:, :3] + (1 - opacity) * 0.6, np.ones((256, 1))]))
    bar = figure.colorbar(ScalarMappable(Normalize(*ends), seen), ax=axes, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label("share of a map's\nlargest value" if not signed else "against   (share)   for", fontsize=8)
    bar.set_ticks(np.linspace(*ends, 3), labels=[f"{end:g}" for end in np.linspace(*ends, 3)], fontsize=8)


def _where(values: np.ndarray) -> str:
    """The ninth of the picture that holds most of a map."""
    strength = np.abs(values)
    rows = [part.sum() for part in np.array_split(strength.sum(axis=1), min(3, len(strength)))]
    columns = [part.sum() for part in np.array_split(strength.sum(axis=0), min(3, strength.shape[1]))]
    names = {1: ("",), 2: ("upper", "lower"), 3: ("upper", "middle", "lower")}[len(rows)]
    sides = {1: ("",), 2: ("left", "right"), 3: ("left", "middle", "right")}[len(columns)]
    words = [names[int(np.argmax(rows))], sides[int(np.argmax(columns))]]
    return " ".join(dict.fromkeys(word for word in words if word)) or "whole"
