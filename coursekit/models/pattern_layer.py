"""One layer of a pattern: what its text may say, and the text it has in canonical form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from coursekit.shapes import same_padding

Lengths = tuple[int, ...]  # one for all axes, or one per axis

# what each layer may bear: sizes ("" none), options with a number, options without
SPECS = {
    "INPUT": (" 3x224x224", "", ()),
    "CONV": ("3-64", "SPGD", ("FLOOR", "NOBIAS")),
    "POOL": ("2", "SP", ("FLOOR", "CEIL")),
    "AVGPOOL": ("2", "SP", ("FLOOR", "CEIL")),
    "FC": ("-4096", "", ("NOBIAS",)),
    **{name: ("", "", ()) for name in ("GAP", "RELU", "TANH", "SIGMOID", "SOFTMAX", "BN", "LRN", "DROPOUT")},
}
MEANING = {"S": "stride", "P": "padding", "G": "groups", "D": "dilation"}
_LENGTHS = r"\d+(?:X\d+)*"
SIZES = {"CONV": rf"({_LENGTHS})-(\d+)", "POOL": rf"({_LENGTHS})()", "AVGPOOL": rf"({_LENGTHS})()", "FC": r"()-(\d+)"}


class PatternError(ValueError):
    """A pattern that cannot be read or built; the message shows the place with a caret.

    Parameters
    ----------
    problem : str
        What is wrong, in a sentence.
    text : str
        The whole pattern.
    place : (int, int)
        Where it is wrong: first letter, and the one behind the last.
    advice : str
        What could stand there.
    """

    def __init__(self, problem: str, text: str, place: tuple[int, int], advice: str = ""):
        start = text.rfind("\n", 0, place[0]) + 1
        line = text[start:].split("\n", 1)[0]
        carets = "^" * max(1, min(place[1] - start, len(line)) - (place[0] - start))
        # a tab before the place is a tab above the caret, too
        margin = "".join("\t" if letter == "\t" else " " for letter in line[: place[0] - start])
        super().__init__("\n".join(filter(None, [problem, f"  {line}", f"  {margin}{carets}", advice])))


@dataclass(frozen=True)
class Layer:
    """A layer of a pattern; None stands for what the text leaves to its default.

    Attributes
    ----------
    kind : str
        "CONV", "POOL", ... in capitals.
    shape : tuple of int or None
        Of INPUT: (C, H, W).
    kernel : tuple of int or None
        One length for all axes, or one per axis.
    count : int or None
        Filters of CONV, outputs of FC.
    stride, padding, dilation : tuple of int or None
        By default stride 1 and a padding that keeps the size for CONV, stride as the kernel and no padding for POOL.
    groups : int
    flags : frozenset of str
        "FLOOR", "CEIL", "NOBIAS".
    place : (int, int)
        Where it stands in the text; two layers are equal wherever they stand.
    """

    kind: str
    shape: Lengths | None = None
    kernel: Lengths | None = None
    count: int | None = None
    stride: Lengths | None = None
    padding: Lengths | None = None
    dilation: Lengths | None = None
    groups: int = 1
    flags: frozenset[str] = frozenset()
    place: tuple[int, int] = field(default=(0, 0), compare=False)

    def __str__(self) -> str:
        if self.kind == "INPUT":
            return f"INPUT {_times(self.shape)}" if self.shape else "INPUT"
        sizes = (_times(self.kernel) if self.kernel else "") + (f"-{self.count}" if self.count else "")
        numbers = {
            "S": self.stride,
            "P": self.padding,
            "G": self.groups if self.groups > 1 else None,
            "D": self.dilation,
        }
        options = [f"/{letter}{_times(value)}" for letter, value in numbers.items() if value is not None]
        return self.kind + sizes + "".join(options + [f"/{flag}" for flag in SPECS[self.kind][2] if flag in self.flags])

    @property
    def sized(self) -> bool:
        """Whether it says all that a table needs."""
        return self.kind not in SIZES or bool(self.kernel or self.count)


def read_layer(word: str, text: str, place: tuple[int, int]) -> Layer:
    """Read a layer such as CONV3-64/S2/P1.

    Parameters
    ----------
    word : str
        The layer's text, in small letters or capitals.
    text, place
        The whole pattern and where the word stands in it, for errors.

    Raises
    ------
    PatternError
        If there is no such layer, or its sizes or options cannot be read.
    """
    head, *options = word.upper().split("/")
    kind = max((name for name in SPECS if head.startswith(name)), key=len, default=None)

    def refuse(problem: str, advice: str = "") -> NoReturn:
        raise PatternError(problem, text, place, advice)

    if kind is None or (head != kind and kind not in SIZES):
        refuse(f"{word} is no layer.", f"Here may stand: {', '.join(SPECS)}, or [ to open a group.")
    example = kind + SPECS[kind][0]
    if head == kind:
        if options:
            refuse(f"{word} has options but no sizes.", f"Sizes come first, such as {example}.")
        return Layer(kind, place=place)
    sizes = re.fullmatch(SIZES[kind], head.removeprefix(kind))
    if sizes is None:
        refuse(
            f"the sizes of {word} cannot be read.", f"Write them like {example}, or {kind} alone where sizes stay open."
        )
    kernel, count = (lengths(part) if part else None for part in sizes.groups())
    if any(0 in part for part in (kernel, count) if part):
        refuse(f"{word} has a size of 0.", "Sizes are 1 or more.")
    found = _options(kind, options, refuse)
    layer = Layer(kind, kernel=kernel, count=count[0] if count else None, place=place, **found)
    return _without_defaults(layer, refuse)


def lengths(text: str) -> Lengths:
    """Read 3 or 3x5; equal lengths are one length for all axes."""
    numbers = tuple(int(number) for number in text.upper().split("X"))
    return numbers[:1] if len(set(numbers)) == 1 else numbers


def _options(kind: str, words: Sequence[str], refuse) -> dict:
    """Read S2, P1, G2, D2 and the flags that this kind of layer may bear."""
    letters, flags = SPECS[kind][1:]
    allowed = ", ".join([f"/{letter}2 ({MEANING[letter]})" for letter in letters] + [f"/{flag}" for flag in flags])
    found: dict = {"flags": frozenset(words) & frozenset(flags)}
    for word in words:
        number = re.fullmatch(rf"([{letters or '-'}])({_LENGTHS})", word)
        if word in flags:
            continue
        if number is None:
            refuse(f"{kind} has no option /{word}.", f"Its options are {allowed}.")
        name, value = MEANING[number[1]], lengths(number[2])
        if name in found:
            refuse(f"{name} is said twice.", "Say it once.")
        if 0 in value and name != "padding":
            refuse(f"{name} is 0.", "It is 1 or more.")
        found[name] = value
    if {"FLOOR", "CEIL"} <= found["flags"]:
        refuse("/FLOOR and /CEIL contradict each other.", "Keep one.")
    if "groups" in found:
        found["groups"] = found["groups"][0] if len(found["groups"]) == 1 else refuse("groups is one number.")
    return found


def _without_defaults(layer: Layer, refuse) -> Layer:
    """Leave out what goes without saying, so that equal layers have equal texts."""
    if layer.kernel is None:
        return layer
    said = {name: getattr(layer, name) for name in ("stride", "padding", "dilation")}
    if said["dilation"] == (1,):
        said["dilation"] = None
    if layer.kind == "CONV":
        usual = {"stride": (1,), "padding": _keeping(layer.kernel, said["dilation"] or (1,))}
        if usual["padding"] is None and said["padding"] is None:
            refuse("an even kernel has no equal padding that keeps the size.", "Say the padding: /P0 for none.")
    else:
        usual = {"stride": layer.kernel, "padding": (0,)}
    said |= {name: None for name, value in usual.items() if said[name] == value}
    return replace(layer, **said)


def _keeping(kernel: Lengths, dilation: Lengths) -> Lengths | None:
    """The padding that keeps the size at stride 1, if there is one that is equal at both ends."""
    axes = max(len(kernel), len(dilation))
    pairs = zip(*(part * axes if len(part) == 1 else part for part in (kernel, dilation)), strict=False)
    try:
        padding = tuple(same_padding(k, d) for k, d in pairs)
    except ValueError:
        return None
    return padding[:1] if len(set(padding)) == 1 else padding


def default_padding(layer: Layer) -> Lengths:
    """The padding of a layer that says none."""
    if layer.kind != "CONV":
        return (0,)
    padding = _keeping(layer.kernel or (1,), layer.dilation or (1,))
    return padding or (0,)


def _times(value: int | Lengths) -> str:
    return str(value) if isinstance(value, int) else "x".join(map(str, value))
