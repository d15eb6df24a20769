"""The networks side by side: how old, how deep, how large, how costly, how good, how fast here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from torch import nn

from coursekit.models.accounting import table
from coursekit.models.registry import build, card
from coursekit.models.render import Form, render
from coursekit.shapes import binary_size

__all__ = ["Compared", "Comparison", "compare", "forward_seconds", "published_top5"]

DEFAULT = (
    *("alexnet", "zfnet", "vgg16", "vgg19", "googlenet"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
)


REPEATS = 5  # timed forward passes, of which the median counts

# how the cards word an error that can be compared: of one network, on the validation pictures of ILSVRC
WORDING = re.compile(r"top-5 (?P<top5>[\d.]+) % on ILSVRC-\d+ validation, (?P<conditions>[^;]+)")


def published_top5(name: str) -> tuple[float, str] | None:
    """The top-5 error on ImageNet, in per cent, and how it came about; None where the card of the network has none.

    It is that of ONE network, without the ensembles that took part in the challenge.

    >>> published_top5("alexnet"), published_top5("lenet5")
    ((18.2, 'one network, ten crops'), None)
    """
    found = WORDING.match(card(name).published_error)
    return (float(found["top5"]), found["conditions"]) if found else None


@dataclass(frozen=True)
class Compared:
    """One network of a comparison; memory in bytes of float32, for one picture."""

    name: str
    title: str
    year: int
    depth: int
    parameters: int
    macs: int
    parameter_bytes: int
    activation_bytes: int
    top5: float | None  # published error, in per cent
    conditions: str | None  # under which it was measured
    seconds: float | None  # one forward pass of one picture; None if it was not measured


@dataclass(frozen=True)
class Comparison:
    """Networks side by side; shows itself in a notebook, a terminal and Markdown."""

    rows: tuple[Compared, ...]
    threads: int | None  # that measured the seconds

    def to_text(self) -> str:
        """Write the table for a terminal."""
        return self._render("text")

    def to_markdown(self) -> str:
        """Write the table as Markdown."""
        return self._render("markdown")

    def _repr_html_(self) -> str:
        return self._render("html")

    def __str__(self) -> str:
        return self.to_text()

    def _render(self, form: Form) -> str:
        headers = [
            "network",
            "year",
            "depth",
            "parameters",
            "GMAC",
            "weights",
            "activations",
            "top-5 error %",
            "measured with",
        ]
        align = "lrrrrrrrl"
        caption = "One picture, float32; errors as published, on the validation pictures of ILSVRC"
        rows = [_cells(row) for row in self.rows]
        if self.threads is not None:
            headers, align = [*headers, "ms here"], align + "r"
            caption += f"; forward time measured here, median of {REPEATS}, {self.threads} threads of the CPU"
            rows = [[*cells, f"{row.seconds * 1e3:.0f}"] for cells, row in zip(rows, self.rows, strict=True)]
        return render(headers, rows, align=align, caption=caption, form=form)


def _cells(row: Compared) -> list[str | int | None]:
    return [
        row.title,
        str(row.year),
        row.depth,
        row.parameters,
        f"{row.macs / 1e9:.2f}" if row.macs >= 1e7 else f"{row.macs / 1e9:.4f}",
        binary_size(row.parameter_bytes),
        binary_size(row.activation_bytes),
        None if row.top5 is None else str(row.top5),
        row.conditions,
    ]


def compare(names: Sequence[str] | None = None, *, time: bool = True) -> Comparison:
    """Count the networks and, if wished, measure how long each takes for one picture on this machine.

    Parameters
    ----------
    names : sequence of str, optional
        As in ``coursekit.models.names()``; ten networks of ImageNet, if left out.
    time : bool
        Measure the forward pass, on the CPU with as many threads as torch uses. Takes a minute or so for the ten, and
        1 GiB of memory for the largest: they are built one at a time.

    Raises
    ------
    TypeError
        If names is a single text.
    ValueError
        If there is no such network, or none is named.
    """
    if isinstance(names, str):
        raise TypeError(f"names is {names!r}, expected a list: [{names!r}].")
    names = DEFAULT if names is None else tuple(names)
    if not names:
        raise ValueError("names is empty: name a network, or leave names out for the ten of ImageNet.")
    rows = tuple(_compared(name, time) for name in names)
    return Comparison(rows, torch.get_num_threads() if time else None)


def _compared(name: str, time: bool) -> Compared:
    about, totals = card(name), table(name).totals
    top5, conditions = published_top5(name) or (None, None)
    return Compared(
        name=name,
        title=about.title,
        year=about.year,
        depth=about.depth,
        parameters=totals.parameters,
        macs=totals.macs,
        parameter_bytes=4 * totals.parameters,
        activation_bytes=totals.activation_bytes,
        top5=top5,
        conditions=conditions,
        seconds=forward_seconds(build(name), about.input_shape) if time else None,
    )


def forward_seconds(model: nn.Module, input_shape: tuple[int, ...], *, repeats: int = REPEATS) -> float:
    """Median seconds of a forward pass of one picture, after one that warms up.

    Parameters
    ----------
    model : nn.Module
        Put into eval mode while it is measured.
    input_shape : (C, H, W)
    repeats : int
    """
    picture = torch.rand(1, *input_shape)
    training = model.training
    model.eval()
    with torch.inference_mode():
        model(picture)
        seconds = []
        for _ in range(repeats):
            start = perf_counter()
            model(picture)
            seconds.append(perf_counter() - start)
    model.train(training)
    return median(seconds)
