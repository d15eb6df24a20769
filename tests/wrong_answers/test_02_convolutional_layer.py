"""Assignment 2: each plausible wrong answer loses points, each differently written right one gets all of them."""

import ast
from functools import cache

import answers_02 as given
import numpy as np
import pytest
from bench import Bench, in_float32

from coursekit.compare import compare
from coursekit.misconceptions import questions_02 as wrong
from coursekit.misconceptions import questions_02_pooling as later

SEEDS = (1, 2, 3)
MODULES = {module.__name__: module for module in (wrong, later)}


@cache
def bench():
    return Bench("02_convolutional_layer")


@cache
def ids_of(name):
    """The checks that ask for an answer: those in whose call its name stands."""
    found = set()
    for cell in bench().source.cells:
        for node in ast.parse(cell.source).body if cell.checks else ():
            if name in {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}:
                found.add(node.value.args[0].value)
    return frozenset(found)


@cache
def expected(seed, name):
    return bench().sent(seed, only=ids_of(name))


def outcomes(seed, name, answer):
    """The outcomes of the checks that ask for a name, with this answer in its place."""
    right, got = expected(seed, name), bench().sent(seed, only=ids_of(name), **{name: answer})
    return {compare(right[id], got[id], bench().how[id]).outcome for id in right}


