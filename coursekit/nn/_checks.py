"""What every layer asks of its arguments, and what it says when the answer is no."""

import numpy as np

from coursekit.shapes import Mode, output_size

SCRATCH_BYTES = 2 * 2**20  # working memory of a layer, whatever the batch


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


def expect_gradient(dy: np.ndarray, x: np.ndarray, shape: tuple[int, ...], forward: str) -> None:
    """Insist on a gradient of x's dtype, of the shape that the forward function returned."""
    one_float_type(dy=dy, x=x)
    expect_shape("dy", dy, shape, f"the shape of {forward}'s output")


def expect_batch(x: np.ndarray) -> None:
    """Insist on at least one spatial axis behind images and channels."""
    if x.ndim < 3:
        raise ValueError(f"x has shape {x.shape}, expected (N, C, *spatial): add axes by x[None, None] for one image.")


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


def whole_per_axis(name: str, value: int | tuple[int, ...], axes: int, least: int) -> tuple[int, ...]:
    """`per_axis`, each a whole number of at least so much."""
    values = per_axis(name, value, axes)
    for axis, number in zip(axis_names(axes), values, strict=True):
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            kind = type(number).__name__
            raise TypeError(f"along the {axis}: {name} is {number!r} ({kind}): expected a whole number such as 1.")
        if number < least:
            raise ValueError(f"along the {axis}: {name} is {number}: expected {least} or more.")
    return values


def steps_per_axis(stride, padding, dilation, axes: int) -> list[tuple[int, ...]]:
    """Stride, padding and dilation as whole numbers, each with one for each spatial axis."""
    steps = (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    return [whole_per_axis(name, value, axes, least) for name, value, least in steps]


def check_groups(groups: int, count: int, what: str) -> None:
    """Insist on a whole number of groups that divides the channels, or the kernels."""
    if isinstance(groups, bool) or not isinstance(groups, int | np.integer):
        raise TypeError(f"groups is {groups!r} ({type(groups).__name__}): expected a whole number such as 1.")
    if groups < 1:
        raise ValueError(f"groups is {groups}: expected 1 or more.")
    if count % groups:
        fits = ", ".join(str(g) for g in range(1, count + 1) if count % g == 0)
        raise ValueError(f"groups is {groups}, which does not divide the {count} {what} evenly: try one of {fits}.")


def output_sizes(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    mode: Mode,
    dilation: tuple[int, ...] | None = None,
    *,
    what: str = "kernel",
) -> tuple[int, ...]:
    """`output_size` for each spatial axis; an error says which axis it is about, and `what` does not fit there."""
    axes = zip(size, kernel, stride, padding, dilation or (1,) * len(size), strict=True)
    sizes = []
    for axis, (length, taps, step, pad, gap) in enumerate(axes):
        try:
            sizes.append(output_size(length, taps, step, pad, gap, mode=mode))
        except (TypeError, ValueError) as error:
            message = str(error).replace("kernel", what)  # a pooling layer has a window
            raise type(error)(f"along the {axis_names(len(size))[axis]}: {message}") from None
    return tuple(sizes)
