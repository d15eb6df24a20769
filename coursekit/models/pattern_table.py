"""A pattern, written out: its layers with names and shapes, and the rows of its table. Needs no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from coursekit.models.accounting import Row, make_row
from coursekit.models.pattern import Pattern
from coursekit.models.pattern_layer import SPECS, Layer, Lengths, PatternError, default_padding
from coursekit.shapes import Field, Window, conv_macs, conv_parameters, fc_macs, fc_parameters, output_size

KINDS = {"INPUT": "input", "CONV": "conv", "POOL": "pool", "AVGPOOL": "pool", "GAP": "pool", "FC": "fc", "BN": "norm",
         "LRN": "norm", "DROPOUT": "dropout", "FLATTEN": "flatten"}  # fmt: skip
NAMES = {"AVGPOOL": "pool"}


@dataclass(frozen=True)
class Step:
    """A layer where it stands: what comes in, what goes out, and its windows along each axis."""

    name: str
    layer: Layer
    before: tuple[int, ...]
    after: tuple[int, ...]
    windows: tuple[Window, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of row it makes."""
        return KINDS.get(self.layer.kind, "activation")


def pattern_steps(pattern: Pattern, input_shape: tuple[int, ...] | None = None) -> list[Step]:
    """Follow a picture's shape through a pattern.

    Parameters
    ----------
    pattern : Pattern
    input_shape : tuple of int, optional
        (C, H, W) or (C, L), in place of what INPUT says.

    Returns
    -------
    list of Step
        One for INPUT, one for each layer, and a "flatten" before an FC that follows a map.

    Raises
    ------
    PatternError
        If sizes are missing, a layer runs out of pixels, or its windows do not fit.
    """
    layers = pattern.layers()
    first = layers.pop(0) if layers and layers[0].kind == "INPUT" else Layer("INPUT")
    shape = input_shape or first.shape
    if shape is None:
        raise PatternError(
            "INPUT has no sizes.", pattern.text, first.place, "Write INPUT 3x224x224, or give input_shape."
        )
    steps = [Step("input", first, shape, shape)]
    counts: dict[str, int] = {}
    for layer in layers:
        if layer.kind == "FC" and len(shape) > 1:
            flatten = Layer("FLATTEN", place=layer.place)
            steps.append(Step(_name(counts, flatten), flatten, shape, (prod(shape),)))
            shape = steps[-1].after
        name = _name(counts, layer)
        after, windows = _through(layer, shape, _refusal(pattern, layer, name, shape))
        steps.append(Step(name, layer, shape, after, windows))
        shape = after
    return steps


def pattern_rows(pattern: Pattern, input_shape: tuple[int, ...] | None = None, itemsize: int = 4) -> tuple[Row, ...]:
    """Make the table's rows of a pattern; arguments and errors as in `pattern_steps`."""
    rows, fields = [], None
    for step in pattern_steps(pattern, input_shape):
        if step.kind == "input":
            fields = (Field(),) * (len(step.after) - 1)
        elif step.windows:
            fields = tuple(field.through(window) for field, window in zip(fields, step.windows, strict=True))
        elif len(step.after) == 1:
            fields = None
        seen = {} if step.kind == "input" or not fields else {
            "receptive_field": _one([field.size for field in fields]), "jump": _one([field.jump for field in fields]),
        }  # fmt: skip
        rows.append(make_row(step.name, step.kind, step.after, itemsize, **_costs(step), **seen))
    return tuple(rows)


def per_axis(lengths: Lengths, axes: int) -> Lengths:
    """One length per axis."""
    return lengths * axes if len(lengths) == 1 else lengths


def _name(counts: dict[str, int], layer: Layer) -> str:
    """conv1, conv2, pool1, ...: the kind and how many of it there have been."""
    name = NAMES.get(layer.kind, layer.kind.lower())
    counts[name] = counts.get(name, 0) + 1
    return f"{name}{counts[name]}"


