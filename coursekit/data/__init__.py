"""Data that comes with the course: MNIST and sample photographs, all without a download."""

from importlib import import_module

_HOMES = {
    "digits": ("DamagedDataError", "as_float", "load_mnist", "mnist_dataset"),
    "pictures": ("Photo", "photo", "photos"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["DamagedDataError", "Photo", "as_float", "load_mnist", "mnist_dataset", "photo", "photos"]


def __getattr__(name: str):
    """Import the module that holds `name` when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"coursekit.data has no {name!r}: it has {', '.join(__all__)}.")
    return getattr(import_module(f"coursekit.data.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
