"""Trainers and recipes, imported when they are first asked for."""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "numpy_trainer": ("History", "fit"),
        "recipes": ("quick_mnist",),
    },
)
