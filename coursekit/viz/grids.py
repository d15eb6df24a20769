"""Small arrays drawn as what they are: grids of numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.patches import Rectangle

from coursekit.viz.figure import PALETTE, new_figure, show

CELL = 0.44  # inches
LARGEST = 24  # cells along an axis up to which the numbers are written in


def draw_grid(
    axes: Axes, values: np.ndarray, *, title: str = "", window: tuple[int, int, int, int] | None = None
) -> None:
    """Draw a 2-D array as a grid of numbers.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    values : numpy.ndarray, shape (H, W)
    title : str
    window : (top, left, height, width), optional
        A frame around some cells, in cells.
    """
    axes.imshow(values, cmap="PuOr_r", norm=signed_norm(values), alpha=0.55)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=10)
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, labels=[])
    axes.set_yticks(np.arange(values.shape[0] + 1) - 0.5, labels=[])
    axes.tick_params(length=0)
    axes.grid(True, color="white", linewidth=1.5)
    axes.spines[:].set_visible(False)
    axes.set_title(title)
    if window:
        top, left, height, width = window
        axes.add_patch(
            Rectangle((left - 0.5, top - 0.5), width, height, fill=False, lw=3, ec=PALETTE[1], zorder=3, clip_on=False)
        )


def signed_norm(values: np.ndarray, *, part: float = 1.0) -> TwoSlopeNorm:
    """Colour scale whose middle is zero, wide enough for this part of the finite values (1 = all)."""
    finite = np.abs(values[np.isfinite(values)])
    limit = float(np.quantile(finite, part)) if finite.size else 0.0
    limit = limit or float(finite.max(initial=0.0)) or 1.0
    return TwoSlopeNorm(0.0, -limit, limit)


def show_grid(values, alt: str, *, title: str = "") -> None:
    """Show a small 2-D array as a grid of numbers.

    Parameters
    ----------
    values : array_like, shape (H, W)
        At most 24 cells along an axis.
    alt : str
        What the grid shows, in a sentence.
    title : str

    Raises
    ------
    ValueError
        If the array is not two-dimensional, or too large to be read.

    >>> show_grid([[1, 9], [9, 1]], alt="2x2 grid: 1 and 9 above, 9 and 1 below.")
    2x2 grid: 1 and 9 above, 9 and 1 below.
    """
    values = as_grid(values)
    figure, axes = new_figure(
        size=(CELL * max(values.shape[1], 3) + 0.2, CELL * values.shape[0] + (0.35 if title else 0.1))
    )
    draw_grid(axes[0, 0], values, title=title)
    show(figure, alt)


def as_grid(values) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not min(values.shape) > 0 or max(values.shape) > LARGEST:
        raise ValueError(
            f"values has shape {values.shape}: a grid of numbers needs (H, W), each from 1 to {LARGEST}. "
            "Cut a piece out of it, or use show_images."
        )
    return values


def show_places(image, kernel, alt: str) -> None:
    """Show every place at which a small kernel stands on a small image, with its sum of products.

    Parameters
    ----------
    image : array_like, shape (H, W)
    kernel : array_like, shape (KH, KW)
        At most nine places are drawn.
    alt : str
        What the figure shows, in a sentence.

    Raises
    ------
    ValueError
        If the kernel does not fit, or there are more than nine places.

    >>> show_places(np.arange(9).reshape(3, 3), [[0, 1], [2, 3]], alt="Four places: 19, 25, 37 and 43.")
    Four places: 19, 25, 37 and 43.
    """
    image, kernel = as_grid(image), as_grid(kernel)
    rows, columns = (i - k + 1 for i, k in zip(image.shape, kernel.shape, strict=True))
    if min(rows, columns) < 1 or rows * columns > 9:
        raise ValueError(
            f"kernel {kernel.shape} has {rows} x {columns} places on image {image.shape}: 1 to 9 can be drawn."
        )
    figure, axes = new_figure(rows, columns, size=(columns * 3.0, rows * (CELL * image.shape[0] + 0.5)))
    for (i, j), panel in np.ndenumerate(axes):
        patch = image[i : i + kernel.shape[0], j : j + kernel.shape[1]]
        products = " + ".join(f"{a:g}·{b:g}" for a, b in zip(patch.flat, kernel.flat, strict=True))
        draw_grid(panel, image, title=f"{products} = {np.sum(patch * kernel):g}", window=(i, j, *kernel.shape))
    show(figure, alt)


def show_matrix(matrices: dict[str, np.ndarray], alt: str) -> None:
    """Show matrices side by side as coloured squares, zero in the middle of the scale, one scale for all.

    Parameters
    ----------
    matrices : dict of title to array_like, shape (rows, columns)
    alt : str
        What the figure shows, in a sentence.

    >>> show_matrix({"identity": np.eye(3), "shift": np.eye(3, k=1)}, alt="A diagonal, and one moved to the right.")
    A diagonal, and one moved to the right.
    """
    arrays = [np.asarray(m, dtype=float) for m in matrices.values()]
    norm = signed_norm(np.concatenate([a.ravel() for a in arrays]))
    figure, axes = new_figure(1, len(arrays), size=(3.6 * len(arrays), 2.6))
    for panel, title, values in zip(axes[0], matrices, arrays, strict=True):
        panel.imshow(values, cmap="PuOr_r", norm=norm, aspect="auto")
        panel.set(title=title, xlabel="input position")
        panel.grid(False)
    axes[0, 0].set_ylabel("output position")
    show(figure, alt)
