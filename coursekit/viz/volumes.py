"""A network drawn as volumes to scale, and its memory and parameters layer by layer: all from its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon

from coursekit.shapes import binary_size
from coursekit.viz.figure import PALETTE, new_figure, show

if TYPE_CHECKING:
    from coursekit.models import Table

__all__ = ["show_table_bars", "show_volumes", "table_bars_figure", "volumes_figure"]

COLOURS = {"input": "#999999", "conv": PALETTE[0], "pool": PALETTE[1], "fc": PALETTE[2]}
WORDS = {"input": "input", "conv": "convolution", "pool": "pooling", "fc": "fully connected (own scale)"}
WIDTH, TALLEST = 6.9, 1.7  # inches: of the row of boxes, and of the highest front
SLANT = 0.35  # inches to the right and up for each inch of depth
BESIDE, APART = 0.05, 0.24  # inches between boxes of one size, and between sizes


@dataclass(frozen=True)
class Box:
    """A layer's output, as it is drawn."""

    name: str
    kind: str
    shape: tuple[int, ...]  # (C, H, W), or (features,)


def show_volumes(table: "Table", alt: str | None = None) -> None:
    """Show a network as a row of boxes: height and depth are the map's sides, thickness is its channels.

    Parameters
    ----------
    table : Table
        As ``coursekit.models.table`` gives it. Input, convolutions, pooling and fully connected layers are drawn.
    alt : str, optional
        What the figure shows; a sentence with all sizes, if left out.

    Raises
    ------
    ValueError
        If the table has no layer with maps.

    >>> from coursekit.models import table
    >>> show_volumes(table("lenet5"))
    lenet5 at 1x32x32 as a row of boxes, their sides and thickness to scale: input 1 x 32 x 32, conv 6 x 28 x 28, \
pool 6 x 14 x 14, conv 16 x 10 x 10, pool 16 x 5 x 5, conv 120 x 1 x 1, fc 84.
    """
    figure = volumes_figure(table)
    show(figure, volumes_alt(table) if alt is None else alt)


def volumes_figure(table: "Table") -> Figure:
    """Draw what `show_volumes` shows.

    Sides are to one scale and channels to another. Fully connected layers are upright bars, their lengths to a third
    scale: as volumes of one pixel with thousands of channels they would not fit.

    >>> from coursekit.models import table
    >>> [text.get_text() for text in volumes_figure(table("lenet5")).axes[0].texts][:2]
    ['input 1 x 32 x 32', 'conv 6 x 28 x 28']
    """
    boxes = boxes_of(table)
    pixels, channels, features = _scales(boxes)
    figure, ((axes,),) = new_figure()
    x, depth_before = 0.0, 0.0
    for (kind, shape), group in groupby(boxes, key=lambda box: (box.kind, box.shape)):
        group = list(group)
        height = pixels * shape[1] if len(shape) == 3 else features * shape[0]
        depth = pixels * shape[2] * SLANT if len(shape) == 3 else 0.03
        thick = max(0.02, channels * shape[0]) if len(shape) == 3 else 0.09
        x += max(0.0, depth - depth_before) / 2 * 0.5  # a deep box would hide all of a flat one before it
        left = x
        for _ in group:
            _draw_box(axes, x, height, thick, depth, COLOURS[kind])
            x += thick + BESIDE
        middle = (left + x - BESIDE) / 2 - depth / 2
        _write(axes, middle, -height / 2 - depth / 2, _label(kind, shape, len(group)))
        x, depth_before = x - BESIDE + APART, depth
    _finish(figure, axes, table.title, {box.kind for box in boxes}, x)
    return figure


def volumes_alt(table: "Table") -> str:
    """Every size, in words."""
    groups = groupby(boxes_of(table), key=lambda box: (box.kind, box.shape))
    sizes = ", ".join(_label(kind, shape, len(list(group))) for (kind, shape), group in groups)
    return f"{table.title} as a row of boxes, their sides and thickness to scale: {sizes}."


