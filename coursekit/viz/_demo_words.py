"""Sentences for each step of the demo, with its numbers; the player writes the same ones when arrays change."""

import numpy as np

from coursekit.viz._demo_arrays import Demo


def captions(demo: Demo, view: str) -> list[str]:
    """What happens at each step of a view, in words."""
    return [" ".join(WRITERS[view](step, demo)) for step in demo.steps(view)]


def number(value: float, digits: int = 3) -> str:
    """A number as a reader would write it: whole ones whole, others to so many digits, with a real minus sign."""
    if value == -np.inf:
        return "−∞"
    text = str(int(value)) if float(value).is_integer() else f"{float(f'{value:.{digits}g}'):.15g}"
    return text.replace("-", "−")


def short(value: float) -> str:
    """A number for a cell, where there is room for few digits."""
    if value == -np.inf or float(value).is_integer():
        return number(value)
    return number(round(float(value), 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0), 15)


def factor(value: float) -> str:
    """A number inside a product."""
    return f"({number(value)})" if value < 0 else number(value)


def chain(values) -> str:
    """A sum, written out."""
    first, *rest = values
    return number(first) + "".join(f" − {number(-v)}" if v < 0 else f" + {number(v)}" for v in rest)


def _products(channel, patch, kernel, total):
    terms = [f"{factor(p)}·{factor(q)}" for p, q in zip(patch.flat, kernel.flat, strict=True) if p and q]
    if not terms:
        return f"Channel {channel}: every product is 0."
    return f"Channel {channel}: {' + '.join(terms)} = {number(total)}."


def _place(place):
    return ", ".join(number(n) for n in place)


def _forward(step, demo):
    row, column = step.place
    yield f"y[{step.map}, {_place(step.place)}]: kernel {step.map} stands at row {row}, column {column}."
    for channel, parts in enumerate(zip(step.patch, step.kernel, step.sums, strict=True)):
        yield _products(channel, *parts)
    yield f"Sum {chain(step.sums)} = {number(step.sums.sum())}; plus bias {number(step.bias)} = {number(step.value)}."


def _backward(step, demo):
    what = "A gradient of 0 adds nothing."
    if step.dy:
        times = f"{factor(step.dy)} times"
        what = f"The pixels of the window get {times} kernel {step.map}, the kernel gets {times} the patch."
    yield f"dy[{step.map}, {_place(step.place)}] = {number(step.dy)}. {what}"
    yield f"db[{step.map}] gets {number(step.dy)} and is now {number(step.db[step.map])}."


def _im2col(step, demo):
    row, column = step.place
    count = len(step.values)
    yield f"Column {step.column}: the window at row {row}, column {column}, stretched out to {count} numbers."
    for map, (kernel, bias) in enumerate(zip(demo.w, demo.b, strict=True)):
        total = float(kernel.ravel() @ step.values)
        text = f"Row {map} of W_row times the column is {number(total)}"
        yield f"{text}; plus bias {number(bias)} = {number(total + bias)}."


def _pool(step, demo):
    values = ", ".join(number(v) for v in step.patch.flat if v != -np.inf)
    yield f"y[{step.channel}, {_place(step.place)}]: the largest of {values} is {number(step.value)}."


def _pool_backward(step, demo):
    pixel = f"[{step.channel}, {_place(step.pixel)}]"
    yield f"dy[{step.channel}, {_place(step.place)}] = {number(step.dy)} goes to the winner, x{pixel}."
    if all(0 <= at < size for at, size in zip(step.pixel, step.dx.shape[1:], strict=True)):
        yield f"There dx is now {number(step.dx[step.channel, *step.pixel])}."
    else:
        yield "It is padding: the gradient is lost."


WRITERS = {
    "forward": _forward,
    "backward": _backward,
    "im2col": _im2col,
    "pool": _pool,
    "pool-backward": _pool_backward,
}


def describe(demo: Demo) -> str:
    """Say what the whole demo shows, for readers who cannot see it."""
    size = "x".join(map(str, demo.x.shape[1:]))
    channels = f"{len(demo.x)} channel" + "s" * (len(demo.x) > 1)
    g, out = demo.geometry, "x".join(map(str, demo.geometry.places(demo.x)))
    how = f"stride {_both(g.stride)}, padding {_both(g.padding)}"
    if not len(demo.w):
        return (
            f"Max pooling step by step: a {size} input of {channels}, window {g.kernel[0]}x{g.kernel[1]}, {how}, "
            f"output {out} for each channel."
        )
    kernels = f"{len(demo.w)} kernel" + "s" * (len(demo.w) > 1)
    return (
        f"Convolution step by step: a {size} input of {channels}, {kernels} of {g.kernel[0]}x{g.kernel[1]}, {how}, "
        f"output {out} for each kernel."
    )


def _both(pair):
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} and {pair[1]}"
