"""The demo as widgets of a live kernel: every choice is computed anew by Python."""

from collections.abc import Callable

from coursekit.viz._demo_arrays import Demo
from coursekit.viz._demo_page import NAMES, demo_page
from coursekit.viz._demo_words import captions, describe


def demo_widgets(make: Callable[..., Demo], view: str, alt: str | None):
    """Menus and a slider over the recorded steps, with one step of the player as picture.

    Parameters
    ----------
    make : callable
        Makes the demo from ``view``, ``stride`` and ``padding``.
    view : str
        The view shown first.
    alt : str, optional

    Returns
    -------
    box : ipywidgets.VBox
        Its children: the row of menus, the slider, the picture.

    Raises
    ------
    ModuleNotFoundError
        Without ipywidgets.
    """
    widgets, demo = _ipywidgets(), make(view=view)
    g = demo.geometry
    views = widgets.Dropdown(description="view", options=[(NAMES[name], name) for name in demo.views], value=view)
    stride = widgets.Dropdown(description="stride", options=_choices(g.stride, (1, 2, 3)), value=g.stride)
    padding = widgets.Dropdown(description="padding", options=_choices(g.padding, (0, 1, 2)), value=g.padding)
    step = widgets.IntSlider(description="step", max=len(demo.steps(view)) - 1, continuous_update=False)
    picture = widgets.Output()

    def draw(change=None):
        picture.outputs = (_drawn(make, views.value, stride.value, padding.value, step, alt),)

    def restart(change=None):
        step.value = 0
        draw()

    for menu in (views, stride, padding):
        menu.observe(restart, names="value")
    step.observe(draw, names="value")
    draw()
    return widgets.VBox([widgets.HBox([views, stride, padding]), step, picture])


def _drawn(make: Callable[..., Demo], view: str, stride, padding, slider, alt: str | None) -> dict:
    """The picture of the slider's step, or the reason why there is none, as a notebook's output."""
    try:
        demo = make(view=view, stride=stride, padding=padding)
    except ValueError as error:  # a stride or a padding that does not go with these arrays
        return {"output_type": "stream", "name": "stdout", "text": f"{error}\n"}
    slider.max = len(demo.steps(view)) - 1
    page = demo_page(demo, view, alt or describe(demo), step=slider.value, controls=False)
    data = {"text/html": page, "text/plain": captions(demo, view)[slider.value]}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _choices(now: tuple[int, int], usual: tuple[int, ...]) -> list[tuple[str, tuple[int, int]]]:
    """What a menu offers: the usual numbers for both axes, and what was asked for."""
    pairs = sorted({(n, n) for n in usual} | {now})
    return [(str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} and {pair[1]}", pair) for pair in pairs]


def _ipywidgets():
    try:
        import ipywidgets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'face="widgets" needs ipywidgets: python3 course.py setup, or pip install "coursekit[lab]". '
            'face="player" needs nothing of the kind.'
        ) from error
    return ipywidgets
