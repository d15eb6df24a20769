"""Assignment 1: each plausible wrong answer loses points, each differently written right one gets all of them."""

import answers_01 as answers
import numpy as np
import pytest
from bench import Bench, checks_of, in_float32, named, nothing, outcomes, rows

from coursekit.grading.variants import how_many, with_numbers
from coursekit.misconceptions import maths as wrong
from coursekit.misconceptions import questions_01 as thoughts

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def bench():
    return Bench("01_convolution_maths")


def all_but(right, letters="PQR"):
    return [letter for letter in letters if letter != right]


WRONG = {
    "y_by_hand": [
        [[3, -2, 8], [6, 1, 7]],  # turned
        [[8, 2, 10], [10, 4, 14]],  # multiplied as matrices
        [[4, 3], [7, 6], [-2, 2]],  # rows and columns swapped
        [[4, -2]],  # in tiles
        [[1, -2, 7], [6, 3, 2]],  # the kernel read column by column
        [[4, 7], [3, 6]],  # a place too few along the top
        [4, 7, -2, 3, 6, 2],  # no rows
    ],
    "slide": [
        wrong.turned_kernel,
        wrong.matrix_products,
        wrong.swapped_axes,
        answers.square_images_only,
        answers.divided_by_the_number_of_weights,
        answers.padded_to_the_same_size,
        answers.one_step_too_short,
        answers.integers_only,
    ],
    "width_after": [
        wrong.steps_of_a_stack,
        answers.same_padding,
        answers.padded_by_one,
        answers.only_the_last_kernel,
        answers.refuses_a_kernel_that_just_fits,
        answers.looks_at_the_first_size_only,
        answers.refuses_at_the_end_only,
    ],
    "dense_weights": [64 * 64 * 100, 64 * 64 * 3, 64 * 64 * 3 * 100 + 100, 100 * 5 * 5 * 3, 64 * 64],
    "conv_weights": [100 * 5 * 5, 5 * 5 * 3, 100 * 5 * 5 * 3 + 100, 100 * 60 * 60, 7500 * 60 * 60],
    "convolve": [
        wrong.correlate_lists,
        wrong.overwritten_copies,
        answers.valid_part_only,
        answers.same_part_only,
        answers.kernel_must_be_the_shorter_list,
    ],
    "true_convolution": [
        wrong.window_sums,
        wrong.mirrored_kernel,
        wrong.flipped_kernel,
        answers.transposed_kernel,
        answers.turned_result,
    ],
    "picked": [*all_but("C", "ABCD"), "E", 3],
    "move_left": [wrong.MOVE_RIGHT, wrong.MOVE_RIGHT.T, np.eye(3), np.array([[0, 0, 1]]), np.eye(3)[::-1]],
    "sharpen_twice": [
        thoughts.DIFFERENCE_ALONE,
        thoughts.SHARPEN_ONCE,
        thoughts.MEAN_OF_THE_NEIGHBOURS,
        np.full((3, 3), -2 / 9),
        3 * np.eye(3) - 2 / 9,
        np.full((3, 3), 1 / 9),
    ],
    "mean_curve": [*all_but("R"), "S", "QR", "mean"],
    "difference_curve": [*all_but("P"), "S", "PQ", 1],
    "sharpen_curve": [*all_but("Q"), "S", "QR", "sharpen"],
    "levels": [thoughts.EXTREMES_FOR_LEVELS, thoughts.JUMPS_FOR_LEVELS, [2, 8, 5], [5, 8], [5, 9, 2], 5],
    "first_dark": [thoughts.FIRST_REACTION, thoughts.THE_OTHER_EDGE, thoughts.BACK_TO_FLAT, 10, 5, -12],
    "conv_layer": [
        wrong.first_channel_only,
        wrong.mean_over_channels,
        answers.kernels_turned,
        answers.maps_last,
        answers.one_map_for_each_channel,
        answers.all_kernels_added,
    ],
    "wrong_lines": [
        thoughts.SUM_OF_ROWS_SUSPECTED,
        thoughts.BOTH_SIZES_SUSPECTED,
        thoughts.IMAGE_SUSPECTED,
        {4},
        {6},
        {3, 4, 6},
        set(range(1, 7)),
    ],
    "two_passes": [
        thoughts.last_row_lost,
        thoughts.last_weight_alone,
        thoughts.weights_exchanged,
        thoughts.turned_passes,
        thoughts.passes_added,
        answers.passes_from_the_image,
        answers.square_pictures_only,
        answers.passes_padded,
    ],
    "slide_nd": [
        thoughts.mean_of_products,
        thoughts.one_place_lost,
        answers.sound_and_film_only,
        answers.first_axis_only,
        answers.turned_on_every_axis,
        answers.sums_the_first_axes,
    ],
    "follows_by": [
        wrong.compared_with_unshifted,
        answers.difference_without_absolute,
        answers.mean_difference,
        answers.shifted_to_the_left,
        answers.always_zero,
        answers.always_shifts_by_three,
    ],
    "slope_kernel": [
        wrong.inner_differences,
        wrong.downhill_slope,
        answers.slope_of_the_same_length,
        answers.central_differences,
        answers.slope_turned_round,
        answers.sums_of_neighbours,
    ],
    "litres": [[6, 0, 0], [6, 15, 18], [6, 12, 12], [1, 2, 0.5], [6, 12], 6],
    "empty_from": [3, 2, 4.5, 1, 6, [5, 5]],
    "convolve_at": [
        wrong.sum_without_width,
        wrong.left_end_sum,
        wrong.unturned_integral,
        answers.right_end_sum,
        answers.trapezium_sum,
        answers.one_piece_too_many,
        answers.turned_sign,
    ],
}

