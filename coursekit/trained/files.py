"""Files of weights: a .npz of half-precision arrays for each network, and beside it a .json that says what it is."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from coursekit._files import write_whole

__all__ = ["Card", "DamagedWeightsError", "card", "names", "save", "weights"]

FOLDER = Path(__file__).parent


class DamagedWeightsError(OSError):
    """A file of weights is missing, or is not what its card says."""


@dataclass(frozen=True)
class Card:
    """What there is to know about shipped weights.

    Accuracies are of the weights as they are stored, each picture read once, as it is.
    """

    name: str
    network: str  # SimpleConvNet or DeepConvNet of coursekit.nn, or resnet_cifar of coursekit.models
    options: dict[str, int | float | str | bool]  # for building it
    recipe: str
    seed: int
    parameters: int
    validation_accuracy: float
    test_accuracy: float
    test_images: int
    versions: dict[str, str]
    sha256: str  # of the .npz file


def names() -> list[str]:
    """Names of the networks whose weights come with the course.

    >>> names()
    ['deepconvnet', 'resnet-mnist', 'simpleconvnet']
    """
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def card(name: str) -> Card:
    """What there is to know about the weights of this name.

    Raises
    ------
    ValueError
        If there are none; the message names the nearest.
    """
    if name not in names():
        near = get_close_matches(str(name), names(), n=1)
        hint = f"did you mean {near[0]!r}? There are" if near else "there are"
        raise ValueError(f"name is {name!r}: {hint} {', '.join(names())}.")
    return Card(**json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def weights(name: str) -> dict[str, np.ndarray]:
    """The arrays of this name, float32; whole numbers as they are.

    Raises
    ------
    ValueError
        If there are none.
    DamagedWeightsError
        If the file is missing, or not the one of the card.
    """
    expected, path = card(name).sha256, FOLDER / f"{name}.npz"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _damaged(path, "is missing") from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise _damaged(path, f"is not the original ({len(content):,} bytes, SHA-256 differs)")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {key: widened(file[key]) for key in file.files}


def save(arrays: Mapping[str, np.ndarray], about: Card, folder: Path = FOLDER) -> Card:
    """Write arrays in half precision, and their card with the sum of the file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    about : Card
        Its sha256 is filled in.
    folder : Path

    Returns
    -------
    card : Card
        As written.
    """
    content = io.BytesIO()
    np.savez_compressed(content, **{name: halved(value) for name, value in arrays.items()})
    whole = replace(about, sha256=hashlib.sha256(content.getvalue()).hexdigest())
    write_whole(folder / f"{about.name}.npz", content.getvalue())
    write_whole(folder / f"{about.name}.json", (json.dumps(asdict(whole), indent=2) + "\n").encode())
    return whole


def halved(value: np.ndarray) -> np.ndarray:
    """Floating point numbers in half precision, as they are stored; others unchanged.

    >>> halved(np.array([0.1])).dtype
    dtype('float16')
    """
    return value.astype(np.float16) if np.issubdtype(value.dtype, np.floating) else value


def widened(value: np.ndarray) -> np.ndarray:
    """Single precision of what was stored in half; others unchanged."""
    return value.astype(np.float32) if value.dtype == np.float16 else value


def _damaged(path, what):
    return DamagedWeightsError(
        f"The file of weights {path.name} {what}: {path}\n"
        "Restore it with  git checkout -- coursekit/trained  in a clone of the course, "
        "or reinstall the package:  pip install --force-reinstall --no-deps coursekit"
    )
