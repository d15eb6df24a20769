"""Assignment 5: each plausible wrong answer loses points, each differently written right one gets all of them."""

import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
import answers_05 as answers
import numpy as np
from bench import Bench, checks_of, misunderstandings, named, nothing, rows

from coursekit.compare import compare
from coursekit.grading.variants import with_numbers
from coursekit.misconceptions import questions_05 as wrong
from coursekit.misconceptions import questions_05_blocks as blocks
from coursekit.misconceptions import questions_05_fields as fields
from coursekit.misconceptions import questions_05_networks as slips
from coursekit.misconceptions import questions_05_sums as sums

torch.set_num_threads(1)
SEEDS, OTHERS = (1, 2, 3), (4, 5, 6)
MODULES = {"Inception": "05.q7.inception", "Residual": "05.q8."}  # classes, and how their checks' ids begin


@pytest.fixture(scope="module")
def bench():
    return Bench("05_architectures")


WRONG = {
    "last_volume": [[16, 24, 24], [16, 2, 2], [6, 6, 16], [48, 6, 6], [16, 12, 12], 576],
    "parameters": [
        wrong.without_biases(48, 16, 3),
        wrong.flat_kernels(48, 16, 3),
        wrong.inner_star_once(48, 16, 3),
        49625,
        48976,
        12698,
    ],
    "whole": [wrong.SIDE_BY_STRIDE, wrong.POOLS_ALWAYS_FIT, {"A", "D"}, set("ABDF"), set("ADEF"), {"B", "C", "E"}],
    "unrolled": [
        wrong.stars_ignored,
        wrong.one_digit_stars,
        wrong.at_least_once,
        answers.outermost_only,
        answers.arrows_kept,
        answers.once_more,
    ],
    "shapes_of": [
        wrong.shapes_without_padding,
        wrong.shapes_pooled_by_one,
        wrong.shapes_rounded_up,
        wrong.shapes_square,
        answers.shapes_options_in_one_order,
        answers.shapes_flattened,
    ],
    "costs": [
        wrong.costs_without_groups,
        wrong.costs_of_one_place,
        wrong.costs_at_input_size,
        wrong.costs_with_bias_macs,
        wrong.costs_without_biases,
        answers.costs_as_flops,
        answers.costs_pools_work,
    ],
    "vgg_numbers": [
        sums.vgg_one_row_short(192),
        sums.vgg_as_at_224(192),
        sums.vgg_scaled(192),
        sums._vgg_numbers(192) - 3 * 192**2,
        sums._vgg_numbers(192) - 1,
        24_000_000,
    ],
    "vgg_mib": [sums.vgg_in_mb(192), sums.vgg_with_gradients(192), sums.vgg_in_bytes(192), 58.13, 93],
    "block_factors": [[1, 4, 0.5], [0.75, 3, 0.75], [9, 9, 3], [2.25, 9, 3], [9 / 4, 9, 9 / 4], 2.25],
    "lenet_layers": [
        fields.lenet_sees_all,
        fields.lenet_plain_pooling,
        fields.lenet_bias_per_kernel,
        fields.lenet_always_5x5,
        answers.lenet_affine_end,
        answers.lenet_padded,
    ],
    "ungrouped": [
        fields.ungrouped_first_group,
        fields.ungrouped_repeated,
        fields.ungrouped_in_turn,
        answers.ungrouped_last_group,
        answers.ungrouped_averaged,
    ],
    "seen_by": [
        fields.seen_front_to_back,
        fields.seen_without_strides,
        fields.seen_without_padding,
        fields.seen_one_too_far,
        fields.seen_cut_at_zero,
        answers.seen_sizes,
    ],
    "small_stack": [fields.stack_by_threes(11), fields.stack_of_one_layer(11), [5, 15, 121], [6, 54, 121], [5, 45, 11]],
    "folds": [
        fields.folds_added(4, 3),
        fields.folds_turned(4, 3),
        fields.folds_in_one_layer(4, 3),
        [81, 12, 81],
        [80, 12],
    ],
    "score_map": [
        fields.map_always_chw,
        fields.map_axes_mixed,
        fields.map_without_relu,
        fields.map_relu_at_the_end,
        fields.map_reshaped_hwc,
        answers.map_of_first_window,
        answers.map_without_bias,
    ],
    "map_side": [fields.side_by_stride(512), fields.side_without_first(512), 100, 11, 289],
    "passes": [fields.passes_along_one_axis(8), fields.passes_two(8), 15, 8, 64],
    "equal_to_crops": [fields.ALL_AT_MULTIPLES, fields.ALL_WITHOUT_PADDING, {"A"}, {"A", "D", "E"}, set("ABCDE")],
    "Inception": [
        blocks.inception_bare_squeeze,
        blocks.inception_linear_end,
        blocks.inception_other_order,
        blocks.inception_average_pool,
        blocks.inception_in_a_row,
        answers.inception_unpooled,
        answers.other_names,
    ],
    "widest_squeeze": [
        blocks.squeeze_equal_counts,
        blocks.squeeze_for_free,
        blocks.squeeze_one_tap,
        answers.squeeze_rounded,
        answers.squeeze_at_least_one,
    ],
    "Residual": [
        blocks.residual_without_skip,
        blocks.residual_relu_before,
        blocks.residual_open_end,
        blocks.residual_no_norm_on_skip,
        blocks.residual_early_relu_only_once,
        answers.residual_always_projects,
        answers.ResidualShortcutOption,
    ],
    "deeper": [
        slips.deeper_identity_anywhere,
        slips.deeper_ones,
        slips.deeper_shifted,
        slips.deeper_in_front,
        answers.deeper_by_nothing,
        answers.deeper_always_last,
    ],
    "after_resnet": [[1, -3, 3, 2], [1, 0, 3, 2], [0, 0, 1, 3], [2, 0, 3, 3], [-3, 1, -1, 4]],
    "after_preact": [[2, 0, 3, 2], [-1, -1, 1, 3], [1, 0, 3, 2], [0, 0, 1, 3], 1],
    "plain_32": ["Q", "R", "S", 32, "PQ"],
    "plain_56": [slips.CURVE_P, slips.CURVE_Q, "S", 56, "RP"],
    "residual_56": ["P", slips.CURVE_R, "S", 56, ""],
    "half_epoch": [slips.HALF_OF_P, slips.NOT_YET_HALF, 7, 45, "R"],
    "overfits": [slips.RUN_B, "A", "C", "F", "G"],
    "worse_by": [5.1, 1.2, -8.7, 11.8, 4.8],
    "refuted": [
        {"P", "Q", "S", "T"},
        {"Q", "S"},
        {"P", "R", "S"},
        {"P", "Q"},
        set("PQRS"),
        {"P", "S"},
    ],
    "transfer": [
        blocks.transfer_in_training_mode,
        blocks.transfer_trains_all,
        blocks.transfer_keeps_gradients,
        blocks.transfer_freezes_head_too,
        blocks.transfer_one_step,
        answers.transfer_keeps_old_head,
        answers.transfer_by_sum,
    ],
    "worth_keeping": [
        slips.keeps_winners_of_a_column,
        slips.beaten_in_every_column,
        slips.beaten_by_a_twin,
        slips.beaten_in_one_column,
        answers.keeps_by_sum,
        answers.keeps_beaten,
    ],
    "periods": [[5, 5], [5, 2.5], [20, 10], [20, 3.333], [5, 20], [4, 2]],
    "claims": [
        slips.LAYERS_ARE_WORK,
        slips.WEIGHTS_ARE_WORK,
        slips.WINNERS_ALIKE,
        {"A", "D"},
        {"D", "F"},
        set("ABCDEF"),
    ],
}

