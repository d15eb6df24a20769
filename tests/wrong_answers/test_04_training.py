"""Assignment 4: each plausible wrong answer loses points, each differently written right one gets all of them."""

import answers_04 as answers
import answers_04_nets as nets
import numpy as np
import pytest
from bench import Bench, checks_of, in_float32, misunderstandings, nothing, outcomes, rows

from coursekit.compare import compare
from coursekit.data import draw_digits
from coursekit.grading.variants import with_numbers
from coursekit.misconceptions import questions_04 as wrong
from coursekit.misconceptions import questions_04_net as badly
from coursekit.misconceptions import questions_04_norm as norms
from coursekit.misconceptions import questions_04_script as scripts
from coursekit.misconceptions import questions_04_training as slips

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def bench():
    return Bench("04_training")


LABELS = "04.q12.labels"
LN_37 = 3.6109179


def all_but(right, letters):
    return [letter for letter in letters if letter != right]


WRONG = {
    "first_loss": [36 / 37, 1.568, 5.209, 1 / 37, -LN_37, 37],
    "error_bar": [0.000784, 14.0, 0.0056, 0.0028, 0.28**2, 2.8, 0.5488],
    "arriving": [1024, 25, 6400, 900, 4096],
    "parameters": [152_032, 120_000, 123_552, 71_792, 152_302],
    "first_weights": [
        wrong.spread_by_outputs,
        wrong.spread_by_channels,
        wrong.variance_for_spread,
        wrong.spread_without_relu,
        wrong.spread_of_uniform,
        wrong.spread_always_of_he,
        wrong.spread_of_both_sides,
        answers.spread_of_glorot,
        answers.spread_around_one,
        answers.weights_all_equal,
    ],
    "momentum_path": [
        wrong.momentum_forgotten,
        wrong.momentum_of_nesterov,
        wrong.momentum_as_mean,
        wrong.momentum_before_the_step,
        wrong.momentum_uphill,
        wrong.momentum_in_place,
        wrong.momentum_one_array,
        answers.momentum_uphill,
        answers.momentum_in_place,
        answers.momentum_one_array_for_all,
    ],
    "adam_path": [
        wrong.adam_uncorrected,
        wrong.adam_half_corrected,
        wrong.adam_same_correction,
        wrong.adam_without_root,
        wrong.adam_eps_inside,
        wrong.adam_counting_from_zero,
        wrong.adam_betas_swapped,
        wrong.adam_keeps_the_hats,
        wrong.adam_in_place,
        wrong.adam_one_array,
        answers.adam_a_step_ahead,
        answers.adam_betas_swapped,
        answers.adam_in_place,
    ],
    "response_norm": [
        norms.lrn_of_pytorch,
        norms.lrn_both_sides_whole,
        norms.lrn_without_itself,
        norms.lrn_round_the_corner,
        norms.lrn_in_space,
        norms.lrn_negative_places,
        norms.lrn_without_power,
        norms.lrn_of_its_own_results,
        answers.lrn_without_power,
        answers.lrn_without_squares,
        answers.lrn_negative_places,
    ],
    "alpha_for_torch": [0.0003, 0.0003 / 7, 7, 0.0009, 0.0003**7],
    "batch_norm": [
        norms.norm_by_variance,
        norms.norm_by_unbiased,
        norms.norm_of_each_pixel,
        norms.norm_stores_biased,
        norms.norm_other_share,
        norms.norm_always_training,
        norms.norm_stores_in_use,
        norms.norm_eps_outside,
        norms.norm_over_all_maps,
        norms.norm_of_each_picture,
        norms.norm_by_running_in_training,
        norms.norm_stores_in_place,
        norms.norm_counts_pictures,
        answers.norm_over_all_maps,
        answers.norm_eps_outside,
        answers.norm_by_running_in_training,
        answers.norm_stores_in_place,
    ],
    "batch_norm_backward": [
        norms.back_both_constant,
        norms.back_deviation_constant,
        norms.back_sums_for_means,
        norms.back_without_gamma,
        norms.back_by_raw_input,
        norms.back_mean_constant,
        norms.back_eps_outside,
        norms.back_eps_forgotten,
        norms.back_of_means,
        answers.back_eps_forgotten,
        answers.back_of_means,
        answers.back_of_each_pixel,
        answers.back_mean_constant,
    ],
    "dropout": [
        slips.dropout_not_rescaled,
        slips.dropout_divides_by_rate,
        slips.dropout_always,
        slips.dropout_scaled_in_use,
        slips.dropout_keeps_the_dropped,
        slips.dropout_open_on_the_way_back,
        slips.dropout_masks_by_zero,
        slips.dropout_of_two_draws,
        answers.dropout_of_two_draws,
        answers.dropout_by_columns,
    ],
    "augment": [
        slips.shifts_come_back,
        slips.labels_stay,
        slips.mirrors_everything,
        slips.mirrors_upside_down,
        slips.mirrors_before_it_shifts,
        slips.one_shift_for_all,
        slips.shifts_the_other_way,
        slips.shifts_down_for_right,
        slips.draws_for_some,
        slips.augments_in_place,
        answers.augment_swaps_axes,
        answers.augment_up_for_down,
        answers.augment_in_place,
        answers.augment_draws_for_some,
    ],
    "report": [
        slips.report_turned,
        slips.report_shares_exchanged,
        slips.report_mean_of_classes,
        slips.report_counts_once,
        slips.report_zero_for_nothing,
        answers.report_of_lowest,
    ],
    "gallery": [
        slips.gallery_by_score,
        slips.gallery_of_all,
        slips.gallery_least_sure,
        slips.gallery_by_label,
        slips.gallery_places_among_mistakes,
        slips.gallery_later_of_two,
        slips.gallery_columns_exchanged,
        answers.gallery_of_one_too_few,
        answers.gallery_columns_exchanged,
        answers.gallery_later_of_two,
    ],
    "shuffled": [*all_but("R", "PQRS"), "PR", "shuffled"],
    "slow": [*all_but("P", "PQRS"), "PR", "slow"],
    "few": [*all_but("Q", "PQRS"), "QS", "300"],
    "kept_with_one": [slips.BEST_OF_ALL, slips.WHERE_IT_STOPS, slips.ALL_OF_THEM, 4, 0.607],
    "trained_with_two": [slips.BEST_OF_ALL, slips.ALL_OF_THEM, slips.FIRST_RISE, slips.ONE_TOO_FEW, 2],
    "vanishing": [slips.THE_WORST_ALONE, slips.ALL_BELOW_ONE, {"X"}, {"T", "V"}, {"U", "X", "V"}],
    "four_times_he": [*all_but("T", "TUVWX"), "TV"],
    "normed": [*all_but("V", "TUVWX"), "VW"],
    "factor": [slips.FACTOR_OF_THREE_LAYERS, slips.FACTOR_FORWARD, 0.5, 10, 2e-10],
    "shown": [slips.DRIFT_IS_THE_REASON, slips.DRIFT_HURTS, slips.CALM_ALONE, {"A", "B"}, set("ABCDE")],
    "mended_gradients": [
        scripts.script_open_relu,
        scripts.script_of_sums,
        scripts.script_mask_by_gradient,
        answers.script_with_turned_mask,
        answers.script_labels_forgotten,
        answers.script_in_bits,
    ],
    "mended_training": [
        scripts.script_too_wide,
        scripts.script_of_other_labels,
        scripts.script_of_unprepared,
        scripts.script_of_another_mean,
        scripts.script_of_large_new_ones,
        scripts.script_of_uncentred_new_ones,
        scripts.script_of_the_old_gradients,
        scripts.script_as_it_was,
        answers.script_all_pictures,
        answers.script_of_losses_after,
        answers.script_without_255,
    ],
    "simple_conv_net": [
        badly.net_without_second_relu,
        badly.net_pools_first,
        badly.net_of_small_weights,
        badly.net_of_xavier,
        badly.net_unpooled,
        badly.net_with_relu_on_scores,
        badly.net_of_outputs,
        badly.net_of_all_pixels,
        nets.net_unpooled,
        nets.net_of_classes_first,
        nets.net_with_relu_on_scores,
        nets.net_of_outputs,
    ],
}

