"""Convolution along a line as a film: the turned kernel slides, and the overlap draws the result."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from coursekit.viz.figure import PALETTE, new_figure
from coursekit.viz.player import play_frames

__all__ = ["overlap_film", "show_overlap"]

SAMPLES = 600  # of two functions, across the window
STOPS = 25  # frames of a film of two functions
WRITTEN = 4  # products up to which a caption writes the sum out
LONGEST = 40  # numbers of both lists together
OVERLAP = {"color": PALETTE[4], "alpha": 0.6, "label": "product"}


class _Slide(NamedTuple):
    """Both factors and the result, ready to be drawn frame by frame.

    `tau` (m,): places along the axis; `f` (m,); `g` (frames, m): the turned kernel in each frame; `result` (frames,);
    `curve`: shifts, closer together than the frames, and the results there.
    """

    times: np.ndarray
    tau: np.ndarray
    f: np.ndarray
    g: np.ndarray
    result: np.ndarray
    curve: tuple[np.ndarray, np.ndarray]
    discrete: bool


def show_overlap(
    f: Callable | Sequence[float],
    g: Callable | Sequence[float],
    times: Sequence[float] | None = None,
    *,
    window: tuple[float, float] = (-2.0, 4.0),
    names: tuple[str, str] = ("f", "g"),
    start: int | None = None,
    alt: str | None = None,
) -> None:
    """Show a convolution as a film: g is turned around and slides over f; the overlap's area is the result.

    Parameters
    ----------
    f, g : callable from ndarray (m,) to ndarray (m,), or sequence of numbers
        Both functions, or both lists. Functions have to vanish where the window ends. Lists begin at place 0.
    times : sequence of float, optional
        Shifts t, a frame each. 25 across the window for functions, all at which the lists meet for lists, if left out.
    window : (float, float)
        Part of the axis that is drawn, of functions; the integral is a sum over 600 places in it.
    names : (str, str)
        What f and g are called.
    start : int, optional
        The frame shown first, and on paper; the one with the largest overlap, if left out.
    alt : str, optional
        What the film shows; a sentence with the largest result, if left out.

    Raises
    ------
    TypeError
        If one is a function and the other a list.
    ValueError
        If a list has not one axis, a function does not return an array like its input, or there is no shift.

    Source: Goodfellow, Bengio & Courville (2016), "Deep learning", equations 9.1 to 9.3.

    >>> show_overlap([1, 2, 3], [1, 1])
    g, turned around, slides over f from t = 0 to t = 3; the overlap draws f * g: 1, 3, 5, 3.
    >>> box = lambda t: np.where((t >= 0) & (t < 1), 1.0, 0.0)
    >>> show_overlap(box, box, [0, 0.5, 1, 1.5], names=("box", "box"))
    box, turned around, slides over box from t = 0 to t = 1.5; the overlap draws box * box, largest 1 at t = 1.
    """
    slide = _slide(f, g, times, window)
    figures, captions = _draw(slide, names)
    start = int(np.abs(slide.result).argmax()) if start is None else start
    play_frames(figures, captions, _describe(slide, names) if alt is None else alt, start=start)


def overlap_film(
    f: Callable | Sequence[float],
    g: Callable | Sequence[float],
    times: Sequence[float] | None = None,
    *,
    window: tuple[float, float] = (-2.0, 4.0),
    names: tuple[str, str] = ("f", "g"),
) -> tuple[list[Figure], list[str]]:
    """Draw the frames that `show_overlap` plays, with a caption each.

    Parameters
    ----------
    f, g, times, window, names
        As for `show_overlap`.

    Returns
    -------
    figures : list of matplotlib.figure.Figure
    captions : list of str

    Raises
    ------
    TypeError, ValueError
        As `show_overlap`.

    >>> figures, captions = overlap_film([1, 2, 3], [10, 1])
    >>> captions
    ['t = 0: 1·10 = 10', 't = 1: 1·1 + 2·10 = 21', 't = 2: 2·1 + 3·10 = 32', 't = 3: 3·1 = 3']
    """
    return _draw(_slide(f, g, times, window), names)


def _slide(f, g, times, window) -> _Slide:
    if callable(f) != callable(g):
        kinds = ["a function" if callable(each) else "a list" for each in (f, g)]
        raise TypeError(f"f is {kinds[0]} and g is {kinds[1]}: give two functions or two lists.")
    slide = _of_functions(f, g, times, window) if callable(f) else _of_lists(f, g, times)
    if not len(slide.times):
        raise ValueError("times is empty: give at least one shift, such as np.linspace(-1, 3, 25).")
    return slide


def _of_functions(f, g, times, window) -> _Slide:
    low, high = window
    if not low < high:
        raise ValueError(f"window is {window}: expected (from, to), such as (-2, 4).")
    step = (high - low) / SAMPLES
    tau = low + step * (np.arange(SAMPLES) + 0.5)  # middles of the steps: a jump at a round number lies between two
    times = np.linspace(low, high, STOPS) if times is None else np.asarray(times, dtype=float)
    signal = _sampled("f", f, tau)
    kernels = np.array([_sampled("g", g, t - tau) for t in times]).reshape(-1, SAMPLES)
    between = np.arange(times.min(initial=0), times.max(initial=0) + step / 2, 4 * step)
    shifts = np.unique(np.concatenate([times, between]))
    curve = step * np.array([_sampled("g", g, t - tau) @ signal for t in shifts])
    return _Slide(times, tau, signal, kernels, step * kernels @ signal, (shifts, curve), False)


def _sampled(name: str, function: Callable, places: np.ndarray) -> np.ndarray:
    values = np.asarray(function(places), dtype=float)
    if values.shape != places.shape:
        raise ValueError(
            f"{name} turned an array of shape {places.shape} into {values.shape}: it has to return a number for each "
            "place, as np.where(t < 1, 1.0, 0.0) does."
        )
    return values


def _of_lists(f, g, times) -> _Slide:
    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    if f.ndim != 1 or g.ndim != 1 or not f.size or not g.size or f.size + g.size > LONGEST:
        raise ValueError(
            f"f has shape {f.shape} and g {g.shape}: expected two lists, each of 1 number or more, together at most "
            f"{LONGEST}."
        )
    reach = g.size - 1
    tau = np.arange(-reach, f.size + reach)
    times = np.arange(f.size + reach) if times is None else np.asarray(times, dtype=int)
    kernels = np.zeros((len(times), tau.size))
    for row, t in zip(kernels, times, strict=True):
        back = t - tau  # g's place under each place of the axis
        inside = (back >= 0) & (back < g.size)
        row[inside] = g[back[inside]]
    signal = np.pad(f, reach)
    result = kernels @ signal
    return _Slide(times, tau, signal, kernels, result, (times, result), True)


def _draw(slide: _Slide, names: tuple[str, str]) -> tuple[list[Figure], list[str]]:
    frames = range(len(slide.times))
    return [_frame(slide, k, names) for k in frames], [_caption(slide, k) for k in frames]


def _frame(slide: _Slide, k: int, names: tuple[str, str]) -> Figure:
    figure, axes = new_figure(2, 1, size=(6.4, 3.8), sharex=True)
    top, bottom = axes[:, 0]
    labels = f"{names[0]}(τ)", f"{names[1]}({slide.times[k]:.4g} − τ), turned"
    (_draw_lists if slide.discrete else _draw_functions)(top, bottom, slide, k, labels)
    _finish(top, bottom, slide, names)
    return figure


def _draw_functions(top: Axes, bottom: Axes, slide: _Slide, k: int, labels: tuple[str, str]) -> None:
    top.fill_between(slide.tau, slide.f * slide.g[k], lw=0, **OVERLAP)
    top.plot(slide.tau, slide.f, color=PALETTE[0], label=labels[0])
    top.plot(slide.tau, slide.g[k], "--", color=PALETTE[1], label=labels[1])
    done = slide.curve[0] <= slide.times[: k + 1].max()
    bottom.plot(slide.curve[0][done], slide.curve[1][done], color=PALETTE[2])
    bottom.plot(slide.times[k], slide.result[k], "o", color=PALETTE[2], markersize=6)


def _draw_lists(top: Axes, bottom: Axes, slide: _Slide, k: int, labels: tuple[str, str]) -> None:
    top.bar(slide.tau, slide.f * slide.g[k], width=0.8, **OVERLAP)
    factors = (-0.1, slide.f, _given(slide), "-", "o"), (0.1, slide.g[k], _covered(slide, k), "--", "s")
    for j, (aside, values, there, line, mark) in enumerate(factors):  # side by side, or one would hide the other
        places, heights = slide.tau[there] + aside, values[there]
        top.vlines(places, 0, heights, colors=PALETTE[j], linestyles=line, lw=2)
        top.plot(places, heights, mark, color=PALETTE[j], markersize=6, label=labels[j])
    bottom.vlines(slide.times[: k + 1], 0, slide.result[: k + 1], colors=PALETTE[2], lw=2)
    bottom.plot(slide.times[: k + 1], slide.result[: k + 1], "D", color=PALETTE[2], markersize=6)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True))


def _finish(top: Axes, bottom: Axes, slide: _Slide, names: tuple[str, str]) -> None:
    """The same scales in every frame: only what slides may move."""
    edge = 0.5 if slide.discrete else 0.0
    top.set(xlim=(slide.tau.min() - edge, slide.tau.max() + edge), ylim=_limits(slide.f, slide.g, slide.f * slide.g))
    bottom.set(ylim=_limits(slide.curve[1]), xlabel="τ above, t below", ylabel=f"{names[0]} * {names[1]}")
    for panel in (top, bottom):
        panel.axhline(0, color="#666666", lw=0.8, zorder=1)
    top.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False)


def _given(slide: _Slide) -> np.ndarray:
    """Where the list f has numbers, zeros among them."""
    reach = -int(slide.tau[0])
    return (slide.tau >= 0) & (slide.tau < slide.tau.size - 2 * reach)


def _covered(slide: _Slide, k: int) -> np.ndarray:
    """Where the turned list g lies in frame k."""
    back = slide.times[k] - slide.tau
    return (back >= 0) & (back <= -slide.tau[0])


def _limits(*values: np.ndarray) -> tuple[float, float]:
    low, high = (float(end(0.0, *(reach(v) for v in values))) for end, reach in ((min, np.min), (max, np.max)))
    room = 0.08 * ((high - low) or 1.0)
    return low - room * (low < 0) - 0.03 * (high - low or 1.0), high + room


def _caption(slide: _Slide, k: int) -> str:
    if not slide.discrete:
        return f"t = {slide.times[k]:.2f}: overlap {slide.result[k]:.2f}"
    both = np.flatnonzero(_given(slide) & _covered(slide, k))
    total = f"{slide.result[k]:.4g}"
    if not 0 < len(both) <= WRITTEN:
        return f"t = {slide.times[k]}: {len(both)} products, sum {total}"
    products = " + ".join(f"{_written(slide.f[i])}·{_written(slide.g[k, i])}" for i in both)
    return f"t = {slide.times[k]}: {products} = {total}".replace("-", "−")


def _written(value: float) -> str:
    return f"{value:.4g}" if value >= 0 else f"({value:.4g})"


def _describe(slide: _Slide, names: tuple[str, str]) -> str:
    first, last = slide.times[0], slide.times[-1]
    words = (
        f"{names[1]}, turned around, slides over {names[0]} from t = {first:.4g} to t = {last:.4g}; the overlap draws "
        f"{names[0]} * {names[1]}"
    )
    if slide.discrete and len(slide.times) <= 12:
        return f"{words}: {', '.join(f'{value:.4g}' for value in slide.result)}."
    best = int(np.abs(slide.result).argmax())
    return f"{words}, largest {slide.result[best]:.3g} at t = {slide.times[best]:.3g}."
