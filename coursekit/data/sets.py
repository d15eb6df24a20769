"""All data sets behind one call: those that come with the course, those that are fetched, your own pictures."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coursekit.data.digits import Part, load_mnist
from coursekit.data.folder import PictureFolder
from coursekit.data.patches import photo_patches
from coursekit.data.pictures import photos

if TYPE_CHECKING:
    from torch.utils.data import Dataset

__all__ = ["ImageSet", "class_names", "dataset", "image_sets", "load"]

PARTS = ("train", "validation", "train+validation", "test")
HELD_OUT = 5_000  # the last training images are for validation, as in MNIST here and in the ResNet paper's CIFAR-10


@dataclass(frozen=True)
class ImageSet:
    """What there is to know about a data set before it is loaded."""

    name: str
    shows: str
    shape: tuple[int, int, int]  # C, H, W of one image
    classes: int
    train: int  # training images, the validation part included
    test: int
    download: int  # bytes to fetch, once; 0 if it comes with the course
    source: str
    read: Callable[[str, Path | None, bool], tuple[np.ndarray, np.ndarray]] = field(repr=False)
    names: Callable[[Path | None, bool], tuple[str, ...]] = field(repr=False)


def load(
    name: str | Path | PictureFolder, part: Part, *, folder: str | Path | None = None, progress: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one part of a data set.

    Sets that do not come with the course are fetched once, checked, and kept; what is missing or damaged is fetched
    again. The validation part is the last 5,000 training images (of photos and of a folder: 15 %); choose with it,
    and touch the test part once, at the end.

    Parameters
    ----------
    name : str, Path or PictureFolder
        One of those that `image_sets` lists, such as "cifar10". Or a folder of your own with a subfolder a class:
        `Path("pets")`, `PictureFolder("pets", size=96)`.
    part : {"train", "validation", "train+validation", "test"}
    folder : str or Path, optional
        Where fetched sets are kept, if not in `$COURSEKIT_DATA` or ~/.cache/coursekit. It is laid out as
        torchvision's `root`.
    progress : bool
        Say how much is fetched and how long it may take, and show a bar.

    Returns
    -------
    images : ndarray of shape (N, C, H, W), uint8
        Yours to change.
    labels : ndarray of shape (N,), int64

    Raises
    ------
    ValueError
        If there is no such set or part.
    DownloadError
        If the set cannot be fetched.
    DamagedDataError
        If a file that cannot be fetched again is damaged.
    ImportError
        If the set needs PyTorch's torchvision or scikit-image and it is not installed.

    >>> images, labels = load("mnist", "test")
    >>> images.shape, labels[:5].tolist()
    ((10000, 1, 28, 28), [7, 2, 1, 0, 4])
    """
    if part not in PARTS:
        raise ValueError(f"part is {part!r}: expected one of {', '.join(map(repr, PARTS))}.")
    if isinstance(name, Path | PictureFolder):
        return _pictures(name).read(part)
    return _known(name).read(part, Path(folder) if folder else None, progress)


def dataset(
    name: str | Path | PictureFolder, part: Part, *, folder: str | Path | None = None, progress: bool = True
) -> "Dataset":
    """One part of a data set for PyTorch's DataLoader: pairs of (tensor (C, H, W), float32 in 0..1; int label).

    Pictures of a folder are read one by one when they are asked for, so that they need not fit into memory.

    Parameters
    ----------
    name, part, folder, progress
        As for `load`.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError, DownloadError, DamagedDataError
        As for `load`.
    """
    try:
        from coursekit.data import torch_sets
    except ModuleNotFoundError as error:
        raise ImportError(
            f"dataset needs PyTorch ({error}). Install it with: python3 course.py setup. "
            "load gives the same images as NumPy arrays."
        ) from error
    if isinstance(name, Path | PictureFolder):
        return torch_sets.FolderDataset(_pictures(name), part)
    return torch_sets.ArrayDataset(*load(name, part, folder=folder, progress=progress))


def class_names(
    name: str | Path | PictureFolder, *, folder: str | Path | None = None, progress: bool = True
) -> tuple[str, ...]:
    """Names of the classes of a data set, in the order of the labels.

    Parameters
    ----------
    name, folder, progress
        As for `load`. The names of CIFAR's classes stand in its files, which are fetched if need be.

    >>> class_names("photos")[:3]
    ('chelsea', 'coffee', 'astronaut')
    """
    if isinstance(name, Path | PictureFolder):
        return _pictures(name).classes
    return _known(name).names(Path(folder) if folder else None, progress)


