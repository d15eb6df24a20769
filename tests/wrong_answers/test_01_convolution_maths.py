"""Assignment 1: each plausible wrong answer loses points, each differently written right one gets all of them."""

import numpy as np
import pytest
from bench import Bench
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.misconceptions import maths as wrong

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def bench():
    return Bench("01_convolution_maths")


# ------------------------------------------------------------------ question 1


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


# ------------------------------------------------------------------ question 2


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


# ------------------------------------------------------------------ question 7


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


# ------------------------------------------------------------------ question 8


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


# ------------------------------------------------------------------ question 9


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


# ------------------------------------------------------------------ question 10


def slope_of_the_same_length(w):
    return np.convolve(w, [1, -1])[:-1]


def central_differences(w):
    return np.convolve(w, [1, 0, -1])


def slope_by_padding(w):
    return np.diff(np.pad(w, 1)).tolist()


# ------------------------------------------------------------------ question 11


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


WRONG = {
    "slide": [
        wrong.turned_kernel,
        wrong.matrix_products,
        wrong.swapped_axes,
        square_images_only,
        divided_by_the_number_of_weights,
        padded_to_the_same_size,
        one_step_too_short,
        integers_only,
    ],
    "width_after": [
        wrong.steps_of_a_stack,
        same_padding,
        padded_by_one,
        only_the_last_kernel,
        refuses_a_kernel_that_just_fits,
        looks_at_the_first_size_only,
        refuses_at_the_end_only,
    ],
    "dense_weights": [64 * 64 * 100, 64 * 64 * 3, 64 * 64 * 3 * 100 + 100],
    "conv_weights": [100 * 5 * 5, 5 * 5 * 3, 100 * 5 * 5 * 3 + 100, 100 * 60 * 60],
    "convolve": [
        wrong.correlate_lists,
        wrong.overwritten_copies,
        valid_part_only,
        same_part_only,
        kernel_must_be_the_shorter_list,
    ],
    "true_convolution": [
        wrong.window_sums,
        wrong.mirrored_kernel,
        wrong.flipped_kernel,
        transposed_kernel,
        turned_result,
    ],
    "move_left": [wrong.MOVE_RIGHT, wrong.MOVE_RIGHT.T, np.eye(3), np.array([[0, 0, 1]])],
    "sharpen_twice": [np.full((3, 3), -2 / 9), 3 * np.eye(3) - 2 / 9, np.full((3, 3), 1 / 9)],
    "conv_layer": [
        wrong.first_channel_only,
        wrong.mean_over_channels,
        kernels_turned,
        maps_last,
        one_map_for_each_channel,
        all_kernels_added,
    ],
    "slide_nd": [first_axis_only, turned_on_every_axis, sums_the_first_axes],
    "follows_by": [
        wrong.compared_with_unshifted,
        difference_without_absolute,
        mean_difference,
        shifted_to_the_left,
        always_zero,
    ],
    "slope_kernel": [
        wrong.inner_differences,
        wrong.downhill_slope,
        slope_of_the_same_length,
        central_differences,
    ],
    "convolve_at": [
        wrong.sum_without_width,
        wrong.left_end_sum,
        wrong.unturned_integral,
        right_end_sum,
        trapezium_sum,
        one_piece_too_many,
        turned_sign,
    ],
}

RIGHT = {
    "slide": [wrong.window_sums, slide_by_offsets, slide_in_float32, slide_to_lists],
    "width_after": [width_at_once],
    "dense_weights": [np.int64(64 * 64 * 3 * 100), float(64 * 64 * 3 * 100)],
    "conv_weights": [np.array(7500)],
    "convolve": [np.convolve, convolve_by_the_formula, convolve_by_a_matrix, convolve_in_float32],
    "true_convolution": [wrong.turned_kernel, turns_by_rot90, turns_the_image_instead],
    "move_left": [wrong.MOVE_RIGHT[:, ::-1].astype(float), [[0, 0, 0], [0, 0, 1], [0, 0, 0]]],
    "sharpen_twice": [3 * (np.arange(9).reshape(3, 3) == 4) - np.float32(2 / 9)],
    "conv_layer": [maps_one_by_one, maps_by_one_matrix_product],
    "slide_nd": [slide_over_places, slide_in_float32_nd],
    "follows_by": [follows_by_hand],
    "slope_kernel": [slope_by_padding],
    "convolve_at": [convolve_at_by_loop],
}


def rows(table):
    return [
        pytest.param(name, answer, id=f"{name}-{getattr(answer, '__name__', k)}")
        for name, answers in table.items()
        for k, answer in enumerate(answers)
    ]


@pytest.mark.parametrize(("name", "answer"), rows(WRONG))
def test_wrong_answers_lose_points(bench, name, answer):
    for seed in SEEDS:
        assert "wrong" in bench.outcomes(seed, **{name: answer}).values()


@pytest.mark.parametrize(("name", "answer"), rows(RIGHT))
def test_right_answers_get_all_points(bench, name, answer):
    for seed in range(20):
        assert set(bench.outcomes(seed, **{name: answer}).values()) == {"correct"}


def test_float32_twins_of_all_solutions_get_all_points(bench):
    twins = {name: in_float32(bench.names[name]) for name in WRONG if callable(bench.names[name])}
    assert len(twins) == 9
    for seed in range(30):
        assert set(bench.outcomes(seed, **twins).values()) == {"correct"}


def in_float32(function):
    """The same function, given and giving float32 where floats are meant."""

    def cast(value):
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            return value.astype(np.float32)
        return np.float32(value) if isinstance(value, float) else value

    return lambda *given: cast(function(*map(cast, given)))


def test_every_question_has_wrong_and_right_answers(bench):
    answered = {name for name in bench.names if name in WRONG}
    assert answered == set(WRONG) == set(RIGHT)
    untouched = bench.outcomes(1, **dict.fromkeys(WRONG, None))
    assert "correct" not in untouched.values()


def test_each_misunderstanding_gives_a_value_of_its_own(bench):
    for cell in bench.source.cells:
        for check in cell.checks:
            for idea in check.misunderstandings:
                module, _, name = idea.by.partition(":")
                assert module == "coursekit.misconceptions.maths"
                outcomes = bench.outcomes(1, **{idea.replace: getattr(wrong, name)})
                assert any(outcomes[other.id] == "wrong" for other in cell.checks)
