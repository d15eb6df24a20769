"""Optimisers: rules that turn gradients into steps.

All agree with PyTorch's rule of the same name, also when the learning rate changes between steps. Each says how many
numbers it keeps per parameter (`slots`), besides the parameter and its gradient.

Weight decay pulls every parameter towards 0, biases and gammas too. It is an L2 penalty: the loss grows by half of
weight_decay times the sum of squares, so the gradient grows by weight_decay * w. The rules that divide the gradient
by its usual size (AdaGrad, RMSProp, Adam) divide this pull along with it, and decay least what has steep slopes;
`Adam(..., decoupled=True)`, known as AdamW, pulls outside the gradient instead.
"""

from collections.abc import Mapping

import numpy as np

from coursekit.nn._checks import expect_shape, one_float_type

__all__ = ["SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "Optimiser", "RMSProp"]


class Optimiser:
    """What all rules share: parameters, a learning rate, and the numbers kept for each parameter.

    Parameters
    ----------
    params : dict of ndarray
        Updated in place by `step`.
    lr : float
        Learning rate, 0 or more; may be changed between steps.
    weight_decay : float
        Strength of the L2 penalty, 0 or more, as PyTorch's.

    Attributes
    ----------
    slots : int
        Numbers kept per parameter. Training holds 2 + slots: parameter, gradient, and these.
    steps : int
        Steps taken.
    """

    slots = 0

    def __init__(self, params: Mapping[str, np.ndarray], lr: float, *, weight_decay: float = 0.0):
        if not lr >= 0:
            raise ValueError(f"lr is {lr}, expected 0 or more: steps go against the gradient.")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay is {weight_decay}, expected 0 or more: it pulls towards 0.")
        for name, value in params.items():
            one_float_type(**{f"params[{name!r}]": value})
        self.params, self.lr, self.weight_decay, self.steps = params, lr, weight_decay, 0
        self._kept = {name: [np.zeros_like(value) for _ in range(self.slots)] for name, value in params.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lr={self.lr:g}, {self.steps} steps, {2 + self.slots} numbers per parameter)"

    def step(self, gradients: Mapping[str, np.ndarray]) -> None:
        """Take one step against the gradients, which have the names and shapes of the parameters.

        Raises
        ------
        TypeError, ValueError
            If a gradient is missing, or one too many, or has another dtype or shape than its parameter; no
            parameter is changed then.
        """
        if gradients.keys() != self.params.keys():
            raise ValueError(f"gradients has {sorted(gradients)}, expected {sorted(self.params)}.")
        for name, value in self.params.items():
            one_float_type(**{f"gradients[{name!r}]": gradients[name], f"params[{name!r}]": value})
            expect_shape(f"gradients[{name!r}]", gradients[name], value.shape, "the shape of its parameter")
        self.steps += 1
        for name, value in self.params.items():
            gradient = self._decayed(value, gradients[name]) if self.weight_decay else gradients[name]
            self._update(value, gradient, *self._kept[name])

    def _decayed(self, value, gradient):
        """Gradient of the loss and the L2 penalty together."""
        return gradient + self.weight_decay * value

    def _update(self, value, gradient, *kept):
        raise NotImplementedError("each rule has its own")


class SGD(Optimiser):
    """Step straight down the slope: w -= lr * gradient.

    With weight decay a step also shrinks w by the factor 1 - lr * weight_decay; here, and here alone, penalty and
    shrinking are the same thing.

    Parameters
    ----------
    params, lr, weight_decay
        As for `Optimiser`.

    Source: Robbins & Monro (1951), "A stochastic approximation method".

    >>> params = {"w": np.array([1.0, -2.0])}
    >>> SGD(params, lr=0.1).step({"w": np.array([30.0, -0.5])})
    >>> params["w"]
    array([-2.  , -1.95])
    """

    def __init__(self, params: Mapping[str, np.ndarray], lr: float = 0.01, *, weight_decay: float = 0.0):
        super().__init__(params, lr, weight_decay=weight_decay)

    def _update(self, value, gradient):
        value -= self.lr * gradient


class Momentum(Optimiser):
    """Let the gradient push a velocity: v = momentum * v + gradient; w -= lr * v.

    The paper and the book by Saito put lr into v (v = momentum * v - lr * gradient; w += v). That is the same as long
    as lr is constant; after a change, here as in PyTorch, the new lr holds for all of v at once.

    Parameters
    ----------
    params, lr, weight_decay
        As for `Optimiser`; the pull of the decay gathers in v like the gradient.
    momentum : float
        Share of the velocity that a step keeps, 0 or more and less than 1.

    Source: Polyak (1964), "Some methods of speeding up the convergence of iteration methods"; Sutskever et al.
    (2013), "On the importance of initialization and momentum in deep learning", section 2.

    >>> params = {"w": np.array([0.0])}
    >>> optimiser = Momentum(params, lr=1.0, momentum=0.5)
    >>> for _ in range(2):
    ...     optimiser.step({"w": np.array([1.0])})
    >>> params["w"]         # the second step was 1.5 long
    array([-2.5])
    """

    slots = 1

    def __init__(
        self, params: Mapping[str, np.ndarray], lr: float = 0.01, momentum: float = 0.9, *, weight_decay: float = 0.0
    ):
        super().__init__(params, lr, weight_decay=weight_decay)
        self.momentum = _share("momentum", momentum)

    def _update(self, value, gradient, velocity):
        velocity *= self.momentum
        velocity += gradient
        value -= self.lr * velocity


class Nesterov(Momentum):
    """Momentum that looks ahead: the step uses the velocity as it will be after one more push by this gradient.

    The paper takes the gradient at the place where the velocity leads. Written in terms of that place, as here and in
    PyTorch, the gradient is taken where the parameters stand.

    Parameters
    ----------
    params, lr, momentum, weight_decay
        As for `Momentum`.

    Source: Nesterov (1983); in this form Bengio, Boulanger-Lewandowski & Pascanu (2013), "Advances in optimizing
    recurrent networks", section 3.5.

    >>> params = {"w": np.array([0.0])}
    >>> Nesterov(params, lr=1.0, momentum=0.5).step({"w": np.array([1.0])})
    >>> params["w"]
    array([-1.5])
    """

    def _update(self, value, gradient, velocity):
        velocity *= self.momentum
        velocity += gradient
        value -= self.lr * (gradient + self.momentum * velocity)


class AdaGrad(Optimiser):
    """Divide each element's step by the root of the sum of ALL its squared gradients: steps only ever shrink.

    Parameters
    ----------
    params, lr, weight_decay
        As for `Optimiser`.
    eps : float
        Keeps the division finite.

    Source: Duchi, Hazan & Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization", figure 1.

    >>> params = {"w": np.array([1.0, -2.0])}
    >>> AdaGrad(params, lr=0.1).step({"w": np.array([30.0, -0.5])})
    >>> params["w"]
    array([ 0.9, -1.9])
    """

    slots = 1

    def __init__(
        self, params: Mapping[str, np.ndarray], lr: float = 0.01, eps: float = 1e-10, *, weight_decay: float = 0.0
    ):
        super().__init__(params, lr, weight_decay=weight_decay)
        self.eps = _small("eps", eps)

    def _update(self, value, gradient, square):
        square += gradient * gradient
        value -= self.lr * gradient / (np.sqrt(square) + self.eps)


class RMSProp(Optimiser):
    """Divide each element's step by the root of a RUNNING mean of its squared gradients: old ones are forgotten.

    Parameters
    ----------
    params, lr, weight_decay
        As for `Optimiser`.
    decay : float
        How much of the old mean a step keeps (PyTorch's alpha; 0.9 in the lecture), 0 or more and less than 1.
    eps : float
        Keeps the division finite.

    Source: Tieleman & Hinton (2012), Coursera "Neural networks for machine learning", lecture 6.5.

    >>> params = {"w": np.array([0.0])}
    >>> RMSProp(params, lr=0.1, decay=0.75).step({"w": np.array([3.0])})
    >>> params["w"]         # the mean starts at 0, so the first step is too long
    array([-0.2])
    """

    slots = 1

    def __init__(
        self,
        params: Mapping[str, np.ndarray],
        lr: float = 0.01,
        decay: float = 0.99,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr, weight_decay=weight_decay)
        self.decay, self.eps = _share("decay", decay), _small("eps", eps)

    def _update(self, value, gradient, square):
        square += (1 - self.decay) * (gradient * gradient - square)
        value -= self.lr * gradient / (np.sqrt(square) + self.eps)


class Adam(Optimiser):
    """Step along a running mean of the gradient, divided by the root of a running mean of its square.

    Parameters
    ----------
    params, lr, weight_decay
        As for `Optimiser`.
    beta1, beta2 : float
        How much of the old means a step keeps, 0 or more and less than 1.
    eps : float
        Keeps the division finite.
    decoupled : bool
        True is AdamW: shrink w by the factor 1 - lr * weight_decay, and keep the decay out of the means.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1; Loshchilov & Hutter (2019),
    "Decoupled weight decay regularization", algorithm 2.

    >>> params = {"w": np.array([1.0, -2.0])}
    >>> Adam(params, lr=0.1).step({"w": np.array([30.0, -0.5])})
    >>> params["w"]         # the first step is lr long, however steep the slope
    array([ 0.9, -1.9])
    """

    slots = 2

    def __init__(
        self,
        params: Mapping[str, np.ndarray],
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        decoupled: bool = False,
    ):
        super().__init__(params, lr, weight_decay=weight_decay)
        self.beta1, self.beta2, self.eps = _share("beta1", beta1), _share("beta2", beta2), _small("eps", eps)
        self.decoupled = decoupled

    def _decayed(self, value, gradient):
        if not self.decoupled:
            return super()._decayed(value, gradient)
        value *= 1 - self.lr * self.weight_decay
        return gradient

    def _update(self, value, gradient, mean, square):
        mean += (1 - self.beta1) * (gradient - mean)
        step = gradient * gradient  # from here on in place: half the time of a step is spent on new memory
        step -= square
        step *= 1 - self.beta2
        square += step
        unbiased = 1 - self.beta1**self.steps, 1 - self.beta2**self.steps  # both means start from 0: too small
        np.sqrt(np.divide(square, unbiased[1], out=step), out=step)
        step += self.eps
        np.divide(mean, step, out=step)
        step *= self.lr / unbiased[0]
        value -= step


def _share(name, value):
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value}, expected 0 or more and less than 1: the share of the old that is kept.")
    return value


def _small(name, value):
    if not value >= 0:
        raise ValueError(f"{name} is {value}, expected a small number such as 1e-8: it keeps a division finite.")
    return value