RIGHT = {
    "y_by_hand": [np.array([[4, 7, -2], [3, 6, 2.0]]), ((4, 7, -2), (3, 6, 2))],
    "slide": [wrong.window_sums, answers.slide_by_offsets, answers.slide_in_float32, answers.slide_to_lists],
    "width_after": [answers.width_at_once, answers.width_by_recursion],
    "dense_weights": [np.int64(64 * 64 * 3 * 100), float(64 * 64 * 3 * 100)],
    "conv_weights": [np.array(7500), 7500.0],
    "convolve": [
        np.convolve,
        answers.convolve_by_the_formula,
        answers.convolve_by_a_matrix,
        answers.convolve_in_float32,
    ],
    "true_convolution": [wrong.turned_kernel, answers.turns_by_rot90, answers.turns_the_image_instead],
    "picked": ["C", " c "],
    "move_left": [wrong.MOVE_RIGHT[:, ::-1].astype(float), [[0, 0, 0], [0, 0, 1], [0, 0, 0]]],
    "sharpen_twice": [
        3 * (np.arange(9).reshape(3, 3) == 4) - np.float32(2 / 9),
        thoughts.DIFFERENCE_ALONE + np.diag([0, 1, 0]),
    ],
    "mean_curve": ["r", "R "],
    "difference_curve": ["p", " P"],
    "sharpen_curve": ["q", "Q\n"],
    "levels": [np.array([5, 8, 2.0]), (5, 8, 2)],
    "first_dark": [12.0, np.int64(12)],
    "conv_layer": [answers.maps_one_by_one, answers.maps_by_one_matrix_product],
    "wrong_lines": [[6, 4], (4, 6)],
    "two_passes": [answers.passes_by_convolving, answers.passes_in_one_piece],
    "slide_nd": [answers.slide_over_places, answers.slide_in_float32_nd],
    "follows_by": [answers.follows_by_hand, answers.follows_by_index],
    "slope_kernel": [answers.slope_by_padding, answers.slope_by_two_shifts],
    "litres": [np.array([6, 12, 3]), (6.0, 12.0, 3.0)],
    "empty_from": [5.0, np.float32(5)],
    "convolve_at": [answers.convolve_at_by_loop, answers.convolve_at_by_python],
}


@pytest.fixture(scope="module")
def asking(bench):
    return checks_of(bench, WRONG)


@pytest.mark.parametrize(("name", "answer"), rows(WRONG))
def test_wrong_answers_lose_points(bench, asking, name, answer):
    for seed in SEEDS:
        assert "wrong" in outcomes(bench, asking, seed, name, answer).values()


