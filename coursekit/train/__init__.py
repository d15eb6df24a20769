"""Trainers and recipes, imported when they are first asked for."""

from importlib import import_module

_HOMES = {
    "numpy_trainer": ("History", "fit"),
    "recipes": ("quick_mnist",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["History", "fit", "quick_mnist"]


def __getattr__(name: str):
    """Import the module that holds `name` when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"coursekit.train has no {name!r}: it has {', '.join(__all__)}.")
    return getattr(import_module(f"coursekit.train.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
