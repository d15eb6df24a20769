"""Assignment 3: each plausible wrong answer loses points, each differently written right one gets all of them."""

import answers_03 as answers
import numpy as np
import pytest
from bench import Bench, checks_of, in_float32, misunderstandings, nothing, outcomes, rows

from coursekit.grading.variants import with_numbers
from coursekit.misconceptions import questions_03 as wrong
from coursekit.misconceptions import questions_03_losses as slips

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def bench():
    return Bench("03_backpropagation")


LETTERS = ("A", "B", "C", "D", "E", "F", "G", "H", "P", "Q", "R")


def all_but(right, letters=LETTERS[:8]):
    return [letter for letter in letters if letter != right]


WRONG = {
    "dx_line": [[2, -1, 1, 3], [9, 0, 2, 9, -4, 4], [4, -4, 9, 2, 0, 9, 0], [4, -4, 9, 2, 0], "4, -4"],
    "dw_line": [[11, 8, 9], [9, 8], [6, 1, 2], [9, 8, 11, 0], 9],
    "graph_gradients": [
        wrong.last_way_of_x,
        wrong.one_way_of_w,
        wrong.open_relu,
        wrong.without_the_square,
        answers.target_forgotten,
        answers.product_not_exchanged,
        answers.relu_open_at_zero,
        answers.mask_by_x,
    ],
    "picked": ["A", "B", "C", "E", 3],
    "harmless": [
        wrong.TRANSPOSED_THE_SAME,
        wrong.MIRRORED_THE_SAME,
        {"A", "C"},
        {"E", "F"},
        set("ABCEF"),
        set("ABCDEF"),
        {"B", "D"},
    ],
    "conv_backward": [
        wrong.conv_unturned,
        wrong.conv_overwritten,
        wrong.conv_without_stride,
        wrong.conv_rim_at_one_end,
        wrong.conv_dw_flipped,
        wrong.conv_db_of_means,
        answers.conv_square_pictures_only,
        answers.conv_first_picture_only,
        answers.conv_padding_by_negative_slice,
        answers.conv_stride_on_rows_only,
        answers.conv_one_kernel_only,
        answers.conv_db_of_one_picture,
    ],
    "max_pool_backward": [
        wrong.max_pool_overwritten,
        wrong.max_pool_to_all_of_a_tie,
        wrong.max_pool_split_in_a_tie,
        wrong.max_pool_as_average,
        answers.max_pool_last_of_a_tie,
        answers.max_pool_first_by_columns,
        answers.max_pool_disguised_assignment,
        answers.max_pool_without_overlap,
    ],
    "average_pool_backward": [
        wrong.average_pool_overwritten,
        wrong.average_pool_undivided,
        wrong.average_pool_of_a_square,
        answers.average_pool_by_stride,
        answers.average_pool_turned_window,
        answers.average_pool_without_stride,
    ],
    "softmax_loss": [
        slips.softmax_summed,
        slips.softmax_mean_of_the_loss_only,
        slips.softmax_without_shift,
        slips.softmax_probability_first,
        slips.softmax_probabilities_alone,
        answers.softmax_over_the_pictures,
        answers.softmax_in_base_two,
        answers.softmax_clipped,
        answers.softmax_sign_turned,
    ],
    "svm_loss": [
        slips.svm_right_class_pays,
        slips.svm_minus_one,
        slips.svm_kink_pays,
        slips.svm_without_mean,
        answers.svm_margin_of_one,
        answers.svm_divided_by_classes,
        answers.svm_largest_only,
        answers.svm_right_class_untouched,
    ],
    "numerical_gradient": [
        slips.one_sided,
        slips.divided_by_h,
        slips.all_at_once,
        answers.differences_without_sign,
        answers.fixed_step,
        answers.step_left_in_place,
    ],
    "relative_error": [
        slips.absolute_error,
        slips.largest_quotient,
        slips.signed_error,
        answers.mean_error,
        answers.by_the_other_gradient,
        answers.by_both,
        answers.nothing_where_slopes_are_zero,
    ],
    "wrong_layers": [
        slips.EVERY_MISMATCH,
        slips.INPUTS_ALONE,
        slips.INPUTS_AND_KINK,
        {"affine"},
        {"convolution", "affine", "average"},
        {"convolution", "average", "relu", "affine"},
    ],
    "convolution_letter": all_but("F"),
    "average_letter": all_but("A"),
    "relu_letter": all_but("B"),
    "affine_letter": all_but("G"),
    "mended_backward": [
        slips.shifted_line,
        slips.uncut_line,
        answers.line_rim_always_one,
        answers.line_by_negative_slice,
        answers.line_without_stride,
    ],
    "one_sided": [*all_but("Q", "PQR"), "float64", "S", "QR"],
    "centred": [*all_but("R", "PQR"), "S", "P or R", "one"],
    "centred_float32": [*all_but("P", "PQR"), "S", "PR", "all"],
    "best_power": [slips.SMALLEST_STEP, slips.BEST_OF_FLOAT32, slips.LOWEST_ROW, 6, -5, -7],
    "powers_per_step": [slips.FALLS_LIKE_ONE_SIDED, -2, 100, 3, 6],
    "network_backward": [
        slips.network_overwritten,
        slips.network_open_relu,
        slips.network_unturned,
        slips.network_of_means,
        answers.network_pools_without_steps,
        answers.network_bias_of_one_line,
        answers.network_laid_out_otherwise,
    ],
}

