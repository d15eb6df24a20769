"""A torch module, layer by layer: run once without numbers while every call of a torch function is watched."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from coursekit.models.accounting import Row, make_row
from coursekit.models.functions import KINDS, kind_of, macs_of, misfit_of, tensors, windows_of
from coursekit.models.spatial import Fields, keeps_places, merge, padded, sliced, through
from coursekit.shapes import Field, Window, output_size

LOSE_PLACES = ("interpolate", "pixel_shuffle", "__get__")  # the last is x.T and its like


def module_rows(
    model: nn.Module, input_shape: tuple[int, ...], itemsize: int = 4, *, training: bool = False
) -> tuple[Row, ...]:
    """Run the module on torch's device ``meta`` and note a row for each layer.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.
    input_shape : tuple of int
        Without the batch.
    itemsize : int
        Bytes a number.
    training : bool
        Whether to run it as in training.

    Raises
    ------
    ValueError
        If the input does not go through, or something is multiplied that the rows do not count.
    """
    values = {name: torch.empty(value.shape, dtype=value.dtype, device="meta") for name, value in _values(model)}
    dtype = next((value.dtype for value in values.values() if value.is_floating_point()), torch.float32)
    image = torch.empty(1, *input_shape, device="meta", dtype=dtype)
    watch = Watch({id(values[name]): (name, values[name]) for name, _ in model.named_parameters()}, itemsize)
    watch.begin(image)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), torch.device("meta"), _mode(model, training), entering(model, watch), counter, watch:
        try:
            torch.func.functional_call(model, values, (image,))
        except RuntimeError as error:
            raise ValueError(f"input_shape is {_times(input_shape)}: at layer {watch.place}: {error}") from error
    _compare(sum(row.macs for row in watch.rows), counter)
    return (*watch.rows, *watch.not_run())


@contextmanager
def without_numbers() -> Iterator[None]:
    """Build modules on torch's device ``meta`` for a while: sizes without numbers, in no time."""
    with torch.device("meta"), _WithoutDraws():
        yield