RIGHT = {
    "last_volume": [(16, 6, 6), np.array([16.0, 6, 6])],
    "parameters": [49626.0, np.int64(49626)],
    "whole": [["F", "D", "A"], set("adf")],
    "unrolled": [answers.unrolled_by_stack, answers.unrolled_by_recursion],
    "shapes_of": [answers.shapes_by_pieces, answers.shapes_by_package],
    "costs": [answers.costs_by_convolving, answers.costs_as_floats],
    "vgg_numbers": [11_197_416.0, np.int64(11_197_416)],
    "vgg_mib": [42.71, np.float32(42.7148)],
    "block_factors": [(9 / 4, 9, 3 / 4), np.float32([2.25, 9, 0.75])],
    "lenet_layers": [answers.lenet_by_columns, answers.lenet_in_other_order],
    "ungrouped": [answers.ungrouped_by_delta, answers.ungrouped_by_blocks],
    "seen_by": [answers.seen_by_jumps, answers.seen_by_sets],
    "small_stack": [(5, 45, 121), np.array([5, 45, 121.0])],
    "folds": [(81, 12, 80), np.array([81, 12, 80])],
    "score_map": [answers.map_by_crops, answers.map_by_torch],
    "map_side": [10.0, np.int64(10)],
    "passes": [16.0, np.array(16)],
    "equal_to_crops": [["D", "A"], set("ad")],
    "Inception": [answers.InceptionBySequence, answers.InceptionInFloat32],
    "widest_squeeze": [answers.squeeze_by_searching, answers.squeeze_by_numpy],
    "Residual": [answers.ResidualByHand, answers.ResidualInFloat32],
    "deeper": [answers.deeper_halved, answers.deeper_interleaved],
    "after_resnet": [(2, 0, 3, 2), np.array([2.0, 0, 3, 2])],
    "after_preact": [(1, -3, 3, 2), np.array([1.0, -3, 3, 2])],
    "plain_32": ["p", " P"],
    "plain_56": ["r", "R "],
    "residual_56": ["q", "Q\n"],
    "half_epoch": [6.0, np.int64(6)],
    "overfits": ["e", "E "],
    "worse_by": [8.7, np.float32(8.7)],
    "refuted": [["S", "Q", "P"], set("pqs")],
    "transfer": [answers.transfer_on_features, answers.transfer_by_backward],
    "worth_keeping": [answers.keeps_by_loops, answers.keeps_at_once],
    "periods": [(20, 5), np.array([20.0001, 5.0])],
    "claims": [["F", "D", "A"], set("adf")],
}


