"""Convolution: against loops, against PyTorch, against its own algebra."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.nn import (
    check_gradient,
    conv_backward,
    conv_forward,
    depthwise,
    pointwise,
    strips,
    ways,
    windows,
    winograd,
)
from coursekit.nn.naive import conv2d_naive, conv2d_naive_backward


def apart(a, b):
    """Largest difference, relative to the largest value."""
    assert a.shape == b.shape
    return np.abs(a - b).max(initial=0) / (np.abs(b).max(initial=0) or 1)


def example(seed, x_shape, w_shape, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in (x_shape, w_shape, w_shape[:1])]


SHAPES = [  # x, w: not square, C != F, one image, one pixel, sizes that the strides do not divide
    ((2, 3, 7, 9), (4, 3, 3, 3)),
    ((1, 1, 8, 5), (2, 1, 2, 3)),
    ((3, 2, 6, 6), (5, 2, 1, 1)),
    ((2, 4, 1, 1), (3, 4, 1, 1)),
    ((1, 3, 5, 10), (1, 3, 5, 4)),
]
STEPS = list(itertools.product((1, 2, 3), (0, 1, 2)))


@pytest.mark.parametrize(("x_shape", "w_shape"), SHAPES)
@pytest.mark.parametrize(("stride", "padding"), STEPS)
def test_agrees_with_loops(x_shape, w_shape, stride, padding):
    x, w, b = example(1, x_shape, w_shape)
    y, cache = conv_forward(x, w, b, stride=stride, padding=padding)
    assert apart(y, conv2d_naive(x, w, b, stride, padding)) < 1e-12
    dy = np.random.default_rng(2).normal(size=y.shape)
    for mine, naive in zip(conv_backward(dy, cache), conv2d_naive_backward(dy, x, w, stride, padding), strict=True):
        assert apart(mine, naive) < 1e-12


TORCH_CASES = [
    *((x, w, s, p) for (x, w), (s, p) in itertools.product(SHAPES, STEPS)),
    ((2, 3, 11), (4, 3, 4), 2, 1),
    ((2, 3, 6, 7, 8), (4, 3, 2, 3, 1), 2, 1),
    ((2, 2, 5, 6, 7), (3, 2, 3, 3, 3), (1, 2, 3), (0, 1, 2)),
    ((2, 3, 9, 10), (4, 3, 2, 4), (3, 1), (0, 3)),
    ((0, 3, 5, 5), (4, 3, 3, 3), 1, 1),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "stride", "padding"), TORCH_CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_agrees_with_pytorch(x_shape, w_shape, stride, padding, dtype, tolerance):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    x, w, b = example(3, x_shape, w_shape, dtype)
    y, cache = conv_forward(x, w, b, stride=stride, padding=padding)
    dy = np.random.default_rng(4).normal(size=y.shape).astype(dtype)
    gradients = conv_backward(dy, cache)

    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w, b)]
    convolve = {3: torch.conv1d, 4: torch.conv2d, 5: torch.conv3d}[x.ndim]
    theirs = convolve(*tensors, stride=stride, padding=padding)
    theirs.backward(torch.from_numpy(dy))
    pairs = [(y, theirs.detach()), *zip(gradients, (t.grad for t in tensors), strict=True)]
    for mine, other in pairs:
        assert mine.dtype == dtype
        assert apart(mine, other.numpy()) < tolerance


WIDE = [  # x, w, options: dilation and groups, depthwise too, over one, two and three axes
    ((2, 3, 9, 10), (4, 3, 3, 2), dict(dilation=2)),
    ((2, 3, 9, 10), (4, 3, 3, 2), dict(dilation=(1, 3), stride=2, padding=1)),
    ((2, 4, 7, 8), (6, 2, 3, 3), dict(groups=2, padding=1)),
    ((2, 4, 7, 8), (6, 2, 3, 3), dict(groups=2, stride=(1, 2), dilation=2, padding=2)),
    ((2, 6, 5, 5), (3, 2, 1, 1), dict(groups=3)),
    ((2, 3, 7, 8), (3, 1, 3, 3), dict(groups=3, padding=1)),
    ((2, 3, 7, 8), (6, 1, 3, 2), dict(groups=3, padding=(0, 2), stride=2, dilation=(2, 1))),
    ((2, 3, 7, 8), (6, 1, 1, 1), dict(groups=3)),
    ((2, 3, 7, 8), (4, 3, 1, 1), dict(stride=2)),
    ((2, 3, 7, 8), (4, 3, 1, 1), dict(padding=1)),
    ((2, 4, 11), (4, 2, 4), dict(groups=2, dilation=2, padding=3)),
    ((2, 4, 11), (8, 1, 3), dict(groups=4, stride=3, padding=4)),
    ((2, 4, 6, 7, 8), (4, 2, 2, 3, 1), dict(groups=2, dilation=(1, 2, 3), padding=1)),
    ((2, 2, 6, 7, 8), (2, 1, 2, 3, 3), dict(groups=2, stride=2, padding=(0, 1, 2))),
    ((0, 4, 6, 6), (4, 1, 3, 3), dict(groups=4)),
    ((0, 4, 6, 6), (4, 2, 3, 3), dict(groups=2)),
    ((0, 4, 6, 6), (4, 4, 1, 1), {}),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), WIDE)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_dilation_and_groups_agree_with_pytorch(x_shape, w_shape, options, dtype, tolerance):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    x, w, b = example(21, x_shape, w_shape, dtype)
    y, cache = conv_forward(x, w, b, **options)
    dy = np.random.default_rng(22).normal(size=y.shape).astype(dtype)
    gradients = conv_backward(dy, cache)
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w, b)]
    convolve = {3: torch.conv1d, 4: torch.conv2d, 5: torch.conv3d}[x.ndim]
    theirs = convolve(*tensors, **options)
    theirs.backward(torch.from_numpy(dy))
    pairs = [(y, theirs.detach()), *zip(gradients, (t.grad for t in tensors), strict=True)]
    for mine, other in pairs:
        assert mine.dtype == dtype
        assert apart(mine, other.numpy()) < tolerance
    assert conv_backward(dy, cache, input_grad=False)[0] is None


@pytest.mark.parametrize("scratch", [1, 700, 3000])
def test_depthwise_pieces_change_nothing(monkeypatch, scratch):
    x, w, b = example(23, (5, 3, 7, 8), (6, 1, 3, 2))
    y, cache = conv_forward(x, w, b, groups=3, padding=2, stride=(2, 1), dilation=(1, 2))
    dy = np.random.default_rng(6).normal(size=y.shape)
    whole = [y, *conv_backward(dy, cache)]
    monkeypatch.setattr(depthwise, "SCRATCH_BYTES", scratch)
    y, cache = conv_forward(x, w, b, groups=3, padding=2, stride=(2, 1), dilation=(1, 2))
    for got, wanted in zip([y, *conv_backward(dy, cache)], whole, strict=True):
        assert apart(got, wanted) < 1e-14


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options", "chosen"),
    [
        ((2, 4, 9, 9), (8, 1, 3, 3), dict(groups=4), depthwise),
        ((2, 4, 9, 9), (6, 4, 1, 1), {}, pointwise),
        ((2, 4, 9, 9), (6, 4, 1, 1), dict(stride=2), windows),
        ((2, 4, 9, 9), (6, 4, 1, 1), dict(padding=1), windows),
        ((2, 4, 9, 9), (6, 4, 3, 3), dict(stride=(1, 2)), windows),
        ((2, 4, 9, 9), (6, 4, 3, 3), dict(dilation=2), windows),
        ((2, 4, 9, 9), (6, 4, 3, 3), dict(padding=2), strips),
        ((2, 24, 9, 9), (24, 24, 3, 3), dict(padding=2), winograd),
        ((2, 24, 9, 9), (24, 24, 3, 3), dict(padding=3), windows),
        ((2, 24, 9, 9), (23, 24, 3, 3), {}, strips),
        ((2, 16, 9), (16, 16, 3), {}, windows),
    ],
)
def test_rules_choose_the_way(x_shape, w_shape, options, chosen):
    x, w, _ = example(26, x_shape, w_shape)
    assert ways.way(conv_forward(x, w, **options)[1]) is chosen


FAST = [  # x, w, padding
    *((x, w, p) for (x, w), p in itertools.product(SHAPES[:3], (0, 1, 2)) if p < min(w[2:])),
    ((2, 3, 5, 6, 7), (4, 3, 2, 3, 3), 1),
    ((5, 17, 9, 6), (18, 17, 3, 3), 1),
    ((3, 17, 4, 8), (18, 17, 3, 3), (2, 0)),
    ((1, 16, 3, 3), (16, 16, 3, 3), 0),
    ((0, 16, 3, 3), (16, 16, 3, 3), 1),
]


@pytest.mark.parametrize(("x_shape", "w_shape", "padding"), FAST)
@pytest.mark.parametrize("scratch", [1, 5000, 2**19])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_fast_ways_agree_with_windows(monkeypatch, x_shape, w_shape, padding, scratch, dtype, tolerance):
    x, w, b = example(24, x_shape, w_shape, dtype)
    fast = [strips, winograd] if w_shape[2:] == (3, 3) else [strips]
    for way in fast:
        monkeypatch.setattr(way, "SCRATCH_BYTES", scratch)
    results = []
    for way in (windows, *fast):
        monkeypatch.setattr(ways, "way", lambda cache, way=way: way)
        y, cache = conv_forward(x, w, b, padding=padding)
        dy = np.random.default_rng(25).normal(size=y.shape).astype(dtype)
        results.append([y, *conv_backward(dy, cache), *conv_backward(dy, cache, input_grad=False)[1:]])
    for other in results[1:]:
        assert all(apart(a, b) < tolerance for a, b in zip(other, results[0], strict=True))


@pytest.mark.parametrize("channels", [24, 64, 256])
def test_winograd_rounds_little_in_single_precision(channels):
    x, w, _ = example(27, (2, channels, 14, 14), (channels, channels, 3, 3))
    y, cache = conv_forward(x, w, padding=1)
    exact = [y, *conv_backward(y, cache)[:2]]
    y32, cache = conv_forward(x.astype(np.float32), w.astype(np.float32), padding=1)
    assert ways.way(cache) is winograd
    single = [y32, *conv_backward(y.astype(np.float32), cache)[:2]]
    assert all(apart(a, b) < 5e-5 for a, b in zip(single, exact, strict=True))


def test_by_hand():
    y, _ = conv_forward(np.arange(9.0).reshape(1, 1, 3, 3), np.arange(4.0).reshape(1, 1, 2, 2))
    assert y.tolist() == [[[[19, 25], [37, 43]]]]


def test_backward_by_hand_in_one_dimension():
    x, w = np.array([[[1.0, 2, 3, 4, 5]]]), np.array([[[10.0, 20, 30]]])
    _, cache = conv_forward(x, w)
    d1, d2, d3 = dy = [7.0, 11.0, 13.0]
    dx, dw, db = conv_backward(np.array([[dy]]), cache)
    w1, w2, w3 = w[0, 0]
    assert dx[0, 0].tolist() == [d1 * w1, d2 * w1 + d1 * w2, d3 * w1 + d2 * w2 + d1 * w3, d3 * w2 + d2 * w3, d3 * w3]
    assert dw[0, 0].tolist() == [sum(d * x[0, 0, i + k] for i, d in enumerate(dy)) for k in range(3)]
    assert db is None


@pytest.mark.parametrize("scratch", [1, 700, 3 * 25 * 54 * 8])  # one row, some rows, three images at a time
@pytest.mark.parametrize(("stride", "padding"), STEPS)
def test_pieces_change_nothing(monkeypatch, scratch, stride, padding):
    x, w, b = example(5, (7, 3, 6, 5), (4, 3, 2, 3))
    y, cache = conv_forward(x, w, b, stride=stride, padding=padding)
    dy = np.random.default_rng(6).normal(size=y.shape)
    whole = [y, *conv_backward(dy, cache)]
    for way in (windows, strips):
        monkeypatch.setattr(way, "SCRATCH_BYTES", scratch)
    y, cache = conv_forward(x, w, b, stride=stride, padding=padding)
    for got, wanted in zip([y, *conv_backward(dy, cache)], whole, strict=True):
        assert apart(got, wanted) < 1e-14


def test_padding_wider_than_the_kernel_in_pieces(monkeypatch):
    x, w, b = example(5, (2, 1, 2, 2), (1, 1, 1, 2))
    monkeypatch.setattr(windows, "SCRATCH_BYTES", 1)
    y, cache = conv_forward(x, w, b, padding=4)  # some rows see nothing but zeros
    dy = np.random.default_rng(6).normal(size=y.shape)
    assert apart(y, conv2d_naive(x, w, b, 1, 4)) < 1e-14
    for got, wanted in zip(conv_backward(dy, cache), conv2d_naive_backward(dy, x, w, 1, 4), strict=True):
        assert apart(got, wanted) < 1e-14


@pytest.mark.parametrize(
    ("x_shape", "w_shape"),
    [
        ((64, 8, 32, 32), (8, 8, 5, 5)),
        ((1, 16, 160, 160), (8, 16, 5, 5)),
        ((200, 32, 14, 14), (32, 32, 3, 3)),
        ((16, 64, 28, 28), (64, 64, 3, 3)),
        ((100, 64, 14, 14), (64, 64, 1, 1)),
    ],
)
def test_scratch_memory_is_bounded(x_shape, w_shape):
    x, w, b = example(7, x_shape, w_shape, np.float32)
    x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    tracemalloc.start()
    y, cache = conv_forward(x, w, b, padding=w.shape[-1] // 2)
    forward = tracemalloc.get_traced_memory()[1]
    dx, _, _ = conv_backward(y, cache)
    both = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert forward - y.nbytes < 4 * 2**20  # all windows at once: 50 and 39 MiB
    assert both - y.nbytes - dx.nbytes < 8 * 2**20


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_strides_in_memory_do_not_matter_and_inputs_stay(dtype):
    x, w, b = example(8, (2, 3, 6, 7), (4, 3, 3, 2), dtype)
    y, cache = conv_forward(x, w, b, stride=2, padding=1)
    dy = np.random.default_rng(9).normal(size=y.shape).astype(dtype)
    wanted = [y, *conv_backward(dy, cache)]
    channels_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    spread = np.zeros((4, 3, 12, 7), dtype)[::2, :, ::-2]
    spread[...] = x
    for other in (channels_last, spread, np.asfortranarray(x)):
        arrays = [other, np.asfortranarray(w), b[::-1].copy()[::-1]]
        for array in arrays:
            array.flags.writeable = False
        y, cache = conv_forward(*arrays, stride=2, padding=1)
        got = [y, *conv_backward(np.asfortranarray(dy), cache)]
        assert all(apart(a, b) < 1e-5 for a, b in zip(got, wanted, strict=True))
        assert np.array_equal(other, x)
        assert np.array_equal(arrays[1], w)


def test_input_gradient_and_bias_are_optional():
    x, w, b = example(10, (2, 3, 5, 5), (4, 3, 3, 3))
    y, cache = conv_forward(x, w)
    dx, dw, db = conv_backward(np.ones_like(y), cache, input_grad=False)
    assert dx is None
    assert db is None
    assert dw.shape == w.shape
    dx, dw, db = conv_backward(np.ones_like(y), conv_forward(x, w, b)[1])
    assert db.tolist() == [2 * 9.0] * 4


def test_strict_refuses_what_floor_drops():
    x, w, _ = example(11, (1, 1, 5, 10), (1, 1, 3, 3))
    assert conv_forward(x, w, stride=2)[0].shape == (1, 1, 2, 4)
    with pytest.raises(ValueError, match="along the width: stride 2 does not fit"):
        conv_forward(x, w, stride=2, mode="strict")


@pytest.mark.parametrize("which", [0, 1, 2])
def test_gradient_check(which):
    arrays = example(12, (2, 2, 5, 4), (3, 2, 3, 2))
    y, cache = conv_forward(*arrays, stride=2, padding=1)
    dy = np.random.default_rng(13).normal(size=y.shape)
    gradient = conv_backward(dy, cache)[which]

    def f(_):
        return np.sum(conv_forward(*arrays, stride=2, padding=1)[0] * dy)

    assert check_gradient(f, arrays[which], gradient).relative_error < 1e-8


@st.composite
def cases(draw):
    """x, w, stride and padding of a small random convolution."""
    axes = draw(st.integers(1, 3))
    n, c, f = (draw(st.integers(1, 3)) for _ in range(3))
    kernel = draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes))
    size = [k + draw(st.integers(0, 4)) for k in kernel]
    stride, padding = (tuple(draw(st.integers(low, 2)) for _ in range(axes)) for low in (1, 0))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.normal(size=(n, c, *size)), rng.normal(size=(f, c, *kernel)), dict(stride=stride, padding=padding), rng


@settings(deadline=None, max_examples=60)
@given(cases(), st.floats(-3, 3), st.floats(-3, 3))
def test_linear_in_the_input_and_in_the_kernel(case, a, b):
    x, w, steps, rng = case
    x2, w2 = rng.normal(size=x.shape), rng.normal(size=w.shape)
    y = conv_forward(x, w, **steps)[0]
    scale = 1e-12 * (1 + np.abs(y).max()) * 100
    assert np.allclose(
        conv_forward(a * x + b * x2, w, **steps)[0], a * y + b * conv_forward(x2, w, **steps)[0], atol=scale
    )
    assert np.allclose(
        conv_forward(x, a * w + b * w2, **steps)[0], a * y + b * conv_forward(x, w2, **steps)[0], atol=scale
    )


@settings(deadline=None, max_examples=60)
@given(cases())
def test_backward_is_the_adjoint_of_forward(case):
    """<dy, conv(x, w)> = <dx, x> = <dw, w>."""
    x, w, steps, rng = case
    y, cache = conv_forward(x, w, **steps)
    dy = rng.normal(size=y.shape)
    dx, dw, _ = conv_backward(dy, cache)
    scale = np.abs(dy).sum() * np.abs(y).max() + 1e-300
    assert abs(np.sum(dy * y) - np.sum(dx * x)) < 1e-12 * scale
    assert abs(np.sum(dy * y) - np.sum(dw * w)) < 1e-12 * scale


@settings(deadline=None, max_examples=60)
@given(cases(), st.integers(0, 3))
def test_shifting_the_input_shifts_the_output(case, places):
    x, w, steps, _ = case
    steps["padding"] = 0
    shift = places * steps["stride"][-1]
    x = np.concatenate([x, x[..., :1].repeat(shift, -1)], axis=-1)
    shifted = np.roll(x, -shift, axis=-1)
    y, y_shifted = (conv_forward(image, w, **steps)[0] for image in (x, shifted))
    kept = y.shape[-1] - places
    assert kept <= 0 or np.allclose(y[..., places:], y_shifted[..., :kept], atol=1e-12)


def call(x_shape=(2, 3, 8, 8), w_shape=(4, 3, 3, 3), b_shape=(4,), **options):
    return conv_forward(np.ones(x_shape), np.ones(w_shape), np.ones(b_shape), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(x_shape=(8, 8)), r"x has shape \(8, 8\), expected \(N, C, \*spatial\)"),
        (
            dict(w_shape=(4, 2, 3, 3)),
            r"w has shape \(4, 2, 3, 3\), expected \(F, 3, KH, KW\): x has shape \(2, 3, 8, 8\)",
        ),
        (dict(w_shape=(4, 3, 3)), r"w has shape \(4, 3, 3\), expected \(F, 3, KH, KW\)"),
        (dict(x_shape=(2, 3, 8), w_shape=(4, 2, 3)), r"expected \(F, 3, KW\)"),
        (dict(x_shape=(2, 3, 8, 8, 8)), r"expected \(F, 3, KD, KH, KW\)"),
        (dict(w_shape=(0, 3, 3, 3)), r"w has shape \(0, 3, 3, 3\), expected at least one kernel"),
        (dict(b_shape=(3,)), r"b has shape \(3,\), expected \(4,\): one number per kernel"),
        (dict(b_shape=(1, 4)), r"b has shape \(1, 4\), expected \(4,\)"),
        (dict(w_shape=(4, 3, 9, 3)), "along the height: kernel 9 is longer than the padded input"),
        (dict(stride=0), "along the height: stride is 0: expected 1 or more"),
        (dict(stride=(1, 2, 3)), r"stride is \(1, 2, 3\): expected an int or 2 of them"),
        (dict(padding=(1, -1)), "along the width: padding is -1"),
        (dict(padding=[1]), r"padding is \[1\]: expected an int or 2"),
        (dict(dilation=4), r"along the height: .*dilation 4"),
        (dict(dilation=0), "along the height: dilation is 0: expected 1 or more"),
        (dict(dilation=(1, 2, 3)), r"dilation is \(1, 2, 3\): expected an int or 2 of them"),
        (dict(groups=0), "groups is 0: expected 1 or more"),
        (dict(groups=2), "groups is 2, which does not divide the 3 channels of x evenly: try one of 1, 3"),
        (dict(groups=3, w_shape=(4, 1, 3, 3)), "groups is 3, which does not divide the 4 kernels of w"),
        (dict(groups=3), r"expected \(F, 1, KH, KW\).* sees 1 of 3 channels, with groups=3"),
        (dict(mode="ceil"), "mode is 'ceil': a convolution knows"),
        (dict(mode="same"), "mode is 'same'"),
    ],
)
def test_messages_name_the_argument(options, message):
    with pytest.raises(ValueError, match=message):
        call(**options)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float16, np.complex128, bool, object])
def test_only_two_dtypes(dtype):
    x, w, b = (np.ones(shape) for shape in ((1, 1, 3, 3), (1, 1, 2, 2), (1,)))
    for arrays, name in (
        ((x.astype(dtype), w, b), "x"),
        ((x, w.astype(dtype), b), "w"),
        ((x, w, b.astype(dtype)), "b"),
    ):
        with pytest.raises(TypeError, match=rf"{name} has dtype .*expected float32 or float64: use {name}.astype"):
            conv_forward(*arrays)


def test_no_mixed_dtypes_and_no_lists():
    x, w, _ = example(14, (1, 1, 3, 3), (1, 1, 2, 2))
    with pytest.raises(TypeError, match="one dtype for all, please: x is float64, w is float32"):
        conv_forward(x, w.astype(np.float32))
    with pytest.raises(TypeError, match="x is a list, expected a NumPy array"):
        conv_forward(x.tolist(), w)
    with pytest.raises(TypeError, match=r"along the height: stride is 1.0"):
        conv_forward(x, w, stride=1.0)


def test_backward_checks_dy():
    x, w, _ = example(15, (2, 1, 4, 4), (3, 1, 3, 3))
    y, cache = conv_forward(x, w)
    with pytest.raises(ValueError, match=r"dy has shape \(2, 3, 2, 1\), expected \(2, 3, 2, 2\)"):
        conv_backward(y[..., :1], cache)
    with pytest.raises(TypeError, match="dy is float32, x is float64"):
        conv_backward(y.astype(np.float32), cache)
