"""Famous networks made small enough for digits: each keeps one idea of its model, and can be built without it."""

from torch import nn

from coursekit.models._network import Staged, scaled
from coursekit.models.alexnet import response_norm
from coursekit.models.googlenet import BLOCKS, Inception, biased_unit

__all__ = ["tiny_alexnet", "tiny_googlenet", "tiny_vgg"]


def tiny_alexnet(
    *,
    classes: int = 10,
    channels: int = 1,
    size: int = 28,
    kernel: int = 7,
    stride: int = 2,
    overlap: bool = True,
    response: bool = True,
    dropout: float = 0.5,
) -> Staged:
    """Five convolutions and three affine layers, as AlexNet's, with about a sixth of its maps.

    Parameters
    ----------
    classes, channels : int
    size : int
        Changes nothing: the last maps are pooled to 3x3 whatever the picture's size.
    kernel, stride : int
        Of the first convolution: AlexNet's is coarse, ZFNet made it finer.
    overlap : bool
        Pooling windows of 3x3 with stride 2, padded, since the maps are small enough; else of 2x2.
    response : bool
        Local response normalisation behind the first two poolings, where ZFNet has it: a quarter of AlexNet's work.
    dropout : float
        After the first two affine layers.

    Source: Krizhevsky et al. (2012), section 3; Zeiler & Fergus (2014), section 4.1.
    """

    def pool():
        return nn.MaxPool2d(3, stride=2, padding=1) if overlap else nn.MaxPool2d(2)

    def norm():
        return (response_norm(),) if response else ()

    features = nn.Sequential(
        *(nn.Conv2d(channels, 16, kernel, stride, padding=kernel // 2), nn.ReLU(), pool(), *norm()),  # (N, 16, 7, 7)
        *(nn.Conv2d(16, 40, 5, padding=2), nn.ReLU(), pool(), *norm()),  # (N, 40, 4, 4)
        *(nn.Conv2d(40, 64, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(64, 40, 3, padding=1), nn.ReLU()),
    )
    return Staged(features, _hidden(40 * 9, classes, dropout), nn.AdaptiveMaxPool2d(3))


def tiny_vgg(
    *, classes: int = 10, channels: int = 1, size: int = 28, kernel: int = 3, each: int = 2, dropout: float = 0.5
) -> Staged:
    """Three blocks of equal convolutions with a 2x2 pooling behind each, and three affine layers.

    Parameters
    ----------
    classes, channels, size : int
    kernel, each : int
        Two of 3x3, VGG's, see as far as one of 5x5: with fewer weights and one more ReLU.
    dropout : float
        After the first two affine layers.

    Source: Simonyan & Zisserman (2015), section 2.3.
    """
    features, before = nn.Sequential(), channels
    for maps in (16, 32, 64):
        for _ in range(each):
            features.extend([nn.Conv2d(before, maps, kernel, padding=kernel // 2), nn.ReLU()])
            before = maps
        features.append(nn.MaxPool2d(2))  # 14, 7, 3 pixels
    return Staged(features, _hidden(before * (size // 8) ** 2, classes, dropout))


def tiny_googlenet(
    *, classes: int = 10, channels: int = 1, size: int = 28, width: float = 0.25, branches: bool = True
) -> Staged:
    """A stem, the first three inception blocks with a quarter of the maps, the mean of each map, one affine layer.

    Parameters
    ----------
    classes, channels : int
    size : int
        Changes nothing: the network takes any size.
    width : float
        Multiplies all maps.
    branches : bool
        False: one 3x3 convolution with as many maps in place of each block.

    Source: Szegedy et al. (2015), Table 1, blocks 3a, 3b and 4a.
    """
    features, before = nn.Sequential(biased_unit(channels, 16, 5), nn.MaxPool2d(2)), 16  # (N, 16, 14, 14)
    for name in ("3a", "3b", "4a"):
        maps = tuple(scaled(number, width) for number in BLOCKS[name])
        after = maps[0] + maps[2] + maps[4] + maps[5]
        if name == "3b":
            features.append(nn.MaxPool2d(2))  # (N, 64, 7, 7)
        features.append(Inception(before, maps, biased_unit, 5) if branches else biased_unit(before, after, 3))
        before = after
    return Staged(features, nn.Sequential(nn.Linear(before, classes)), nn.AdaptiveAvgPool2d(1))


def _hidden(inputs: int, classes: int, dropout: float) -> nn.Sequential:
    """Two affine layers of 128 units with dropout on what they give, then the scores."""
    first, second = (nn.Linear(inputs, 128), nn.ReLU(), nn.Dropout(dropout)), (nn.Linear(128, 128), nn.ReLU())
    return nn.Sequential(*first, *second, nn.Dropout(dropout), nn.Linear(128, classes))
