"""Answers to assignment 2: wrong ones named after their misunderstanding, and right ones that are written otherwise.

Those that learners are told about stand in coursekit.misconceptions.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.misconceptions import questions_02 as wrong
from coursekit.misconceptions import questions_02_pooling as later

# ------------------------------------------------------------------ questions 1 to 3


def column_of_the_last_axis(volume, x, y):
    return volume[x, y, :]


def row_instead(volume, x, y):
    return volume[:, y]


def first_channel_only(volume, x, y):
    return volume[0, y, x]


def counted_from_one(volume, x, y):
    return volume[:, y - 1, x - 1]


def column_by_loop(volume, x, y):
    return [sheet[y][x] for sheet in volume.tolist()]


def pictures_last(photos):
    return photos.transpose(3, 1, 2, 0)


def channels_swapped_with_rows(photos):
    return photos.swapaxes(1, 3)


def channels_reversed(photos):
    return photos[..., ::-1].transpose(0, 3, 1, 2)


def channels_by_stack(photos):
    return np.stack([photos[..., c] for c in range(photos.shape[3])], axis=1).astype(np.float32)


def summary_width_first(shape, kernels, size, stride, padding):
    height, width, *rest = summary_by_shapes(shape, kernels, size, stride, padding)
    return [width, height, *rest]


def summary_padded_once(shape, kernels, size, stride, padding):
    depth, height, width = shape
    return summary_by_shapes((depth, height - padding, width - padding), kernels, size, stride, padding)


def fits_one_side(shape, kernels, size, stride, padding):
    if size > max(shape[1:]) + 2 * padding:
        raise ValueError
    return [max(n, 1) for n in wrong._summary((*shape[:1], 99, 99), kernels, size, stride, padding)]


def ignores_padding_when_it_refuses(shape, kernels, size, stride, padding):
    if size > min(shape[1:]):
        raise ValueError
    return summary_by_shapes(shape, kernels, size, stride, padding)


def refuses_what_just_fits(shape, kernels, size, stride, padding):
    if size >= min(shape[1:]) + 2 * padding:
        raise ValueError
    return summary_by_shapes(shape, kernels, size, stride, padding)


def summary_by_shapes(shape, kernels, size, stride, padding):
    return wrong._summary(shape, kernels, size, stride, padding)


def summary_by_counting(shape, kernels, size, stride, padding):
    starts = [range(-padding, n + padding - size + 1, stride) for n in shape[1:]]
    height, width = map(len, starts)
    if not height * width:
        raise ValueError("no place")
    weights = np.ones((kernels, shape[0], size, size)).size
    return np.array([height, width, weights, kernels, height * width * weights])


# ------------------------------------------------------------------ questions 6 to 8


def strides_swapped(x, w, b, stride, padding):
    return wrong.conv(x, w, b, stride[::-1], padding)


def padded_before_only(x, w, b, stride, padding):
    grown = np.pad(x, [(0, 0), (0, 0), (padding[0], 0), (padding[1], 0)])
    return wrong.conv(grown, w, b, stride, 0)


def first_picture_only(x, w, b, stride, padding):
    return wrong.conv(x[:1], w, b, stride, padding)


def square_kernels(x, w, b, stride, padding):
    side = min(w.shape[2:])
    return wrong.conv(x, w[:, :, :side, :side], b, stride, padding)


def wrapped_around(x, w, b, stride, padding):
    (rows, columns) = np.broadcast_to(padding, 2)
    grown = np.pad(x, [(0, 0), (0, 0), (rows, rows), (columns, columns)], mode="wrap")
    return wrong.conv(grown, w, b, stride, 0)


def conv_by_taps(x, w, b, stride, padding):
    """Two loops over the taps of the kernel; each adds a strided picture, its channels mixed by a matrix."""
    (down, right), (rows, columns) = np.broadcast_to(stride, 2), np.broadcast_to(padding, 2)
    grown = np.pad(x, [(0, 0), (0, 0), (rows, rows), (columns, columns)])
    height, width = (grown.shape[2] - w.shape[2]) // down + 1, (grown.shape[3] - w.shape[3]) // right + 1
    y = np.zeros((len(x), len(w), height, width), x.dtype) + b[:, None, None]
    for p, q in np.ndindex(w.shape[2:]):
        part = grown[:, :, p : p + down * height : down, q : q + right * width : right][:, :, :height, :width]
        y += np.tensordot(w[:, :, p, q], part, axes=(1, 1)).swapaxes(0, 1)
    return y


def conv_by_one_matrix_in_float32(x, w, b, stride, padding):
    x, w, b = (a.astype(np.float32) for a in (x, w, b))
    (down, right), (rows, columns) = np.broadcast_to(stride, 2), np.broadcast_to(padding, 2)
    grown = np.pad(x, [(0, 0), (0, 0), (rows, rows), (columns, columns)])
    windows = sliding_window_view(grown, w.shape[2:], axis=(2, 3))[:, :, ::down, ::right].transpose(0, 2, 3, 1, 4, 5)
    y = windows.reshape(-1, w[0].size) @ w.reshape(len(w), -1).T + b
    return y.reshape(*windows.shape[:3], len(w)).transpose(0, 3, 1, 2)


def at_stride_one(function):
    """A layer with a padding as one without."""

    def named(x, w, b, stride):
        return function(x, w, b, stride, 0)

    named.__name__ = function.__name__
    return named


def kernels_turned(x, w, b, stride):
    return wrong.conv_with_turned_kernels(x, w, b, stride, 0)


def matrix_without_bias(x, w, b, stride):
    return wrong.conv(x, w, 0 * b, stride, 0)


# ------------------------------------------------------------------ questions 10 and 11


def kernels_of_mirrored_places(x, w, b, stride):
    return later.unshared(x, w[:, ::-1, ::-1], b, stride)


def unshared_without_bias(x, w, b, stride):
    return later.unshared(x, w, 0 * b, stride)


def maps_last_unshared(x, w, b, stride):
    return later.unshared(x, w, b, stride).transpose(1, 2, 0)


def unshared_map_by_map(x, w, b, stride):
    y = b.copy()
    for i, j in np.ndindex(b.shape[1:]):
        kh, kw = w.shape[4:]
        window = x[:, i * stride : i * stride + kh, j * stride : j * stride + kw]
        y[:, i, j] += np.tensordot(w[:, i, j], window, axes=3)
    return y.astype(np.float32)


def pointwise_over_the_picture(x, w, b):
    return np.einsum("nchw,fc->nf", x, w) + b


def pointwise_with_one_bias(x, w, b):
    return later.pointwise_without_bias(x, w, b) + b[0]


def pointwise_by_pixels(x, w, b):
    y = np.empty((len(x), len(w), *x.shape[2:]))
    for n, i, j in np.ndindex(len(x), *x.shape[2:]):
        y[n, :, i, j] = w @ x[n, :, i, j] + b
    return y


def pointwise_by_matrix(x, w, b):
    flat = w.astype(np.float32) @ x.reshape(*x.shape[:2], -1).astype(np.float32)
    return (flat + b[:, None]).reshape(len(x), len(w), *x.shape[2:])


def groups_ignored(x, w, groups):
    return later._valid(x, np.tile(w, (1, groups, 1, 1)))


def groups_added_up(x, w, groups):
    return sum(np.split(grouped_by_kernels(x, w, groups), groups, axis=1))


def groups_in_reverse(x, w, groups):
    return np.concatenate(np.split(grouped_by_kernels(x, w, groups), groups, axis=1)[::-1], axis=1)


def grouped_by_kernels(x, w, groups):
    own = len(w) // groups
    depth = w.shape[1]
    maps = [later._valid(x[:, f // own * depth : (f // own + 1) * depth], w[f : f + 1]) for f in range(len(w))]
    return np.concatenate(maps, axis=1)


def grouped_by_zeros(x, w, groups):
    full = np.zeros((len(w), x.shape[1], *w.shape[2:]), np.float32)
    for f, kernel in enumerate(w):
        first = f // (len(w) // groups) * w.shape[1]
        full[f, first : first + w.shape[1]] = kernel
    return later._valid(x.astype(np.float32), full)


# ------------------------------------------------------------------ questions 13 to 15


def averages_only(x, window, stride, padding, kind):
    return later.pool(x, window, stride, padding, "average")


def channels_pooled_too(x, window, stride, padding, kind):
    return later.pool(x, window, stride, padding, kind).max(axis=1, keepdims=True)


def padding_ignored(x, window, stride, padding, kind):
    return later.pool(x, window, stride, 0, kind)


def last_window_hangs_over(x, window, stride, padding, kind):
    rest = [(0, -(n + 2 * padding - window) % stride) for n in x.shape[2:]]
    return later.pool(np.pad(x, [(0, 0), (0, 0), *rest], mode="edge"), window, stride, padding, kind)


def pool_by_loops(x, window, stride, padding, kind):
    rows, columns = ((n + 2 * padding - window) // stride + 1 for n in x.shape[2:])
    y = np.empty((*x.shape[:2], rows, columns))
    for n, c, i, j in np.ndindex(y.shape):
        top, left = i * stride - padding, j * stride - padding
        part = x[n, c, max(top, 0) : top + window, max(left, 0) : left + window]
        y[n, c, i, j] = {"max": part.max(), "average": part.mean(), "l2": np.linalg.norm(part)}[kind]
    return y


def pool_in_float32(x, window, stride, padding, kind):
    return later.pool(x.astype(np.float32), window, stride, padding, kind)


def leaky_on_both_sides(x, kind, slope):
    return slope * x if kind == "leaky" else later.activate(x, kind, slope)


def leak_of_the_chapter(x, kind, slope):
    return later.activate(x, kind, 0.01)


def elu_with_the_slope(x, kind, slope):
    return np.where(x > 0, x, slope * np.expm1(x)) if kind == "elu" else later.activate(x, kind, slope)


def activate_by_values(x, kind, slope):
    low = {"relu": lambda v: 0, "leaky": lambda v: slope * v, "elu": np.expm1}
    bend = {"sigmoid": lambda v: 1 / (1 + np.exp(-v)), "tanh": np.tanh}
    bend |= {name: lambda v, low=low: v if v > 0 else low(v) for name, low in low.items()}
    return np.vectorize(bend[kind], otypes=[float])(x)


def activate_by_float32(x, kind, slope):
    return later.activate(x.astype(np.float32), kind, np.float32(slope))


def strictly_negative_is_dead(z):
    return [int((z < 0).all(axis=0).sum()), *later.report(z)[1:]]


def zero_is_alive_enough(z):
    dead, _, flat = later.report(z)
    return [dead, int((z >= 0).all(axis=0).sum()), flat]


def dead_by_the_mean(z):
    return [int((z.mean(axis=0) <= 0).sum()), *later.report(z)[1:]]


def flat_on_the_right_only(z):
    s = 1 / (1 + np.exp(-z))
    return [*later.report(z)[:2], int((s > 0.99).all(axis=0).sum())]


def report_by_loops(z):
    counts = np.zeros(3)
    for unit in z.T:
        slope = np.exp(-abs(unit)) / (1 + np.exp(-abs(unit))) ** 2
        counts += [max(unit) <= 0, min(unit) > 0, max(slope) < 0.01]
    return counts


def report_as_array(z):
    return np.array(later.report(z.astype(np.float32)))


def bias_times_the_pixels(x, w, b):
    return later.dense_without_bias(x, w, b) + b * len(w)


def summed_over_the_batch(x, w, b):
    right = later.dense_without_bias(x, w, b)
    return right.sum(axis=0, keepdims=True) + b + np.zeros_like(right)


def dense_by_einsum(x, w, b):
    _, channels, height, width = x.shape
    return np.einsum("nchw,hwcm->nm", x, w.reshape(height, width, channels, -1)) + b


def dense_by_loops(x, w, b):
    rows = [np.concatenate([v[:, i, j] for i, j in np.ndindex(v.shape[1:])]) for v in x.astype(np.float32)]
    return [[sum(row * w[:, m]) + b[m] for m in range(len(b))] for row in rows]


def means_of_the_whole_row(channels, window):
    return np.full((channels, channels, window, window), 1 / window**2 / channels)


def divided_by_the_side(channels, window):
    return later.kernels_that_sum(channels, window) / window


def mean_kernels_by_eye(channels, window):
    return np.einsum("cd,pq->cdpq", np.eye(channels, dtype=np.float32), np.full((window, window), window**-2.0))


def mean_kernels_as_lists(channels, window):
    one, none = [[1 / window / window] * window] * window, [[0] * window] * window
    return [[one if c == d else none for d in range(channels)] for c in range(channels)]
