"""Photographs, digits and maps side by side."""

import math

import numpy as np
from matplotlib.figure import Figure

from coursekit.viz.figure import new_figure, show
from coursekit.viz.grids import signed_norm

LARGE = 1000  # pixels from which on a few extreme values may not set the scale of a signed map


def show_images(images: dict[str, np.ndarray], alt: str, *, columns: int = 4, side: float = 1.9) -> None:
    """Show pictures side by side, each under its title.

    Parameters
    ----------
    images : dict of title to numpy.ndarray
        Shape (H, W, 3) or (H, W, 4): colours, uint8 or 0..1. Shape (H, W): grey, uint8 or 0..1, and where
        values below zero occur a signed map, orange above and purple below zero.
    alt : str
        What the figure shows, in a sentence.
    columns : int
        Pictures in a row.
    side : float
        Width of one picture, in inches.

    Raises
    ------
    ValueError
        If there is no picture, or one has neither two axes nor three with 3 or 4 channels last.

    An image beside what filters make of it (a sharpened one runs over 0: np.clip it, or it counts as signed):

    >>> from scipy.ndimage import correlate
    >>> step = np.repeat([[0.0, 0.0, 1.0, 1.0]], 4, axis=0)
    >>> kernels = {"blur": np.full((3, 3), 1 / 9), "edges": np.array([[-1, 0, 1]] * 3)}
    >>> filtered = {name: correlate(step, kernel) for name, kernel in kernels.items()}
    >>> show_images({"step": step} | filtered, alt="An upright step, blurred, and as a bright line of edges.")
    An upright step, blurred, and as a bright line of edges.
    """
    show(images_figure(images, columns=columns, side=side), alt)


def images_figure(images: dict[str, np.ndarray], *, columns: int = 4, side: float = 1.9) -> Figure:
    """Draw what `show_images` shows.

    >>> figure = images_figure({"digit": np.eye(8), "edges": np.eye(8) - np.eye(8, k=1)})
    >>> [(panel.get_title(), panel.images[0].get_cmap().name) for panel in figure.axes]
    [('digit', 'gray'), ('edges', 'PuOr_r')]
    """
    if not images:
        raise ValueError("images is empty: give at least one picture, as {title: array}.")
    arrays = {title: as_picture(title, image) for title, image in images.items()}
    columns = min(columns, len(arrays))
    rows = math.ceil(len(arrays) / columns)
    tallest = max(a.shape[0] / a.shape[1] for a in arrays.values())
    figure, axes = new_figure(rows, columns, size=(columns * side, rows * (side * tallest + 0.3)))
    for panel in axes.flat[len(arrays) :]:
        panel.axis("off")
    for panel, (title, picture) in zip(axes.flat, arrays.items(), strict=False):
        panel.imshow(picture, **colours(picture))
        panel.set(title=title, xticks=[], yticks=[])
        panel.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.5)  # a white rim would melt into the page
    return figure


def as_picture(title: str, image) -> np.ndarray:
    image = np.asarray(image)
    if (image.ndim == 2 and image.size) or (image.ndim == 3 and image.shape[-1] in (3, 4) and image.size):
        return image
    raise ValueError(
        f"image '{title}' has shape {image.shape}; needed is (H, W), (H, W, 3) or (H, W, 4), none of them 0."
    )


def colours(picture: np.ndarray) -> dict:
    """How matplotlib is to colour this picture: as it is, grey, or signed around zero."""
    if picture.ndim == 3:
        return {}
    if picture.dtype == np.uint8:
        return {"cmap": "gray", "vmin": 0, "vmax": 255}
    if picture.min() < 0:
        return {"cmap": "PuOr_r", "norm": signed_norm(picture, part=0.995 if picture.size > LARGE else 1.0)}
    return {"cmap": "gray", "vmin": 0, "vmax": max(1.0, float(picture.max()))}