RIGHT = {
    "dx_line": [np.array([4, -4, 9, 2, 0, 9.0]), (4, -4, 9, 2, 0, 9)],
    "dw_line": [np.float32([9, 8, 11]), (9, 8, 11)],
    "graph_gradients": [answers.graph_by_cases, answers.graph_in_float32],
    "picked": ["D", " d "],
    "harmless": [["F", "E", "C", "A"], set("acef")],
    "conv_backward": [answers.conv_by_sliding, answers.conv_in_float32],
    "max_pool_backward": [answers.max_pool_by_add_at, answers.max_pool_searching],
    "average_pool_backward": [answers.average_pool_by_offsets, answers.average_pool_pixel_by_pixel],
    "softmax_loss": [answers.softmax_by_rows, answers.softmax_by_logaddexp],
    "svm_loss": [answers.svm_by_loops, answers.svm_by_where],
    "numerical_gradient": [answers.numerical_by_flat_index, answers.numerical_in_place],
    "relative_error": [answers.by_norms, answers.error_by_python],
    "wrong_layers": [["affine", "convolution"], ("Convolution", " affine ")],
    "convolution_letter": ["f", "F "],
    "average_letter": ["a", " A"],
    "relu_letter": ["b", "B\n"],
    "affine_letter": ["g", " g "],
    "mended_backward": [answers.line_by_convolving, answers.line_by_matrix],
    "one_sided": ["q", "Q "],
    "centred": ["r", "R "],
    "centred_float32": ["p", "P "],
    "best_power": [np.int64(-6), -6.0],
    "powers_per_step": [2.0, np.array(2)],
    "network_backward": [answers.network_by_einsum, answers.network_in_float32],
}


@pytest.fixture(scope="module")
def asking(bench):
    return checks_of(bench, WRONG)


@pytest.mark.parametrize(("name", "answer"), rows(WRONG))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # division by zero and overflow are what some of them are about
def test_wrong_answers_lose_points(bench, asking, name, answer):
    for seed in SEEDS:
        assert "wrong" in outcomes(bench, asking, seed, name, answer).values()


@pytest.mark.parametrize(("name", "answer"), rows(RIGHT))
def test_right_answers_get_all_points(bench, asking, name, answer):
    for seed in range(8):
        assert set(outcomes(bench, asking, seed, name, answer).values()) == {"correct"}


