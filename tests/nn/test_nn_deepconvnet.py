"""DeepConvNet and Sequential: the book's network; dropout and batch norm in training and in use."""

import copy
import pickle
import re
from itertools import pairwise

import numpy as np
import pytest

import coursekit.nn as nn
from coursekit.data import as_float, load_mnist
from coursekit.nn.sequential import Sequential

SMALL = {f"conv_param_{k}": {"filter_num": maps} for k, maps in enumerate((2, 2, 3, 3, 4, 4), 1)}


def small(**options):
    return nn.DeepConvNet((1, 12, 12), **SMALL, hidden_size=5, output_size=3, **{"dtype": np.float64, **options})


def images(count=3, size=12):
    rng = np.random.default_rng(2)
    return rng.normal(size=(count, 1, size, size)), rng.integers(0, 3, count)


def test_the_books_network():
    network = nn.DeepConvNet()
    assert network.parameter_count == 123_552
    assert repr(network) == "DeepConvNet(input_dim=(1, 28, 28), 123,552 parameters, float32)"
    shapes = [network.params[f"W{k}"].shape for k in range(1, 9)]
    channels = [1, 16, 16, 32, 32, 64, 64]
    kernels = [(maps, depth, 3, 3) for depth, maps in pairwise(channels)]
    assert shapes == [*kernels, (1024, 50), (50, 10)]
    assert " ".join(network.layers) == (
        "Conv1 Relu1 Conv2 Relu2 Pool1 Conv3 Relu3 Conv4 Relu4 Pool2 Conv5 Relu5 Conv6 Relu6 Pool3 "
        "Affine1 Relu7 Dropout1 Affine2 Dropout2"
    )
    assert list(network.params) == [f"{letter}{k}" for k in range(1, 9) for letter in "Wb"]
    x, sizes = np.zeros((1, 1, 28, 28), np.float32), {}
    for name, layer in network.layers.items():
        x = layer.forward(x)
        sizes[name] = x.shape[-1]
    assert [sizes[name] for name in ("Pool1", "Conv4", "Pool2", "Pool3")] == [14, 16, 8, 4]
    for k, shape in enumerate(shapes, 1):
        assert np.isclose(network.params[f"W{k}"].var() * nn.fan_in_out(shape)[0], 2, rtol=0.35)
        assert not network.params[f"b{k}"].any()


def test_the_books_call():
    maps_and_pads = zip((16, 16, 32, 32, 64, 64), (1, 1, 1, 2, 1, 1), strict=True)
    conv = [dict(filter_num=maps, filter_size=3, pad=pad, stride=1) for maps, pad in maps_and_pads]
    network = nn.DeepConvNet((1, 28, 28), *conv, hidden_size=50, output_size=10)
    assert network.parameter_count == 123_552


def test_dropout_falls_on_the_logits_in_training_alone():
    network, (x, _) = small(), images(40)
    assert np.array_equal(network.predict(x), network.predict(x))
    assert np.all(network.predict(x) != 0)
    network.gradient(x, np.zeros(40, int))
    scores = network._forward(x, training=True)
    assert 0.3 < np.mean(scores == 0) < 0.7
    kept = scores != 0
    assert not np.array_equal(kept, network._forward(x, training=True) != 0)  # drawn anew


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.slow
def test_gradient_check(dropout):
    network, (x, t) = small(dropout=dropout, seed=4), images()
    for value in network.params.values():
        value += 0.01 * np.random.default_rng(5).normal(size=value.shape)  # biases away from the kinks at 0
    numeric = network.numerical_gradient(x, t)
    analytic = network.gradient(x, t)
    assert list(analytic) == list(network.params)
    for name, value in numeric.items():
        assert np.abs(analytic[name] - value).max() < 1e-6 * np.abs(value).max()
    found = nn.diagnose_network(network, x, t)
    assert found.right, found


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_agrees_with_pytorch(dtype, tolerance):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    functional = torch.nn.functional
    network, (x, t) = small(dropout=0.0, dtype=dtype), images(5)
    x = x.astype(dtype)
    tensors = {name: torch.from_numpy(value.copy()).requires_grad_() for name, value in network.params.items()}
    out = torch.from_numpy(x)
    for k in range(1, 7):
        out = functional.conv2d(out, tensors[f"W{k}"], tensors[f"b{k}"], padding=2 if k == 4 else 1).relu()
        out = functional.max_pool2d(out, 2) if k % 2 == 0 else out
    out = (out.flatten(1) @ tensors["W7"] + tensors["b7"]).relu() @ tensors["W8"] + tensors["b8"]
    loss = functional.cross_entropy(out, torch.from_numpy(t))
    loss.backward()
    assert np.isclose(network.loss(x, t), loss.item(), rtol=tolerance)
    for name, gradient in network.gradient(x, t).items():
        wanted = tensors[name].grad.numpy()
        assert gradient.dtype == dtype
        assert np.abs(gradient - wanted).max() < tolerance * np.abs(wanted).max()


