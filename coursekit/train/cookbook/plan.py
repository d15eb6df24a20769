"""A recipe with all that a caller wants otherwise: what is going to be done, checked before anything is."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from coursekit.train.cookbook.recipe import Case, Recipe
from coursekit.train.cookbook.shelf import recipe, recipes
from coursekit.train.options import Options, expect_whole

__all__ = ["Plan", "make_plan"]

IN_NUMPY = {"epochs", "batch", "optimiser", "rate", "schedule", "weight_decay", "patience", "seed"}
OF_THE_RUN = {"images", "held_out", "data", "rates"}


@dataclass(frozen=True)
class Plan:
    """What is going to be done.

    Attributes
    ----------
    recipe : Recipe
    case : Case
    options : Options
        The recipe's, changed by its quick variant, by the case, and by the caller, the later ones winning.
    quick : bool
    data : str
    images, held_out : int, optional
        Pictures to train on; pictures of the validation and of the test part to read. All if not given.
    rates : tuple of float
        Learning rates to choose among.
    """

    recipe: Recipe
    case: Case
    options: Options
    quick: bool
    data: str
    images: int | None
    held_out: int | None
    rates: tuple[float, ...]

    @property
    def seed(self) -> int:
        """Draws first weights, order, augmentation and dropout."""
        return self.options.seed

    def at_rate(self, rate: float) -> "Plan":
        """The same with this learning rate, and no others to try."""
        return replace(self, options=replace(self.options, rate=rate), rates=())


def make_plan(name: str, case: str | None, seed: int, quick: bool, changes: Mapping[str, Any]) -> Plan:
    """Put together a recipe, one of its cases, and changes.

    Raises
    ------
    ValueError
        If there is no such recipe, case or device, or a change makes no sense.
    TypeError
        If a change is of the wrong kind, or there is no such option.
    ImportError
        If the recipe needs PyTorch and it is not installed.
    """
    chosen = recipe(name)
    _expect_known(changes)
    which = chosen.case(case, quick=quick)
    asked = {**(chosen.quick if quick else {}), **which.changes, **changes}
    if "rate" in changes:
        asked["rates"] = ()
    of_the_run = {key: asked.pop(key) for key in OF_THE_RUN & asked.keys()}
    options = replace(chosen.options, **asked, seed=seed)
    run = {"images": chosen.images, "held_out": None, "data": chosen.data, "rates": chosen.rates, **of_the_run}
    expect_whole(least=1, **{key: run[key] for key in ("images", "held_out") if run[key] is not None})
    if chosen.library == "numpy":
        _expect_in_numpy(chosen, options)
    else:
        _expect_torch(chosen)
        _expect_device(options.device)
    if (run["data"] == "synthetic") != (chosen.data == "synthetic"):
        raise ValueError(f"data is {run['data']!r}, and {name} is for {chosen.data!r} data only.")
    return Plan(chosen, which, options, quick, **run)


def _expect_known(changes):
    known = sorted({field.name for field in fields(Options)} - {"seed"} | OF_THE_RUN)
    for name in changes:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? There are" if near else "there are"
            raise TypeError(f"there is no option {name!r}: {hint} {', '.join(known)}.")


def _expect_in_numpy(chosen, options):
    """Refuse what the NumPy trainer cannot do, rather than leave it out in silence."""
    usual = Options().as_dict()
    others = [
        name
        for name, value in options.as_dict().items()
        if name not in IN_NUMPY and value != usual[name] and (name, value) != ("device", "cpu")
    ]
    if others:
        name = others[0]
        raise ValueError(
            f"{name} is {getattr(options, name)!r}, but {chosen.name} is computed by NumPy, on the CPU, which can "
            f"change {', '.join(sorted(IN_NUMPY - {'seed'}))} only. "
            f"The recipes of PyTorch take it: {', '.join(_torch_recipes())}."
        )


def _expect_torch(chosen):
    if importlib.util.find_spec("torch") is None:
        without = ", ".join(each.name for each in recipes() if each.library == "numpy")
        raise ImportError(
            f"{chosen.name} needs PyTorch, which is not installed here: python3 course.py setup brings it. So do "
            f"{', '.join(name for name in _torch_recipes() if name != chosen.name)}; {without} does without.",
            name="torch",
        )


def _torch_recipes():
    return [each.name for each in recipes() if each.library == "torch"]


def _expect_device(name):
    from coursekit.train.devices import choose_device

    choose_device(name)
