"""The table of a network, layer by layer: shapes, activations, parameters, multiply-adds and receptive fields."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Union

from coursekit.models.pattern import Pattern, parse
from coursekit.models.render import Form, render
from coursekit.shapes import binary_size

if TYPE_CHECKING:
    from torch import nn

COUNTED = ("input", "conv", "pool", "fc")  # kinds whose outputs are kept for the way back


@dataclass(frozen=True)
class Row:
    """One layer for one picture.

    Attributes
    ----------
    name : str
    kind : str
        "input", "conv", "pool", "fc", "norm", "activation", "dropout", "flatten", "join", "product", "other", or
        "not run" for parameters that the forward pass leaves aside.
    output_shape : tuple of int
        Without the batch: (C, H, W), or (features,).
    elements, bytes : int
        Numbers that the layer adds to the activations: its output for input, conv, pool and fc; 0 for all others.
    weights, biases : int
        Trainable numbers. What another row has counted already is not counted again.
    macs : int
        Multiply-adds.
    receptive_field, jump : int or (int, int) or None
        Pixels of the input that one number sees, and pixels between the fields of neighbours; two numbers where height
        and width differ, None where a layer has no places (fc) or they cannot be followed.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    elements: int = 0
    bytes: int = 0
    weights: int = 0
    biases: int = 0
    macs: int = 0
    receptive_field: int | tuple[int, ...] | None = None
    jump: int | tuple[int, ...] | None = None

    @property
    def parameters(self) -> int:
        """Weights and biases together."""
        return self.weights + self.biases


@dataclass(frozen=True)
class Totals:
    """The sums of a table, for one picture; `conv_fc_...` counts the outputs of conv and fc layers alone."""

    parameters: int
    weights: int
    biases: int
    macs: int
    activation_elements: int
    activation_bytes: int
    conv_fc_elements: int
    conv_fc_bytes: int


@dataclass(frozen=True)
class Table:
    """The rows of a network and their sums; shows itself in a notebook, a terminal and Markdown."""

    rows: tuple[Row, ...]
    title: str
    itemsize: int = 4
    totals: Totals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", _totals(self.rows))

    def to_text(self, *, every: bool = False) -> str:
        """Write the table for a terminal.

        Parameters
        ----------
        every : bool
            True to see the layers, too, that have nothing to count: ReLU, dropout, flatten.
        """
        return self._render("text", every)

    def to_markdown(self, *, every: bool = False) -> str:
        """Write the table as Markdown; `every` as in `to_text`."""
        return self._render("markdown", every)

    def to_html(self, *, every: bool = False) -> str:
        """Write the table as HTML; `every` as in `to_text`."""
        return self._render("html", every)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        return self.to_text()

    def _render(self, form: Form, every: bool) -> str:
        headers = [
            "layer",
            "kind",
            "output",
            "activations",
            "memory",
            "weights",
            "biases",
            "MACs",
            "receptive field",
            "jump",
        ]
        shown = [row for row in self.rows if every or row.elements or row.parameters or row.macs]
        total = self.totals
        foot = [
            ["total", "", "", total.activation_elements, binary_size(total.activation_bytes), total.weights,
             total.biases, total.macs, None, None],
            ["of conv, FC", "", "", total.conv_fc_elements, binary_size(total.conv_fc_bytes), *[None] * 5],
        ]  # fmt: skip
        caption = f"{self.title}: {total.parameters:,} parameters, {_large(total.macs)}, "
        caption += f"{binary_size(total.activation_bytes)} of activations for one picture"
        return render(
            headers, [_cells(row) for row in shown], align="ll" + "r" * 8, caption=caption, foot=foot, form=form
        )


