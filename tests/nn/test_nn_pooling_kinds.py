"""Average, L2, global and fractional pooling: against PyTorch and loops, with windows that overlap and hang over."""

import itertools

import numpy as np
import pytest

import coursekit.nn as nn
from coursekit.nn.naive import average_pool2d_naive, average_pool2d_naive_backward, l2_pool2d_naive

STEPS = [(k, s, p) for k, s, p in itertools.product((1, 2, 3), (1, 2, 3), (0, 1)) if p <= k // 2]
SHAPES = [(2, 3, 7, 9), (1, 1, 6, 6), (1, 2, 3, 4)]


def draw(shape, seed=1, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def apart(a, b):
    assert a.shape == b.shape
    return np.abs(a - b).max(initial=0) / (np.abs(b).max(initial=0) or 1)


def against_torch(mine, theirs, x, tolerance):
    """Compare output and input gradient of two functions; mine returns y and a function of dy."""
    import torch

    kept = x.copy()
    x.flags.writeable = False
    y, backward = mine(x)
    dy = draw(y.shape, 3, x.dtype)
    dx = backward(dy)
    tensor = torch.from_numpy(kept.copy()).requires_grad_()
    out = theirs(torch.nn.functional, tensor)
    out.backward(torch.from_numpy(dy))
    assert y.dtype == dx.dtype == x.dtype
    assert apart(y, out.detach().numpy()) < tolerance
    assert apart(dx, tensor.grad.numpy()) < tolerance
    assert np.array_equal(x, kept)


def pair(forward, backward, *args, **options):
    def mine(x):
        y, cache = forward(x, *args, **options)
        return y, lambda dy: backward(dy, cache)

    return mine


DTYPES = [(np.float64, 1e-12), (np.float32, 1e-4)]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("window", "stride", "padding"), STEPS)
@pytest.mark.parametrize("count_padding", [True, False])
@pytest.mark.parametrize("mode", ["floor", "ceil"])
def test_average_agrees_with_pytorch(dtype, tolerance, shape, window, stride, padding, count_padding, mode):
    pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    options = dict(stride=stride, padding=padding, mode=mode, count_padding=count_padding)
    mine = pair(nn.average_pool_forward, nn.average_pool_backward, window, **options)
    x, ceil = draw(shape, 1, dtype), mode == "ceil"
    against_torch(mine, lambda f, x: f.avg_pool2d(x, window, stride, padding, ceil, count_padding), x, tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_other_axes_agree_with_pytorch(dtype, tolerance, axes):
    pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    steps = [(3, 2, 3)[:axes], (2, 1, 3)[:axes]]
    one = steps if axes > 1 else [3, 2]  # lp_pool1d wants numbers
    window, options = steps[0], dict(stride=steps[1])
    x = draw((2, 3, 7, 6, 8)[: axes + 2], 1, dtype)
    mine = pair(nn.average_pool_forward, nn.average_pool_backward, window, **options)
    against_torch(mine, lambda f, x: getattr(f, f"avg_pool{axes}d")(x, *steps), x, tolerance)
    mine = pair(nn.l2_pool_forward, nn.l2_pool_backward, window, **options)
    against_torch(mine, lambda f, x: getattr(f, f"lp_pool{axes}d")(x, 2, *one), x, tolerance)
    mine = pair(nn.global_average_pool_forward, nn.global_average_pool_backward)
    against_torch(mine, lambda f, x: x.mean(dim=tuple(range(2, 2 + axes))), x, tolerance)


@pytest.mark.parametrize(("window", "stride", "padding"), STEPS)
def test_agrees_with_loops(window, stride, padding):
    x = draw((2, 3, 7, 8))
    y, cache = nn.average_pool_forward(x, window, stride=stride, padding=padding)
    assert apart(y, average_pool2d_naive(x, window, stride, padding)) < 1e-14
    dy = draw(y.shape, 2)
    wanted = average_pool2d_naive_backward(dy, x, window, stride, padding)
    assert apart(nn.average_pool_backward(dy, cache), wanted) < 1e-14
    y, _ = nn.l2_pool_forward(x, window, stride=stride, padding=padding)
    assert apart(y, l2_pool2d_naive(x, window, stride, padding)) < 1e-14


AVERAGE, L2 = (nn.average_pool_forward, nn.average_pool_backward), (nn.l2_pool_forward, nn.l2_pool_backward)
GLOBAL = nn.global_average_pool_forward, nn.global_average_pool_backward
FRACTIONAL = nn.fractional_max_pool_forward, nn.fractional_max_pool_backward
FUNCTIONS = {
    "average": (*AVERAGE, (3,), dict(stride=2, padding=1)),
    "average of pixels": (*AVERAGE, (3,), dict(stride=2, padding=1, mode="ceil", count_padding=False)),
    "l2": (*L2, (3,), dict(stride=2, padding=1, mode="ceil")),
    "global": (*GLOBAL, (), {}),
    "fractional": (*FRACTIONAL, ((4, 5), 7), {}),
    "overlapping": (*FRACTIONAL, ((4, 5), 7), {"overlapping": True}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_check_and_memory_order(name):
    forward, backward, args, options = FUNCTIONS[name]
    x = np.random.default_rng(4).permutation(2 * 2 * 6 * 7).reshape(2, 2, 6, 7) / 10 - 5  # no ties
    y, cache = forward(x, *args, **options)
    dy = draw(y.shape, 5)
    dx = backward(dy, cache)
    report = nn.check_gradient(lambda x: np.sum(forward(x, *args, **options)[0] * dy), x, dx)
    assert report.relative_error < 1e-8
    channels_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    for other in (channels_last, np.asfortranarray(x), np.repeat(x, 2, axis=3)[..., ::2]):
        other.flags.writeable = False
        y2, cache = forward(other, *args, **options)
        assert apart(y2, y) < 1e-14
        assert apart(backward(np.asfortranarray(dy), cache), dx) < 1e-14
        assert np.array_equal(other, x)
    empty, cache = forward(x[:0], *args, **options)
    assert np.array_equal(dy, draw(y.shape, 5))
    assert empty.shape == (0, *y.shape[1:])
    assert backward(empty, cache).shape == (0, 2, 6, 7)
    with pytest.raises(ValueError, match=r"dy has shape \(1, .*expected \(0, "):
        backward(y[:1], cache)
    with pytest.raises(TypeError, match="x has dtype uint8"):
        forward(x.astype(np.uint8), *args, **options)


@pytest.mark.parametrize(("window", "stride", "padding"), STEPS)
def test_average_is_linear_and_backward_its_adjoint(window, stride, padding):
    x, other = draw((2, 3, 7, 9)), draw((2, 3, 7, 9), 6)
    y, cache = nn.average_pool_forward(x, window, stride=stride, padding=padding)
    y_other = nn.average_pool_forward(other, window, stride=stride, padding=padding)[0]
    mixed = nn.average_pool_forward(2 * x - 3 * other, window, stride=stride, padding=padding)[0]
    assert apart(mixed, 2 * y - 3 * y_other) < 1e-13
    dy = draw(y.shape, 7)
    assert np.isclose(np.sum(dy * y), np.sum(nn.average_pool_backward(dy, cache) * x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("forward", [nn.average_pool_forward, nn.l2_pool_forward])
@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 2), (3, 2), (2, 3)])
def test_moves_with_the_input(forward, window, stride):
    x = draw((2, 2, 7, 9 + 2 * stride))
    y, moved = (forward(image, window, stride=stride)[0] for image in (x, x[..., 2 * stride :]))
    assert apart(moved, y[..., 2:]) < 1e-14


def test_by_hand():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    y, cache = nn.average_pool_forward(x, 3, stride=1)
    assert y.tolist() == [[[[5, 6], [9, 10]]]]
    dx = nn.average_pool_backward(np.full((1, 1, 2, 2), 9.0), cache)
    assert dx[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]  # overlapping windows add
    zeros, cache = nn.l2_pool_forward(np.zeros((1, 1, 2, 2)), 2)
    assert nn.l2_pool_backward(np.ones_like(zeros), cache).tolist() == [[[[0, 0], [0, 0]]]]


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_fractional_agrees_with_loops(overlapping, ties):
    x = draw((2, 2, 9, 11)).round(0 if ties else 9)
    y, cache = nn.fractional_max_pool_forward(x, (6, 7), 3, overlapping=overlapping)
    rows, columns = cache.edges
    dy, dx = draw(y.shape, 2), np.zeros_like(x)
    for n, c, i, j in np.ndindex(y.shape):
        more = int(overlapping)
        cell = np.s_[n, c, rows[i] : rows[i + 1] + more, columns[j] : columns[j + 1] + more]
        assert y[n, c, i, j] == x[cell].max()
        winner = np.unravel_index(x[cell].argmax(), x[cell].shape)
        dx[cell][winner] += dy[n, c, i, j]
    assert apart(nn.fractional_max_pool_backward(dy, cache), dx) < 1e-14


def test_fractional_grids():
    rng = np.random.default_rng(0)
    grids = {tuple(nn.fractional_edges(25, 18, rng)) for _ in range(20)}
    assert len(grids) > 10
    assert all(set(np.diff(grid)) == {1, 2} and grid[0] == 0 and grid[-1] == 25 for grid in grids)
    x = draw((1, 2, 6, 6))
    assert np.array_equal(nn.fractional_max_pool_forward(x, 3, 0)[0], nn.max_pool_forward(x, 2)[0])  # ratio 2
    assert np.array_equal(nn.fractional_max_pool_forward(x, 6, 0)[0], x)
    with pytest.raises(ValueError, match="along the width: 6 pixels cannot be cut into 2 cells of 1 or 2: use 3 to 6"):
        nn.fractional_max_pool_forward(x, (3, 2), 0)
    with pytest.raises(ValueError, match=r"x has shape \(6, 6\), expected"):
        nn.fractional_max_pool_forward(x[0, 0], 3, 0)


def test_messages():
    for forward in (nn.average_pool_forward, nn.l2_pool_forward):
        with pytest.raises(ValueError, match="along the width: stride 2 does not fit"):
            forward(np.ones((1, 1, 4, 5)), 2, mode="strict")
        with pytest.raises(ValueError, match="along the height: window 5 is longer than the padded input"):
            forward(np.ones((1, 1, 4, 5)), 5)
        with pytest.raises(ValueError, match=r"x has shape \(4, 5\), expected \(N, C, \*spatial\)"):
            forward(np.ones((4, 5)), 2)
        with pytest.raises(TypeError, match="x has dtype object, expected float32 or float64"):
            forward(np.ones((1, 1, 4, 5), object), 2)
    with pytest.raises(ValueError, match=r"padding \(2, 2\) lets a window"):
        nn.l2_pool_forward(np.ones((1, 1, 4, 4)), 2, padding=2)
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\), expected \(N, C, \*spatial\)"):
        nn.global_average_pool_forward(np.ones((2, 3)))
    y, cache = nn.average_pool_forward(np.ones((1, 1, 4, 4)), 2)
    with pytest.raises(TypeError, match="dy is float32, x is float64"):
        nn.average_pool_backward(y.astype(np.float32), cache)
