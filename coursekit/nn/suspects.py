"""The gradients that well-known mistakes in a backward pass would give, to recognise the mistakes by.

Each mistake is made on purpose, in a loop over windows: slow, and for small arrays.
"""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from coursekit.nn._checks import axis_names, per_axis
from coursekit.nn.conv import conv_backward, conv_forward

__all__ = ["conv_suspects", "max_pool_suspects"]


class Steps(NamedTuple):
    """How windows stand, one number per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]


def conv_suspects(
    x: np.ndarray,
    w: np.ndarray,
    dy: np.ndarray,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> dict[str, dict[str, np.ndarray]]:
    """Compute wrong gradients of a convolution, named after their mistakes; for `diagnose_gradients`.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float64
    w : ndarray of shape (F, C / groups, *kernel), float64
    dy : ndarray of shape (N, F, *out), float64
        Gradient with respect to the output.
    stride, padding, dilation : int or one int per spatial axis
    groups : int

    Returns
    -------
    suspects : dict
        For each of "x", "w" and "b", wrong gradients by what to say of them.

    Raises
    ------
    TypeError, ValueError
        As for `conv_forward` and `conv_backward`.

    >>> sorted(conv_suspects(np.ones((1, 1, 3)), np.ones((1, 1, 2)), np.ones((1, 1, 2))))
    ['b', 'w', 'x']
    """
    options, spatial = dict(stride=stride, padding=padding, dilation=dilation, groups=groups), tuple(range(2, w.ndim))
    turned, right = (
        conv_backward(dy, conv_forward(x, kernels, **options)[1]) for kernels in (np.flip(w, spatial), w)
    )  # and the shapes are checked
    names = "stride", "padding", "dilation"
    steps = Steps(w.shape[2:], *(per_axis(name, options[name], len(spatial)) for name in names))
    wrong_x = {
        "the kernel is turned round: dx wants it the other way": turned[0],
        "`=` for `+=`: where windows overlap only the last one counted": _spread(dy, x, w, steps, groups, add=False),
    }
    wrong_w = {"the kernel is turned round: dw flips nothing": np.flip(right[1], spatial)}
    for name, other in _misread(steps).items():
        wrong_x[name], wrong_w[name] = _spread(dy, x, w, other, groups), _gather(dy, x, w, other, groups)
    one = "`=` for `+=`: only the last kernel and the last window counted"
    wrong_x[one] = _spread(_of_last_kernel(dy, groups), x, w, steps, groups, add=False)
    if groups > 1:
        name, first = "the groups were forgotten: all kernels go with the channels of the first", x[:, : w.shape[1]]
        wrong_x[name], wrong_w[name] = np.zeros_like(x), _gather(dy, first, w, steps, 1)
        wrong_x[name][:, : w.shape[1]] = _spread(dy, first, w, steps, 1)
    parts = _parts(dy)
    wrong_w |= {name: _gather(part, x, w, steps, groups) for name, part in parts.items()}
    wrong_b = {name: part.sum(axis=(0, *spatial)) for name, part in parts.items()}
    return {"x": wrong_x, "w": wrong_w, "b": wrong_b | {"averaged over places where one sums": dy.mean((0, *spatial))}}


def max_pool_suspects(
    x: np.ndarray,
    dy: np.ndarray,
    window: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
) -> dict[str, dict[str, np.ndarray]]:
    """Compute wrong gradients of max pooling, named after their mistakes; for `diagnose_gradients`.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float64
    dy : ndarray of shape (N, C, *out), float64
        Gradient with respect to the output.
    window, stride, padding : int or one int per spatial axis
        As for `max_pool_forward`: the stride is the window's size if not given.

    Returns
    -------
    suspects : dict
        For "x", wrong gradients by what to say of them.

    >>> list(max_pool_suspects(np.ones((1, 1, 3)), np.ones((1, 1, 2)), 2, stride=1))
    ['x']
    """
    axes = x.ndim - 2
    stride = window if stride is None else stride
    numbers = (per_axis(name, n, axes) for name, n in (("window", window), ("stride", stride), ("padding", padding)))
    steps = Steps(*numbers, (1,) * axes)
    wrong = {
        "`=` for `+=`: a value that wins in several windows got the last one's gradient only": _to_winners(
            dy, x, steps, add=False
        ),
        "spread over the window: all of it goes to the largest value": _to_all(dy, x, steps, 1 / prod(steps.kernel)),
        "handed to all values of the window: only the largest moved the output": _to_all(dy, x, steps, 1.0),
    }
    return {"x": wrong | {name: _to_winners(dy, x, other) for name, other in _misread(steps).items()}}


def _misread(steps) -> dict[str, Steps]:
    """Stride, padding or dilation read wrongly, by what to say; nothing twice."""
    ones, zeros = (1,) * len(steps.stride), (0,) * len(steps.stride)
    found = {
        "the stride was forgotten: windows are set down one step apart": steps._replace(stride=ones),
        "the stride is off by one: too large": steps._replace(stride=tuple(s + 1 for s in steps.stride)),
        "the stride is off by one: too small": steps._replace(stride=tuple(max(1, s - 1) for s in steps.stride)),
        "the strides along the axes are exchanged": steps._replace(stride=steps.stride[::-1]),
        "the padding was forgotten": steps._replace(padding=zeros),
        "the dilation was forgotten: the taps are set down side by side": steps._replace(dilation=ones),
    }
    for axis, name in enumerate(axis_names(len(steps.stride))):
        without = tuple(1 if k == axis else s for k, s in enumerate(steps.stride))
        found[f"the stride was forgotten along the {name}"] = steps._replace(stride=without)
    seen = {steps}
    return {name: other for name, other in found.items() if not (other in seen or seen.add(other))}


def _parts(dy):
    """What is left of dy if only one image, or only the last place, counts."""
    first, last, place, both = (np.zeros_like(dy) for _ in range(4))
    end = (..., *(slice(-1, None) for _ in dy.shape[2:]))
    first[:1], last[-1:], place[end], both[-1:][end] = dy[:1], dy[-1:], dy[end], dy[-1:][end]
    return {
        "the batch is not summed: only the last image counted (`=` for `+=`)": last,
        "the batch is not summed: only the first image counted": first,
        "the places are not summed: only the last one counted (`=` for `+=`)": place,
        "neither batch nor places are summed: only the last place of the last image counted (`=` for `+=`)": both,
    }


def _of_last_kernel(dy, groups):
    """What is left of dy if in each group only the last kernel counts."""
    left = np.zeros_like(dy)
    last = slice(dy.shape[1] // groups - 1, None, dy.shape[1] // groups)
    left[:, last] = dy[:, last]
    return left


def _windows(dy, steps) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each place, and the pixels of its window in the padded picture."""
    for place in np.ndindex(dy.shape[2:]):
        corners = (i * s for i, s in zip(place, steps.stride, strict=True))
        along = zip(corners, steps.kernel, steps.dilation, strict=True)
        yield place, tuple(slice(corner, corner + (k - 1) * d + 1, d) for corner, k, d in along)


