"""A pattern as a torch module."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from coursekit.models.pattern import Pattern, parse
from coursekit.models.pattern_table import Step, pattern_steps


def pattern_module(pattern: Pattern | str, input_shape: Sequence[int] | None = None) -> nn.Sequential:
    """Build the network that a pattern describes, with random weights.

    Parameters
    ----------
    pattern : Pattern or str
    input_shape : sequence of int, optional
        (C, H, W) or (C, L), in place of what the pattern's INPUT says.

    Returns
    -------
    torch.nn.Sequential
        Its layers bear the names of the table: conv1, relu1, pool1, ... For pictures (N, C, H, W), float32.

    Raises
    ------
    PatternError
        If the text does not parse, sizes are missing, or a layer runs out of pixels.

    >>> pattern_module("INPUT 1x28x28 -> FC-10")
    Sequential(
      (flatten1): Flatten(start_dim=1, end_dim=-1)
      (fc1): Linear(in_features=784, out_features=10, bias=True)
    )
    """
    pattern = parse(pattern) if isinstance(pattern, str) else pattern
    steps = pattern_steps(pattern, tuple(input_shape) if input_shape is not None else None)
    return nn.Sequential(OrderedDict((step.name, _module(step)) for step in steps[1:]))


def _module(step: Step) -> nn.Module:
    layer, channels, axes = step.layer, step.before[0], len(step.before) - 1
    if layer.kind == "CONV":
        return _convolution(step)
    if layer.kind in ("POOL", "AVGPOOL"):
        kernel, stride, _, padding = zip(*step.windows, strict=True)
        pool = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d) if layer.kind == "POOL" else _AVERAGE
        return pool[axes - 1](kernel, stride, padding, ceil_mode="CEIL" in layer.flags)
    if layer.kind == "GAP":
        return (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[axes - 1](1)
    if layer.kind == "FC":
        return nn.Linear(channels, layer.count, bias="NOBIAS" not in layer.flags)
    if layer.kind == "BN":
        return (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[axes](channels)
    return _WITHOUT_SIZES[layer.kind]()


def _convolution(step: Step) -> nn.Module:
    layer = step.layer
    kernel, stride, dilation, padding = zip(*step.windows, strict=True)
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(kernel) - 1]
    sizes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": layer.groups}
    return kind(step.before[0], layer.count, kernel, bias="NOBIAS" not in layer.flags, **sizes)


def _response_norm() -> nn.Module:
    # AlexNet, section 3.3: n = 5, alpha = 1e-4, beta = 0.75, k = 2; torch divides alpha by n, the paper does not
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


_AVERAGE = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_WITHOUT_SIZES = {
    "RELU": nn.ReLU,
    "TANH": nn.Tanh,
    "SIGMOID": nn.Sigmoid,
    "SOFTMAX": lambda: nn.Softmax(dim=1),
    "DROPOUT": nn.Dropout,  # one half, as in AlexNet
    "LRN": _response_norm,
    "FLATTEN": nn.Flatten,
}
