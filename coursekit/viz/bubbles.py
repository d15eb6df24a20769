"""How networks compare, and how the ImageNet challenge went: one picture each, every mark with its name beside it."""

from itertools import product
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from coursekit.viz.figure import PALETTE, new_figure, show

if TYPE_CHECKING:
    from coursekit.models import Comparison
    from coursekit.models.comparison import Compared
    from coursekit.models.ilsvrc import ChallengeHistory, Entry

AREA = 6.0  # square points of a bubble for a million parameters
GAP = 3  # points between a bubble and its name
FAMILIES = ("alexnet", "zfnet", "vgg", "googlenet", "resnet")  # a colour each


def bubble_plot(comparison: "Comparison", alt: str | None = None) -> None:
    """Show networks by what they cost and how often they are wrong; the area of a bubble is its parameters.

    Parameters
    ----------
    comparison : Comparison
        As ``coursekit.models.compare`` gives it. Networks without a published top-5 error are left out.
    alt : str, optional
        What the figure shows; a sentence with all the numbers, if left out.

    Raises
    ------
    ValueError
        If no network has a published top-5 error.

    >>> from coursekit.models import compare
    >>> bubble_plot(compare(["alexnet"]))  # doctest: +ELLIPSIS
    Bubble plot of networks: thousand million multiply-adds to the right, top-5 error upwards, parameters as area. ...
    """
    figure = bubble_figure(comparison)
    show(figure, bubble_alt(comparison) if alt is None else alt)


def bubble_figure(comparison: "Comparison") -> Figure:
    """Draw what `bubble_plot` shows.

    >>> from coursekit.models import compare
    >>> [text.get_text() for text in bubble_figure(compare(["alexnet"])).axes[0].texts]
    ['AlexNet, 61 M']
    """
    rows = sorted(_plotted(comparison), key=lambda row: -row.parameters)  # small bubbles come to lie on large ones
    figure, ((axes,),) = new_figure(size=(6.8, 4.4))
    costs, errors = [row.macs / 1e9 for row in rows], [row.top5 for row in rows]
    areas = [AREA * row.parameters / 1e6 for row in rows]
    colours = [_colour(row.name) for row in rows]
    axes.scatter(costs, errors, s=areas, c=colours, alpha=0.7, edgecolors="white", linewidths=1)
    axes.set(
        xscale="log",
        xlim=(min(costs) / 1.7, max(costs) * 2.4),
        ylim=(0, max(errors) * 1.15),
        xlabel="multiply-adds for one picture, thousand million (G)",
        ylabel="top-5 error, %",
    )
    axes.set_title("Area of a bubble: parameters (M: million)", loc="left")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.draw_without_rendering()
    _name(axes, [(x, y) for x, y in zip(costs, errors, strict=True)], areas, [_words(row) for row in rows])
    return figure


def bubble_alt(comparison: "Comparison") -> str:
    """Every number of the bubble plot, in words."""
    rows = sorted(_plotted(comparison), key=lambda row: row.macs)
    networks = "; ".join(
        f"{row.title} {row.macs / 1e9:.2g}, {row.top5} %, {row.parameters / 1e6:.3g} million" for row in rows
    )
    return (
        "Bubble plot of networks: thousand million multiply-adds to the right, top-5 error upwards, parameters as "
        f"area. {networks}."
    )


def _plotted(comparison: "Comparison") -> "list[Compared]":
    rows = [row for row in comparison.rows if row.top5 is not None]
    if not rows:
        names = ", ".join(row.name for row in comparison.rows)
        raise ValueError(f"none of {names} has a published top-5 error on ImageNet: compare alexnet or vgg16, say.")
    return rows


def _colour(name: str) -> str:
    places = [place for place, family in enumerate(FAMILIES) if family in name]
    return PALETTE[places[0] if places else 6]


def _words(row: "Compared") -> str:
    return f"{row.title}, {row.parameters / 1e6:.0f} M"


def _name(axes: Axes, points: list[tuple[float, float]], areas: list[float], texts: list[str]) -> None:
    """Write each text near its bubble, where it covers least of what is there already, with a line if not beside it."""
    scale = axes.figure.dpi / 72  # pixels a point
    radii = [(area**0.5 / 2) * scale for area in areas]
    middles = axes.transData.transform(points)
    taken = [Bbox.from_extents(x - r, y - r, x + r, y + r) for (x, y), r in zip(middles, radii, strict=True)]
    renderer = FigureCanvasAgg(axes.figure).get_renderer()
    for point, middle, radius, text in zip(points, middles, radii, texts, strict=True):
        label = axes.text(*point, text, fontsize=9, va="bottom", in_layout=False)
        size = label.get_window_extent(renderer)
        boxes = [
            _beside(*middle, radius + gap * scale, size, side) for gap, side in product((GAP, 5 * GAP, 9 * GAP), SIDES)
        ]
        best = min(boxes, key=lambda box: _covered(box, taken) + _outside(box, axes.bbox))
        taken.append(best.padded(GAP * scale))  # names keep clear of each other, too
        label.set_position(axes.transData.inverted().transform((best.x0, best.y0)))
        if boxes.index(best) >= len(SIDES):
            _lead(axes, point, best)


