"""The one plotting style of the course, and the one way a figure reaches the reader."""

import base64
import builtins
import html
import io

from matplotlib import rc_context
from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, which people with any common kind of colour blindness can tell apart."""

DPI = 144  # pixels per inch as drawn; shown at 96, so that text stays sharp on dense screens

STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlepad": 6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "lines.linewidth": 2,
    "legend.frameon": False,
    "figure.facecolor": "white",
}


def new_figure(rows: int = 1, columns: int = 1, *, size: tuple[float, float] = (6.0, 3.2), **options):
    """Make a figure in the course's style.

    Parameters
    ----------
    rows, columns : int
        Number of panels.
    size : (float, float)
        Width and height, in inches.
    options
        Passed on to ``Figure.subplots``, such as ``sharex=True``.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : numpy.ndarray of matplotlib.axes.Axes, shape (rows, columns)

    >>> figure, axes = new_figure(1, 2, size=(6, 3))
    >>> axes.shape, figure.get_size_inches().tolist()
    ((1, 2), [6.0, 3.0])
    """
    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def data_uri(figure: Figure, *, dpi: int = DPI) -> str:
    """Draw the figure in the course's style, as an address that holds the picture itself (WebP, a tenth of a PNG).

    >>> data_uri(new_figure()[0])[:22]
    'data:image/webp;base64'
    """
    buffer = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(buffer, format="webp", dpi=dpi, pil_kwargs={"quality": 88, "method": 6})
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def img_tag(uri: str, alt: str, figure: Figure) -> str:
    """HTML of a drawn figure, as large as it was planned, with its alt text.

    >>> img_tag("data:,", "Two & two", new_figure(size=(2, 1))[0])
    '<img src="data:," width="192" alt="Two &amp; two">'
    """
    width = round(figure.get_figwidth() * 96)
    return f'<img src="{uri}" width="{width}" alt="{html.escape(require_alt(alt), quote=True)}">'


def require_alt(alt: str) -> str:
    """Give the alt text back, or refuse an empty one.

    Raises
    ------
    ValueError
        If there is no text.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the figure shows, for readers who cannot see it.")
    return alt.strip()


def show(figure: Figure, alt: str) -> None:
    """Show a figure in the notebook, with a text for readers who cannot see it.

    The text travels with the picture (the ``alt`` of an HTML image), into JupyterLab and into exported pages.
    Where no notebook is listening the text itself is printed.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What the figure shows, in a sentence.

    Raises
    ------
    ValueError
        If ``alt`` is empty.

    >>> figure, axes = new_figure()
    >>> line = axes[0, 0].plot([1, 4, 9])
    >>> show(figure, "Three squares, rising faster and faster.")  # in a notebook: the figure; elsewhere its text
    Three squares, rising faster and faster.
    """
    show_html(img_tag(data_uri(figure), alt, figure), alt)


def show_html(page: str, alt: str) -> None:
    """Show a piece of HTML in the notebook; where no notebook is listening print its alt text."""
    if "get_ipython" in dir(builtins):
        from IPython.display import display

        display({"text/html": page, "text/plain": alt}, raw=True)
    else:
        print(alt)
