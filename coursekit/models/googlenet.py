"""GoogLeNet: branches of 1x1, 3x3, 5x5 and pooling side by side; as published, and as torchvision has it."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from coursekit.models._network import Network, he_start, scaled, size_after
from coursekit.models.alexnet import response_norm

__all__ = ["GoogLeNet", "Outputs", "googlenet", "googlenet_torchvision"]

# Maps of each inception block: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection. Source: Szegedy et al., Table 1.
BLOCKS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}

Unit = Callable[..., nn.Sequential]  # (inputs, outputs, kernel, stride=1) -> convolution and what follows it


class Outputs(NamedTuple):
    """Scores of the network and of its two heads, each (N, classes): what it gives in training with `aux`."""

    logits: torch.Tensor
    aux_logits2: torch.Tensor
    aux_logits1: torch.Tensor


def biased_unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution with a bias, then ReLU: as published."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
    return nn.Sequential(OrderedDict(conv=conv, relu=nn.ReLU()))


def normed_unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU: torchvision's. The norm has the bias."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs, eps=0.001), relu=nn.ReLU()))


class Inception(nn.Module):
    """Four branches over the same input, their maps stacked."""

    def __init__(self, inputs: int, maps: tuple[int, ...], unit: Unit, largest: int):
        super().__init__()
        one, reduce3, three, reduce5, five, pooled = maps
        self.inputs = inputs
        self.branch1 = unit(inputs, one, 1)
        self.branch2 = nn.Sequential(unit(inputs, reduce3, 1), unit(reduce3, three, 3))
        self.branch3 = nn.Sequential(unit(inputs, reduce5, 1), unit(reduce5, five, largest))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), unit(inputs, pooled, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        branches = self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)
        return torch.cat(branches, 1)  # (N, one + three + five + pooled, H, W)


class Head(nn.Module):
    """An auxiliary classifier in the middle of the network, for training alone."""

    def __init__(self, inputs: int, classes: int, width: float, unit: Unit, pool: nn.Module, side: int):
        super().__init__()
        maps, hidden = scaled(128, width), scaled(1024, width)
        self.pool = pool
        self.conv = unit(inputs, maps, 1)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(maps * side**2, hidden)  # from 4x4 pixels at 224
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(hidden, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, 512 or 528, 14, 14)
        x = self.flatten(self.conv(self.pool(x)))  # (N, 2048)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))  # (N, classes)


class GoogLeNet(Network):
    """Stem, nine inception blocks, average over each map, one FC layer; `googlenet` and its sibling build it."""

    def __init__(
        self,
        *,
        classes: int,
        channels: int,
        width: float,
        size: int,
        dropout: float,
        published: bool,
        aux: bool,
        transform_input: bool = False,
    ):
        super().__init__()
        self.transform_input, self.aux = transform_input, aux
        unit = biased_unit if published else normed_unit
        c1, c3 = scaled(64, width), scaled(192, width)
        self.conv1 = unit(channels, c1, 7, 2)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.norm1 = response_norm() if published else nn.Identity()
        self.conv2 = unit(c1, c1, 1)
        self.conv3 = unit(c1, c3, 3)
        self.norm2 = response_norm() if published else nn.Identity()
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(3 if published else 2, stride=2, ceil_mode=True)
        maps = self._add_blocks(c3, width, unit, 5 if published else 3)
        size_after([*self._to_4a(), ("maxpool4", self.maxpool4)], size)
        if aux:
            self._add_heads(classes, width, size, published)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(maps, classes)
        he_start(self)

    def _add_blocks(self, inputs: int, width: float, unit: Unit, largest: int) -> int:
        """Add the nine blocks; returns how many maps the last one gives."""
        for name, published_maps in BLOCKS.items():
            maps = tuple(scaled(number, width) for number in published_maps)
            self.add_module(f"inception{name}", Inception(inputs, maps, unit, largest))
            inputs = maps[0] + maps[2] + maps[4] + maps[5]
        return inputs

    def _add_heads(self, classes: int, width: float, size: int, published: bool) -> None:
        """Add a head behind block 4a and one behind 4d."""
        for name, block in (("aux1", self.inception4b), ("aux2", self.inception4e)):
            pool = nn.AvgPool2d(5, stride=3) if published else nn.AdaptiveAvgPool2d(4)
            side = size_after([*self._to_4a(), (f"{name}.pool", pool)], size) if published else 4
            unit = biased_unit if published else normed_unit
            self.add_module(name, Head(block.inputs, classes, width, unit, pool, side))

    def _to_4a(self) -> list[tuple[str, nn.Module]]:
        """What changes the size before block 4a; the blocks themselves keep it."""
        poolings = {"maxpool1": self.maxpool1, "maxpool2": self.maxpool2, "maxpool3": self.maxpool3}
        return [("conv1", self.conv1.conv), *poolings.items()]

    def forward(self, images: torch.Tensor) -> torch.Tensor | Outputs:  # (N, 3, 224, 224)
        x = _recentred(images) if self.transform_input else images
        x = self.norm1(self.maxpool1(self.conv1(x)))  # (N, 64, 56, 56)
        x = self.maxpool2(self.norm2(self.conv3(self.conv2(x))))  # (N, 192, 28, 28)
        x = self.maxpool3(self.inception3b(self.inception3a(x)))  # (N, 480, 14, 14)
        after_4a = self.inception4a(x)  # (N, 512, 14, 14)
        after_4d = self.inception4d(self.inception4c(self.inception4b(after_4a)))  # (N, 528, 14, 14)
        x = self.maxpool4(self.inception4e(after_4d))  # (N, 832, 7, 7)
        x = self.avgpool(self.inception5b(self.inception5a(x)))  # (N, 1024, 1, 1)
        scores = self.fc(self.dropout(self.flatten(x)))  # (N, classes)
        if self.aux and self.training:
            return Outputs(scores, self.aux2(after_4d), self.aux1(after_4a))
        return scores


def googlenet(
    *,
    classes: int = 1000,
    channels: int = 3,
    width: float = 1.0,
    size: int = 224,
    dropout: float = 0.4,
    aux: bool = False,
) -> GoogLeNet:
    """GoogLeNet as published: real 5x5 branches, biases, response norm in the stem.

    Parameters
    ----------
    classes, channels, size : int
    width : float
        Multiplies all maps.
    dropout : float
        Before the FC layer. The heads' own is 0.7.
    aux : bool
        With the two auxiliary heads. In training the network then gives `Outputs`; their losses count 0.3 each.

    Source: Szegedy et al., "Going deeper with convolutions", Table 1 and section 5.
    """
    return GoogLeNet(
        classes=classes, channels=channels, width=width, size=size, dropout=dropout, published=True, aux=aux
    )


def googlenet_torchvision(
    *,
    classes: int = 1000,
    channels: int = 3,
    width: float = 1.0,
    size: int = 224,
    dropout: float = 0.2,
    aux: bool = False,
    transform_input: bool = False,
) -> GoogLeNet:
    """GoogLeNet as torchvision has it: batch norm, no biases, 3x3 where the paper has 5x5.

    Names are torchvision's, so that its weights load.

    Parameters
    ----------
    classes, channels, size : int
    width : float
        Multiplies all maps.
    dropout : float
        Before the FC layer. The heads' own is 0.7.
    aux : bool
        With the two auxiliary heads. In training the network then gives `Outputs`.
    transform_input : bool
        Take images standardised by ImageNet's mean and deviation, and make them (pixel - 0.5) / 0.5 first:
        torchvision's weights want that.

    Source: torchvision.models.googlenet; its issue 906 on the 3x3 kernels.
    """
    if transform_input and channels != 3:
        raise ValueError(f"channels is {channels}: transform_input is for the 3 colours. Use transform_input=False.")
    return GoogLeNet(
        classes=classes,
        channels=channels,
        width=width,
        size=size,
        dropout=dropout,
        published=False,
        aux=aux,
        transform_input=transform_input,
    )


def _recentred(images: torch.Tensor) -> torch.Tensor:
    """From (pixel - mean) / deviation of each colour to (pixel - 0.5) / 0.5."""
    mean = images.new_tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = images.new_tensor([0.229, 0.224, 0.225])[:, None, None]
    return images * (deviation / 0.5) + (mean - 0.5) / 0.5
