"""Pictures of training runs: learning curves over several seeds, the confusion matrix, the ladder of speeds."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from coursekit.viz.figure import PALETTE, new_figure
from coursekit.viz.lines import DASHES

__all__ = ["confusion_figure", "confusion_matrix", "curves_figure", "histories_figure", "ladder_figure"]

READABLE = 20  # classes up to which the confusion matrix is written in numbers
SMOOTH = 0.03  # share of the steps over which the loss of single batches is averaged


class History(Protocol):
    """What `histories_figure` asks of a history; what both trainers return has it."""

    losses: list[float]
    training_accuracy: list[float]
    validation_accuracy: list[float]


def curves_figure(
    runs: Mapping[str, Sequence[Sequence[float]]], *, xlabel: str = "epoch", ylabel: str, first: int = 1, **limits
) -> Figure:
    """Draw learning curves: a line for the mean over the seeds, a band from the lowest to the highest seed.

    Parameters
    ----------
    runs : dict of name to curves, shape (seeds, n)
        The curves of one name may differ in length, as where training stopped early: mean and band then go as far
        as all of them do, and each longer curve goes on as a thin line.
    xlabel, ylabel : str
        What the axes measure, with the unit.
    first : int
        Where x begins: 1 for what is measured at the end of each epoch.
    limits
        Passed on to ``Axes.set``, such as ``yscale="log"`` or ``ylim=(0, 5)``.

    Raises
    ------
    ValueError
        If there is no curve, or an empty one.

    >>> figure = curves_figure({"Adam": [[4.0, 2.0], [6.0, 3.0]]}, ylabel="error (%)")
    >>> figure.axes[0].lines[0].get_ydata().tolist()
    [5.0, 2.5]
    """
    curves = {name: _as_curves(name, seeds) for name, seeds in _require_some(runs, "runs").items()}
    figure, axes = new_figure(size=(6.2, 3.2))
    for k, (name, seeds) in enumerate(curves.items()):
        _draw_curves(axes[0, 0], seeds, f"{name}, {_seeds(len(seeds))}", k, first=first)
    axes[0, 0].set(xlabel=xlabel, ylabel=ylabel, **limits)
    _readable_ticks(axes[0, 0])
    _note_band(axes[0, 0], curves.values())
    return figure


def histories_figure(histories: Mapping[str, History | Sequence[History]]) -> Figure:
    """Draw how training went: the loss of the steps, and the errors in percent after each epoch.

    The loss is smoothed over 3 % of the steps. Thin dots: error on the training sample; thick line: on the validation
    images. Over several seeds a line is their mean, a band goes from the lowest to the highest.

    Parameters
    ----------
    histories : dict of name to History, or to one History per seed

    Raises
    ------
    ValueError
        If there is no history, or one without a step.

    >>> from coursekit.train import History
    >>> run = History(losses=[2.3, 0.5], training_accuracy=[0.9], validation_accuracy=[0.88])
    >>> [panel.get_ylabel() for panel in histories_figure({"SimpleConvNet": run}).axes]
    ['loss (nats)', 'error (%)']
    """
    groups = {name: _as_list(name, group) for name, group in _require_some(histories, "histories").items()}
    figure, axes = new_figure(1, 2, size=(8.0, 3.2))
    losses, errors = axes[0]
    for k, (name, group) in enumerate(groups.items()):
        smoothed, start = zip(*(_smoothed(name, each.losses) for each in group), strict=True)
        _draw_curves(losses, list(smoothed), f"{name}, {_seeds(len(group))}", k, first=min(start))
        for what, thin in (("training", True), ("validation", False)):
            accuracy = [getattr(each, f"{what}_accuracy") for each in group]
            if all(accuracy):
                wrong = [100 * (1 - np.asarray(each)) for each in accuracy]
                _draw_curves(errors, wrong, f"{name}, {what}", k, first=1, thin=thin)
    losses.set(xlabel="step", ylabel="loss (nats)")
    errors.set(xlabel="epoch", ylabel="error (%)")
    for panel in axes[0]:
        if any((line.get_ydata() > 0).any() for line in panel.lines):  # an error of 0 then lies below the picture
            panel.set_yscale("log")
        _readable_ticks(panel)
        if panel.lines:
            panel.legend(fontsize=8, frameon=False)
    return figure


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Count how often each class was taken for each.

    Parameters
    ----------
    labels, predictions : numpy.ndarray of int, shape (n,)
        What was there, and what was read.
    classes : int

    Returns
    -------
    counts : numpy.ndarray of int64, shape (classes, classes)
        Row: the true class; column: the prediction. The diagonal is what was right.

    Raises
    ------
    ValueError
        If there are not as many predictions as labels, or one is no class.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    labels, predictions = (np.asarray(values) for values in (labels, predictions))
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ValueError(f"labels have shape {labels.shape}, predictions {predictions.shape}: expected (n,) for both.")
    for name, values in (("labels", labels), ("predictions", predictions)):
        if values.size and (values.dtype.kind not in "iu" or not 0 <= values.min() <= values.max() < classes):
            raise ValueError(
                f"{name} are {values.dtype} from {values.min()} to {values.max()}: "
                f"expected whole numbers from 0 to {classes - 1}."
            )
    pairs = labels.astype(np.int64) * classes + predictions.astype(np.int64)  # uint8 would run over
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def confusion_figure(counts: np.ndarray, names: Sequence[str] | None = None) -> Figure:
    """Draw a confusion matrix; the mistakes are coloured, what was right stays grey.

    Parameters
    ----------
    counts : numpy.ndarray of int, shape (classes, classes)
        As `confusion_matrix` returns it. Up to 20 classes the counts are written in.
    names : sequence of str, optional
        Of the classes; their numbers if not given.

    Raises
    ------
    ValueError
        If it is not a square of counts, or there is not one name for each class.

    >>> panel = confusion_figure(np.array([[8, 0], [3, 9]]), ["cat", "dog"]).axes[0]
    >>> [text.get_text() for text in panel.texts]
    ['8', '3', '9']
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"counts have shape {counts.shape}: expected (classes, classes), as of confusion_matrix.")
    names = [str(k) for k in range(len(counts))] if names is None else list(names)
    if len(names) != len(counts):
        raise ValueError(f"{len(names)} names for {len(counts)} classes: expected one for each.")
    readable = len(names) <= READABLE
    longest = 0.09 * max(map(len, names))  # inches
    side = 0.36 * len(names) + 0.7
    figure, axes = new_figure(size=(side + longest, side + longest) if readable else (6.4, 5.4))
    _draw_mistakes(figure, axes[0, 0], counts, bar=not readable)
    step = 1 if readable else 10
    axes[0, 0].set(xlabel="prediction", ylabel="true class", xticks=range(0, len(names), step))
    axes[0, 0].set(xticklabels=names[::step], yticks=range(0, len(names), step), yticklabels=names[::step])
    if max(map(len, names)) > 3:
        axes[0, 0].tick_params(axis="x", rotation=60)
    if readable:
        _write_counts(axes[0, 0], counts)
    return figure


