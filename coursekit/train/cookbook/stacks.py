"""Networks made for one comparison each: stacks of equal layers, and a plain network changed in one thing."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from coursekit.models.resnet_cifar import CifarResNet, resnet_cifar

__all__ = ["FIRST_WEIGHTS", "plain", "stack"]

FIRST_WEIGHTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "0.01": lambda weight: nn.init.normal_(weight, std=0.01),
    "1": lambda weight: nn.init.normal_(weight, std=1.0),
    "xavier": nn.init.xavier_normal_,  # variance 2 / (fan_in + fan_out)
    "he": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),  # variance 2 / fan_in
}


def stack(
    *,
    classes: int = 10,
    channels: int = 1,
    size: int = 28,
    layers: int = 4,
    maps: int = 16,
    norm: bool = False,
    first: str = "he",
    hidden: int = 0,
    dropout: float = 0.0,
) -> nn.Sequential:
    """3x3 convolutions of equally many maps, ReLU behind each, two poolings among them, one affine layer.

    One pooling stands in the middle, one at the end, so that the affine layer sees as many numbers at any depth.

    Parameters
    ----------
    classes, channels, size : int
    layers, maps : int
        Convolutions, and the maps of each.
    norm : bool
        Batch normalisation before each ReLU.
    first : {"0.01", "1", "xavier", "he"}
        First weights: normal with this standard deviation, or with the one that Glorot & Bengio (2010) or He et al.
        (2015) derive. Biases are 0.
    hidden : int
        Units of an affine layer with ReLU before the last one; 0 for none.
    dropout : float
        Share of the hidden units that are set to 0 in training.

    >>> sum(p.numel() for p in stack(layers=2, maps=4, size=8).parameters())
    358
    """
    network, before = nn.Sequential(), channels
    for k in range(1, layers + 1):
        network.append(nn.Conv2d(before, maps, 3, padding=1, bias=not norm))  # (N, maps, size, size), then half of it
        if norm:
            network.append(nn.BatchNorm2d(maps))
        network.append(nn.ReLU())
        for place in (-(-layers // 2), layers):
            if k == place:
                network.append(nn.MaxPool2d(2))
        before = maps
    inputs = maps * (size // 2 // 2) ** 2
    network.append(nn.Flatten())
    if hidden:
        network.extend([nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout)])
    network.append(nn.Linear(hidden or inputs, classes))
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            FIRST_WEIGHTS[first](layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def plain(*, depth: int = 56, norm: bool = True, he: bool = True, **options: Any) -> CifarResNet:
    """The plain network of `resnet_cifar`, with or without batch norm, with first weights after He or PyTorch's own.

    Parameters
    ----------
    depth : int
    norm : bool
        False: a learnt number is added to each map, and nothing else is done to it.
    he : bool
        False: weights uniform within 1 / sqrt(fan_in), as PyTorch draws them; He et al. have 2.4 times that spread.
    **options
        For `resnet_cifar`.
    """
    network = resnet_cifar(depth, residual=False, **options)
    for module in network.modules():
        if not he and isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()
        for name, child in () if norm else list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, Shift(child.num_features))
    return network


class Shift(nn.Module):
    """A learnt number added to each map: all that is left of batch norm without its statistics and scale."""

    def __init__(self, maps: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, maps, H, W)
        return x + self.bias[:, None, None]
