"""What every layer asks of its arguments, and what it says when the answer is no."""

import numpy as np

from coursekit.shapes import Mode, output_size

SCRATCH_BYTES = 2 * 2**20  # working memory for the windows of a convolution


def one_float_type(**arrays: np.ndarray | None) -> None:
    """Insist on NumPy arrays that are all float32 or all float64; None is passed over."""
    given = {name: array for name, array in arrays.items() if array is not None}
    for name, array in given.items():
        if not isinstance(array, np.ndarray):
            kind = type(array).__name__
            raise TypeError(f"{name} is a {kind}, expected a NumPy array: use np.asarray({name}, dtype=...).")
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(
                f"{name} has dtype {array.dtype}, expected float32 or float64: use {name}.astype(np.float32)."
            )
    if len({array.dtype for array in given.values()}) > 1:
        types = ", ".join(f"{name} is {array.dtype}" for name, array in given.items())
        raise TypeError(f"one dtype for all, please: {types}. Use .astype(...) on the odd one out.")


def expect_shape(name: str, array: np.ndarray, shape: tuple[int, ...], why: str) -> None:
    """Insist on exactly this shape, so that nothing is broadcast unseen."""
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}: {why}.")


def axis_names(axes: int) -> tuple[str, ...]:
    """Names of the spatial axes, as used in messages."""
    common = ("depth", "height", "width")
    return common[-axes:] if axes <= 3 else tuple(f"spatial axis {axis}" for axis in range(axes))


def per_axis(name: str, value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One number for each spatial axis: an int counts for all of them."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    if len(values) != axes:
        raise ValueError(f"{name} is {value}: expected an int or {axes} of them, one per spatial axis.")
    return values


def output_sizes(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], mode: Mode
) -> tuple[int, ...]:
    """`output_size` for each spatial axis; an error says which axis it is about."""
    axes = zip(size, kernel, stride, padding, strict=True)
    sizes = []
    for axis, (length, taps, step, pad) in enumerate(axes):
        try:
            sizes.append(output_size(length, taps, step, pad, mode=mode))
        except (TypeError, ValueError) as error:
            raise type(error)(f"along the {axis_names(len(size))[axis]}: {error}") from None
    return tuple(sizes)
