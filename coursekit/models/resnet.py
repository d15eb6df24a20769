"""ResNet-18, 34, 50, 101 and 152: what a block computes is added to what came in."""

from typing import Literal, get_args

import torch
from torch import nn

from coursekit.models._network import Network, he_start, scaled

__all__ = ["Basic", "Bottleneck", "ResNet", "StrideIn", "resnet"]

StrideIn = Literal["3x3", "1x1"]

# Blocks in each of the four stages. Source: He et al. 2015, Table 1.
STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class Basic(nn.Module):
    """Two 3x3 convolutions beside the shortcut.

    Source: He et al. 2015, Figure 5 (left).
    """

    expansion = 1

    def __init__(self, inputs: int, maps: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, maps, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.downsample = projection(inputs, maps, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + shortcut)  # (N, maps, H/stride, W/stride)


class Bottleneck(nn.Module):
    """1x1 to fewer maps, 3x3 on those, 1x1 back to four times as many, beside the shortcut.

    Source: He et al. 2015, Figure 5 (right).
    """

    expansion = 4

    def __init__(self, inputs: int, maps: int, stride: int, stride_in: StrideIn = "3x3"):
        super().__init__()
        # The paper strides in the first 1x1, which skips three quarters of the input's pixels. Striding in the 3x3,
        # as torchvision does ("v1.5", github.com/pytorch/vision/issues/191), costs more and errs less.
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        self.conv1 = nn.Conv2d(inputs, maps, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, 3, second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.conv3 = nn.Conv2d(maps, maps * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(maps * 4)
        self.relu = nn.ReLU()
        self.downsample = projection(inputs, maps * 4, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + shortcut)  # (N, 4*maps, H/stride, W/stride)


def projection(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """The 1x1 shortcut where the shape changes (the paper's option B); None where the input passes as it is."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(Network):
    """Stem, four stages of blocks, average over each map, one FC layer; `resnet` builds it."""

    def __init__(self, depth: int, classes: int, channels: int, width: float, stride_in: StrideIn):
        super().__init__()
        maps = [scaled(64 * 2**stage, width) for stage in range(4)]
        self.conv1 = nn.Conv2d(channels, maps[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(maps[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        before = maps[0]
        for stage, blocks in enumerate(STAGES[depth]):
            layer = []
            for k in range(blocks):
                stride = 2 if stage > 0 and k == 0 else 1
                if depth < 50:
                    layer.append(Basic(before, maps[stage], stride))
                else:
                    layer.append(Bottleneck(before, maps[stage], stride, stride_in))
                before = maps[stage] * layer[-1].expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layer))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(before, classes)
        he_start(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (N, 3, 224, 224)
        x = self.relu(self.bn1(self.conv1(images)))  # (N, 64, 112, 112)
        x = self.layer1(self.maxpool(x))  # (N, 64 or 256, 56, 56)
        x = self.layer2(x)  # (N, 128 or 512, 28, 28)
        x = self.layer3(x)  # (N, 256 or 1024, 14, 14)
        x = self.layer4(x)  # (N, 512 or 2048, 7, 7)
        return self.fc(self.flatten(self.avgpool(x)))  # (N, classes)


def resnet(
    depth: int = 50,
    *,
    classes: int = 1000,
    channels: int = 3,
    width: float = 1.0,
    size: int = 224,
    stride_in: StrideIn = "3x3",
) -> ResNet:
    """ResNet with 18, 34, 50, 101 or 152 layers that have weights.

    Names of the layers are torchvision's, so that its weights load.

    Parameters
    ----------
    depth : {18, 34, 50, 101, 152}
        Basic blocks up to 34 layers, bottlenecks from 50 on.
    classes, channels : int
    width : float
        Multiplies all maps.
    size : int
        Changes nothing: the network takes any size. Every network here has the option.
    stride_in : {"3x3", "1x1"}
        Where a bottleneck halves the map: torchvision's "v1.5", or the paper's first 1x1.

    Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", section 3.3 and Table 1.
    """
    if stride_in not in get_args(StrideIn):
        raise ValueError(f'stride_in is {stride_in!r}: expected "3x3" (torchvision) or "1x1" (the paper).')
    return ResNet(depth, classes, channels, width, stride_in)
