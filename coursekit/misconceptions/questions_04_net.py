"""Of assignment 4, question 12: networks that are put together wrongly, of layers of the same names."""

from types import SimpleNamespace

import numpy as np


class _Layer:
    def __init__(self, *shape: int, n: float = 1.0, rng: np.random.Generator | None = None):
        self.params = [] if rng is None else [(np.sqrt(n) * rng.normal(size=shape)).astype(np.float32)]


class Conv(_Layer):
    """Gives the volume's shape alone, as do the others: that is what the check asks for."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Zeros in the shape of the maps."""
        w = self.params[0]
        return np.zeros((len(x), len(w), *(side - k + 1 for side, k in zip(x.shape[2:], w.shape[2:], strict=True))))


class Relu(_Layer):
    """Leaves the shape as it is."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Give x back."""
        return x


class Pool(_Layer):
    """Halves both sides."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Every second pixel."""
        return x[:, :, 1::2, 1::2]


class Affine(_Layer):
    """A row of outputs for each picture."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Multiply, with the volume laid out."""
        return x.reshape(len(x), -1) @ self.params[0]


def net_without_second_relu(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This leaves out the ReLU between the two fully connected layers."""
    return _net(size, kernels, taps, hidden, classes, rng, order=("conv", "relu", "pool", "first", "last"))


def net_pools_first(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This pools in front of the ReLU."""
    return _net(size, kernels, taps, hidden, classes, rng, order=("conv", "pool", "relu", "first", "relu", "last"))


def net_of_small_weights(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This takes the spread 0.01 everywhere."""
    return _net(size, kernels, taps, hidden, classes, rng, variance=lambda n: 0.0001)


def net_of_xavier(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This takes the root of 1/n, which is short of what a ReLU needs."""
    return _net(size, kernels, taps, hidden, classes, rng, variance=lambda n: 1 / n)


def net_unpooled(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This has no pooling, and a fully connected layer that reads all places."""
    inputs = kernels * (size - taps + 1) ** 2
    order = ("conv", "relu", "first", "relu", "last")
    return _net(size, kernels, taps, hidden, classes, rng, order=order, inputs=inputs)


def net_with_relu_on_scores(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This puts a ReLU behind the scores as well."""
    return _net(size, kernels, taps, hidden, classes, rng, order=(*SIX, "relu"))


def net_of_all_pixels(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This counts the picture's pixels for the n of the kernels. One output adds up those under the kernel."""
    return _net(size, kernels, taps, hidden, classes, rng, seen=size**2)


def net_of_outputs(size: int, kernels: int, taps: int, hidden: int, classes: int, rng) -> list:
    """This takes for n how many outputs a layer has."""
    return _net(size, kernels, taps, hidden, classes, rng, counts=(kernels, hidden, classes))


SIX = ("conv", "relu", "pool", "first", "relu", "last")


def _net(
    size,
    kernels,
    taps,
    hidden,
    classes,
    rng,
    *,
    order=SIX,
    variance=lambda n: 2 / n,
    inputs=None,
    seen=None,
    counts=None,
):
    inputs = inputs or kernels * ((size - taps + 1) // 2) ** 2
    n = counts or (seen or taps**2, inputs, hidden)
    made = SimpleNamespace(
        conv=Conv(kernels, 1, taps, taps, n=variance(n[0]), rng=rng),
        relu=Relu(),
        pool=Pool(),
        first=Affine(inputs, hidden, n=variance(n[1]), rng=rng),
        last=Affine(hidden, classes, n=variance(n[2]), rng=rng),
    )
    return [getattr(made, name) for name in order]
