"""Layers that remember: thin classes over the forward and backward functions.

`forward` keeps what `backward` needs; `backward` fills `grads`, whose names are those of `params`.
Here are the layers of the first network; more_layers.py has the others.
"""

import numpy as np

from coursekit.nn.activation import relu_backward, relu_forward
from coursekit.nn.conv import conv_backward, conv_forward
from coursekit.nn.dense import affine_backward, affine_forward
from coursekit.nn.loss import softmax_cross_entropy
from coursekit.nn.pool import max_pool_backward, max_pool_forward
from coursekit.shapes import Mode

__all__ = ["Affine", "Convolution", "Layer", "MaxPooling", "Relu", "SoftmaxWithLoss"]


class Layer:
    """What all layers share: parameters, their gradients, and the memory of the last forward pass.

    Attributes
    ----------
    params, grads : dict of ndarray
        What is learned, and its gradient from the last backward pass.
    buffers : dict of ndarray
        What is remembered but not learned, as the running statistics of batch norm.
    training : bool
        Whether to forward as in training (True at first, as in PyTorch). Only dropout and batch norm care; a network
        sets it for all its layers.
    """

    training = True

    def __init__(self, **params: np.ndarray):
        self.params: dict[str, np.ndarray] = params
        self.grads: dict[str, np.ndarray] = {}
        self.buffers: dict[str, np.ndarray] = {}
        self._cache = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name} {value.shape}' for name, value in self.params.items())})"

    def _remembered(self):
        if self._cache is None:
            raise RuntimeError(f"{type(self).__name__}.backward needs a forward pass first: call forward(x).")
        return self._cache


class Convolution(Layer):
    """Convolution with kernels w (F, C, *kernel) and bias b (F,); see `conv_forward`.

    Parameters
    ----------
    w : ndarray
    b : ndarray or None
        None where a batch norm follows, which would take the bias out again.
    stride, padding : int or one int per spatial axis
    dilation, groups
        As for `conv_forward`.
    mode : {"floor", "strict"}
    input_grad : bool
        False for the first layer of a network: `backward` then returns None instead of dx.
    """

    def __init__(
        self,
        w: np.ndarray,
        b: np.ndarray | None = None,
        *,
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        mode: Mode = "floor",
        input_grad: bool = True,
    ):
        super().__init__(**({"w": w} if b is None else {"w": w, "b": b}))
        self.input_grad = input_grad
        self.options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups, mode=mode)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> (N, F, *out)."""
        y, self._cache = conv_forward(x, **self.params, **self.options)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """(N, F, *out) -> (N, C, *spatial)."""
        dx, dw, db = conv_backward(dy, self._remembered(), input_grad=self.input_grad)
        self.grads = {"w": dw} if db is None else {"w": dw, "b": db}
        return dx


class Relu(Layer):
    """Zero for what is negative; see `relu_forward`."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        y, self._cache = relu_forward(x)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        return relu_backward(dy, self._remembered())


class MaxPooling(Layer):
    """The largest value of each window; see `max_pool_forward` for the parameters."""

    def __init__(
        self,
        window: int | tuple[int, ...],
        *,
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        mode: Mode = "floor",
    ):
        super().__init__()
        self.window, self.stride, self.padding, self.mode = window, stride, padding, mode

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> (N, C, *out)."""
        y, self._cache = max_pool_forward(x, self.window, stride=self.stride, padding=self.padding, mode=self.mode)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, C, *out) -> (N, C, *spatial)."""
        return max_pool_backward(dy, self._remembered())


class Affine(Layer):
    """Fully connected layer with weights w (D, M) and bias b (M,); see `affine_forward`."""

    def __init__(self, w: np.ndarray, b: np.ndarray):
        super().__init__(w=w, b=b)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, ...) -> (N, M)."""
        y, self._cache = affine_forward(x, **self.params)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, M) -> (N, ...)."""
        dx, dw, db = affine_backward(dy, self._remembered())
        self.grads = {"w": dw, "b": db}
        return dx


class SoftmaxWithLoss(Layer):
    """Softmax and cross-entropy, the last layer of a classifier; see `softmax_cross_entropy`.

    Attributes
    ----------
    loss : float or None
        Of the last forward pass.
    """

    def __init__(self):
        super().__init__()
        self.loss: float | None = None

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        """Scores (N, M) and labels, (N,) or one-hot (N, M) -> the mean loss."""
        self.loss, self._cache = softmax_cross_entropy(scores, labels)
        return self.loss

    def backward(self) -> np.ndarray:
        """Gradient with respect to the scores, (N, M)."""
        return self._remembered()
