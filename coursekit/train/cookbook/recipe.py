"""What a recipe is: a network, a data set and all choices of a training run, under one name. Plain data, no PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from coursekit.train.options import Options

__all__ = ["Case", "Recipe"]


@dataclass(frozen=True)
class Case:
    """One network of a recipe.

    Attributes
    ----------
    name : str
    network : str
        A name of `coursekit.models.names()` or of `cookbook.networks`; in a NumPy recipe, of `coursekit.nn`.
    network_options : mapping
        For its builder; classes, channels and size follow from the data.
    changes : mapping
        In what this case differs from its recipe: names of options, or images, held_out, data, rates.
    """

    name: str
    network: str
    network_options: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A training run that is known to work, with all choices made; or several whose results are to be compared.

    Attributes
    ----------
    name, shows : str
        What `coursekit train` calls it, and what it is good for, in a line.
    cases : tuple of Case
        The networks, each trained by itself.
    options : Options
    source : str
        Where the choices come from.
    quick : mapping
        What the quick variant changes: the same names as a case's changes.
    quick_cases : tuple of Case
        The quick variant's networks, if it has others.
    minutes, quick_minutes : float, optional
        About how much CPU time one seed of all cases takes on one core of a server of 2023, the choice of rates
        included; None if it was never tried.
    library : {"torch", "numpy"}
    data : str
        A name of `coursekit.data.image_sets()`, or "synthetic".
    images : int, optional
        Train on the first so many.
    shrink, pad : int
        The mean of so many by so many pixels is one; then so many zeros are put on all sides.
    views : int
        Views of each picture whose answers are averaged at the end (test-time augmentation).
    sample : int
        Training images on which accuracy is measured after each epoch.
    watched : int, optional
        Validation images on which accuracy is measured after each epoch; all if not given. At the end all are read.
    rates : tuple of float
        Learning rates that are tried for each case; the best by validation accuracy is taken.
    gradients : int
        At so many steps, evenly spaced, write down the gradient's length, layer by layer.
    may_diverge : bool
        Whether a run whose loss or weights are no longer finite is a result too: it reads nothing right, and says at
        which step it diverged. Otherwise it is an error.
    """

    name: str
    shows: str
    cases: tuple[Case, ...]
    options: Options
    source: str
    quick: Mapping[str, Any] = field(default_factory=dict)
    quick_cases: tuple[Case, ...] = ()
    minutes: float | None = None
    quick_minutes: float | None = None
    library: str = "torch"
    data: str = "mnist"
    images: int | None = None
    shrink: int = 1
    pad: int = 0
    views: int = 1
    sample: int = 1000
    watched: int | None = None
    rates: tuple[float, ...] = ()
    gradients: int = 0
    may_diverge: bool = False

    def cases_of(self, *, quick: bool) -> tuple[Case, ...]:
        """The networks of the full or the quick variant."""
        return self.quick_cases if quick and self.quick_cases else self.cases

    def case(self, name: str | None, *, quick: bool = False) -> Case:
        """The case of this name; without a name the only one.

        Raises
        ------
        ValueError
            If there is no such case, or several to choose from.
        """
        known = {case.name: case for case in self.cases_of(quick=quick)}
        if name is None and len(known) == 1:
            return next(iter(known.values()))
        if name is None:
            raise ValueError(
                f"{self.name} compares {len(known)} networks: name one of them as case ({', '.join(known)}), or train "
                f"them all with series({self.name!r})."
            )
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]!r}? There are" if near else "expected one of"
            raise ValueError(f"case is {name!r}: {hint} {', '.join(known)}.")
        return known[name]
