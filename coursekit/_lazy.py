"""Packages whose names are imported when they are first asked for, so that `import coursekit` stays light."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make the `__getattr__`, `__dir__` and `__all__` of a package that imports its names on demand (PEP 562).

    Parameters
    ----------
    package : str
        The package's `__name__`.
    homes : mapping of str to sequence of str
        Each module of the package, with the public names it holds.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def getattribute(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"{package} has no {name!r}: it has {', '.join(sorted(home_of))}.")
        return getattr(import_module(f"{package}.{home_of[name]}"), name)

    return getattribute, lambda: sorted(home_of), sorted(home_of)
