"""Assignment 4: frequent slips are not only wrong, their misunderstanding is named."""

import answers_04 as answers
import answers_04_nets as nets
import pytest
import slips_04 as slips
from bench import Bench, checks_of
from naming import Naming
from test_04_training import GIVEN, LABELS

from coursekit.misconceptions import questions_04_script as scripts

pytestmark = pytest.mark.slow

NAMED = {  # an answer, and the misunderstanding that at least one of its checks names
    "first_loss": [(-3.611, "loss_below_nothing")],
    "error_bar": [(0.0028, "bar_as_a_share"), (0.5488, "bar_of_95_percent")],
    "first_weights": [
        (slips.weights_he_always, "spread_always_of_he"),
        (answers.spread_of_glorot, "spread_of_both_sides"),
    ],
    "momentum_path": [
        (answers.momentum_uphill, "momentum_uphill"),
        (answers.momentum_in_place, "momentum_in_place"),
        (slips.momentum_appending_one_array, "momentum_one_array"),
    ],
    "adam_path": [
        (slips.adam_enumerated_from_zero, "adam_counting_from_zero"),
        (slips.adam_overwriting_by_hats, "adam_keeps_the_hats"),
        (slips.adam_appending_one_array, "adam_one_array"),
        (answers.adam_betas_swapped, "adam_betas_swapped"),
        (answers.adam_in_place, "adam_in_place"),
    ],
    "response_norm": [
        (answers.lrn_negative_places, "lrn_negative_places"),
        (answers.lrn_without_power, "lrn_without_power"),
        (slips.lrn_over_its_own_maps, "lrn_of_its_own_results"),
    ],
    "batch_norm": [
        (slips.norm_with_eps_behind_the_root, "norm_eps_outside"),
        (slips.norm_picture_by_picture, "norm_of_each_picture"),
        (slips.norm_corrected_by_pictures, "norm_counts_pictures"),
        (answers.norm_over_all_maps, "norm_over_all_maps"),
        (answers.norm_by_running_in_training, "norm_by_running_in_training"),
        (answers.norm_stores_in_place, "norm_stores_in_place"),
    ],
    "batch_norm_backward": [
        (slips.back_with_eps_behind_the_root, "back_eps_outside"),
        (slips.back_without_eps, "back_eps_forgotten"),
        (answers.back_mean_constant, "back_mean_constant"),
        (answers.back_of_means, "back_of_means"),
    ],
    "dropout": [(answers.dropout_of_two_draws, "dropout_of_two_draws")],
    "augment": [
        (answers.augment_up_for_down, "shifts_the_other_way"),
        (answers.augment_swaps_axes, "shifts_down_for_right"),
        (answers.augment_draws_for_some, "draws_for_some"),
        (answers.augment_in_place, "augments_in_place"),
    ],
    "gallery": [
        (answers.gallery_later_of_two, "gallery_later_of_two"),
        (answers.gallery_columns_exchanged, "gallery_columns_exchanged"),
    ],
    "trained_with_two": [(10, "ONE_TOO_FEW")],
    "mended_gradients": [(slips.masked_by_sign_of_gradient, "script_mask_by_gradient")],
    "simple_conv_net": [
        (nets.net_unpooled, "net_unpooled"),
        (nets.net_with_relu_on_scores, "net_with_relu_on_scores"),
        (nets.net_of_outputs, "net_of_outputs"),
    ],
}


@pytest.fixture(scope="module")
def bench():
    return Bench("04_training")


@pytest.fixture(scope="module")
def naming(bench):
    return Naming(bench, GIVEN)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "answer", "by"),
    [pytest.param(name, *row, id=f"{name}-{row[1]}") for name, found in NAMED.items() for row in found],
)
def test_frequent_slips_are_named(bench, naming, name, answer, by):
    ids = [id for id in checks_of(bench, [name])[name] if id != LABELS]
    assert by in naming.of(ids, name, answer).values()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "check", "by"),
    [
        (scripts.script_as_it_was, "losses", "script_as_it_was"),
        (scripts.script_of_other_labels, "losses", "script_of_other_labels"),
        (scripts.script_of_the_old_gradients, "losses", "script_of_the_old_gradients"),
        (scripts.script_too_wide, "first", "script_too_wide"),
        (scripts.script_of_unprepared, "scores", "script_of_unprepared"),
        (scripts.script_of_large_new_ones, "scores", "script_of_large_new_ones"),
        (scripts.script_of_uncentred_new_ones, "scores", "script_of_uncentred_new_ones"),
    ],
)
def test_each_rung_of_the_script_names_its_own_mistake(naming, answer, check, by):
    assert naming.of([f"04.q11.{check}"], "mended_training", answer) == {f"04.q11.{check}": by}


def test_a_rung_below_is_right_whatever_breaks_above(naming):
    rungs = ["04.q11.first", "04.q11.losses"]
    assert naming.of(rungs[:1], "mended_training", scripts.script_of_other_labels) == {}
    assert naming.of(rungs, "mended_training", scripts.script_of_unprepared) == {}
