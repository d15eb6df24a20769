"""Gradient checking that diagnoses: not only how far a gradient is off, but what mistake looks like that.

Most slips leave a fingerprint in the numbers: all of them N times too large, all turned round, right only where a
single window meets a pixel. Each function `_looks_...` knows one; the first that matches is named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from coursekit.nn.gradcheck import GradientReport, expect_float64, make_report, numerical_gradient
from coursekit.nn.sequential import Sequential

__all__ = ["Diagnoses", "Diagnosis", "diagnose_gradient", "diagnose_gradients", "diagnose_network"]

FINE = 1e-6  # relative error up to which a gradient counts as right
CLOSE = 1e-5  # relative error up to which a suspect counts as met


@dataclass(frozen=True)
class Diagnosis:
    """Whether one gradient is right, and what is likely wrong with it."""

    right: bool
    report: GradientReport | None  # None if the gradient is missing or has another shape
    cause: str  # empty if it is right

    def __repr__(self) -> str:
        if self.right:
            return f"right: {self.report!r}"
        return f"WRONG: {'; '.join(filter(None, [self.cause, repr(self.report) if self.report else '']))}"


class Diagnoses(dict):
    """A Diagnosis for each parameter, by name."""

    @property
    def right(self) -> bool:
        """Whether all are right."""
        return all(diagnosis.right for diagnosis in self.values())

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {diagnosis!r}" for name, diagnosis in self.items())


def diagnose_gradient(
    f: Callable[[np.ndarray], float],
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
        As for `numerical_gradient`: x is of float64, f returns one number. Choose x at random, not round numbers: the
        fingerprints of two mistakes can agree on them.
    gradient : ndarray or None
        What the formula says; None for a gradient that was never computed.
    batch : int, optional
        Number of images N, to recognise a mean that was forgotten.
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
    numeric = numerical_gradient(f, x, eps)
    if gradient.shape != x.shape:
        return Diagnosis(False, None, _looks_misshapen(gradient, numeric))
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}: there is nothing to check.")
    report = make_report(list(np.ndindex(x.shape)), gradient.ravel(), numeric.ravel())
    tiny = np.abs(numeric).max(initial=0) < 1e-9 and np.abs(gradient).max(initial=0) < 1e-9  # both 0 but for rounding
    if report.relative_error <= FINE or tiny:
        return Diagnosis(True, report, "")
    return Diagnosis(False, report, _cause(f, x, gradient, numeric, batch, suspects or {}, eps))


def diagnose_gradients(
    f: Callable[[np.ndarray], float],
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
        Returns the loss, for the parameters as they stand; its argument is the one being wiggled.
    params, gradients : dict of ndarray
        With the same names; a gradient that is missing is diagnosed as forgotten.
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
        found[name] = diagnose_gradient(f, value, gradients.get(name), **options)
    return found


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
    loss = network.training_loss(x, t)
    states = {layer: layer.rng.bit_generator.state for layer in network.layers.values() if hasattr(layer, "rng")}
    gradients = network.gradient(x, t)
    for layer, state in states.items():  # so that the loss draws what the gradient drew
        layer.rng.bit_generator.state = state
    return diagnose_gradients(lambda _: loss(), network.params, gradients, batch=len(x), eps=eps)


def _cause(f, x, gradient, numeric, batch, suspects, eps):
    """What the first fingerprint that matches says."""
    if not np.isfinite(gradient).all():
        return "it holds nan or inf: a division by 0, or an overflow"
    if not gradient.any():
        return "all zero: it was never computed"
    for name, wrong in suspects.items():
        if _alike(gradient, wrong):
            return name
    return (
        _looks_scaled(gradient, numeric, batch)
        or _looks_moved(gradient, numeric)
        or _looks_kinked(f, x, gradient, numeric, eps)
        or _looks_partial(gradient, numeric)
        or "no known mistake looks like this: check the formula on one number by hand"
    )


def _alike(a, b):
    scale = np.abs(b).max(initial=0)
    return a.shape == b.shape and scale > 0 and np.abs(a - b).max() <= CLOSE * scale


def _looks_misshapen(gradient, numeric):
    shapes = f"it has shape {gradient.shape}, expected {numeric.shape}"
    if gradient.ndim == numeric.ndim and _alike(gradient.T, numeric):
        return f"{shapes}: transposed"
    if gradient.ndim > numeric.ndim:
        for kept in (range(gradient.ndim - numeric.ndim, gradient.ndim), [1]):  # the last axes; or channels
            others = tuple(axis for axis in range(gradient.ndim) if axis not in kept)
            if _alike(gradient.sum(axis=others), numeric):
                return f"{shapes}: not summed over axes {others}, the batch and whatever shares the parameter"
    return shapes


def _looks_scaled(gradient, numeric, batch):
    """All elements off by one factor."""
    factor = float(np.vdot(numeric, gradient) / max(np.vdot(numeric, numeric), 1e-300))
    if not factor or not _alike(gradient, factor * numeric):
        return ""
    if _near(factor, -1):
        return "the sign is wrong"
    if batch and batch > 1 and _near(factor, batch):
        return f"{batch} times too large: the loss is a mean over {batch} images, divide by {batch}"
    if batch and batch > 1 and _near(factor, 1 / batch):
        return f"{batch} times too small: divided by the number of images twice, or averaged where one sums"
    return f"off by the factor {factor:.4g} throughout: a constant was forgotten, or counted twice"


def _near(a, b):
    return abs(a - b) <= CLOSE * abs(b)


def _looks_moved(gradient, numeric):
    """The right numbers in the wrong places."""
    spatial = tuple(range(2, numeric.ndim))
    if spatial and _alike(gradient, np.flip(numeric, spatial)):
        return "the kernel is turned round: flip once too often, or not at all"
    swapped = [(a, b) for a in range(numeric.ndim) for b in range(a) if numeric.shape[a] == numeric.shape[b]]
    for a, b in swapped:
        if _alike(gradient, np.swapaxes(numeric, a, b)):
            return f"transposed: axes {b} and {a} are exchanged"
    for axis in spatial:
        for step in (1, -1):
            if numeric.shape[axis] > 2 and _alike(_cut(gradient, axis, step), _cut(numeric, axis, -step)):
                return f"shifted by one pixel along axis {axis}: padding or stride is off by one"
    return ""


def _cut(array, axis, step):
    """Without the first element along the axis (step 1) or the last (step -1)."""
    return np.delete(array, 0 if step > 0 else -1, axis)


def _wrong(gradient, numeric):
    return np.abs(gradient - numeric) > CLOSE * np.abs(numeric).max(initial=0)


def _looks_kinked(f, x, gradient, numeric, eps):
    """Few elements off, and there the slope to the left differs from that to the right."""
    places = np.argwhere(_wrong(gradient, numeric))
    if len(places) > 10:  # a kink is rare: do not look at all
        places = places[:: max(1, len(places) // 10)]
    bends = [_bend(f, x, tuple(place), eps) > CLOSE * np.abs(numeric).max(initial=0) * 10 for place in places]
    if not all(bends):
        return ""
    return "a kink (ReLU at 0, a tie in a window) within eps: the numbers may be right, test away from it"


def _bend(f, x, place, eps):
    """How much the slopes on either side differ; 0 where that is a curve's doing, which halves with eps."""
    kept, bends = x[place], []
    try:
        for step in (eps, eps / 2):
            values = []
            for x[place] in (kept - step, kept, kept + step):
                values.append(float(f(x)))
            bends.append(abs(values[0] - 2 * values[1] + values[2]) / step)
    finally:
        x[place] = kept
    return 0.0 if abs(bends[1] - bends[0] / 2) < 0.05 * bends[0] else max(bends)


def _looks_partial(gradient, numeric):
    """Some elements right, others not: which ones tells the mistake."""
    wrong = _wrong(gradient, numeric)
    if wrong.all():
        return ""
    count = f"{wrong.sum()} of {wrong.size} elements are wrong"
    if numeric.ndim > 2:
        edge = np.ones(numeric.shape, dtype=bool)
        edge[(slice(None), slice(None), *(slice(1, -1) for _ in numeric.shape[2:]))] = False
        if not wrong[~edge].any():
            return f"{count}, all at the edge: look at the padding"
        return f"{count}, the others right: `=` where windows overlap and `+=` is meant?"
    return f"{count}, the others right: `=` where several uses add up and `+=` is meant, or a missing case?"
