"""The gradient check names the mistake: each wrong backward, named after its slip, gets its own diagnosis."""

import numpy as np
import pytest

import coursekit.nn as nn

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(3, 2, 5, 5)), RNG.normal(size=(4, 2, 3, 3)), RNG.normal(size=4)
TARGET = RNG.normal(size=(3, 4, 2, 2))


def loss(_=None):
    """Mean over the images of half the squared distance."""
    y, _ = nn.conv_forward(X, W, B, stride=2)
    return float(np.sum((y - TARGET) ** 2) / 2 / len(X))


def right():
    y, cache = nn.conv_forward(X, W, B, stride=2)
    dy = (y - TARGET) / len(X)
    return dict(zip("xwb", nn.conv_backward(dy, cache), strict=True)), dy


def diagnose(name, gradient):
    value = {"x": X, "w": W, "b": B}[name]
    _, dy = right()
    suspects = nn.conv_suspects(X, W, dy, stride=2)
    return nn.diagnose_gradients(loss, {name: value}, {name: gradient}, batch=len(X), suspects=suspects)[name]


def test_right_gradients_are_right():
    found = nn.diagnose_gradients(loss, {"x": X, "w": W, "b": B}, right()[0], batch=3)
    assert found.right
    assert repr(found).startswith("x: right: relative error ")
    assert repr(found).count("\n") == 2


def overwritten():
    """dx with = where += is meant."""
    _, dy = right()
    dx = np.zeros_like(X)
    for i, j in np.ndindex(2, 2):
        dx[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] = np.einsum("nf,fckl->nckl", dy[:, :, i, j], W)
    return dx


def unturned():
    """dx by the kernel the wrong way round."""
    _, dy = right()
    return nn.conv_backward(dy, nn.conv_forward(X, W[:, :, ::-1, ::-1].copy(), stride=2)[1])[0]


def without_stride():
    _, dy = right()
    dx = np.zeros_like(X)
    for i, j in np.ndindex(2, 2):
        dx[:, :, i : i + 3, j : j + 3] += np.einsum("nf,fckl->nckl", dy[:, :, i, j], W)
    return dx


def of_one(image):
    y, cache = nn.conv_forward(X[image], W, B, stride=2)
    return nn.conv_backward((y - TARGET[image]) / 3, cache)


MISTAKES = {
    "mean forgotten": ("w", lambda g, dy: 3 * g["w"], "3 times too large, the number of images"),
    "mean twice": ("w", lambda g, dy: g["w"] / 3, "3 times too small"),
    "sign": ("x", lambda g, dy: -g["x"], "the sign is wrong"),
    "factor": ("b", lambda g, dy: 2 * g["b"], "off by the factor 2 throughout"),
    "bias forgotten": ("b", lambda g, dy: np.zeros(4), "the bias was forgotten: all zero: it was never"),
    "no bias at all": ("b", lambda g, dy: None, "the bias was forgotten: no gradient was given"),
    "bias not summed": ("b", lambda g, dy: dy, r"expected \(4,\): not summed over axes \(0, 2, 3\)"),
    "flipped": ("w", lambda g, dy: g["w"][:, :, ::-1, ::-1], "the kernel is turned round"),
    "unturned": ("x", lambda g, dy: unturned(), "the kernel is turned round: dx wants it"),
    "transposed kernel": ("w", lambda g, dy: g["w"].swapaxes(2, 3).copy(), "transposed: axes 2 and 3 are exchanged"),
    "= for +=": ("x", lambda g, dy: overwritten(), "`=` for `[+]=`: where windows overlap"),
    "stride": ("x", lambda g, dy: without_stride(), "the stride was forgotten"),
    "last image": ("w", lambda g, dy: of_one(slice(2, 3))[1], "batch is not summed: only the last image"),
    "first image": ("b", lambda g, dy: of_one(slice(0, 1))[2], "batch is not summed: only the first image"),
    "bias averaged": ("b", lambda g, dy: dy.mean(axis=(0, 2, 3)), "off by the factor|averaged over places"),
    "shifted": ("x", lambda g, dy: np.roll(g["x"], 1, axis=3), "shifted by one pixel along axis 3"),
    "nan": ("w", lambda g, dy: g["w"] * np.nan, "nan or inf"),
    "unknown": ("w", lambda g, dy: np.cos(g["w"]), "cannot tell: no known mistake looks like this"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    which, make, message = MISTAKES[name]
    found = diagnose(which, make(*right()))
    assert not found.right
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(found.cause)
    assert repr(found).startswith("WRONG: ")


def test_overwriting_is_recognised_without_suspects():
    found = nn.diagnose_gradient(loss, X, overwritten())
    assert "just those where windows would overlap: `=` for `+=`" in found.cause


def test_padding_forgotten_at_the_edge():
    x = np.random.default_rng(1).normal(size=(1, 1, 5, 5))
    gradient = 2 * x
    gradient[:, :, 0] = 0
    assert "all at the edge: look at the padding" in nn.diagnose_gradient(lambda x: np.sum(x**2), x, gradient).cause


def test_weights_transposed():
    w = np.random.default_rng(1).normal(size=(3, 4))
    found = nn.diagnose_gradient(lambda w: np.sum(w**3), w, 3 * w.T**2)
    assert found.cause == "it has shape (4, 3), expected (3, 4): transposed"
    square = w[:, :3].copy()
    assert "axes 0 and 1" in nn.diagnose_gradient(lambda w: np.sum(w**3), square, (3 * square.T**2).copy()).cause


def test_batch_not_summed():
    x, w = np.random.default_rng(1).normal(size=(5, 3)), np.ones(3)
    found = nn.diagnose_gradient(lambda w: np.sum(x @ w), w, x)
    assert "not summed over axes (0,)" in found.cause


def test_a_kink_is_told_from_a_mistake():
    x = np.array([1.0, 0.0, -2.0, 3.0])
    _, cache = nn.relu_forward(x)
    found = nn.diagnose_gradient(lambda x: np.sum(nn.relu_forward(x)[0]), x, nn.relu_backward(np.ones(4), cache))
    assert "a kink" in found.cause
    x[1] = 3e-6  # near the kink, not on it
    _, cache = nn.relu_forward(x)
    found = nn.diagnose_gradient(lambda x: np.sum(nn.relu_forward(x)[0]), x, nn.relu_backward(np.ones(4), cache))
    assert "a kink" in found.cause
    assert repr(found).startswith("UNSURE: a kink")
    missing = nn.diagnose_gradient(lambda x: np.sum(x**2), x, 2 * x * [1, 1, 0, 1])
    assert "1 of 4 elements are wrong" in missing.cause


def test_both_zero_but_for_rounding_is_right():
    x = np.random.default_rng(1).normal(size=5)
    assert nn.diagnose_gradient(lambda x: 1.0, x, np.full(5, 1e-17)).right


def test_messages():
    x = np.ones(2)
    with pytest.raises(ValueError, match=r"gradients has \['v'\], which params lacks: there are w"):
        nn.diagnose_gradients(np.sum, {"w": x}, {"v": x})
    with pytest.raises(TypeError, match="gradient is float32, expected float64"):
        nn.diagnose_gradient(np.sum, x, x.astype(np.float32))
    with pytest.raises(ValueError, match="nothing to check"):
        nn.diagnose_gradient(np.sum, np.ones(0), np.ones(0))
