"""What each layer of a classifier becomes in a network of convolutions alone."""

from math import prod

from torch import Tensor, fx, nn

__all__ = ["on_flat", "on_maps"]

Shape = tuple[int, ...]

ADAPTIVE = {nn.AdaptiveAvgPool2d: nn.AvgPool2d, nn.AdaptiveMaxPool2d: nn.MaxPool2d}
FLATTEN = {"flatten", "view", "reshape"}
# what treats each number by itself, and so does not care whether the numbers lie flat or in maps
ELEMENTWISE = (
    *(nn.Identity, nn.Dropout, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh),
    *(nn.Hardswish, nn.Softplus),
)
ELEMENTWISE_CALLS = {
    *("relu", "relu_", "relu6", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "dropout", "add", "iadd"),
    *("sub", "mul", "imul", "truediv", "neg", "clamp", "contiguous"),
}


class AtEachPlace(nn.Module):
    """A layer from (N, D) to (N, K), applied at each place of maps (N, D, H, W): they become (N, K, H, W)."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, maps: Tensor) -> Tensor:
        places = maps.permute(0, 2, 3, 1)  # (N, H, W, D)
        return self.layer(places.flatten(0, 2)).unflatten(0, places.shape[:3]).permute(0, 3, 1, 2)


def on_maps(node: fx.Node, layer: nn.Module | str, before: Shape, after: Shape) -> nn.Module | str | None:
    """What becomes of a call on (N, C, H, W): most stay; flatten goes; pooling to a fixed SIZE gets a fixed WINDOW."""
    called = "flatten" if isinstance(layer, nn.Flatten) else layer
    if called in FLATTEN and len(before) == 4 and after == (before[0], prod(before[1:])):
        return None
    if type(layer) in ADAPTIVE:
        return _window(node, before, after, ADAPTIVE[type(layer)])
    if called in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
        return _window(node, before, after, nn.AvgPool2d if "avg" in called else nn.MaxPool2d)
    if called == "mean" and _dimensions(node) == {2, 3} and len(before) == 4:
        return nn.AvgPool2d(before[2:], stride=1)
    if (isinstance(layer, nn.AvgPool2d) or called == "avg_pool2d") and before[2:] != after[2:] == (1, 1):
        return _covering(layer, before)
    if len(after) == 2:
        raise _no_counterpart(node, layer, f"it makes shape {after} of {before}")
    return layer


def _window(node: fx.Node, before: Shape, after: Shape, kind: type) -> nn.Module | None:
    """Pooling with a window that gives, at the design size, what pooling to a fixed number of places gives."""
    if before == after:
        return None
    if before[2] % after[2] or before[3] % after[3]:
        raise _no_counterpart(node, kind.__name__, f"{before[2:]} places do not divide into {after[2:]}")
    window = (before[2] // after[2], before[3] // after[3])
    # with a single place the step does not matter at the design size: take the finest
    return kind(window, stride=1 if after[2:] == (1, 1) else window)


def _dimensions(node: fx.Node) -> set[int]:
    """Axes over which a mean is taken."""
    axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", ())
    return {axis % 4 for axis in (axes if isinstance(axes, tuple | list) else (axes,)) if axis is not None}


def _covering(layer: nn.Module | str, before: Shape) -> nn.Module | str:
    """An average over the whole map is a global average, however it is written: let it slide by single places."""
    if isinstance(layer, nn.AvgPool2d) and layer.padding not in (0, (0, 0)):
        return layer
    return nn.AvgPool2d(before[2:], stride=1)


def on_flat(node: fx.Node, layer: nn.Module | str, block: Shape, after: Shape) -> tuple[nn.Module | str, Shape]:
    """What becomes of a call on (N, D), where D numbers are in truth a block (C, H, W), and what block it gives."""
    if isinstance(layer, nn.Linear):
        return _convolution(layer, block), (layer.out_features, 1, 1)
    if isinstance(layer, ELEMENTWISE) or layer in ELEMENTWISE_CALLS:
        return layer, block
    if block[1:] == (1, 1):  # one number a map: axis 1 holds the same D numbers as before
        if isinstance(layer, nn.BatchNorm1d):
            return _norm_of_maps(layer), block
        if isinstance(layer, nn.Softmax | nn.LogSoftmax):
            return type(layer)(dim=1), block
        if isinstance(layer, nn.Module) and len(after) == 2:
            return AtEachPlace(layer), (after[1], 1, 1)
        axis = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
        if layer in ("softmax", "log_softmax") and axis == 1:
            return layer, block
    raise _no_counterpart(node, layer, "it works on the flattened numbers")


def _convolution(linear: nn.Linear, block: Shape) -> nn.Conv2d:
    """The same weights, folded into kernels as large as the block: (M, D) is (M, C, H, W) read in the same order."""
    conv = nn.Conv2d(block[0], linear.out_features, block[1:], bias=linear.bias is not None, device="meta")
    conv.weight = nn.Parameter(linear.weight.detach().view(-1, *block), linear.weight.requires_grad)
    conv.bias = linear.bias
    return conv.train(linear.training)


def _norm_of_maps(norm: nn.BatchNorm1d) -> nn.BatchNorm2d:
    maps = nn.BatchNorm2d(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    maps._parameters, maps._buffers = norm._parameters, norm._buffers  # the same tensors, not copies
    return maps.train(norm.training)


def _no_counterpart(node: fx.Node, layer: nn.Module | str, why: str) -> ValueError:
    what = layer if isinstance(layer, str) else type(layer).__name__
    return ValueError(
        f"layer {node.target if node.op == 'call_module' else node.name} ({what}) has no counterpart on maps: {why}. "
        "Surgery knows flatten, global and dividing pooling, fully connected layers, batch norm, softmax over axis 1 "
        "and what treats each number by itself."
    )
