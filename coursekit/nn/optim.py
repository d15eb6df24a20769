"""Optimisers: rules that turn gradients into steps."""

from collections.abc import Mapping

import numpy as np

from coursekit.nn._checks import expect_shape

__all__ = ["Adam"]


class Adam:
    """Step along a running mean of the gradient, divided by the root of a running mean of its square.

    Parameters
    ----------
    params : dict of ndarray
        Updated in place by `step`.
    lr : float
        Learning rate; may be changed between steps.
    beta1, beta2 : float
        How much of the old means a step keeps.
    eps : float
        Keeps the division finite.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.

    >>> params = {"w": np.array([1.0, -2.0])}
    >>> Adam(params, lr=0.1).step({"w": np.array([30.0, -0.5])})
    >>> params["w"]         # the first step is lr long, however steep the slope
    array([ 0.9, -1.9])
    """

    def __init__(
        self,
        params: Mapping[str, np.ndarray],
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ):
        self.params, self.lr, self.beta1, self.beta2, self.eps = params, lr, beta1, beta2, eps
        self.steps = 0
        self._mean = {name: np.zeros_like(value) for name, value in params.items()}
        self._square = {name: np.zeros_like(value) for name, value in params.items()}

    def step(self, gradients: Mapping[str, np.ndarray]) -> None:
        """Take one step against the gradients, which have the names and shapes of the parameters.

        Raises
        ------
        ValueError
            If a gradient is missing, or one too many, or has another shape than its parameter.
        """
        if gradients.keys() != self.params.keys():
            raise ValueError(f"gradients has {sorted(gradients)}, expected {sorted(self.params)}.")
        for name, value in self.params.items():
            expect_shape(f"gradients[{name!r}]", gradients[name], value.shape, "the shape of its parameter")
        self.steps += 1
        for name, value in self.params.items():
            self._update(value, gradients[name], self._mean[name], self._square[name])

    def _update(self, value, gradient, mean, square):
        mean += (1 - self.beta1) * (gradient - mean)
        square += (1 - self.beta2) * (gradient * gradient - square)
        unbiased = 1 - self.beta1**self.steps, 1 - self.beta2**self.steps  # both means start from 0: too small
        value -= self.lr / unbiased[0] * mean / (np.sqrt(square / unbiased[1]) + self.eps)