def _refusal(pattern: Pattern, layer: Layer, name: str, shape: tuple[int, ...]) -> Callable[..., PatternError]:
    """What makes the errors of one layer, which say what comes into it."""

    def refusal(problem: str, advice: str = "") -> PatternError:
        said = f"{layer} ({name}), which gets {'x'.join(map(str, shape))}: {problem}"
        return PatternError(said, pattern.text, layer.place, advice)

    return refusal


def _through(layer: Layer, shape: tuple[int, ...], refusal: Callable) -> tuple[tuple[int, ...], tuple[Window, ...]]:
    """The shape behind a layer, and its windows."""
    if not layer.sized:
        raise refusal("it has no sizes.", f"Write them, such as {layer.kind}{SPECS[layer.kind][0]}.")
    if layer.kind == "FC":
        return (layer.count,), ()
    if layer.kind not in ("CONV", "POOL", "AVGPOOL", "GAP", "LRN"):
        return shape, ()
    channels, *sizes = shape
    if not sizes:
        raise refusal("it needs a map, and a fully connected layer leaves none.", "Put it before the first FC.")
    if layer.kind == "LRN":
        return shape, ()
    if layer.kind == "GAP":
        return (channels, *[1] * len(sizes)), tuple(Window(size, size) for size in sizes)
    if channels % layer.groups or (layer.count and layer.count % layer.groups):
        raise refusal(f"{layer.groups} groups divide {channels} channels and {layer.count} filters unevenly.")
    windows = _windows(layer, len(sizes), refusal)
    return (layer.count or channels, *_places(layer, sizes, windows, refusal)), windows


def _windows(layer: Layer, axes: int, refusal: Callable) -> tuple[Window, ...]:
    stride = layer.stride or (layer.kernel if layer.kind != "CONV" else (1,))
    parts = [layer.kernel, stride, layer.dilation or (1,), layer.padding or default_padding(layer)]
    if any(len(part) not in (1, axes) for part in parts):
        raise refusal(f"it has sizes for another number of axes than {axes}.")
    windows = tuple(Window(*window) for window in zip(*(per_axis(part, axes) for part in parts), strict=True))
    if layer.kind != "CONV" and any(2 * window.padding > window.kernel for window in windows):
        raise refusal("a pooling's padding is at most half its window.", "Use a smaller /P.")
    return windows


def _places(layer: Layer, sizes: list[int], windows: tuple[Window, ...], refusal: Callable) -> list[int]:
    mode = next((flag.lower() for flag in ("FLOOR", "CEIL") if flag in layer.flags), "strict")
    try:
        return [
            output_size(size, w.kernel, w.stride, w.padding, w.dilation, mode=mode)
            for size, w in zip(sizes, windows, strict=True)
        ]
    except ValueError as error:
        problem = str(error).split("\n")[0]
        if "longer than" in problem:
            raise refusal(f"it has run out of pixels: {problem}", "Use a larger input, or fewer poolings.") from error
        advice = "Change the sizes, or write /FLOOR to drop the rest, as PyTorch does by itself"
        advice += ", or /CEIL to let the last window hang over." if "CEIL" in SPECS[layer.kind][2] else "."
        raise refusal(problem, advice) from error


def _costs(step: Step) -> dict[str, int]:
    """Weights, biases and multiply-adds of one layer."""
    layer, channels = step.layer, step.before[0]
    biases = 0 if "NOBIAS" in layer.flags else layer.count
    if layer.kind == "CONV":
        kernel = [window.kernel for window in step.windows]
        weights = conv_parameters(channels, layer.count, kernel, groups=layer.groups, bias=False)
        macs = conv_macs(channels, layer.count, kernel, step.after[1:], groups=layer.groups)
    elif layer.kind == "FC":
        weights, macs = fc_parameters(channels, layer.count, bias=False), fc_macs(channels, layer.count)
    elif layer.kind == "BN":
        weights, biases, macs = channels, channels, 0
    else:
        return {}
    return {"weights": weights, "biases": biases, "macs": macs}


def _one(numbers: list[int]) -> int | tuple[int, ...]:
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)
