"""ReLU, the affine layer, softmax, the optimiser and the layer classes."""

import subprocess
import sys

import numpy as np
import pytest

import coursekit.nn as nn


def draw(*shape, seed=1, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def test_relu():
    x = np.array([[-1.0, 0.0, 2.0]])
    y, cache = nn.relu_forward(x)
    assert y.tolist() == [[0, 0, 2]]
    assert nn.relu_backward(np.ones_like(x), cache).tolist() == [[0, 0, 1]]
    assert nn.relu_forward(x.astype(np.float32))[0].dtype == np.float32
    with pytest.raises(TypeError, match="x has dtype int64"):
        nn.relu_forward(np.array([1]))
    with pytest.raises(ValueError, match=r"dy has shape \(3,\), expected \(1, 3\)"):
        nn.relu_backward(np.ones(3), cache)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_affine_gradients(which):
    arrays = [draw(3, 2, 2, 2), draw(8, 5), draw(5)]
    y, cache = nn.affine_forward(*arrays)
    assert np.allclose(y, arrays[0].reshape(3, 8) @ arrays[1] + arrays[2])
    dy = draw(*y.shape, seed=2)
    gradient = nn.affine_backward(dy, cache)[which]
    report = nn.check_gradient(lambda _: np.sum(nn.affine_forward(*arrays)[0] * dy), arrays[which], gradient)
    assert report.relative_error < 1e-8


def test_affine_flattens_by_shape_not_by_memory():
    x, w, b = draw(2, 3, 4, 5), draw(60, 2), draw(2)
    channels_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    assert np.array_equal(nn.affine_forward(channels_last, w, b)[0], nn.affine_forward(x, w, b)[0])
    assert nn.affine_forward(x[:0], w, b)[0].shape == (0, 2)


def test_affine_messages():
    with pytest.raises(ValueError, match=r"w has shape \(7, 2\), expected \(8, M\): x has shape \(1, 2, 4\)"):
        nn.affine_forward(draw(1, 2, 4), draw(7, 2), draw(2))
    with pytest.raises(ValueError, match=r"b has shape \(1,\), expected \(2,\)"):
        nn.affine_forward(draw(1, 8), draw(8, 2), draw(1))
    with pytest.raises(TypeError, match="one dtype for all"):
        nn.affine_forward(draw(1, 8), draw(8, 2), draw(2, dtype=np.float32))
    y, cache = nn.affine_forward(draw(1, 8), draw(8, 2), draw(2))
    with pytest.raises(ValueError, match=r"dy has shape \(2,\), expected \(1, 2\)"):
        nn.affine_backward(y[0], cache)


def test_softmax_is_stable():
    scores = np.array([[1e4, 1e4 - np.log(3), -1e4]])
    assert np.allclose(nn.softmax(scores), [[0.75, 0.25, 0]])
    loss, dscores = nn.softmax_cross_entropy(scores, np.array([2]))
    assert np.isclose(loss, 2e4, atol=1)
    assert np.isfinite(dscores).all()


def test_cross_entropy_gradient_and_first_loss():
    scores, labels = draw(4, 10), np.array([3, 0, 9, 9])
    loss, dscores = nn.softmax_cross_entropy(scores, labels)
    assert np.isclose(loss, -np.log(nn.softmax(scores)[np.arange(4), labels]).mean())
    report = nn.check_gradient(lambda s: nn.softmax_cross_entropy(s, labels)[0], scores, dscores)
    assert report.relative_error < 1e-8
    assert np.isclose(nn.softmax_cross_entropy(np.zeros((4, 10)), labels)[0], np.log(10))
    assert nn.softmax_cross_entropy(scores.astype(np.float32), labels.astype(np.uint8))[1].dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 10], ValueError, "labels goes from 0 to 10, expected 0 to 9"),
        ([0, -1], ValueError, "labels goes from -1 to 0"),
        ([0.0, 1.0], TypeError, "labels has dtype float64, expected whole numbers"),
        ([True, False], TypeError, "labels has dtype bool"),
        ([0], ValueError, r"labels has shape \(1,\), expected \(2,\) or one-hot \(2, 10\)"),
        (np.full((2, 10), 0.1), ValueError, "not each is one-hot"),
    ],
)
def test_label_messages(labels, error, message):
    with pytest.raises(error, match=message):
        nn.softmax_cross_entropy(np.zeros((2, 10)), np.array(labels))


