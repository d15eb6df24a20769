"""The ResNets for 32x32 pictures, and the plain networks of equal depth that they are compared with."""

import torch
from torch import nn
from torch.nn import functional

from coursekit.models._network import Network, he_start, scaled

__all__ = ["CifarBlock", "CifarResNet", "PaddedShortcut", "resnet_cifar"]


class PaddedShortcut(nn.Module):
    """Every stride-th pixel, and maps of zeros behind the ones there are: nothing to learn.

    Source: He et al. 2015, section 3.3, option A.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.extra, self.stride = outputs - inputs, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.extra))  # (N, C + extra, H/stride, W/stride)


class CifarBlock(nn.Module):
    """Two 3x3 convolutions; beside them a shortcut, or in a plain network none."""

    def __init__(self, inputs: int, maps: int, stride: int, residual: bool):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, maps, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        changes = stride > 1 or inputs != maps
        self.shortcut = PaddedShortcut(inputs, maps, stride) if changes else nn.Identity()
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.residual:
            y = y + self.shortcut(x)
        return self.relu(y)  # (N, maps, H/stride, W/stride)


class CifarResNet(Network):
    """3x3 convolution, three stages of n blocks with 16, 32, 64 maps, average over each map, FC."""

    def __init__(self, depth: int, classes: int, channels: int, width: float, residual: bool):
        super().__init__()
        maps = [scaled(16 * 2**stage, width) for stage in range(3)]
        self.conv1 = nn.Conv2d(channels, maps[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps[0])
        self.relu = nn.ReLU()
        before = maps[0]
        for stage in range(3):
            blocks = []
            for k in range((depth - 2) // 6):
                stride = 2 if stage > 0 and k == 0 else 1
                blocks.append(CifarBlock(before, maps[stage], stride, residual))
                before = maps[stage]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(before, classes)
        he_start(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (N, 3, 32, 32)
        x = self.relu(self.bn1(self.conv1(images)))  # (N, 16, 32, 32)
        x = self.layer1(x)  # (N, 16, 32, 32)
        x = self.layer2(x)  # (N, 32, 16, 16)
        x = self.layer3(x)  # (N, 64, 8, 8)
        return self.fc(self.flatten(self.avgpool(x)))  # (N, classes)


def resnet_cifar(
    depth: int = 20,
    *,
    classes: int = 10,
    channels: int = 3,
    width: float = 1.0,
    size: int = 32,
    residual: bool = True,
) -> CifarResNet:
    """ResNet of 6n + 2 layers for small pictures, or its plain twin: as many parameters, no shortcuts.

    Parameters
    ----------
    depth : int
        6n + 2: 20, 32, 44, 56, 110; 8 is the smallest.
    classes, channels : int
    width : float
        Multiplies all maps.
    size : int
        Changes nothing: the network takes any size. Every network here has the option.
    residual : bool
        False gives the plain network.

    Raises
    ------
    ValueError
        If depth is not 6n + 2.

    Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", section 4.2.

    >>> sum(p.numel() for p in resnet_cifar(20).parameters())
    269722
    """
    check_depth(depth)
    return CifarResNet(depth, classes, channels, width, residual)


def check_depth(depth: int) -> None:
    """Refuse depths that are not 6n + 2."""
    if depth < 8 or depth % 6 != 2:
        near = max(8, depth - (depth - 2) % 6)
        raise ValueError(f"depth is {depth}: three stages of n blocks of two layers have 6n + 2, such as {near}.")
