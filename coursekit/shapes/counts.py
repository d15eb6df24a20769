"""What a layer costs: parameters, multiply-adds (MACs), numbers kept and their bytes.

One MAC is one multiplication and one addition, 2 FLOPs. A kernel, a stride or an output size is one whole number, the
same along every axis of a picture, or a sequence with one number per axis: (11, 11), (9,) for a sound.
"""

from collections.abc import Sequence
from math import prod

from coursekit.shapes._whole import whole

Lengths = int | Sequence[int]


def conv_parameters(channels: int, filters: int, kernel: Lengths, *, groups: int = 1, bias: bool = True) -> int:
    """Trainable numbers of a convolution, which every place of the picture shares.

    Parameters
    ----------
    channels, filters : int
        Maps that come in, and that go out.
    kernel : int or sequence of int
        Kernel length: the same along two axes, or one per axis.
    groups : int
        Parts into which both are cut; a filter sees the channels of its own part alone.
    bias : bool
        Whether each filter has a bias.

    Raises
    ------
    TypeError, ValueError
        If a count is not a whole number of 1 or more, or `groups` does not divide channels and filters.

    >>> conv_parameters(3, 96, 11)      # AlexNet's first layer: 34,848 weights and 96 biases
    34944
    """
    fan_in = _fan_in(channels, filters, kernel, groups)
    return filters * (fan_in + bool(bias))


def conv_macs(channels: int, filters: int, kernel: Lengths, output: Lengths, *, groups: int = 1) -> int:
    """Multiply-adds of a convolution for one picture: each number of the output takes one per weight of its filter.

    Parameters
    ----------
    channels, filters, kernel, groups
        As in `conv_parameters`.
    output : int or sequence of int
        Pixels of the output map, likewise.

    Raises
    ------
    TypeError, ValueError
        As in `conv_parameters`, or if `kernel` and `output` have different numbers of axes.

    >>> conv_macs(3, 64, 11, 56)
    72855552
    """
    _same_axes(kernel, output, "output")
    return filters * prod(_lengths("output", output)) * _fan_in(channels, filters, kernel, groups)


def transposed_macs(channels: int, filters: int, kernel: Lengths, size: Lengths, *, groups: int = 1) -> int:
    """Multiply-adds of a transposed convolution: each number of the INPUT goes through every weight of its channel.

    Parameters
    ----------
    channels, filters, kernel, groups
        As in `conv_parameters`.
    size : int or sequence of int
        Pixels of the input map. Products that padding crops from the output are counted, too.

    Raises
    ------
    TypeError, ValueError
        As in `conv_macs`.
    """
    _same_axes(kernel, size, "size")
    return filters * prod(_lengths("size", size)) * _fan_in(channels, filters, kernel, groups)


def unshared_parameters(channels: int, filters: int, kernel: Lengths, output: Lengths, *, bias: bool = True) -> int:
    """Trainable numbers if every place of the output had a kernel of its own, as in a locally connected layer.

    Parameters
    ----------
    channels, filters, kernel, output, bias
        As in `conv_parameters` and `conv_macs`.

    Raises
    ------
    TypeError, ValueError
        As in `conv_macs`.

    >>> unshared_parameters(3, 96, 11, 55)      # 290,400 neurons with 364 parameters each
    105705600
    """
    _same_axes(kernel, output, "output")
    return prod(_lengths("output", output)) * conv_parameters(channels, filters, kernel, bias=bias)


def fc_parameters(inputs: int, outputs: int, *, bias: bool = True) -> int:
    """Trainable numbers of a fully connected layer.

    Raises
    ------
    TypeError, ValueError
        If a count is not a whole number of 1 or more.

    >>> fc_parameters(512 * 7 * 7, 4096, bias=False)      # VGG's first one: three quarters of the network
    102760448
    """
    return whole("outputs", outputs, 1) * (whole("inputs", inputs, 1) + bool(bias))


def fc_macs(inputs: int, outputs: int) -> int:
    """Multiply-adds of a fully connected layer for one picture: one per weight.

    Raises
    ------
    TypeError, ValueError
        If a count is not a whole number of 1 or more.
    """
    return fc_parameters(inputs, outputs, bias=False)


def pool_operations(channels: int, kernel: Lengths, output: Lengths) -> int:
    """Numbers that a pooling layer looks at for one picture; they are comparisons or additions, not MACs.

    Raises
    ------
    TypeError, ValueError
        As in `conv_macs`.

    >>> pool_operations(64, 3, 27)
    419904
    """
    _same_axes(kernel, output, "output")
    return whole("channels", channels, 1) * prod(_lengths("output", output)) * prod(_lengths("kernel", kernel))


def im2col_shape(channels: int, kernel: Lengths, output: Lengths) -> tuple[int, int]:
    """Rows and columns of the matrix that holds each window of one picture as a column.

    Raises
    ------
    TypeError, ValueError
        As in `conv_macs`.

    >>> im2col_shape(3, 11, 55)
    (363, 3025)
    """
    _same_axes(kernel, output, "output")
    return whole("channels", channels, 1) * prod(_lengths("kernel", kernel)), prod(_lengths("output", output))


def activation_bytes(shape: Sequence[int], itemsize: int = 4) -> int:
    """Bytes that a volume takes, such as (C, H, W).

    Parameters
    ----------
    shape : sequence of int
    itemsize : int
        Bytes a number: 4 in float32, 2 in float16.

    Raises
    ------
    TypeError, ValueError
        If a length is not a whole number of 0 or more, or `itemsize` not one of 1 or more.

    >>> binary_size(activation_bytes((64, 56, 56)))
    '784.00 KiB'
    """
    return prod(whole("a length of shape", length, 0) for length in shape) * whole("itemsize", itemsize, 1)


def binary_size(count: int) -> str:
    """Write a number of bytes with the unit that fits: B, KiB (1,024 bytes), MiB, GiB or TiB.

    Raises
    ------
    TypeError, ValueError
        If `count` is not a whole number of 0 or more.
    """
    number: float = whole("count", count, 0)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number} B" if unit == "B" else f"{number:.2f} {unit}"
        number /= 1024
    return f"{number:.2f} TiB"


def _fan_in(channels: int, filters: int, kernel: Lengths, groups: int) -> int:
    """Numbers that one filter sees at one place."""
    channels, filters = whole("channels", channels, 1), whole("filters", filters, 1)
    if channels % whole("groups", groups, 1) or filters % groups:
        raise ValueError(
            f"groups is {groups}: expected a number that divides channels, {channels}, and filters, {filters}."
        )
    return channels // groups * prod(_lengths("kernel", kernel))


def _lengths(name: str, value: Lengths) -> tuple[int, ...]:
    """One length per axis; a single one stands for the two axes of a picture."""
    try:
        lengths = tuple(value)  # type: ignore[arg-type]
    except TypeError:
        lengths = (value, value)
    if not lengths or isinstance(value, str):
        raise ValueError(f"{name} is {value!r}: expected a whole number, or one per axis such as (3, 3).")
    return tuple(whole(name, length, 1) for length in lengths)


def _same_axes(kernel: Lengths, other: Lengths, name: str) -> None:
    mine, others = _lengths("kernel", kernel), _lengths(name, other)
    if len(mine) != len(others):
        raise ValueError(f"kernel has {len(mine)} axes and {name} has {len(others)}: give both one length per axis.")
