"""The first quiz and the first drill: what each choice counts."""

import numpy as np
import pytest

from coursekit import data
from coursekit.misconceptions import start as wrong


def test_numbers_of_a_picture():
    picture = data.load_mnist("test")[0][0]
    assert wrong.one_a_pixel(*picture.shape) == picture.size
    assert wrong.three_a_pixel(*picture.shape) == np.stack([picture] * 3).size
    assert wrong.sides_added(*picture.shape) == sum(picture.shape)
    assert wrong.gaps_counted(*picture.shape) == np.diff(np.diff(picture, axis=0), axis=1).size


def test_share_of_ink():
    picture = np.zeros((4, 5), np.uint8)
    picture[1, 1:4] = [10, 255, 1]
    assert wrong.share_of_ink(picture) == pytest.approx(3 / 20)
    others = [f(picture) for f in (wrong.count_of_ink, wrong.mean_darkness, wrong.share_of_paper, wrong.in_percent)]
    assert others == pytest.approx([3, 266 / 255 / 20, 17 / 20, 15])
