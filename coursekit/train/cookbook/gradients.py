"""The length of the gradient, layer by layer, while a network is trained."""

from math import isfinite
from typing import Any

import torch
from torch import nn

__all__ = ["GradientNorms"]


class GradientNorms:
    """To be called as `on_gradients` by `fit_torch`: measures each convolution's kernels at evenly spaced steps.

    Parameters
    ----------
    steps : int
        Of the whole training.
    places : int
        At how many of them to measure, the first and the last included; where a length is not finite, none is kept.

    >>> sorted(GradientNorms(100, places=3).wanted)
    [0, 50, 99]
    """

    def __init__(self, steps: int, places: int = 9):
        self.wanted = {round(k * (steps - 1) / max(1, places - 1)) for k in range(places)}
        self.steps: list[int] = []
        self.layers: list[str] = []
        self.norms: list[list[float]] = []

    def __call__(self, step: int, network: nn.Module) -> None:
        """Measure, if it is one of the steps."""
        if step not in self.wanted:
            return
        kernels = {name: value for name, value in network.named_parameters() if value.ndim == 4}
        self.layers = [name.removesuffix(".weight") for name in kernels]
        norms = [float(value.grad.norm(dtype=torch.float64)) for value in kernels.values()]  # squares overflow sooner
        if all(map(isfinite, norms)):
            self.steps.append(step)
            self.norms.append(norms)

    def as_dict(self) -> dict[str, Any]:
        """Plain data: steps (S,), layers (L,) from the input on, norms (S, L).

        A norm is the Euclidean length of a kernel's gradient.
        """
        return {"steps": self.steps, "layers": self.layers, "norms": self.norms}