@pytest.fixture(scope="module")
def asking(bench):
    found = {name: [id for id in bench.calls if id.startswith(start)] for name, start in MODULES.items()}
    return found | checks_of(bench, WRONG.keys() - MODULES.keys())


@pytest.fixture(scope="module")
def expected(bench):
    return {seed: bench.sent(seed) for seed in (*SEEDS, *OTHERS)}


def outcomes(bench, asking, expected, seed, name, answer):
    """The outcome of each check of a question, with this answer to it."""
    got = bench.sent(seed, only=asking[name], **{name: answer})
    return {id: compare(expected[seed][id], got[id], bench.how[id]).outcome for id in got}


@pytest.mark.parametrize(("name", "answer"), rows(WRONG))
def test_wrong_answers_lose_points(bench, asking, expected, name, answer):
    for seed in SEEDS:
        assert "wrong" in outcomes(bench, asking, expected, seed, name, answer).values()


@pytest.mark.parametrize(("name", "answer"), rows(RIGHT))
def test_right_answers_get_all_points(bench, asking, expected, name, answer):
    for seed in (*SEEDS, *OTHERS):
        assert set(outcomes(bench, asking, expected, seed, name, answer).values()) == {"correct"}


@pytest.mark.slow
def test_an_optimiser_gets_all_points(bench, asking, expected):
    found = outcomes(bench, asking, expected, 1, "transfer", answers.transfer_by_optimiser)
    assert set(found.values()) == {"correct"}


