"""Data sets for PyTorch's DataLoader; `coursekit.data.dataset` makes them."""

import numpy as np
import torch
from torch.utils.data import Dataset

from coursekit.data.folder import PictureFolder

__all__ = ["ArrayDataset", "FolderDataset"]


class ArrayDataset(Dataset):
    """Pairs of (image tensor of shape (C, H, W), float32 in 0..1; label, int) of images that are in memory.

    The bytes stay bytes; each image becomes numbers when it is asked for.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W), uint8
    labels : ndarray of shape (N,), int64
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images = torch.from_numpy(images)
        self.labels = torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, int]:
        return self.images[item].float() / 255, int(self.labels[item])


class FolderDataset(Dataset):
    """The same pairs, of pictures that are read from their files when they are asked for.

    Parameters
    ----------
    folder : PictureFolder
    part : {"train", "validation", "train+validation", "test"}
    """

    def __init__(self, folder: PictureFolder, part: str):
        self.folder = folder
        self.files = folder.files(part)
        self.labels = torch.tensor([label for _, label in self.files])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, int]:
        file, label = self.files[item]
        return torch.from_numpy(self.folder.picture(file).copy()).float() / 255, label
