"""More layers that remember: other poolings, activations and normalisations, dropout, and the SVM's loss."""

import numpy as np

from coursekit.nn.activation import (
    elu_backward,
    elu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from coursekit.nn.dropout import dropout_backward, dropout_forward, expect_rate
from coursekit.nn.fractional import fractional_max_pool_backward, fractional_max_pool_forward
from coursekit.nn.layers import Layer
from coursekit.nn.loss import svm_loss
from coursekit.nn.norm import (
    RunningStatistics,
    batch_norm_backward,
    batch_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
)
from coursekit.nn.pool_average import (
    average_pool_backward,
    average_pool_forward,
    global_average_pool_backward,
    global_average_pool_forward,
    l2_pool_backward,
    l2_pool_forward,
)
from coursekit.nn.response_norm import local_response_norm_backward, local_response_norm_forward

__all__ = [
    "AveragePooling",
    "BatchNorm",
    "Dropout",
    "Elu",
    "FractionalMaxPooling",
    "GlobalAveragePooling",
    "L2Pooling",
    "LayerNorm",
    "LeakyRelu",
    "LocalResponseNorm",
    "Sigmoid",
    "SvmLoss",
    "Tanh",
]


class AveragePooling(Layer):
    """The mean of each window; see `average_pool_forward` for the options."""

    def __init__(self, window: int | tuple[int, ...], **options):
        super().__init__()
        self.window, self.options = window, options

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> (N, C, *out)."""
        y, self._cache = average_pool_forward(x, self.window, **self.options)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, C, *out) -> (N, C, *spatial)."""
        return average_pool_backward(dy, self._remembered())


class L2Pooling(Layer):
    """The length of each window; see `l2_pool_forward` for the options."""

    def __init__(self, window: int | tuple[int, ...], **options):
        super().__init__()
        self.window, self.options = window, options

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> (N, C, *out)."""
        y, self._cache = l2_pool_forward(x, self.window, **self.options)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, C, *out) -> (N, C, *spatial)."""
        return l2_pool_backward(dy, self._remembered())


class GlobalAveragePooling(Layer):
    """The mean of each map; see `global_average_pool_forward`."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> (N, C)."""
        y, self._cache = global_average_pool_forward(x)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, C) -> (N, C, *spatial)."""
        return global_average_pool_backward(dy, self._remembered())


class FractionalMaxPooling(Layer):
    """The largest value of each cell of a grid drawn anew for each forward pass; see `fractional_max_pool_forward`.

    It is drawn in use too: average the predictions of several passes.
    """

    def __init__(self, out: int | tuple[int, ...], seed: int | np.random.Generator, *, overlapping: bool = False):
        super().__init__()
        self.out, self.rng, self.overlapping = out, np.random.default_rng(seed), overlapping

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> (N, C, *out)."""
        y, self._cache = fractional_max_pool_forward(x, self.out, self.rng, overlapping=self.overlapping)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, C, *out) -> (N, C, *spatial)."""
        return fractional_max_pool_backward(dy, self._remembered())


class LeakyRelu(Layer):
    """A little slope for what is negative; see `leaky_relu_forward`."""

    def __init__(self, slope: float = 0.01):
        super().__init__()
        self.slope = slope

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        y, self._cache = leaky_relu_forward(x, self.slope)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        return leaky_relu_backward(dy, self._remembered())


class Elu(Layer):
    """An exponential for what is negative; see `elu_forward`."""

    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self.alpha = alpha

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        y, self._cache = elu_forward(x, self.alpha)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        return elu_backward(dy, self._remembered())


class Sigmoid(Layer):
    """Squeeze to between 0 and 1; see `sigmoid_forward`."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        y, self._cache = sigmoid_forward(x)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        return sigmoid_backward(dy, self._remembered())


class Tanh(Layer):
    """Squeeze to between -1 and 1; see `tanh_forward`."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        y, self._cache = tanh_forward(x)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        return tanh_backward(dy, self._remembered())


class BatchNorm(Layer):
    """Each channel with mean 0 and deviation 1 over the batch, then scaled and shifted; see `batch_norm_forward`.

    Parameters
    ----------
    gamma, beta : ndarray of shape (C,)
        Start them at 1 and 0.
    momentum : float
        Share of the new batch in the running statistics.
    eps : float

    Attributes
    ----------
    buffers : dict
        running_mean and running_variance, (C,), which start at 0 and 1 as in PyTorch; updated in training.
    """

    def __init__(self, gamma: np.ndarray, beta: np.ndarray, *, momentum: float = 0.1, eps: float = 1e-5):
        super().__init__(gamma=gamma, beta=beta)
        self.buffers = {"running_mean": np.zeros_like(gamma), "running_variance": np.ones_like(gamma)}
        self.momentum, self.eps = momentum, eps

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> the same shape."""
        running = RunningStatistics(*self.buffers.values())
        options = dict(training=self.training, momentum=self.momentum, eps=self.eps)
        y, self._cache = batch_norm_forward(x, **self.params, running=running, **options)
        for old, new in zip(running, self._cache.running, strict=True):
            old[...] = new
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        dx, dgamma, dbeta = batch_norm_backward(dy, self._remembered())
        self.grads = {"gamma": dgamma, "beta": dbeta}
        return dx


class LayerNorm(Layer):
    """Each image with mean 0 and deviation 1, then scaled and shifted; see `layer_norm_forward`."""

    def __init__(self, gamma: np.ndarray, beta: np.ndarray, *, eps: float = 1e-5):
        super().__init__(gamma=gamma, beta=beta)
        self.eps = eps

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, ..., *shape of gamma) -> the same shape."""
        y, self._cache = layer_norm_forward(x, **self.params, eps=self.eps)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        dx, dgamma, dbeta = layer_norm_backward(dy, self._remembered())
        self.grads = {"gamma": dgamma, "beta": dbeta}
        return dx


class LocalResponseNorm(Layer):
    """Channels that damp their neighbours; see `local_response_norm_forward` for the options."""

    def __init__(self, **options):
        super().__init__()
        self.options = options

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) -> the same shape."""
        y, self._cache = local_response_norm_forward(x, **self.options)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        return local_response_norm_backward(dy, self._remembered())


class Dropout(Layer):
    """Zero for a random share of the values, drawn anew for each forward pass in training; see `dropout_forward`."""

    def __init__(self, rate: float, seed: int | np.random.Generator):
        super().__init__()
        expect_rate(rate)
        self.rate, self.rng = rate, np.random.default_rng(seed)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        y, self._cache = dropout_forward(x, self.rate, self.rng, training=self.training)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape -> the same shape."""
        return dropout_backward(dy, self._remembered())


class SvmLoss(Layer):
    """The multiclass SVM's hinge, another last layer of a classifier; see `svm_loss`.

    Attributes
    ----------
    loss : float or None
        Of the last forward pass.
    """

    def __init__(self, margin: float = 1.0):
        super().__init__()
        self.margin, self.loss = margin, None

    def forward(self, scores: np.ndarray, labels: np.ndarray) -> float:
        """Scores (N, M) and labels, (N,) or one-hot (N, M) -> the mean loss."""
        self.loss, self._cache = svm_loss(scores, labels, margin=self.margin)
        return self.loss

    def backward(self) -> np.ndarray:
        """Gradient with respect to the scores, (N, M)."""
        return self._remembered()