def _lead(axes: Axes, point: tuple[float, float], box: Bbox) -> None:
    """Draw a thin line from a bubble to its name."""
    x, y = axes.transData.transform(point)
    nearest = (min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1))
    end = axes.transData.inverted().transform(nearest)
    axes.plot([point[0], end[0]], [point[1], end[1]], color="#666666", linewidth=0.8, zorder=0.5)


SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), *product((0.7, -0.7), repeat=2))  # right, left, above, below, corners


def _beside(x: float, y: float, away: float, size: Bbox, side: tuple[float, float]) -> Bbox:
    """Box of a text whose nearest edge lies `away` from a point."""
    across, up = side
    left = x + across * away - size.width * (1 - (across > 0) - (across == 0) / 2)
    bottom = y + up * away - size.height * (1 - (up > 0) - (up == 0) / 2)
    return Bbox.from_bounds(left, bottom, size.width, size.height)


def _covered(box: Bbox, taken: list[Bbox]) -> float:
    common = (Bbox.intersection(box, other) for other in taken)
    return sum(part.width * part.height for part in common if part is not None)


def _outside(box: Bbox, room: Bbox) -> float:
    inside = Bbox.intersection(box, room)
    return box.width * box.height - (inside.width * inside.height if inside else 0)


def history_plot(history: "ChallengeHistory | None" = None, alt: str | None = None) -> None:
    """Show the errors of ILSVRC's winners from 2010 to 2015 as bars, with a person's for comparison.

    Parameters
    ----------
    history : ChallengeHistory, optional
        As ``coursekit.models.history`` gives it, and taken from there if left out.
    alt : str, optional
        What the figure shows; a sentence with all the numbers, if left out.

    >>> history_plot()  # doctest: +ELLIPSIS
    Bars of the top-5 error in the ImageNet challenge, falling by the year. ... A line at a trained person's 5.1 %.
    """
    history = _history() if history is None else history
    show(history_figure(history), history_alt(history) if alt is None else alt)


def _history() -> "ChallengeHistory":
    from coursekit.models import history

    return history()


def history_figure(history: "ChallengeHistory | None" = None) -> Figure:
    """Draw what `history_plot` shows.

    >>> [label.get_text().replace("\\n", " ") for label in history_figure().axes[0].get_xticklabels()][:3]
    ['NEC-UIUC 2010', 'XRCE 2011', 'ISI 2012 second']
    """
    history = _history() if history is None else history
    entries = history.entries
    figure, ((axes,),) = new_figure(size=(7.6, 4.0))
    places = range(len(entries))
    axes.bar(places, [entry.top5 for entry in entries], color=[_bar_colour(entry) for entry in entries], width=0.62)
    axes.axhline(history.human, color=PALETTE[1], linestyle="--")
    axes.text(
        len(entries) - 0.45, history.human + 0.4, f"a trained\nperson: {history.human:g}", fontsize=9, va="bottom"
    )
    for place, entry in enumerate(entries):
        # a lower bar is named above the line, which would run through its name
        bottom = history.human if entry.top5 < history.human else entry.top5
        axes.text(place, bottom + 0.4, _bar_words(entry), ha="center", va="bottom", fontsize=9, linespacing=1.25)
    axes.set(ylabel="top-5 error on the test set, %", ylim=(0, 33), xlim=(-0.6, len(entries) + 0.55))
    axes.set_xticks(places, [_bar_name(entry) for entry in entries])
    axes.tick_params(axis="x", length=0)
    axes.grid(False, axis="x")
    return figure


def _bar_colour(entry: "Entry") -> str:
    if entry.depth is None:
        return "#999999"
    return PALETTE[0 if entry.place == 1 else 5]


def _bar_name(entry: "Entry") -> str:
    return "\n".join([entry.team, str(entry.year), *(["second"] if entry.place > 1 else [])])


def _bar_words(entry: "Entry") -> str:
    return f"{entry.top5:.2f}\n{'no network' if entry.depth is None else f'{entry.depth} layers'}"


def history_alt(history: "ChallengeHistory") -> str:
    """Every number of the history plot, in words."""
    bars = "; ".join(
        f"{entry.year} {entry.team}{'' if entry.place == 1 else ' (second)'} {entry.top5:.2f} %"
        + (f", {entry.depth} layers" if entry.depth else ", no network")
        for entry in history.entries
    )
    return (
        f"Bars of the top-5 error in the ImageNet challenge, falling by the year. {bars}. "
        f"A line at a trained person's {history.human:g} %."
    )
