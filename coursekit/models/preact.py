"""Pre-activation ResNets: norm and ReLU stand before each convolution, so nothing at all stands on the shortcut."""

from collections.abc import Sequence

import torch
from torch import nn

from coursekit.models._network import Network, he_start, scaled
from coursekit.models.resnet import STAGES
from coursekit.models.resnet_cifar import PaddedShortcut, check_depth

__all__ = ["PreactResNet", "PreactUnit", "preact_resnet", "preact_resnet_cifar"]


class PreactUnit(nn.Module):
    """norm - ReLU - convolution, two or three times, added to the input.

    Where the shape changes, a projection takes the activated input, padding (CIFAR) the input itself. The first unit
    of all has no norm and ReLU of its own: the stem's act for both of its paths.

    Source: He et al. 2016, Figure 1(b) and appendix.
    """

    def __init__(self, convolutions: Sequence[nn.Conv2d], *, first: bool, projected: bool):
        super().__init__()
        inputs, outputs = convolutions[0].in_channels, convolutions[-1].out_channels
        stride = max(conv.stride[0] for conv in convolutions)
        self.projected = projected and (stride > 1 or inputs != outputs)
        self.relu = nn.ReLU()
        for k, conv in enumerate(convolutions, 1):
            self.add_module(f"bn{k}", nn.Identity() if first and k == 1 else nn.BatchNorm2d(conv.in_channels))
            self.add_module(f"conv{k}", conv)
        self.three = len(convolutions) == 3
        if self.projected:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        elif stride > 1 or inputs != outputs:
            self.shortcut = PaddedShortcut(inputs, outputs, stride)
        else:
            self.shortcut = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        active = self.relu(self.bn1(x))  # in the first unit x itself, which the stem has activated
        y = self.conv1(active)
        y = self.conv2(self.relu(self.bn2(y)))
        if self.three:
            y = self.conv3(self.relu(self.bn3(y)))
        return y + self.shortcut(active if self.projected else x)  # (N, maps, H/stride, W/stride): no ReLU after it


class PreactResNet(Network):
    """Stem, stages of units, a last norm and ReLU, average over each map, FC."""

    def __init__(self, stem: nn.Sequential, stages: Sequence[int], maps: Sequence[int], classes: int, bottleneck: bool):
        super().__init__()
        self.stem = stem
        before, projected = maps[0], len(stages) == 4
        for stage, units in enumerate(stages):
            layer = []
            for k in range(units):
                stride = 2 if stage > 0 and k == 0 else 1
                convolutions = _convolutions(before, maps[stage], stride, bottleneck)
                layer.append(PreactUnit(convolutions, first=stage == k == 0, projected=projected))
                before = convolutions[-1].out_channels
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layer))
        self.stages = [f"layer{stage + 1}" for stage in range(len(stages))]
        self.bn = nn.BatchNorm2d(before)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(before, classes)
        he_start(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (N, 3, H, W)
        x = self.stem(images)  # (N, 64, H/4, W/4), or (N, 16, H, W) for small pictures
        for name in self.stages:
            x = getattr(self, name)(x)  # twice the maps, half the pixels, but in the first
        return self.fc(self.flatten(self.avgpool(self.relu(self.bn(x)))))  # (N, classes)


def preact_resnet(
    depth: int = 152, *, classes: int = 1000, channels: int = 3, width: float = 1.0, size: int = 224
) -> PreactResNet:
    """Pre-activation ResNet with 18, 34, 50, 101 or 152 layers.

    Parameters
    ----------
    depth : {18, 34, 50, 101, 152}
        Basic units up to 34 layers, bottlenecks from 50 on, with the stride in the 3x3.
    classes, channels : int
    width : float
        Multiplies all maps.
    size : int
        Changes nothing: the network takes any size. Every network here has the option.

    Source: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", section 4 and appendix.
    """
    maps = [scaled(64 * 2**stage, width) for stage in range(4)]
    stem = nn.Sequential(
        nn.Conv2d(channels, maps[0], 7, stride=2, padding=3, bias=False),  # (N, 64, 112, 112)
        nn.BatchNorm2d(maps[0]),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),  # (N, 64, 56, 56)
    )
    return PreactResNet(stem, STAGES[depth], maps, classes, depth >= 50)


def preact_resnet_cifar(
    depth: int = 110, *, classes: int = 10, channels: int = 3, width: float = 1.0, size: int = 32
) -> PreactResNet:
    """Pre-activation ResNet of 6n + 2 layers for small pictures, with shortcuts that have no parameters.

    Parameters
    ----------
    depth : int
        6n + 2: 20, 32, 44, 56, 110; 8 is the smallest.
    classes, channels : int
    width : float
        Multiplies all maps.
    size : int
        Changes nothing: the network takes any size. Every network here has the option.

    Raises
    ------
    ValueError
        If depth is not 6n + 2.

    Source: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", section 4.
    """
    check_depth(depth)
    maps = [scaled(16 * 2**stage, width) for stage in range(3)]
    stem = nn.Sequential(
        nn.Conv2d(channels, maps[0], 3, padding=1, bias=False), nn.BatchNorm2d(maps[0]), nn.ReLU()
    )  # (N, 16, 32, 32)
    return PreactResNet(stem, [(depth - 2) // 6] * 3, maps, classes, bottleneck=False)


def _convolutions(inputs: int, maps: int, stride: int, bottleneck: bool) -> list[nn.Conv2d]:
    if not bottleneck:
        return [
            nn.Conv2d(inputs, maps, 3, stride, padding=1, bias=False),
            nn.Conv2d(maps, maps, 3, padding=1, bias=False),
        ]
    return [
        nn.Conv2d(inputs, maps, 1, bias=False),
        nn.Conv2d(maps, maps, 3, stride, padding=1, bias=False),
        nn.Conv2d(maps, maps * 4, 1, bias=False),
    ]
