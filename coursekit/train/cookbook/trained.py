"""What training a recipe's network leaves, whichever library did it."""

from typing import Any, NamedTuple

from coursekit.train.history import History

__all__ = ["Trained"]


class Trained(NamedTuple):
    """The network, what happened, gradients as `GradientNorms.as_dict` gives them, and where it diverged, if it did."""

    network: Any
    history: History
    gradients: dict[str, Any]
    diverged: int | None = None
