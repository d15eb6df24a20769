"""Answers to the questions of assignment 3: plausible wrong ones, and right ones that look different."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.misconceptions import questions_03 as wrong
from coursekit.misconceptions import questions_03_losses as slips

# ------------------------------------------------------------------ question 2


def target_forgotten(x, w, b, t):
    return wrong._graph(x, w, b, 0.0)


def product_not_exchanged(x, w, b, t):
    r = max(w * x + b, 0)
    ds = 2 * (r * x - t)
    return {"x": ds * x + ds * r * w * (r > 0), "w": ds * r * x * (r > 0) + 2 * w, "b": ds * r}


def relu_open_at_zero(x, w, b, t):
    return wrong._graph(x, w, b, t, blocked=w * x + b < 0)


def mask_by_x(x, w, b, t):
    found, ds = wrong._graph(x, w, b, t, blocked=False), 2 * (max(w * x + b, 0) * x - t)
    return found if x > 0 else {"x": ds * max(w * x + b, 0), "w": 2 * w, "b": 0.0}


def graph_by_cases(x, w, b, t):
    if w * x + b <= 0:
        return {"b": 0, "w": 2 * w, "x": 0}
    slope = 2 * ((w * x + b) * x - t)
    return {"x": slope * (2 * w * x + b), "w": slope * x * x + 2 * w, "b": slope * x}


def graph_in_float32(x, w, b, t):
    x, w, b, t = np.float32([x, w, b, t])
    a = w * x + b
    ds = 2 * (np.maximum(a, 0) * x - t)
    da = ds * x * (a > 0)
    return {"x": ds * np.maximum(a, 0) + da * w, "w": da * x + 2 * w, "b": da}


# ------------------------------------------------------------------ question 4


def conv_by_sliding(dy, x, w, stride, padding):
    """Gaps between the numbers of dy, the turned kernel slid over it, and it over x."""
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    kernel = w.shape[2:]
    spread = np.zeros((*dy.shape[:2], *(n - k + 1 for n, k in zip(padded.shape[2:], kernel, strict=True))))
    spread[:, :, ::stride, ::stride] = dy
    around = np.pad(spread, [(0, 0), (0, 0), *((k - 1, k - 1) for k in kernel)])
    views = sliding_window_view(around, kernel, axis=(2, 3))
    dx = np.einsum("nfijpq,fcpq->ncij", views, w[:, :, ::-1, ::-1])
    dw = np.einsum("ncpqij,nfij->fcpq", sliding_window_view(padded, spread.shape[2:], axis=(2, 3)), spread)
    rows, columns = (slice(padding, padding + n) for n in x.shape[2:])
    return dx[:, :, rows, columns], dw, dy.sum(axis=0).sum(axis=1).sum(axis=1)


def conv_in_float32(dy, x, w, stride, padding):
    return wrong._convolution(*(array.astype(np.float32) for array in (dy, x, w)), stride, padding)


def conv_square_pictures_only(dy, x, w, stride, padding):
    dx, dw, db = wrong._convolution(dy, x, w, stride, padding)
    side = min(x.shape[2:])
    return np.pad(dx[:, :, :side, :side], [(0, 0), (0, 0), *((0, n - side) for n in x.shape[2:])]), dw, db


def conv_first_picture_only(dy, x, w, stride, padding):
    dx, _, _ = wrong._convolution(dy, x, w, stride, padding)
    return dx, *wrong._convolution(dy[:1], x[:1], w, stride, padding)[1:]


def conv_padding_by_negative_slice(dy, x, w, stride, padding):
    dx, dw, db = wrong._convolution(dy, x, w, stride, padding)
    return (dx if padding else dx[:, :, 0:-0, 0:-0]), dw, db


def conv_stride_on_rows_only(dy, x, w, stride, padding):
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for (n, f, i, j), d in np.ndenumerate(dy):
        at = n, slice(None), slice(i * stride, i * stride + w.shape[2]), slice(j, j + w.shape[3])
        dx[at] += d * w[f]
        dw[f] += d * padded[at]
    rows, columns = (slice(padding, padding + size) for size in x.shape[2:])
    return dx[:, :, rows, columns], dw, dy.sum(axis=(0, 2, 3))


def conv_one_kernel_only(dy, x, w, stride, padding):
    return wrong._convolution(dy[:, :1], x, w[:1], stride, padding)[0], *wrong._convolution(dy, x, w, stride, padding)[
        1:
    ]


def conv_db_of_one_picture(dy, x, w, stride, padding):
    return *wrong._convolution(dy, x, w, stride, padding)[:2], dy[0].sum(axis=(1, 2))


# ------------------------------------------------------------------ questions 5 and 6


def max_pool_last_of_a_tie(dy, x, window, stride):
    def hand_over(dx, values, d):
        row, column = np.argwhere(values == values.max())[-1]
        dx[row, column] += d
        return dx

    return wrong._max_pool(dy, x, window, stride, hand_over)


def max_pool_first_by_columns(dy, x, window, stride):
    def hand_over(dx, values, d):
        column, row = divmod(values.T.argmax(), window)
        dx[row, column] += d
        return dx

    return wrong._max_pool(dy, x, window, stride, hand_over)


def max_pool_disguised_assignment(dy, x, window, stride):
    dx = np.zeros_like(x)
    n, c, i, j = np.indices(dy.shape).reshape(4, -1)
    patches = sliding_window_view(x, (window, window), axis=(2, 3))[:, :, ::stride, ::stride]
    row, column = divmod(patches.reshape(*dy.shape, -1).argmax(axis=-1).ravel(), window)
    dx[n, c, i * stride + row, j * stride + column] += dy.ravel()
    return dx


def max_pool_without_overlap(dy, x, window, stride):
    return wrong.max_pool_overwritten(dy, x, min(window, stride), stride)


def max_pool_by_add_at(dy, x, window, stride):
    dx = np.zeros_like(x)
    n, c, i, j = np.indices(dy.shape).reshape(4, -1)
    patches = sliding_window_view(x, (window, window), axis=(2, 3))[:, :, ::stride, ::stride]
    row, column = divmod(patches.reshape(*dy.shape, -1).argmax(axis=-1).ravel(), window)
    np.add.at(dx, (n, c, i * stride + row, j * stride + column), dy.ravel())
    return dx


def max_pool_searching(dy, x, window, stride):
    dx = np.zeros(x.shape, np.float32)
    for (n, c, i, j), d in np.ndenumerate(dy):
        places = [(i * stride + p, j * stride + q) for p in range(window) for q in range(window)]
        row, column = max(places, key=lambda place: x[n, c, place[0], place[1]])  # the first of several
        dx[n, c, row, column] += d
    return dx


def average_pool_by_stride(dy, shape, window, stride):
    return wrong._average_pool(dy, shape, window, stride, size=stride**2)


def average_pool_turned_window(dy, shape, window, stride):
    dx = np.zeros(shape)
    for i, j in np.ndindex(dy.shape[2:]):
        share = dy[:, :, i, j, None, None] / (window[0] * window[1])
        dx[:, :, i * stride : i * stride + window[1], j * stride : j * stride + window[0]] += share
    return dx


def average_pool_without_stride(dy, shape, window, stride):
    return wrong._average_pool(dy, shape, window, 1)


def average_pool_by_offsets(dy, shape, window, stride):
    dx = np.zeros(shape, np.float32)
    rows, columns = ((n - 1) * stride + 1 for n in dy.shape[2:])
    for p in range(window[0]):
        for q in range(window[1]):
            dx[:, :, p : p + rows : stride, q : q + columns : stride] += dy / window[0] / window[1]
    return dx


def average_pool_pixel_by_pixel(dy, shape, window, stride):
    dx = np.zeros(shape)
    for n, c, i, j in np.ndindex(*dy.shape):
        for p in range(window[0]):
            for q in range(window[1]):
                dx[n, c, i * stride + p, j * stride + q] += dy[n, c, i, j] / np.prod(window)
    return dx


# ------------------------------------------------------------------ questions 7 and 8


def softmax_over_the_pictures(scores, labels):
    shifted = scores - scores.max(axis=0)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=0)
    right = slips._right(scores, labels)
    return -np.log(p[right]).mean(), (p - right) / len(labels)


def softmax_in_base_two(scores, labels):
    loss, ds = slips._softmax_loss(scores, labels)
    return loss / np.log(2), ds


def softmax_clipped(scores, labels):
    _, ds = slips._softmax_loss(scores, labels)
    p = (ds * len(labels) + slips._right(scores, labels))[slips._right(scores, labels)]
    return -np.log(p + 1e-7).mean(), ds


def softmax_sign_turned(scores, labels):
    loss, ds = slips._softmax_loss(scores, labels)
    return loss, -ds


def softmax_by_rows(scores, labels):
    loss, rows = 0.0, []
    for s, label in zip(scores, labels, strict=True):
        top = max(s)
        total = top + np.log(sum(np.exp(value - top) for value in s))
        loss += (total - s[label]) / len(labels)
        rows.append([(np.exp(value - total) - (k == label)) / len(labels) for k, value in enumerate(s)])
    return loss, rows


def softmax_by_logaddexp(scores, labels):
    logs = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    right = np.eye(scores.shape[1])[labels]
    return -(np.where(right, logs, 0)).sum() / len(labels), (np.exp(logs) - right) / len(labels)


def svm_margin_of_one(scores, labels, margin):
    return slips._svm(scores, labels, 1.0)


def svm_divided_by_classes(scores, labels, margin):
    loss, ds = slips._svm(scores, labels, margin)
    return loss / scores.shape[1], ds / scores.shape[1]


def svm_largest_only(scores, labels, margin):
    missing = np.where(slips._right(scores, labels), 0, scores - scores[slips._right(scores, labels)][:, None] + margin)
    return np.maximum(missing, 0).max(axis=1).mean(), slips._svm(scores, labels, margin)[1]


def svm_right_class_untouched(scores, labels, margin):
    loss, ds = slips._svm(scores, labels, margin)
    return loss, np.maximum(ds, 0)


def svm_by_loops(scores, labels, margin):
    loss, ds = 0.0, np.zeros(scores.shape, np.float32)
    for n, label in enumerate(labels):
        for k in range(scores.shape[1]):
            pays = scores[n, k] - scores[n, label] + margin
            if k != label and pays > 0:
                loss += pays
                ds[n, k] += 1
                ds[n, label] -= 1
    return loss / len(labels), ds / len(labels)


def svm_by_where(scores, labels, margin):
    loss, ds = slips._svm(scores, labels, margin)
    return np.array(loss), ds.tolist()


# ------------------------------------------------------------------ questions 9 and 10


def differences_without_sign(f, x, h):
    return np.abs(numerical_by_flat_index(f, x, h))


def fixed_step(f, x, h):
    return numerical_by_flat_index(f, x, 1e-5)


def step_left_in_place(f, x, h):
    x, slopes = x.copy(), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        x[place] += h
        above = f(x)
        x[place] -= 2 * h
        slopes[place] = (above - f(x)) / (2 * h)
    return slopes


def numerical_by_flat_index(f, x, h):
    flat, slopes = x.ravel().copy(), []
    for k in range(flat.size):
        values = []
        for step in (h, -h):
            moved = flat.copy()
            moved[k] += step
            values.append(f(moved.reshape(x.shape)))
        slopes.append((values[0] - values[1]) / (2 * h))
    return np.reshape(slopes, x.shape)


def numerical_in_place(f, x, h):
    slopes = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        old = x[place]
        x[place] = old + h
        above = f(x)
        x[place] = old - h
        slopes[place] = (above - f(x)) / h / 2
        x[place] = old
    return slopes


def mean_error(gradient, numeric):
    return float(np.abs(gradient - numeric).mean() / (np.abs(numeric).mean() or 1))


def by_the_other_gradient(gradient, numeric):
    return float(np.abs(gradient - numeric).max() / (np.abs(gradient).max() or 1))


def by_both(gradient, numeric):
    return float(np.abs(gradient - numeric).max() / (np.abs(gradient).max() + np.abs(numeric).max()))


def nothing_where_slopes_are_zero(gradient, numeric):
    return by_norms(gradient, numeric) if numeric.any() else 0.0


def by_norms(gradient, numeric):
    worst = np.linalg.norm(np.ravel(gradient - numeric), np.inf)
    scale = np.linalg.norm(np.ravel(numeric), np.inf)
    return worst / scale if scale else worst


def error_by_python(gradient, numeric):
    pairs = list(zip(np.ravel(gradient).tolist(), np.ravel(numeric).tolist(), strict=True))
    return max(abs(a - b) for a, b in pairs) / (max(abs(b) for _, b in pairs) or 1)


def line_rim_always_one(dy, x, w, stride, padding):
    return slips._line(dy, x, w, stride, padding, slice(1, 1 + len(x)))


def line_by_negative_slice(dy, x, w, stride, padding):
    return slips._line(dy, x, w, stride, padding, slice(padding, -padding))


def line_without_stride(dy, x, w, stride, padding):
    return slips._line(dy, x, w, 1, padding, slice(padding, padding + len(x)))


def line_by_convolving(dy, x, w, stride, padding):
    spread = np.zeros(len(x) + 2 * padding - len(w) + 1)
    spread[::stride] = dy
    dx = np.convolve(spread, w)[padding:]
    return {"w": np.correlate(np.pad(x, padding), spread, mode="valid"), "x": dx[: len(x)]}


def line_by_matrix(dy, x, w, stride, padding):
    table = sliding_window_view(np.arange(len(x) + 2 * padding), len(w))[::stride]
    dx = np.zeros(len(x) + 2 * padding, np.float32)
    np.add.at(dx, table, np.outer(dy, w))
    return {"x": dx[padding : len(dx) - padding], "w": dy @ np.pad(x, padding)[table]}


# ------------------------------------------------------------------ question 12


def network_pools_without_steps(dscores, x, p, kept, pool, step):
    return slips._network(dscores, x, p, kept, pool, 1)


def network_bias_of_one_line(dscores, x, p, kept, pool, step):
    found = slips._network(dscores, x, p, kept, pool, step)
    return found | {"b2": dscores[0]}


def network_laid_out_otherwise(dscores, x, p, kept, pool, step):
    kernels, places = kept["m"].shape[1:]
    order = np.arange(kernels * places).reshape(places, kernels).T.ravel()
    found = slips._network(dscores, x, p | {"w2": p["w2"][order]}, kept, pool, step)
    return found | {"w2": kept["flat"].T @ dscores}


def network_by_einsum(dscores, x, p, kept, pool, step):
    r, taps = kept["r"], p["w1"].shape[1]
    winners = sliding_window_view(r, pool, axis=2)[:, :, ::step].argmax(axis=3)
    winners = winners + step * np.arange(winners.shape[2])
    dm = np.einsum("nk,jk->nj", dscores, p["w2"]).reshape(winners.shape)
    da = np.einsum("nfi,nfij->nfj", dm, winners[..., None] == np.arange(r.shape[2])) * (r > 0)
    dx = np.einsum("nfi,fk,ikj->nj", da, p["w1"], _taps_at(x.shape[1], taps))
    dw1 = np.einsum("nfi,nj,ikj->fk", da, x, _taps_at(x.shape[1], taps))
    return {"b2": dscores.sum(0), "w2": kept["flat"].T @ dscores, "b1": da.sum((0, 2)), "w1": dw1, "x": dx}


def _taps_at(size, taps):
    """1 where tap k of place i lies on input j, (i, k, j)."""
    i, k, j = np.ogrid[: size - taps + 1, :taps, :size]
    return 1.0 * (i + k == j)


def network_in_float32(*given):
    return {name: value.astype(np.float32) for name, value in slips._network(*given).items()}
