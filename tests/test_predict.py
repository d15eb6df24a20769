"""Predictions: choices that are computed, and wrong picks that say which thought led to them."""

import numpy as np
import pytest

from coursekit.misconceptions import maths as misconceptions
from coursekit.predict import Prediction

IMAGE, KERNEL = np.arange(9).reshape(3, 3), np.array([[0, 1], [2, 3]])
WRONG = [misconceptions.turned_kernel, misconceptions.matrix_products, misconceptions.swapped_axes]


@pytest.fixture
def quiz():
    return Prediction(misconceptions.window_sums, WRONG, (IMAGE, KERNEL))


def test_choices_are_the_outputs_in_a_fixed_order(quiz):
    text = repr(quiz)
    assert text == repr(Prediction(misconceptions.window_sums, WRONG, (IMAGE, KERNEL)))
    assert [line[0] for line in text.splitlines() if line[1:2] == ":"] == ["A", "B", "C", "D"]
    for function in (misconceptions.window_sums, *WRONG):
        assert str(function(IMAGE, KERNEL))[:9] in text


def test_another_seed_deals_another_order():
    orders = {repr(Prediction(misconceptions.window_sums, WRONG, (IMAGE, KERNEL), seed=seed)) for seed in range(8)}
    assert len(orders) > 1


def test_exactly_one_pick_is_right_and_the_others_name_the_thought(quiz, capsys):
    for letter in "ABCD":
        quiz.pick(letter)
    lines = capsys.readouterr().out.splitlines()
    assert sum(". Right: " in line for line in lines) == 1
    assert sum(". Not this one: This " in line for line in lines) == 3


def test_pick_takes_either_case_and_refuses_others(quiz, capsys):
    quiz.pick(" b ")
    assert capsys.readouterr().out.startswith("B. ")
    for nothing in ("E", "", 2):
        with pytest.raises(ValueError, match="pick one of A, B, C, D"):
            quiz.pick(nothing)


def test_choices_that_cannot_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="come out equal"):
        Prediction(misconceptions.window_sums, [misconceptions.turned_kernel], (IMAGE, np.ones((2, 2))))


def test_window_sums_is_the_library_s_correlation():
    signal = pytest.importorskip("scipy.signal")
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(7, 5)), rng.normal(size=(3, 2))
    assert np.allclose(misconceptions.window_sums(image, kernel), signal.correlate2d(image, kernel, "valid"))
    assert np.allclose(misconceptions.turned_kernel(image, kernel), signal.convolve2d(image, kernel, "valid"))


def test_misconceptions_say_what_they_do():
    functions = [f for f in vars(misconceptions).values() if getattr(f, "__module__", "") == misconceptions.__name__]
    assert len(functions) >= 10
    assert all(f.__doc__ and f.__doc__.strip().endswith((".", "1.")) for f in functions)
