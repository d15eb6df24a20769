"""Assignment 6: each plausible wrong answer loses points, each differently written right one gets all of them."""

import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
import answers_06 as answers
import answers_06_more as more
import numpy as np
from bench import Bench, checks_of, in_float32, misunderstandings, nothing, outcomes, rows

from coursekit.grading.variants import with_numbers
from coursekit.misconceptions import questions_06 as wrong
from coursekit.misconceptions import questions_06_codes as codes
from coursekit.misconceptions import questions_06_torch as slips

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def bench():
    torch.set_num_threads(1)
    return Bench("06_seeing_inside")


WRONG = {
    "filter_grid": [
        wrong.one_scale_for_all,
        wrong.each_channel_by_itself,
        wrong.divided_by_the_largest,
        wrong.filled_down_the_columns,
        answers.gaps_around,
        answers.gaps_black,
        answers.channels_in_front,
        answers.flat_ones_divided_by_zero,
        answers.as_few_columns_as_needed,
    ],
    "likeness": [
        wrong.means_left_in,
        wrong.right_neighbours_alone,
        wrong.mean_of_two_correlations,
        answers.likeness_of_each_kernel,
        answers.likeness_with_one_mean,
        answers.likeness_around_the_corner,
    ],
    "before_training": ["A", "C", "D", "AB", 2],
    "trained": ["A", "B", "D", "AC", 3],
    "trained_noisy": ["B", "C", "D", "AB", 1],
    "conclusions": [
        wrong.LIVELY_IS_STRONG,
        wrong.SMOOTH_IS_GOOD,
        wrong.PALE_IS_USELESS,
        {"Q", "S"},
        {"S", "T"},
        set("PQRSTU"),
    ],
    "listen": [
        slips.overwritten_in_place,
        slips.hooks_left_behind,
        slips.last_name_for_all,
        slips.what_went_in,
        answers.listen_to_the_first_picture,
        answers.listen_before_the_bias,
        answers.listen_to_its_mean,
    ],
    "salient": [[4, 3, 9], [8, 9, 0], [4, 0, 2], [4, 2, 2], [5, 3, 2], 4],
    "saliency_maps": [
        slips.after_softmax,
        slips.largest_then_size,
        slips.mean_of_channels,
        slips.times_the_picture,
        answers.saliency_of_the_best_class,
        answers.saliency_of_the_first_class,
        answers.saliency_of_all_scores,
        answers.saliency_divided_by_count,
    ],
    "evidence": [
        slips.each_place_its_own_slope,
        slips.unclipped_evidence,
        slips.against_dropped_too_early,
        slips.slopes_after_softmax,
        slips.tiled_evidence,
        answers.cam_unscaled,
        answers.cam_of_absolute_weights,
        answers.cam_stretched_from_its_smallest,
        answers.cam_of_slopes_only,
        answers.cam_interpolated,
    ],
    "occlusion": [
        wrong.never_uncovered_again,
        wrong.gain_of_probability,
        wrong.sums_of_drops,
        wrong.last_window_wins,
        wrong.always_black,
        answers.occlusion_of_a_square,
        answers.occlusion_without_stride,
        answers.occlusion_of_another_class,
        answers.occlusion_in_the_first_channel,
        answers.occlusion_that_keeps_the_patch,
        answers.occlusion_divided_by_all,
    ],
    "black_map": [wrong.WHITE_MAP, "AB", "C", 2, "both"],
    "chance_of_3": [wrong.BELOW_NOTHING, wrong.THE_DROP_ITSELF, 39, -61, 0.39],
    "rescued": [wrong.ALL_THAT_HELP, wrong.IN_THE_WHITE_MAP, 7, 9, 0],
    "climb": [
        slips.down_the_hill,
        slips.without_decay,
        slips.gradient_of_the_start,
        slips.clipped_at_the_end,
        slips.sure_instead_of_liked,
        more.climb_with_half_the_decay,
        more.climb_by_signs,
        more.climb_without_clipping,
        more.climb_without_the_last_score,
        more.climb_scores_with_decay,
        more.climb_to_black,
    ],
    "nearest": [
        codes.product_for_cosine,
        codes.smallest_cosine_first,
        codes.always_euclidean,
        codes.city_blocks,
        more.last_in_a_tie,
        more.farthest,
        more.counted_from_one,
        more.not_in_order,
        more.without_the_first,
        more.cosine_of_centred_codes,
    ],
    "same_pooled": [set("A"), set("ACD"), set("ACDF"), set("C"), set(), set("BDEF")],
    "same_mean": [set("AC"), set("ACD"), set("DF"), set("ABCDF"), set("ACDEF"), set("BE")],
    "rank_correlation": [
        codes.of_the_values,
        codes.of_the_places,
        codes.ties_in_their_order,
        more.ranks_turned_round,
        more.ranks_of_one_alone,
        more.lowest_rank_in_a_tie,
        more.nan_for_flat,
        more.one_for_flat,
    ],
    "failing": [{"C"}, {"C", "D", "E"}, {"A", "B", "E"}, {"D"}, set("ABCDE"), set()],
    "attack": [
        slips.always_away,
        slips.down_the_loss,
        slips.along_the_gradient,
        slips.beyond_black_and_white,
        more.attack_moves_all_pixels,
        more.attack_on_the_score,
        more.attack_clipped_to_a_sign,
        more.attack_the_first_class,
        more.the_step_alone,
    ],
    "smallest_epsilon": [0.2125, -0.2125, 0.85, 0.08, 0.2],
    "score_after": [-1.15, 2.6, 0.85, -1.2, 1.1],
}

