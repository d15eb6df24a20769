"""The networks of the PyTorch recipes: those of `coursekit.models`, and a few that were made for a recipe."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from coursekit import models
from coursekit.models.resnet_cifar import resnet_cifar
from coursekit.train.cookbook.stacks import plain, stack
from coursekit.train.cookbook.tiny_cases import tiny_alexnet, tiny_googlenet, tiny_vgg

__all__ = ["digit_net", "digit_net_deep", "make"]


def make(name: str, *, seed: int, **options: Any) -> nn.Module:
    """Build a network with first weights drawn from a seed.

    Parameters
    ----------
    name : str
        A name of `coursekit.models.names()`, or one of those made for a recipe: "digit-net", "digit-net-deep",
        "resnet-cifar", "allconv-pooled", "stack", "plain", "tiny-alexnet", "tiny-vgg", "tiny-googlenet".
    seed : int
    **options
        classes, channels, size, and what else its builder takes.
    """
    own = {
        "digit-net": digit_net,
        "digit-net-deep": digit_net_deep,
        "resnet-cifar": resnet_cifar,
        "allconv-pooled": allconv_pooled,
        "stack": stack,
        "plain": plain,
        "tiny-alexnet": tiny_alexnet,
        "tiny-vgg": tiny_vgg,
        "tiny-googlenet": tiny_googlenet,
    }
    if name not in own:
        return models.build(name, seed=seed, **options)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed GPUs too
        return own[name](**options)


def digit_net(
    *, classes: int = 10, channels: int = 1, size: int = 28, maps: Sequence[int] = (24, 48, 48)
) -> nn.Sequential:
    """Three convolutions and one affine layer: small enough that a CPU core sees 55,000 digits in seconds.

    Pooling comes before norm and ReLU, which then have a quarter of the pixels to do; of max pooling and ReLU the
    order makes no difference to the result.

    Parameters
    ----------
    classes, channels, size : int
    maps : sequence of int
        Of the three convolutions.

    >>> sum(p.numel() for p in digit_net().parameters())
    39634
    """
    first, second, third = maps
    left = ((size - 4) // 2 - 4) // 2
    return nn.Sequential(
        *_block(channels, first, 5, 0, pool=True),  # (N, 24, 12, 12)
        *_block(first, second, 3, 0),  # (N, 48, 10, 10)
        *_block(second, third, 3, 0, pool=True),  # (N, 48, 4, 4)
        nn.Flatten(),
        nn.Linear(third * left**2, classes),
    )


def digit_net_deep(
    *, classes: int = 10, channels: int = 1, size: int = 28, maps: Sequence[int] = (32, 64, 128)
) -> nn.Sequential:
    """Five convolutions in three stages and one affine layer; otherwise as `digit_net`.

    Parameters
    ----------
    classes, channels, size : int
    maps : sequence of int
        Of the three stages.
    """
    first, second, third = maps
    left = size // 2 // 2 - 4
    return nn.Sequential(
        *_block(channels, first, 5, 2, pool=True),  # (N, 32, 14, 14)
        *_block(first, second, 3, 1),  # (N, 64, 14, 14)
        *_block(second, second, 3, 1, pool=True),  # (N, 64, 7, 7)
        *_block(second, third, 3, 0),  # (N, 128, 5, 5)
        *_block(third, third, 3, 0),  # (N, 128, 3, 3)
        nn.Flatten(),
        nn.Linear(third * left**2, classes),
    )


def allconv_pooled(**options: Any) -> nn.Module:
    """All-CNN-C with its two strided convolutions taken with stride 1, and max pooling behind them.

    As many parameters; this is ConvPool-CNN-C with windows of 2x2 in place of 3x3.

    Source: Springenberg et al. (2015), "Striving for simplicity: the all convolutional net", Table 1.
    """
    network = models.build("allconv", **options)
    for k in (3, 6):
        network.features.get_submodule(f"conv{k}").stride = (1, 1)
        pooled = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
        network.features.set_submodule(f"relu{k}", pooled)
    return network


def _block(inputs: int, maps: int, kernel: int, padding: int, *, pool: bool = False) -> tuple[nn.Module, ...]:
    """Convolution without bias (batch norm has one), pooling if wanted, batch norm, ReLU."""
    pooling = (nn.MaxPool2d(2),) if pool else ()
    convolution = nn.Conv2d(inputs, maps, kernel, padding=padding, bias=False)
    return convolution, *pooling, nn.BatchNorm2d(maps), nn.ReLU()