RIGHT = {
    "first_loss": [3.61, LN_37, np.float32(3.611)],
    "error_bar": [0.28, np.float32(0.28)],
    "arriving": [1600.0, np.int64(1600)],
    "parameters": [152_352, 152_352.0],
    "first_weights": [answers.weights_of_standard_normals, answers.weights_one_by_one],
    "momentum_path": [answers.momentum_by_powers, answers.momentum_rate_inside],
    "adam_path": [answers.adam_by_loops, answers.adam_in_float32],
    "response_norm": [answers.lrn_by_matrix, answers.lrn_pixel_by_pixel],
    "alpha_for_torch": [0.0021, np.float64(0.0021)],
    "batch_norm": [answers.norm_map_by_map, answers.norm_in_rows],
    "batch_norm_backward": [answers.back_by_steps, answers.back_by_einsum],
    "dropout": [answers.dropout_element_by_element, answers.dropout_by_where],
    "augment": [answers.augment_pixel_by_pixel, answers.augment_by_rolling],
    "report": [answers.report_by_errors, answers.report_by_masks],
    "gallery": [answers.gallery_by_sorting_tuples, answers.gallery_by_lexsort],
    "shuffled": ["r", " R"],
    "slow": ["p", "P "],
    "few": ["q", "Q\n"],
    "kept_with_one": [5.0, np.int64(5)],
    "trained_with_two": [11.0, np.array(11)],
    "vanishing": [["x", "u"], ("U", "X")],
    "four_times_he": ["t", "T "],
    "normed": ["v", " V"],
    "factor": [0.2, 0.23, 0.226],
    "shown": [["D", "A", "B"], {"b", "d", "a"}],
    "mended_gradients": [answers.gradients_by_pictures, answers.gradients_in_float32],
    "mended_training": [answers.training_in_place, answers.training_in_float32],
    "simple_conv_net": [nets.net_by_append, nets.net_in_float64],
}