def ladder_figure(rates: Mapping[str, float], *, unit: str = "images/s") -> Figure:
    """Draw how fast each step of a ladder is, one bar a step from the top down, as multiples of the first.

    Parameters
    ----------
    rates : dict of what was changed to its speed
        The first is what the others are compared with.
    unit : str
        What the speeds are measured in.

    Raises
    ------
    ValueError
        If there is no step, or a speed is not above zero.

    >>> [text.get_text() for text in ladder_figure({"loops": 10, "im2col": 250}).axes[0].texts]
    ['10  (1×)', '250  (25×)']
    """
    values = np.array(list(_require_some(rates, "rates").values()), dtype=float)
    if not (values > 0).all():
        raise ValueError(f"rates are {dict(rates)}: expected speeds above zero.")
    figure, axes = new_figure(size=(7.2, 0.34 * len(values) + 0.9))
    panel, places = axes[0, 0], np.arange(len(values))
    panel.barh(places, values, color=[PALETTE[5], *[PALETTE[0]] * (len(values) - 1)], height=0.7)
    for place, value in zip(places, values, strict=True):
        panel.annotate(
            f"{value:,.0f}  ({value / values[0]:.3g}×)", (value, place), (4, 0), textcoords="offset points", va="center"
        )
    panel.set(xlabel=unit, xlim=(0, 1.6 * values.max()), yticks=places, yticklabels=list(rates))
    panel.xaxis.set_major_formatter("{x:,g}")
    panel.invert_yaxis()
    panel.grid(False, axis="y")
    return figure


