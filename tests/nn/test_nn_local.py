"""Locally connected layer: against loops, against the convolution, by gradient check."""

import numpy as np
import pytest

from coursekit.nn import conv_backward, conv_forward, locally_connected_backward, locally_connected_forward, windows

CASES = [  # x, kernel, options
    ((2, 3, 6, 7), (3, 2), {}),
    ((2, 3, 6, 7), (3, 2), dict(stride=2, padding=1)),
    ((1, 2, 6, 7), (2, 2), dict(stride=(1, 2), dilation=(2, 1), padding=(0, 2))),
    ((3, 2, 9), (4,), dict(stride=2)),
    ((2, 2, 4, 5, 3), (2, 3, 2), dict(padding=(1, 0, 0))),
]


def example(x_shape, kernel, options, f=4):
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=x_shape), rng.normal(size=(f, x_shape[1], *kernel))
    out = conv_forward(x, w, **options)[0].shape[2:]
    return x, rng.normal(size=(f, x_shape[1], *out, *kernel)), rng.normal(size=(f, *out))


@pytest.mark.parametrize("scratch", [1, 2**20])
@pytest.mark.parametrize(("x_shape", "kernel", "options"), CASES)
def test_each_place_is_a_convolution_with_its_own_kernels(monkeypatch, x_shape, kernel, options, scratch):
    x, w, b = example(x_shape, kernel, options)
    monkeypatch.setattr(windows, "SCRATCH_BYTES", scratch)
    y, cache = locally_connected_forward(x, w, b, **options)
    dy = np.random.default_rng(2).normal(size=y.shape)
    dx, dw, db = locally_connected_backward(dy, cache)
    dx_sum = 0
    for place in np.ndindex(y.shape[2:]):
        at = (slice(None), slice(None), *place)
        single, conv_cache = conv_forward(x, w[at], b[(slice(None), *place)], **options)
        assert np.allclose(y[at], single[at], rtol=0, atol=1e-12)
        alone = np.zeros_like(dy)
        alone[at] = dy[at]
        dx_one, dw_one, db_one = conv_backward(alone, conv_cache)
        dx_sum = dx_sum + dx_one
        assert np.allclose(dw[at], dw_one, rtol=0, atol=1e-12)
        assert np.allclose(db[(slice(None), *place)], db_one, rtol=0, atol=1e-12)
    assert np.allclose(dx, dx_sum, rtol=0, atol=1e-12)


def test_shared_kernels_make_it_a_convolution():
    x, w, _ = example((2, 3, 6, 7), (3, 2), {})
    shared = np.broadcast_to(w[:, :, :1, :1], w.shape)
    y, _ = locally_connected_forward(x, shared)
    assert np.allclose(y, conv_forward(x, w[:, :, 0, 0])[0])


def test_backward_is_the_adjoint_inputs_stay_and_memory_order_does_not_matter():
    options = dict(stride=2, padding=1)
    x, w, _ = example((2, 3, 6, 7), (3, 2), options)
    others = [np.asfortranarray(x), np.repeat(w, 2, axis=3)[:, :, :, ::2]]
    for array in others:
        array.flags.writeable = False
    y, cache = locally_connected_forward(*others, **options)
    assert np.allclose(y, locally_connected_forward(x, w, **options)[0], rtol=0, atol=1e-13)
    dy = np.asfortranarray(np.random.default_rng(3).normal(size=y.shape))
    dx, dw, _ = locally_connected_backward(dy, cache)
    assert np.isclose(np.sum(dy * y), np.sum(dx * x))
    assert np.isclose(np.sum(dy * y), np.sum(dw * w))
    assert all(np.array_equal(a, b) for a, b in zip(others, (x, w), strict=True))


def test_empty_batch_and_strict():
    x, w, _ = example((2, 3, 6, 7), (3, 2), dict(stride=2))
    y, cache = locally_connected_forward(x[:0], w, stride=2)
    assert y.shape == (0, 4, 2, 3)
    dx, dw, _ = locally_connected_backward(y, cache)
    assert dx.shape == (0, 3, 6, 7)
    assert not dw.any()
    with pytest.raises(ValueError, match="along the height: stride 2 does not fit"):
        locally_connected_forward(x, w, stride=2, mode="strict")


def test_options_and_dtype():
    x, w, b = (a.astype(np.float32) for a in example((2, 3, 6, 7), (3, 2), {}))
    y, cache = locally_connected_forward(x, w)
    dx, dw, db = locally_connected_backward(y, cache, input_grad=False)
    assert dx is None
    assert db is None
    assert y.dtype == dw.dtype == np.float32
    with pytest.raises(TypeError, match="one dtype for all"):
        locally_connected_forward(x, w, b.astype(np.float64))
    with pytest.raises(ValueError, match="dy has shape"):
        locally_connected_backward(y[:1], cache)


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((6, 7), (1, 1), (1,)), {}, r"x has shape \(6, 7\), expected \(N, C, \*spatial\)"),
        (((1, 3, 6, 7), (4, 3, 3, 2), (4,)), {}, r"w has shape .*, expected \(F, 3, OH, OW, KH, KW\)"),
        (((1, 3, 6, 7), (4, 2, 4, 6, 3, 2), (4,)), {}, r"expected \(F, 3, OH, OW, KH, KW\)"),
        (((1, 3, 6, 7), (4, 3, 4, 5, 3, 2), (4,)), {}, r"w has shape .*, expected \(4, 3, 4, 6, 3, 2\)"),
        (((1, 3, 6, 7), (4, 3, 4, 6, 3, 2), (4,)), {}, r"b has shape \(4,\), expected \(4, 4, 6\)"),
        (((1, 3, 6, 7), (4, 3, 4, 6, 3, 2), (4, 4, 6)), dict(stride=0), "along the height: stride is 0"),
        (((1, 3, 6, 7), (4, 3, 4, 6, 3, 2), (4, 4, 6)), dict(mode="ceil"), "mode is 'ceil'"),
    ],
)
def test_messages_name_the_argument(shapes, options, message):
    with pytest.raises(ValueError, match=message):
        locally_connected_forward(*(np.ones(shape) for shape in shapes), **options)
