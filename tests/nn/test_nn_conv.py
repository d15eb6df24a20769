"""Convolution: against loops, against PyTorch, against its own algebra."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.nn import check_gradient, conv_backward, conv_forward
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


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
@pytest.mark.parametrize(("stride", "padding", "dilation"), list(itertools.product((1, 2, 3), (0, 1, 2), (1, 2))))
def test_every_combination_agrees_with_loops_and_pytorch(stride, padding, dilation, dtype, tolerance):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    options = dict(stride=stride, padding=padding, dilation=dilation)
    sizes = [((9,), (3,)), ((8, 11), (3, 2)), ((11, 8), (2, 3)), ((5, 7, 6), (2, 3, 1))]  # not square
    for (spatial, taps), groups in itertools.product(sizes, (1, 2, 4)):
        x, w, b = example(31, (2, 4, *spatial), (8 if groups == 4 else 6, 4 // groups, *taps), dtype)
        y, cache = conv_forward(x, w, b, groups=groups, **options)
        dy = np.random.default_rng(32).normal(size=y.shape).astype(dtype)
        got = [y, *conv_backward(dy, cache)]
        tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w, b)]
        theirs = getattr(torch, f"conv{len(spatial)}d")(*tensors, groups=groups, **options)
        theirs.backward(torch.from_numpy(dy))
        wanted = [theirs.detach().numpy(), *(t.grad.numpy() for t in tensors)]
        assert all(apart(mine, other) < tolerance for mine, other in zip(got, wanted, strict=True))
        if taps == (3, 2) and dtype == np.float64:  # loops are slow
            wide = spread(w, dilation, groups)
            dx, dwide, db = conv2d_naive_backward(dy, x, wide, stride, padding)
            dw = gather(dwide, dilation, groups)
            wanted = [conv2d_naive(x, wide, b, stride, padding), dx, dw, db]
            assert all(apart(mine, naive) < tolerance for mine, naive in zip(got, wanted, strict=True))


def spread(w, dilation, groups):
    """The kernels of an ordinary convolution that does the same: zeros between the taps and for unseen channels."""
    wide = np.zeros((len(w), w.shape[1] * groups, *(dilation * (k - 1) + 1 for k in w.shape[2:])), w.dtype)
    for f, kernel in enumerate(w):
        first = f * groups // len(w) * w.shape[1]
        wide[f, first : first + w.shape[1], ::dilation, ::dilation] = kernel
    return wide


def gather(wide, dilation, groups):
    """Undo `spread`."""
    deep = wide.shape[1] // groups
    firsts = [f * groups // len(wide) * deep for f in range(len(wide))]
    return np.stack([
        w[first : first + deep, ::dilation, ::dilation] for w, first in zip(wide, firsts, strict=True)
    ])  # fmt: skip


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
    """x, w, options and a generator for a small random convolution; one in five is for Winograd."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if draw(st.integers(0, 4)) == 0:
        size = [draw(st.integers(3, 9)) for _ in range(2)]
        options = dict(stride=(1, 1), padding=draw(st.integers(0, 2)))
        return rng.normal(size=(draw(st.integers(1, 2)), 24, *size)), rng.normal(size=(25, 24, 3, 3)), options, rng
    axes = draw(st.integers(1, 3))
    n, c, f, groups = (draw(st.integers(1, 3)) for _ in range(4))
    kernel = draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes))
    stride, padding, dilation = (tuple(draw(st.integers(low, 2)) for _ in range(axes)) for low in (1, 0, 1))
    size = [d * (k - 1) + 1 + draw(st.integers(0, 4)) for k, d in zip(kernel, dilation, strict=True)]
    x, w = rng.normal(size=(n, c * groups, *size)), rng.normal(size=(f * groups, c, *kernel))
    return x, w, dict(stride=stride, padding=padding, dilation=dilation, groups=groups), rng


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
        (dict(x_shape=(2, 3)), r"x has shape \(2, 3\), expected \(N, C, \*spatial\): add axes by x\[None, None\]"),
        (dict(w_shape=(4, 3, 9, 3)), "Use padding=1 or more, a kernel that fits, or a larger input"),
        (dict(stride=0), "along the height: stride is 0: expected 1 or more"),
        (dict(stride=-2), "along the height: stride is -2: expected 1 or more"),
        (dict(stride=2, mode="strict"), r"along the height: stride 2 does not fit[\s\S]*or use mode=\"floor\""),
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
    for name in ("stride", "padding", "dilation"):
        with pytest.raises(TypeError, match=rf"along the height: {name} is 1.0 \(float\): expected a whole number"):
            conv_forward(x, w, **{name: 1.0})


def test_backward_checks_dy():
    x, w, _ = example(15, (2, 1, 4, 4), (3, 1, 3, 3))
    y, cache = conv_forward(x, w)
    with pytest.raises(ValueError, match=r"dy has shape \(2, 3, 2, 1\), expected \(2, 3, 2, 2\)"):
        conv_backward(y[..., :1], cache)
    with pytest.raises(TypeError, match="dy is float32, x is float64"):
        conv_backward(y.astype(np.float32), cache)