RIGHT = {
    "filter_grid": [answers.grid_by_padding, answers.grid_by_pixels],
    "likeness": [answers.likeness_by_loops, answers.likeness_in_float32],
    "before_training": ["b", " B"],
    "trained": ["c", "C "],
    "trained_noisy": ["a", "A\n"],
    "conclusions": [["T", "S", "Q"], set("qst")],
    "listen": [answers.listen_by_modules, answers.listen_one_at_a_time],
    "salient": [(4, 3, 2), np.float32([4, 3, 2])],
    "saliency_maps": [answers.saliency_one_by_one, answers.saliency_by_gather],
    "evidence": [answers.cam_by_backward, answers.cam_by_loops],
    "occlusion": [answers.occlusion_in_one_batch, answers.occlusion_by_pixels],
    "black_map": ["b", "B "],
    "chance_of_3": [100.0, np.int64(100)],
    "rescued": [8.0, np.array(8)],
    "climb": [more.climb_by_backward, more.climb_in_numpy],
    "nearest": [more.nearest_by_python, more.nearest_on_the_sphere],
    "same_pooled": [["C", "A"], set("ac")],
    "same_mean": [["F", "D", "C", "A"], ("a", "c", "d", "f")],
    "rank_correlation": [more.rank_by_sorting, more.rank_by_counting],
    "failing": [["D", "C"], set("cd")],
    "attack": [more.attack_by_backward, more.attack_one_by_one],
    "smallest_epsilon": [0.08502, np.float32(0.085)],
    "score_after": [-1.1, np.float32(-1.1)],
}


@pytest.fixture(scope="module")
def asking(bench):
    return checks_of(bench, WRONG)


@pytest.mark.parametrize(("name", "answer"), rows(WRONG))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # division by zero is what some of them are about
def test_wrong_answers_lose_points(bench, asking, name, answer):
    for seed in SEEDS:
        assert "wrong" in outcomes(bench, asking, seed, name, answer).values()


@pytest.mark.parametrize(("name", "answer"), rows(RIGHT))
def test_right_answers_get_all_points(bench, asking, name, answer):
    for seed in range(8):
        assert set(outcomes(bench, asking, seed, name, answer).values()) == {"correct"}


def test_float32_twins_of_the_numpy_solutions_get_all_points(bench, asking):
    for name in ("filter_grid", "likeness", "occlusion", "nearest", "rank_correlation"):
        twin = in_float32(bench.names[name])
        for seed in range(8):
            assert set(outcomes(bench, asking, seed, name, twin).values()) == {"correct"}, (name, seed)


def test_every_question_has_wrong_and_right_answers(bench):
    assert set(WRONG) == set(RIGHT) == {name for name in bench.names if name in WRONG}
    assert all(len(found) >= 5 for found in WRONG.values())
    assert all(len(found) >= 2 for found in RIGHT.values())
    untouched = bench.outcomes(1, **{name: nothing if callable(bench.names[name]) else None for name in WRONG})
    assert set(untouched.values()) == {"nothing"}