BADLY_TRAINED = [
    nets.labels_untrained,
    nets.labels_linear,
    nets.labels_hurried,
    nets.labels_of_other_labels,
    nets.labels_of_forty_digits,
    nets.labels_of_a_wild_rate,
    nets.labels_of_pictures_on_their_side,
    nets.labels_least_likely,
    nets.labels_unshifted,
    nets.labels_without_momentum,
]
WELL_TRAINED = [
    nets.labels_from_sound,
    nets.labels_in_parts,
    nets.labels_by_adam,
    nets.labels_shifted_in_batches,
]
NO_LABELS = {  # what comes out of a network that reads well, and what is said to it
    nets.scores_for_labels: "classify gives the shape (1000, 10)",
    nets.chances_for_labels: "classify gives the shape (1000, 10)",
    nets.one_hot_for_labels: "classify gives the shape (1000, 10)",
    nets.column_of_labels: "classify gives the shape (1000, 1)",
    nets.highest_chances: "a whole number 0 to 9",
    nets.labels_from_one: "a whole number 0 to 9",
}


@pytest.fixture(scope="module")
def asking(bench):
    found = checks_of(bench, WRONG)
    found["simple_conv_net"].remove(LABELS)  # how well a network reads is asked further down
    return found


@pytest.mark.parametrize(("name", "answer"), rows(WRONG))
def test_wrong_answers_lose_points(bench, asking, name, answer):
    for seed in SEEDS:
        assert "wrong" in outcomes(bench, asking, seed, name, answer).values()


@pytest.mark.parametrize(("name", "answer"), rows(RIGHT))
def test_right_answers_get_all_points(bench, asking, name, answer):
    for seed in range(8):
        assert set(outcomes(bench, asking, seed, name, answer).values()) == {"correct"}


def labelled(bench, answer, seeds):
    """How the check of trained networks comes out."""
    return {outcomes(bench, {"classify": [LABELS]}, seed, "classify", answer)[LABELS] for seed in seeds}


