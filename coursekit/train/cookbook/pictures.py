"""The pictures that a recipe trains on, prepared as it wants them."""

from typing import NamedTuple

import numpy as np

from coursekit.data import image_sets, load

__all__ = ["Pictures", "pictures", "shrunk", "synthetic"]

CLASSES = 1000  # of ImageNet, for the random pictures


class Pictures(NamedTuple):
    """Images (N, C, H, W) of bytes and labels (N,) of a part, and how many classes there are."""

    images: np.ndarray
    labels: np.ndarray
    classes: int


def pictures(
    data: str, part: str, *, first: int | None = None, shrink: int = 1, pad: int = 0, progress: bool = True
) -> Pictures:
    """The first pictures of a part of a data set.

    Parameters
    ----------
    data : str
        A name of `coursekit.data.image_sets()`.
    part : {"train", "validation", "test"}
    first : int, optional
        How many; all if not given.
    shrink : int
        The mean of so many by so many pixels is one.
    pad : int
        Zeros on all sides, afterwards.
    progress : bool
        Show how a download goes.

    Raises
    ------
    ValueError
        If there is no such set, or it has fewer pictures.
    """
    images, labels = load(data, part, progress=progress)
    if first is not None and not 1 <= first <= len(images):
        raise ValueError(f"images is {first}, expected 1 to {len(images)}: so many has the {part} part of {data}.")
    images, labels = images[:first], labels[:first]
    classes = next(each.classes for each in image_sets() if each.name == data)
    if shrink > 1:
        images = shrunk(images, shrink)
    if pad:
        images = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return Pictures(images, labels, classes)


def shrunk(images: np.ndarray, factor: int) -> np.ndarray:
    """Pictures (N, C, H, W) of bytes with the mean of factor by factor pixels as one; H and W are multiples of it.

    >>> shrunk(np.array([[[[0, 4], [4, 8]]]], dtype=np.uint8), 2)
    array([[[[4]]]], dtype=uint8)
    """
    n, channels, height, width = images.shape
    if height % factor or width % factor:
        raise ValueError(f"images are {height} by {width} pixels, expected multiples of {factor} to shrink them by it.")
    blocks = images.reshape(n, channels, height // factor, factor, width // factor, factor)
    return np.rint(blocks.mean(axis=(3, 5), dtype=np.float32)).astype(np.uint8)


def synthetic(images: int, *, size: int = 224, seed: int = 0) -> Pictures:
    """Random colour pictures with random labels of 1,000 classes: there is nothing to learn from them but speed."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, size=(images, 3, size, size), dtype=np.uint8)
    return Pictures(pixels, rng.integers(0, CLASSES, size=images), CLASSES)
