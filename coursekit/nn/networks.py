"""SimpleConvNet, a small convolutional network for small pictures, with everything in sight."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from coursekit.nn._checks import expect_shape
from coursekit.nn.gradcheck import numerical_gradient
from coursekit.nn.layers import Affine, Convolution, MaxPooling, Relu, SoftmaxWithLoss
from coursekit.nn.loss import as_labels
from coursekit.shapes import output_size

__all__ = ["Parameters", "SimpleConvNet"]

CONV_PARAM = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
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


class SimpleConvNet:
    """Convolution - ReLU - pooling 2x2 - affine - ReLU - affine - softmax.

    Parameters
    ----------
    input_dim : (C, H, W)
    conv_param : dict, optional
        filter_num, filter_size, pad and stride of the convolution; 30, 5, 0 and 1 where not given.
    hidden_size, output_size : int
        Outputs of the two affine layers.
    weight_init_std : float
        Weights start as normal numbers of this standard deviation, biases as 0.
    seed : int or Generator
        Draws them.
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        W1 (F, C, K, K), b1 (F,) of the convolution; W2 (D, hidden_size), b2; W3 (hidden_size, output_size), b3.
    layers : dict
        Conv1, Relu1, Pool1, Affine1, Relu2, Affine2, in this order.
    last_layer : SoftmaxWithLoss

    Raises
    ------
    TypeError, ValueError
        If conv_param has an unknown key, or a kernel or the pooling does not fit.

    Source: Saito, "Deep Learning from Scratch", section 7.5.

    >>> SimpleConvNet().parameter_count
    433890
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: Mapping[str, int] | None = None,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
        *,
        seed: int | np.random.Generator = 0,
        dtype: type = np.float32,
    ):
        conv = _complete(conv_param)
        maps, kernel = conv["filter_num"], conv["filter_size"]
        height, width = _pooled_sizes(input_dim, conv)
        shapes = {
            "W1": (maps, input_dim[0], kernel, kernel),
            "b1": (maps,),
            "W2": (maps * height * width, hidden_size),
            "b2": (hidden_size,),
            "W3": (hidden_size, output_size),
            "b3": (output_size,),
        }
        self.input_dim, self.output_size, self.dtype = tuple(input_dim), output_size, np.dtype(dtype)
        self.params = _initial(shapes, weight_init_std, np.random.default_rng(seed), self.dtype)
        self.layers = _layers(self.params, conv)
        self.last_layer = SoftmaxWithLoss()

    def __repr__(self) -> str:
        return f"SimpleConvNet(input_dim={self.input_dim}, {self.parameter_count:,} parameters, {self.dtype})"

    @property
    def parameter_count(self) -> int:
        """Numbers that training sets."""
        return sum(value.size for value in self.params.values())

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Scores of each class, before softmax.

        Parameters
        ----------
        x : ndarray of shape (N, C, H, W), of the network's dtype
            As many images as you like: they go through in groups, so that memory stays small.

        Returns
        -------
        scores : ndarray of shape (N, output_size)
        """
        self._expect_images(x)
        scores = np.empty((len(x), self.output_size), self.dtype)
        for start in range(0, len(x), PREDICT_BATCH):
            group = slice(start, start + PREDICT_BATCH)
            scores[group] = self._forward(x[group])
        return scores

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """Mean cross-entropy of images x (N, C, H, W) with labels t, (N,) or one-hot (N, output_size)."""
        return self.last_layer.forward(self.predict(x), t)

    def accuracy(self, x: np.ndarray, t: np.ndarray, batch_size: int = 100) -> float:
        """Share of the images whose highest score is that of the label, from 0 to 1; none is left out."""
        if not len(x) or batch_size < 1:
            raise ValueError(f"x holds {len(x)} images, batch_size is {batch_size}: expected 1 or more of both.")
        t = as_labels(t, len(x), self.output_size)
        starts = range(0, len(x), batch_size)
        right = sum(np.sum(self.predict(x[i : i + batch_size]).argmax(1) == t[i : i + batch_size]) for i in starts)
        return float(right / len(x))

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Gradient of the loss for every parameter, by backpropagation; `last_layer.loss` is the loss.

        Parameters
        ----------
        x, t
            As for `loss`; all images at once.

        Returns
        -------
        grads : dict of ndarray, with the names and shapes of `params`
        """
        self._expect_images(x)
        self.last_layer.forward(self._forward(x), t)
        dy = self.last_layer.backward()
        for layer in reversed(self.layers.values()):
            dy = layer.backward(dy)
        owners = {"1": self.layers["Conv1"], "2": self.layers["Affine1"], "3": self.layers["Affine2"]}
        return {name: owners[name[1]].grads[name[0].lower()] for name in self.params}

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Compute the same gradient by centred differences: slow, and for a network of float64 only."""
        return {name: numerical_gradient(lambda _: self.loss(x, t), value) for name, value in self.params.items()}

    def save_params(self, path: str | Path) -> None:
        """Write the parameters to a file, by NumPy's .npz format and under the name given."""
        with open(path, "wb") as file:
            np.savez(file, **self.params)

    def load_params(self, path: str | Path) -> None:
        """Read parameters that `save_params` wrote for a network of the same sizes and dtype.

        Raises
        ------
        ValueError
            If the file holds other names, shapes or dtypes; nothing is changed then.
        """
        with np.load(path, allow_pickle=False) as file:
            read = dict(file)
        held, wanted = _described(read), _described(self.params)
        if held != wanted:
            raise ValueError(
                f"{path} holds {held},\nexpected {wanted}: make the network with the sizes it was saved with."
            )
        self.params.update(read)

    def _forward(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def _expect_images(self, x):
        if getattr(x, "dtype", None) != self.dtype:
            kind = getattr(x, "dtype", type(x).__name__)
            raise TypeError(
                f"x is {kind}, expected {self.dtype}: use coursekit.data.as_float on bytes, else .astype(...)."
            )
        expect_shape("x", x, (len(x), *self.input_dim), "images as the network's input_dim says")


def _complete(conv_param):
    """Fill in what conv_param leaves out; refuse what it does not know."""
    unknown = set(conv_param or {}) - set(CONV_PARAM)
    if unknown:
        raise ValueError(
            f"conv_param has unknown keys {sorted(unknown)}, expected only {', '.join(CONV_PARAM)}. "
            "hidden_size, output_size and weight_init_std are arguments of their own."
        )
    return {**CONV_PARAM, **(conv_param or {})}


def _pooled_sizes(input_dim, conv):
    """Height and width after convolution and pooling; refuses sizes that do not divide."""
    if len(input_dim) != 3:
        raise ValueError(f"input_dim is {input_dim}, expected (C, H, W).")
    sizes = []
    for axis, size in zip(("height", "width"), input_dim[1:], strict=True):
        try:
            convolved = output_size(size, conv["filter_size"], conv["stride"], conv["pad"])
            sizes.append(output_size(convolved, 2, 2))
        except ValueError as error:
            raise ValueError(f"along the {axis} {size} of input_dim {tuple(input_dim)} with {conv}: {error}") from None
    return sizes


def _initial(shapes, std, rng, dtype):
    """Weights from a normal distribution, biases 0."""
    start = {"W": lambda shape: rng.normal(0.0, std, shape), "b": np.zeros}
    return Parameters({name: start[name[0]](shape).astype(dtype) for name, shape in shapes.items()})


def _layers(params, conv):
    return {
        "Conv1": Convolution(
            params["W1"], params["b1"], stride=conv["stride"], padding=conv["pad"], mode="strict", input_grad=False
        ),
        "Relu1": Relu(),
        "Pool1": MaxPooling(2, stride=2, mode="strict"),
        "Affine1": Affine(params["W2"], params["b2"]),
        "Relu2": Relu(),
        "Affine2": Affine(params["W3"], params["b3"]),
    }


def _described(arrays):
    return {name: f"{value.dtype} {value.shape}" for name, value in arrays.items()}