@pytest.mark.slow
@pytest.mark.parametrize("answer", BADLY_TRAINED)
def test_badly_trained_networks_lose_points(bench, answer):
    assert labelled(bench, answer, SEEDS) == {"wrong"}


@pytest.mark.slow
@pytest.mark.parametrize("answer", WELL_TRAINED)
def test_well_trained_networks_get_all_points(bench, answer):
    assert labelled(bench, answer, range(4)) == {"correct"}


@pytest.mark.slow
@pytest.mark.parametrize("answer", NO_LABELS)
def test_what_is_no_label_is_refused_in_words(bench, answer):
    expected, got = bench.sent(1, only=[LABELS])[LABELS], bench.sent(1, only=[LABELS], classify=answer)[LABELS]
    result = compare(expected, got, bench.how[LABELS])
    assert result.outcome == "wrong"
    assert NO_LABELS[answer] in result.reason


@pytest.mark.slow
def test_the_solution_reads_well_above_the_bar(bench):
    """By four points, over ten thousand digits: no draw of a thousand comes near the bar."""
    shares = bench.how[LABELS]["at_least"]
    digits, labels = draw_digits("test", 10_000, np.random.default_rng(1))
    assert np.mean(bench.names["labels_of"](bench.names["classify"], digits) == labels) > max(shares) + 0.04


def test_float32_twins_of_all_solutions_get_all_points(bench, asking):
    functions = {name for name in WRONG if callable(bench.names[name])} - {"simple_conv_net"}
    assert len(functions) == 12
    for name in functions:
        twin = in_float32(bench.names[name])
        for seed in range(4):
            assert set(outcomes(bench, asking, seed, name, twin).values()) == {"correct"}, (name, seed)


def test_every_question_has_wrong_and_right_answers(bench):
    assert set(WRONG) == set(RIGHT) == {name for name in bench.names if name in WRONG}
    assert all(len(found) >= 5 for found in WRONG.values())
    assert all(len(found) >= 2 for found in RIGHT.values())
    everything = [*WRONG, "classify"]
    untouched = bench.outcomes(1, **{name: nothing if callable(bench.names[name]) else None for name in everything})
    assert set(untouched.values()) == {"nothing"}


def test_each_misunderstanding_gives_a_value_of_its_own(bench, asking):
    for cell, idea, answer in misunderstandings(bench, GIVEN):
        found = outcomes(bench, asking, 1, idea.replace, answer)
        assert any(found[check.id] == "wrong" for check in cell.checks), idea.by


GIVEN = {
    "first_loss": ("CLASSES",),
    "error_bar": ("SHARE", "PICTURES"),
    "arriving": ("SIDE",),
    "parameters": ("SIDE",),
    "alpha_for_torch": ("ALPHA", "NEIGHBOURS"),
}


def test_other_numbers_are_as_good(bench):
    """In each variant the entered answers are as meant, and no wrong thought leads to the right ones."""
    thoughts = [(idea.replace, idea.by.partition(":")[2]) for _, idea, _ in misunderstandings(bench, GIVEN)]
    seen = set()
    for seed in range(20):
        names = {}
        for cell in with_numbers(bench.source, seed).cells:
            grade_id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
            if grade_id in ("setup", "q1-given", "q1-loss", "q1-bar", "q1-deep", "q4-given", "q4-torch"):
                exec(cell.source, names)
        seen.add(tuple(names[number] for numbers in GIVEN.values() for number in numbers))
        assert (names["SIDE"] // 2 + 2) % 4 == 0  # every pooling fits
        for name, numbers in GIVEN.items():
            module = norms if name == "alpha_for_torch" else wrong
            given = [names[number] for number in numbers]
            values = [getattr(module, by)(*given) for replace, by in thoughts if replace == name]
            digits = 3 if name in ("first_loss", "error_bar") else 6
            assert len({f"{value:.{digits}g}" for value in [names[name], *values]}) == len(values) + 1
    assert len(seen) > 15
