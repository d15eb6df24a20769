"""What filters answer to an image: the edge detectors of the first layer at work."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from coursekit.nn.conv import conv_forward
from coursekit.viz.figure import new_figure, show
from coursekit.viz.filters import normalise_filters
from coursekit.viz.grids import signed_norm
from coursekit.viz.images import LARGE

__all__ = ["EDGE_FILTERS", "responses", "responses_figure", "show_responses"]

EDGE_FILTERS = {
    "vertical edges": np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]),
    "horizontal edges": np.array([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]),
}
"""Sobel's filters: brightness from the left to the right, and from the top down. Source: Sobel & Feldman, 1968."""

PART = 0.98  # of the pixels of a photograph: a few hard edges would leave all others pale
LUMA = np.array([0.299, 0.587, 0.114])  # how bright red, green and blue look. Source: ITU-R BT.601


def responses(image: np.ndarray, filters: Mapping[str, np.ndarray] = EDGE_FILTERS) -> dict[str, np.ndarray]:
    """Slide filters over an image, as a convolution layer does: no flip, stride 1, no padding, no bias.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, 3), uint8 or 0..1
        Bytes are divided by 255. For filters of one channel a colour image is made grey.
    filters : dict of title to ndarray, shape (KH, KW), (1, KH, KW) or (3, KH, KW)

    Returns
    -------
    responses : dict of title to ndarray of float64, shape (H - KH + 1, W - KW + 1)

    Raises
    ------
    ValueError
        If there is no filter, one does not fit, or it has colours and the image has none.

    >>> step = np.array([[0.0, 0.0, 1.0, 1.0]] * 3)
    >>> {name: answer.tolist() for name, answer in responses(step).items()}
    {'vertical edges': [[4.0, 4.0]], 'horizontal edges': [[0.0, 0.0]]}
    """
    if not filters:
        raise ValueError("filters is empty: give at least one, as {title: array}.")
    image = _as_shares(image)
    return {title: _answer(image, title, np.asarray(each, dtype=float)) for title, each in filters.items()}


def show_responses(
    image: np.ndarray, filters: Mapping[str, np.ndarray] = EDGE_FILTERS, *, alt: str | None = None
) -> None:
    """Show an image and what filters answer to it: orange where the answer is positive, purple where negative.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, 3), uint8 or 0..1
    filters : dict of title to ndarray, shape (KH, KW), (1, KH, KW) or (3, KH, KW)
        The two edge filters where not given. Each answer has a scale of its own, zero in the middle.
    alt : str, optional
        What the figure shows; made from the titles where not given.

    Raises
    ------
    ValueError
        As for `responses`.

    Source: Saito, "Deep Learning from Scratch", section 7.6.1, which shows two filters' answers to a photograph.

    >>> show_responses(np.eye(8))
    A picture, and below each of 2 filters its answer to it: vertical edges (from -2 to 2), horizontal edges \
(from -2 to 2).
    """
    figure = responses_figure(image, filters)
    show(figure, alt or _describe(responses(image, filters)))


def responses_figure(image: np.ndarray, filters: Mapping[str, np.ndarray] = EDGE_FILTERS) -> Figure:
    """Draw what `show_responses` shows.

    >>> [panel.get_title() for panel in responses_figure(np.eye(8)).axes if panel.get_title()]
    ['image', 'vertical edges', 'horizontal edges']
    """
    answers = responses(image, filters)
    shares = _as_shares(image)
    count = len(answers)
    side = min(2.6, 8.0 / (count + 1))
    tall = side * shares.shape[0] / shares.shape[1]
    figure, axes = new_figure(2, count + 1, size=(side * (count + 1), tall + 1.05), height_ratios=[0.6, tall])
    axes[0, 0].axis("off")
    axes[1, 0].imshow(shares, **({} if shares.ndim == 3 else {"cmap": "gray", "vmin": 0, "vmax": 1}))
    axes[1, 0].set_title("image")
    for k, (title, answer) in enumerate(answers.items(), 1):
        _draw_filter(axes[0, k], filters[title])
        axes[1, k].imshow(answer, cmap="PuOr_r", norm=signed_norm(answer, part=PART if answer.size > LARGE else 1.0))
        axes[1, k].set_title(title)
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.5)
    return figure


def _draw_filter(panel, weights: np.ndarray) -> None:
    weights = np.asarray(weights, dtype=float)
    weights = weights.reshape(1, -1, *weights.shape[-2:])
    if weights.shape[1] == 3:
        panel.imshow(normalise_filters(weights)[0].transpose(1, 2, 0))
    else:
        panel.imshow(normalise_filters(weights, signed=True)[0, 0], cmap="PuOr_r", vmin=0, vmax=255)


def _answer(image: np.ndarray, title: str, weights: np.ndarray) -> np.ndarray:
    channels = 1 if weights.ndim == 2 else len(weights)
    if weights.ndim not in (2, 3) or channels not in (1, 3) or not weights.size:
        raise ValueError(f"filter '{title}' has shape {weights.shape}: expected (KH, KW), (1, KH, KW) or (3, KH, KW).")
    if channels == 3 and image.ndim == 2:
        raise ValueError(f"filter '{title}' has shape {weights.shape}, the image has no colours, {image.shape}.")
    if any(k > i for k, i in zip(weights.shape[-2:], image.shape, strict=False)):
        raise ValueError(f"filter '{title}', {weights.shape[-2:]}, is larger than the image, {image.shape[:2]}.")
    seen = image @ LUMA if channels == 1 and image.ndim == 3 else image
    seen = seen[None] if seen.ndim == 2 else seen.transpose(2, 0, 1)
    answer, _ = conv_forward(np.ascontiguousarray(seen)[None], weights.reshape(1, channels, *weights.shape[-2:]))
    return answer[0, 0]


def _as_shares(image) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or not image.size:
        raise ValueError(f"image has shape {image.shape}: expected (H, W) or (H, W, 3), none of them 0.")
    return image / 255 if image.dtype == np.uint8 else image.astype(float)


def _describe(answers: Mapping[str, np.ndarray]) -> str:
    what = ", ".join(f"{title} (from {answer.min():.3g} to {answer.max():.3g})" for title, answer in answers.items())
    count = "one filter" if len(answers) == 1 else f"each of {len(answers)} filters"
    return f"A picture, and below {count} its answer to it: {what}."
