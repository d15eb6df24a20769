"""How much of the input one number deep in a network can see."""

from collections.abc import Iterable
from typing import NamedTuple

from coursekit.shapes._whole import whole


class Window(NamedTuple):
    """A layer along one axis: kernel length, stride, dilation, and the padding at its start."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: int = 0


class Field(NamedTuple):
    """What the numbers of a layer see along one axis, in pixels of the network's input.

    Attributes
    ----------
    size : int
        Pixels that one number sees: the receptive field.
    jump : int
        Pixels between the fields of two neighbours: the product of all strides so far.
    start : int
        First pixel of the first number's field; below 0 where it reaches into the padding.
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def through(self, window: Window) -> "Field":
        """Return the field behind one more layer."""
        kernel, stride, dilation, padding = window
        return Field(
            self.size + (kernel - 1) * dilation * self.jump,
            self.jump * stride,
            self.start - padding * self.jump,
        )


def receptive_field(layers: Iterable[Window | tuple[int, ...]]) -> list[Field]:
    """Follow the receptive field through a stack of convolutions and poolings.

    Parameters
    ----------
    layers : iterable of (kernel, stride, dilation, padding)
        Along one axis; from the right, numbers may be left out: stride 1, dilation 1, padding 0.

    Returns
    -------
    list of Field
        (size, jump, start) behind each layer: size grows by (kernel - 1) * dilation * jump, and jump by the stride.

    Raises
    ------
    TypeError, ValueError
        If a length is not a whole number, or too small.

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", for the geometry; Araujo, Norris &
    Sim, "Computing receptive fields of convolutional neural networks", Distill 2019, for the recursion.

    >>> [field.size for field in receptive_field([(3,), (3,), (3,)])]      # three 3x3 see what one 7x7 sees
    [3, 5, 7]
    """
    fields, field = [], Field()
    for layer in layers:
        field = field.through(_window(layer))
        fields.append(field)
    return fields


def _window(layer: Window | tuple[int, ...]) -> Window:
    if isinstance(layer, (str, int)) or not 1 <= len(layer) <= 4:
        raise ValueError(f"a layer is {layer!r}: expected (kernel, stride, dilation, padding), or the first few.")
    kernel, stride, dilation, padding = Window(*layer)
    return Window(
        whole("kernel", kernel, 1), whole("stride", stride, 1), whole("dilation", dilation, 1),
        whole("padding", padding, 0),
    )  # fmt: skip