def test_learns_a_few_digits():
    x, t = load_mnist("train")
    x, t = as_float(x[:8]), t[:8]
    network = nn.DeepConvNet(dropout=0.1)
    optimiser = nn.Adam(network.params, lr=2e-3)
    for _ in range(20):
        optimiser.step(network.gradient(x, t))
    assert network.accuracy(x, t) == 1


def normed(seed=1):
    rng = np.random.default_rng(seed)
    layers = [
        nn.Convolution(nn.he_init((4, 1, 3, 3), seed=rng, dtype=np.float64)),
        nn.BatchNorm(np.ones(4), np.zeros(4)),
        nn.LeakyRelu(),
        nn.GlobalAveragePooling(),
        nn.Dropout(0.3, rng),
        nn.Affine(nn.xavier_init((4, 3), seed=rng, dtype=np.float64), np.zeros(3)),
    ]
    return Sequential(layers, nn.SvmLoss(), input_dim=(1, 6, 6))


def test_sequential_names_and_shows_its_layers():
    network = normed()
    assert list(network.params) == ["W1", "gamma2", "beta2", "W3", "b3"]
    assert list(network.buffers) == ["running_mean2", "running_variance2"]
    names = "Convolution1 -> BatchNorm1 -> LeakyRelu1 -> GlobalAveragePooling1 -> Dropout1 -> Affine1"
    assert repr(network) == f"Sequential({names}, 59 parameters, float64)"
    assert network.params["W1"] is network.layers["Convolution1"].params["w"]


def test_batch_norm_in_a_network():
    network, (x, t) = normed(), images(20, 6)
    x = 3 * x + 1
    before = copy.deepcopy(dict(network.buffers))
    found = nn.diagnose_network(network, x, t)
    assert found.right, found
    after_one = copy.deepcopy(dict(network.buffers))
    assert not np.array_equal(after_one["running_mean2"], before["running_mean2"])  # by the one call of gradient
    network.predict(x)
    network.loss(x, t)
    network.numerical_gradient(x, t)
    assert all(np.array_equal(network.buffers[name], value) for name, value in after_one.items())
    for _ in range(200):
        network.gradient(x, t)
    maps = network.layers["Convolution1"].forward(x)
    assert np.allclose(network.buffers["running_mean2"], maps.mean(axis=(0, 2, 3)))
    assert np.allclose(network.buffers["running_variance2"], maps.var(axis=(0, 2, 3), ddof=1))
    one_by_one = np.concatenate([network.predict(x[i : i + 1]) for i in range(20)])
    assert np.allclose(network.predict(x), one_by_one, atol=1e-12)  # in use nobody depends on the company


