"""Frames of the demo for print: a few steps in one figure, drawn from the same recorded steps."""

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from coursekit.viz._demo_arrays import Demo
from coursekit.viz._demo_words import captions, number, short
from coursekit.viz.figure import STYLE
from coursekit.viz.grids import draw_grid

WIDTH, CELL = 7.8, 0.27  # inches: of the figure, and of a cell at most
GAP, HEAD = 0.9, 1.3  # cells: between grids, and above one for its title
EDGE = 0.2  # cells to the left and right, for the frame around a window


def stills_figure(demo: Demo, view: str, steps=None) -> Figure:
    """Draw some steps of a view, by default the first, one a quarter on and the last, one below the other."""
    recorded, said = demo.steps(view), captions(demo, view)
    chosen = _chosen(len(recorded), steps)
    frames = [LAYOUTS[view](demo, recorded, k) for k in chosen]
    width, height = (max(_extent(frame)[axis] for frame in frames) for axis in (0, 1))
    cell = min(CELL, WIDTH / width)
    words = [_wrapped(f"Step {k + 1} of {len(recorded)}. {said[k]}", cell * width) for k in chosen]
    heads = [0.16 / cell * len(text.splitlines()) for text in words]  # cells that the words take
    whole = sum(heads) + len(frames) * (height + GAP)
    with rc_context(STYLE):
        figure = Figure(figsize=(cell * width, cell * whole))
        down = 0.1
        for frame, text, head in zip(frames, words, heads, strict=True):
            figure.text(EDGE / width, 1 - down / whole, text, va="top", fontsize=8)
            for grid in frame:
                _draw(figure, grid, cell, down + head, (width, whole))
            down += head + height + GAP
    return figure


def _chosen(count: int, steps) -> list[int]:
    """Numbers of the steps to draw; negative ones count from the end."""
    chosen = sorted({0, count // 4, count - 1}) if steps is None else [int(k) for k in steps]
    if not chosen or not all(-count <= k < count for k in chosen):
        raise ValueError(f"steps is {steps}: choose from 0 to {count - 1}, at least one.")
    return [k % count for k in chosen]


def _extent(frame) -> tuple[float, float]:
    """Width and height of a frame, in cells."""
    across = max(grid["left"] + max(grid["values"].shape[1], 0.5 * len(grid["title"])) for grid in frame)
    return across + EDGE, max(grid["top"] + grid["values"].shape[0] for grid in frame)


def _wrapped(text: str, inches: float) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, int(inches * 15.5)))


def _draw(figure: Figure, grid: dict, cell: float, down: float, size: tuple[float, float]) -> None:
    """One grid at its place, all in cells."""
    values, (width, height) = grid["values"], size
    rows, columns = values.shape
    place = (grid["left"] / width, 1 - (down + grid["top"] + rows) / height, columns / width, rows / height)
    axes = figure.add_axes(place)
    draw_grid(axes, values, window=grid.get("window"))
    axes.set(aspect="auto", facecolor="#f3f3f3")  # what is still empty shows as grey
    axes.set_title(grid["title"], fontsize=7.5, loc="left", pad=2.5)
    axes.tick_params(labelleft=False, labelbottom=False)
    ring = grid.get("ring", (0, 0))
    longest = max((len(short(v)) for v in values[np.isfinite(values)]), default=1)
    for text in axes.texts:
        j, i = text.get_position()
        text.set(fontsize=min(8, cell * 108 / max(longest, 3)), text=short(float(values[i, j])))
        inside = all(p <= at < n - p for at, n, p in zip((i, j), values.shape, ring, strict=True))
        text.set_alpha(1 if inside else 0.5)


def _grid(left, top, values, title, **more) -> dict:
    return {"left": left + EDGE, "top": top + HEAD, "values": np.asarray(values, dtype=float), "title": title, **more}


def _padded(demo: Demo, values, fill) -> np.ndarray:
    return np.pad(np.asarray(values, dtype=float), [(p, p) for p in demo.geometry.padding], constant_values=fill)


def _window(demo: Demo, corner) -> tuple[int, int, int, int]:
    return (*corner, *demo.geometry.kernel)


def _filled(steps, k: int, count: int) -> list[np.ndarray]:
    """Output maps up to step k; what is still to come is nan."""
    maps = np.full((count, *(1 + n for n in steps[-1].place)), np.nan)
    for step in steps[: k + 1]:
        maps[getattr(step, "map", getattr(step, "channel", 0)), *step.place] = step.value
    return list(maps)


def _stacked(left, arrays, name, marked=None, place=None) -> list[dict]:
    """Maps one below the other, the current place of one of them framed."""
    frames = [(*place, 1, 1) if k == marked else None for k in range(len(arrays))]
    tall = arrays[0].shape[0] + HEAD
    return [
        _grid(left, k * tall, values, f"{name}[{k}]", window=frame)
        for k, (values, frame) in enumerate(zip(arrays, frames, strict=True))
    ]


