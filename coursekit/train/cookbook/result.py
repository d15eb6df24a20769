"""What came out of a recipe, as plain data: one result for each network and seed, many of them in a JSON file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from math import sqrt
from pathlib import Path
from typing import Any

from coursekit._files import write_whole
from coursekit.train.history import History

__all__ = ["Result", "load_results", "save_results", "standard_error", "stored"]

DIGITS = 6  # significant ones, of floating point numbers in a file
FORMAT = "coursekit training results 1"


@dataclass
class Result:
    """One trained network: how it was trained, on what, for how long, and what it reads.

    Accuracies are of the weights that training returned. The test pictures were read once, after everything else.
    """

    recipe: str
    case: str
    quick: bool
    seed: int
    options: dict[str, Any]  # as `Options.as_dict` gives them
    data: str
    images: int  # trained on
    parameters: int
    device: str
    threads: int
    processes: int
    versions: dict[str, str]
    seconds: dict[str, float]  # wall time of "setup", "tuning", "training", "evaluation"
    cpu_seconds: dict[str, float]  # the same, of all threads of this process
    history: History
    views: int = 1
    validation_accuracy: float | None = None  # None on random pictures
    validation_images: int = 0
    test_accuracy: float | None = None
    test_images: int = 0
    rates: dict[str, float] = field(default_factory=dict)  # validation accuracy of each learning rate tried
    gradients: dict[str, Any] = field(default_factory=dict)  # lengths by layer, as `GradientNorms.as_dict` gives them
    diverged: int | None = None  # the step at which loss or weights were no longer finite; it then reads nothing right
    network: Any = field(default=None, repr=False, compare=False)  # the trained network; not in files

    @property
    def standard_error(self) -> float:
        """Of the test accuracy, as the share of a random sample of so many pictures."""
        if self.test_accuracy is None:
            raise ValueError(f"{self.recipe} has read no test pictures: it measures speed.")
        return standard_error(self.test_accuracy, self.test_images)

    @property
    def images_per_second(self) -> float:
        """Training speed by wall time; the first epoch warms up and is left out if there are others."""
        ends = self.history.epoch_seconds
        if len(ends) > 1:
            return self.images * (len(ends) - 1) / (ends[-1] - ends[0])
        return self.images * len(ends) / self.seconds["training"]

    def as_dict(self) -> dict[str, Any]:
        """All but the network as plain data; floating point numbers to six digits."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "network"}
        return _rounded({**plain, "history": self.history.as_dict()})

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Result":
        """Make a result of what `as_dict` returned.

        Raises
        ------
        ValueError
            If names are missing or unknown.
        """
        try:
            return cls(**{**plain, "history": History.from_dict(plain["history"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"this is no result of a recipe: {error}.") from None


def standard_error(share: float, pictures: int) -> float:
    """Standard error of a share of so many pictures.

    >>> round(100 * standard_error(0.994, 10_000), 2)
    0.08
    """
    return sqrt(share * (1 - share) / pictures)


def save_results(results: Sequence[Result], path: str | Path) -> None:
    """Write results to a JSON file, whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written; what was there is as before.
    """
    rows = ",\n".join(json.dumps(result.as_dict()) for result in results)  # a line each, for those who compare files
    write_whole(Path(path), f'{{"format": "{FORMAT}", "results": [\n{rows}\n]}}\n'.encode())


def load_results(path: str | Path) -> list[Result]:
    """Read what `save_results` wrote.

    Raises
    ------
    ValueError
        If it is something else.
    """
    return _parsed(Path(path).read_text(encoding="utf-8"), path)


def stored(name: str) -> list[Result]:
    """Results that come with the course, so that a chapter can show what takes too long to run.

    Parameters
    ----------
    name : str
        Of a recipe.

    Raises
    ------
    ValueError
        If none of this recipe are stored; the message lists those that are.
    """
    folder = resources.files("coursekit.train") / "stored"
    names = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))
    if name not in names:
        raise ValueError(
            f"no results of {name!r} are stored: there are {', '.join(names)}. Run it: train.run({name!r})."
        )
    return _parsed((folder / f"{name}.json").read_text(encoding="utf-8"), f"{name}.json")


def _parsed(text, path):
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON: {error}.") from None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise ValueError(f"{path} holds no {FORMAT}, which save_results writes.")
    return [Result.from_dict(row) for row in plain["results"]]


def _rounded(plain):
    if isinstance(plain, float):
        return float(f"{plain:.{DIGITS}g}")
    if isinstance(plain, dict):
        return {name: _rounded(value) for name, value in plain.items()}
    return [_rounded(value) for value in plain] if isinstance(plain, list | tuple) else plain
