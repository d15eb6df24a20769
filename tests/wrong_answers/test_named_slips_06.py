"""Assignment 6: frequent slips are not only wrong, their misunderstanding is named."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
import answers_06 as answers
import answers_06_more as more
import numpy as np
import slips_06 as slips
from bench import Bench, checks_of
from naming import Naming
from test_06_seeing_inside import GIVEN

from coursekit.grading.variants import variables

pytestmark = pytest.mark.slow

NAMED = {  # an answer, and the misunderstanding that at least one of its checks names
    "filter_grid": [
        (answers.gaps_around, "gap_all_around"),
        (answers.gaps_black, "black_gaps"),
        (answers.channels_in_front, "channels_still_first"),
        (answers.flat_ones_divided_by_zero, "zero_by_zero"),
        (slips.or_one_for_flat, "flat_is_black"),
        (answers.as_few_columns_as_needed, "as_narrow_as_its_kernels"),
    ],
    "likeness": [
        (answers.likeness_of_each_kernel, "mean_over_the_kernels"),
        (answers.likeness_around_the_corner, "rolled_around"),
        (answers.likeness_with_one_mean, "means_left_in"),
    ],
    "before_training": [("a", "the_in_between"), ("C", "the_smoothest")],
    "trained": [("B", "the_roughest"), ("a ", "the_in_between")],
    "trained_noisy": [("C", "the_smoothest"), ("b", "the_roughest")],
    "conclusions": [({"S", "T"}, "NOISE_IS_NORMAL"), (["q", "s"], "DEEPER_DRAWN_ALIKE")],
    "listen": [
        (slips.listen_with_one_handle, "last_hook_removed_alone"),
        (slips.listen_and_copy_later, "overwritten_in_place"),
        (slips.listen_without_copy, "overwritten_in_place"),
        (slips.listen_to_index_0, "first_picture_alone"),
    ],
    "salient": [([2, 2, 1], "factors_forgotten"), ((4, 0, 2), "largest_with_its_sign")],
    "saliency_maps": [
        (slips.saliency_without_abs, "largest_without_size"),
        (slips.saliency_without_max, "every_channel_kept"),
        (answers.saliency_of_the_best_class, "its_own_answer"),
        (answers.saliency_of_all_scores, "all_scores_at_once"),
        (slips.saliency_crossed, "every_class_for_every_picture"),
        (answers.saliency_divided_by_count, "mean_of_the_scores"),
        (slips.saliency_of_the_loss, "slopes_of_the_loss"),
        (slips.saliency_of_the_probability, "after_softmax"),
    ],
    "evidence": [
        (slips.cam_without_relu, "unclipped_evidence"),
        (slips.cam_weights_not_averaged, "each_place_its_own_slope"),
        (answers.cam_unscaled, "unscaled_evidence"),
        (answers.cam_stretched_from_its_smallest, "stretched_evidence"),
        (slips.cam_with_abs, "sizes_of_evidence"),
        (slips.cam_without_weights, "unweighted_maps"),
        (answers.cam_interpolated, "evidence_smoothed"),
        (slips.cam_with_its_hook, "evidence_hook_left"),
    ],
    "occlusion": [
        (slips.occlusion_after_minus_before, "gain_of_probability"),
        (slips.occlusion_of_what_is_left, "chance_that_is_left"),
        (slips.occlusion_of_the_best, "drop_of_the_largest"),
        (slips.occlusion_over_the_edge, "over_the_edge"),
        (slips.occlusion_wide_and_high, "window_turned"),
        (answers.occlusion_without_stride, "stride_forgotten"),
    ],
    "climb": [
        (slips.climb_downhill, "down_the_hill"),
        (slips.climb_with_decay_once, "decay_without_its_two"),
        (slips.climb_with_added_decay, "decay_upwards"),
        (more.climb_without_the_last_score, "last_score_missing"),
        (slips.climb_as_photos, "clipped_like_a_photo"),
        (more.climb_without_clipping, "never_clipped"),
        (slips.climb_noting_the_objective, "score_less_decay"),
    ],
    "nearest": [
        (more.farthest, "farthest_first"),
        (more.last_in_a_tie, "later_first_in_a_tie"),
        (more.without_the_first, "without_the_nearest"),
        (more.counted_from_one, "places_from_one"),
        (more.not_in_order, "places_put_in_order"),
    ],
    "same_pooled": [(set("acdf"), "the_mean_for_the_maxima")],
    "same_mean": [(["F", "D"], "new_ones_alone")],
    "rank_correlation": [
        (more.lowest_rank_in_a_tie, "lowest_rank_for_a_tie"),
        (more.nan_for_flat, "nothing_for_flat"),
    ],
    "attack": [
        (slips.attack_downwards, "down_the_loss"),
        (more.attack_on_the_score, "away_from_the_score"),
        (more.the_step_alone, "the_change_alone"),
    ],
    "smallest_epsilon": [(0.85 / 30, "along_the_weights")],
    "score_after": [(-5.1, "score_stepped_by_weights")],
}


@pytest.fixture(scope="module")
def naming():
    torch.set_num_threads(1)
    return Naming(Bench("06_seeing_inside"), GIVEN)


ROWS = [(name, *row) for name, rows in NAMED.items() for row in rows]


@pytest.mark.parametrize(("name", "answer", "by"), ROWS, ids=[f"{name}-{by}" for name, _, by in ROWS])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # division by zero is what one of them is about
def test_a_frequent_slip_is_named(naming, name, answer, by):
    ids = checks_of(naming.bench, [name])[name]
    assert by in naming.of(ids, name, answer).values()


def test_no_right_answer_is_told_of_a_misunderstanding(naming):
    for name, ids in checks_of(naming.bench, NAMED).items():
        assert naming.of(ids, name, naming.bench.names[name]) == {}, name


def test_each_letter_comes_up_for_each_kind_of_layer(naming):
    """The order of the three first layers is drawn, and so are their sizes: likeness alone tells them apart."""
    names, seen = naming.bench.names, set()
    [drawn] = [variable for variable in variables(naming.bench.source) if variable.names == ("DRAWN",)]
    for number in drawn.choices:
        likeness = {letter: names["likeness"](layer) for letter, layer in names["three_layers"](number).items()}
        found = sorted(likeness, key=likeness.get)
        assert np.diff(sorted(likeness.values())).min() > 0.3
        seen.add("".join(found))
    assert len(seen) == len(drawn.choices) == 6
