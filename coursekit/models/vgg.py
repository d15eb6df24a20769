"""VGG-11, 13, 16 and 19: nothing but 3x3 convolutions and 2x2 poolings, then three fully connected layers."""

from torch import nn

from coursekit.models._network import Staged, scaled, size_after

__all__ = ["vgg"]

# Convolutions in each of the five blocks. Source: Simonyan & Zisserman, Table 1, columns A, B, D and E.
BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def vgg(
    depth: int = 16,
    *,
    classes: int = 1000,
    channels: int = 3,
    width: float = 1.0,
    size: int = 224,
    dropout: float = 0.5,
) -> Staged:
    """VGG with 11, 13, 16 or 19 layers that have weights.

    Names and order of the layers are torchvision's, so that its weights load. Without batch norm, as published.

    Parameters
    ----------
    depth : {11, 13, 16, 19}
    classes, channels, size : int
        32 pixels at least: five poolings halve them.
    width : float
        Multiplies maps and hidden units.
    dropout : float
        After the first two FC layers.

    Source: Simonyan & Zisserman, "Very deep convolutional networks for large-scale image recognition", section 2.
    """
    layers, before = [], channels
    for convolutions, maps in zip(BLOCKS[depth], (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            layers += [nn.Conv2d(before, scaled(maps, width), 3, padding=1), nn.ReLU()]
            before = scaled(maps, width)
        layers += [nn.MaxPool2d(2)]  # 112, 56, 28, 14, 7 pixels
    side = size_after(((f"features.{k}", layer) for k, layer in enumerate(layers)), size)
    hidden = scaled(4096, width)
    classifier = nn.Sequential(
        nn.Linear(before * side**2, hidden),  # 25,088 -> 4,096: three quarters of all the weights
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )
    return Staged(nn.Sequential(*layers), classifier)
