"""Receptive fields through single torch functions: one `Field` per spatial axis, or None where there are no places."""

from collections.abc import Sequence
from typing import Any

from coursekit.shapes import Field, Window, same_padding_sides

Fields = tuple[Field, ...]  # one per spatial axis, the last axes of the tensor


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number per axis, as torch reads 2, (2,) and (2, 2)."""
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    return numbers * axes if len(numbers) == 1 else numbers


def conv_windows(weight_shape: Sequence[int], stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> list[Window]:
    """Windows of a convolution, along each axis."""
    kernel = weight_shape[2:]
    stride, dilation = per_axis(stride, len(kernel)), per_axis(dilation, len(kernel))
    if padding == "same":
        before = [same_padding_sides(k, d)[0] for k, d in zip(kernel, dilation, strict=True)]
    else:
        before = per_axis(0 if padding == "valid" else padding, len(kernel))
    return [Window(*window) for window in zip(kernel, stride, dilation, before, strict=True)]


def pool_windows(axes: int, kernel: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> list[Window]:
    """Windows of a pooling; without a stride they stand side by side."""
    stride = kernel if stride is None or stride == [] else stride
    numbers = [per_axis(value, axes) for value in (kernel, stride, dilation, padding)]
    return [Window(*window) for window in zip(*numbers, strict=True)]


def adaptive_windows(sizes: Sequence[int], outputs: Sequence[int]) -> list[Window] | None:
    """Windows of an adaptive pooling, if they are all of one length."""
    if any(size % output for size, output in zip(sizes, outputs, strict=True)):
        return None
    return [Window(size // output, size // output) for size, output in zip(sizes, outputs, strict=True)]


def through(fields: Fields | None, windows: list[Window] | None) -> Fields | None:
    """The fields behind a layer of these windows."""
    if fields is None or windows is None or len(fields) != len(windows):
        return None
    return tuple(field.through(window) for field, window in zip(fields, windows, strict=True))


def merge(parts: list[tuple[tuple[int, ...], Fields | None]], shape: tuple[int, ...]) -> Fields | None:
    """The fields where branches meet (sum, concatenation, gate): the largest; their jumps must agree.

    Parameters
    ----------
    parts : list of (shape, fields)
        Of each tensor that comes in. One of a single pixel is spread over the others' places.
    shape : tuple of int
        Of the tensor that goes out.
    """
    if not parts or any(fields is None for _, fields in parts):
        return None
    axes = len(parts[0][1])
    places = shape[-axes:]
    if any(len(fields) != axes for _, fields in parts) or len(shape) <= axes:
        return None
    if any(size not in (place, 1) for part, _ in parts for size, place in zip(part[-axes:], places, strict=True)):
        return None
    merged = []
    for axis, place in enumerate(places):
        fields = [fields[axis] for _, fields in parts]
        jumps = {f.jump for (part, _), f in zip(parts, fields, strict=True) if part[axis - axes] == place}
        if len(jumps) != 1:
            return None
        merged.append(Field(max(f.size for f in fields), jumps.pop(), min(f.start for f in fields)))
    return tuple(merged)


def padded(fields: Fields | None, pads: Sequence[int]) -> Fields | None:
    """The fields after padding; torch names the pads from the last axis backwards, two each."""
    if fields is None:
        return None
    before = [*pads[::2], *[0] * len(fields)][: len(fields)][::-1]
    return tuple(Field(f.size, f.jump, f.start - pad * f.jump) for f, pad in zip(fields, before, strict=True))


def sliced(fields: Fields | None, index: Any, shape: tuple[int, ...]) -> Fields | None:
    """The fields after x[index], for an index of numbers and slices."""
    index = index if isinstance(index, tuple) else (index,)
    if fields is None or not all(isinstance(part, (int, slice)) for part in index):
        return None
    every = [*index, *[slice(None)] * (len(shape) - len(index))]
    axes = len(fields)
    if not all(isinstance(part, slice) for part in every[-axes:]):
        return None
    steps = [part.indices(size) for part, size in zip(every[-axes:], shape[-axes:], strict=True)]
    return tuple(
        Field(f.size, f.jump * step, f.start + start * f.jump)
        for f, (start, _, step) in zip(fields, steps, strict=True)
    )


def keeps_places(name: str, args: tuple, ndim: int, axes: int) -> bool:
    """Whether a function that reorders axes leaves the spatial ones where they are."""
    if name in ("transpose", "swapaxes", "permute") and len(args) < 2:
        return False  # axes by keyword: not worth telling apart
    if name in ("transpose", "swapaxes"):
        return all(int(axis) % ndim < ndim - axes for axis in args[1:3])
    if name == "permute":
        order = args[1] if isinstance(args[1], Sequence) else args[1:]
        return [int(axis) % ndim for axis in order][-axes:] == list(range(ndim - axes, ndim))
    return name not in ("movedim", "moveaxis", "flip", "roll", "rot90")