def _padded(x, dy, steps, fill=0.0):
    """A padded x that is large enough for windows set down wrongly, too; and where x lies in it."""
    inside = tuple(slice(p, p + n) for p, n in zip(steps.padding, x.shape[2:], strict=True))
    *_, (_, last) = _windows(dy, steps)
    sizes = (max(n + 2 * p, end.stop) for n, p, end in zip(x.shape[2:], steps.padding, last, strict=True))
    padded = np.full((*x.shape[:2], *sizes), fill, x.dtype)
    padded[:, :, *inside] = x
    return padded, inside


def _spread(dy, x, w, steps, groups, add=True):
    """A convolution's dx, window by window, added up or overwritten."""
    padded, inside = _padded(np.zeros_like(x), dy, steps)
    kernels = w.reshape(groups, len(w) // groups, -1)  # (G, F / G, C / G * taps)
    for place, window in _windows(dy, steps):
        share = np.einsum("ngf,gfc->ngc", dy[:, :, *place].reshape(len(x), groups, -1), kernels)
        share = share.reshape(padded[:, :, *window].shape)
        padded[:, :, *window] = share + (padded[:, :, *window] if add else 0)
    return padded[:, :, *inside]


def _gather(dy, x, w, steps, groups):
    """A convolution's dw, window by window."""
    padded, _ = _padded(x, dy, steps)
    dw = np.zeros((groups, len(w) // groups, w[0].size))
    for place, window in _windows(dy, steps):
        seen = padded[:, :, *window].reshape(len(x), groups, -1)  # (N, G, C / G * taps)
        dw += np.einsum("ngf,ngc->gfc", dy[:, :, *place].reshape(len(x), groups, -1), seen)
    return dw.reshape(w.shape)


def _to_winners(dy, x, steps, add=True):
    """Max pooling's dx, window by window: to the first of the largest, added up or overwritten."""
    padded, inside = _padded(x, dy, steps, -np.inf)
    dx = np.zeros_like(padded)
    for place, window in _windows(dy, steps):
        values = padded[:, :, *window].reshape(*x.shape[:2], -1)
        wins = (np.arange(values.shape[2]) == values.argmax(axis=2)[..., None]).reshape(padded[:, :, *window].shape)
        gradient = dy[:, :, *place].reshape(*x.shape[:2], *(1 for _ in window))
        dx[:, :, *window] = np.where(wins, gradient + (dx[:, :, *window] if add else 0), dx[:, :, *window])
    return dx[:, :, *inside]


def _to_all(dy, x, steps, share):
    """Max pooling's dx as if every value of a window had this share in the output."""
    dx, inside = _padded(np.zeros_like(x), dy, steps)
    for place, window in _windows(dy, steps):
        dx[:, :, *window] += share * dy[:, :, *place].reshape(*x.shape[:2], *(1 for _ in window))
    return dx[:, :, *inside]
