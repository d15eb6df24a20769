"""The ways to convolve: all give the same, in pieces of any size, in little memory, however the arrays lie."""

import itertools
import tracemalloc

import numpy as np
import pytest

from coursekit.nn import conv_backward, conv_forward, depthwise, pointwise, strips, ways, windows, winograd
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


WINOGRAD = [  # x, F, padding: not square, sizes that tiles of 4 do not divide, one image, one-pixel outputs
    ((1, 24, 3, 3), 25, 0),
    ((2, 25, 4, 9), 24, 0),
    ((1, 24, 8, 5), 26, (1, 2)),
    ((3, 24, 1, 1), 24, 1),
    ((2, 30, 1, 6), 24, (2, 1)),
    ((0, 24, 6, 6), 24, 1),
]


@pytest.mark.parametrize(("x_shape", "kernels", "padding"), WINOGRAD)
@pytest.mark.parametrize("kernel_bytes", [1, 5000, 40_000, 200_000, None])  # one kernel, some, all at a time
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_winograd_agrees_with_pytorch_in_any_parts(
    monkeypatch, x_shape, kernels, padding, kernel_bytes, dtype, tolerance
):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    if kernel_bytes:
        monkeypatch.setattr(winograd, "KERNEL_BYTES", kernel_bytes)
    x, w, b = example(33, x_shape, (kernels, x_shape[1], 3, 3), dtype)
    y, cache = conv_forward(x, w, b, padding=padding)
    assert ways.way(cache) is winograd
    dy = np.random.default_rng(34).normal(size=y.shape).astype(dtype)
    got = [y, *conv_backward(dy, cache)]
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w, b)]
    theirs = torch.conv2d(*tensors, padding=padding)
    theirs.backward(torch.from_numpy(dy))
    wanted = [theirs.detach().numpy(), *(t.grad.numpy() for t in tensors)]
    assert all(apart(mine, other) < tolerance for mine, other in zip(got, wanted, strict=True))
    assert np.array_equal(
        winograd.backward(np.moveaxis(dy, 1, -1), cache, kernel_grad=False)[0], np.moveaxis(got[1], 1, -1)
    )


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_winograd_agrees_with_loops(padding):
    x, w, b = example(35, (1, 24, 5, 6), (25, 24, 3, 3))
    y, cache = conv_forward(x, w, b, padding=padding)
    assert ways.way(cache) is winograd
    dy = np.random.default_rng(36).normal(size=y.shape)
    wanted = [conv2d_naive(x, w, b, 1, padding), *conv2d_naive_backward(dy, x, w, 1, padding)]
    assert all(apart(a, b) < 1e-12 for a, b in zip([y, *conv_backward(dy, cache)], wanted, strict=True))


@pytest.mark.parametrize("scratch", [1, 1500, 2**20])
def test_groups_in_pieces_change_nothing(monkeypatch, scratch):
    x, w, b = example(37, (5, 4, 6, 7), (6, 2, 3, 3))
    y, cache = conv_forward(x, w, b, groups=2, padding=1)
    dy = np.random.default_rng(38).normal(size=y.shape)
    whole = [y, *conv_backward(dy, cache)]
    monkeypatch.setattr(ways, "SCRATCH_BYTES", scratch)
    y, cache = conv_forward(x, w, b, groups=2, padding=1)
    assert all(apart(got, wanted) < 1e-14 for got, wanted in zip([y, *conv_backward(dy, cache)], whole, strict=True))


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


def scratch_of(x, w, b, **options):
    """Bytes that forward and backward hold beyond what they return; channels last in memory."""
    x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    tracemalloc.start()
    y, cache = conv_forward(x, w, b, **options)
    forward = tracemalloc.get_traced_memory()[1] - y.nbytes
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    results = conv_backward(y, cache)
    backward = tracemalloc.get_traced_memory()[1] - before - sum(array.nbytes for array in results)
    tracemalloc.stop()
    return max(forward, backward)


@pytest.mark.parametrize("channels", [24, 64, 128, 200, *(pytest.param(n, marks=pytest.mark.slow) for n in (256, 512))])
@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_winograds_scratch_memory_is_bounded_whatever_the_channels(channels, batch, dtype):
    x, w, b = (np.ones(shape, dtype) for shape in ((batch, channels, 10, 7), (channels, channels, 3, 3), (channels,)))
    assert ways.way(conv_forward(x[:0], w, b, padding=1)[1]) is winograd
    assert scratch_of(x, w, b, padding=1) < 8 * 2**20  # all points of 512 kernels at once: 92 MiB


@pytest.mark.parametrize(
    ("w_shape", "options"),
    [
        ((32, 32, 1, 1), {}),
        ((32, 32, 5, 5), dict(padding=2)),
        ((32, 32, 3, 3), dict(padding=1)),
        ((32, 32, 3, 3), dict(padding=1, stride=2)),
        ((32, 8, 3, 3), dict(padding=1, groups=4)),
        ((32, 1, 3, 3), dict(padding=1, groups=32)),
    ],
)
def test_scratch_memory_does_not_grow_with_the_batch(w_shape, options):
    x, w, b = example(39, (192, 32, 20, 20), w_shape, np.float32)
    some, all_of_them = scratch_of(x[:96], w, b, **options), scratch_of(x, w, b, **options)
    assert all_of_them < some + 2**18  # x is 4.7 MiB larger
    assert all_of_them < 8 * 2**20


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options"),
    [
        ((2, 3, 6, 7), (4, 3, 3, 2), dict(stride=2, padding=1)),  # windows
        ((2, 3, 6, 7), (4, 3, 3, 2), {}),  # strips
        ((2, 24, 6, 7), (25, 24, 3, 3), dict(padding=1)),  # Winograd
        ((2, 3, 6, 7), (4, 3, 1, 1), {}),  # pointwise
        ((2, 4, 6, 7), (8, 1, 3, 2), dict(groups=4)),  # depthwise
        ((2, 4, 6, 7), (6, 2, 3, 3), dict(groups=2)),
    ],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_strides_in_memory_do_not_matter_and_inputs_stay(x_shape, w_shape, options, dtype, tolerance):
    x, w, b = example(8, x_shape, w_shape, dtype)
    y, cache = conv_forward(x, w, b, **options)
    dy = np.random.default_rng(9).normal(size=y.shape).astype(dtype)
    wanted = [y, *conv_backward(dy, cache)]
    channels_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    sparse = np.zeros((2 * len(x), x.shape[1], 2 * x.shape[2], x.shape[3]), dtype)[::2, :, ::-2]
    sparse[...] = x
    for other in (channels_last, sparse, np.asfortranarray(x)):
        arrays = [other, np.asfortranarray(w), b[::-1].copy()[::-1], np.asfortranarray(dy)]
        for array in arrays:
            array.flags.writeable = False
        y, cache = conv_forward(*arrays[:3], **options)
        got = [y, *conv_backward(arrays[3], cache)]
        assert all(apart(a, b) < tolerance for a, b in zip(got, wanted, strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(arrays, (x, w, b, dy), strict=True))
