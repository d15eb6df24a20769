"""SimpleConvNet and DeepConvNet in PyTorch, layer for layer those of `coursekit.nn`."""

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from coursekit.models._network import Staged, scaled, size_after

__all__ = ["deepconvnet", "simpleconvnet", "state_from_numpy"]


def simpleconvnet(*, classes: int = 10, channels: int = 1, width: float = 1.0, size: int = 28) -> Staged:
    """Convolution - ReLU - pooling - affine - ReLU - affine.

    Parameters
    ----------
    classes, channels, size : int
    width : float
        Multiplies the 30 maps and the 100 hidden units.

    Source: Saito, "Deep Learning from Scratch", section 7.5.

    >>> sum(p.numel() for p in simpleconvnet().parameters())
    433890
    """
    maps, hidden = scaled(30, width), scaled(100, width)
    features = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, maps, 5),  # (N, 30, 24, 24)
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),  # (N, 30, 12, 12)
        )
    )
    inputs = maps * size_after(features.named_children(), size) ** 2  # 4,320
    affine = OrderedDict(affine1=nn.Linear(inputs, hidden), relu2=nn.ReLU(), affine2=nn.Linear(hidden, classes))
    return Staged(features, nn.Sequential(affine))


def deepconvnet(
    *, classes: int = 10, channels: int = 1, width: float = 1.0, size: int = 28, dropout: float = 0.5
) -> Staged:
    """Three times (conv - ReLU - conv - ReLU - pooling), then affine - ReLU - dropout - affine - dropout.

    The last dropout falls on the scores, as in the book: unusual. The fourth convolution's padding of 2 makes
    14 pixels 16, which halve to 8 and 4.

    Parameters
    ----------
    classes, channels, size : int
    width : float
        Multiplies the maps and the 50 hidden units.
    dropout : float
        Share of numbers that both dropouts set to 0 in training.

    Source: Saito, "Deep Learning from Scratch", section 8.1.

    >>> sum(p.numel() for p in deepconvnet().parameters())
    123552
    """
    layers, before = OrderedDict(), channels
    for k, (maps, padding) in enumerate(((16, 1), (16, 1), (32, 1), (32, 2), (64, 1), (64, 1)), 1):
        layers[f"conv{k}"] = nn.Conv2d(before, scaled(maps, width), 3, padding=padding)
        layers[f"relu{k}"] = nn.ReLU()
        before = scaled(maps, width)
        if k % 2 == 0:
            layers[f"pool{k // 2}"] = nn.MaxPool2d(2)  # (N, 16, 14, 14), (N, 32, 8, 8), (N, 64, 4, 4)
    inputs, hidden = before * size_after(layers.items(), size) ** 2, scaled(50, width)
    classifier = OrderedDict(
        affine1=nn.Linear(inputs, hidden),
        relu7=nn.ReLU(),
        dropout1=nn.Dropout(dropout),
        affine2=nn.Linear(hidden, classes),
        dropout2=nn.Dropout(dropout),
    )
    return Staged(nn.Sequential(layers), nn.Sequential(classifier))


def state_from_numpy(params: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Weights of a NumPy SimpleConvNet or DeepConvNet, named and laid out for the network here.

    An affine layer's matrix is (D, M) there and (M, D) here.

    Parameters
    ----------
    params : dict of str to ndarray
        `network.params`: W1, b1, W2, ...

    Returns
    -------
    state : dict of str to tensor
        For `load_state_dict`; copies, of the same dtype.

    >>> from coursekit.nn import SimpleConvNet
    >>> network = simpleconvnet()
    >>> network.load_state_dict(state_from_numpy(SimpleConvNet().params))
    <All keys matched successfully>
    """
    kernels = sum(np.ndim(value) == 4 for value in params.values())
    state = {}
    for name, value in params.items():
        k, kind = int(name[1:]), {"W": "weight", "b": "bias"}[name[0]]
        layer = f"features.conv{k}" if k <= kernels else f"classifier.affine{k - kernels}"
        turned = value.T if value.ndim == 2 else value
        state[f"{layer}.{kind}"] = torch.from_numpy(turned.copy())
    return state
