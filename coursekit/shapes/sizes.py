"""Sizes of what comes out of convolution, pooling and transposed convolution, along one axis."""

from typing import Literal, get_args

from coursekit.shapes._whole import whole

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
    size, kernel, stride = whole("size", size, 1), whole("kernel", kernel, 1), whole("stride", stride, 1)
    padding, dilation = whole("padding", padding, 0), whole("dilation", dilation, 1)
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


def same_padding(kernel: int, dilation: int = 1) -> int:
    """Padding at EACH end that keeps the size at stride 1: (kernel - 1) / 2, times the dilation.

    Parameters
    ----------
    kernel, dilation : int

    Raises
    ------
    TypeError
        If a length is not a whole number.
    ValueError
        If the kernel covers an even number of pixels: there is no middle then, and no equal padding.

    >>> same_padding(3), same_padding(5), same_padding(3, dilation=2)
    (1, 2, 2)
    """
    before, after = same_padding_sides(kernel, dilation)
    if before != after:
        extent = before + after + 1
        raise ValueError(
            f"kernel {kernel} covers {extent} pixels, an even number: equal padding at both ends cannot keep the size. "
            f"Use an odd kernel, or pad {before} before and {after} after, as same_padding_sides says."
        )
    return before


def same_padding_sides(kernel: int, dilation: int = 1, *, stride: int = 1, size: int | None = None) -> tuple[int, int]:
    """Padding before and after that gives ceil(size / stride) outputs; an odd one goes after, as in PyTorch.

    Parameters
    ----------
    kernel, dilation, stride : int
    size : int, optional
        Input length. At stride 1 the padding does not depend on it.

    Returns
    -------
    before, after : int
        Their sum is the total.

    Raises
    ------
    TypeError
        If a length is not a whole number.
    ValueError
        If `stride` is above 1 and there is no `size`.

    >>> same_padding_sides(2), same_padding_sides(7, stride=2, size=224)
    ((0, 1), (2, 3))
    """
    kernel, dilation, stride = whole("kernel", kernel, 1), whole("dilation", dilation, 1), whole("stride", stride, 1)
    total = dilation * (kernel - 1)
    if stride > 1:
        if size is None:
            raise ValueError(f"stride is {stride} and size is None: above stride 1 the padding depends on the size.")
        size = whole("size", size, 1)
        total = max(0, (-(-size // stride) - 1) * stride + total + 1 - size)
    return total // 2, total - total // 2


def transposed_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """Length of a transposed convolution's output: (size - 1) * stride - 2 * padding + extent + output_padding.

    Parameters
    ----------
    size, kernel, stride, padding, dilation : int
        Of the transposed convolution: it makes `size` pixels into what an ordinary convolution of these numbers
        would make `size` pixels of.
    output_padding : int
        Pixels added at the end: which of the `stride` lengths that an ordinary convolution floors to `size` is meant.

    Raises
    ------
    TypeError
        If a length is not a whole number.
    ValueError
        If nothing is left of the output, or `output_padding` is not below the stride.

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", section 4.

    >>> transposed_size(14, 4, stride=2, padding=1)
    28
    """
    size, kernel, stride = whole("size", size, 1), whole("kernel", kernel, 1), whole("stride", stride, 1)
    padding, extra = whole("padding", padding, 0), whole("output_padding", output_padding, 0)
    if extra >= stride:
        raise ValueError(f"output_padding is {extra}: expected less than the stride, {stride}.")
    result = (size - 1) * stride - 2 * padding + whole("dilation", dilation, 1) * (kernel - 1) + 1 + extra
    if result < 1:
        raise ValueError(
            f"size {size}, kernel {kernel}, stride {stride} and padding {padding} leave an output of {result} pixels: "
            "expected 1 or more. Use less padding."
        )
    return result


def window_counts(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, mode: Mode = "strict"
) -> list[int]:
    """How many windows see each pixel along one axis; a pixel of a picture is seen by the product of both axes.

    Parameters
    ----------
    size, kernel, stride, padding, dilation, mode
        As in `output_size`.

    Raises
    ------
    TypeError, ValueError
        As in `output_size`.

    >>> window_counts(5, 3)      # in a 5x5 picture a corner is seen once, the centre 3 * 3 = 9 times
    [1, 2, 3, 2, 1]
    """
    counts = [0] * size
    for place in range(output_size(size, kernel, stride, padding, dilation, mode=mode)):
        for tap in range(kernel):
            pixel = place * stride - padding + tap * dilation
            if 0 <= pixel < size:
                counts[pixel] += 1
    return counts


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
