"""Trainers and recipes, imported when they are first asked for."""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "history": ("History",),
        "options": ("Augmentation", "Options"),
        "numpy_trainer": ("fit",),
        "torch_trainer": ("fit_torch",),
        "views": ("accuracy", "predict"),
        "checkpoint": ("CheckpointError", "load_weights"),
        "trouble": ("DivergedError", "OutOfMemoryError"),
        "cookbook.shelf": ("recipe", "recipes"),
        "cookbook.run": ("quick_mnist", "run", "series"),
        "cookbook.result": ("Result", "load_results", "save_results", "stored"),
        "cookbook.summary": ("Summary", "summary", "summary_text"),
    },
)