def test_each_misunderstanding_gives_a_value_of_its_own(bench, asking):
    for cell, idea, answer in misunderstandings(bench, GIVEN):
        found = outcomes(bench, asking, 1, idea.replace, answer)
        assert any(found[check.id] == "wrong" for check in cell.checks), idea.by


GIVEN = dict.fromkeys(("before_training", "trained", "trained_noisy"), ("LAYERS",))
GIVEN |= {"salient": ("RED", "GREEN")}
GIVEN |= dict.fromkeys(("same_pooled", "same_mean"), ("X", "OTHERS"))
GIVEN |= {"failing": ("METHODS", "NETWORK", "OTHERS_DRAWN", "PHOTO", "CLASS")}
GIVEN |= dict.fromkeys(("smallest_epsilon", "score_after"), ("WEIGHTS", "PIXELS"))


def test_other_numbers_are_as_good(bench):
    """In each variant no wrong thought leads to an entered answer, and a reader of numbers has something to clip."""
    seen = set()
    for seed in range(12):
        names = dict(bench.names, check=lambda *given, **more: None)
        for cell in with_numbers(bench.source, seed).cells:
            if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "") in CELLS:
                exec(cell.source, names)
        seen.add(tuple(str(names[name]) for name in ("DRAWN", "RED", "GREEN", "X", "LETTERS", "WEIGHTS", "PIXELS")))
        assert 0 < names["smallest_epsilon"] < 0.5
        entered = [each for each in misunderstandings(bench, GIVEN, names) if each[1].replace in GIVEN]
        for _, idea, answer in entered:
            assert not np.array_equal(answer, names[idea.replace]), (seed, idea.by)
        assert names["same_pooled"] < names["same_mean"]
        assert len(names["failing"]) == 2
    assert len(seen) > 8


CELLS = ("q2-given", "q2-letters", "q4-given", "q4", "q10-given", "q10-sets", "q11-given", "q11-failing")
CELLS += ("q12-given", "q12-paper")


@pytest.mark.slow
def test_the_two_maps_are_the_digit_readers_own(bench):
    """The tables in question 8 are what occlusion gives for that digit, and the entered numbers follow from them."""
    from coursekit import data, trained

    text = next(cell.source for cell in bench.source.cells if cell.grade_id == "q8-text")
    lines = [line.split() for line in text.splitlines() if line.strip().startswith("i = ")]
    white, black = (np.array([[int(n) for n in line[at : at + 6]] for line in lines]) for at in (3, 12))
    images, labels = data.load_mnist("test")
    reader = trained.load("simpleconvnet", as_torch=True)
    assert labels[18] == 3

    def predict(pictures):
        with torch.no_grad():
            return reader(torch.from_numpy(pictures)).softmax(1).numpy()

    picture = data.as_float(images[18:19])[0]
    for fill, table in ((0, black), (1, white)):
        drops = np.zeros((6, 6))
        for i, j in np.ndindex(6, 6):
            covered = picture.copy()
            covered[:, 4 * i : 4 * i + 8, 4 * j : 4 * j + 8] = fill
            drops[i, j] = (predict(picture[None]) - predict(covered[None]))[0, 3]
        assert np.abs(100 * drops - table).max() < 0.6
    assert (39 - black > 90).sum() == bench.names["rescued"]
    assert 39 - black[2, 1] == bench.names["chance_of_3"]
    assert (black < 0).sum() == wrong.ALL_THAT_HELP
    assert (39 - white > 90).sum() == wrong.IN_THE_WHITE_MAP


def test_two_methods_fail_clearly(bench):
    """The threshold of 0.9 is nowhere near any method, and plain correlation would name a third one."""
    given = bench.names
    means, plain = {}, {}
    for letter, method in given["METHODS"].items():
        first = method(given["NETWORK"], given["PHOTO"], given["CLASS"])
        again = [method(other, given["PHOTO"], given["CLASS"]) for other in given["OTHERS_DRAWN"]]
        means[letter] = np.mean([given["rank_correlation"](first, each) for each in again])
        plain[letter] = np.mean([np.corrcoef(first.ravel(), each.ravel())[0, 1] for each in again])
    assert {letter for letter, mean in means.items() if mean > 0.98} == {"C", "D"}
    assert {letter for letter, mean in means.items() if mean < 0.3} == {"A", "B", "E"}
    assert plain["E"] > 0.95