def test_score_messages():
    with pytest.raises(ValueError, match=r"scores has shape \(0, 10\), expected \(N, M\)"):
        nn.softmax_cross_entropy(np.zeros((0, 10)), np.zeros(0, int))
    with pytest.raises(TypeError, match="scores has dtype int64"):
        nn.softmax(np.array([1, 2]))


def test_adam_agrees_with_pytorch():
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    start, gradients = draw(3, 4), [draw(3, 4, seed=seed) for seed in range(5)]
    params = {"w": start.copy()}
    mine = nn.Adam(params, lr=0.05, beta1=0.8, beta2=0.95)
    tensor = torch.from_numpy(start.copy()).requires_grad_()
    theirs = torch.optim.Adam([tensor], lr=0.05, betas=(0.8, 0.95))
    for step, gradient in enumerate(gradients):
        if step == 3:
            mine.lr = theirs.param_groups[0]["lr"] = 0.01
        mine.step({"w": gradient})
        tensor.grad = torch.from_numpy(gradient)
        theirs.step()
    assert np.allclose(params["w"], tensor.detach().numpy(), rtol=1e-12)


def test_adam_works_in_place_and_keeps_the_dtype():
    params = {"w": np.ones(3, np.float32)}
    held = params["w"]
    nn.Adam(params).step({"w": np.ones(3, np.float32)})
    assert params["w"] is held
    assert held.dtype == np.float32
    assert np.allclose(held, 1 - 1e-3)


def test_adam_messages():
    optimiser = nn.Adam({"w": np.ones(3)})
    with pytest.raises(ValueError, match=r"gradients has \['v'\], expected \['w'\]"):
        optimiser.step({"v": np.ones(3)})
    with pytest.raises(ValueError, match=r"gradients\['w'\] has shape \(1,\), expected \(3,\)"):
        optimiser.step({"w": np.ones(1)})


LAYERS = [
    (nn.Convolution(draw(4, 2, 3, 3), draw(4), stride=2, padding=1), (2, 2, 5, 5)),
    (nn.Relu(), (2, 3)),
    (nn.MaxPooling(3, stride=2), (2, 2, 5, 5)),
    (nn.Affine(draw(8, 3), draw(3)), (2, 2, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: type(value).__name__)
def test_layer_classes(layer, shape):
    x = draw(*shape, seed=3)
    y = layer.forward(x)
    dy = draw(*y.shape, seed=4)
    dx = layer.backward(dy)
    inputs = {"x": (x, dx)} | {name: (layer.params[name], layer.grads[name]) for name in layer.params}
    for value, gradient in inputs.values():
        assert nn.check_gradient(lambda _: np.sum(layer.forward(x) * dy), value, gradient).relative_error < 1e-7


def test_loss_layer_takes_one_hot_labels():
    layer, scores, labels = nn.SoftmaxWithLoss(), draw(3, 4), np.array([1, 3, 0])
    loss = layer.forward(scores, labels)
    dscores = layer.backward()
    assert layer.forward(scores, np.eye(4)[labels]) == loss == layer.loss
    assert np.array_equal(layer.backward(), dscores)


def test_backward_needs_forward():
    with pytest.raises(RuntimeError, match=r"MaxPooling.backward needs a forward pass first"):
        nn.MaxPooling(2).backward(np.ones((1, 1, 2, 2)))
    with pytest.raises(RuntimeError, match=r"SoftmaxWithLoss.backward needs"):
        nn.SoftmaxWithLoss().backward()


def test_package_imports_lazily():
    code = (
        "import sys, coursekit, coursekit.nn as nn, coursekit.data, coursekit.train\n"
        "print([m for m in ('numpy', 'torch', 'tqdm', 'skimage', 'scipy') if m in sys.modules])\n"
        "nn.conv_forward; print('coursekit.nn.pool' in sys.modules, 'torch' in sys.modules)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split("\n")[:2] == ["[]", "False False"]


def test_every_name_is_found():
    for package in (nn, __import__("coursekit.data").data, __import__("coursekit.train").train):
        assert all(getattr(package, name) is not None for name in dir(package))
        with pytest.raises(AttributeError, match=f"{package.__name__} has no 'konv'"):
            _ = package.konv
