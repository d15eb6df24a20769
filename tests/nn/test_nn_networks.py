"""SimpleConvNet: as in the book, checked at every step of the sanity ladder."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

from coursekit.data import as_float, load_mnist
from coursekit.nn import Adam, Affine, BatchNorm, Sequential, SimpleConvNet

TINY = dict(input_dim=(2, 6, 8), conv_param={"filter_num": 3, "filter_size": 3, "pad": 1}, hidden_size=5, output_size=4)


def tiny(**options):
    return SimpleConvNet(**TINY, **{"weight_init_std": 0.3, "seed": 1, "dtype": np.float64, **options})


def images(count=3, dtype=np.float64):
    rng = np.random.default_rng(2)
    return rng.normal(size=(count, 2, 6, 8)).astype(dtype), rng.integers(0, 4, count)


def test_shown_without_addresses():
    network = SimpleConvNet()
    assert repr(network) == "SimpleConvNet(input_dim=(1, 28, 28), 433,890 parameters, float32)"
    assert repr(network.layers["Conv1"]) == "Convolution(w (30, 1, 5, 5), b (30,))"


def test_the_books_call():
    network = SimpleConvNet(
        input_dim=(1, 28, 28),
        conv_param={"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1},
        hidden_size=100,
        output_size=10,
        weight_init_std=0.01,
    )
    shapes = {name: value.shape for name, value in network.params.items()}
    assert shapes == {
        "W1": (30, 1, 5, 5), "b1": (30,), "W2": (4320, 100), "b2": (100,), "W3": (100, 10), "b3": (10,)
    }  # fmt: skip
    assert network.parameter_count == 433_890
    assert list(network.layers) == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    assert all(value.dtype == np.float32 for value in network.params.values())
    assert abs(network.params["W2"].std() - 0.01) < 1e-4
    assert not network.params["b2"].any()


def test_first_loss_is_log_of_the_classes():
    x, t = load_mnist("test")
    assert abs(SimpleConvNet().loss(as_float(x[:100]), t[:100]) - np.log(10)) < 0.01


def test_gradient_check():
    network, (x, t) = tiny(), images()
    analytic, numeric = network.gradient(x, t), network.numerical_gradient(x, t)
    assert list(analytic) == list(numeric) == list(network.params)
    for name, value in numeric.items():
        assert np.abs(analytic[name] - value).max() < 1e-7 * np.abs(value).max()


def test_overfits_twenty_digits():
    x, t = load_mnist("train")
    x, t = as_float(x[:20]), t[:20]
    network = SimpleConvNet(conv_param={"filter_num": 8}, hidden_size=30, weight_init_std=0.1)
    optimiser = Adam(network.params, lr=1e-2)
    for _ in range(40):
        optimiser.step(network.gradient(x, t))
    assert network.accuracy(x, t) == 1
    assert network.loss(x, t) < 0.05


def test_seed_decides():
    a, b, c = SimpleConvNet(), SimpleConvNet(), SimpleConvNet(seed=np.random.default_rng(5))
    assert all(np.array_equal(a.params[name], b.params[name]) for name in a.params)
    assert not np.array_equal(a.params["W1"], c.params["W1"])


def test_predict_in_groups_and_of_nothing():
    network, (x, t) = tiny(), images(450)
    whole = network.predict(x)
    assert whole.shape == (450, 4)
    assert whole.dtype == np.float64
    assert np.allclose(whole, np.concatenate([network.predict(x[:7]), network.predict(x[7:])]), atol=1e-12)
    assert network.predict(x[:0]).shape == (0, 4)
    assert network.accuracy(x, t) == network.accuracy(x, t, batch_size=7) == np.mean(whole.argmax(1) == t)


def test_predict_needs_little_memory():
    network, x = SimpleConvNet(), np.zeros((2000, 1, 28, 28), np.float32)
    tracemalloc.start()
    network.predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 2**20  # all maps of the convolution at once: 132 MiB


def test_activations_are_the_volumes_from_layer_to_layer():
    network, (x, _) = tiny(), images()
    volumes = network.activations(x)
    assert {name: volume.shape[1:] for name, volume in volumes.items()} == {
        "Conv1": (3, 6, 8), "Relu1": (3, 6, 8), "Pool1": (3, 3, 4), "Affine1": (5,), "Relu2": (5,), "Affine2": (4,)
    }  # fmt: skip
    assert np.array_equal(volumes["Relu1"], np.maximum(volumes["Conv1"], 0))
    assert np.array_equal(volumes["Affine2"], network.predict(x))


def test_activations_in_training_are_normalised_by_their_own_batch():
    rng = np.random.default_rng(0)
    layers = [Affine(rng.normal(size=(3, 4)), np.zeros(4)), BatchNorm(np.ones(4), np.zeros(4))]
    network, x = Sequential(layers), rng.normal(size=(50, 3)) + 5
    assert np.abs(network.activations(x, training=True)["BatchNorm1"].mean(axis=0)).max() < 1e-12
    assert np.abs(network.activations(x)["BatchNorm1"].mean(axis=0)).max() > 1


def test_one_hot_labels_count_the_same():
    network, (x, t) = tiny(), images()
    one_hot = np.eye(4)[t]
    assert network.loss(x, one_hot) == network.loss(x, t)
    assert network.accuracy(x, one_hot) == network.accuracy(x, t)
    for name, value in network.gradient(x, one_hot).items():
        assert np.array_equal(value, network.gradient(x, t)[name])


def test_writing_a_parameter_reaches_the_layer():
    network, other, (x, _) = tiny(), tiny(seed=2), images()
    for name in network.params:
        network.params[name] = other.params[name]
    assert np.array_equal(network.predict(x), other.predict(x))
    network.params["b3"] -= 1.0
    assert np.allclose(network.predict(x), other.predict(x) - 1)
    network.params.update(other.params)
    assert np.array_equal(network.predict(x), other.predict(x))


def test_parameter_messages():
    params = tiny().params
    with pytest.raises(KeyError, match="there is no parameter 'W9'"):
        params["W9"] = np.ones(3)
    with pytest.raises(ValueError, match=r"b1 has shape \(1,\), expected \(3,\)"):
        params["b1"] = np.ones(1)
    with pytest.raises(TypeError, match="b1 has dtype float32, expected float64"):
        params["b1"] = np.ones(3, np.float32)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_copies_are_whole(duplicate):
    network, (x, t) = tiny(), images()
    before = network.predict(x)
    twin = duplicate(network)
    Adam(twin.params, lr=0.1).step(twin.gradient(x, t))
    assert np.array_equal(network.predict(x), before)
    assert not np.allclose(twin.predict(x), before)


def test_save_and_load(tmp_path):
    network, other, (x, _) = tiny(), tiny(seed=2), images()
    network.save_params(tmp_path / "weights")
    other.load_params(tmp_path / "weights")
    assert np.array_equal(network.predict(x), other.predict(x))


def test_load_refuses_other_sizes_and_changes_nothing(tmp_path):
    network, other, (x, _) = tiny(), tiny(dtype=np.float32), images()
    other.save_params(tmp_path / "weights.npz")
    before = network.predict(x)
    with pytest.raises(ValueError, match=r"weights.npz holds .*float32 \(3, 2, 3, 3\).*\nexpected .*float64"):
        network.load_params(tmp_path / "weights.npz")
    assert np.array_equal(network.predict(x), before)
    np.savez(tmp_path / "objects.npz", W1=np.array([None]))
    with pytest.raises(ValueError, match="allow_pickle"):
        network.load_params(tmp_path / "objects.npz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(conv_param={"hidden_size": 5}), r"conv_param has unknown keys \['hidden_size'\].*arguments of their own"),
        (dict(conv_param={"filter_size": 4}), "along the height 28 of input_dim .*stride 2 does not fit"),
        (dict(conv_param={"stride": 2}), "stride 2 does not fit"),
        (dict(conv_param={"filter_size": 29}), "kernel 29 is longer than the padded input"),
        (dict(input_dim=(1, 28, 27)), "along the width 27 of input_dim"),
        (dict(input_dim=(28, 28)), r"input_dim is \(28, 28\), expected \(C, H, W\)"),
    ],
)
def test_construction_messages(options, message):
    with pytest.raises(ValueError, match=message):
        SimpleConvNet(**options)


def test_conv_param_is_neither_changed_nor_kept():
    conv_param = {"filter_num": 4}
    network = SimpleConvNet(conv_param=conv_param)
    assert conv_param == {"filter_num": 4}
    assert network.params["W1"].shape == (4, 1, 5, 5)


def test_input_messages():
    network, (x, t) = tiny(), images()
    with pytest.raises(TypeError, match=r"x is uint8, expected float64: use coursekit.data.as_float"):
        network.predict(x.astype(np.uint8))
    with pytest.raises(ValueError, match=r"x has shape \(3, 2, 6\), expected \(3, 2, 6, 8\)"):
        network.predict(x[..., 0])
    with pytest.raises(ValueError, match=r"labels has shape \(2,\), expected \(3,\)"):
        network.gradient(x, t[:2])
    with pytest.raises(ValueError, match="x holds 0 images"):
        network.accuracy(x[:0], t[:0])
    with pytest.raises(TypeError, match="x is float32, expected float64"):
        tiny(dtype=np.float32).numerical_gradient(*images(dtype=np.float32))
