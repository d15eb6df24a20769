"""Output sizes: against published numbers, a count of places, and PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.shapes import output_size


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (dict(size=28, kernel=3), 26),
        (dict(size=227, kernel=11, stride=4), 55),  # AlexNet as implemented
        (dict(size=224, kernel=11, stride=4, padding=2, mode="floor"), 55),  # torchvision's AlexNet
        (dict(size=224, kernel=11, stride=4, padding=1, mode="floor"), 54),
        (dict(size=227, kernel=11, stride=4, padding=2), 56),
        (dict(size=224, kernel=7, stride=2, padding=3, mode="floor"), 112),  # ResNet
        (dict(size=5, kernel=3, padding=1), 5),
        (dict(size=5, kernel=3, dilation=2), 1),
        (dict(size=1, kernel=1), 1),
        (dict(size=112, kernel=3, stride=2, mode="ceil"), 56),
        (dict(size=3, kernel=2, stride=2, padding=1, mode="ceil"), 2),
        (dict(size=5, kernel=2, stride=4, padding=1, mode="ceil"), 2),
        (dict(size=3, kernel=1, stride=3, padding=0, mode="ceil"), 1),  # a second window would start outside
        (dict(size=np.int64(28), kernel=np.uint8(3)), 26),
    ],
)
def test_known_sizes(arguments, wanted):
    assert output_size(**arguments) == wanted
    assert type(output_size(**arguments)) is int


lengths = dict(
    size=st.integers(1, 40),
    kernel=st.integers(1, 9),
    stride=st.integers(1, 6),
    padding=st.integers(0, 5),
    dilation=st.integers(1, 3),
)


@settings(deadline=None)
@given(**lengths)
def test_floor_counts_the_places(size, kernel, stride, padding, dilation):
    extent = dilation * (kernel - 1) + 1
    starts = range(-padding, size + padding - extent + 1, stride)
    if not starts:
        with pytest.raises(ValueError, match=r"kernel .* is longer than the padded input"):
            output_size(size, kernel, stride, padding, dilation, mode="floor")
    else:
        assert output_size(size, kernel, stride, padding, dilation, mode="floor") == len(starts)


@settings(deadline=None)
@given(**lengths)
def test_strict_agrees_with_floor_or_refuses(size, kernel, stride, padding, dilation):
    travel = size + 2 * padding - dilation * (kernel - 1) - 1
    if travel < 0 or travel % stride:
        with pytest.raises(ValueError, match="longer than the padded input" if travel < 0 else "does not fit"):
            output_size(size, kernel, stride, padding, dilation)
    else:
        floor = output_size(size, kernel, stride, padding, dilation, mode="floor")
        assert output_size(size, kernel, stride, padding, dilation) == floor


@settings(deadline=None)
@given(**lengths)
def test_offered_padding_fits(size, kernel, stride, padding, dilation):
    try:
        output_size(size, kernel, stride, padding, dilation)
    except ValueError as error:
        offered = str(error).partition("padding=")[2]
        if offered:
            offered = int("".join(c for c in offered[:2] if c.isdigit()))
            mode = "floor" if "or more" in str(error) else "strict"
            assert output_size(size, kernel, stride, offered, dilation, mode=mode) >= 1


@settings(deadline=None)
@given(size=st.integers(1, 20), kernel=st.integers(1, 6), stride=st.integers(1, 5), data=st.data(), ceil=st.booleans())
def test_pooling_sizes_agree_with_pytorch(size, kernel, stride, data, ceil):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    padding = data.draw(st.integers(0, kernel // 2))
    if size + 2 * padding < kernel:
        return
    y = torch.nn.functional.max_pool1d(torch.zeros(1, 1, size), kernel, stride, padding, ceil_mode=ceil)
    assert output_size(size, kernel, stride, padding, mode="ceil" if ceil else "floor") == y.shape[-1]


def test_message_when_no_padding_helps():
    with pytest.raises(ValueError, match="stride 2") as error:
        output_size(10, 3, stride=2)
    assert str(error.value) == (
        "stride 2 does not fit: (10 - 3 + 2*0) = 7 is not a multiple of 2, so 1 pixel would never be seen.\n"
        'No equal padding makes it fit: change size or kernel by 1, or use mode="floor" to drop the rest '
        "as PyTorch does."
    )


def test_message_offers_padding_only_where_it_fits():
    with pytest.raises(ValueError, match=r"Use padding=1, or change size or kernel by 1, or use mode=\"floor\""):
        output_size(11, 4, stride=3)


def test_message_says_when_only_padding_is_lost():
    with pytest.raises(ValueError, match="so 1 padded zero would never be seen"):
        output_size(224, 7, stride=2, padding=3)


def test_message_counts_pixels():
    with pytest.raises(ValueError, match="so 3 pixels would never be seen"):
        output_size(10, 3, stride=4)


@pytest.mark.parametrize("name", ["size", "kernel", "stride", "padding", "dilation"])
@pytest.mark.parametrize("value", [2.0, True, "3", None, np.True_, np.array([1, 2])])
def test_lengths_are_whole_numbers(name, value):
    with pytest.raises(TypeError, match=rf"^{name} is .*expected a whole number"):
        output_size(**{"size": 9, "kernel": 3, name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("size", 0), ("kernel", 0), ("stride", 0), ("dilation", 0), ("padding", -1)]
)
def test_lengths_have_a_least_value(name, value):
    with pytest.raises(ValueError, match=rf"^{name} is {value}: expected"):
        output_size(**{"size": 9, "kernel": 3, name: value})


def test_kernel_too_long():
    with pytest.raises(ValueError, match=r"kernel 9 is longer than the padded input: 5 \+ 2\*0 = 5.\nUse padding=2 or"):
        output_size(5, 9)
    with pytest.raises(ValueError, match="spread to 7 by dilation 3"):
        output_size(5, 3, dilation=3)


@pytest.mark.parametrize("mode", ["same", None, []])
def test_unknown_mode(mode):
    with pytest.raises(ValueError, match=r'mode is .*: expected "strict", "floor" or "ceil"'):
        output_size(9, 3, mode=mode)
