"""Of assignment 1: further wrong answers, and right ones that look different. The table is in the test."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.misconceptions import maths as wrong

# ------------------------------------------------------------------ question 2


def square_images_only(image, kernel):
    places = image.shape[0] - kernel.shape[0] + 1
    return wrong.window_sums(image, kernel)[:places, :places]


def divided_by_the_number_of_weights(image, kernel):
    return wrong.window_sums(image, kernel) / kernel.size


def padded_to_the_same_size(image, kernel):
    grown = np.pad(image, [(k // 2, (k - 1) // 2) for k in kernel.shape])
    return wrong.window_sums(grown, kernel)


def one_step_too_short(image, kernel):
    return wrong.window_sums(image, kernel)[:-1, :-1]


def integers_only(image, kernel):
    return wrong.window_sums(image, kernel).astype(int)


def slide_by_offsets(image, kernel):
    rows, columns = (n - k + 1 for n, k in zip(image.shape, kernel.shape, strict=True))
    y = np.zeros((rows, columns))
    for p in range(kernel.shape[0]):
        for q in range(kernel.shape[1]):
            y += kernel[p, q] * image[p : p + rows, q : q + columns]
    return y


def slide_in_float32(image, kernel):
    return wrong.window_sums(image.astype(np.float32), kernel.astype(np.float32))


def slide_to_lists(image, kernel):
    return wrong.window_sums(image, kernel).tolist()


# ------------------------------------------------------------------ question 3


def same_padding(size, kernels):
    return size


def padded_by_one(size, kernels):
    return size - sum(k - 3 for k in kernels)


def only_the_last_kernel(size, kernels):
    return size - kernels[-1] + 1


def refuses_a_kernel_that_just_fits(size, kernels):
    for kernel in kernels:
        if kernel >= size:
            raise ValueError
        size -= kernel - 1
    return size


def looks_at_the_first_size_only(size, kernels):
    if max(kernels) > size:
        raise ValueError
    return size - sum(k - 1 for k in kernels)


def refuses_at_the_end_only(size, kernels):
    left = size - sum(k - 1 for k in kernels)
    if left < 0:
        raise ValueError
    return left


def width_at_once(size, kernels):
    left = size - sum(kernels) + len(kernels)
    if left < 1:
        raise ValueError("no place left")
    return np.int64(left)


def width_by_recursion(size, kernels):
    if not kernels:
        return size
    if kernels[0] > size:
        raise ValueError("too wide")
    return width_by_recursion(size - kernels[0] + 1, kernels[1:])


# ------------------------------------------------------------------ question 4


def valid_part_only(x, w):
    return np.convolve(x, w, mode="valid")


def same_part_only(x, w):
    return np.convolve(x, w, mode="same")


def kernel_must_be_the_shorter_list(x, w):
    y = np.zeros(len(x) + len(w) - 1)
    for i in range(len(y)):
        for k in range(min(len(w), len(x))):
            if 0 <= i - k < len(x):
                y[i] += w[k] * x[i - k]
    return y


def convolve_by_the_formula(x, w):
    size = len(x) + len(w) - 1
    return [sum(w[k] * x[n - k] for k in range(len(w)) if 0 <= n - k < len(x)) for n in range(size)]


def convolve_by_a_matrix(x, w):
    matrix = np.zeros((len(x) + len(w) - 1, len(x)))
    for i in range(len(x)):
        matrix[i : i + len(w), i] = w
    return matrix @ x


def convolve_in_float32(x, w):
    return np.convolve(x.astype(np.float32), w.astype(np.float32))


# ------------------------------------------------------------------ question 5


def transposed_kernel(image, kernel):
    return wrong.window_sums(image.T, kernel).T


def turned_result(image, kernel):
    return wrong.window_sums(image, kernel)[::-1, ::-1]


def turns_by_rot90(image, kernel):
    return wrong.window_sums(image, np.rot90(kernel, 2))


def turns_the_image_instead(image, kernel):
    return wrong.window_sums(image[::-1, ::-1], kernel)[::-1, ::-1]


# ------------------------------------------------------------------ question 10


def kernels_turned(x, w):
    return np.stack([wrong.summed_channels(x, kernel[:, ::-1, ::-1]) for kernel in w])


def maps_last(x, w):
    return np.stack([wrong.summed_channels(x, kernel) for kernel in w], axis=-1)


def one_map_for_each_channel(x, w):
    return np.stack([wrong.separate_channels(x, kernel) for kernel in w])


def all_kernels_added(x, w):
    return wrong.summed_channels(x, w.sum(axis=0))[None]


def maps_one_by_one(x, w):
    return [wrong.summed_channels(x, kernel) for kernel in w]


def maps_by_one_matrix_product(x, w):
    windows = sliding_window_view(x, w.shape[1:])[0]
    columns = windows.reshape(-1, w[0].size)
    return (columns @ w.reshape(len(w), -1).T).T.reshape(len(w), *windows.shape[:2]).astype(np.float32)


# ------------------------------------------------------------------ question 11


def passes_from_the_image(image, column, row):
    rows = len(image) - len(column) + 1
    return sum(value * image[p : p + rows, : image.shape[1] - len(row) + 1] for p, value in enumerate(column))


def square_pictures_only(image, column, row):
    return wrong.window_sums(image, np.outer(column, row))[:, : image.shape[0] - len(column) + 1]


def passes_padded(image, column, row):
    grown = np.pad(image, [(len(column) // 2, (len(column) - 1) // 2), (len(row) // 2, (len(row) - 1) // 2)])
    return wrong.window_sums(grown, np.outer(column, row))


def passes_by_convolving(image, column, row):
    across = np.array([np.correlate(line, row, "valid") for line in image])
    return np.array([np.correlate(line, column, "valid") for line in across.T]).T


def passes_in_one_piece(image, column, row):
    return wrong.window_sums(image, np.outer(column, row).astype(np.float32)).tolist()


# ------------------------------------------------------------------ question 12


def first_axis_only(x, w):
    return np.apply_along_axis(lambda row: np.correlate(row, w.ravel()[: w.shape[0]], "valid"), 0, x)


def turned_on_every_axis(x, w):
    return slide_over_places(x, np.flip(w))


def sums_the_first_axes(x, w):
    windows = sliding_window_view(x, w.shape)
    return (windows * w).sum(axis=tuple(range(x.ndim)))


def slide_over_places(x, w):
    y = np.empty([n - k + 1 for n, k in zip(x.shape, w.shape, strict=True)])
    for at in np.ndindex(y.shape):
        y[at] = (x[tuple(slice(i, i + k) for i, k in zip(at, w.shape, strict=True))] * w).sum()
    return y


def slide_in_float32_nd(x, w):
    return slide_over_places(x.astype(np.float32), w.astype(np.float32))


def sound_and_film_only(x, w):
    return slide_over_places(x, w if x.ndim != 2 else w[:1])


# ------------------------------------------------------------------ question 13


def difference_without_absolute(layer, x, by):
    return float((layer(np.roll(x, by)) - np.roll(layer(x), by)).max())


def mean_difference(layer, x, by):
    return float(np.abs(layer(np.roll(x, by)) - np.roll(layer(x), by)).mean())


def shifted_to_the_left(layer, x, by):
    return float(np.abs(layer(np.roll(x, -by)) - np.roll(layer(x), -by)).max())


def always_zero(layer, x, by):
    return 0.0


def follows_by_hand(layer, x, by):
    shifted, output = layer(np.concatenate([x[-by:], x[:-by]])), layer(x)
    return max(abs(a - b) for a, b in zip(shifted, np.concatenate([output[-by:], output[:-by]]), strict=True))


def always_shifts_by_three(layer, x, by):
    return float(np.abs(layer(np.roll(x, 3)) - np.roll(layer(x), 3)).max())


def follows_by_index(layer, x, by):
    back = np.arange(len(x)) - by
    return np.float32(np.max(np.abs(layer(x[back]) - np.asarray(layer(x))[back])))


# ------------------------------------------------------------------ question 14


def slope_of_the_same_length(w):
    return np.convolve(w, [1, -1])[:-1]


def central_differences(w):
    return np.convolve(w, [1, 0, -1])


def slope_by_padding(w):
    return np.diff(np.pad(w, 1)).tolist()


def slope_turned_round(w):
    return np.convolve(w, [1, -1])[::-1]


def sums_of_neighbours(w):
    return np.convolve(w, [1, 1])


def slope_by_two_shifts(w):
    return np.append(w, 0) - np.insert(w, 0, 0)


# ------------------------------------------------------------------ question 15


def right_end_sum(f, g, t, steps):
    tau = np.arange(1, steps + 1) * t / steps
    return float(np.sum(f(tau) * g(t - tau)) * t / steps)


def trapezium_sum(f, g, t, steps):
    tau = np.linspace(0, t, steps + 1)
    return float(np.trapezoid(f(tau) * g(t - tau), tau))


def one_piece_too_many(f, g, t, steps):
    return convolve_at_by_loop(f, g, t, steps + 1)


def turned_sign(f, g, t, steps):
    tau = (np.arange(steps) + 0.5) * t / steps
    return float(np.sum(f(tau) * g(tau - t)) * t / steps)


def convolve_at_by_loop(f, g, t, steps):
    return sum(f((k + 0.5) * t / steps) * g(t - (k + 0.5) * t / steps) for k in range(steps)) * t / steps


def convolve_at_by_python(f, g, t, steps):
    width, total = t / steps, 0.0
    for k in range(steps):
        middle = np.array([(k + 0.5) * width])
        total += float(f(middle)[0]) * float(g(t - middle)[0]) * width
    return np.float32(total)
