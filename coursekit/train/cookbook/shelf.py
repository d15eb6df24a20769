"""All recipes by name."""

from difflib import get_close_matches

from coursekit.train.cookbook.digits import DIGITS
from coursekit.train.cookbook.experiments import EXPERIMENTS
from coursekit.train.cookbook.larger import LARGER
from coursekit.train.cookbook.recipe import Recipe
from coursekit.train.cookbook.studies import STUDIES

__all__ = ["recipe", "recipes"]

_RECIPES = {each.name: each for each in (*DIGITS, *STUDIES, *EXPERIMENTS, *LARGER)}


def recipes() -> tuple[Recipe, ...]:
    """All recipes: those for digits first, then those that compare networks, then those for larger pictures.

    >>> [each.name for each in recipes()][:3]
    ['simpleconvnet', 'deepconvnet', 'mnist-fast']
    """
    return tuple(_RECIPES.values())


def recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.

    >>> recipe("deepconvnet").options.optimiser
    'adam'
    """
    if name not in _RECIPES:
        near = get_close_matches(str(name).lower(), _RECIPES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? There are" if near else "there are"
        raise ValueError(f"there is no recipe {name!r}: {hint} {', '.join(_RECIPES)}.")
    return _RECIPES[name]