def _draw_curves(panel: Axes, seeds: list[np.ndarray], label: str, k: int, *, first: int, thin: bool = False) -> None:
    """Mean, band, and what longer seeds have beyond the shortest."""
    colour, width = PALETTE[k % len(PALETTE)], 1.2 if thin else 2
    shortest = min(map(len, seeds))
    common = np.array([seed[:shortest] for seed in seeds])  # (seeds, shortest)
    x = first + np.arange(max(map(len, seeds)))
    dash = ":" if thin else DASHES[k % len(DASHES)]
    marker = "o" if shortest == 1 else ""  # a line through one point is nothing
    panel.plot(x[:shortest], common.mean(axis=0), dash, color=colour, linewidth=width, marker=marker, label=label)
    if len(seeds) > 1:
        panel.fill_between(x[:shortest], common.min(axis=0), common.max(axis=0), color=colour, alpha=0.18, linewidth=0)
    for seed in seeds:
        if len(seed) > shortest:
            panel.plot(x[shortest - 1 : len(seed)], seed[shortest - 1 :], color=colour, linewidth=0.7, alpha=0.7)


def _note_band(panel: Axes, groups) -> None:
    several = any(len(seeds) > 1 for seeds in groups)
    title = "mean; band from lowest to highest" if several else None
    panel.legend(title=title, title_fontsize=8, fontsize=8, frameon=False)


def _readable_ticks(panel: Axes) -> None:
    """Whole epochs or steps below, few enough for five digits; on a log scale 0.2 and 5, not powers of ten."""
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if panel.get_yscale() == "log":
        low, high = panel.get_ylim()  # between 0.6 and 0.9 there is neither a 1, nor a 2, nor a 5
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 5 * low else MaxNLocator(5))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())


def _draw_mistakes(figure: Figure, panel: Axes, counts: np.ndarray, *, bar: bool) -> None:
    """The diagonal grey; the rest from white for none to dark for the most frequent mistake."""
    right = np.eye(len(counts), dtype=bool)
    mistakes = np.ma.masked_where(right | (counts == 0), counts)
    drawn = panel.imshow(mistakes, cmap="Oranges", vmin=0, vmax=_most_mistakes(counts))
    panel.imshow(np.ma.masked_where(~right, counts), cmap=ListedColormap(["#dddddd"]))
    panel.grid(False)
    if bar:
        figure.colorbar(drawn, ax=panel, label="images", shrink=0.8)


def _most_mistakes(counts: np.ndarray) -> int:
    return max(1, counts[~np.eye(len(counts), dtype=bool)].max(initial=0))


def _write_counts(panel: Axes, counts: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = row != column and count > 0.6 * _most_mistakes(counts)
            panel.text(column, row, count, ha="center", va="center", fontsize=8, color="white" if dark else "black")


def _smoothed(name: str, losses: Sequence[float]) -> tuple[np.ndarray, int]:
    """Running mean of the losses, and the step of its first value: the middle of the first window."""
    if not len(losses):
        raise ValueError(f"a history of '{name}' has no step: there is nothing to draw.")
    window = max(1, round(SMOOTH * len(losses)))
    return np.convolve(losses, np.full(window, 1 / window), mode="valid"), 1 + window // 2


def _as_curves(name: str, seeds: Sequence[Sequence[float]]) -> list[np.ndarray]:
    curves = [np.asarray(seed, dtype=float) for seed in seeds]
    if not curves or any(curve.ndim != 1 or not curve.size for curve in curves):
        shapes = [curve.shape for curve in curves]
        raise ValueError(
            f"curves of '{name}' have the shapes {shapes}: expected at least one seed, each of shape (n,)."
        )
    return curves


def _as_list(name: str, group: History | Sequence[History]) -> list[History]:
    histories = [group] if hasattr(group, "losses") else list(group)
    if not histories:
        raise ValueError(f"histories of '{name}' are none: give a history, or one for each seed.")
    return histories


def _require_some(given: Mapping, name: str) -> Mapping:
    if not given:
        raise ValueError(f"{name} is empty: give at least one, with its name.")
    return given


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
