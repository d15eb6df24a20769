"""What a unit can see, and what it listens to: the receptive field by arithmetic and by gradients."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from coursekit.nn.layers import Convolution, Layer, MaxPooling, Relu
from coursekit.nn.more_layers import (
    AveragePooling,
    BatchNorm,
    Dropout,
    Elu,
    L2Pooling,
    LeakyRelu,
    LocalResponseNorm,
    Sigmoid,
    Tanh,
)
from coursekit.nn.sequential import Sequential
from coursekit.shapes import Field, Window
from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.running import Network, known_layers, one_volume, run_layers, torch_module

__all__ = ["EffectiveField", "effective_field", "effective_field_figure", "layer_fields", "show_effective_field"]

Fields = tuple[Field, Field]
WINDOWED = (Convolution, MaxPooling, AveragePooling, L2Pooling)
EACH_FOR_ITSELF = (
    Relu,
    LeakyRelu,
    Elu,
    Sigmoid,
    Tanh,
    BatchNorm,
    LocalResponseNorm,
    Dropout,
)  # in use, not in training


class EffectiveField(NamedTuple):
    """How much each pixel moves a unit on average, and the square beyond which no pixel can.

    Attributes
    ----------
    values : ndarray of shape (H, W)
        Mean absolute gradient, over inputs and channels; they add up to 1.
    top, left, height, width : int
        The receptive field by arithmetic, in pixels; it may reach beyond the image, into the padding.

    >>> EffectiveField(np.eye(3) / 3, top=0, left=0, height=3, width=3).side()  # a square with 95 % of it
    3
    """

    values: np.ndarray
    top: int
    left: int
    height: int
    width: int

    def side(self, part: float = 0.95) -> int:
        """Side of the smallest square around the field's centre that holds this part of the gradient, in pixels.

        >>> EffectiveField(np.eye(3) / 3, 0, 0, 3, 3).side(0.3), EffectiveField(np.eye(3) / 3, 0, 0, 3, 3).side()
        (1, 3)
        """
        rows = np.abs(np.arange(self.values.shape[0]) - self.top - (self.height - 1) / 2)
        columns = np.abs(np.arange(self.values.shape[1]) - self.left - (self.width - 1) / 2)
        reach = np.maximum(rows[:, None], columns)  # half the side of the square that a pixel's middle is on
        order = np.argsort(reach, axis=None, kind="stable")
        held = np.cumsum(self.values.ravel()[order])
        last = min(int(np.searchsorted(held, part * held[-1])), held.size - 1)
        return int(2 * reach.ravel()[order[last]] + 1)


def layer_fields(network: Network, input_shape: tuple[int, int, int]) -> dict[str, Fields | None]:
    """The receptive field of every layer's numbers, by arithmetic.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, torch.nn.Module, or what `coursekit.models.pretrained` returns
    input_shape : (C, H, W)

    Returns
    -------
    fields : dict of name to (Field, Field) or None
        Along the height and along the width; None where a number sees the whole image, or it cannot be followed.

    Source: Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks", Distill 2019.

    >>> from coursekit.nn import SimpleConvNet
    >>> fields = layer_fields(SimpleConvNet(), (1, 28, 28))
    >>> fields["Conv1"][0], fields["Pool1"][0], fields["Affine1"]
    (Field(size=5, jump=1, start=0), Field(size=6, jump=2, start=0), None)
    """
    if not isinstance(network, Sequential):
        from coursekit.viz.torch_fields import torch_fields

        return torch_fields(torch_module(network), input_shape)
    fields: dict[str, Fields | None] = {}
    now: Fields | None = (Field(), Field())
    for name, layer in network.layers.items():
        if now is not None and isinstance(layer, WINDOWED):
            now = _through(now, layer)
        elif not isinstance(layer, EACH_FOR_ITSELF):  # sees all, as Affine does, or is not known
            now = None
        fields[name] = now
    return fields


def _through(fields: Fields, layer: Layer) -> Fields:
    """The fields behind one layer of `coursekit.nn`."""
    options = getattr(layer, "options", {})
    if isinstance(layer, Convolution):
        kernel, stride = layer.params["w"].shape[2:], options["stride"]
    else:
        kernel = layer.window
        stride = layer.stride if isinstance(layer, MaxPooling) else options.get("stride")
        stride = kernel if stride is None else stride
    padding = getattr(layer, "padding", options.get("padding", 0))
    numbers = (kernel, stride, options.get("dilation", 1), padding)
    each = (value if isinstance(value, tuple) else (value, value) for value in numbers)
    return tuple(field.through(Window(*w)) for field, w in zip(fields, zip(*each, strict=True), strict=True))


def effective_field(
    network: Network,
    layer: str,
    *,
    size: tuple[int, int, int] | None = None,
    inputs: Any = None,
    count: int = 20,
    seed: int = 0,
) -> EffectiveField:
    """Measure which pixels move the unit in the middle of a layer, and how much.

    The gradient of a random mixture of the unit's maps, at the middle place, with respect to the image; its absolute
    value, averaged over many images.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, torch.nn.Module, or what `coursekit.models.pretrained` returns
        Run as in use; left in the mode it was in, without gradients.
    layer : str
        As `activations` lists them; it must have places.
    size : (C, H, W), optional
        Of the images drawn, normal numbers; the network's own where it has one.
    inputs : ndarray or Tensor, shape (N, C, H, W), optional
        Images to use in place of random ones.
    count : int
        Random images.
    seed : int
        Draws the images and the mixtures.

    Raises
    ------
    ValueError
        If there is no such layer, it has no places, or there is no size.

    Source: Luo, Li, Urtasun & Zemel (2016), "Understanding the effective receptive field in deep convolutional neural
    networks", section 3.

    >>> from coursekit.nn import AllConvNet
    >>> field = effective_field(AllConvNet(), "Conv4", count=5)
    >>> (field.top, field.left), (field.height, field.width), field.values.shape
    ((6, 6), (13, 13), (28, 28))
    """
    rng = np.random.default_rng(seed)
    if inputs is None:
        inputs = rng.normal(size=(count, *_size_of(network, size)))
        inputs = inputs.astype(network.dtype) if isinstance(network, Sequential) else inputs
    one = one_volume(network, inputs[:1])
    volume = run_layers(network, one, [layer])[layer]
    fields = layer_fields(network, tuple(one.shape[1:])).get(layer)
    if volume.ndim != 4 or fields is None:
        raise ValueError(f"layer {layer!r} returns shape {volume.shape} and sees the whole image: it has no field.")
    place = volume.shape[2] // 2, volume.shape[3] // 2
    total = np.zeros(one.shape[2:])
    for k in range(len(inputs)):
        mixture = np.zeros(volume.shape, volume.dtype)
        mixture[0, :, place[0], place[1]] = rng.normal(size=volume.shape[1])
        total += np.abs(_input_gradient(network, inputs[k : k + 1], layer, mixture)[0]).sum(axis=0)
    corner = [field.start + at * field.jump for field, at in zip(fields, place, strict=True)]
    return EffectiveField(total / (total.sum() or 1.0), *corner, fields[0].size, fields[1].size)


def _size_of(network: Network, size: tuple[int, int, int] | None) -> tuple[int, int, int]:
    size = size or getattr(network, "input_dim", None)
    if size is None and hasattr(network, "preprocess"):
        size = tuple(network.preprocess(np.zeros((256, 256, 3), np.uint8)).shape[1:])
    if size is None or len(size) != 3:
        raise ValueError(f"size is {size}: expected (C, H, W) of the images that the network takes.")
    return tuple(size)


def _input_gradient(network: Network, image: Any, layer: str, mixture: np.ndarray) -> np.ndarray:
    """Gradient of sum(mixture * layer) with respect to one image, (1, C, H, W)."""
    if not isinstance(network, Sequential):
        from coursekit.viz.torch_fields import input_gradient

        return input_gradient(torch_module(network), one_volume(network, image), layer, mixture)
    run_layers(network, image, [layer])  # each layer remembers what backward needs
    names = list(network.layers)
    row = [network.layers[name] for name in names[: names.index(known_layers(names, [layer])[0]) + 1]]
    skipping = [part for part in row if getattr(part, "input_grad", True) is False]
    grads = [part.grads for part in row]
    try:
        for part in skipping:
            part.input_grad = True  # a first layer usually leaves out the image's gradient
        for part in reversed(row):
            mixture = part.backward(mixture)
    finally:
        for part in skipping:
            part.input_grad = False
        for part, before in zip(row, grads, strict=True):
            part.grads = before
    return mixture


def show_effective_field(fields: Mapping[str, EffectiveField], *, alt: str | None = None) -> None:
    """Show what units listen to, each with the square that it can see.

    Parameters
    ----------
    fields : dict of title to EffectiveField
    alt : str, optional
        What the figure shows; made from the fields where not given.

    Raises
    ------
    ValueError
        If there is no field.

    >>> show_effective_field({"diagonal": EffectiveField(np.eye(3) / 3, 0, 0, 3, 3)})
    Where units listen, a square for what each can see. diagonal: sees 3 x 3 pixels, 95 % of the gradient lie within \