def image_sets() -> tuple[ImageSet, ...]:
    """List the data sets that `load` knows by name, with their size and source.

    >>> [each.name for each in image_sets() if not each.download]
    ['mnist', 'photos']
    """
    return tuple(_SETS.values())


def _known(name: str) -> ImageSet:
    if isinstance(name, str) and name in _SETS:
        return _SETS[name]
    near = difflib.get_close_matches(str(name).lower(), _SETS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"name is {name!r}: there is no such data set.{hint} Choose from {', '.join(_SETS)}, "
        "or give a folder of pictures as pathlib.Path(...)."
    )


def _pictures(name: Path | PictureFolder) -> PictureFolder:
    return name if isinstance(name, PictureFolder) else PictureFolder(name)


def _mnist(part: str, folder: Path | None, progress: bool) -> tuple[np.ndarray, np.ndarray]:
    images, labels = load_mnist(part)  # from the package: the folder is for what is fetched
    return images[:, None], labels.astype(np.int64)


def _fetched(name: str) -> Callable[[str, Path | None, bool], tuple[np.ndarray, np.ndarray]]:
    """Make the reader of a set that torchvision knows."""

    def read(part: str, folder: Path | None, progress: bool) -> tuple[np.ndarray, np.ndarray]:
        vision = _vision(name)
        images, labels = vision.read(vision.KINDS[name], part != "test", folder=folder, progress=progress)
        rows = {"train": slice(None, -HELD_OUT), "validation": slice(-HELD_OUT, None)}.get(part, slice(None))
        return images[rows], labels[rows]

    return read


def _fetched_names(name: str) -> Callable[[Path | None, bool], tuple[str, ...]]:
    def names(folder: Path | None, progress: bool) -> tuple[str, ...]:
        vision = _vision(name)
        return vision.class_names(vision.KINDS[name], folder=folder, progress=progress)

    return names


def _vision(name: str):
    try:
        from coursekit.data import vision
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} needs torchvision ({error}). Install it with: python3 course.py setup") from error
    return vision


_KRIZHEVSKY = "Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images; no licence stated"
_SETS = {
    each.name: each
    for each in (
        ImageSet(
            name="mnist",
            shows="handwritten digits, grey",
            shape=(1, 28, 28),
            classes=10,
            train=60_000,
            test=10_000,
            download=0,
            source="LeCun, Bottou, Bengio & Haffner (1998); CC BY-SA 3.0, as usually stated",
            read=_mnist,
            names=lambda folder, progress: tuple("0123456789"),
        ),
        ImageSet(
            name="photos",
            shows="pieces of seven photographs, in colour: which one is it from?",
            shape=(3, 32, 32),
            classes=7,
            train=1_382,
            test=244,
            download=0,
            source="the photographs of photos(); CC0 or public domain",
            read=lambda part, folder, progress: photo_patches(part),
            names=lambda folder, progress: tuple(entry.name for entry in photos()),
        ),
        ImageSet(
            name="fashion-mnist",
            shows="clothes, shoes and bags, grey",
            shape=(1, 28, 28),
            classes=10,
            train=60_000,
            test=10_000,
            download=30_878_645,
            source="Xiao, Rasul & Vollgraf (2017), Fashion-MNIST; MIT",
            read=_fetched("fashion-mnist"),
            names=_fetched_names("fashion-mnist"),
        ),
        ImageSet(
            name="cifar10",
            shows="animals and vehicles, in colour",
            shape=(3, 32, 32),
            classes=10,
            train=50_000,
            test=10_000,
            download=170_498_071,
            source=_KRIZHEVSKY,
            read=_fetched("cifar10"),
            names=_fetched_names("cifar10"),
        ),
        ImageSet(
            name="cifar100",
            shows="a hundred kinds of things, in colour",
            shape=(3, 32, 32),
            classes=100,
            train=50_000,
            test=10_000,
            download=169_001_437,
            source=_KRIZHEVSKY,
            read=_fetched("cifar100"),
            names=_fetched_names("cifar100"),
        ),
    )
}
