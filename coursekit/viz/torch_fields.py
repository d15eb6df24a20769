"""Receptive fields and input gradients of torch modules."""

from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.models.trace import Watch, entering
from coursekit.shapes import Field
from coursekit.viz.torch_layers import Enough, as_tensor, evaluating, numbered, watching


def torch_fields(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, tuple[Field, Field] | None]:
    """The receptive field behind every part of a module, followed by the watch that makes the layer table.

    Run with numbers, all of them 0: on torch's device ``meta`` the first run would load torch's compiler, for seconds.
    """
    image = as_tensor(model, np.zeros((1, *input_shape), np.float32))
    watch = Watch({}, itemsize=4)
    watch.begin(image)
    fields: dict[str, Any] = {}

    def note(name: str, out: Any) -> None:
        _, found = watch.fields.get(id(out), (None, None))
        fields[numbered(name, fields)] = found if found is not None and len(found) == 2 else None

    hooks = watching(model, {name for name, _ in model.named_modules()}, note)
    with torch.no_grad(), evaluating(model), entering(model, watch), hooks, watch:  # its hooks first: it has left then
        model(image)
    return fields


def input_gradient(model: nn.Module, image: Tensor, layer: str, mixture: np.ndarray) -> np.ndarray:
    """Gradient of sum(mixture * layer) with respect to one image; the parameters get none."""
    image = image.detach().clone().requires_grad_()
    outputs: dict[str, Tensor] = {}

    def note(name: str, out: Any) -> None:
        outputs[numbered(name, outputs)] = out
        if layer in outputs:
            raise Enough

    with evaluating(model), torch.enable_grad(), watching(model, {layer.split(" (")[0]}, note):
        with suppress(Enough):
            model(image)
        weighted = (outputs[layer] * torch.as_tensor(mixture).to(outputs[layer])).sum()
        return torch.autograd.grad(weighted, image)[0].cpu().numpy()
