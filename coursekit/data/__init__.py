"""Data that comes with the course: MNIST and sample photographs, all without a download."""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "digits": ("DamagedDataError", "as_float", "draw_digits", "load_mnist", "mnist_dataset"),
        "pictures": ("Photo", "photo", "photos"),
    },
)
