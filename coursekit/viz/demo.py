"""The convolution demo: a small convolution or pooling, step by step, on the reader's own arrays.

Three faces over the steps that `coursekit.nn` records: a player that needs no kernel, widgets, and stills for print.
"""

from functools import partial

from matplotlib.figure import Figure

from coursekit.viz._demo_arrays import make_demo
from coursekit.viz._demo_page import demo_page
from coursekit.viz._demo_stills import stills_figure
from coursekit.viz._demo_widgets import demo_widgets
from coursekit.viz._demo_words import describe
from coursekit.viz.figure import require_alt, show, show_html

FACES = ("player", "widgets", "stills")


def show_demo(
    x=None,
    w=None,
    b=None,
    *,
    stride: int | tuple[int, int] = 2,
    padding: int | tuple[int, int] | None = None,
    view: str = "forward",
    face: str = "player",
    dy=None,
    window: int | tuple[int, int] = 2,
    steps=None,
    alt: str | None = None,
) -> None:
    """Show a small convolution or pooling step by step.

    In the player the reader steps by buttons, slider or arrow keys, switches between the views of one layer, types
    other numbers into the arrays and chooses another kernel size, stride or padding.

    Parameters
    ----------
    x : array_like, shape (C, H, W), optional
        One picture. Like w and b, the course's example if not given: 5x5x3 input, two 3x3x3 kernels.
    w : array_like, shape (F, C, KH, KW), optional
    b : array_like, shape (F,), optional
        Zeros if w is given without it.
    stride : int or (int, int)
    padding : int or (int, int), optional
        1 for a convolution and 0 for pooling if not given.
    view : {"forward", "backward", "im2col", "pool", "pool-backward"}
        Shown first. The first three are views of a convolution, the last two of max pooling.
    face : {"player", "widgets", "stills"}
        HTML that plays anywhere; widgets of a live kernel; some steps as one figure, for print.
    dy : array_like, shape (F, OH, OW), or (C, OH, OW) for pooling, optional
        Gradient with respect to the output; a few small numbers if not given.
    window : int or (int, int)
        Of pooling.
    steps : sequence of int, optional
        Which steps the stills show, counted from 0: the first, one a quarter on and the last if not given.
    alt : str, optional
        What is shown, in a sentence; made from the arrays if not given.

    Raises
    ------
    ValueError
        If view or face has no such name, shapes disagree, the kernel does not fit, the arrays are too large to be
        followed by eye (16 pixels a side with padding, 6 channels or kernels, 400 outputs), or a number is not finite.
    ModuleNotFoundError
        If the widgets are asked for without ipywidgets.

    Source: the interactive demo of a 5x5x3 input, K=2, F=3, S=2, P=1 is an idea of Stanford's CS231n notes,
    "Convolutional Neural Networks", section "Convolutional Layer".

    >>> show_demo(view="pool")  # in a notebook: the player; elsewhere its text
    Max pooling step by step: a 5x5 input of 3 channels, window 2x2, stride 2, padding 0, output 2x2 for each channel.
    """
    if face not in FACES:
        raise ValueError(f"face is {face!r}, expected one of {', '.join(map(repr, FACES))}.")
    alt = None if alt is None else require_alt(alt)
    if face == "widgets":
        _show_widgets(partial(make_demo, x, w, b, dy, window=window), view, stride, padding, alt)
        return
    demo = make_demo(x, w, b, dy, view, window, stride, padding)
    alt = alt or describe(demo)
    if face == "stills":
        show(stills_figure(demo, view, steps), alt)
    else:
        show_html(demo_page(demo, view, alt), alt)


def demo_figure(
    x=None, w=None, b=None, *, stride=2, padding=None, view: str = "forward", dy=None, window=2, steps=None
) -> Figure:
    """Draw the stills of `show_demo`: some steps of a view, one below the other.

    Parameters
    ----------
    x, w, b, stride, padding, view, dy, window, steps
        As for `show_demo`.

    Returns
    -------
    figure : matplotlib.figure.Figure

    Raises
    ------
    ValueError
        As `show_demo`; and if there is no such step.

    >>> figure = demo_figure(steps=[0])
    >>> figure.texts[0].get_text().partition(" Channel 0")[0]
    'Step 1 of 18. y[0, 0, 0]: kernel 0 stands at row 0, column 0.'
    """
    return stills_figure(make_demo(x, w, b, dy, view, window, stride, padding), view, steps)


def _show_widgets(make, view, stride, padding, alt) -> None:
    def filled(*, view, stride=stride, padding=padding):
        return make(view=view, stride=stride, padding=padding)

    box = demo_widgets(filled, view, alt)
    from IPython.display import display

    display(box)
