"""The layer-pattern language: a network in a line, such as INPUT -> [[CONV -> RELU]*2 -> POOL]*3 -> FC.

A pattern is layers with arrows between them. Brackets make a group of them; ``*3`` repeats a layer or a group, ``*N``
as often as will be said later, and ``?`` leaves it open whether it is there.

=====================  ==============================================================================================
``INPUT 3x32x32``      the picture: channels, height, width (channels first, as in the tables); ``INPUT 2x100`` a sound
``CONV3-64``           kernel 3x3, 64 filters; stride 1, and a padding that keeps the size
``CONV11-96/S4/P0``    options: ``/S`` stride, ``/P`` padding, ``/G`` groups, ``/D`` dilation, ``/FLOOR``, ``/NOBIAS``;
                       ``CONV1x7-64`` has another kernel along the height than along the width
``POOL2``              maximum over 2x2, windows side by side; ``POOL3/S2`` overlapping; ``/P``, ``/FLOOR``, ``/CEIL``
``AVGPOOL2``, ``GAP``  the average over windows; over the whole map
``FC-4096``            fully connected, 4096 outputs; what comes in is flattened; ``/NOBIAS``
``RELU`` and others    ``TANH``, ``SIGMOID``, ``SOFTMAX``, ``BN``, ``LRN`` (AlexNet's), ``DROPOUT`` (one half)
=====================  ==============================================================================================

``CONV``, ``POOL``, ``FC`` and ``INPUT`` without sizes are for talking about patterns. A table needs the sizes. A stride
that does not fit is an error: ``/FLOOR`` drops the rest, as PyTorch does, and ``/CEIL`` lets the last window hang over.

Source: the notation is CS231n's, "Convolutional neural networks", layer patterns; the sizes are in VGG's manner.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from coursekit.models.pattern_layer import SPECS, Layer, PatternError, read_layer

__all__ = ["Layer", "Maybe", "Pattern", "PatternError", "Repeat", "parse"]

MAX_LAYERS = 10_000  # of a pattern written out
MAX_DEPTH = 50  # of brackets in brackets


@dataclass(frozen=True)
class Repeat:
    """Layers several times in a row; the count is a number, or a letter that stands for one."""

    items: tuple["Node", ...]
    count: int | str
    place: tuple[int, int] = field(default=(0, 0), compare=False)

    def __str__(self) -> str:
        return f"{_grouped(self.items)}*{self.count}"


@dataclass(frozen=True)
class Maybe:
    """Layers that may be there or not."""

    items: tuple["Node", ...]
    place: tuple[int, int] = field(default=(0, 0), compare=False)

    def __str__(self) -> str:
        return f"{_grouped(self.items)}?"


Node = Layer | Repeat | Maybe


@dataclass(frozen=True, repr=False)
class Pattern:
    """A parsed pattern. ``str`` gives its canonical text, which parses to an equal pattern."""

    items: tuple[Node, ...]
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return " -> ".join(map(str, self.items))

    def __repr__(self) -> str:
        return f"<Pattern {self}>"

    def bind(self, *, optional: bool | None = None, **counts: int) -> "Pattern":
        """Put numbers in the place of letters.

        Parameters
        ----------
        optional : bool, optional
            True to keep what bears a ``?``, False to drop it; left open if left out.
        counts : int
            ``N=2, M=3``; letters not named stay.

        Raises
        ------
        ValueError
            If the pattern has no such letter, or a count is below 0.

        >>> str(parse("INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> FC").bind(N=2, M=3, optional=False))
        'INPUT -> [[CONV -> RELU]*2]*3 -> FC'
        """
        letters = sorted({node.count for node in _every(self.items) if isinstance(node, Repeat)} - _numbers(self.items))
        for letter, count in counts.items():
            if letter not in letters:
                raise ValueError(
                    f"there is no {letter} in the pattern: its letters are {', '.join(letters) or 'none'}."
                )
            if type(count) is not int or count < 0:
                raise ValueError(f"{letter} is {count!r}: expected a whole number, 0 or more.")
        text = " -> ".join(map(str, _bound(self.items, optional, counts)))
        return parse(text) if text else Pattern((), "")

    def layers(self) -> list[Layer]:
        """Write the pattern out: every layer as often as it comes, those with a ``?`` too.

        Raises
        ------
        PatternError
            If a count is a letter still, or there are more than 10,000 layers.
        """
        self._check_size()
        return list(_written_out(self.items))

    def _check_size(self) -> None:
        for node in _every(self.items):
            if isinstance(node, Repeat) and isinstance(node.count, str):
                raise PatternError(
                    f"{node.count} has no number yet.", self.text, node.place,
                    f"Write a number in its place, or use pattern.bind({node.count}=2).",
                )  # fmt: skip
        if (number := _length(self.items)) > MAX_LAYERS:
            raise PatternError(f"the pattern has {number:,} layers: {MAX_LAYERS:,} at most.", self.text, (0, 1))


def parse(text: str) -> Pattern:
    """Read a pattern.

    Parameters
    ----------
    text : str
        In the language of this module's first lines; small letters or capitals, on one line or several.

    Raises
    ------
    PatternError
        If it cannot be read: the message points at the place and says what could stand there.
    TypeError
        If it is no text.

    >>> pattern = parse("input -> [[conv3-64 -> relu]*2 -> pool2/s2]*2 -> [fc-10]")
    >>> str(pattern), len(pattern.layers())
    ('INPUT -> [[CONV3-64 -> RELU]*2 -> POOL2]*2 -> FC-10', 12)
    """
    if not isinstance(text, str):
        raise TypeError(f"text is a {type(text).__name__}: expected a pattern's text, such as 'INPUT -> CONV -> FC'.")
    reader = _Reader(text)
    items = reader.chain(0)
    if reader.kind != "end":
        reader.refuse("there is no [ for this ]." if reader.word == "]" else _NEXT, '"->", "*", "?" or the end')
    for node in [node for node in _every(items) if isinstance(node, Layer) and node.kind == "INPUT"]:
        if node is not items[0]:
            raise PatternError(
                "INPUT stands behind another layer, or in a group.", text, node.place, "It comes first, once."
            )
    return Pattern(items, text)


_TOKEN = re.compile(
    r"(?P<arrow>->)|(?P<mark>[][*?])|(?P<number>\d+(?:[xX]\d+)*)|(?P<word>[A-Za-z](?:[A-Za-z0-9/]|-(?!>))*)|(?P<odd>\S)"
)
_NEXT = "a layer has ended here."


class _Reader:
    """Reads a pattern from left to right; `kind`, `word` and `place` are of the token it has come to."""

    def __init__(self, text: str):
        self.text = text
        self.tokens = [(match.lastgroup, match.group(), match.span()) for match in _TOKEN.finditer(text)]
        self.at = 0

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else "end"

    @property
    def word(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else "the end"

    @property
    def place(self) -> tuple[int, int]:
        if self.at < len(self.tokens):
            return self.tokens[self.at][2]
        end = len(self.text.rstrip())
        return (end, end + 1)

    def take(self) -> tuple[str, tuple[int, int]]:
        """Give the token, and go on to the next."""
        token = self.word, self.place
        self.at += 1
        return token

    def refuse(self, problem: str, allowed: str) -> None:
        raise PatternError(problem, self.text, self.place, f"Here may stand: {allowed}.")

    def chain(self, depth: int) -> tuple[Node, ...]:
        """Items with arrows between them; a group that nothing is done to dissolves in them."""
        items = self.item(depth)
        while self.kind == "arrow":
            self.take()
            items += self.item(depth)
        return items

    def item(self, depth: int) -> tuple[Node, ...]:
        """A layer or a group, and what is done to it."""
        start = self.place[0]
        if self.word == "[":
            items = self.group(depth)
        elif self.kind == "word":
            items = (self.layer(),)
        else:
            self.refuse(f"expected a layer, got {self.word}.", f"{', '.join(SPECS)}, or [ to open a group")
        while self.word in ("*", "?"):
            mark, _ = self.take()
            count = self.count() if mark == "*" else 0
            place = (start, self.tokens[self.at - 1][2][1])
            items = (Repeat(items, count, place) if mark == "*" else Maybe(items, place),)
        return items

    def group(self, depth: int) -> tuple[Node, ...]:
        if depth == MAX_DEPTH:
            self.refuse(f"more than {MAX_DEPTH} brackets in brackets.", "a layer")
        _, opened = self.take()
        items = self.chain(depth + 1)
        if self.kind == "end":
            raise PatternError(
                "this [ is never closed.", self.text, opened, 'Write "]" behind the last layer of the group.'
            )
        if self.word != "]":
            self.refuse(_NEXT, '"->", "*", "?" or "]"')
        self.take()
        return items

    def layer(self) -> Layer:
        word, place = self.take()
        if re.search(r"\d{10}", word):
            raise PatternError("a number has more than nine digits.", self.text, place, "Use a smaller one.")
        layer = read_layer(word, self.text, place)
        if layer.kind == "INPUT" and self.kind == "number":
            return self.input_layer(place)
        return layer

    def input_layer(self, place: tuple[int, int]) -> Layer:
        word, sizes = self.take()
        shape = tuple(int(number[:10]) for number in word.lower().split("x"))
        place = (place[0], sizes[1])
        if not 0 < prod(shape) < 10**12 or len(shape) > 4:
            raise PatternError(f"{word} is no size of a picture.", self.text, place, "Write it like INPUT 3x224x224.")
        if len(shape) == 3 and shape[0] == shape[1] > 4 and shape[2] in (1, 3):
            raise PatternError(
                f"{word} reads as {shape[0]} maps of {shape[1]}x{shape[2]} pixels.", self.text, place,
                f"Channels come first: INPUT {shape[2]}x{shape[0]}x{shape[1]}.",
            )  # fmt: skip
        return Layer("INPUT", shape=shape, place=place)

    def count(self) -> int | str:
        number = self.kind == "number" and self.word.isdigit() and len(self.word) < 10
        if not number and not (self.kind == "word" and re.fullmatch("[A-Za-z]", self.word)):
            self.refuse(
                f"expected how often, got {self.word}.", "a whole number of nine digits at most, or a letter such as N"
            )
        word, _ = self.take()
        return int(word) if number else word.upper()


def _grouped(items: tuple[Node, ...]) -> str:
    text = " -> ".join(map(str, items))
    return text if len(items) == 1 and isinstance(items[0], Layer) else f"[{text}]"


def _every(items: tuple[Node, ...]) -> Iterator[Node]:
    for node in items:
        yield node
        if not isinstance(node, Layer):
            yield from _every(node.items)


def _numbers(items: tuple[Node, ...]) -> set:
    return {node.count for node in _every(items) if isinstance(node, Repeat) and isinstance(node.count, int)}


def _bound(items: tuple[Node, ...], optional: bool | None, counts: dict[str, int]) -> Iterator[Node]:
    for node in items:
        if isinstance(node, Layer):
            yield node
            continue
        inner = tuple(_bound(node.items, optional, counts))
        if isinstance(node, Repeat) and inner:
            yield Repeat(inner, counts.get(node.count, node.count))
        elif isinstance(node, Maybe) and inner and optional is None:
            yield Maybe(inner)
        elif isinstance(node, Maybe) and optional:
            yield from inner


def _length(items: tuple[Node, ...]) -> int:
    if not items:
        return 0
    return sum(
        1 if isinstance(node, Layer) else _length(node.items) * (node.count if isinstance(node, Repeat) else 1)
        for node in items
    )


def _written_out(items: tuple[Node, ...]) -> Iterator[Layer]:
    for node in items:
        if isinstance(node, Layer):
            yield node
        elif _length(node.items):
            for _ in range(node.count if isinstance(node, Repeat) else 1):
                yield from _written_out(node.items)
