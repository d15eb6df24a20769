"""Networks of both kinds, run layer by layer: those of `coursekit.nn` without torch, torch modules by hooks."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from coursekit.nn.sequential import Sequential

if TYPE_CHECKING:
    from torch import nn

    from coursekit.models import Pretrained

Network = Union[Sequential, "nn.Module", "Pretrained"]

__all__ = ["Network", "as_batch", "known_layers", "one_volume", "run_layers"]


def run_layers(network: Network, images: Any, layers: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """What the layers make of a few images, by name, in the order in which they ran: arrays of shape (N, ...).

    Parameters
    ----------
    network : Sequential, torch.nn.Module or Pretrained
        Run as in use, not as in training; left as it was.
    images
        As for `as_batch`.
    layers : sequence of str, optional
        The layers wanted; all where not given.

    Raises
    ------
    TypeError
        If it is no network.
    ValueError
        If there is no such layer.
    """
    batch = as_batch(network, images)
    if isinstance(network, Sequential):
        volumes = _run_numpy(network, batch)
    else:
        from coursekit.viz.torch_layers import run_torch  # torch is loaded already where there is such a network

        volumes = run_torch(torch_module(network), batch, layers)
    return {name: volumes[name] for name in known_layers(volumes, layers)}


def _run_numpy(network: Sequential, batch: np.ndarray) -> dict[str, np.ndarray]:
    before = {name: layer.training for name, layer in network.layers.items()}
    try:
        return network.activations(batch)
    finally:
        for name, training in before.items():
            network.layers[name].training = training


def known_layers(there: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    """The layers wanted, or all; refuses names that are not there, and names the nearest."""
    there = list(there)
    for name in there if wanted is None else wanted:
        if name not in there:
            near = get_close_matches(str(name), there, n=4, cutoff=0.3) or there[:4]
            raise ValueError(f"there is no layer {name!r}. Near ones of {len(there)}: {', '.join(near)}.")
    return there if wanted is None else list(wanted)


def torch_module(network: Any) -> "nn.Module":
    """The torch module of a network that is not one of `coursekit.nn`."""
    torch = sys.modules.get("torch")  # who has no torch has no torch module either
    module = getattr(network, "model", network) if hasattr(network, "preprocess") else network
    if torch is None or not isinstance(module, torch.nn.Module):
        raise TypeError(
            f"network is {type(network).__name__}: expected a Sequential of coursekit.nn such as SimpleConvNet, "
            "a torch module, or what coursekit.models.pretrained() returns."
        )
    return module


def as_batch(network: Network, images: Any) -> Any:
    """Images as the network takes them, (N, C, H, W): an array for `coursekit.nn`, a tensor for torch.

    Parameters
    ----------
    network : Sequential, torch.nn.Module or Pretrained
    images : ndarray or Tensor
        Shape (N, C, H, W), (C, H, W), or (H, W) for one grey image. For a Pretrained also a photograph as it is,
        (H, W, 3) of uint8, which then is preprocessed.

    Raises
    ------
    TypeError, ValueError
        If they are bytes where numbers are expected, or have another shape.
    """
    shape = tuple(np.shape(images))
    if not isinstance(network, Sequential):
        torch_module(network)  # refuses what is none
        if hasattr(network, "preprocess") and getattr(images, "dtype", None) == np.uint8 and shape[-1:] == (3,):
            return network.preprocess(images)
    if not 2 <= len(shape) <= 4 or 0 in shape:
        raise ValueError(f"images have shape {shape}: expected (N, C, H, W), (C, H, W), or (H, W) for one grey image.")
    if getattr(images, "dtype", None) in (np.uint8, bool):
        raise TypeError(
            "images are bytes: give them as the network was trained on them, as by coursekit.data.as_float."
        )
    if not isinstance(network, Sequential):
        from coursekit.viz.torch_layers import as_tensor

        images = as_tensor(torch_module(network), images)
    return images.reshape((1,) * (4 - len(shape)) + shape)


def one_volume(network: Network, image: Any) -> Any:
    """As `as_batch`, for exactly one image."""
    batch = as_batch(network, image)
    if len(batch) != 1:
        raise ValueError(f"image has shape {tuple(batch.shape)}: expected one image, as images[0].")
    return batch
