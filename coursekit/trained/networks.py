"""Networks with shipped weights, built by their cards."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit import nn
from coursekit.trained.files import Card, card, weights

if TYPE_CHECKING:
    import torch

__all__ = ["assembled", "load"]


def load(name: str, *, as_torch: bool = False) -> "nn.Sequential | torch.nn.Module":
    """A trained network, ready to read pictures from 0 to 1 of shape (N, 1, 28, 28).

    Parameters
    ----------
    name : str
        One of `names()`.
    as_torch : bool
        The same network in PyTorch. Some ("resnet-mnist") are of PyTorch anyway; the others need NumPy alone.

    Returns
    -------
    network : coursekit.nn.Sequential or torch.nn.Module
        float32; a Module in evaluation mode.

    Raises
    ------
    ValueError
        If there is no such network; the message names the nearest.
    DamagedWeightsError
        If its file is missing or damaged.
    ImportError
        If it is of PyTorch, and PyTorch is not installed.

    >>> load("simpleconvnet").parameter_count
    433890
    """
    return assembled(card(name), weights(name), as_torch=as_torch)


def assembled(about: Card, arrays: Mapping[str, np.ndarray], *, as_torch: bool = False) -> Any:
    """The network of a card, with these weights."""
    if _in_numpy(about) and not as_torch:
        network = getattr(nn, about.network)(**about.options)
        for key, value in network.params.items():
            value[...] = arrays[key]
        return network
    try:
        import torch

        from coursekit.models import build
        from coursekit.models.resnet_cifar import resnet_cifar
        from coursekit.models.simple import state_from_numpy
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{about.name} needs PyTorch here ({error}). Install it with: python3 course.py setup."
        ) from error
    if _in_numpy(about):
        network, state = build(about.network.lower(), **about.options), state_from_numpy(arrays)
    else:
        network, state = resnet_cifar(**about.options), {key: torch.from_numpy(v) for key, v in arrays.items()}
    network.load_state_dict(state)
    return network.eval()


def _in_numpy(about: Card) -> bool:
    return about.network in ("SimpleConvNet", "DeepConvNet")
