"""Assignment 5: frequent slips are not only wrong, their misunderstanding is named."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
import answers_05 as answers
import slips_05 as slips
from bench import Bench, checks_of
from naming import Naming
from test_05_architectures import MODULES, NUMBERS

pytestmark = pytest.mark.slow

NAMED = {  # an answer, and the misunderstanding that at least one of its checks names
    "last_volume": [((6, 6, 16), "channels_last")],
    "parameters": [(13_786, "flattened_to_maps"), (51_498, "always_the_same_depth"), (49_456, "without_biases")],
    "whole": [(["A", "B", "D", "F"], "PADDED_ONCE")],
    "unrolled": [(slips.unrolled_and_once_more, "repeated_once_more")],
    "shapes_of": [
        (slips.shapes_in_one_list, "shapes_of_one_list"),
        (slips.shapes_ceil, "shapes_rounded_up"),
        (slips.shapes_padding_once, "shapes_padded_once"),
        (slips.shapes_steps, "shapes_without_first_place"),
        (answers.shapes_options_in_one_order, "shapes_by_first_options"),
    ],
    "costs": [
        (slips.costs_twice, "costs_as_flops"),
        (slips.costs_ceil, "costs_rounded_up"),
        (slips.costs_with_pools, "costs_of_pooling"),
        (slips.costs_no_bias, "costs_without_biases"),
    ],
    "vgg_numbers": [(11_197_416 - 110_592, "vgg_without_input"), (11_188_224.0, "vgg_without_vectors")],
    "block_factors": [((9, 9, 3), "every_place_kept"), ([4.5, 9, 1.5], "halved_in_one_direction")],
    "lenet_layers": [(answers.lenet_padded, "lenet_size_kept")],
    "ungrouped": [(slips.ungrouped_interleaved, "ungrouped_channels_in_turn")],
    "seen_by": [
        (slips.seen_with_early_jump, "seen_jump_too_early"),
        (slips.seen_without_jump, "seen_unscaled"),
        (slips.seen_strides_forgotten, "seen_without_strides"),
    ],
    "small_stack": [([6, 54, 121], "stack_with_one_too_many"), ((5, 45, 11), "large_kernel_by_its_side")],
    "folds": [([81, 12, 81], "a_relu_for_each_piece")],
    "score_map": [
        (slips.map_without_any_bias, "map_without_biases"),
        (answers.map_without_bias, "map_without_first_bias"),
    ],
    "map_side": [(289, "side_at_every_pixel")],
    "passes": [(64, "passes_of_the_step")],
    "equal_to_crops": [({"A"}, "POOLING_SPOILS"), (set("ade"), "ONE_PADDING_IS_FINE")],
    "Inception": [(answers.inception_unpooled, "inception_unpooled")],
    "widest_squeeze": [
        (answers.squeeze_rounded, "squeeze_to_the_nearest"),
        (answers.squeeze_at_least_one, "squeeze_to_one"),
    ],
    "Residual": [
        (slips.ReluTwice, "residual_relu_twice"),
        (slips.ReluBefore, "residual_relu_before"),
        (slips.ReluForgotten, "residual_open_end"),
        (slips.NormOfTheSum, "residual_norm_behind_sum"),
        (slips.StrideInTheSecond, "residual_stride_in_second"),
    ],
    "deeper": [(slips.deeper_with_its_bias, "deeper_bias_again")],
    "after_resnet": [((1, -3, 3, 2), "never_cut")],
    "after_preact": [([1, 0, 3, 2], "cut_at_the_end")],
    "plain_32": [("q", "CURVE_Q"), ("R", "CURVE_R")],
    "residual_56": [("P", "CURVE_P")],
    "worse_by": [(-8.7, "better_by"), (11.8 / 3.1, "worse_by_a_factor")],
    "refuted": [({"S", "P"}, "remedies_unused")],
    "transfer": [(slips.transfer_of_the_sum, "transfer_by_sum"), (slips.transfer_up, "transfer_uphill")],
    "worth_keeping": [(answers.keeps_by_sum, "keeps_smallest_sum"), (answers.keeps_beaten, "keeps_the_beaten")],
    "claims": [({"A", "D"}, "DISK_IS_MEMORY"), (["f", "d"], "GROWTH_UNCHECKED")],
}
ROWS = [(name, *row) for name, rows in NAMED.items() for row in rows]


@pytest.fixture(scope="module")
def naming():
    torch.set_num_threads(1)
    return Naming(Bench("05_architectures"), NUMBERS)


def asking(bench, name):
    if name in MODULES:
        return [id for id in bench.calls if id.startswith(MODULES[name])]
    return checks_of(bench, [name])[name]


@pytest.mark.parametrize(("name", "answer", "by"), ROWS, ids=[f"{name}-{by}" for name, _, by in ROWS])
def test_a_frequent_slip_is_named(naming, name, answer, by):
    assert by in naming.of(asking(naming.bench, name), name, answer).values()


def test_no_right_answer_is_told_of_a_misunderstanding(naming):
    for name in NAMED:
        assert naming.of(asking(naming.bench, name), name, naming.bench.names[name]) == {}, name


def test_the_slips_are_slips_alone(naming):
    """What they share with each other is right: a block, a reader of shapes and a counter without any slip."""
    right = {"shapes_of": slips.shapes_by(lambda n, k, s, p: (n + 2 * p - k) // s + 1)}
    right |= {"costs": slips.costs_by(), "Residual": slips.Block, "transfer": slips.transfer_by("mean", -1)}
    for name, answer in right.items():
        assert naming.of(asking(naming.bench, name), name, answer) == {}, name
