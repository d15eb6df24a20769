"""Gradients and losses of torch modules, with nothing left behind in them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from coursekit.viz.torch_layers import as_tensor, evaluating

GROUP = 256  # images that go through together


def torch_gradients(model: nn.Module, x: Any, t: Any) -> dict[str, np.ndarray]:
    """Gradient of the mean cross-entropy for every parameter, run as in training on copies of the buffers."""
    before = {part: part.training for part in model.modules()}
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    parameters = {name: value for name, value in model.named_parameters() if value.requires_grad}
    images = as_tensor(model, x)
    model.train()
    try:
        with torch.enable_grad():
            scores = torch.func.functional_call(model, buffers, (images,))
            loss = functional.cross_entropy(scores, torch.as_tensor(t).to(scores.device, torch.int64))
            grads = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    finally:
        for part, training in before.items():
            part.training = training
    return {name: grad.detach().cpu().numpy() for name, grad in zip(parameters, grads, strict=True) if grad is not None}


def torch_losses(model: nn.Module, a: Mapping[str, Tensor], b: Mapping[str, Tensor], data, places) -> list[float]:
    """Mean cross-entropy at each place of the line from a to b; whole numbers, such as counters, are those of a."""
    if missing := {name for name, _ in model.named_parameters()} - a.keys():
        raise ValueError(f"weights_a lacks {', '.join(sorted(missing))}: give copies of state_dict().")
    images, labels = as_tensor(model, data[0]), torch.as_tensor(data[1]).to(torch.int64)
    losses = []
    with evaluating(model), torch.no_grad():
        for s in places.tolist():
            mixed = {
                name: (1 - s) * value + s * b[name] if value.is_floating_point() else value for name, value in a.items()
            }
            total = 0.0
            for start in range(0, len(images), GROUP):
                scores = torch.func.functional_call(model, mixed, (images[start : start + GROUP],))
                these = labels[start : start + GROUP].to(scores.device)
                total += float(functional.cross_entropy(scores, these, reduction="sum"))
            losses.append(total / len(images))
    return losses
