"""The recorded steps: together they are the layer, and each is what a reader would compute."""

import json

import numpy as np
import pytest

from coursekit.nn import conv_backward, conv_forward, max_pool_backward, max_pool_forward
from coursekit.nn.steps import (
    conv_backward_steps,
    conv_steps,
    im2col_steps,
    plain,
    pool_backward_steps,
    pool_steps,
)

GEOMETRY = [(1, 0), (2, 1), ((2, 1), (0, 2)), (3, 1)]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 5, 6)), rng.normal(size=(2, 3, 3, 2)), rng.normal(size=2)


def test_the_chapter_s_first_example():
    steps = conv_steps(np.arange(9).reshape(1, 3, 3), np.arange(4).reshape(1, 1, 2, 2))
    assert [step.value for step in steps] == [19, 25, 37, 43]
    assert [step.corner for step in steps] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert steps[0].products.tolist() == [[[0, 1], [6, 12]]]


def test_the_demo_of_the_course_has_nine_places_and_two_maps():
    steps = conv_steps(np.ones((3, 5, 5)), np.ones((2, 3, 3, 3)), [1, 0], stride=2, padding=1)
    assert [step.map for step in steps] == [0] * 9 + [1] * 9
    assert (steps[0].value, steps[4].value, steps[9].value) == (13, 28, 12)


@pytest.mark.parametrize(("stride", "padding"), GEOMETRY)
def test_forward_steps_are_the_layer(arrays, stride, padding):
    x, w, b = arrays
    y, _ = conv_forward(x[None], w, b, stride=stride, padding=padding)
    steps = conv_steps(x, w, b, stride=stride, padding=padding)
    assert len(steps) == y.size
    assert all(np.isclose(step.value, y[0, step.map, *step.place]) for step in steps)
    assert all(np.isclose(step.sums.sum() + step.bias, step.value) for step in steps)


@pytest.mark.parametrize(("stride", "padding"), GEOMETRY)
def test_backward_steps_end_in_the_gradients(arrays, stride, padding):
    x, w, b = arrays
    y, cache = conv_forward(x[None], w, b, stride=stride, padding=padding)
    dy = np.random.default_rng(1).normal(size=y.shape)
    steps = conv_backward_steps(dy[0], x, w, stride=stride, padding=padding)
    dx, dw, db = conv_backward(dy, cache)
    assert np.allclose(steps[-1].dx, dx[0])
    assert np.allclose(steps[-1].dw, dw)
    assert np.allclose(steps[-1].db, db)
    assert np.allclose(sum(step.to_kernel for step in steps if step.map == 1), dw[1])


@pytest.mark.parametrize(("stride", "padding"), GEOMETRY)
def test_columns_times_rows_are_the_layer(arrays, stride, padding):
    x, w, _ = arrays
    y, _ = conv_forward(x[None], w, stride=stride, padding=padding)
    matrix = np.stack([step.values for step in im2col_steps(x, (3, 2), stride=stride, padding=padding)], axis=1)
    assert np.allclose(w.reshape(2, -1) @ matrix, y[0].reshape(2, -1))


@pytest.mark.parametrize(("window", "stride", "padding"), [((2, 2), None, 0), ((3, 3), 2, 1), ((3, 2), 1, (1, 0))])
def test_pooling_steps_are_the_layer_both_ways(window, stride, padding):
    x = np.random.default_rng(2).integers(0, 4, size=(2, 6, 5)).astype(float)  # ties, too
    y, cache = max_pool_forward(x[None], window, stride=stride, padding=padding)
    steps = pool_steps(x, window, stride=stride, padding=padding)
    assert [step.value for step in steps] == y.ravel().tolist()
    dy = np.random.default_rng(3).normal(size=y.shape)
    last = pool_backward_steps(dy[0], x, window, stride=stride, padding=padding)[-1]
    assert np.allclose(last.dx, max_pool_backward(dy, cache)[0])


def test_steps_keep_what_they_saw(arrays):
    x, w, _ = arrays
    kernel = w[0].copy()
    before = conv_backward_steps(np.ones((2, 3, 5)), x, w)
    x[:], w[:] = 0, 0
    assert before[0].to_kernel.any()
    assert np.array_equal(before[0].to_pixels, kernel)
    assert not np.array_equal(before[0].dw, before[-1].dw)


def test_plain_steps_are_json():
    steps = pool_steps(np.arange(4.0).reshape(1, 2, 2), (2, 2), padding=1, stride=2)
    data = json.loads(json.dumps([plain(step) for step in steps], allow_nan=False))
    assert data[0]["patch"] == [[None, None], [None, 0.0]]
    assert data[0]["winner"] == [1, 1]
    json.dumps([plain(step) for step in conv_backward_steps([[[2.0]]], np.ones((1, 2, 2)), np.ones((1, 1, 2, 2)))])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: conv_steps(np.ones((5, 5)), np.ones((1, 1, 2, 2))), r"x has shape \(5, 5\), expected \(C, H, W\)"),
        (lambda: conv_steps(np.ones((2, 5, 5)), np.ones((1, 3, 2, 2))), r"w needs 2"),
        (lambda: conv_steps(np.ones((1, 5, 5)), np.ones((2, 1, 2, 2)), [1]), r"b has shape \(1,\), expected \(2,\)"),
        (lambda: conv_steps(np.ones((1, 2, 2)), np.ones((1, 1, 3, 3))), "kernel 3 is longer"),
        (lambda: conv_steps(np.ones((1, 99, 99)), np.ones((1, 1, 3, 3))), "9,409 steps"),
        (lambda: conv_backward_steps(np.ones((1, 2, 2)), np.ones((1, 2, 2)), np.ones((1, 1, 2, 2))), "dy has shape"),
        (lambda: im2col_steps(np.ones((0, 2, 2)), (1, 1)), "none of them 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