@pytest.mark.parametrize(("name", "answer"), rows(RIGHT))
def test_right_answers_get_all_points(bench, asking, name, answer):
    for seed in range(20):
        assert set(outcomes(bench, asking, seed, name, answer).values()) == {"correct"}


def test_float32_twins_of_all_solutions_get_all_points(bench):
    twins = {name: in_float32(bench.names[name], scalars=True) for name in WRONG if callable(bench.names[name])}
    assert len(twins) == 10
    for seed in range(30):
        assert set(bench.outcomes(seed, **twins).values()) == {"correct"}


def test_every_question_has_wrong_and_right_answers(bench):
    assert set(WRONG) == set(RIGHT) == {name for name in bench.names if name in WRONG}
    assert all(len(found) >= 5 for found in WRONG.values())
    assert all(len(found) >= 2 for found in RIGHT.values())
    untouched = bench.outcomes(1, **{name: nothing if callable(bench.names[name]) else None for name in WRONG})
    assert set(untouched.values()) == {"nothing"}


ENTERED = {  # answers that depend on the question's numbers, which are named here
    "y_by_hand": ("PICTURE", "WEIGHTS"),
    "picked": ("CHOICES", "DOTS", "STAMP"),
    "dense_weights": ("SIZE", "OUTPUTS"),
    "conv_weights": ("SIZE", "OUTPUTS", "TAPS"),
    "litres": ("RATE", "RAIN", "STAY", "TIMES"),
    "empty_from": ("RATE", "RAIN", "STAY", "TIMES"),
}


def thought(idea, names):
    """A misunderstanding's answer: for an entered one what its function makes of the question's numbers."""
    answer = named(idea)
    if idea.replace not in ENTERED:
        return answer
    numbers = [names[number] for number in ENTERED[idea.replace]]
    return answer(numbers[0], np.array(numbers[1])) if idea.replace == "y_by_hand" else answer(*numbers)


def test_each_misunderstanding_gives_a_value_of_its_own(bench, asking):
    for cell in bench.source.cells:
        for idea in cell.checks[0].misunderstandings if cell.checks else ():
            found = outcomes(bench, asking, 1, idea.replace, thought(idea, bench.names))
            assert any(found[check.id] == "wrong" for check in cell.checks), idea.by


def test_other_numbers_are_as_good(bench):
    """In each variant no wrong thought leads to the right answer, nor two of them to the same."""
    ideas = {}
    for cell in bench.source.cells:
        for idea in cell.checks[0].misunderstandings if cell.checks else ():
            ideas.setdefault(idea.replace, []).append(idea)
    assert how_many(bench.source) >= 500
    for seed in range(40):
        names = {"np": np, "entered": lambda *given: None, "check": lambda *given, **named: None}
        for cell in with_numbers(bench.source, seed).cells:
            if cell.cell_type == "code" and cell.id != "setup":
                exec(cell.source, names)
        for name in ENTERED:
            values = [names[name], *(thought(idea, names) for idea in ideas[name])]
            assert len({str(np.asarray(value).tolist()) for value in values}) == len(values), (seed, name, values)
        assert 0 not in names["litres"]  # who sends 0 everywhere gets nothing


def test_the_two_passes_are_broken_in_the_lines_named(bench):
    """Mending either line alone is not enough, mending both is."""
    cell = next(cell for cell in bench.source.cells if cell.grade_id == "q11-given")
    size, share = ("- len(column), ", "- len(column) + 1, "), ("y = column", "y += column")
    rng = np.random.default_rng(3)
    image, column, row = rng.normal(size=(6, 5)), rng.normal(size=3), rng.normal(size=2)
    right = wrong.window_sums(image, np.outer(column, row))
    for mended in ([], [size], [share], [size, share]):
        source, names = cell.source, {"np": np}
        for old, new in mended:
            assert source.count(old) == 1
            source = source.replace(old, new)
        exec(source, names)
        found = names["broken_passes"](image, column, row)
        assert (found.shape == right.shape and np.allclose(found, right)) == (len(mended) == 2)