def boxes_of(table: "Table") -> list[Box]:
    """The layers that are drawn; a convolution written as one layer for each map becomes one box again."""
    rows = [row for row in table.rows if row.elements and row.kind in COLOURS and len(row.output_shape) in (1, 3)]
    boxes = []
    for key, group in groupby(rows, key=lambda row: (row.name.rpartition(".")[0], row.kind, row.output_shape)):
        same, (stem, kind, shape) = list(group), key
        if len(same) > 1 and kind == "conv" and shape[0] == 1:
            boxes.append(Box(stem, kind, (len(same), *shape[1:])))
        else:
            boxes += [Box(row.name, row.kind, row.output_shape) for row in same]
    if not any(len(box.shape) == 3 for box in boxes):
        raise ValueError(f"{table.title} has no layer with maps (C, H, W): there is no volume to draw.")
    return boxes


def show_table_bars(table: "Table", alt: str | None = None) -> None:
    """Show how much memory and how many parameters each layer has, as bars.

    Parameters
    ----------
    table : Table
        As ``coursekit.models.table`` gives it.
    alt : str, optional
        What the figure shows; a sentence on the largest layers, if left out.

    >>> from coursekit.models import table
    >>> show_table_bars(table("lenet5"))
    lenet5 at 1x32x32, layer by layer: bars of the activations of one picture, 35.58 KiB in all, most in c1 \
(18.38 KiB), and of the 60,000 parameters, most in c5 (48,120).
    """
    figure = table_bars_figure(table)
    show(figure, table_bars_alt(table) if alt is None else alt)


def table_bars_figure(table: "Table") -> Figure:
    """Draw what `show_table_bars` shows.

    >>> from coursekit.models import table
    >>> [panel.get_title(loc="left") for panel in table_bars_figure(table("lenet5")).axes]
    ['activations of one picture\\n35.58 KiB in all', 'parameters\\n60,000 in all']
    """
    layers = _layers(table)
    figure, ((memory, parameters),) = new_figure(1, 2, size=(8.0, 0.23 * len(layers) + 1.3), sharey=True)
    colours = [COLOURS.get(kind, PALETTE[3]) for _, kind, _, _ in layers]
    sums = table.totals
    for panel, column, total, what in (
        (memory, 2, sums.activation_bytes, f"activations of one picture\n{binary_size(sums.activation_bytes)} in all"),
        (parameters, 3, sums.parameters, f"parameters\n{sums.parameters:,} in all"),
    ):
        values = np.array([layer[column] for layer in layers], dtype=float)
        panel.barh(range(len(layers)), values, color=colours, height=0.75)
        for place, value in enumerate(values):
            if value:
                words = binary_size(int(value)) if column == 2 else _short(int(value))
                share = f"  {100 * value / total:.0f} %" if value > 0.05 * total else ""
                panel.annotate(
                    words + share, (value, place), (3, 0), textcoords="offset points", va="center", fontsize=8
                )
        panel.set(xlim=(0, 1.45 * max(1, values.max())), xticks=[])
        panel.set_title(what, loc="left")
        panel.grid(False)
        panel.spines["bottom"].set_visible(False)
    memory.set_yticks(range(len(layers)), [name for name, *_ in layers], fontsize=8)
    memory.set_ylim(len(layers) - 0.4, -0.6)
    kinds = {kind for _, kind, _, _ in layers}
    handles = [Patch(color=COLOURS[kind], label=WORDS[kind].partition(" (")[0]) for kind in COLOURS if kind in kinds]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return figure


def table_bars_alt(table: "Table") -> str:
    """The sums, and the layers with most of either, in words."""
    layers = _layers(table)
    memory, parameters = (max(layers, key=lambda layer: layer[column]) for column in (2, 3))
    sums = table.totals
    return (
        f"{table.title}, layer by layer: bars of the activations of one picture, {binary_size(sums.activation_bytes)} "
        f"in all, most in {memory[0]} ({binary_size(memory[2])}), and of the {sums.parameters:,} parameters, most in "
        f"{parameters[0]} ({parameters[3]:,})."
    )


