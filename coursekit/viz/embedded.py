"""Codes as pictures: a cloud of points with a mark for each class, and a table of nearest neighbours."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patheffects import withStroke

from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.images import colours

__all__ = ["codes_figure", "neighbours_figure", "show_codes", "show_neighbours"]

MARKS = "os^DvPX<>*"  # with the seven colours that makes seventy pairs, of which the first ten differ in the mark
HALO = [withStroke(linewidth=3.5, foreground="white")]


def show_codes(
    points: np.ndarray,
    labels: np.ndarray,
    alt: str | None = None,
    *,
    names: Sequence[str] | None = None,
    images: np.ndarray | None = None,
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """Show codes in two dimensions: each class has a mark and a colour, and its name at its middle.

    Parameters
    ----------
    points : ndarray of shape (N, 2)
        As `coursekit.viz.pca` and `coursekit.viz.t_sne` give them.
    labels : ndarray of int, shape (N,)
    alt : str, optional
        What the figure shows; a sentence on how pure the neighbourhoods are, if left out.
    names : sequence of str, optional
        Of the classes; their numbers if left out.
    images : ndarray of shape (N, H, W) or (N, H, W, 3), optional
        Drawn in place of the points, as many as have room.
    xlabel, ylabel : str
        What the axes mean, if anything: those of t-SNE do not.

    Raises
    ------
    ValueError
        If there are not as many labels as points, or no points.

    >>> corners = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.1, 5.0]])
    >>> show_codes(corners, np.array([3, 3, 8, 8]))
    4 points in 2 classes: 3, 8. The nearest neighbour of a point is of the same class for 100 % of them.
    """
    figure = codes_figure(points, labels, names=names, images=images, xlabel=xlabel, ylabel=ylabel)
    show(figure, codes_alt(points, labels, names) if alt is None else alt)


def codes_figure(
    points: np.ndarray,
    labels: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    images: np.ndarray | None = None,
    xlabel: str = "",
    ylabel: str = "",
) -> Figure:
    """Draw what `show_codes` shows.

    >>> figure = codes_figure(np.eye(2), np.array([0, 1]), names=["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['cat', 'dog']
    """
    points, labels = _check_points(points, labels)
    figure, ((axes,),) = new_figure(size=(6.4, 5.2))
    classes = np.unique(labels)
    for k, label in enumerate(classes):
        own = points[labels == label]
        look = {"marker": MARKS[k % len(MARKS)], "color": PALETTE[k % len(PALETTE)]}
        visible = 0 if images is not None else 0.75
        axes.scatter(*own.T, s=20, alpha=visible, linewidths=0, label=_name(label, names), **look)
    if images is not None:
        _draw_thumbnails(axes, points, images, [PALETTE[k % len(PALETTE)] for k in np.searchsorted(classes, labels)])
    if images is None:
        for label in classes:
            look = {"ha": "center", "va": "center", "path_effects": HALO, "zorder": 5}
            axes.text(*_densest(points[labels == label]), _name(label, names), fontsize=14, weight="bold", **look)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if not xlabel and not ylabel:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color="#dddddd")
    if images is None:
        axes.legend(
            loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, markerscale=1.6, handletextpad=0.3, frameon=False
        )
    return figure


def codes_alt(points: np.ndarray, labels: np.ndarray, names: Sequence[str] | None = None) -> str:
    """How many points, which classes, and how pure the neighbourhoods are, in words."""
    from coursekit.viz.embedding import nearest_neighbours

    points, labels = _check_points(points, labels)
    classes = ", ".join(_name(label, names) for label in np.unique(labels))
    start = f"{len(points)} points in {len(np.unique(labels))} classes: {classes}."
    if len(points) < 2:
        return start
    places = nearest_neighbours(points, points, k=2).places
    other = np.where(places[:, 0] == np.arange(len(points)), places[:, 1], places[:, 0])
    same = (labels[other] == labels).mean()
    return f"{start} The nearest neighbour of a point is of the same class for {100 * same:.0f} % of them."


def show_neighbours(
    queries: np.ndarray, found: np.ndarray, distances: np.ndarray, alt: str | None = None, **labels
) -> None:
    """Show images and, in a row beside each, those whose codes lie nearest.

    Parameters
    ----------
    queries : ndarray of shape (Q, H, W) or (Q, H, W, 3)
    found : ndarray of shape (Q, k, H, W) or (Q, k, H, W, 3)
        ``images[neighbours.places]``.
    distances : ndarray of shape (Q, k)
    alt : str, optional
        What the figure shows; a sentence, if left out.
    labels
        query_labels of shape (Q,) and found_labels of shape (Q, k): written above each; those that differ from their
        query's stand in bold, after an exclamation mark.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    >>> tiles = np.zeros((2, 3, 4, 4))
    >>> show_neighbours(tiles[:, 0], tiles, np.ones((2, 3)))
    2 images, and beside each the 3 whose codes lie nearest, nearest first.
    """
    figure = neighbours_figure(queries, found, distances, **labels)
    show(figure, neighbours_alt(found, **labels) if alt is None else alt)


def neighbours_figure(
    queries: np.ndarray,
    found: np.ndarray,
    distances: np.ndarray,
    *,
    query_labels: Sequence | None = None,
    found_labels: Sequence | None = None,
    side: float = 0.95,
) -> Figure:
    """Draw what `show_neighbours` shows.

    >>> len(neighbours_figure(np.zeros((2, 4, 4)), np.zeros((2, 3, 4, 4)), np.ones((2, 3))).axes)
    8
    """
    queries, found, distances = np.asarray(queries), np.asarray(found), np.asarray(distances)
    if found.shape[:2] != distances.shape or found.shape[0] != len(queries) or found.shape[2:] != queries.shape[1:]:
        raise ValueError(
            f"queries have shape {queries.shape}, found {found.shape}, distances {distances.shape}: expected "
            "(Q, H, W), (Q, k, H, W) and (Q, k), with 3 colours last or none."
        )
    rows, k = distances.shape
    figure, panels = new_figure(rows, k + 1, size=((k + 1) * side, rows * (side + 0.25) + 0.2))
    for row, line in enumerate(panels):
        own = None if query_labels is None else query_labels[row]
        _draw_tile(line[0], queries[row], "query" if own is None else f"query: {own}", colour=PALETTE[0])
        for place, panel in enumerate(line[1:]):
            label = None if found_labels is None else found_labels[row][place]
            wrong = own is not None and label is not None and label != own
            words = f"at {distances[row, place]:.3g}" if label is None else f"{label}, at {distances[row, place]:.3g}"
            _draw_tile(panel, found[row, place], f"! {words}" if wrong else words, bold=wrong)
    return figure


def neighbours_alt(found: np.ndarray, query_labels=None, found_labels=None, **_) -> str:
    """How many images and neighbours, and how many share the label, in words."""
    rows, k = np.shape(found)[:2]
    words = f"{rows} images, and beside each the {k} whose codes lie nearest, nearest first."
    if query_labels is None or found_labels is None:
        return words
    same = np.asarray(found_labels) == np.asarray(query_labels)[:, None]
    return f"{words} {same.sum()} of {same.size} have the label of their image."


def _draw_tile(panel: Axes, picture: np.ndarray, title: str, *, colour: str = "#bbbbbb", bold: bool = False) -> None:
    panel.imshow(picture, **colours(picture))
    panel.set(xticks=[], yticks=[])
    panel.set_title(
        title, fontsize=8, weight="bold" if bold else "normal", color=PALETTE[1] if bold else "black", pad=3
    )
    panel.spines[:].set(visible=True, color=colour, linewidth=2.5 if colour != "#bbbbbb" else 0.5)


def _draw_thumbnails(axes: Axes, points: np.ndarray, images: np.ndarray, frames: list[str]) -> None:
    """Images at their points, in random order, each left out that would cover one drawn before."""
    span = np.ptp(points, axis=0)
    span[span == 0] = 1.0
    shares = (points - points.min(axis=0)) / span
    drawn: list[np.ndarray] = []
    for k in np.random.default_rng(0).permutation(len(points)):
        if all(np.abs(shares[k] - other).max() > 0.042 for other in drawn):
            drawn.append(shares[k])
            picture = OffsetImage(images[k], zoom=14 / images[k].shape[0], **_inverted(images[k]))
            frame = {"edgecolor": frames[k], "linewidth": 1.2}
            axes.add_artist(AnnotationBbox(picture, points[k], pad=0.1, bboxprops=frame))


def _inverted(picture: np.ndarray) -> dict:
    return {"cmap": "gray_r"} if picture.ndim == 2 else {}


def _densest(points: np.ndarray) -> np.ndarray:
    """The point with the most others close by: the middle of a class's largest cloud."""
    few = points[:: max(1, len(points) // 300)]
    gaps = np.linalg.norm(few[:, None] - few, axis=2)
    near = np.partition(gaps, min(len(few) - 1, max(1, len(few) // 3)), axis=1)[:, min(len(few) - 1, len(few) // 3)]
    return few[near.argmin()]


def _name(label, names: Sequence[str] | None) -> str:
    return str(label) if names is None else names[label]


def _check_points(points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points, labels = np.asarray(points, dtype=float), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or labels.shape != points.shape[:1]:
        raise ValueError(
            f"points have shape {points.shape}, labels {labels.shape}: expected (N, 2) and (N,), N above 0."
        )
    return points, labels
