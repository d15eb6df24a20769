"""Looking into a network without leaving a trace: modes, hooks and parameters are afterwards as they were before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = [
    "Targets",
    "as_targets",
    "chosen_scores",
    "find_layer",
    "input_of",
    "last_linear",
    "last_maps",
    "output_of",
    "undisturbed",
]

Targets = Tensor | Sequence[int] | int | None  # a class for each image, one for all, or None for the best


@contextmanager
def undisturbed(network: nn.Module, images: Tensor) -> Iterator[Tensor]:
    """Evaluation mode and gradients for a while; afterwards every part is in the mode it came in.

    Parameters
    ----------
    network : nn.Module
        Its parameters are only read: gradients are asked for by `torch.autograd.grad`, which fills no ``.grad``.
    images : Tensor of shape (N, C, H, W), floating

    Yields
    ------
    pixels : Tensor of shape (N, C, H, W)
        A copy of the images that wants gradients.

    Raises
    ------
    TypeError, ValueError
        If network is no module, or the images are no batch of numbers with a point.
    """
    _check(network, images)
    modes = {part: part.training for part in network.modules()}
    try:
        network.eval()
        with torch.inference_mode(False), torch.enable_grad():
            yield images.detach().clone().requires_grad_()
    finally:
        for part, mode in modes.items():
            part.training = mode


@contextmanager
def output_of(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Keep what a layer gives, in a list of one: from its last call, where a network calls it more than once."""
    kept: list[Tensor] = []

    def keep(_, __, output):
        if not isinstance(output, Tensor):
            raise ValueError(f"the layer gives a {type(output).__name__}, expected a tensor: name a layer inside it.")
        kept[:] = [output]
        return output.clone()  # else a ReLU that works in place would write over what is kept

    handle = layer.register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()


@contextmanager
def input_of(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Keep what a layer is given, in a list of one: at its last call."""
    kept: list[Tensor] = []

    def keep(_, given):
        kept[:] = [given[0]]

    handle = layer.register_forward_pre_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()


def as_targets(scores: Tensor, targets: Targets) -> Tensor:
    """The class of each image, shape (N,), int64: the given one, or the one with the highest score.

    Raises
    ------
    TypeError, ValueError
        If the scores are not (N, classes), or the targets not N numbers of classes.

    >>> as_targets(torch.tensor([[0.1, 0.9], [0.7, 0.3]]), None)
    tensor([1, 0])
    """
    if not isinstance(scores, Tensor) or scores.ndim != 2:
        got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(f"the network gives {got}, expected scores (N, classes): is it a classifier?")
    if targets is None:
        return scores.argmax(1)
    classes = torch.as_tensor(targets, device=scores.device)
    if classes.dtype.is_floating_point or classes.dtype == torch.bool:
        raise TypeError(f"targets are {classes.dtype}, expected whole numbers, one class for each image.")
    if classes.ndim == 0:
        classes = classes.expand(len(scores))
    if classes.shape != scores.shape[:1]:
        raise ValueError(f"targets have shape {tuple(classes.shape)}, expected ({len(scores)},), one for each image.")
    if len(classes) and not 0 <= int(classes.min()) <= int(classes.max()) < scores.shape[1]:
        raise ValueError(f"targets are {classes.tolist()}: expected classes from 0 to {scores.shape[1] - 1}.")
    return classes.long()


def chosen_scores(scores: Tensor, targets: Targets) -> Tensor:
    """The score of each image's class: (N, classes) -> (N,)."""
    return scores.gather(1, as_targets(scores, targets)[:, None])[:, 0]


def find_layer(network: nn.Module, layer: str | nn.Module) -> nn.Module:
    """A layer by its name, as `named_modules` lists it.

    Raises
    ------
    ValueError
        If the network has no such layer.
    """
    parts = dict(network.named_modules())
    if isinstance(layer, nn.Module) and any(part is layer for part in parts.values()):
        return layer
    if not isinstance(layer, str) or layer not in parts or not layer:
        leaves = [name for name, part in parts.items() if name and not any(part.children())]
        some = ", ".join(leaves if len(leaves) <= 8 else [*leaves[:3], "...", *leaves[-3:]])
        shown = repr(layer) if isinstance(layer, str) else f"a {type(layer).__name__}"
        raise ValueError(f"layer is {shown}: the network has no such layer. It has {some}; or take a block's name.")
    return parts[layer]


def last_linear(network: nn.Module) -> nn.Module:
    """The fully connected layer that was defined last.

    Raises
    ------
    ValueError
        If there is none.
    """
    layers = [part for part in network.modules() if isinstance(part, nn.Linear)]
    if not layers:
        raise ValueError(f"{type(network).__name__} has no fully connected layer: name one whose output to take.")
    return layers[-1]


POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.LPPool2d)


def last_maps(network: nn.Module, images: Tensor) -> nn.Module:
    """The part of a classifier that gives the last maps (N, K, h, w) before they are pooled or flattened.

    That is the last layer with more than one place, pooling aside; or the block around it, if that ends later with
    maps of the same size, as a residual block does after its addition.

    Raises
    ------
    ValueError
        If no layer gives maps.
    """
    calls: list[tuple[nn.Module, torch.Size]] = []
    handles = [part.register_forward_hook(_noting(calls)) for part in network.modules()]
    try:
        with torch.no_grad():
            network(images[:1].clone())
    finally:
        for handle in handles:
            handle.remove()
    maps = [(part, shape[2:]) for part, shape in calls if len(shape) == 4 and shape[2] * shape[3] > 1]
    layers = [call for call in maps if not any(call[0].children()) and not isinstance(call[0], POOLS)]
    if not layers:
        raise ValueError("no layer of the network gives maps with more than one place: name one by layer=.")
    return [part for part, size in maps if size == layers[-1][1] and not isinstance(part, POOLS)][-1]


def _noting(calls: list):
    def note(part, _, output):
        if isinstance(output, Tensor):
            calls.append((part, output.shape))

    return note


def _check(network: nn.Module, images: Tensor) -> None:
    if not isinstance(network, nn.Module):
        hint = " Of a pretrained network give its .model." if hasattr(network, "model") else ""
        raise TypeError(f"network is {type(network).__name__}, expected an nn.Module.{hint}")
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(
            f"images are {kind}, expected a tensor of floats, prepared as the network wants them: "
            "coursekit.models.pretrained().preprocess(photo) gives one."
        )
    if images.ndim != 4 or not images.numel():
        raise ValueError(
            f"images have shape {tuple(images.shape)}, expected (N, C, H, W). One image needs image[None]."
        )