def test_float32_twins_of_all_solutions_get_all_points(bench, asking):
    twins = {name: in_float32(bench.names[name]) for name in WRONG if callable(bench.names[name])}
    assert len(twins) == 10
    for name, twin in twins.items():
        for seed in range(8):
            assert set(outcomes(bench, asking, seed, name, twin).values()) == {"correct"}, (name, seed)


def test_every_question_has_wrong_and_right_answers(bench):
    assert set(WRONG) == set(RIGHT) == {name for name in bench.names if name in WRONG}
    assert all(len(found) >= 5 for found in WRONG.values())
    assert all(len(found) >= 2 for found in RIGHT.values())
    untouched = bench.outcomes(1, **{name: nothing if callable(bench.names[name]) else None for name in WRONG})
    assert set(untouched.values()) == {"nothing"}


GIVEN = dict.fromkeys(("dx_line", "dw_line"), ("INPUTS", "TAPS", "ARRIVED")) | {"picked": ("CHOICES", "DY", "KERNEL")}


def test_each_misunderstanding_gives_a_value_of_its_own(bench, asking):
    for cell, idea, answer in misunderstandings(bench, GIVEN):
        found = outcomes(bench, asking, 1, idea.replace, answer)
        assert any(found[check.id] == "wrong" for check in cell.checks), idea.by


def test_other_numbers_are_as_good(bench):
    """In each variant the entered answers are drawn as meant, and no wrong thought leads to the right ones."""
    seen = set()
    for seed in range(30):
        names = {}
        for cell in with_numbers(bench.source, seed).cells:
            if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "") in ("setup", *CELLS):
                exec(cell.source, names)
        line = names["INPUTS"], names["TAPS"], names["ARRIVED"]
        seen.add((*line, names["NUMBER"]))
        ideas = [wrong.unturned_on_a_line, wrong.overwritten_on_a_line, wrong.one_output_alone]
        assert_all_differ([names["dx_line"], *(idea(*line) for idea in ideas)])
        assert_all_differ([names["dw_line"], wrong.flipped_for_the_taps(*line), wrong.first_window_alone(*line)])
        assert_all_differ([names["dx_line"], names["dx_line"][::-1]])
        assert_all_differ([names["dw_line"], names["dw_line"][::-1]])
        choices = names["CHOICES"], names["DY"], names["KERNEL"]
        picks = [wrong.picks_the_right_gradient, wrong.picks_half_a_turn, wrong.picks_the_overwritten]
        assert sorted([names["picked"], *(pick(*choices) for pick in picks)]) == list("ABCD")
    assert len(seen) > 20


CELLS = ("q1-given", "q1-dx", "q1-dw", "q3-given", "q3-letter")


def assert_all_differ(values):
    assert len({tuple(np.asarray(value, float)) for value in values}) == len(values)


def test_the_four_layers_are_as_said(bench):
    """Wiggled with the solution's own functions: which gradients do not agree, and where that of the false alarm."""
    disagree = set()
    for name, (forward, backward, draw) in bench.names["LAYERS"].items():
        rng = np.random.default_rng(1)
        inputs = draw(rng)
        dy = rng.normal(size=np.shape(forward(**inputs)))
        for key, gradient in backward(dy, **inputs).items():
            numeric = wiggled(bench, forward, inputs, key, dy)
            if bench.names["relative_error"](gradient, numeric) > 1e-7:
                disagree.add((name, key))
            if name == "relu":
                assert np.array_equal(np.abs(gradient - numeric) > 1e-7, inputs["x"] == 0)
    assert disagree == {("convolution", "x"), ("relu", "x"), ("affine", "b")}


def wiggled(bench, forward, inputs, key, dy):
    """The slopes of the sum of dy times the output, by one of the inputs."""

    def loss(value):
        return np.sum(dy * forward(**(inputs | {key: value})))

    return bench.names["numerical_gradient"](loss, inputs[key], 1e-5)
