"""Pictures of the course: one style, and an alt text on every figure.

matplotlib is imported when the first of these functions is used.
"""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "bubbles": ("bubble_figure", "bubble_plot", "history_figure", "history_plot"),
        "demo": ("demo_figure", "show_demo"),
        "figure": ("PALETTE", "data_uri", "img_tag", "new_figure", "show"),
        "grids": ("show_grid", "show_matrix", "show_places"),
        "images": ("images_figure", "show_images"),
        "lines": ("lines_figure", "show_lines"),
        "player": ("play_frames",),
        "tiles": ("mistakes_figure", "tiles_figure"),
        "training": ("confusion_figure", "confusion_matrix", "curves_figure", "histories_figure", "ladder_figure"),
    },
)
