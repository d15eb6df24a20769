"""Pictures of the course: one style, and an alt text on every figure.

matplotlib is imported when the first of these functions is used.
"""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "adversarial": ("fgsm", "pgd"),
        "attribution": ("input_gradient", "integrated_gradients", "saliency", "smooth_grad"),
        "bubbles": ("bubble_figure", "bubble_plot", "history_figure", "history_plot"),
        "cam": ("grad_cam",),
        "dreaming": ("deep_dream", "invert_features"),
        "embedded": ("codes_figure", "neighbours_figure", "show_codes", "show_neighbours"),
        "embedding": ("codes", "nearest_neighbours", "pca", "t_sne"),
        "figure": ("PALETTE", "data_uri", "img_tag", "new_figure", "show"),
        "fooled": ("adversarial_figure", "show_adversarial"),
        "gated": ("deconvnet", "guided_backprop"),
        "grids": ("show_grid", "show_matrix", "show_places"),
        "heatmaps": ("heatmap_figure", "sanity_figure", "show_heatmaps", "show_sanity"),
        "images": ("images_figure", "show_images"),
        "lines": ("lines_figure", "show_lines"),
        "occluding": ("occlusion",),
        "optimise": ("maximise_activation", "total_variation"),
        "pixels": ("pictures_of", "pixel_bounds"),
        "player": ("play_frames",),
        "sanity": ("SanityCheck", "randomised", "sanity_check"),
        "tiles": ("mistakes_figure", "tiles_figure"),
        "training": ("confusion_figure", "confusion_matrix", "curves_figure", "histories_figure", "ladder_figure"),
        "volumes": ("show_table_bars", "show_volumes", "table_bars_figure", "volumes_figure"),
    },
)
