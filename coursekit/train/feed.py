"""Where batches come from: images that lie on the device, or a data set that is read as it is needed."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from coursekit.train.trouble import OutOfMemoryError

__all__ = ["Resident", "Streamed", "as_input", "make_feed"]


class Resident:
    """Images and labels that lie on the device as a whole, bytes as bytes: a batch is one look-up.

    Parameters
    ----------
    images : ndarray or Tensor of shape (N, H, W) or (N, C, H, W)
        uint8, or floating point as the network wants it.
    labels : ndarray or Tensor of shape (N,), whole numbers
    device : torch.device
    name : str
        What to call them in messages.
    """

    def __init__(self, images: Any, labels: Any, device: torch.device, name: str):
        images, labels = _tensor(f"{name}'s images", images), _tensor(f"{name}'s labels", labels)
        _expect_images(name, images)
        if labels.dtype.is_floating_point or labels.dtype == torch.bool:
            raise TypeError(f"{name}'s labels have dtype {labels.dtype}, expected whole numbers.")
        if labels.shape != (len(images),) or not len(images):
            raise ValueError(
                f"{name} holds {len(images)} images and labels of shape {tuple(labels.shape)}: expected as many of "
                "both, at least one, and one class number for each image."
            )
        self.name, self.device = name, device
        self.images = _moved(name, images[:, None] if images.ndim == 3 else images, device)
        self.labels = labels.to(device, torch.int64)

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, chosen: Sequence[Tensor], *, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (B, C, H, W) and labels (B,) for each list of numbers (B,); nothing here is random."""
        for numbers in chosen:
            yield self.images[numbers], self.labels[numbers]

    def expect_classes(self, classes: int) -> None:
        """Insist on labels from 0 to classes - 1."""
        _expect_labels(self.name, self.labels, classes)

    def described(self) -> list[Any]:
        """What tells these data from others: sizes, and sums over all that is there."""
        places = torch.arange(1, len(self) + 1, device=self.device)
        ink = int(self.images.sum(dtype=torch.int64)) if self.images.dtype == torch.uint8 else 0
        return [*self.images.shape, str(self.images.dtype), int((places * self.labels).sum()), ink]


class Streamed:
    """A data set that does not fit: a DataLoader reads each batch when its turn comes.

    Parameters
    ----------
    dataset : torch Dataset of (image, label)
        Images as tensors (C, H, W), uint8 or floating point.
    device : torch.device
        Where the batches go.
    name : str
        What to call it in messages.
    workers : int
        Processes that read ahead.
    """

    def __init__(self, dataset: Dataset, device: torch.device, name: str, workers: int = 0):
        if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
            raise TypeError(f"{name} is a {type(dataset).__name__}, expected a data set with a length and numbers.")
        if not len(dataset):
            raise ValueError(f"{name} is an empty data set: expected at least one image.")
        self.dataset, self.target, self.name, self.workers = dataset, device, name, workers
        self.device, self.classes = torch.device("cpu"), None

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, chosen: Sequence[Tensor], *, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (B, C, H, W) and labels (B,) for each list of numbers (B,); the workers draw from the seed."""
        loader = DataLoader(
            self.dataset,
            batch_sampler=[numbers.tolist() for numbers in chosen],
            num_workers=self.workers,
            pin_memory=self.target.type == "cuda",
            generator=torch.Generator().manual_seed(seed),  # else it draws from the numbers that dropout uses
        )
        for images, labels in loader:
            _expect_images(self.name, images)
            labels = torch.as_tensor(labels)
            if self.classes:
                _expect_labels(self.name, labels, self.classes)
            images = images[:, None] if images.ndim == 3 else images
            yield images.to(self.target, non_blocking=True), labels.to(self.target, torch.int64, non_blocking=True)

    def expect_classes(self, classes: int) -> None:
        """Insist on labels from 0 to classes - 1, in each batch as it comes."""
        self.classes = classes

    def described(self) -> list[Any]:
        """What tells these data from others, as far as can be said without reading them."""
        return [len(self), type(self.dataset).__name__]


def make_feed(data: Any, device: torch.device, name: str = "data", workers: int = 0) -> Resident | Streamed:
    """Feed of a pair (images, labels), or of a data set.

    Raises
    ------
    TypeError, ValueError
        If it is neither, is empty, or images and labels do not belong together.
    """
    if isinstance(data, Resident | Streamed):
        return data
    if isinstance(data, tuple | list) and len(data) == 2:
        return Resident(*data, device, name)
    if isinstance(data, Dataset):
        return Streamed(data, device, name, workers)
    raise TypeError(f"{name} is a {type(data).__name__}, expected (images, labels) or a torch Dataset.")


def as_input(images: Tensor, dtype: torch.dtype, *, channels_last: bool = False) -> Tensor:
    """Images as the network wants them: bytes become 0 to 1.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W)
    dtype : torch.dtype
        Of the network's parameters.
    channels_last : bool
        The memory's order, not the shape's.
    """
    x = images.to(dtype) / 255 if images.dtype == torch.uint8 else images.to(dtype)
    return x.contiguous(memory_format=torch.channels_last) if channels_last else x


def _tensor(name, values):
    if isinstance(values, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(values))
    if not isinstance(values, Tensor):
        raise TypeError(f"{name} are a {type(values).__name__}, expected a NumPy array or a tensor.")
    return values


def _moved(name, images, device):
    try:
        return images.to(device)
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"{name}'s images take {images.nbytes / 2**30:.1f} GiB, more than is free on {device}: pass bytes instead "
            "of floating point, or a torch Dataset, which is read batch by batch."
        ) from error


def _expect_images(name, images):
    if images.dtype != torch.uint8 and not images.dtype.is_floating_point:
        raise TypeError(f"{name}'s images have dtype {images.dtype}, expected uint8 or floating point.")
    if images.ndim not in (3, 4):
        raise ValueError(f"{name}'s images have shape {tuple(images.shape)}, expected (N, H, W) or (N, C, H, W).")
    if images.dtype != torch.uint8 and not images.isfinite().all():
        raise ValueError(f"{name}'s images hold numbers that are not finite: look for NaN where they were made.")


def _expect_labels(name, labels, classes):
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"{name}'s labels go from {low} to {high}, expected 0 to {classes - 1}: the network has {classes} outputs."
        )
