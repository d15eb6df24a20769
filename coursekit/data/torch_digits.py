"""MNIST for PyTorch's DataLoader; `coursekit.data.mnist_dataset` makes one."""

import numpy as np
import torch
from torch.utils.data import Dataset

__all__ = ["DigitDataset"]


class DigitDataset(Dataset):
    """Pairs of (image tensor of shape (1, 28, 28), float32 in 0..1; label, int).

    The bytes stay bytes in memory; each image becomes numbers when it is asked for.

    Parameters
    ----------
    images : ndarray of shape (N, H, W), uint8
    labels : ndarray of shape (N,), uint8
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images = torch.from_numpy(images)
        self.labels = torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, int]:
        return self.images[item, None].float() / 255, int(self.labels[item])
