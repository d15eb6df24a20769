"""Sizes of convolution and pooling outputs: plain integers, no arrays.

This is the one place that knows the output-size formula; layers, tables and pictures ask it.
"""

from operator import index
from typing import Literal, get_args

__all__ = ["Mode", "output_size"]

Mode = Literal["strict", "floor", "ceil"]


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, mode: Mode = "strict"
) -> int:
    """Number of places at which a kernel can stand along one axis.

    Parameters
    ----------
    size, kernel : int
        Input and kernel length, in pixels.
    stride, padding, dilation : int
        Step between places; zeros added at EACH end; spacing of kernel taps (1 = dense).
    mode : {"strict", "floor", "ceil"}
        What to do when the stride does not fit: refuse, drop the rest (as PyTorch does),
        or let the last window hang over (as Caffe pools). The last window must still start
        inside the input or the padding before it.

    Raises
    ------
    TypeError
        If a length is not a whole number.
    ValueError
        If the kernel is longer than the padded input, or the stride does not fit in strict mode.

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", section 2.

    >>> output_size(227, 11, stride=4)      # AlexNet's first layer
    55
    >>> output_size(224, 7, stride=2, padding=3, mode="floor")      # ResNet's first layer
    112
    >>> output_size(112, 3, stride=2, mode="floor"), output_size(112, 3, stride=2, mode="ceil")
    (55, 56)
    """
    size, kernel, stride = _whole("size", size, 1), _whole("kernel", kernel, 1), _whole("stride", stride, 1)
    padding, dilation = _whole("padding", padding, 0), _whole("dilation", dilation, 1)
    if mode not in get_args(Mode):
        raise ValueError(f'mode is {mode!r}: expected "strict", "floor" or "ceil".')
    extent = dilation * (kernel - 1) + 1  # pixels from the first tap to the last
    travel = size - extent + 2 * padding  # pixels the kernel can move
    if travel < 0:
        raise ValueError(_too_long(size, kernel, padding, dilation, extent))
    steps, rest = divmod(travel, stride)
    if rest and mode == "strict":
        raise ValueError(_does_not_fit(size, stride, padding, dilation, extent))
    if rest and mode == "ceil" and (steps + 1) * stride < size + padding:
        steps += 1  # one more window, hanging over the end
    return steps + 1


def _whole(name: str, value: int, least: int) -> int:
    """Return `value` as an int, or say by name what is wrong with it."""
    try:
        if isinstance(value, bool):  # Python counts True as 1; a length that is True is a slip
            raise TypeError
        value = index(value)
    except TypeError:
        raise TypeError(
            f"{name} is {value!r} ({type(value).__name__}): expected a whole number such as {max(least, 1)}. "
            "Use // where a division should give one."
        ) from None
    if value < least:
        raise ValueError(f"{name} is {value}: expected {least} or more.")
    return value


def _too_long(size: int, kernel: int, padding: int, dilation: int, extent: int) -> str:
    spread = f" (spread to {extent} by dilation {dilation})" if dilation > 1 else ""
    return (
        f"kernel {kernel}{spread} is longer than the padded input: {size} + 2*{padding} = {size + 2 * padding}.\n"
        f"Use padding={-((size - extent) // 2)} or more, a kernel that fits, or a larger input."
    )


def _does_not_fit(size: int, stride: int, padding: int, dilation: int, extent: int) -> str:
    travel = size - extent + 2 * padding
    rest = travel % stride
    lost = _count(rest - padding, "pixel") if rest > padding else _count(rest, "padded zero")
    room = {p: size - extent + 2 * p for p in range(min(stride, extent))}  # more would give windows of zeros alone
    fitting = next((f"Use padding={p}, or " for p, r in room.items() if r >= 0 and r % stride == 0), None)
    change = "size or kernel" if dilation == 1 else "size"
    return (
        f"stride {stride} does not fit: ({size} - {extent} + 2*{padding}) = {travel} is not a multiple of {stride}, "
        f"so {lost} would never be seen.\n"
        f"{fitting or 'No equal padding makes it fit: '}change {change} by {min(rest, stride - rest)}, "
        'or use mode="floor" to drop the rest as PyTorch does.'
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
