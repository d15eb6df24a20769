"""Pictures of results, shown with a text that is made from the numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from coursekit.viz.figure import show
from coursekit.viz.tiles import mistakes_figure
from coursekit.viz.training import History, confusion_figure, curves_figure, histories_figure

__all__ = ["show_confusion", "show_curves", "show_histories", "show_mistakes"]


def show_curves(
    runs: Mapping[str, Sequence[Sequence[float]]],
    *,
    xlabel: str = "epoch",
    ylabel: str,
    first: int = 1,
    alt: str | None = None,
    **limits,
) -> None:
    """Show learning curves: a line for the mean over the seeds, a band from the lowest to the highest seed.

    Parameters
    ----------
    runs, xlabel, ylabel, first, limits
        As for `curves_figure`.
    alt : str, optional
        What the figure shows; made from where the curves begin and end where not given.

    Raises
    ------
    ValueError
        If there is no curve, or an empty one.

    >>> show_curves({"Adam": [[4.0, 2.0], [6.0, 3.0]]}, ylabel="error (%)")
    Curves of error (%) over epoch. Adam, 2 seeds: on average from 5 to 2.5.
    """
    figure = curves_figure(runs, xlabel=xlabel, ylabel=ylabel, first=first, **limits)
    each = []
    for name, seeds in runs.items():
        start, end = np.mean([seed[0] for seed in seeds]), np.mean([seed[-1] for seed in seeds])
        count = "1 seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
        each.append(f"{name}, {count}: {'' if len(seeds) == 1 else 'on average '}from {start:.3g} to {end:.3g}")
    show(figure, alt or f"Curves of {ylabel} over {xlabel}. {'; '.join(each)}.")


def show_histories(histories: Mapping[str, History | Sequence[History]], *, alt: str | None = None) -> None:
    """Show how training went: the loss of the steps, and the errors in percent after each epoch.

    Parameters
    ----------
    histories : dict of name to History, or to one History per seed
        As for `histories_figure`.
    alt : str, optional
        What the figure shows; made from the last numbers where not given.

    Raises
    ------
    ValueError
        If there is no history, or one without a step.

    >>> from coursekit.train import History
    >>> run = History(losses=[2.3, 0.5], training_accuracy=[0.9], validation_accuracy=[0.88])
    >>> show_histories({"SimpleConvNet": run})
    Loss over the steps, and errors over the epochs. SimpleConvNet: 2 steps, error on validation images 12 % at the \
end.
    """
    figure = histories_figure(histories)
    each = []
    for name, group in histories.items():
        runs = [group] if hasattr(group, "losses") else list(group)
        text = f"{name}: {max(len(run.losses) for run in runs)} steps"
        last = [100 * (1 - run.validation_accuracy[-1]) for run in runs if run.validation_accuracy]
        each.append(text + (f", error on validation images {np.mean(last):.3g} % at the end" if last else ""))
    show(figure, alt or f"Loss over the steps, and errors over the epochs. {'; '.join(each)}.")


def show_confusion(counts: np.ndarray, names: Sequence[str] | None = None, *, alt: str | None = None) -> None:
    """Show a confusion matrix; the mistakes are coloured, what was right stays grey.

    Parameters
    ----------
    counts : ndarray of int, shape (classes, classes)
        As `confusion_matrix` returns it: row: the true class; column: the prediction.
    names : sequence of str, optional
        Of the classes; their numbers if not given.
    alt : str, optional
        What the figure shows; made from the counts where not given.

    Raises
    ------
    ValueError
        If it is not a square of counts, or there is not one name for each class.

    >>> show_confusion(np.array([[8, 0], [3, 9]]), ["cat", "dog"])
    Confusion matrix of 2 classes: 17 of 20 right. The most frequent mistake: dog taken for cat, 3 times.
    """
    figure = confusion_figure(counts, names)
    counts = np.asarray(counts)
    names = range(len(counts)) if names is None else names
    wrong = counts - np.diag(np.diag(counts))
    true, taken = np.unravel_index(wrong.argmax(), wrong.shape)
    text = f"Confusion matrix of {len(counts)} classes: {np.trace(counts):,} of {counts.sum():,} right."
    if times := wrong.max():
        often = "once" if times == 1 else f"{times:,} times"
        text += f" The most frequent mistake: {names[true]} taken for {names[taken]}, {often}."
    show(figure, alt or text)


def show_mistakes(
    images: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    *,
    most: int = 30,
    names: Sequence[str] | None = None,
    sureness: np.ndarray | None = None,
    alt: str | None = None,
) -> None:
    """Show wrongly read pictures, the true label at the top left, the prediction at the bottom right.

    Parameters
    ----------
    images, labels, predictions, most, names, sureness
        As for `mistakes_figure`.
    alt : str, optional
        What the figure shows; made from the counts where not given.

    Raises
    ------
    ValueError
        If no prediction is wrong.

    >>> show_mistakes(np.zeros((3, 4, 4)), np.array([3, 1, 4]), np.array([3, 7, 9]))
    2 of 2 wrongly read pictures of 3, each with its label at the top left and the prediction at the bottom right: \
1 read as 7, 4 read as 9.
    """
    figure = mistakes_figure(images, labels, predictions, most=most, names=names, sureness=sureness)
    pairs = [[text.get_text() for text in panel.texts] for panel in figure.axes if panel.texts]
    wrong = int(np.sum(np.asarray(labels) != np.asarray(predictions)))
    listed = ", ".join(f"{true} read as {read}" for true, read in pairs[:10]) + (", …" if len(pairs) > 10 else "")
    text = (
        f"{len(pairs)} of {wrong:,} wrongly read pictures of {len(labels):,}, each with its label at the top left and "
        f"the prediction at the bottom right: {listed}."
    )
    show(figure, alt or text)