def table(
    model_or_pattern: Union["nn.Module", Pattern, str],
    input_shape: Sequence[int] | None = None,
    *,
    itemsize: int = 4,
    training: bool = False,
) -> Table:
    """Count a network layer by layer, for one picture.

    A torch module is run once without numbers (on torch's device ``meta``: no memory, no time), and every call of a
    torch function is seen, inside layers and between them. What is multiplied without being counted is refused.

    Parameters
    ----------
    model_or_pattern : torch.nn.Module, Pattern or str
        A network; or the name of one, as in ``coursekit.models.names()``; or the text of a pattern.
    input_shape : sequence of int, optional
        (C, H, W) or (C, L), without the batch. A network by name knows its own, and is built for another if it can be;
        a pattern may say it.
    itemsize : int
        Bytes a number: 4 in float32, 2 in float16.
    training : bool
        Count a module as it runs in training, with heads that only training uses. The module is left as it was.

    Raises
    ------
    ValueError
        If there is no such network, the pattern does not parse or lacks sizes, a layer runs out of pixels, or the
        module does something that cannot be counted.
    TypeError
        If `model_or_pattern` is none of these, or a module comes without `input_shape`.

    Source: activations are counted as in CS231n's table of VGG: input, and outputs of conv, pool and FC layers.

    >>> table("INPUT 3x32x32 -> FC-10").totals.parameters
    30730
    """
    if isinstance(model_or_pattern, str) and not _is_pattern(model_or_pattern):
        return _table_of_name(model_or_pattern, input_shape, itemsize, training)
    if isinstance(model_or_pattern, str):
        model_or_pattern = parse(model_or_pattern)
    if isinstance(model_or_pattern, Pattern):
        from coursekit.models.pattern_table import pattern_rows

        rows = pattern_rows(model_or_pattern, _shape(input_shape), itemsize)
        return Table(rows, f"Pattern at {_times(rows[0].output_shape)}", itemsize)
    return _table_of_module(model_or_pattern, input_shape, itemsize, training, type(model_or_pattern).__name__)


def _is_pattern(text: str) -> bool:
    return "->" in text or text.strip().upper().startswith("INPUT")


def _table_of_name(name: str, input_shape: Sequence[int] | None, itemsize: int, training: bool) -> Table:
    from coursekit.models.registry import build, card
    from coursekit.models.trace import without_numbers

    usual = card(name)
    shape = _shape(input_shape) or usual.input_shape
    # where the classifier depends on the picture, the network is built for this one
    wanted = {"channels": shape[0], "size": shape[-1]} if len(set(shape[1:])) == 1 else {}
    known = dict(zip(("channels", "size"), (usual.input_shape[0], usual.input_shape[-1]), strict=True))
    changed = {key: value for key, value in wanted.items() if key in usual.options and value != known[key]}
    with without_numbers():
        model = build(name, **changed)
    return _table_of_module(model, shape, itemsize, training, name)


def _table_of_module(
    model: "nn.Module", input_shape: Sequence[int] | None, itemsize: int, training: bool, title: str
) -> Table:
    from torch import nn

    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model_or_pattern is a {type(model).__name__}: expected a torch.nn.Module, a name or a pattern's text."
        )
    if input_shape is None:
        raise TypeError("input_shape is missing: a module does not say it. Give (C, H, W), such as (3, 224, 224).")
    from coursekit.models.trace import module_rows

    shape = _shape(input_shape)
    return Table(module_rows(model, shape, itemsize, training=training), f"{title} at {_times(shape)}", itemsize)


def _shape(shape: Sequence[int] | None) -> tuple[int, ...] | None:
    if shape is None:
        return None
    if isinstance(shape, (str, int)) or not shape or any(type(n) is not int or n < 1 for n in shape):
        raise ValueError(f"input_shape is {shape!r}: expected (C, H, W) of whole numbers, such as (3, 224, 224).")
    return tuple(shape)


def _totals(rows: Sequence[Row]) -> Totals:
    def total(name: str, kinds: Sequence[str] = ()) -> int:
        return sum(getattr(row, name) for row in rows if not kinds or row.kind in kinds)

    return Totals(
        parameters=total("parameters"),
        weights=total("weights"),
        biases=total("biases"),
        macs=total("macs"),
        activation_elements=total("elements"),
        activation_bytes=total("bytes"),
        conv_fc_elements=total("elements", ("conv", "fc")),
        conv_fc_bytes=total("bytes", ("conv", "fc")),
    )


def make_row(name: str, kind: str, shape: tuple[int, ...], itemsize: int, **more) -> Row:
    """Make a row whose elements and bytes follow from its kind and shape."""
    elements = prod(shape) if kind in COUNTED else 0
    return Row(name, kind, tuple(shape), elements, elements * itemsize, **more)


def _cells(row: Row) -> list:
    memory = binary_size(row.bytes) if row.elements else None
    shape = "" if row.kind == "not run" else _times(row.output_shape)
    counts = (row.elements, memory, row.weights, row.biases, row.macs)
    return [row.name, row.kind, shape, *counts, _places(row.receptive_field), _places(row.jump)]


def _places(value: int | tuple[int, ...] | None) -> int | str | None:
    return _times(value) if isinstance(value, tuple) else value


def _large(macs: int) -> str:
    return f"{macs / 1e9:.3f} GMAC" if macs >= 5e7 else f"{macs:,} MACs"


def _times(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))