class _WithoutDraws(TorchFunctionMode):
    """Leaves out drawing random weights, which on ``meta`` changes nothing, and makes torch load its compiler."""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if getattr(func, "__name__", "").endswith(("normal_", "uniform_")):
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def _values(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        if isinstance(value, nn.parameter.UninitializedTensorMixin):
            raise ValueError(
                f"{name} has no size yet: run the model once on a picture, so that its lazy layers get one."
            )
        yield name, value


def _compare(macs: int, counter: FlopCounterMode) -> None:
    """Refuse to print a table that has missed a product."""
    flops = counter.get_total_flops()
    if flops != 2 * macs:
        seen = ", ".join(sorted({str(name) for name in counter.get_flop_counts().get("Global", {})}))
        raise ValueError(
            f"the rows count {macs:,} multiply-adds, but torch's own counter sees {flops:,} FLOPs, not twice as many: "
            f"the model multiplies in a way that this table does not know (torch saw {seen or 'none'}). It knows "
            "convolutions, transposed convolutions, linear layers and matrix products."
        )


@contextmanager
def _mode(model: nn.Module, training: bool) -> Iterator[None]:
    """Training or evaluation for a while; afterwards each part is as it was."""
    before = {part: part.training for part in model.modules()}
    model.train(training)
    try:
        yield
    finally:
        for part, was in before.items():
            part.training = was


@contextmanager
def entering(model: nn.Module, watch: "Watch") -> Iterator[None]:
    """Tell the watch which module is running."""
    handles = []
    for name, part in model.named_modules():
        call = _Call(name, part)
        handles.append(part.register_forward_pre_hook(lambda part, args, call=call: watch.enter(call)))
        handles.append(part.register_forward_hook(lambda part, args, out: watch.leave()))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class _Call:
    """A module that runs, the rows it has made, and the parameters it has used that no row has counted yet."""

    name: str
    module: nn.Module
    rows: int = 0
    weights: int = 0
    biases: int = 0

    @property
    def leaf(self) -> bool:
        return next(self.module.children(), None) is None

    def empty(self) -> dict[str, int]:
        """Hand over the parameters that wait."""
        waiting = {"weights": self.weights, "biases": self.biases}
        self.weights = self.biases = 0
        return waiting


class Watch(TorchFunctionMode):
    """Notes a row for each torch function that is a layer, and follows the receptive fields.

    A mode sees each function once, as the model calls it: what the function itself calls is not shown again.
    """

    def __init__(self, parameters: dict[int, tuple[str, Tensor]], itemsize: int):
        super().__init__()
        self.parameters = parameters  # not counted so far, by id
        self.itemsize = itemsize
        self.rows: list[Row] = []
        self.calls: list[_Call] = []
        self.entered: set[str] = set()
        self.labels: Counter[str] = Counter()
        self.fields: dict[int, tuple[Tensor, Fields | None]] = {}  # the tensor too: its id is not given away then

    @property
    def place(self) -> str:
        """The name of the module that is running."""
        return (self.calls[-1].name if self.calls else "") or "(the model itself)"

    def begin(self, image: Tensor) -> None:
        """Note the input."""
        self.rows.append(make_row("input", "input", tuple(image.shape[1:]), self.itemsize))
        self.fields[id(image)] = (image, (Field(),) * (image.ndim - 2) or None)

    def enter(self, call: _Call) -> None:
        """A module starts to run."""
        call.rows = 0
        self.entered.add(call.name)
        self.calls.append(call)

    def leave(self) -> None:
        """A module has run; parameters that met no layer in it get a row of their own."""
        call = self.calls.pop()
        if call.weights or call.biases:
            self.rows.append(Row(self._label(call, "parameters"), "other", (), **call.empty()))

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        inputs = list(tensors((*args, *kwargs.values())))
        if not inputs or name in ("size", "dim") or not self.calls:
            return func(*args, **kwargs)
        if misfit := misfit_of(name, args, kwargs):
            raise ValueError(f"layer {self.place} {misfit}")
        windows, mode = windows_of(name, args, kwargs)
        if windows and mode != "any":
            self._check_fit(name, inputs[0], windows, mode)
        fields_in = [(tuple(x.shape), self.fields[id(x)][1]) for x in inputs if id(x) in self.fields]
        result = func(*args, **kwargs)
        outputs = list(tensors([result]))
        if outputs:
            fields = _follow(name, windows, fields_in, tuple(outputs[0].shape), args, kwargs)
            if fields_in:
                self.fields |= {id(output): (output, fields) for output in outputs}
            self._note(name, inputs, outputs[0], args, kwargs, fields)
        return result

    def _check_fit(self, name: str, x: Tensor, windows: list[Window], mode: str) -> None:
        sizes = x.shape[-len(windows) :]
        try:
            for size, w in zip(sizes, windows, strict=True):
                output_size(size, w.kernel, w.stride, w.padding, w.dilation, mode=mode)
        except ValueError as error:
            kernel = _times([window.kernel for window in windows])
            raise ValueError(
                f"layer {self.place} ({name}) ran out of pixels: its input is {_times(sizes)}, its kernel {kernel}.\n"
                "Give the network a larger input."
            ) from error

    def _note(
        self, name: str, inputs: list[Tensor], output: Tensor, args: tuple, kwargs: dict, fields: Fields | None
    ) -> None:
        """Add a row if the function is a layer; otherwise keep the parameters it uses for a row of its module."""
        call = self.calls[-1]
        for x in inputs:
            self._take(x, call)
        kind = kind_of(name, inputs, args, kwargs)
        if kind == "product" and any(id(x) not in self.fields for x in inputs):
            kind = "fc"  # one of the factors does not come from the picture
        if kind == "pool" and name.startswith("adaptive") and output.shape == inputs[0].shape and output.shape[-1] > 1:
            kind = "other"  # torchvision's VGG pools 7x7 to 7x7, which is to do nothing
        if kind is None or (kind == "join" and call.leaf and call.rows):
            if call.leaf and call.rows and (call.weights or call.biases):
                self._add_to_last(call)  # a coefficient or a bias behind the layer, as in LeNet's subsampling
            return
        row = make_row(
            self._label(call, name), kind, tuple(output.shape[1:]), self.itemsize,
            macs=macs_of(name, inputs, output, args, kwargs), **call.empty(), **_places(fields),
        )  # fmt: skip
        call.rows += 1
        self.rows.append(row)

    def _take(self, x: Tensor, call: _Call) -> None:
        """Count a parameter when it is used first."""
        name, _ = self.parameters.pop(id(x), ("", None))
        if name:
            if "bias" in name.rpartition(".")[2]:
                call.biases += x.numel()
            else:
                call.weights += x.numel()

    def _add_to_last(self, call: _Call) -> None:
        last = self.rows[-1]
        more = {name: getattr(last, name) + count for name, count in call.empty().items()}
        self.rows[-1] = replace(last, **more)

    def _label(self, call: _Call, function: str) -> str:
        """The module's name, with the function's where a module holds several layers, numbered where it repeats."""
        function = function.strip("_")
        name = call.name if call.leaf and not call.rows and call.name else f"{call.name}.{function}".lstrip(".")
        self.labels[name] += 1
        return name if self.labels[name] == 1 else f"{name} ({self.labels[name]})"

    def not_run(self) -> list[Row]:
        """Rows for the parameters that no function has used, by the largest module that has not run."""
        left: dict[str, dict[str, int]] = {}
        for name, value in self.parameters.values():
            parts = name.split(".")
            modules = [".".join(parts[:k]) for k in range(1, len(parts))]
            owner = next((module for module in modules if module not in self.entered), name)
            count = left.setdefault(owner, {"weights": 0, "biases": 0})
            count["biases" if "bias" in parts[-1] else "weights"] += value.numel()
        return [Row(name, "not run", (), **count) for name, count in left.items()]


def _follow(
    name: str,
    windows: list[Window] | None,
    parts: list[tuple[tuple[int, ...], Fields | None]],
    shape: tuple,
    args: tuple,
    kwargs: dict,
) -> Fields | None:
    """The receptive fields behind a function, from those of the tensors that went in."""
    if not parts:
        return None
    first_shape, first = parts[0]
    if windows is not None:
        return through(first, windows)
    if KINDS.get(name) in ("conv", "fc", "product") or "pool" in name or name in LOSE_PLACES:
        return None
    if name == "pad":
        return padded(first, args[1] if len(args) > 1 else kwargs["pad"])
    if name == "__getitem__" and (found := sliced(first, args[1], first_shape)):
        return found
    if first is not None and not keeps_places(name, args, len(first_shape), len(first)):
        return None
    return merge(parts, shape)


def _places(fields: Fields | None) -> dict[str, Any]:
    if not fields:
        return {}
    numbers = {"receptive_field": tuple(f.size for f in fields), "jump": tuple(f.jump for f in fields)}
    return {name: value[0] if len(set(value)) == 1 else value for name, value in numbers.items()}


def _times(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))
