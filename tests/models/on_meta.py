"""Networks without memory for their weights, and what can be asked of them: shapes and counts."""

from functools import cache

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from coursekit.models import build


@cache
def on_meta(name, **options):
    """A network without memory for its weights: for sizes alone, so one is enough for all tests."""
    with torch.device("meta"):
        return build(name, **options)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def macs(network, shape):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, *shape, device="meta"))
    return counter.get_total_flops() // 2


def outputs(network, *images, kinds=(nn.Conv2d, nn.Linear)):
    """Shape of what each layer of some kinds gives, by its name."""
    shapes, hooks = {}, []
    for name, layer in network.named_modules():
        if isinstance(layer, kinds):
            hooks.append(layer.register_forward_hook(lambda m, x, y, name=name: shapes.update({name: tuple(y.shape)})))
    with torch.no_grad():
        network.eval()(*images)
    for hook in hooks:
        hook.remove()
    return shapes
