"""Damage: to the bytes of a file, to the data of a notebook, to the frames of a message. Seeded, so that it repeats."""

import copy
import json
import random
from typing import Any

ODD_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1b[2J",
    b"\\ud800",
    b"NaN",
    b"1e999",
    b"{",
    b"]",
    b"\r",
    b"\xf0\x9f",
)
DEEP: Any = []
for _ in range(60):
    DEEP = [DEEP]
ODD = (  # in place of anything
    *(None, True, False, 0, -1, 4, 5, 2**63, 10**400, 1e308, float("nan"), float("-inf"), "", " ", "\n", "\x00", "4"),
    *(
        [],
        {},
        [[]],
        [None],
        {"": {}},
        DEEP,
        "x" * 3000,
        "\ud800",
        "\u202egnp",
        "\x1b]0;x\x07",
        "<script>alert(1)</script>",
    ),
    *(
        "=cmd|' /C calc'!A0",
        "../../etc/passwd",
        "code",
        "markdown",
        "mean_of",
        "mean_of-check",
        "# NBVAL_SKIP",
        "98.q1",
    ),
    *(["print(1)\n", 2], {"a": [{"b": "c"}]}, ["a", ["b"]], "def mean_of(image): return 0", "check('98.q1', 0)"),
)


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut, double, swap, overwrite or put in some bytes, up to five times."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 2, 10, 1000)))
        what = rng.randrange(6)
        if what == 0:
            data[at:to] = b""
        elif what == 1:
            data[at:at] = data[at:to] * rng.randint(1, 3)
        elif what == 2:
            data[at:to] = bytes(rng.randrange(256) for _ in range(to - at))
        elif what == 3:
            data[at:at] = rng.choice(ODD_BYTES) * rng.choice((1, 1, 2, 5000))
        elif what == 4:
            del data[at:]
        elif at < len(data):
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def damaged_data(data: Any, rng: random.Random) -> Any:
    """Replace, delete, double, move or rename some parts, up to five times."""
    data = copy.deepcopy(data)
    for _ in range(rng.randint(1, 5)):
        places = list(_places(data))
        holder, key = rng.choice(places) if places else (None, None)
        what = rng.randrange(6)
        if holder is None:
            return rng.choice(ODD)
        if what <= 2:
            holder[key] = copy.deepcopy(rng.choice(ODD))
        elif what == 3:
            del holder[key]
        elif what == 4:
            other, another = rng.choice(places)
            if isinstance(other, dict) or another < len(other):
                holder[key] = copy.deepcopy(other.get(another) if isinstance(other, dict) else other[another])
        elif isinstance(holder, dict):
            holder[rng.choice(("id", "source", "metadata", "nbgrader", "cell_type", "", "kind"))] = holder.pop(key)
        else:
            holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    return data


def as_text(data: Any) -> bytes:
    """As JSON, with whatever Python lets through."""
    return json.dumps(data).encode("utf-8", "surrogatepass")


def _places(data: Any) -> Any:
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _places(data[key])
