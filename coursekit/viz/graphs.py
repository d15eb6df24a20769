"""Who feeds whom: a computation as boxes and arrows, and a convolution on a line as its connections."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.lines import DASHES


def show_graph(
    values: dict[str, tuple[float, float]], arrows, alt: str, *, formulas: dict[str, str] | None = None
) -> None:
    """Show a computational graph: boxes with a value above and its gradient below, joined by arrows.

    Parameters
    ----------
    values : dict of name to (value, gradient)
        Drawn from left to right: inputs first, every other box behind all that lead to it.
    arrows : iterable of (name, name)
        From where to where; a pair of one-letter names may be written ``"xa"``.
    alt : str
        What the figure shows, in a sentence.
    formulas : dict of name to str, optional
        How the value in a box was made, written over it.

    Raises
    ------
    ValueError
        If there are no boxes, an arrow names none of them, or the arrows run in a circle.

    >>> show_graph({"x": (2, 12), "y": (4, 3)}, ["xy"], "x = 2 leads to y = 4; their gradients are 12 and 3.")
    x = 2 leads to y = 4; their gradients are 12 and 3.
    """
    show(graph_figure(values, arrows, formulas=formulas), alt)


def graph_figure(values: dict[str, tuple[float, float]], arrows, *, formulas: dict[str, str] | None = None) -> Figure:
    """Draw what `show_graph` shows.

    >>> figure = graph_figure({"x": (2, 12), "y": (4, 3)}, ["xy"])
    >>> [text.get_text() for text in figure.axes[0].texts if "=" in text.get_text()]
    ['x = 2', 'dx = 12', 'y = 4', 'dy = 3']
    """
    arrows = list(arrows)
    places = graph_places(values, arrows)
    columns, rows = (max(place[axis] for place in places.values()) + 1 for axis in (0, 1))
    figure, axes = new_figure(size=(1.65 * columns + 0.2, 1.15 * rows + 0.2))
    panel = axes[0, 0]
    for start, end in arrows:
        arrow = {"arrowstyle": "-|>", "color": "#666666", "shrinkA": 27, "shrinkB": 29, "lw": 1.4}
        panel.annotate("", places[end], places[start], arrowprops=arrow)
    for name, (value, gradient) in values.items():
        draw_box(panel, places[name], f"{name} = {value:g}", f"d{name} = {gradient:g}", (formulas or {}).get(name, ""))
    panel.set(xlim=(-0.5, columns - 0.5), ylim=(-0.5, rows - 0.35))
    panel.axis("off")
    return figure


def draw_box(panel: Axes, place: tuple[float, float], value: str, gradient: str, formula: str) -> None:
    """Draw one box of a graph: its value, its gradient in orange, and over it how it was made."""
    frame = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": "#666666"}
    width = "\u2007" * max(len(value), len(gradient))  # figure spaces: they make room for both lines
    panel.text(*place, f"{width}\n{width}", ha="center", va="center", bbox=frame)
    panel.annotate(value, place, (0, 1), textcoords="offset points", ha="center", va="bottom")
    panel.annotate(gradient, place, (0, -1), textcoords="offset points", ha="center", va="top", color=PALETTE[1])
    panel.annotate(formula, place, (0, 23), textcoords="offset points", ha="center", va="bottom", color="#666666")


def graph_places(names, arrows) -> dict[str, tuple[int, float]]:
    """Column and height of each box: behind all that lead to it, and half-way between them where there is room."""
    before = {name: [] for name in names}
    if not before:
        raise ValueError("values is empty: give at least one box, as name: (value, gradient).")
    for start, end in arrows:
        if start not in before or end not in before:
            raise ValueError(f"arrow {start!r} to {end!r}: both ends must be boxes, one of {', '.join(before)}.")
        before[end].append(start)
    places, column = {}, 0
    while len(places) < len(before):
        ready = [name for name in before if name not in places and set(before[name]) <= set(places)]
        if not ready:
            left = ", ".join(name for name in before if name not in places)
            raise ValueError(f"the arrows of {left} run in a circle: a graph leads from inputs to a result.")
        places |= column_places(ready, before, places, column)
        column += 1
    return places


def column_places(names, before, places, column: int) -> dict[str, tuple[int, float]]:
    """Places of the boxes of one column: half-way between those before, and at least 1 apart."""
    wished = {name: float(len(names) - 1 - k) for k, name in enumerate(names)}  # the first one on top
    for name in names:
        if before[name]:
            wished[name] = sum(places[start][1] for start in before[name]) / len(before[name])
    settled, height = {}, -1.0
    for name in sorted(reversed(names), key=wished.get):
        height = max(wished[name], height + 1)
        settled[name] = (column, height)
    return settled


def show_connections(inputs, outputs, taps, alt: str, *, stride: int = 1, highlight: int | None = None) -> None:
    """Show a convolution on a line: every product as a line from an input up to an output, in the colour of its tap.

    Parameters
    ----------
    inputs, outputs, taps : sequence of str
        What to write at each; there must be as many outputs as the taps find places.
    alt : str
        What the figure shows, in a sentence.
    stride : int
        Steps from window to window.
    highlight : int, optional
        The index of an input whose lines are drawn thick.

    Raises
    ------
    ValueError
        If the outputs are not as many as the windows.

    >>> show_connections(["x1", "x2"], ["y1"], ["w1", "w2"], "Both inputs lead to y1.")
    Both inputs lead to y1.
    """
    show(connections_figure(inputs, outputs, taps, stride=stride, highlight=highlight), alt)


def connections_figure(inputs, outputs, taps, *, stride: int = 1, highlight: int | None = None) -> Figure:
    """Draw what `show_connections` shows.

    >>> figure = connections_figure(["x1", "x2", "x3"], ["y1", "y2"], ["w1", "w2"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['x1', 'x2', 'x3', 'y1', 'y2']
    """
    windows = (len(inputs) - len(taps)) // stride + 1
    if len(outputs) != windows:
        raise ValueError(
            f"outputs has {len(outputs)} names: {len(taps)} taps have {windows} places on {len(inputs)} inputs "
            f"with stride {stride}. Give one name for each place."
        )
    figure, axes = new_figure(size=(1.15 * len(inputs) + 1.4, 2.6))
    panel, middle = axes[0, 0], (len(taps) - 1) / 2
    for k, tap in enumerate(taps):
        look = {"color": PALETTE[k % len(PALETTE)], "ls": DASHES[k % len(DASHES)]}
        panel.plot([], [], **look, label=tap)
        for i in range(windows):
            start = i * stride + k
            panel.plot([start, i * stride + middle], [0, 1], **look, lw=4 if start == highlight else 1.5)
    for j, name in enumerate(inputs):
        panel.text(j, -0.08, name, ha="center", va="top")
    for i, name in enumerate(outputs):
        panel.text(i * stride + middle, 1.08, name, ha="center", va="bottom")
    panel.set(xlim=(-0.6, len(inputs) + 0.6), ylim=(-0.3, 1.3))
    panel.legend(loc="center right")
    panel.axis("off")
    return figure
