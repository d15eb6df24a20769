"""Torch modules watched from outside, by hooks that are always taken off again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from coursekit.viz.running import known_layers

SILENT = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.ZeroPad2d, nn.Flatten)  # in use they change no number


class Enough(Exception):  # no error: the layers behind need not run
    """Raised by a hook when all that was wanted is there."""


def run_torch(model: nn.Module, batch: Tensor, layers: Sequence[str] | None = None) -> dict[str, Any]:
    """What the layers make of a batch, as arrays: float32 or as the model computes.

    A layer is a module without parts, or with parameters of its own; with `layers` any module can be asked for. One
    that runs several times is numbered from the second time on: "relu", "relu (2)".
    """
    if layers is not None:  # "relu (2)" is asked of the module "relu"
        known_layers([name for name, _ in model.named_modules()], [name.split(" (")[0] for name in layers])
    wanted = None if layers is None else {name.split(" (")[0] for name in layers}
    volumes: dict[str, Any] = {}

    def note(name: str, out: Any) -> None:
        if isinstance(out, Tensor):
            value = out.detach().to("cpu")
            value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
            volumes[numbered(name, volumes)] = value.numpy().copy()  # a ReLU in place would change it afterwards
        if layers is not None and volumes.keys() >= set(layers):
            raise Enough

    with evaluating(model), torch.no_grad(), watching(model, wanted, note), suppress(Enough):
        model(batch)
    return volumes


def numbered(name: str, there: Any) -> str:
    """The name, or where it is taken, the name with the number of the call."""
    count = 1
    while (label := name if count == 1 else f"{name} ({count})") in there:
        count += 1
    return label


def layer_modules(model: nn.Module) -> dict[str, nn.Module]:
    """The modules that are layers: without parts, or with parameters of their own."""
    found = {}
    for name, part in model.named_modules():
        own = next(part.parameters(recurse=False), None) is not None
        if (own or next(part.children(), None) is None) and not isinstance(part, SILENT):
            found[name] = part
    return found


@contextmanager
def watching(model: nn.Module, names: set[str] | None, note: Callable[[str, Any], None]) -> Iterator[None]:
    """Call note(name, output) whenever one of these modules, or without names any layer, has run."""
    modules = dict(model.named_modules())
    chosen = layer_modules(model) if names is None else {name: modules[name] for name in modules if name in names}
    handles = [
        part.register_forward_hook(lambda part, args, out, name=name: note(name, out)) for name, part in chosen.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Run as in use for a while; afterwards each part is in the mode it was in."""
    before = {part: part.training for part in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for part, was in before.items():
            part.training = was


def as_tensor(model: nn.Module, images: Any) -> Tensor:
    """Images on the model's device, in its type of numbers."""
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    return torch.as_tensor(images).to(device=like.device, dtype=like.dtype)
