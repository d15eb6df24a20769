"""All networks by name: `names`, `build` and `card`. torch is imported when one is built."""

import inspect
from difflib import get_close_matches
from importlib import import_module
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

from coursekit.models._deep_cards import DEEP_CARDS
from coursekit.models._early_cards import EARLY_CARDS
from coursekit.models.cards import Card

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build", "card", "names", "options"]


class Entry(NamedTuple):
    """Module and function that build a network, and the arguments that its name fixes."""

    module: str
    function: str
    fixed: dict[str, Any]


def _entries() -> dict[str, Entry]:
    entries = {
        "lenet5": Entry("lenet", "lenet5", {}),
        "lenet5-modern": Entry("lenet", "lenet5_modern", {}),
        "simpleconvnet": Entry("simple", "simpleconvnet", {}),
        "deepconvnet": Entry("simple", "deepconvnet", {}),
        "alexnet": Entry("alexnet", "alexnet", {}),
        "alexnet-ungrouped": Entry("alexnet", "alexnet", {"groups": 1}),
        "alexnet-torchvision": Entry("alexnet", "alexnet_one_tower", {"average": True}),
        "alexnet-lecture": Entry("alexnet", "alexnet_one_tower", {"average": False}),
        "zfnet": Entry("zfnet", "zfnet", {"wide": False}),
        "zfnet-wide": Entry("zfnet", "zfnet", {"wide": True}),
    }
    for depth in (11, 13, 16, 19):
        entries[f"vgg{depth}"] = Entry("vgg", "vgg", {"depth": depth})
    entries["googlenet"] = Entry("googlenet", "googlenet", {})
    entries["googlenet-torchvision"] = Entry("googlenet", "googlenet_torchvision", {})
    for depth in (18, 34, 50, 101, 152):
        only_3x3 = {"stride_in": "3x3"} if depth < 50 else {}  # their blocks have no 1x1 to stride in
        entries[f"resnet{depth}"] = Entry("resnet", "resnet", {"depth": depth, **only_3x3})
    small = (20, 32, 44, 56, 110)
    for kind, residual in (("resnet", True), ("plain", False)):
        for depth in small:
            fixed = {"depth": depth, "residual": residual}
            entries[f"{kind}{depth}-cifar"] = Entry("resnet_cifar", "resnet_cifar", fixed)
    for depth in (18, 34, 50, 101, 152):
        entries[f"preact-resnet{depth}"] = Entry("preact", "preact_resnet", {"depth": depth})
    for depth in small:
        entries[f"preact-resnet{depth}-cifar"] = Entry("preact", "preact_resnet_cifar", {"depth": depth})
    entries["allconv"] = Entry("allconv", "allconv", {})
    return entries


ENTRIES = _entries()
CARDS = {card.name: card for card in (*EARLY_CARDS, *DEEP_CARDS)}


def names() -> list[str]:
    """Names of all networks, those for digits first, then by year and family.

    >>> len(names()), names()[:3]
    (42, ['lenet5', 'lenet5-modern', 'simpleconvnet'])
    """
    return list(ENTRIES)


def build(name: str, *, seed: int | None = None, **options: Any) -> "nn.Module":
    """Build a network with random weights, in its published size unless the options say otherwise.

    Parameters
    ----------
    name : str
        One of `names()`.
    seed : int, optional
        Draws the weights; without it they come from PyTorch's own generator.
    **options
        classes, channels, width, size (pixels) for every network; dropout, groups, aux, stride_in, transform_input
        for some: `card(name).options` tells which.

    Returns
    -------
    network : Module
        In training mode, float32; takes images (N, C, H, W) and gives scores (N, classes).

    Raises
    ------
    ValueError
        If there is no such network (the message names the nearest), or an input of that size runs out of pixels.
    TypeError
        If the network has no such option, or its value is not of the right kind.

    >>> import torch
    >>> build("resnet20-cifar", classes=3, width=0.5)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 3])
    """
    entry = _entry(name)
    function = getattr(import_module(f"coursekit.models.{entry.module}"), entry.function)
    allowed = _options(function, entry)
    if unknown := [option for option in options if option not in allowed]:
        raise TypeError(f"{name} has no option {', '.join(unknown)}: it has {', '.join(allowed)}, and seed.")
    for option, value in options.items():
        _check(option, value)
    arguments = {**_defaults(name), **entry.fixed, **options}
    if seed is None:
        return function(**arguments)
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed GPUs too
        return function(**arguments)


def card(name: str) -> Card:
    """What is to be known about a network: where it comes from, what it cost and got, where this build departs.

    Parameters
    ----------
    name : str
        One of `names()`.

    Raises
    ------
    ValueError
        If there is no such network; the message names the nearest.

    >>> card("vgg16").depth, card("vgg16").input_shape
    (16, (3, 224, 224))
    """
    _entry(name)
    return CARDS[name]


def options(name: str) -> tuple[str, ...]:
    """Names of the options that a network's build has.

    >>> options("vgg16")
    ('classes', 'channels', 'width', 'size', 'dropout')
    """
    entry = _entry(name)
    return _options(getattr(import_module(f"coursekit.models.{entry.module}"), entry.function), entry)


def _options(function: Any, entry: Entry) -> tuple[str, ...]:
    return tuple(name for name in inspect.signature(function).parameters if name not in entry.fixed)


def _defaults(name: str) -> dict[str, Any]:
    """The published size, where two names share a function that has another default."""
    return {"size": CARDS[name].input_shape[1]}


def _entry(name: str) -> Entry:
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r} ({type(name).__name__}): expected a str such as 'vgg16'.")
    if name not in ENTRIES:
        near = get_close_matches(name.lower(), ENTRIES, n=4, cutoff=0.5)
        hint = f"near it are {', '.join(near)}" if near else "coursekit.models.names() lists them"
        raise ValueError(f"there is no network {name!r}: {hint}.")
    return ENTRIES[name]


def _check(option: str, value: Any) -> None:
    """Refuse numbers that no network could have; what is not a common option is its builder's to judge."""
    if option in ("classes", "channels", "size", "groups"):
        try:
            if isinstance(value, bool):
                raise TypeError
            value = index(value)
        except TypeError:
            kind = type(value).__name__
            raise TypeError(f"{option} is {value!r} ({kind}): expected a whole number such as 10.") from None
        if value < 1:
            raise ValueError(f"{option} is {value}: expected 1 or more.")
    elif option in ("width", "dropout"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{option} is {value!r} ({type(value).__name__}): expected a number such as 0.5.")
        if option == "width" and not 0 < value < float("inf"):
            raise ValueError(f"width is {value}: expected more than 0; 0.5 halves all channel counts.")
        if option == "dropout" and not 0 <= value < 1:
            raise ValueError(f"dropout is {value}: expected a share from 0 to below 1.")
    elif option in ("aux", "transform_input") and not isinstance(value, bool):
        raise TypeError(f"{option} is {value!r} ({type(value).__name__}): expected True or False.")
