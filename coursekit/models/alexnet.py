"""AlexNet: the net of 2012 in its two halves, without the halves, torchvision's, and the one that lectures count."""

from collections import OrderedDict

from torch import nn

from coursekit.models._network import Staged, scaled, size_after

__all__ = ["alexnet", "alexnet_one_tower"]


def response_norm() -> nn.LocalResponseNorm:
    """The paper's normalisation over 5 neighbouring maps: k = 2, alpha = 1e-4, beta = 0.75.

    PyTorch divides alpha by the 5 maps, the paper does not: hence 5e-4. Source: Krizhevsky et al., section 3.3.
    """
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def alexnet(
    *,
    classes: int = 1000,
    channels: int = 3,
    width: float = 1.0,
    size: int = 227,
    groups: int = 2,
    dropout: float = 0.5,
) -> Staged:
    """AlexNet as published: two towers, each on its own GPU, that meet in the third convolution and the FC layers.

    A grouped convolution is what two towers compute: each half of the maps sees one half of the input maps.

    Parameters
    ----------
    classes, channels : int
    width : float
        Multiplies maps and hidden units.
    size : int
        Pixels; the paper's 224 does not fit 11x11 with stride 4, 227 does.
    groups : int
        Towers; 1 connects all maps to all.
    dropout : float
        After the first two FC layers.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 3.5.
    """
    c1, c2, c3, c4, c5 = (scaled(maps, width, multiple=groups) for maps in (96, 256, 384, 384, 256))
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, c1, 11, stride=4),  # (N, 96, 55, 55)
            relu1=nn.ReLU(),
            norm1=response_norm(),
            pool1=nn.MaxPool2d(3, stride=2),  # (N, 96, 27, 27)
            conv2=nn.Conv2d(c1, c2, 5, padding=2, groups=groups),  # (N, 256, 27, 27)
            relu2=nn.ReLU(),
            norm2=response_norm(),
            pool2=nn.MaxPool2d(3, stride=2),  # (N, 256, 13, 13)
            conv3=nn.Conv2d(c2, c3, 3, padding=1),  # (N, 384, 13, 13): sees both towers
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(c3, c4, 3, padding=1, groups=groups),  # (N, 384, 13, 13)
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(c4, c5, 3, padding=1, groups=groups),  # (N, 256, 13, 13)
            relu5=nn.ReLU(),
            pool5=nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
        )
    )
    inputs = c5 * size_after(features.named_children(), size) ** 2  # 9,216
    return Staged(features, hidden_layers(inputs, scaled(4096, width), classes, dropout))


def hidden_layers(inputs: int, hidden: int, classes: int, dropout: float) -> nn.Sequential:
    """The classifier: two hidden FC layers with dropout on their outputs, then the scores."""
    return nn.Sequential(
        OrderedDict(
            fc6=nn.Linear(inputs, hidden),
            relu6=nn.ReLU(),
            drop6=nn.Dropout(dropout),
            fc7=nn.Linear(hidden, hidden),
            relu7=nn.ReLU(),
            drop7=nn.Dropout(dropout),
            fc8=nn.Linear(hidden, classes),
        )
    )


def alexnet_one_tower(
    *,
    classes: int = 1000,
    channels: int = 3,
    width: float = 1.0,
    size: int = 224,
    dropout: float = 0.5,
    average: bool = True,
) -> Staged:
    """AlexNet in one tower of 64-192-384-256-256 maps, without response norm, as torchvision has it.

    Names and order of the layers are torchvision's, so that its weights load.

    Parameters
    ----------
    classes, channels : int
    width : float
        Multiplies maps and hidden units.
    size : int
        Pixels; 224 with padding 2 gives 55x55 after the first layer, the lectures' 227 gives 56x56.
    dropout : float
        BEFORE the first two FC layers, as in torchvision.
    average : bool
        Average the last maps down to the classifier's size, so that other sizes pass too; at `size` it does nothing.

    Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv 1404.5997.
    """
    c1, c2, c3, c4, c5 = (scaled(maps, width) for maps in (64, 192, 384, 256, 256))
    hidden = scaled(4096, width)
    features = nn.Sequential(
        nn.Conv2d(channels, c1, 11, stride=4, padding=2),  # (N, 64, 55, 55)
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # (N, 64, 27, 27)
        nn.Conv2d(c1, c2, 5, padding=2),  # (N, 192, 27, 27)
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # (N, 192, 13, 13)
        nn.Conv2d(c2, c3, 3, padding=1),  # (N, 384, 13, 13)
        nn.ReLU(),
        nn.Conv2d(c3, c4, 3, padding=1),  # (N, 256, 13, 13)
        nn.ReLU(),
        nn.Conv2d(c4, c5, 3, padding=1),  # (N, 256, 13, 13)
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
    )
    side = size_after(((f"features.{k}", layer) for k, layer in features.named_children()), size)
    classifier = nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(c5 * side**2, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )
    return Staged(features, classifier, nn.AdaptiveAvgPool2d(side) if average else None)