def test_buffers_are_saved_and_copied(tmp_path):
    network, other, (x, t) = normed(), normed(seed=5), images(20, 6)
    network.gradient(x, t)
    network.save_params(tmp_path / "weights")
    other.load_params(tmp_path / "weights")
    twins = [other, copy.deepcopy(network), pickle.loads(pickle.dumps(network))]
    assert all(np.array_equal(twin.predict(x), network.predict(x)) for twin in twins)
    twins[1].gradient(x, t)
    assert not np.array_equal(twins[1].buffers["running_mean2"], network.buffers["running_mean2"])
    assert np.array_equal(twins[1].buffers["running_mean2"], twins[1].layers["BatchNorm1"].buffers["running_mean"])
    np.savez(tmp_path / "less.npz", **network.params)
    with pytest.raises(ValueError, match=r"expected .*running_mean2"):
        other.load_params(tmp_path / "less.npz")


LAYERS = [
    (nn.AveragePooling(3, stride=2, padding=1), (2, 2, 5, 5)),
    (nn.L2Pooling(2, stride=1), (2, 2, 4, 5)),
    (nn.GlobalAveragePooling(), (2, 3, 4, 4)),
    (nn.LeakyRelu(0.2), (3, 4)),
    (nn.Elu(0.5), (3, 4)),
    (nn.Sigmoid(), (3, 4)),
    (nn.Tanh(), (3, 4)),
    (nn.BatchNorm(np.array([1.0, 2.0]), np.array([0.5, 0.0])), (3, 2, 3)),
    (nn.LayerNorm(np.array([1.0, 2.0, 3.0]), np.zeros(3)), (2, 2, 3)),
    (nn.LocalResponseNorm(size=3, alpha=0.1), (2, 4, 2)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: type(value).__name__)
def test_layer_classes(layer, shape):
    x = np.random.default_rng(3).normal(size=shape)
    with pytest.raises(RuntimeError, match="needs a forward pass first"):
        type(layer).backward(copy.copy(layer), x)
    y = layer.forward(x)
    dy = np.random.default_rng(4).normal(size=y.shape)
    inputs = {"x": x, **layer.params}
    gradients = {"x": layer.backward(dy), **layer.grads}
    found = nn.diagnose_gradients(lambda _: np.sum(layer.forward(x) * dy), inputs, gradients)
    assert found.right, found


def test_random_layers_draw_anew():
    x = np.random.default_rng(3).normal(size=(2, 3, 9, 9))
    pooling = nn.FractionalMaxPooling(6, seed=0)
    first = pooling.forward(x)
    assert pooling.backward(np.ones_like(first)).sum() == first.size
    assert not np.array_equal(first, pooling.forward(x))
    dropout = nn.Dropout(0.5, seed=0)
    y = dropout.forward(x)
    assert np.array_equal(dropout.backward(x), y)
    dropout.training = False
    assert np.array_equal(dropout.forward(x), x)
    assert np.array_equal(dropout.backward(x), x)


def test_messages():
    with pytest.raises(ValueError, match=r"conv_param_3 has unknown keys \['maps'\]"):
        nn.DeepConvNet(conv_param_3={"maps": 3})
    with pytest.raises(ValueError, match=r"along the width 22 of input_dim .*does not fit"):
        nn.DeepConvNet((1, 28, 22))
    with pytest.raises(ValueError, match=r"input_dim is \(28, 28\), expected \(C, H, W\)"):
        nn.DeepConvNet((28, 28))
    with pytest.raises(ValueError, match=re.escape("layers are ['Relu1']: expected one with parameters")):
        Sequential([nn.Relu()])
    with pytest.raises(TypeError, match="W2, b2 not of dtype float64"):
        Sequential([nn.Affine(np.ones((2, 2)), np.ones(2)), nn.Affine(np.ones((2, 2), "f"), np.ones(2, "f"))])
    with pytest.raises(ValueError, match=r"x has shape \(3, 1, 12, 11\), expected \(3, 1, 12, 12\)"):
        small().predict(np.ones((3, 1, 12, 11)))
    with pytest.raises(TypeError, match="x is uint8, expected float64"):
        small().training_loss(np.ones((3, 1, 12, 12), np.uint8), np.ones(3, int))
    assert small().predict(images()[0][:0]).shape == (0, 3)
