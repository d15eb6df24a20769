"""Pictures of the course: one style, and an alt text on every figure.

The functions here draw with matplotlib, which is imported when the first of them is used.
"""

from importlib import import_module

_HOME = {
    "PALETTE": "figure",
    "data_uri": "figure",
    "img_tag": "figure",
    "new_figure": "figure",
    "show": "figure",
    "show_grid": "grids",
    "show_places": "grids",
    "show_matrix": "grids",
    "images_figure": "images",
    "show_images": "images",
    "lines_figure": "lines",
    "show_lines": "lines",
    "mistakes_figure": "tiles",
    "tiles_figure": "tiles",
    "play_frames": "player",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'coursekit.viz' has no attribute '{name}'; it has {', '.join(__all__)}")
    return getattr(import_module(f"coursekit.viz.{_HOME[name]}"), name)


def __dir__():
    return __all__
