"""Gradient checking that diagnoses: not only how far a gradient is off, but what mistake looks like that.

How a mistake is recognised by its numbers is told in `fingerprints`; `suspects` computes what well-known ones would
give. Here is what one asks: of one gradient, of several, of a layer, of a network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from coursekit.nn.fingerprints import DOUBTFUL, likely_cause, looks_misshapen
from coursekit.nn.gradcheck import GradientReport, expect_float64, make_report, slopes_of_each
from coursekit.nn.layers import Convolution, Layer, MaxPooling
from coursekit.nn.sequential import Sequential
from coursekit.nn.suspects import conv_suspects, max_pool_suspects

__all__ = [
    "Diagnoses",
    "Diagnosis",
    "diagnose_gradient",
    "diagnose_gradients",
    "diagnose_layer",
    "diagnose_network",
]

FINE = 1e-6  # relative error up to which a gradient counts as right


@dataclass(frozen=True)
class Diagnosis:
    """Whether one gradient is right, and what is likely wrong with it."""

    right: bool
    report: GradientReport | None  # None if the gradient is missing or has another shape
    cause: str  # empty if it is right

    def __repr__(self) -> str:
        if self.right:
            return f"right: {self.report!r}"
        verdict = "UNSURE" if self.cause in DOUBTFUL else "WRONG"
        return f"{verdict}: {self.cause}" + (f"; {self.report!r}" if self.report else "")


class Diagnoses(dict):
    """A Diagnosis for each parameter, by name."""

    @property
    def right(self) -> bool:
        """Whether all are right."""
        return all(diagnosis.right for diagnosis in self.values())

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {diagnosis!r}" for name, diagnosis in self.items())


def diagnose_gradient(
    f: Callable[[np.ndarray], float | np.ndarray],
    x: np.ndarray,
    gradient: np.ndarray | None,
    *,
    batch: int | None = None,
    suspects: Mapping[str, np.ndarray] | None = None,
    eps: float = 1e-5,
) -> Diagnosis:
    """Compare a gradient with centred differences in every element, and name the likely mistake.

    Parameters
    ----------
    f, x, eps
        As for `numerical_gradient`, x of float64. But f may also return one number for each image, which add up to
        the loss: so it can be told that a single image counted. Choose x at random, not round numbers, and a batch
        of 3 or 5 rather than 2: on others the fingerprints of two mistakes may agree.
    gradient : ndarray or None
        What the formula says; None for a gradient that was never computed.
    batch : int, optional
        Number of images N, to recognise a mean that was forgotten; as many as f returns if not given.
    suspects : dict of str to ndarray, optional
        Gradients that known mistakes would give, of the shape of x, by what to say: {"kernel not flipped": wrong_dx}.

    Returns
    -------
    diagnosis : Diagnosis

    Raises
    ------
    TypeError, ValueError
        As for `numerical_gradient`, or if gradient is not float64; another shape is a diagnosis, not an error.

    >>> x = np.array([1.0, -3.0])
    >>> diagnose_gradient(lambda x: np.sum(x**2), x, -2 * x).cause
    'the sign is wrong'
    """
    if gradient is None:
        return Diagnosis(False, None, "no gradient was given: it was forgotten")
    expect_float64("gradient", gradient)
    shares = slopes_of_each(f, x, eps)
    numeric = shares.sum(axis=0)
    if gradient.shape != x.shape:
        return Diagnosis(False, None, looks_misshapen(gradient, numeric))
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}: there is nothing to check.")
    report = make_report(list(np.ndindex(x.shape)), gradient.ravel(), numeric.ravel())
    tiny = np.abs(numeric).max(initial=0) < 1e-9 and np.abs(gradient).max(initial=0) < 1e-9  # both 0 but for rounding
    if report.relative_error <= FINE or tiny:
        return Diagnosis(True, report, "")
    cause = likely_cause(f, x, gradient, shares, batch=batch or len(shares), suspects=suspects, eps=eps)
    return Diagnosis(False, report, cause)


def diagnose_gradients(
    f: Callable[[np.ndarray], float | np.ndarray],
    params: Mapping[str, np.ndarray],
    gradients: Mapping[str, np.ndarray],
    *,
    batch: int | None = None,
    suspects: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    eps: float = 1e-5,
) -> Diagnoses:
    """Diagnose the gradient of each parameter by itself.

    Parameters
    ----------
    f : callable
        Returns the loss, or each image's part of it, for the parameters as they stand; its argument is the one being
        wiggled.
    params, gradients : dict of ndarray
        With the same names; a gradient that is missing is diagnosed as forgotten. Biases are called b, b1, b2, ...
    batch, eps
        As for `diagnose_gradient`.
    suspects : dict of dict, optional
        By the parameter's name.

    Returns
    -------
    diagnoses : Diagnoses
        A dict of Diagnosis, shown as one line for each.

    Raises
    ------
    ValueError
        If a gradient belongs to no parameter; else as for `diagnose_gradient`.

    >>> w = np.array([1.0, 2.0])
    >>> diagnose_gradients(lambda _: np.sum(w**2), {"w": w}, {"w": np.zeros(2)})["w"].cause
    'all zero: it was never computed'
    """
    if unknown := sorted(set(gradients) - set(params)):
        raise ValueError(f"gradients has {unknown}, which params lacks: there are {', '.join(params)}.")
    found = Diagnoses()
    for name, value in params.items():
        options = dict(batch=batch, suspects=(suspects or {}).get(name), eps=eps)
        gradient = gradients.get(name)
        found[name] = diagnose_gradient(f, value, gradient, **options)
        if name.rstrip("0123456789") == "b" and not found[name].right and (gradient is None or not gradient.any()):
            found[name] = replace(found[name], cause=f"the bias was forgotten: {found[name].cause}")
    return found


def diagnose_layer(layer: Layer, x: np.ndarray, *, seed: int | np.random.Generator = 0, eps: float = 1e-5) -> Diagnoses:
    """Diagnose what a layer's backward says of its input and its parameters, for a random gradient of its output.

    Parameters
    ----------
    layer : Layer
        One of ours, or your own: with forward, backward, params and grads, all of float64.
    x : ndarray of shape (N, ...), float64
        A small input; batch norm wants a batch, and ReLU no zeros.
    seed : int or Generator
        Draws the gradient of the output.
    eps : float

    Returns
    -------
    diagnoses : Diagnoses
        Of "x" and of each parameter. Of a convolution and of max pooling the well-known mistakes are named.

    Raises
    ------
    TypeError, ValueError
        As for `diagnose_gradients`, or as the layer's forward does.

    >>> from coursekit.nn import Affine
    >>> rng = np.random.default_rng(0)
    >>> diagnose_layer(Affine(rng.normal(size=(4, 2)), np.zeros(2)), rng.normal(size=(3, 4))).right
    True
    """
    forward = _repeatable(layer)
    y = forward(x)
    dy = np.random.default_rng(seed).normal(size=y.shape)
    gradients = {"x": layer.backward(dy), **layer.grads}
    inputs = {"x": x, **layer.params}
    if isinstance(layer, Convolution) and not layer.input_grad:  # a first layer: nobody asks for dx
        del inputs["x"], gradients["x"]

    def loss_of_each_image(_):
        return (forward(x) * dy).reshape(len(x), -1).sum(axis=1)

    return diagnose_gradients(loss_of_each_image, inputs, gradients, suspects=_suspects_of(layer, x, dy), eps=eps)


def diagnose_network(network: Sequential, x: np.ndarray, t: np.ndarray, *, eps: float = 1e-5) -> Diagnoses:
    """Diagnose all gradients of a network in training, with the same dropout throughout.

    Parameters
    ----------
    network : Sequential
        Of float64, and small: every parameter is wiggled.
    x, t
        As for `network.loss`.
    eps : float

    Returns
    -------
    diagnoses : Diagnoses

    Raises
    ------
    TypeError, ValueError
        As for `diagnose_gradients`.
    """
    loss = network.training_loss(x, t, each_image=True)
    states = {layer: layer.rng.bit_generator.state for layer in network.layers.values() if hasattr(layer, "rng")}
    gradients = network.gradient(x, t)
    for layer, state in states.items():  # so that the loss draws what the gradient drew
        layer.rng.bit_generator.state = state
    return diagnose_gradients(lambda _: loss(), network.params, gradients, batch=len(x), eps=eps)


def _repeatable(layer):
    """The layer's forward, drawing the same random numbers each time and leaving its running statistics alone."""
    state = layer.rng.bit_generator.state if hasattr(layer, "rng") else None
    buffers = {name: value.copy() for name, value in getattr(layer, "buffers", {}).items()}

    def forward(x):
        if state:
            layer.rng.bit_generator.state = state
        y = layer.forward(x)
        for name, value in buffers.items():
            layer.buffers[name][...] = value
        return y

    return forward


def _suspects_of(layer, x, dy):
    """Well-known mistakes, where the layer is of a kind that has some."""
    if isinstance(layer, Convolution):
        options = {name: value for name, value in layer.options.items() if name != "mode"}
        return conv_suspects(x, layer.params["w"], dy, **options)
    if isinstance(layer, MaxPooling):
        return max_pool_suspects(x, dy, layer.window, stride=layer.stride, padding=layer.padding)
    return {}
