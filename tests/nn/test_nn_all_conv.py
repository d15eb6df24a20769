"""The network without pooling windows: its parameters, its shapes, and that it learns."""

import numpy as np
import pytest

from coursekit.data import as_float, load_mnist
from coursekit.nn import Adam, AllConvNet, diagnose_network


@pytest.mark.parametrize(("width", "count"), [(16, 17_754), (8, 4_594), (96, 621_034)])
def test_parameters_are_counted(width, count):
    network = AllConvNet(width=width)
    by_hand = (9 * width + width) + (9 * width**2 + width)  # 3x3 from one map, 3x3 with stride 2
    by_hand += (18 * width**2 + 2 * width) + (36 * width**2 + 2 * width)  # both with twice the maps
    by_hand += (4 * width**2 + 2 * width) + (20 * width + 10)  # 1x1, and 1x1 to ten classes
    assert network.parameter_count == by_hand == count


def test_maps_shrink_by_stride_alone_and_any_size_will_do():
    network = AllConvNet()
    assert list(network.layers)[:4] == ["Conv1", "Relu1", "Conv2", "Relu2"]
    assert list(network.layers)[-3:] == ["Relu5", "Conv6", "Mean"]
    x, sizes = np.zeros((2, 1, 28, 28), np.float32), []
    for layer in network.layers.values():
        x = layer.forward(x)
        sizes.append(x.shape[1:])
    assert sizes[::2] == [(16, 28, 28), (16, 14, 14), (32, 14, 14), (32, 7, 7), (32, 7, 7), (10, 7, 7)]
    assert sizes[-1] == (10,)
    assert AllConvNet((3, 17, 30), width=2, output_size=4).predict(np.ones((1, 3, 17, 30), np.float32)).shape == (1, 4)


def test_every_pixel_is_seen_though_the_stride_leaves_a_line_of_padding_over():
    network = AllConvNet((1, 8, 8), width=4, dtype=np.float64)
    start = network.predict(np.zeros((1, 1, 8, 8)))
    for i, j in np.ndindex(8, 8):
        x = np.zeros((1, 1, 8, 8))
        x[0, 0, i, j] = 1
        assert not np.allclose(network.predict(x), start)


def test_gradients_by_differences():
    network = AllConvNet((2, 5, 6), width=2, output_size=3, dtype=np.float64, seed=1)
    rng = np.random.default_rng(0)
    for name, value in network.params.items():
        if name.startswith("b"):
            value[...] = rng.normal(size=value.shape)  # away from the kink of a ReLU that sees nothing but its bias
    found = diagnose_network(network, rng.normal(size=(3, 2, 5, 6)), np.array([0, 2, 1]))
    assert found.right, found


def test_overfits_twenty_digits():
    x, t = load_mnist("train")
    x, t = as_float(x[:20]), t[:20]
    network = AllConvNet(width=8)
    optimiser = Adam(network.params, lr=1e-2)
    for _ in range(60):
        optimiser.step(network.gradient(x, t))
    assert network.accuracy(x, t) == 1


def test_messages():
    with pytest.raises(ValueError, match=r"input_dim is \(28, 28\), expected \(C, H, W\)"):
        AllConvNet((28, 28))
    with pytest.raises(ValueError, match=r"shape is \(0, 1, 3, 3\)"):
        AllConvNet(width=0)
    with pytest.raises(TypeError, match=r"shape is \(2\.5, 1, 3, 3\), expected whole numbers"):
        AllConvNet(width=2.5)