3 x 3.
    """
    figure = effective_field_figure(fields)
    each = [
        f"{title}: sees {f.height} x {f.width} pixels, 95 % of the gradient lie within {f.side()} x {f.side()}"
        for title, f in fields.items()
    ]
    show(figure, alt or f"Where units listen, a square for what each can see. {'; '.join(each)}.")


def effective_field_figure(fields: Mapping[str, EffectiveField]) -> Figure:
    """Draw what `show_effective_field` shows.

    >>> figure = effective_field_figure({"diagonal": EffectiveField(np.eye(3) / 3, 0, 0, 3, 3)})
    >>> len(figure.axes), len(figure.legends)
    (1, 1)
    """
    if not fields:
        raise ValueError("fields is empty: give at least one, as {title: effective_field(...)}.")
    side = min(2.9, 8.0 / len(fields))
    figure, axes = new_figure(1, len(fields), size=(max(4.5, side * len(fields)), side + 0.95))  # the legend needs 4.5
    for panel, (title, field) in zip(axes[0], fields.items(), strict=True):
        _draw_field(panel, title, field)
    figure.legend(
        handles=axes[0, 0].patches[:2], loc="outside lower center", ncols=2, fontsize=8, frameon=False, handlelength=1.2
    )
    return figure


def _draw_field(panel: Axes, title: str, field: EffectiveField) -> None:
    values = np.sqrt(field.values)  # the rim is far weaker than the middle, and would be plain black
    panel.imshow(values, cmap="gray", vmin=0, vmax=values.max() or 1.0)
    seen = (field.left - 0.5, field.top - 0.5), field.width, field.height
    heard = field.side()
    middle = field.left + (field.width - 1) / 2, field.top + (field.height - 1) / 2
    listens = (middle[0] - heard / 2, middle[1] - heard / 2), heard, heard
    for (corner, width, height), colour, dash, what in (
        (seen, PALETTE[5], "-", "can see: the field by arithmetic"),
        (listens, PALETTE[4], "--", "listens to: 95 % of the gradient"),
    ):
        panel.add_patch(Rectangle(corner, width, height, fill=False, ec=colour, ls=dash, lw=2, label=what))
    panel.set(xticks=[], yticks=[])
    panel.set_title(f"{title}\nsees {field.height}×{field.width}, listens to {heard}×{heard}", fontsize=9)
    panel.grid(False)
