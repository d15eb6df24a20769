"""ZFNet: AlexNet with a finer first layer, and its variant with more maps in the middle."""

from collections import OrderedDict

from torch import nn

from coursekit.models._network import Staged, scaled, size_after
from coursekit.models.alexnet import hidden_layers, response_norm

__all__ = ["zfnet"]

FIGURE_3 = (384, 384, 256)
TABLE_3 = (512, 1024, 512)


def zfnet(
    *,
    classes: int = 1000,
    channels: int = 3,
    width: float = 1.0,
    size: int = 224,
    dropout: float = 0.5,
    wide: bool = False,
) -> Staged:
    """ZFNet: 7x7 kernels with stride 2 where AlexNet has 11x11 with stride 4, and no towers.

    Parameters
    ----------
    classes, channels, size : int
    width : float
        Multiplies maps and hidden units.
    dropout : float
        After the first two FC layers.
    wide : bool
        512-1024-512 maps in the third to fifth convolution (the paper's Table 3) in place of 384-384-256 (Figure 3).

    Source: Zeiler & Fergus, "Visualizing and understanding convolutional networks", Figure 3 and Table 3.
    """
    c1, c2, c3, c4, c5 = (scaled(maps, width) for maps in (96, 256, *(TABLE_3 if wide else FIGURE_3)))
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, c1, 7, stride=2, padding=1),  # (N, 96, 110, 110)
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (N, 96, 55, 55): rounded up, as the figure says
            norm1=response_norm(),
            conv2=nn.Conv2d(c1, c2, 5, stride=2),  # (N, 256, 26, 26)
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(3, stride=2, ceil_mode=True),  # (N, 256, 13, 13)
            norm2=response_norm(),
            conv3=nn.Conv2d(c2, c3, 3, padding=1),  # (N, 384, 13, 13)
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(c3, c4, 3, padding=1),  # (N, 384, 13, 13)
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(c4, c5, 3, padding=1),  # (N, 256, 13, 13)
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
        )
    )
    inputs = c5 * size_after(features.named_children(), size) ** 2
    return Staged(features, hidden_layers(inputs, scaled(4096, width), classes, dropout))
