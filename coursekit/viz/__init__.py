"""Pictures of the course: one style, and an alt text on every figure.

matplotlib is imported when the first of these functions is used.
"""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "between": ("LineOfLosses", "line_of_losses", "line_of_losses_figure", "show_line_of_losses"),
        "bubbles": ("bubble_figure", "bubble_plot", "history_figure", "history_plot"),
        "colour_filters": ("first_layer_filters", "learned_colour_filters"),
        "demo": ("demo_figure", "show_demo"),
        "dynamics": (
            "gradient_norms",
            "gradient_norms_figure",
            "histograms_figure",
            "show_gradient_norms",
            "show_histograms",
        ),
        "field": (
            "EffectiveField",
            "effective_field",
            "effective_field_figure",
            "layer_fields",
            "show_effective_field",
        ),
        "figure": ("PALETTE", "data_uri", "img_tag", "new_figure", "show"),
        "filters": ("filters_figure", "normalise_filters", "show_filters"),
        "grids": ("show_grid", "show_matrix", "show_places"),
        "images": ("images_figure", "show_images"),
        "lines": ("lines_figure", "show_lines"),
        "maps": ("activations", "dead_maps", "maps_figure", "show_maps"),
        "patches": ("Patch", "maximal_patches", "patches_figure", "show_patches"),
        "player": ("play_frames",),
        "responses": ("EDGE_FILTERS", "responses_figure", "show_responses"),
        "results": ("show_confusion", "show_curves", "show_histories", "show_mistakes"),
        "strip": ("activation_strip_figure", "show_activation_strip"),
        "tiles": ("mistakes_figure", "tiles_figure"),
        "training": ("confusion_figure", "confusion_matrix", "curves_figure", "histories_figure", "ladder_figure"),
    },
)
