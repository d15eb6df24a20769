"""What chapter 11 calls right agrees with a run, a queue or a count by hand, and what it calls wrong does not."""

import numpy as np
import pytest

from coursekit.misconceptions import speed
from coursekit.nn import Momentum
from coursekit.predict import Prediction


def queue(hand_over, work, calls):
    """When the loop ends, and when the work does: a call begins when it was handed over and the last one is done."""
    clock = done = 0.0
    for _ in range(calls):
        clock += hand_over
        done = max(done, clock) + work
    return clock, done


def test_a_queue_is_filled_long_before_it_is_empty():
    given = (0.01, 2, 100)
    assert (speed.launched(*given), speed.finished(*given)) == pytest.approx(queue(*given))
    assert speed.one_after_another(*given) == pytest.approx(sum(queue(0.01, 2, 1)[1] for _ in range(100)))


def test_what_is_left_decides_the_gain():
    assert speed.speed_up(6, 1) == pytest.approx(1 / (1 - 1 / 6), abs=0.005)
    assert speed.time_left(6, 1) == pytest.approx(1 / speed.speed_up(6, 1), abs=0.01)


@pytest.mark.parametrize("before", [1, 2, 3, 5])
def test_the_resumed_run_is_the_unbroken_one(before):
    weight = {"w": np.array([8.0])}
    rule = Momentum(weight, lr=0.5, momentum=0.5)
    path = []
    for _ in range(before + 1):
        path.append(weight["w"].item())
        rule.step({"w": weight["w"].copy()})  # the slope of w * w / 2
    after = weight["w"].item()
    assert speed.gone_on(8.0, before) == after
    assert speed.begun_anew(8.0, before) == 4
    fresh = {"w": np.array([path[before]])}
    Momentum(fresh, lr=0.5, momentum=0.5).step({"w": fresh["w"].copy()})
    assert speed.velocity_lost(8.0, before) == fresh["w"].item()


@pytest.mark.parametrize(
    ("right", "wrong", "inputs"),
    [
        (speed.launched, [speed.finished, speed.one_after_another, speed.one_call], (0.01, 2, 100)),
        (speed.speed_up, [speed.as_if_all, speed.share_added, speed.time_left], (6, 1)),
        (speed.gone_on, [speed.velocity_lost, speed.begun_anew, speed.undamped], (8.0, 3)),
    ],
)
def test_each_choice_is_another_number(right, wrong, inputs):
    assert len(str(Prediction(right, wrong, inputs)).splitlines()) == len(wrong) + 1
    assert len({f(*inputs) for f in (right, *wrong)}) == len(wrong) + 1


def test_a_vote_of_probabilities_is_not_a_count_of_heads():
    said = np.array([[[0.9, 0.1]], [[0.4, 0.6]], [[0.4, 0.6]]])  # (networks, pictures, classes)
    assert speed.vote(said) == [0]
    assert speed.majority(said) == [1]
