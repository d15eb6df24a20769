"""A network of convolutions alone: stride in place of pooling, 1x1 kernels in place of fully connected layers."""

from collections import OrderedDict

import torch
from torch import nn

from coursekit.models._network import Network, he_start, scaled, size_after

__all__ = ["AllConv", "allconv"]

# Maps, kernel, stride, padding of the first eight layers. Source: Springenberg et al., Table 1 (C) and Table 2.
LAYERS = (
    (96, 3, 1, 1),
    (96, 3, 1, 1),
    (96, 3, 2, 1),  # 32 -> 16, where there was a pooling
    (192, 3, 1, 1),
    (192, 3, 1, 1),
    (192, 3, 2, 1),  # 16 -> 8
    (192, 3, 1, 0),  # 8 -> 6
    (192, 1, 1, 0),
)


class AllConv(Network):
    """Nine convolutions and an average over each class's map; `allconv` builds it."""

    def __init__(self, classes: int, channels: int, width: float, size: int, dropout: float):
        super().__init__()
        layers, before = OrderedDict(drop0=nn.Dropout(dropout * 0.4)), channels  # 20 % of the pixels, 50 % of maps
        for k, (maps, kernel, stride, padding) in enumerate(LAYERS, 1):
            layers[f"conv{k}"] = nn.Conv2d(before, scaled(maps, width), kernel, stride, padding)
            layers[f"relu{k}"] = nn.ReLU()
            if stride == 2:
                layers[f"drop{k}"] = nn.Dropout(dropout)
            before = scaled(maps, width)
        layers["conv9"] = nn.Conv2d(before, classes, 1)
        layers["relu9"] = nn.ReLU()
        size_after(layers.items(), size)
        self.features = nn.Sequential(layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        he_start(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (N, 3, 32, 32)
        maps = self.features(images)  # (N, classes, 6, 6)
        return self.flatten(self.avgpool(maps))  # (N, classes)


def allconv(
    *, classes: int = 10, channels: int = 3, width: float = 1.0, size: int = 32, dropout: float = 0.5
) -> AllConv:
    """All-CNN-C, which classifies without a pooling layer and without a fully connected one.

    Parameters
    ----------
    classes, channels, size : int
    width : float
        Multiplies all maps but the classes'.
    dropout : float
        After the two strided layers; 0.4 of it, 20 % as published, on the pictures.

    Source: Springenberg et al., "Striving for simplicity: the all convolutional net", Tables 1 and 2.
    """
    return AllConv(classes, channels, width, size, dropout)