def test_every_question_has_wrong_and_right_answers(bench):
    assert set(WRONG) == set(RIGHT) == {name for name in bench.names if name in WRONG}
    assert all(len(found) >= 5 for found in WRONG.values())
    assert all(len(found) >= 2 for found in RIGHT.values())


def test_the_untouched_notebook_says_nothing(bench):
    names = bench.names
    stubs = {name: nothing if callable(names[name]) else None for name in WRONG if name not in MODULES}
    untouched = bench.outcomes(1, **stubs, Inception=Empty, Residual=Empty)
    assert set(untouched.values()) == {"nothing"}


class Empty(torch.nn.Module):
    """A module that nobody has filled."""

    def __init__(self, *given):
        super().__init__()


def test_each_misunderstanding_gives_a_value_of_its_own(bench):
    for cell, idea, answer in misunderstandings(bench, NUMBERS):
        expected = bench.sent(1, only=[check.id for check in cell.checks])
        got = bench.sent(1, only=expected, **{idea.replace: answer})
        assert got != expected, idea.by


GIVEN = {  # what an entered answer is made from
    ("last_volume", "parameters"): ("SIDE", "MAPS", "BLOCKS"),
    ("vgg_numbers", "vgg_mib"): ("VGG_SIDE",),
    ("block_factors",): ("FACTOR",),
    ("small_stack",): ("FIELD",),
    ("folds",): ("LAYERS", "RELUS"),
    ("map_side",): ("PICTURE",),
    ("passes",): ("FINE",),
    ("after_resnet", "after_preact"): ("START", "CHANGE"),
    ("worse_by", "refuted"): ("ERRORS",),
    ("periods",): ("PERIOD",),
}
NUMBERS = {name: numbers for names, numbers in GIVEN.items() for name in names}


def test_other_numbers_are_as_good(bench):
    """In each variant no wrong thought leads to the right entered answer."""
    ideas = {}
    for _, idea, _ in misunderstandings(bench, NUMBERS):
        ideas.setdefault(idea.replace, []).append(named(idea))
    wanted, seen = cells_that_make(bench, NUMBERS), set()
    for seed in range(25):
        names = {}
        for cell in with_numbers(bench.source, seed).cells:
            if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "") in wanted:
                exec(cell.source, names)
        for name, numbers in NUMBERS.items():
            given = [names[number] for number in numbers]
            right = names[name]
            seen.add((name, repr(given)))
            for idea in ideas[name]:
                assert not same(idea(*given), right), (idea.__name__, given)
    assert len(seen) > 35


def same(a, b):
    if isinstance(b, set):
        return a == b
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-5)


def cells_that_make(bench, names):
    """The setup, and the cells that hold these answers or what they are made from."""
    wanted = {"setup"}
    for cell in bench.source.cells:
        if cell.cell_type == "code" and cell.role != "check":
            made = [*names, *(number for numbers in names.values() for number in numbers)]
            if any(line.split(" = ")[0].split(", ")[0] in made for line in cell.source.splitlines() if " = " in line):
                wanted.add(cell.grade_id)
    return wanted


def test_the_published_numbers_come_out(bench):
    """Networks of the chapters, by the solutions: AlexNet, LeNet-5 of 1998, GoogLeNet's third branch."""
    alexnet = bench.names["costs"](bench.names["ALEXNET"], (3, 227, 227))
    assert [sum(column) for column in zip(*alexnet, strict=True)][1:] == [60_965_224, 724_406_816]
    from coursekit.models.lenet import C3_TABLE

    table = np.zeros((6, 16), int)
    for k, maps in enumerate(C3_TABLE):
        table[list(maps), k] = 1
    assert sum(bench.names["lenet_layers"](table, 32).values()) == 60_000
    assert bench.names["widest_squeeze"](192, 5, 32) == 154
