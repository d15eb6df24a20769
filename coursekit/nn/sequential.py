"""A network as a row of layers: forward through all of them, backward in reverse order."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from pathlib import Path

import numpy as np

from coursekit.nn._checks import expect_shape
from coursekit.nn.gradcheck import numerical_gradient
from coursekit.nn.layers import Layer, SoftmaxWithLoss
from coursekit.nn.loss import as_labels

__all__ = ["Parameters", "Sequential"]

PREDICT_BATCH = 100  # images that go through the network together, which bounds the memory


class Parameters(dict):
    """A dict of arrays that are written into, never swapped: layers and dict always hold the same numbers.

    `params["W1"] = w` copies w's values into the array that is there.
    """

    def __setitem__(self, name: str, value: np.ndarray) -> None:
        if name not in self:
            raise KeyError(f"there is no parameter {name!r}: there are {', '.join(self)}.")
        expect_shape(name, np.asarray(value), self[name].shape, "the shape it had")
        if np.asarray(value).dtype != self[name].dtype:
            raise TypeError(
                f"{name} has dtype {np.asarray(value).dtype}, expected {self[name].dtype}: use .astype(...)."
            )
        self[name][...] = value

    def update(self, other: Mapping[str, np.ndarray]) -> None:
        """Write several arrays, by name."""
        for name, value in other.items():
            self[name] = value

    def __reduce__(self):
        return Parameters, (dict(self),)  # how to copy and pickle it


class Sequential:
    """Layers one after the other, and a loss at the end.

    Parameters
    ----------
    layers : dict of Layer, or iterable of Layer
        In forward order. Without names they are called after their classes: Convolution1, Relu1, Convolution2, ...
    last_layer : Layer, optional
        Turns scores and labels into a loss: SoftmaxWithLoss if not given, or SvmLoss.
    input_dim : tuple of int, optional
        Shape of one image, (C, H, W); if given, others are refused.

    Attributes
    ----------
    params : dict
        All parameters by name: those of the k-th layer that has any are Wk, bk (gammak, betak of a norm). They are
        the layers' own arrays, so an optimiser that changes them in place changes the network.
    buffers : dict
        What layers remember but do not learn, with the same numbers: running_meank, running_variancek.
    layers : dict of Layer
    last_layer : Layer

    Raises
    ------
    TypeError
        If something is no Layer, or the parameters are not all of one dtype.
    ValueError
        If there is no layer with parameters.

    >>> from coursekit.nn.layers import Affine, Relu
    >>> network = Sequential([Affine(np.ones((4, 3)), np.zeros(3)), Relu(), Affine(np.ones((3, 2)), np.zeros(2))])
    >>> network
    Sequential(Affine1 -> Relu1 -> Affine2, 23 parameters, float64)
    >>> list(network.params), network.predict(np.ones((1, 4)))
    (['W1', 'b1', 'W2', 'b2'], array([[12., 12.]]))
    """

    def __init__(
        self,
        layers: Mapping[str, Layer] | Iterable[Layer],
        last_layer: Layer | None = None,
        *,
        input_dim: tuple[int, ...] | None = None,
    ):
        self.layers = dict(layers) if isinstance(layers, Mapping) else _named(layers)
        if odd := [name for name, layer in self.layers.items() if not isinstance(layer, Layer)]:
            raise TypeError(f"{', '.join(odd)}: not a Layer. Write a class with Layer as its base, or use one of ours.")
        self.last_layer = last_layer or SoftmaxWithLoss()
        self.input_dim = input_dim and tuple(input_dim)
        owners = [layer for layer in self.layers.values() if layer.params]
        if not owners:
            raise ValueError(f"layers are {list(self.layers)}: expected one with parameters at least, such as Affine.")
        self.params = Parameters(_numbered(owners, "params"))
        self.buffers = Parameters(_numbered(owners, "buffers"))
        self.dtype = next(iter(self.params.values())).dtype
        if odd := [name for name, value in self.params.items() if value.dtype != self.dtype]:
            raise TypeError(f"{', '.join(odd)} not of dtype {self.dtype}, as the first is: make all of one dtype.")

    def __repr__(self) -> str:
        what = " -> ".join(self.layers) if type(self) is Sequential else f"input_dim={self.input_dim}"
        return f"{type(self).__name__}({what}, {self.parameter_count:,} parameters, {self.dtype})"

    @property
    def parameter_count(self) -> int:
        """Numbers that training sets."""
        return sum(value.size for value in self.params.values())

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Scores of each class, before the last layer; dropout and batch norm as in use, not as in training.

        Parameters
        ----------
        x : ndarray of shape (N, C, H, W), of the network's dtype
            As many images as you like: they go through in groups, so that memory stays small.

        Returns
        -------
        scores : ndarray of shape (N, classes)
        """
        self._expect_images(x)
        starts = range(0, max(1, len(x)), PREDICT_BATCH)
        return np.concatenate([self._forward(x[start : start + PREDICT_BATCH], training=False) for start in starts])

    def activations(self, x: np.ndarray, *, training: bool = False) -> dict[str, np.ndarray]:
        """What every layer makes of a few images, by the layer's name: the volumes from the first to the scores.

        Parameters
        ----------
        x : ndarray of shape (N, C, H, W), of the network's dtype
            All at once, so keep them few.
        training : bool
            Whether to normalise by these images' own statistics, and to drop units out. Running statistics follow.
        """
        self._expect_images(x)
        volumes = {}
        for name, layer in self.layers.items():
            layer.training = training
            x = volumes[name] = layer.forward(x)
        return volumes

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """Mean loss of images x (N, C, H, W) with labels t, (N,) or one-hot (N, classes), as in use."""
        return self.last_layer.forward(self.predict(x), t)

    def accuracy(self, x: np.ndarray, t: np.ndarray, batch_size: int = 100) -> float:
        """Share of the images whose highest score is that of the label, from 0 to 1; none is left out."""
        if not len(x) or batch_size < 1:
            raise ValueError(f"x holds {len(x)} images, batch_size is {batch_size}: expected 1 or more of both.")
        t = as_labels(t, len(x), self.predict(x[:1]).shape[1])
        starts = range(0, len(x), batch_size)
        right = sum(np.sum(self.predict(x[i : i + batch_size]).argmax(1) == t[i : i + batch_size]) for i in starts)
        return float(right / len(x))

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Gradient of the loss in training for every parameter, by backpropagation; `last_layer.loss` is the loss.

        Parameters
        ----------
        x, t
            As for `loss`; all images at once.

        Returns
        -------
        grads : dict of ndarray, with the names and shapes of `params`
        """
        self._expect_images(x)
        self.last_layer.forward(self._forward(x, training=True), t)
        dy = self.last_layer.backward()
        for layer in reversed(self.layers.values()):
            dy = layer.backward(dy)
        return _numbered([layer for layer in self.layers.values() if layer.params], "grads")

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Compute what `gradient` would return next by centred differences: slow, and for float64 only.

        Random numbers are drawn as `gradient` would draw them, and are drawn anew by it: call this one first, then
        the two see the same dropout. Running statistics stay as they are.
        """
        loss = self.training_loss(x, t)
        return {name: numerical_gradient(lambda _: loss(), value) for name, value in self.params.items()}

    def training_loss(
        self, x: np.ndarray, t: np.ndarray, *, each_image: bool = False
    ) -> Callable[[], float | np.ndarray]:
        """Make a function of nothing that returns the loss in training, each time with the same random numbers.

        It looks at `params` as they are when it is called, and changes neither the running statistics nor the state
        of the random numbers: what `check_gradient` needs. With `each_image` it returns each image's part, (N,), for
        `diagnose_gradient`; the parts add up to the loss.
        """
        self._expect_images(x)
        drawing = [layer for layer in self.layers.values() if hasattr(layer, "rng")]

        def loss() -> float | np.ndarray:
            states = [deepcopy(layer.rng.bit_generator.state) for layer in drawing]
            buffers = deepcopy(dict(self.buffers))
            try:
                scores = self._forward(x, training=True)
                if not each_image:
                    return self.last_layer.forward(scores, t)
                losses = [self.last_layer.forward(scores[n : n + 1], t[n : n + 1]) for n in range(len(x))]
                return np.array(losses) / len(x)
            finally:
                self.buffers.update(buffers)
                for layer, state in zip(drawing, states, strict=True):
                    layer.rng.bit_generator.state = state

        return loss

    def save_params(self, path: str | Path) -> None:
        """Write the parameters and buffers to a file, by NumPy's .npz format and under the name given."""
        with open(path, "wb") as file:
            np.savez(file, **self.params, **self.buffers)

    def load_params(self, path: str | Path) -> None:
        """Read parameters that `save_params` wrote for a network of the same sizes and dtype.

        Raises
        ------
        ValueError
            If the file holds other names, shapes or dtypes; nothing is changed then.
        """
        with np.load(path, allow_pickle=False) as file:
            read = dict(file)
        held, wanted = _described(read), _described({**self.params, **self.buffers})
        if held != wanted:
            raise ValueError(
                f"{path} holds {held},\nexpected {wanted}: make the network with the sizes it was saved with."
            )
        self.params.update({name: read[name] for name in self.params})
        self.buffers.update({name: read[name] for name in self.buffers})

    def _forward(self, x, training):
        for layer in self.layers.values():  # keeps one volume at a time, `activations` all
            layer.training = training
            x = layer.forward(x)
        return x

    def _expect_images(self, x):
        if not isinstance(x, np.ndarray) or x.dtype != self.dtype:
            kind = getattr(x, "dtype", type(x).__name__)
            raise TypeError(
                f"x is {kind}, expected {self.dtype}: use coursekit.data.as_float on bytes, else .astype(...)."
            )
        if x.ndim < 2:
            raise ValueError(f"x has shape {x.shape}, expected (N, ...): use x[None] for one image.")
        if self.input_dim:
            expect_shape("x", x, (len(x), *self.input_dim), "images as the network's input_dim says")


def _named(layers):
    """Call layers after their classes, numbered within each."""
    names, named = {}, {}
    for layer in layers:
        kind = type(layer).__name__
        names[kind] = names.get(kind, 0) + 1
        named[f"{kind}{names[kind]}"] = layer
    return named


def _numbered(owners, what):
    """Collect params, buffers or grads of the layers that have parameters: w of the first is W1."""
    return {
        f"{name.upper() if name == 'w' else name}{k}": value
        for k, layer in enumerate(owners, 1)
        for name, value in getattr(layer, what).items()
    }


def _described(arrays):
    return {name: f"{value.dtype} {value.shape}" for name, value in arrays.items()}
