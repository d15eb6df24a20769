"""Pictures of the course: one style, and an alt text on every figure.

matplotlib is imported when the first of these functions is used.
"""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "adversarial": ("fgsm", "pgd"),
        "attribution": ("input_gradient", "integrated_gradients", "saliency", "smooth_grad"),
        "between": ("LineOfLosses", "line_of_losses", "line_of_losses_figure", "show_line_of_losses"),
        "bubbles": ("bubble_figure", "bubble_plot", "history_figure", "history_plot"),
        "cam": ("grad_cam",),
        "colour_filters": ("first_layer_filters", "learned_colour_filters"),
        "demo": ("demo_figure", "show_demo"),
        "drawing": ("drawing_board",),
        "dreaming": ("deep_dream", "invert_features"),
        "dynamics": (
            "gradient_norms",
            "gradient_norms_figure",
            "histograms_figure",
            "show_gradient_norms",
            "show_histograms",
        ),
        "embedded": ("codes_figure", "neighbours_figure", "show_codes", "show_neighbours"),
        "embedding": ("codes", "nearest_neighbours", "pca", "t_sne"),
        "field": (
            "EffectiveField",
            "effective_field",
            "effective_field_figure",
            "layer_fields",
            "show_effective_field",
        ),
        "figure": ("PALETTE", "data_uri", "img_tag", "new_figure", "show"),
        "filters": ("filters_figure", "normalise_filters", "show_filters"),
        "fooled": ("adversarial_figure", "show_adversarial"),
        "frequency": ("frequency_figure", "frequency_response", "show_frequencies", "spectrum"),
        "gated": ("deconvnet", "guided_backprop"),
        "graphs": ("connections_figure", "graph_figure", "show_connections", "show_graph"),
        "grids": ("show_grid", "show_matrix", "show_places"),
        "heatmaps": ("heatmap_figure", "sanity_figure", "show_heatmaps", "show_sanity"),
        "images": ("images_figure", "show_images"),
        "lines": ("lines_figure", "show_lines"),
        "maps": ("activations", "dead_maps", "maps_figure", "show_maps"),
        "occluding": ("occlusion",),
        "optimise": ("maximise_activation", "total_variation"),
        "overlap": ("overlap_film", "show_overlap"),
        "patches": ("Patch", "maximal_patches", "patches_figure", "show_patches"),
        "pixels": ("pictures_of", "pixel_bounds"),
        "player": ("play_frames",),
        "responses": ("EDGE_FILTERS", "responses_figure", "show_responses"),
        "results": ("show_confusion", "show_curves", "show_histories", "show_mistakes"),
        "sanity": ("SanityCheck", "randomised", "sanity_check"),
        "strip": ("activation_strip_figure", "show_activation_strip"),
        "tiles": ("mistakes_figure", "tiles_figure"),
        "toeplitz": ("show_toeplitz", "toeplitz_figure", "toeplitz_matrix"),
        "training": ("confusion_figure", "confusion_matrix", "curves_figure", "histories_figure", "ladder_figure"),
        "volumes": ("show_table_bars", "show_volumes", "table_bars_figure", "volumes_figure"),
    },
)
