"""Image data: MNIST and sample photographs come with the course; other sets are fetched, or are your own pictures."""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "digits": ("DamagedDataError", "as_float", "draw_digits", "load_mnist", "mnist_dataset"),
        "downloads": ("DownloadError", "cache_folder"),
        "drawn": ("picture_of_text",),
        "folder": ("PictureFolder",),
        "pictures": ("Photo", "photo", "photos"),
        "sets": ("ImageSet", "class_names", "dataset", "image_sets", "load"),
    },
)
