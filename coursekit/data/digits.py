"""MNIST, 70,000 handwritten digits of 28 by 28 pixels, from the files that lie in this package.

The digits were collected by NIST; Yann LeCun, Corinna Cortes and Christopher J. C. Burges made MNIST of them.
The licence usually stated for MNIST is Creative Commons Attribution-Share Alike 3.0; see README.md in this folder.

Source: LeCun, Bottou, Bengio & Haffner (1998), "Gradient-based learning applied to document recognition".
"""

import gzip
import hashlib
import zlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

if TYPE_CHECKING:
    from torch.utils.data import Dataset

__all__ = ["DamagedDataError", "as_float", "draw_digits", "load_mnist", "mnist_dataset"]

Part = Literal["train", "validation", "train+validation", "test"]

FOLDER = Path(__file__).parent / "mnist"
HEADER = {3: 16, 1: 8}  # bytes before the values of an IDX file: a magic number, then one length per axis


class DamagedDataError(OSError):
    """A data file is missing, cut short or altered; the message says how to restore it."""


class IdxFile(NamedTuple):
    """One file of MNIST: what it must hold, and the SHA-256 of its bytes before compression."""

    name: str
    shape: tuple[int, ...]
    sha256: str


FILES = {
    "train": (
        IdxFile(
            "train-images-idx3-ubyte.gz",
            (60_000, 28, 28),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        IdxFile(
            "train-labels-idx1-ubyte.gz", (60_000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
        ),
    ),
    "test": (
        IdxFile(
            "t10k-images-idx3-ubyte.gz",
            (10_000, 28, 28),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte.gz", (10_000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
        ),
    ),
}
PARTS = {  # which files to open, and which rows to take
    "train": ("train", slice(0, 55_000)),
    "validation": ("train", slice(55_000, 60_000)),
    "train+validation": ("train", slice(0, 60_000)),
    "test": ("test", slice(0, 10_000)),
}


def load_mnist(part: Part, *, folder: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one part of MNIST.

    MNIST comes as 60,000 training and 10,000 test digits. The validation part is the LAST 5,000 of the
    training digits, in the order of the file; choose with it, and touch the test part once, at the end.

    Parameters
    ----------
    part : {"train", "validation", "train+validation", "test"}
        55,000, 5,000, 60,000 or 10,000 digits. Only the files of this part are opened.
    folder : Path, optional
        Where the four .gz files lie, if not in the package.

    Returns
    -------
    images : ndarray of shape (N, 28, 28), uint8
        0 is the paper, 255 the ink. A copy: yours to change.
    labels : ndarray of shape (N,), uint8

    Raises
    ------
    ValueError
        If there is no such part.
    DamagedDataError
        If a file is missing or does not hold what it should.

    >>> images, labels = load_mnist("validation")
    >>> images.shape, labels[:5].tolist()
    ((5000, 28, 28), [1, 2, 8, 7, 4])
    """
    if part not in get_args(Part):
        raise ValueError(f"part is {part!r}: expected one of {', '.join(map(repr, get_args(Part)))}.")
    source, rows = PARTS[part]
    images, labels = (_read(Path(folder or FOLDER) / file.name, file)[rows].copy() for file in FILES[source])
    return images, labels


def as_float(images: np.ndarray) -> np.ndarray:
    """Turn bytes into numbers from 0 to 1 with a channel axis, as layers want them.

    Parameters
    ----------
    images : ndarray of shape (N, H, W) or (N, C, H, W), uint8
        As `load_mnist` or `load` returns them.

    Returns
    -------
    x : ndarray of shape (N, C, H, W), float32
        C is 1 for images without a channel axis.

    Raises
    ------
    TypeError, ValueError
        If the images are not bytes, or not of this shape.

    >>> as_float(np.array([[[0, 51, 255]]], dtype=np.uint8))
    array([[[[0. , 0.2, 1. ]]]], dtype=float32)
    """
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        kind = getattr(images, "dtype", type(images).__name__)
        raise TypeError(f"images is {kind}, expected uint8: pass what load_mnist returned, unscaled.")
    if images.ndim not in (3, 4):
        raise ValueError(
            f"images has shape {images.shape}, expected (N, H, W): use images[None] for a single one. "
            "With channels it is (N, C, H, W)."
        )
    images = images[:, None] if images.ndim == 3 else images
    return images.astype(np.float32) / np.float32(255)


def draw_digits(part: Part, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw different digits at random, each shifted by up to a pixel each way, so that a list of known ones is no help.

    Parameters
    ----------
    part : {"train", "validation", "train+validation", "test"}
        As for `load_mnist`.
    count : int
        How many, at most as many as the part has.
    rng : numpy.random.Generator

    Returns
    -------
    images : ndarray of shape (count, 28, 28), uint8
        What is shifted out is gone, and what comes in is paper, 0.
    labels : ndarray of shape (count,), uint8

    Raises
    ------
    ValueError
        If the part has fewer.

    >>> images, labels = draw_digits("validation", 3, np.random.default_rng(1))
    >>> images.shape, labels.shape
    ((3, 28, 28), (3,))
    """
    images, labels = load_mnist(part)
    if not 1 <= count <= len(images):
        raise ValueError(f"count is {count}: expected 1 to {len(images):,}, as many as the {part} part has.")
    chosen = rng.permutation(len(images))[:count]
    shifts = rng.integers(-1, 2, size=(count, 2))
    wide = np.pad(images[chosen], ((0, 0), (1, 1), (1, 1)))
    shifted = [
        image[1 + down : 29 + down, 1 + right : 29 + right] for image, (down, right) in zip(wide, shifts, strict=True)
    ]
    return np.stack(shifted), labels[chosen]


def mnist_dataset(part: Part, *, folder: Path | None = None) -> "Dataset":
    """One part of MNIST as a PyTorch data set of (tensor (1, 28, 28) of float32 in 0..1, int label).

    Parameters
    ----------
    part, folder
        As for `load_mnist`.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    """
    try:
        from coursekit.data.torch_digits import DigitDataset
    except ModuleNotFoundError as error:
        raise ImportError(
            f"mnist_dataset needs PyTorch ({error}). Install it with: python3 course.py setup. "
            "load_mnist gives the same digits as NumPy arrays."
        ) from error
    return DigitDataset(*load_mnist(part, folder=folder))


def _read(path: Path, file: IdxFile) -> np.ndarray:
    """Read-only array in the file at `path`, checked to the last byte."""
    values = np.frombuffer(_unpack(path, file), np.uint8, offset=HEADER[len(file.shape)])
    return values.reshape(file.shape)


@lru_cache(maxsize=4)
def _unpack(path: Path, file: IdxFile) -> bytes:
    """Decompressed bytes of a file, once per process."""
    try:
        with gzip.open(path) as stream:
            content = stream.read()
    except FileNotFoundError:
        raise _damaged(path, "is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, f"cannot be read ({error})") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise _damaged(path, f"is not the original ({len(content):,} bytes unpacked, SHA-256 differs)")
    return content


def _damaged(path: Path, what: str) -> DamagedDataError:
    return DamagedDataError(
        f"MNIST file {path.name} {what}: {path}\n"
        "Restore it with  git checkout -- coursekit/data/mnist  in a clone of the course, "
        "or reinstall the package:  pip install --force-reinstall --no-deps coursekit"
    )
