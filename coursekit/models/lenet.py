"""LeNet-5 as published in 1998, and the copy of it that most courses build today."""

from collections import OrderedDict

import torch
from torch import nn

from coursekit.models._network import Network, Staged, scaled, size_after

__all__ = ["BITMAPS", "C3_TABLE", "LeNet5", "lenet5", "lenet5_modern"]

# Which of S2's six maps each of C3's sixteen sees: 60 pairs of the 96. Source: LeCun et al. 1998, Table I.
C3_TABLE = (
    *((k, (k + 1) % 6, (k + 2) % 6) for k in range(6)),
    *((k, (k + 1) % 6, (k + 2) % 6, (k + 3) % 6) for k in range(6)),
    *((k, (k + 1) % 6, (k + 3) % 6, (k + 4) % 6) for k in range(3)),
    (0, 1, 2, 3, 4, 5),
)

# A picture of each digit, 7 wide and 12 high, is what F6's 84 units should show. Section II-B of the paper describes
# such bitmaps and its Figure 3 prints them; these are of the same kind, drawn anew.
BITMAPS = """
..###.. ...#... .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..##... ##...## ##...## ...###. #...... .##.... ......# ##...## ##...##
##...## .###... #.....# #.....# ..##.#. #...... ##..... .....## #.....# #.....#
#.....# ...#... ......# ......# .##..#. #...... #...... .....#. #.....# #.....#
#.....# ...#... .....## .....## ##...#. ######. #.####. ....##. ##...## ##...##
#.....# ...#... ....##. ..####. #....#. .....## ##...## ....#.. .#####. .######
#.....# ...#... ...##.. .....## ####### ......# #.....# ...##.. ##...## ......#
#.....# ...#... ..##... ......# .....#. ......# #.....# ...#... #.....# ......#
#.....# ...#... .##.... ......# .....#. ......# #.....# ..##... #.....# .....##
##...## ...#... ##..... #.....# .....#. #.....# #.....# ..#.... #.....# .....#.
.##.##. ...#... #...... ##...## .....#. ##...## ##...## ..#.... ##...## ...###.
..###.. .#####. ####### .#####. .....#. .#####. .#####. ..#.... .#####. .###...
"""


class ScaledTanh(nn.Module):
    """A tanh(S a) with A = 1.7159 and S = 2/3: it takes 1 to 1 and -1 to -1. Source: appendix A of the paper."""

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return 1.7159 * torch.tanh(a * (2 / 3))


