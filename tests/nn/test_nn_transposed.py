"""Transposed convolution: against PyTorch, against the convolution whose transpose it is."""

import numpy as np
import pytest

from coursekit.nn import conv_backward, conv_forward, conv_transpose_backward, conv_transpose_forward


def apart(a, b):
    assert a.shape == b.shape
    return np.abs(a - b).max(initial=0) / (np.abs(b).max(initial=0) or 1)


CASES = [  # x, w, options
    ((2, 3, 5, 6), (3, 4, 3, 3), {}),
    ((2, 3, 5, 6), (3, 4, 3, 2), dict(stride=2, padding=1)),
    ((2, 3, 5, 6), (3, 4, 4, 4), dict(stride=2, padding=1)),
    ((2, 3, 5, 6), (3, 4, 3, 3), dict(stride=(2, 3), padding=(0, 1), output_padding=(1, 2))),
    ((2, 3, 5, 6), (3, 4, 3, 3), dict(dilation=2, stride=2, output_padding=1)),
    ((2, 3, 5, 6), (3, 4, 3, 2), dict(dilation=3, stride=2, output_padding=2)),  # as wide as the stride, or wider
    ((2, 3, 5, 6), (3, 4, 3, 3), dict(dilation=(2, 3), padding=1, output_padding=(1, 2))),
    ((2, 4, 5, 6), (4, 1, 3, 3), dict(dilation=2, output_padding=1, groups=4)),
    ((2, 3, 5, 6), (3, 4, 1, 1), {}),
    ((2, 3, 5, 6), (3, 4, 1, 1), dict(stride=3, output_padding=2)),
    ((2, 4, 5, 6), (4, 3, 3, 3), dict(groups=2, stride=2, padding=1)),
    ((2, 4, 5, 6), (4, 1, 3, 3), dict(groups=4, padding=1)),
    ((1, 1, 1, 1), (1, 1, 4, 4), {}),
    ((2, 3, 7), (3, 2, 4), dict(stride=3, padding=2)),
    ((2, 3, 4, 5, 3), (3, 2, 2, 3, 3), dict(stride=(1, 2, 2), padding=(0, 1, 1), output_padding=(0, 1, 0))),
    ((0, 3, 5, 6), (3, 4, 3, 3), {}),
]


def example(x_shape, w_shape, groups=1, dtype=np.float64):
    rng = np.random.default_rng(1)
    return [rng.normal(size=shape).astype(dtype) for shape in (x_shape, w_shape, (w_shape[1] * groups,))]


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_agrees_with_pytorch(x_shape, w_shape, options, dtype, tolerance):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    x, w, b = example(x_shape, w_shape, options.get("groups", 1), dtype)
    y, cache = conv_transpose_forward(x, w, b, **options)
    dy = np.random.default_rng(2).normal(size=y.shape).astype(dtype)
    gradients = conv_transpose_backward(dy, cache)
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, w, b)]
    turn = getattr(torch, f"conv_transpose{x.ndim - 2}d")
    theirs = turn(*tensors, **options)
    theirs.backward(torch.from_numpy(dy))
    pairs = [(y, theirs.detach()), *zip(gradients, (t.grad for t in tensors), strict=True)]
    for mine, other in pairs:
        assert mine.dtype == dtype
        assert apart(mine, other.numpy()) < tolerance
    assert conv_transpose_backward(dy, cache, input_grad=False)[0] is None


@pytest.mark.parametrize("extra", [0, 1, 2, 3])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (1, 3), (2, 3), (3, 1)])
def test_output_padding_is_refused_where_pytorch_refuses(stride, dilation, extra):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    x, w, _ = example((1, 2, 4, 5), (2, 3, 3, 2))
    options = dict(stride=stride, dilation=dilation, output_padding=extra)
    try:
        theirs = torch.conv_transpose2d(torch.from_numpy(x), torch.from_numpy(w), **options).numpy()
    except RuntimeError:
        with pytest.raises(ValueError, match=f"along the height: output_padding is {extra}, expected less"):
            conv_transpose_forward(x, w, **options)
    else:
        assert apart(conv_transpose_forward(x, w, **options)[0], theirs) < 1e-12


def test_is_the_backward_pass_of_a_convolution():
    x, w, _ = example((2, 3, 9, 8), (4, 3, 3, 2))
    y, cache = conv_forward(x, w, stride=2, padding=1)
    back, _ = conv_transpose_forward(y, w, stride=2, padding=1, output_padding=(0, 0))
    assert apart(back, conv_backward(y, cache)[0]) < 1e-14
    assert np.isclose(np.sum(y * y), np.sum(back * x))  # <conv(x), y> = <x, transposed(y)>


def test_strides_in_memory_do_not_matter_inputs_stay_and_bias_is_optional():
    x, w, _ = example((2, 3, 4, 5), (3, 2, 3, 3))
    y, cache = conv_transpose_forward(x, w, stride=2)
    wanted = [y, *conv_transpose_backward(y, cache)[:2]]
    others = [np.asfortranarray(x), np.repeat(w, 2, axis=3)[..., ::2], np.asfortranarray(y)]
    for array in others:
        array.flags.writeable = False
    y, cache = conv_transpose_forward(*others[:2], stride=2)
    dx, dw, db = conv_transpose_backward(others[2], cache)
    assert db is None
    assert all(apart(a, b) < 1e-14 for a, b in zip((y, dx, dw), wanted, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(others, (x, w, y), strict=True))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(x_shape=(4, 4)), ValueError, r"x has shape \(4, 4\), expected \(N, C, \*spatial\)"),
        (dict(w_shape=(2, 3, 3, 3)), ValueError, r"expected \(3, F, KH, KW\).*use w.swapaxes\(0, 1\)"),
        (dict(w_shape=(3, 0, 3, 3)), ValueError, "expected at least one channel"),
        (dict(b_shape=(3,)), ValueError, r"b has shape \(3,\), expected \(2,\)"),
        (dict(groups=2), ValueError, "groups is 2, which does not divide the 3 channels of x"),
        (dict(stride=0), ValueError, "along the height: stride is 0: expected 1 or more"),
        (dict(stride=1.5), TypeError, "along the height: stride is 1.5"),
        (dict(padding=(1, -1)), ValueError, "along the width: padding is -1"),
        (
            dict(output_padding=1),
            ValueError,
            "output_padding is 1, expected .* larger of stride, 1, and dilation, 1: use 0 to 0",
        ),
        (dict(padding=3), ValueError, "along the height: input size 4, kernel 3, .* leave an output of 0 pixels"),
    ],
)
def test_messages_name_the_argument(options, error, message):
    shapes = [options.pop(name, shape) for name, shape in
              (("x_shape", (2, 3, 4, 4)), ("w_shape", (3, 2, 3, 3)), ("b_shape", (2,)))]  # fmt: skip
    with pytest.raises(error, match=message):
        conv_transpose_forward(*(np.ones(shape) for shape in shapes), **options)


def test_checks_dy_and_dtypes():
    x, w, _ = example((2, 3, 4, 4), (3, 2, 3, 3))
    y, cache = conv_transpose_forward(x, w)
    with pytest.raises(ValueError, match=r"dy has shape .*, expected \(2, 2, 6, 6\)"):
        conv_transpose_backward(y[:1], cache)
    with pytest.raises(TypeError, match="x has dtype int64"):
        conv_transpose_forward(x.astype(int), w)
