"""What stands on a network's card; the cards themselves are in `_early_cards` and `_deep_cards`."""

from dataclasses import dataclass
from functools import cached_property

__all__ = ["Card"]


@dataclass(frozen=True)
class Card:
    """Facts about one network.

    Attributes
    ----------
    name, title : str
        What `build` calls it, and what people do.
    year : int
    paper : str
        Authors, title, venue; arXiv number where there is one.
    input_shape : (C, H, W)
        What it was made for; C planes of H x W pixels.
    classes : int
    depth : int
        Layers with weights, as the paper counts them.
    published_error : str
        In percent, with the conditions under which it was measured.
    departures : tuple of str
        Where the build here differs from the paper, a sentence each.
    """

    name: str
    title: str
    year: int
    paper: str
    input_shape: tuple[int, int, int]
    classes: int
    depth: int
    published_error: str
    departures: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that `build` takes for it."""
        from coursekit.models.registry import options

        return options(self.name)

    @property
    def parameters(self) -> int:
        """Trainable numbers of the network as built without options: counted, not typed."""
        return self._totals.parameters

    @property
    def macs(self) -> int:
        """Multiply-adds for one image of `input_shape`: counted, not typed."""
        return self._totals.macs

    @cached_property
    def _totals(self):
        from coursekit.models import table

        return table(self.name).totals

    def __str__(self) -> str:
        """Everything on it, a line each."""
        lines = {
            "paper": self.paper,
            "input": " x ".join(map(str, self.input_shape)) + f", {self.classes} classes",
            "depth": f"{self.depth} layers with weights",
            "size": f"{self.parameters:,} parameters, {self.macs:,} multiply-adds",
            "error": self.published_error,
            "options": ", ".join(self.options),
        }
        text = [f"{self.title} ({self.year})", *(f"  {key:<8}{value}" for key, value in lines.items())]
        return "\n".join([*text, *(f"  {'departs' if not k else '':<8}{it}" for k, it in enumerate(self.departures))])
