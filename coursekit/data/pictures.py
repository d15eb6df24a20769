"""Sample photographs that lie in scikit-image's wheel: read from disk, never downloaded."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Photo", "photo", "photos"]

LUMA = np.array([0.299, 0.587, 0.114])  # red, green, blue: how bright each looks. Source: ITU-R BT.601


class Photo(NamedTuple):
    """Where a photograph comes from."""

    name: str
    shows: str
    credit: str
    licence: str
    file: str


_PHOTOS = (
    Photo("chelsea", "a tabby cat, close up", "Stéfan van der Walt", "CC0", "chelsea.png"),
    Photo("coffee", "a cup of espresso on a wooden table", "Rachel Michetti, Pikolo Espresso Bar", "CC0", "coffee.png"),
    Photo("astronaut", "Eileen Collins in her space suit", "NASA Great Images", "public domain", "astronaut.png"),
    Photo("rocket", "the launch of a Falcon 9 with DSCOVR", "SpaceX", "public domain", "rocket.jpg"),
    Photo("camera", "a man behind a camera on a tripod, grey", "Lav Varshney", "CC0", "camera.png"),
    Photo("brick", "a brick wall, grey", "CC0 Textures, Bricks25", "CC0", "brick.png"),
    Photo("grass", "grass from above, grey", "linolafett on DeviantArt, Grass 01", "CC0", "grass.png"),
)


def photos() -> tuple[Photo, ...]:
    """List the photographs that `photo` knows, with credit and licence.

    >>> [photo.name for photo in photos()]
    ['chelsea', 'coffee', 'astronaut', 'rocket', 'camera', 'brick', 'grass']
    """
    return _PHOTOS


def photo(name: str, *, grey: bool = False) -> np.ndarray:
    """Load one of the sample photographs.

    Parameters
    ----------
    name : str
        One of the names that `photos` lists.
    grey : bool
        True for brightness alone: 0.299 red + 0.587 green + 0.114 blue, rounded.

    Returns
    -------
    image : ndarray of shape (H, W, 3), uint8
        Of shape (H, W) if `grey` is True or the photograph is grey itself.

    Raises
    ------
    ValueError
        If there is no such photograph.
    ImportError, FileNotFoundError
        If scikit-image, which carries the photographs, is missing or lacks this one.

    >>> photo("chelsea").shape, photo("chelsea", grey=True).shape
    ((300, 451, 3), (300, 451))
    """
    files = {entry.name: entry.file for entry in _PHOTOS}
    if name not in files:
        raise ValueError(f"name is {name!r}: there is no such photograph. Choose from {', '.join(files)}.")
    image = _read(_folder() / files[name])
    return np.rint(image @ LUMA).astype(np.uint8) if grey and image.ndim == 3 else image


def _folder() -> Path:
    """Where scikit-image keeps its pictures; found without importing it."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ImportError("photo needs scikit-image, which carries the photographs: run  python3 course.py setup")
    return Path(spec.origin).parent / "data"


def _read(path: Path) -> np.ndarray:
    from PIL import Image  # comes with scikit-image

    if not path.is_file():
        raise FileNotFoundError(
            f"this scikit-image comes without {path.name}: {path}\n"
            "Reinstall it:  pip install --force-reinstall --no-deps scikit-image"
        )
    with Image.open(path) as picture:
        return np.array(picture)
