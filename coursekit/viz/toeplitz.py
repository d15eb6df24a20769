"""A convolution written as a matrix: few numbers, each many times, in bands."""

import numpy as np
from matplotlib.figure import Figure

from coursekit.nn.to_conv import conv_to_affine
from coursekit.viz.figure import new_figure, show
from coursekit.viz.grids import signed_norm

__all__ = ["show_toeplitz", "toeplitz_figure", "toeplitz_matrix"]

WIDEST = 7.0  # inches
CELL = 0.36  # inches of an entry at most
WRITTEN = 0.2  # inches of an entry from which on its number is written in
MOST = 400  # entries along a side: more would be thinner than a pixel


def toeplitz_matrix(kernel, input_shape: int | tuple[int, ...], *, stride=1, padding=0) -> np.ndarray:
    """Write the convolution of networks with one kernel as a matrix T: y.ravel() = T @ x.ravel().

    With stride 1 each diagonal holds one number, which is what makes a Toeplitz matrix; of a picture, blocks do.

    Parameters
    ----------
    kernel : array_like, shape (K,) or (KH, KW)
        Slides as it is, without being turned.
    input_shape : int or (L,) or (H, W)
    stride, padding : int or tuple of int
        As for `coursekit.nn.conv_forward`. Zeros of the padding get no columns.

    Returns
    -------
    matrix : ndarray of float64, shape (outputs, inputs)

    Raises
    ------
    ValueError
        If kernel and input have not one or two axes, both the same, or the kernel does not fit.

    Source: Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning", section 4.1.

    >>> toeplitz_matrix([1, 2, 3], 5)
    array([[1., 2., 3., 0., 0.],
           [0., 1., 2., 3., 0.],
           [0., 0., 1., 2., 3.]])
    >>> toeplitz_matrix([[1, 2], [3, 4]], (3, 3))[0]
    array([1., 2., 0., 3., 4., 0., 0., 0., 0.])
    """
    kernel = np.asarray(kernel, dtype=float)
    shape = (input_shape,) if np.ndim(input_shape) == 0 else tuple(input_shape)
    if kernel.ndim not in (1, 2) or len(shape) != kernel.ndim or not kernel.size:
        raise ValueError(
            f"kernel has shape {kernel.shape} and the input {shape}: expected (K,) and (L,), or (KH, KW) and (H, W)."
        )
    return conv_to_affine(kernel[None, None], (1, *shape), stride=stride, padding=padding).T.copy()


def show_toeplitz(
    kernel, input_shape: int | tuple[int, ...], *, stride=1, padding=0, title: str = "", alt: str | None = None
) -> None:
    """Show the matrix that a kernel is: a row for each output, a column for each input, zeros left white.

    Parameters
    ----------
    kernel, input_shape, stride, padding
        As for `toeplitz_matrix`.
    title : str
    alt : str, optional
        What the figure shows; a sentence with the counts, if left out.

    Raises
    ------
    ValueError
        As `toeplitz_matrix`, or if a side of the matrix is longer than 400.

    Source: as of `toeplitz_matrix`.

    >>> show_toeplitz([1, 2, 3], 5)
    A kernel of 3 numbers as a matrix: 3 outputs x 5 inputs, 9 of its 15 entries inside the bands, the rest 0.
    """
    matrix = toeplitz_matrix(kernel, input_shape, stride=stride, padding=padding)
    used = int(toeplitz_matrix(np.ones(np.shape(kernel)), input_shape, stride=stride, padding=padding).sum())
    figure = toeplitz_figure(kernel, input_shape, stride=stride, padding=padding, title=title)
    words = (
        f"A kernel of {np.size(kernel)} numbers as a matrix: {matrix.shape[0]} outputs x {matrix.shape[1]} inputs, "
        f"{used:,} of its {matrix.size:,} entries inside the bands, the rest 0."
    )
    show(figure, alt or words)


def toeplitz_figure(kernel, input_shape: int | tuple[int, ...], *, stride=1, padding=0, title: str = "") -> Figure:
    """Draw what `show_toeplitz` shows; of a picture, lines part its rows.

    >>> panel = toeplitz_figure([[1, 2], [3, 4]], (3, 3)).axes[0]
    >>> len([text for text in panel.texts if text.get_text()])  # four weights at four places
    16
    """
    matrix = toeplitz_matrix(kernel, input_shape, stride=stride, padding=padding)
    if max(matrix.shape) > MOST:
        raise ValueError(
            f"the matrix has shape {matrix.shape}: up to {MOST} a side can be drawn. Give a smaller input."
        )
    cell = min(CELL, WIDEST / matrix.shape[1])
    figure, axes = new_figure(size=(max(2.2, cell * matrix.shape[1] + 0.7), cell * matrix.shape[0] + 0.75))
    panel = axes[0, 0]
    seen = np.where(matrix == 0, np.nan, matrix)
    panel.imshow(seen, cmap="PuOr_r", norm=signed_norm(matrix), alpha=0.55, interpolation="nearest")
    if cell >= WRITTEN:
        for (row, column), value in np.ndenumerate(matrix):
            if value:
                panel.text(column, row, f"{value:.2g}".replace("-", "−"), ha="center", va="center", fontsize=24 * cell)
    _rule(panel, matrix, input_shape, kernel, cell)
    panel.set(xlabel="input position, row by row" if np.ndim(kernel) == 2 else "input position", title=title)
    panel.set_ylabel("output position")
    return figure


def _rule(panel, matrix: np.ndarray, input_shape, kernel, cell: float) -> None:
    """Fine lines around entries where there is room, and stronger ones between the rows of a picture."""
    panel.grid(False)
    panel.spines[:].set(visible=True, color="#666666", linewidth=0.8)
    panel.locator_params(integer=True)
    if cell >= WRITTEN / 2:
        for side, line in ((matrix.shape[1], panel.axvline), (matrix.shape[0], panel.axhline)):
            for k in range(1, side):
                line(k - 0.5, color="#e6e6e6", lw=0.6, zorder=0.5)
    if np.ndim(kernel) == 2:
        for k in range(input_shape[1], matrix.shape[1], input_shape[1]):
            panel.axvline(k - 0.5, color="#666666", lw=0.8)
