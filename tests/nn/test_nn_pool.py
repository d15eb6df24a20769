"""Max pooling: against loops and PyTorch, with windows that overlap, hang over and tie."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.nn import check_gradient, max_pool_backward, max_pool_forward
from coursekit.nn.naive import max_pool2d_naive, max_pool2d_naive_backward


def draw(shape, seed=1, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


STEPS = [(k, s, p) for k, s, p in itertools.product((1, 2, 3), (1, 2, 3), (0, 1, 2)) if p < k]


@pytest.mark.parametrize("shape", [(2, 3, 7, 9), (1, 1, 6, 6), (3, 2, 4, 5), (1, 2, 3, 3)])
@pytest.mark.parametrize(("window", "stride", "padding"), STEPS)
@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_loops(shape, window, stride, padding, ties):
    x = draw(shape).round() if ties else draw(shape)
    y, cache = max_pool_forward(x, window, stride=stride, padding=padding)
    assert np.array_equal(y, max_pool2d_naive(x, window, stride, padding))
    dy = draw(y.shape, 2)
    dx = max_pool_backward(dy, cache)
    assert np.allclose(dx, max_pool2d_naive_backward(dy, x, window, stride, padding), rtol=0, atol=1e-13)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_agrees_with_pytorch(data):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    axes = data.draw(st.integers(1, 3))
    window = tuple(data.draw(st.integers(1, 4)) for _ in range(axes))
    stride = tuple(data.draw(st.integers(1, 3)) for _ in range(axes))
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in window)
    shape = (data.draw(st.integers(1, 2)), 2, *(k + data.draw(st.integers(0, 5)) for k in window))
    dtype, ceil = data.draw(st.sampled_from([np.float32, np.float64])), data.draw(st.booleans())
    x = draw(shape, data.draw(st.integers(0, 99)), dtype).round(data.draw(st.integers(0, 3)))  # 0 digits: many ties
    y, cache = max_pool_forward(x, window, stride=stride, padding=padding, mode="ceil" if ceil else "floor")
    dy = draw(y.shape, 3, dtype)
    dx = max_pool_backward(dy, cache)

    tensor = torch.from_numpy(x).requires_grad_()
    pool = getattr(torch.nn.functional, f"max_pool{axes}d")
    theirs = pool(tensor, window, stride, padding, ceil_mode=ceil)
    theirs.backward(torch.from_numpy(dy))
    assert y.dtype == dx.dtype == dtype
    assert np.array_equal(y, theirs.detach().numpy())
    assert np.allclose(dx, tensor.grad.numpy(), rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)


def test_ties_go_to_the_first():
    x = np.zeros((1, 1, 2, 4))
    y, cache = max_pool_forward(x, 2)
    assert max_pool_backward(np.ones_like(y), cache)[0, 0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]]


def test_overlapping_windows_add_up():
    x = np.array([[[0.0, 0, 9, 0, 0]]])
    y, cache = max_pool_forward(x, 3, stride=1)
    assert y.tolist() == [[[9, 9, 9]]]
    assert max_pool_backward(np.array([[[1.0, 2, 4]]]), cache).tolist() == [[[0, 0, 7, 0, 0]]]


def test_padding_never_wins():
    x = np.full((1, 1, 3, 3), -5.0)
    y, cache = max_pool_forward(x, 3, stride=1, padding=1)
    assert np.all(y == -5)
    assert max_pool_backward(np.ones_like(y), cache).sum() == y.size


def test_edge_shapes():
    assert max_pool_forward(np.ones((1, 1, 1, 1)), 1)[0].shape == (1, 1, 1, 1)
    y, cache = max_pool_forward(np.ones((0, 3, 4, 4)), 2)
    assert y.shape == (0, 3, 2, 2)
    assert max_pool_backward(y, cache).shape == (0, 3, 4, 4)
    assert max_pool_forward(np.ones((2, 3, 5, 4)), (5, 2))[0].shape == (2, 3, 1, 2)
    assert max_pool_forward(np.ones((2, 1, 5)), 2)[0].shape == (2, 1, 2)


def test_strides_in_memory_do_not_matter_and_inputs_stay():
    x = draw((2, 3, 6, 7))
    kept = x.copy()
    y, cache = max_pool_forward(x, 3, stride=2, padding=1)
    dy = draw(y.shape, 2)
    dx = max_pool_backward(dy, cache)
    channels_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    for other in (channels_last, np.asfortranarray(x), np.repeat(x, 2, axis=3)[..., ::2]):
        other.flags.writeable = False
        y2, cache = max_pool_forward(other, 3, stride=2, padding=1)
        assert np.array_equal(y2, y)
        assert np.array_equal(max_pool_backward(np.asfortranarray(dy), cache), dx)
    assert np.array_equal(x, kept)


def test_output_is_a_copy():
    x = draw((1, 1, 4, 4))
    y, _ = max_pool_forward(x, 1)
    y[...] = 0
    assert np.all(x != 0)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), st.floats(0.1, 3), st.floats(-3, 3))
def test_moves_scales_and_shifts_with_the_input(window, stride, places, scale, shift):
    x = draw((2, 2, 5, 6 + places * stride))
    y = max_pool_forward(x, window, stride=stride)[0]
    moved = max_pool_forward(x[..., places * stride :], window, stride=stride)[0]
    assert np.array_equal(moved, y[..., places:])
    assert np.allclose(max_pool_forward(scale * x + shift, window, stride=stride)[0], scale * y + shift, atol=1e-12)


def test_gradient_check():
    x = np.random.default_rng(4).permutation(2 * 2 * 5 * 6).reshape(2, 2, 5, 6) / 10  # no ties
    y, cache = max_pool_forward(x, 3, stride=2, padding=1)
    dy = draw(y.shape, 5)

    def f(x):
        return np.sum(max_pool_forward(x, 3, stride=2, padding=1)[0] * dy)

    assert check_gradient(f, x, max_pool_backward(dy, cache)).relative_error < 1e-8


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((4, 4), dict(window=2), r"x has shape \(4, 4\), expected \(N, C, \*spatial\)"),
        ((1, 1, 4, 4), dict(window=5), "along the height: window 5 is longer than the padded input"),
        ((1, 1, 4, 4), dict(window=(2, 2, 2)), r"window is \(2, 2, 2\): expected an int or 2 of them"),
        ((1, 1, 4, 5), dict(window=2, mode="strict"), "along the width: stride 2 does not fit"),
        ((1, 1, 4, 4), dict(window=2, padding=2), r"padding \(2, 2\) lets a window \(2, 2\) lie on padding alone"),
        ((1, 1, 4, 4), dict(window=2, stride=(1, 0)), "along the width: stride is 0"),
        ((1, 1, 4, 4), dict(window=2, stride=-1), "along the height: stride is -1: expected 1 or more"),
        ((1, 1, 4, 4), dict(window=0), "along the height: window is 0: expected 1 or more"),
        ((1, 1, 4, 4), dict(window=2, padding=(0, -1)), "along the width: padding is -1: expected 0 or more"),
        ((1, 1, 4, 4), dict(window=3, stride=2, mode="strict"), r"stride 2 does not fit[\s\S]*size or window by 1"),
        ((1, 1, 4, 4), dict(window=2, mode="same"), "mode is 'same'"),
    ],
)
def test_messages_name_the_argument(shape, options, message):
    with pytest.raises(ValueError, match=message):
        max_pool_forward(np.ones(shape), **options)


def test_types():
    for dtype in (np.uint8, np.float16, object):
        with pytest.raises(
            TypeError, match=f"x has dtype {np.dtype(dtype)}, expected float32 or float64: use x.astype"
        ):
            max_pool_forward(np.ones((1, 1, 4, 4), dtype), 2)
    with pytest.raises(TypeError, match=r"along the height: window is 2.0 \(float\): expected a whole number"):
        max_pool_forward(np.ones((1, 1, 4, 4)), 2.0)
    y, cache = max_pool_forward(np.ones((1, 1, 4, 4)), 2)
    with pytest.raises(TypeError, match="dy is float32, x is float64"):
        max_pool_backward(y.astype(np.float32), cache)
    with pytest.raises(ValueError, match=r"dy has shape \(1, 1, 4\), expected \(1, 1, 2, 2\)"):
        max_pool_backward(y.reshape(1, 1, 4), cache)