def _layers(table: "Table") -> list[tuple[str, str, int, int]]:
    """Name, kind, bytes and parameters of every layer that has any; layers of one stem and one map each together."""
    rows = [row for row in table.rows if row.bytes or row.parameters]
    layers = []
    for key, group in groupby(rows, key=lambda row: (row.name.rpartition(".")[0], row.kind, row.output_shape[0] == 1)):
        same, (stem, kind, single) = list(group), key
        if len(same) > 1 and kind == "conv" and single:
            layers.append((stem, kind, sum(row.bytes for row in same), sum(row.parameters for row in same)))
        else:
            layers += [(row.name, row.kind, row.bytes, row.parameters) for row in same]
    return layers


def _short(count: int) -> str:
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return str(count)


def _scales(boxes: Sequence[Box]) -> tuple[float, float, float]:
    """Inches for a pixel, for a channel, and for a number of a fully connected layer."""
    volumes = [box for box in boxes if len(box.shape) == 3]
    pixels = TALLEST / max(max(box.shape[1:]) for box in volumes)
    sizes = len([*groupby(boxes, key=lambda box: (box.kind, box.shape))])
    room = WIDTH - sizes * APART - (len(boxes) - sizes) * BESIDE - 0.09 * (len(boxes) - len(volumes))
    channels = min(max(0.8, room - 1.2) / sum(box.shape[0] for box in volumes), 0.4 / max(b.shape[0] for b in volumes))
    widest = max((box.shape[0] for box in boxes if len(box.shape) == 1), default=1)
    return pixels, channels, 0.8 * TALLEST / widest


def _draw_box(axes: Axes, x: float, height: float, thick: float, depth: float, colour: str) -> None:
    """Front, top and right side of a box whose middle stands at height 0; what comes later lies in front."""
    left, bottom = x - depth / 2, -height / 2 - depth / 2
    front = [(0, 0), (thick, 0), (thick, height), (0, height)]
    top = [(0, height), (thick, height), (thick + depth, height + depth), (depth, height + depth)]
    side = [(thick, 0), (thick + depth, depth), (thick + depth, height + depth), (thick, height)]
    for corners, light in ((side, 0.35), (top, 0.65), (front, 0.15)):
        shade = tuple(1 - (1 - part) * (1 - light) for part in to_rgb(colour))
        places = [(left + across, bottom + up) for across, up in corners]
        axes.add_patch(Polygon(places, facecolor=shade, edgecolor="white", linewidth=0.6))


def _write(axes: Axes, x: float, bottom: float, text: str) -> None:
    low = -TALLEST / 2 * (1 + SLANT) - 0.08
    axes.plot([x, x], [bottom - 0.03, low], color="#999999", linewidth=0.6)
    axes.text(x + 0.05, low - 0.02, text, rotation=50, rotation_mode="anchor", ha="right", va="top", fontsize=8)


def _label(kind: str, shape: tuple[int, ...], count: int) -> str:
    size = f"{shape[0]}" if len(shape) == 1 else f"{shape[0]} x {shape[1]} x {shape[2]}"
    return f"{f'{count} ' if count > 1 else ''}{kind} {size}"


def _finish(figure: Figure, axes: Axes, title: str, kinds: set[str], right: float) -> None:
    """An inch in the picture is an inch of the boxes' scales."""
    reach = TALLEST / 2 * (1 + SLANT)
    limits = {"xlim": (-0.8, max(right, 4.9) + 0.2), "ylim": (-reach - 1.05, reach + 0.05)}
    axes.set(**limits)
    axes.set_aspect("equal")
    axes.axis("off")
    across, up = (high - low for low, high in limits.values())
    figure.set_size_inches(across, up + 0.75)
    axes.set_title(f"{title}: channels x height x width", loc="left")
    handles = [Patch(color=COLOURS[kind], label=WORDS[kind]) for kind in COLOURS if kind in kinds]
    figure.legend(handles=handles, loc="outside lower center", fontsize=8, ncols=4, frameon=False)