def _columns(demo: Demo, inner: int) -> tuple[list[float], float]:
    """Left edges of the channels' columns, and the right end of them all."""
    each = max(demo.x.shape[2] + 2 * demo.geometry.padding[1], inner) + GAP
    return [k * each for k in range(len(demo.x))], len(demo.x) * each


def _forward(demo: Demo, steps, k):
    step, columns = steps[k], demo.geometry.kernel[1]
    lefts, end = _columns(demo, 2 * columns + 1)
    below = demo.x.shape[1] + 2 * demo.geometry.padding[0] + HEAD
    grids = []
    for c, left in enumerate(lefts):
        x = _padded(demo, demo.x[c], 0)
        grids += [
            _grid(left, 0, x, f"x[{c}]", window=_window(demo, step.corner), ring=demo.geometry.padding),
            _grid(left, below, step.kernel[c], f"w[{step.map}, {c}]"),
            _grid(left + columns + 1, below, step.products[c], f"products: {number(step.sums[c])}"),
        ]
    return grids + _stacked(end, _filled(steps, k, len(demo.w)), "y", step.map, step.place)


def _backward(demo: Demo, steps, k):
    step, (rows, columns) = steps[k], demo.geometry.kernel
    lefts, end = _columns(demo, 2 * columns + 1)
    below = demo.x.shape[1] + 2 * demo.geometry.padding[0] + HEAD
    grids = []
    for c, left in enumerate(lefts):
        dx = _padded(demo, step.dx[c], np.nan)
        patch = _padded(demo, demo.x[c], 0)[
            tuple(slice(a, a + n) for a, n in zip(step.corner, (rows, columns), strict=True))
        ]
        grids += [
            _grid(left, 0, dx, f"dx[{c}] so far", window=_window(demo, step.corner)),
            _grid(left, below, demo.w[step.map, c], f"w[{step.map}, {c}]"),
            _grid(left + columns + 1, below, patch, "patch"),
            _grid(left, below + rows + HEAD, step.to_pixels[c], "dy·w"),
            _grid(left + columns + 1, below + rows + HEAD, step.dw[step.map, c], f"dw[{step.map}, {c}]"),
        ]
    return grids + _stacked(end, list(demo.dy), "dy", step.map, step.place)


def _im2col(demo: Demo, steps, k):
    step, padding = steps[k], demo.geometry.padding
    weights = demo.w.reshape(len(demo.w), -1)
    columns = np.full((weights.shape[1], len(steps)), np.nan)
    columns[:, : k + 1] = np.stack([s.values for s in steps[: k + 1]], axis=1)
    lefts, _ = _columns(demo, 0)
    grids = [
        _grid(left, 0, _padded(demo, demo.x[c], 0), f"x[{c}]", window=_window(demo, step.corner), ring=padding)
        for c, left in enumerate(lefts)
    ]
    below = grids[0]["values"].shape[0] + HEAD
    across = columns.shape[0] + GAP
    return [
        *grids,
        _grid(0, below, weights, "W_row"),
        _grid(
            0, below + len(weights) + HEAD, columns.T, "X_col, lying on its side", window=(k, 0, 1, columns.shape[0])
        ),
        _grid(across, below + len(weights) + HEAD, (weights @ columns + demo.b[:, None]).T, "y"),
    ]


def _pool(demo: Demo, steps, k):
    step, outputs = steps[k], _filled(steps, k, len(demo.x))
    lefts, _ = _columns(demo, 0)
    below = demo.x.shape[1] + 2 * demo.geometry.padding[0] + HEAD
    grids = []
    for c, left in enumerate(lefts):
        mine = c == step.channel
        window = _window(demo, step.corner) if mine else None
        grids += [
            _grid(left, 0, _padded(demo, demo.x[c], np.nan), f"x[{c}]", window=window),
            _grid(left, below, outputs[c], f"y[{c}]", window=(*step.place, 1, 1) if mine else None),
        ]
    return grids


def _pool_backward(demo: Demo, steps, k):
    step, lefts = steps[k], _columns(demo, 0)[0]
    tall, pads = demo.x.shape[1] + 2 * demo.geometry.padding[0] + HEAD, demo.geometry.padding
    pixel = (*(at + p for at, p in zip(step.pixel, pads, strict=True)), 1, 1)
    grids = []
    for c, left in enumerate(lefts):
        mine = c == step.channel
        grids += [
            _grid(left, 0, _padded(demo, demo.x[c], np.nan), f"x[{c}]", window=pixel if mine else None),
            _grid(left, tall, demo.dy[c], f"dy[{c}]", window=(*step.place, 1, 1) if mine else None),
            _grid(
                left,
                tall + demo.dy.shape[1] + HEAD,
                _padded(demo, step.dx[c], np.nan),
                f"dx[{c}] so far",
                window=pixel if mine else None,
            ),
        ]
    return grids


LAYOUTS = {
    "forward": _forward,
    "backward": _backward,
    "im2col": _im2col,
    "pool": _pool,
    "pool-backward": _pool_backward,
}