CONV_WRONG = [wrong.conv_at_the_index, wrong.conv_without_bias, wrong.conv_with_turned_kernels, given.wrapped_around]
WRONG = {
    "depth_column": [
        wrong.column_with_places_swapped,
        wrong.mean_of_a_slice,
        given.row_instead,
        given.first_channel_only,
        given.counted_from_one,
        given.column_of_the_last_axis,
    ],
    "channels_first": [
        wrong.reshaped_photos,
        wrong.photos_on_their_side,
        given.pictures_last,
        given.channels_swapped_with_rows,
        given.channels_reversed,
    ],
    "volumes": [[[75, 50, 16], [37, 24, 16], [37, 24, 48]], [[50, 75, 16], [24, 37, 16], [24, 37, 32]]],
    "summary": [
        wrong.summary_of_flat_kernels,
        wrong.summary_with_one_bias,
        wrong.summary_of_unshared_kernels,
        wrong.summary_with_work_for_one_map,
        given.summary_width_first,
        given.summary_padded_once,
        given.fits_one_side,
        given.ignores_padding_when_it_refuses,
        given.refuses_what_just_fits,
    ],
    "window": [[12, 17, 6, 11], [6, 11, 12, 16]],
    "products": [25 * 6 + 1, 31, 25 * 4],
    "touched": [8, 2, 150],  # the columns forgotten; rows alone; a window in place of what looks at it
    "demo": [[[6, 4], [5, 6]], [[3, 2], [1, 3]]],  # rows and columns swapped; no bias
    "conv_loops": [
        *CONV_WRONG,
        wrong.conv_with_one_stride,
        wrong.conv_with_pads_swapped,
        wrong.conv_with_a_bias_a_channel,
        given.strides_swapped,
        given.padded_before_only,
        given.first_picture_only,
        given.square_kernels,
    ],
    "matrix_layer": [
        wrong.matrix_layer_with_pictures_mixed,
        wrong.matrix_layer_with_channels_scattered,
        wrong.matrix_layer_with_both_mistakes,
        given.kernels_turned,
        given.matrix_without_bias,
    ],
    "conv_fast": [*CONV_WRONG, given.first_picture_only, given.square_kernels],
    "alexnet": [[55 * 55 * 96, 34848, 105_705_600], [54 * 54 * 96, 34944, 34944 * 54 * 54], [3025, 34944, 105_705_600]],
    "changed": [[290_400, 34944, 105_705_600], [111 * 111 * 64, 64 * 148, 64 * 147 * 111 * 111]],
    "columns": [[148, 12321, 64 * 148 * 12321], [147, 111, 64 * 147 * 111], [147, 12321, 147 * 12321]],
    "slopes": [[-4, 4], [4, 4], [2, -1]],
    "locally_connected": [
        later.kernel_of_the_first_place,
        later.bias_of_the_first_place,
        later.unshared_at_the_index,
        given.kernels_of_mirrored_places,
        given.unshared_without_bias,
        given.maps_last_unshared,
    ],
    "pointwise": [
        later.pointwise_without_bias,
        later.pointwise_with_maps_last,
        later.pointwise_means,
        given.pointwise_over_the_picture,
        given.pointwise_with_one_bias,
    ],
    "grouped": [
        later.channels_dealt_like_cards,
        later.everyone_reads_the_first_group,
        later.kernels_dealt_like_cards,
        given.groups_ignored,
        given.groups_added_up,
        given.groups_in_reverse,
    ],
    "weights": [[256 * 256, 69632, 256 * 32], [589824, 69632, 589824 // 8 * 2], [589824 + 256, 69632, 73728]],
    "kinds": [{"CONV": [912, 4], "RELU": [0, 0], "POOL": [0, 2]}, {"CONV": [912, 3], "RELU": [0, 1]}],
    "alive": [[7, 7, 9], [16, 16, 16], 9],
    "pooled": [[[1, 5], [-1, 3]], [[1, 0], [5, 3]], [1, 5, 0, 3]],
    "best": [[7, 9], [1, 9, 7], [7, 1, 9], [9, 6, 5], 7],
    "predicted": [[2, -1], [-4, -5, -6], [-3, 2, -1, -6]],  # no padding; the smallest; a window hanging over
    "pool": [
        later.pool_with_zeros,
        later.pool_side_by_side,
        later.pool_of_absolute_values,
        later.pool_by_root_mean_square,
        later.pool_without_the_root,
        given.averages_only,
        given.channels_pooled_too,
        given.padding_ignored,
        given.last_window_hangs_over,
    ],
    "activate": [
        later.activate_with_a_jump,
        later.activate_with_absolute_values,
        later.activate_with_a_short_tanh,
        given.leaky_on_both_sides,
        given.leak_of_the_chapter,
        given.elu_with_the_slope,
    ],
    "unit_report": [
        later.report_of_pictures,
        later.report_of_values,
        later.report_of_some_picture,
        given.strictly_negative_is_dead,
        given.zero_is_alive_enough,
        given.dead_by_the_mean,
        given.flat_on_the_right_only,
    ],
    "fully_connected": [
        later.channels_first_in_the_row,
        later.columns_before_rows,
        later.dense_without_bias,
        given.bias_times_the_pixels,
        given.summed_over_the_batch,
    ],
    "replacement": [[28, 36864, 28 * 28 * 36864], [27, 36928, 27 * 27 * 36864], [28, 0, 28 * 28 * 36864]],
    "mean_kernels": [
        later.kernels_that_mix_the_maps,
        later.kernels_that_sum,
        later.flat_mean_kernels,
        given.means_of_the_whole_row,
        given.divided_by_the_side,
    ],
}

RIGHT = {
    "depth_column": [given.column_by_loop],
    "channels_first": [given.channels_by_stack, lambda photos: np.moveaxis(photos, -1, 1)],
    "volumes": [[(75, 50, 16), (37, 24, 16), (37, 24, 32)], np.array([[75, 50, 16], [37, 24, 16], [37, 24, 32]])],
    "summary": [given.summary_by_shapes, given.summary_by_counting],
    "window": [(6, 11, 12, 17), np.array([6.0, 11, 12, 17])],
    "products": [150.0, np.int64(150)],
    "touched": [16.0, np.array(16)],
    "demo": [((6, 5), (4, 6)), np.array([[6.0, 5], [4, 6]])],
    "conv_loops": [wrong.conv, given.conv_by_taps, given.conv_by_one_matrix_in_float32],
    "matrix_layer": [given.at_stride_one(wrong.conv), given.at_stride_one(given.conv_by_taps)],
    "conv_fast": [wrong.conv, given.conv_by_taps, given.conv_by_one_matrix_in_float32],
    "alexnet": [(290_400, 34_944, 105_705_600), np.array([290_400.0, 34_944, 105_705_600])],
    "changed": [(788_544, 9_472, 116_704_512), np.array([788_544, 9_472, 116_704_512.0])],
    "columns": [(147, 12_321, 115_915_968), np.array([147, 12_321, 115_915_968])],
    "slopes": [(4.0, -4.0), np.array([4, -4])],
    "locally_connected": [later.unshared, given.unshared_map_by_map],
    "pointwise": [given.pointwise_by_pixels, given.pointwise_by_matrix],
    "grouped": [given.grouped_by_kernels, given.grouped_by_zeros],
    "weights": [(589_824, 69_632, 73_728), np.array([589_824.0, 69_632, 73_728])],
    "kinds": [{"FC": (23530, 1), "POOL": (0, 2), "RELU": np.zeros(2), "CONV": np.array([912, 4])}],
    "alive": [(9, 7, 7), np.array([9.0, 7, 7])],
    "pooled": [np.array([[1.0, 5], [0, 3]]), ((1, 5), (0, 3))],
    "best": [(7, 9, 1), np.array([7, 9, 1])],
    "predicted": [(-3, 2, -1), np.array([-3.0, 2, -1])],
    "pool": [later.pool, given.pool_by_loops, given.pool_in_float32],
    "activate": [given.activate_by_values, given.activate_by_float32],
    "unit_report": [given.report_by_loops, given.report_as_array],
    "fully_connected": [given.dense_by_einsum, given.dense_by_loops],
    "replacement": [(28, 36_928, 28_901_376), np.array([28.0, 36_928, 28_901_376])],
    "mean_kernels": [given.mean_kernels_by_eye, given.mean_kernels_as_lists],
}


def rows(table):
    return [
        pytest.param(name, answer, id=f"{name}-{getattr(answer, '__name__', k)}")
        for name, answers in table.items()
        for k, answer in enumerate(answers)
    ]


@pytest.mark.parametrize(("name", "answer"), rows(WRONG))
def test_wrong_answers_lose_points(name, answer):
    for seed in SEEDS:
        assert "wrong" in outcomes(seed, name, answer)


@pytest.mark.parametrize(("name", "answer"), rows(RIGHT))
def test_right_answers_get_all_points(name, answer):
    for seed in range(3 if name == "conv_fast" else 20):
        assert outcomes(seed, name, answer) == {"correct"}


def test_float32_twins_of_all_solutions_get_all_points():
    functions = [name for name in WRONG if callable(bench().names[name])]
    assert len(functions) == 14
    for name in functions:
        for seed in range(3 if name == "conv_fast" else 30):
            assert outcomes(seed, name, in_float32(bench().names[name], scalars=True)) == {"correct"}, name


def test_every_answer_has_wrong_and_right_ones():
    made = {name for name in bench().names if name in WRONG}
    assert made == set(WRONG) == set(RIGHT)
    answers = [cell for cell in bench().source.cells if cell.role == "answer"]
    assert len(answers) == len(WRONG)
    for name in WRONG:
        untouched = (lambda *_, **__: None) if callable(bench().names[name]) else None
        assert outcomes(1, name, untouched) == {"nothing"}, name


def ideas():
    return [
        pytest.param(cell, idea, id=f"{cell.grade_id}-{idea.by.partition(':')[2]}")
        for cell in bench().source.cells
        for idea in (cell.checks[0].misunderstandings if cell.checks else ())
    ]


@pytest.mark.parametrize(("cell", "idea"), ideas())
def test_each_misunderstanding_loses_points(cell, idea):
    module, _, function = idea.by.partition(":")
    answer = getattr(MODULES[module], function)
    if idea.replace != "entered":
        assert "wrong" in outcomes(1, idea.replace, answer)
        return
    results = set()
    for node in ast.parse(cell.source).body:  # of an entered answer: the wrong function, given the question's numbers
        if isinstance(call := node.value.args[1], ast.Call):
            name, *numbers = (eval(ast.unparse(part), bench().names) for part in call.args)
            results |= outcomes(1, call.args[0].id, answer(name, *numbers))
    assert "wrong" in results
