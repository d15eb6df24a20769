"""Whatever an answer returns becomes plain, bounded JSON; nothing it returns can hang or break a check."""

import json
import time

import numpy as np
import pytest

from coursekit._encode import MAX_CHARACTERS, Room
from coursekit.check import answers, encode, generator


def number(value, type="int"):
    return {"kind": "number", "type": type, "value": value}


def array(dtype, shape, values):
    return {"kind": "array", "dtype": dtype, "shape": shape, "values": values}


class Tensor:
    """A tensor as PyTorch has it: its numbers are had by three calls."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.values


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return np.arange(2)


PLAIN = [
    (np.array([[1.5, np.nan], [np.inf, -np.inf]]), array("float64", [2, 2], [1.5, "nan", "inf", "-inf"])),
    (np.float32(0.5), array("float32", [], [0.5])),
    (np.arange(3, dtype=np.int8), array("int8", [3], [0, 1, 2])),
    (np.bool_(True), array("bool", [], [True])),
    (np.array([1 + 2j, complex("nanj")]), array("complex128", [2], [[1.0, 2.0], [0.0, "nan"]])),
    (2j, array("complex128", [], [[0.0, 2.0]])),
    (np.arange(6).reshape(2, 3).T, array("int64", [3, 2], [0, 3, 1, 4, 2, 5])),
    (np.ma.array([1, 2], mask=[0, 1]), array("int64", [2], [1, 2])),
    (Tensor(np.ones(1)), array("float64", [1], [1.0])),
    (HasArray(), array("int64", [2], [0, 1])),
    (5, number(5)),
    (True, number(True, "bool")),
    (2.5, number(2.5, "float")),
    (float("-inf"), number("-inf", "float")),
    ("ReLU", {"kind": "text", "value": "ReLU"}),
    ("a\ud800", {"kind": "text", "value": "a\\ud800"}),
    (np.array(["a", "b"]), {"kind": "list", "items": [{"kind": "text", "value": c} for c in "ab"]}),
    ((1, [2]), {"kind": "list", "items": [number(1), {"kind": "list", "items": [number(2)]}]}),
    (range(2), {"kind": "list", "items": [number(0), number(1)]}),
    ({10, 9}, {"kind": "set", "items": [number(10), number(9)]}),
    (frozenset(), {"kind": "set", "items": []}),
    (
        {"a": 1, 2: None, (1, "b"): 2, int: 3},
        {
            "kind": "dict",
            "items": [["a", number(1)], ["2", {"kind": "nothing"}], ["(1, b)", number(2)], ["type", number(3)]],
        },
    ),
    (None, {"kind": "nothing"}),
    (..., {"kind": "nothing"}),
    (len, {"kind": "unknown", "type": "builtin_function_or_method"}),
    (HasArray, {"kind": "unknown", "type": "type"}),
    (b"x", {"kind": "unknown", "type": "bytes"}),
    (np.array([None]), {"kind": "unknown", "type": "array of object"}),
    (np.zeros((400, 400)), {"kind": "too-large", "size": 160_000}),
    (np.broadcast_to(0.0, (10**6, 10**6)), {"kind": "too-large", "size": 10**12}),
    ("x" * 2_000_000, {"kind": "too-large", "size": 2_000_000}),
]


@pytest.mark.parametrize(("value", "expected"), PLAIN)
def test_values_become_plain(value, expected):
    assert encode(value) == expected
    json.dumps(expected, allow_nan=False).encode("utf-8")


@pytest.mark.slow
def test_a_tensor_of_pytorch_s():
    torch = pytest.importorskip("torch")
    assert encode(torch.ones(2, requires_grad=True)) == array("float32", [2], [1.0, 1.0])
    assert encode(torch.ones(2, dtype=torch.bfloat16))["kind"] == "error"


def test_whole_numbers_of_any_length():
    assert encode(10**400) == number(10**400)
    assert encode(10**5000)["kind"] == "too-large"


def test_nesting_is_bounded():
    assert encode([[[[1]]]])["items"][0]["items"][0]["items"][0]["items"] == [number(1)]
    deep = encode([[[[[1]]]]])["items"][0]["items"][0]["items"][0]["items"][0]
    assert deep == {"kind": "unknown", "type": "list nested more than 4 deep"}


def test_room_is_shared_by_the_cases():
    encoded, _ = answers("01.q1", lambda rng: np.zeros(30_000), 5, 1)
    assert [case["kind"] for case in encoded] == ["array"] * 3 + ["too-large"] * 2
    encoded, _ = answers("01.q1", lambda rng: rng.normal(size=20_000), 5, 1)  # here the characters run out
    assert [case["kind"] for case in encoded] == ["array"] * 2 + ["too-large"] * 3
    assert len(json.dumps(encoded)) < MAX_CHARACTERS + 1000


class Liar(type):
    @property
    def __name__(cls):
        raise SystemExit


class Hostile(metaclass=Liar):
    __class__ = list

    def __array__(self, *arguments, **options):
        raise SystemExit("no")

    def __len__(self):
        return 10**30

    def __iter__(self):
        while True:
            yield self

    def __eq__(self, other):
        return True

    __hash__ = None

    def __repr__(self):
        raise RuntimeError

    def __getattr__(self, name):
        return self

    def __call__(self, *arguments):
        return self


class EndlessList(list):
    __iter__ = Hostile.__iter__
    __len__ = Hostile.__len__


class LyingInt(int):
    def __index__(self):
        raise ValueError

    __int__ = __float__ = __index__


class LyingText(str):
    __slots__ = ()

    def __str__(self):
        return 5

    encode = __len__ = __str__


class LyingArray(np.ndarray):
    def __array_finalize__(self, other):
        pass

    def tolist(self):
        while True:
            pass

    ravel = astype = __len__ = tolist


class Unsayable(Exception):
    def __str__(self):
        raise SystemExit


def test_what_lies_is_taken_at_its_type():
    assert encode(EndlessList([1])) == {"kind": "list", "items": [number(1)]}
    assert encode(LyingInt(5)) == number(5)
    assert encode(LyingText("a")) == {"kind": "text", "value": "a"}
    assert encode(np.arange(2.0).view(LyingArray)) == array("float64", [2], [0.0, 1.0])
    assert encode(Hostile()) == {"kind": "error", "type": "SystemExit", "message": "no"}
    assert encode(Hostile) == {"kind": "unknown", "type": "Liar"}
    assert encode(Tensor(Hostile())) == {"kind": "unknown", "type": "Tensor"}
    assert encode([Hostile()])["kind"] == "error"


def test_what_holds_itself_ends():
    start = time.process_time()
    ring = [1]
    ring.append(ring)
    assert encode(ring)["kind"] == "list"
    wide: list = [0] * 1000
    wide[:] = [wide] * 1000
    assert encode(wide)["kind"] == "too-large"
    table: dict = {}
    table.update({k: table for k in range(1000)})
    assert encode(table)["kind"] == "too-large"
    assert time.process_time() - start < 5


def raising(error):
    def answer(rng):
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotImplementedError("later"), {"kind": "nothing"}),
        (ValueError("no\ud800"), {"kind": "error", "type": "ValueError", "message": "no\\ud800"}),
        (SystemExit(3), {"kind": "error", "type": "SystemExit", "message": "3"}),
        (GeneratorExit(), {"kind": "error", "type": "GeneratorExit", "message": ""}),
        (MemoryError(), {"kind": "error", "type": "MemoryError", "message": ""}),
        (Unsayable(), {"kind": "error", "type": "Unsayable", "message": ""}),
        (KeyError("x" * 1000), {"kind": "error", "type": "KeyError", "message": "'" + "x" * 299}),
    ],
)
def test_what_is_raised_is_caught(error, expected):
    assert answers("01.q1", raising(error), 2, 1)[0] == [expected] * 2


def test_endless_recursion_is_caught():
    def answer(rng):
        return answer(rng) + 1

    assert answers("01.q1", answer, 1, 1)[0][0]["type"] == "RecursionError"


def test_an_interrupt_passes():
    with pytest.raises(KeyboardInterrupt):
        answers("01.q1", raising(KeyboardInterrupt()), 1, 1)

    class Interrupted:
        def __array__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(Interrupted())


def test_room_says_what_was_too_large():
    room = Room()
    room.take(100_000)
    with pytest.raises(Exception, match=r"^1$"):
        room.take(1)


def test_draws_depend_on_seed_check_and_case_alone():
    def draw(seed, id, case):
        return generator(seed, id, case).integers(2**62)

    assert draw(1, "01.q1", 0) == draw(1, "01.q1", 0)
    others = {draw(1, "01.q1", 0), draw(2, "01.q1", 0), draw(1, "01.q2", 0), draw(1, "02.q1", 0), draw(1, "01.q1", 1)}
    assert len(others) == 5
    # as the contract between check and grader has it: seed, four bytes of the name's hash, case
    assert draw(20261, "01.q1", 2) == np.random.default_rng([20261, 0xA7259362, 2]).integers(2**62)


def test_cases_draw_anew_and_alike_on_every_run():
    first, _ = answers("01.q1", lambda rng: rng.normal(), 3, 7)
    again, _ = answers("01.q1", lambda rng: rng.normal(), 3, 7)
    assert first == again
    assert len({case["value"] for case in first}) == 3
