"""A folder of your own pictures as a data set: one subfolder a class."""

import hashlib
import math
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.data.digits import DamagedDataError

__all__ = ["PictureFolder"]

Classes = dict[str, list[Path]]  # files of each class

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
PART_FOLDERS = {"train": ("train", "training"), "validation": ("validation", "valid", "val"), "test": ("test",)}
HELD_OUT = 0.15  # share of each class of the training pictures that a part without a folder of its own gets
LARGEST = 4e9  # bytes of pictures that `read` loads at once


@dataclass(frozen=True)
class PictureFolder:
    """Pictures of any size in one subfolder a class, brought to one size.

    ``pets/cat/1.jpg, pets/cat/2.jpg, pets/dog/a.png`` has the classes cat (0) and dog (1). 15 % of each class are for
    testing, 15 % for validation; which ones hangs on the files' names alone, so it is the same each time and on every
    machine. Where there are folders ``train`` and ``test`` or ``validation``, each with the classes in it, they
    are these parts, and only a part that has none is taken out of ``train``.

    Parameters
    ----------
    path : str or Path
    size : int
        Height and width of every picture, in pixels: the shorter side is brought to this length, then the middle
        is cut out.
    grey : bool
        One channel instead of three.

    Raises
    ------
    ValueError
        If there is no such folder, there are not two classes, a class has too few pictures to be split, or the
        parts' folders hold different classes.
    ImportError
        If Pillow is not installed.
    """

    path: str | Path
    size: int = 64
    grey: bool = False
    _found: dict[str, Classes] = field(init=False, repr=False, compare=False)  # of each part that has a folder

    def __post_init__(self):
        if find_spec("PIL") is None:
            raise ImportError("PictureFolder needs Pillow, which reads pictures: run  python3 course.py setup")
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1:
            raise ValueError(f"size is {self.size!r}: expected a whole number of pixels, from 1 up.")
        if not Path(self.path).is_dir():
            raise ValueError(f"path is {str(self.path)!r}: there is no such folder.")
        found = {part: _classes(folder) for part, folder in _part_folders(Path(self.path)).items()}
        _require_usable(Path(self.path), found)
        object.__setattr__(self, "_found", found)  # looked up once: there may be many files

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, sorted: class k is the k-th."""
        return tuple(self._found["train"])

    def files(self, part: str) -> list[tuple[Path, int]]:
        """Pictures of a part ("train", "validation", "train+validation" or "test") and their classes."""
        if part not in (*PART_FOLDERS, "train+validation"):
            raise ValueError(f"part is {part!r}: expected 'train', 'validation', 'train+validation' or 'test'.")
        return [
            (file, label)
            for label, name in enumerate(self.classes)
            for file in sorted(file for each in part.split("+") for file in self._split(name)[each])
        ]

    def read(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """All pictures of a part at once.

        Returns
        -------
        images : ndarray of shape (N, C, size, size), uint8
            C is 3, or 1 if grey.
        labels : ndarray of shape (N,), int64

        Raises
        ------
        DamagedDataError
            If pictures cannot be read; all of them are named.
        ValueError
            If the pictures together would take more than 4 GB.
        """
        files = self.files(part)
        shape = (len(files), 1 if self.grey else 3, self.size, self.size)
        if math.prod(shape) > LARGEST:
            raise ValueError(
                f"{len(files):,} pictures of {shape[1:]} take {math.prod(shape) / 1e9:.1f} GB: use dataset(), which "
                "reads each when it is asked for, or a smaller size."
            )
        images, damaged = np.empty(shape, np.uint8), []
        for k, (file, _) in enumerate(files):
            try:
                images[k] = self.picture(file)
            except DamagedDataError as error:
                damaged.append(str(error))
        if damaged:
            raise DamagedDataError("\n".join([*damaged, "Replace these files, or delete them."]))
        return images, np.array([label for _, label in files], np.int64)

    def picture(self, file: Path) -> np.ndarray:
        """One picture as it is given to the network, of shape (C, size, size), uint8.

        Raises
        ------
        DamagedDataError
            If the file holds no picture, or only the beginning of one.
        """
        from PIL import Image, ImageOps

        try:
            with Image.open(file) as opened:
                upright = ImageOps.exif_transpose(opened)  # cameras note how they were held
                picture = _fit(_flat(upright, self.grey), self.size)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DamagedDataError(f"{file} cannot be read as a picture ({error}).") from error
        values = np.array(picture)  # (size, size) or (size, size, 3)
        return values[None] if self.grey else values.transpose(2, 0, 1)

    def _split(self, name: str) -> dict[str, list[Path]]:
        """Pictures of a class, by part."""
        parts = {part: classes[name] for part, classes in self._found.items()}
        shuffled = sorted(parts["train"], key=lambda file: hashlib.sha256(file.name.encode()).digest())
        some = max(1, round(HELD_OUT * len(shuffled)))
        for part in PART_FOLDERS:
            if part not in parts:
                parts[part], shuffled = shuffled[:some], shuffled[some:]
        return parts | {"train": shuffled}


def _part_folders(path: Path) -> dict[str, Path]:
    """The folder of each part that has one; a folder without parts is all for training, to be split."""
    found = {
        part: path / name for part, names in PART_FOLDERS.items() for name in reversed(names) if (path / name).is_dir()
    }
    return found if "train" in found and len(found) > 1 else {"train": path}


def _classes(folder: Path) -> Classes:
    """Files of each class that look like pictures, by the class's name, sorted."""
    found = {}
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.name.startswith("."):
            looks_right = (file for file in each.rglob("*") if file.suffix.lower() in ENDINGS)
            found[each.name] = sorted(file for file in looks_right if not file.name.startswith("."))
    return {name: files for name, files in found.items() if files}


def _require_usable(path: Path, found: dict[str, Classes]) -> None:
    needed = 1 + len(PART_FOLDERS) - len(found)  # one of each class for every part that is taken from train
    if len(found["train"]) < 2:
        raise ValueError(
            f"{path} holds {len(found['train'])} subfolders with training pictures: give each class one of its own, "
            f"at least two. Pictures are files that end in {', '.join(sorted(ENDINGS))}."
        )
    for part, classes in found.items():
        if odd := found["train"].keys() ^ classes.keys():
            raise ValueError(f"{path}: train and {part} do not hold the same classes; only one has {sorted(odd)}.")
    for name, files in found["train"].items():
        if len(files) < needed:
            raise ValueError(f"{path}: class {name!r} has {len(files)} pictures for training, needed are {needed}.")


def _flat(picture: Any, grey: bool) -> Any:
    """Without transparency (white shines through), with one channel or three, eight bits each."""
    from PIL import Image

    if picture.mode.startswith("I;16"):  # sixteen bits: keep the upper eight, where Pillow would cut off at 255
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    elif picture.mode in ("I", "F"):
        raise ValueError(f"pixels of kind {picture.mode} have no known white: save it with 8 or 16 bits a channel")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return picture.convert("L" if grey else "RGB")


def _fit(picture: Any, size: int) -> Any:
    """Shorter side to `size`, then the middle."""
    from PIL import Image, ImageOps

    return ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