class Subsampling(nn.AvgPool2d):
    """The mean of each 2x2 window, times one learned number and plus another, per map.

    The paper multiplies the SUM of the four by its number: that number is a quarter of `weight`.
    """

    def __init__(self, maps: int):
        super().__init__(2)
        self.weight = nn.Parameter(torch.ones(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        return super().forward(x) * self.weight[:, None, None] + self.bias[:, None, None]  # (N, C, H/2, W/2)


class TableConvolution(nn.ModuleList):
    """A convolution whose k-th map sees only the input maps that table[k] names."""

    def __init__(self, table: tuple[tuple[int, ...], ...], kernel: int):
        super().__init__(nn.Conv2d(len(seen), 1, kernel) for seen in table)
        self.table = table
        self.kernel_size, self.stride, self.padding = kernel, 1, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        return torch.cat([conv(x[:, list(seen)]) for conv, seen in zip(self, self.table, strict=True)], 1)


class RadialBasis(nn.Module):
    """Minus the squared distance to each class's fixed code: the largest score is the nearest code.

    The codes are a buffer: no optimiser sees them. Source: LeCun et al. 1998, equation 7 (without the minus).
    """

    def __init__(self, codes: torch.Tensor):
        super().__init__()
        self.register_buffer("codes", codes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (N, 84)
        return -(x[:, None] - self.codes).square().sum(2)  # (N, classes)


class LeNet5(Network):
    """C1 - S2 - C3 - S4 - C5 - F6 - output, each squashed by a scaled tanh but the last; `lenet5` builds it."""

    def __init__(self, classes: int, channels: int, width: float, size: int):
        super().__init__()
        codes = _codes(classes)
        c1, c3, c5 = scaled(6, width), scaled(16, width), scaled(120, width)
        self.c1 = nn.Conv2d(channels, c1, 5)
        self.s2 = Subsampling(c1)
        self.c3 = TableConvolution(_stretched(c1, c3), 5)
        self.s4 = Subsampling(c3)
        left = size_after([("c1", self.c1), ("s2", self.s2), ("c3", self.c3), ("s4", self.s4)], size)
        self.c5 = nn.Conv2d(c3, c5, left)  # 5x5 on 5x5: fully connected, but a convolution on larger pictures
        self.f6 = nn.Linear(c5, codes.shape[1])
        self.output = RadialBasis(codes)
        self.squash = ScaledTanh()
        self.flatten = nn.Flatten()
        for layer in (self.c1, *self.c3, self.c5, self.f6):  # appendix A: uniform within 2.4 / fan_in
            bound = 2.4 / layer.weight[0].numel()
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.zeros_(layer.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (N, 1, 32, 32)
        x = self.squash(self.c1(images))  # (N, 6, 28, 28)
        x = self.squash(self.s2(x))  # (N, 6, 14, 14)
        x = self.squash(self.c3(x))  # (N, 16, 10, 10)
        x = self.squash(self.s4(x))  # (N, 16, 5, 5)
        x = self.squash(self.c5(x))  # (N, 120, 1, 1)
        x = self.squash(self.f6(self.flatten(x)))  # (N, 84)
        return self.output(x)  # (N, 10)


def lenet5(*, classes: int = 10, channels: int = 1, width: float = 1.0, size: int = 32) -> LeNet5:
    """LeNet-5 with trainable subsampling, C3's connection table, scaled tanh and fixed output codes.

    Cross-entropy on its scores is the paper's equation 9 without the constant for rubbish.

    Parameters
    ----------
    classes : int
        1 to 10: there is one bitmap for each digit.
    channels, size : int
        Input planes and pixels; 28 works too.
    width : float
        Multiplies the maps of C1, C3 and C5; the 84 units of F6 are the bitmaps' pixels and stay.

    Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", section II-B.

    >>> sum(p.numel() for p in lenet5().parameters())
    60000
    """
    return LeNet5(classes, channels, width, size)


def lenet5_modern(*, classes: int = 10, channels: int = 1, width: float = 1.0, size: int = 32) -> Staged:
    """LeNet-5 as courses build it today: every map sees all maps, ReLU, max pooling, scores by a last affine layer.

    Parameters
    ----------
    classes, channels, size : int
    width : float
        Multiplies the maps and the hidden units.

    >>> sum(p.numel() for p in lenet5_modern().parameters())
    61706
    """
    c1, c3, f5, f6 = (scaled(maps, width) for maps in (6, 16, 120, 84))
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, c1, 5),  # (N, 6, 28, 28)
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),  # (N, 6, 14, 14)
            conv2=nn.Conv2d(c1, c3, 5),  # (N, 16, 10, 10)
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),  # (N, 16, 5, 5)
        )
    )
    inputs = c3 * size_after(features.named_children(), size) ** 2  # 400
    classifier = nn.Sequential(
        OrderedDict(
            fc3=nn.Linear(inputs, f5),
            relu3=nn.ReLU(),
            fc4=nn.Linear(f5, f6),
            relu4=nn.ReLU(),
            fc5=nn.Linear(f6, classes),
        )
    )
    return Staged(features, classifier)


def _codes(classes: int) -> torch.Tensor:
    """(classes, 84) of +1 where a bitmap is inked and -1 elsewhere."""
    if not 1 <= classes <= 10:
        raise ValueError(
            f"classes is {classes}: lenet5 has codes for the ten digits, so 1 to 10 classes. "
            "lenet5-modern takes any number."
        )
    rows = [line.split() for line in BITMAPS.split("\n") if line]  # 12 rows of ten digits
    ink = [[pixel == "#" for row in rows for pixel in row[digit]] for digit in range(classes)]
    return torch.tensor(ink, dtype=torch.get_default_dtype()) * 2 - 1


def _stretched(inputs: int, outputs: int) -> tuple[tuple[int, ...], ...]:
    """The connection table for other numbers of maps: each stands for the one of the paper at its place."""
    rows = (C3_TABLE[k * 16 // outputs] for k in range(outputs))
    seen = (tuple(j for j in range(inputs) if j * 6 // inputs in row) for row in rows)
    return tuple(maps or tuple(range(inputs)) for maps in seen)
