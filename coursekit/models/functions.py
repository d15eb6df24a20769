"""What a call of a torch function is, as a layer: its kind, its windows, its multiply-adds."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from coursekit.models.spatial import adaptive_windows, conv_windows, per_axis, pool_windows
from coursekit.shapes import Window, conv_macs, transposed_macs

_NAMES = {
    "norm": "batch_norm group_norm layer_norm instance_norm local_response_norm rms_norm",
    "dropout": "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout",
    "flatten": "flatten",
    "join": "cat concat add add_ __add__ __iadd__",
    "conv": "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
    "fc": "linear",
    "product": "matmul mm bmm __matmul__",
    "activation": "relu relu_ relu6 tanh tanh_ sigmoid sigmoid_ hardtanh hardtanh_ silu hardswish hardsigmoid gelu elu "
    "elu_ selu celu leaky_relu leaky_relu_ prelu rrelu softplus softsign mish logsigmoid softmax log_softmax threshold",
}
KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}

_CONV = ["input", "weight", "bias", "stride", "padding", "dilation", "groups"]
_TRANSPOSED = ["input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"]
_POOL = {
    "max": ["input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"],
    "avg": ["input", "kernel_size", "stride", "padding", "ceil_mode"],
    "lp": ["input", "norm_type", "kernel_size", "stride", "ceil_mode"],
}


def kind_of(name: str, inputs: list[Tensor], args: tuple, kwargs: dict) -> str | None:
    """The kind of layer that a function is, or None if it is none (a reshape, a slice, arithmetic)."""
    if ("pool" in name and "unpool" not in name) or _is_mean_over_places(name, args, kwargs):
        return "pool"
    kind = KINDS.get(name)
    if kind == "join" and len(inputs) < 2:
        return None  # a constant added
    return kind


def windows_of(name: str, args: tuple, kwargs: dict) -> tuple[list[Window] | None, str]:
    """The windows of a convolution or pooling along each axis (None: unknown), and what it does where they do not fit.

    Returns
    -------
    windows : list of Window or None
    mode : {"floor", "ceil", "any"}
        "any" where windows always fit: equal output for any input.
    """
    if name in ("conv1d", "conv2d", "conv3d"):
        got = bind(args, kwargs, _CONV)
        chosen = {key: got[key] for key in ("stride", "padding", "dilation") if key in got}
        return conv_windows(got["weight"].shape, **chosen), "any" if got.get("padding") == "same" else "floor"
    if name.startswith(("max_pool", "avg_pool", "lp_pool")):
        got = bind(args, kwargs, _POOL[name.split("_")[0]])
        chosen = {key: got[key] for key in ("stride", "padding", "dilation") if key in got}
        axes = int(name.partition("pool")[2][0])
        return pool_windows(axes, got["kernel_size"], **chosen), "ceil" if got.get("ceil_mode") else "floor"
    if name.startswith("adaptive_"):
        got = bind(args, kwargs, ["input", "output_size"])
        sizes = got["input"].shape[-int(name.partition("pool")[2][0]) :]
        outputs = per_axis(got["output_size"], len(sizes))
        return adaptive_windows(sizes, [o or size for o, size in zip(outputs, sizes, strict=True)]), "any"
    if _is_mean_over_places(name, args, kwargs):
        return [Window(size, size) for size in bind(args, kwargs, ["input"])["input"].shape[2:]], "any"
    return None, "any"


def misfit_of(name: str, args: tuple, kwargs: dict) -> str | None:
    """What is wrong, where a convolution gets other channels than it takes, or a linear layer other numbers."""
    if name in ("conv1d", "conv2d", "conv3d"):
        got = bind(args, kwargs, _CONV)
        x, weight = got["input"], got["weight"]
        wanted, had = weight.shape[1] * got.get("groups", 1), x.shape[1 - weight.ndim]
        return f"takes {wanted} channels and gets {had}." if had != wanted else None
    if name == "linear":
        got = bind(args, kwargs, ["input", "weight"])
        wanted, had = got["weight"].shape[-1], got["input"].shape[-1]
        return (
            f"takes {wanted:,} numbers and gets {had:,}: is the input of the size it was made for?"
            if had != wanted
            else None
        )
    return None


def macs_of(name: str, inputs: list[Tensor], output: Tensor, args: tuple, kwargs: dict) -> int:
    """Multiply-adds of one call, for a batch of one."""
    if name in ("conv1d", "conv2d", "conv3d"):
        got = bind(args, kwargs, _CONV)
        filters, groups = len(got["weight"]), got.get("groups", 1)
        channels = got["weight"].shape[1] * groups
        return conv_macs(channels, filters, got["weight"].shape[2:], output.shape[2:], groups=groups)
    if name.startswith("conv_transpose"):
        got = bind(args, kwargs, _TRANSPOSED)
        channels, groups = len(got["weight"]), got.get("groups", 1)
        filters = got["weight"].shape[1] * groups
        return transposed_macs(channels, filters, got["weight"].shape[2:], got["input"].shape[2:], groups=groups)
    if name == "linear" or KINDS.get(name) == "product":
        return output.numel() * inputs[0].shape[-1]
    return 0


def bind(args: tuple, kwargs: dict, names: list[str]) -> dict[str, Any]:
    """The arguments of a call by name."""
    return dict(zip(names, args, strict=False)) | kwargs


def tensors(values: Any) -> Iterator[Tensor]:
    """Every tensor among the arguments, in lists too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors(value)


def _is_mean_over_places(name: str, args: tuple, kwargs: dict) -> bool:
    """Whether this is global pooling in other words: x.mean((2, 3)) or x.amax((2, 3))."""
    got = bind(args, kwargs, ["input", "dim"])
    if name not in ("mean", "amax") or got["input"].ndim < 3:
        return False
    ndim, axes = got["input"].ndim, got.get("dim", ())
    axes = (axes,) if isinstance(axes, int) else tuple(axes or ())
    return sorted(axis % ndim for axis in axes) == list(range(2, ndim))
