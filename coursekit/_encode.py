"""Plain, bounded JSON of whatever an answer returns.

A learner's function may return anything: a huge array, a list that contains itself, an object whose methods lie. So
nothing here asks a value what it is or how long it is: types are looked up, and the methods called are those of the
built-in types and of NumPy's own array.
"""

import itertools
import json
from typing import Any

import numpy as np

MAX_NUMBERS = 100_000  # in all cases of one check together
MAX_CHARACTERS = 1_000_000  # of JSON, likewise
MAX_DEPTH = 4  # of lists in lists
MAX_MESSAGE = 300  # characters of an error's message
MAX_DIGITS = 1000  # of a whole number; longer ones are too large


class Room:
    """What one check may still send."""

    def __init__(self) -> None:
        self.numbers = MAX_NUMBERS
        self.characters = MAX_CHARACTERS

    def take(self, numbers: int) -> None:
        """Set room for so many numbers aside.

        Raises
        ------
        TooLarge
            If there is not so much room.
        """
        if numbers > self.numbers:
            raise TooLarge(numbers)
        self.numbers -= numbers


class TooLarge(Exception):
    """More than a check takes."""

    def __init__(self, size: int):
        super().__init__(size)
        self.size = size


def encode(value: Any, room: Room | None = None) -> dict:
    """Make plain JSON of a value.

    Parameters
    ----------
    value : anything
        Arrays and NumPy scalars, tensors (by ``detach().cpu().numpy()``), whatever has ``__array__``, numbers, text,
        lists, tuples, sets and dictionaries of such are encoded; of anything else the type's name alone.
    room : Room, optional
        Shared by the cases of one check, so that the whole is bounded.

    Returns
    -------
    dict
        With the key ``kind``; see `coursekit.compare` for its readers.

    >>> encode(np.array([[1.5, np.inf]]))
    {'kind': 'array', 'dtype': 'float64', 'shape': [1, 2], 'values': [1.5, 'inf']}
    >>> encode((3, None))
    {'kind': 'list', 'items': [{'kind': 'number', 'type': 'int', 'value': 3}, {'kind': 'nothing'}]}
    """
    room = room or Room()
    try:
        case = _encode(value, room, 0)
        size = len(json.dumps(case))
        if size > room.characters:
            raise TooLarge(size)
    except KeyboardInterrupt:
        raise
    except TooLarge as error:
        return {"kind": "too-large", "size": error.size}
    except BaseException as error:
        return encode_error(error)
    room.characters -= size
    return case


def encode_error(error: BaseException) -> dict:
    """Make plain JSON of what an answer raised; NotImplementedError means that nothing was tried."""
    if issubclass(type(error), NotImplementedError):
        return {"kind": "nothing"}
    try:
        message = _clean(str.__str__(str(error))[:MAX_MESSAGE])
    except KeyboardInterrupt:
        raise
    except BaseException:
        message = ""
    return {"kind": "error", "type": _type_name(type(error)), "message": message}


def _encode(value: Any, room: Room, depth: int) -> dict:
    kind = type(value)
    if value is None or value is ...:
        return {"kind": "nothing"}
    if issubclass(kind, np.ndarray | np.generic):
        return _encode_array(np.asarray(value), room, depth)
    if issubclass(kind, complex):
        return _encode_array(np.array(complex.__complex__(value)), room, depth)
    if issubclass(kind, bool | int | float):
        room.take(1)
        return _encode_number(value)
    if issubclass(kind, str):
        return _encode_text(value, room)
    if issubclass(kind, list | tuple | set | frozenset | dict | range):
        return _encode_items(value, room, depth)
    array = _as_array(value)
    if array is not None:
        return _encode_array(np.asarray(array), room, depth)
    return {"kind": "unknown", "type": _type_name(kind)}


def _as_array(value: Any) -> np.ndarray | None:
    """The array in a tensor, or in anything else that can give one."""
    kind = type(value)
    if kind is type:
        return None
    array = None
    if hasattr(kind, "detach"):
        array = value.detach().cpu().numpy()
    elif hasattr(kind, "__array__"):
        array = value.__array__()
    return array if issubclass(type(array), np.ndarray) else None


def _encode_array(array: np.ndarray, room: Room, depth: int) -> dict:
    if array.dtype.kind in "US":
        room.take(array.size)
        return _encode(array.astype(str).tolist(), room, depth)
    if array.dtype.kind not in "biufc":
        return {"kind": "unknown", "type": f"array of {array.dtype.name}"}
    is_complex = array.dtype.kind == "c"
    room.take(array.size * (2 if is_complex else 1))
    with np.errstate(all="ignore"):  # a long double may be infinite as a float64
        wide = array.astype({"c": complex, "f": float}.get(array.dtype.kind, array.dtype)).ravel().tolist()
    if is_complex:
        values = [[_plain(z.real), _plain(z.imag)] for z in wide]
    else:
        values = [_plain(x) for x in wide] if array.dtype.kind == "f" else wide
    return {"kind": "array", "dtype": array.dtype.name, "shape": list(array.shape), "values": values}


def _encode_number(value: bool | int | float) -> dict:
    kind = type(value)
    if kind is bool:
        return {"kind": "number", "type": "bool", "value": value}
    if issubclass(kind, float):
        return {"kind": "number", "type": "float", "value": _plain(float.__float__(value))}
    whole = int.__index__(value)
    digits = int.bit_length(whole) * 3 // 10
    if digits > MAX_DIGITS:
        raise TooLarge(digits)
    return {"kind": "number", "type": "int", "value": whole}


def _encode_text(value: str, room: Room) -> dict:
    room.take(1)
    if str.__len__(value) > room.characters:
        raise TooLarge(str.__len__(value))
    return {"kind": "text", "value": _clean(str.__str__(value))}


def _encode_items(value: Any, room: Room, depth: int) -> dict:
    if depth >= MAX_DEPTH:
        return {"kind": "unknown", "type": f"{_type_name(type(value))} nested more than {MAX_DEPTH} deep"}
    base = next(b for b in (list, tuple, set, frozenset, dict, range) if issubclass(type(value), b))
    room.take(base.__len__(value))
    if base is dict:
        pairs = itertools.islice(dict.items(value), MAX_NUMBERS)
        return {"kind": "dict", "items": [[_key(k), _encode(v, room, depth + 1)] for k, v in pairs]}
    items = [_encode(item, room, depth + 1) for item in base.__iter__(value)]
    if base in (set, frozenset):  # in an order that does not depend on the hash seed
        return {"kind": "set", "items": sorted(items, key=lambda item: json.dumps(item, sort_keys=True))}
    return {"kind": "list", "items": items}


def _key(key: Any) -> str:
    """A dictionary's key as text; keys of other types than these are told apart by type alone."""
    if issubclass(type(key), str):
        return _clean(str.__str__(key)[:MAX_MESSAGE])
    if issubclass(type(key), np.generic):
        key = np.asarray(key).item()
    if type(key) in (int, float, bool, type(None)):
        return repr(key)[:MAX_MESSAGE]
    if type(key) is tuple and len(key) <= 8 and tuple not in map(type, key):
        return f"({', '.join(_key(k) for k in key)})"
    return _type_name(type(key))


def _plain(x: float) -> float | str:
    """JSON knows no nan and no infinity."""
    return x if x - x == 0 else str(x)


def _clean(text: str) -> str:
    """Text that can be sent as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _type_name(kind: type) -> str:
    return _clean(type.__dict__["__name__"].__get__(kind))[:100]  # a metaclass may lie about it
