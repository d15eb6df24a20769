"""The comparator: right answers in whatever form, wrong ones with a reason, and rubbish that must never raise."""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coursekit.check import encode
from coursekit.compare import KINDS, Result, compare, fingerprint, same

TWO_BY_THREE = np.array([[0.5, -1.204, 3.0], [4.0, 5.0, 6.0]])


def one(expected, got, **how):
    return compare([encode(expected)], [encode(got)], how)


EQUAL = [
    (5, 5.0, {}),
    (5, np.int8(5), {}),
    (5, np.array(5.0), {}),
    ([1, 2, 3], np.array([1, 2, 3]), {}),
    (np.array([[1, 2], [3, 4]]), ((1, 2), [3.0, np.float32(4)]), {}),
    ([np.zeros(3), np.ones(3)], np.array([np.zeros(3), np.ones(3)]), {}),
    (TWO_BY_THREE, TWO_BY_THREE.astype(np.float32), {}),
    (TWO_BY_THREE, TWO_BY_THREE + 9e-9, {}),
    (np.array([np.nan, np.inf, -np.inf]), [float("nan"), float("inf"), float("-inf")], {}),
    (np.array([True, False]), [1, 0], {}),
    (np.array([1 + 2j]), np.array([1 + 2j], dtype=np.complex64), {}),
    (np.empty((0,)), [], {}),
    (0.7312, 0.731, {"digits": 3}),
    ((np.ones((2, 2)), np.ones(3)), [np.ones((2, 2)), [1, 1, 1]], {}),
    ((np.ones(3), None), (np.ones(3), None), {}),
    ({"dx": np.ones(2), "db": 1}, {"db": 1.0, "dx": [1, 1]}, {}),
    (("conv", 3), ["conv", 3], {}),
    (2**60, 2**60, {"kind": "integers"}),
    (55, 55.0, {"kind": "integers"}),
    ([np.float64(1), 2.0], np.array([1, 2.0]), {"dtype": "float64"}),
    ("ReLU", "  relu\n", {"kind": "text", "casefold": True}),
    (["a", "b"], ("a", "b "), {"kind": "text"}),
    ({3, 5}, [5, 3.0, 5], {"kind": "set"}),
    ({"relu", "pool"}, ["pool", " relu"], {"kind": "set"}),
    ([(1, 2), (3, 4)], {(3, 4), (1, 2)}, {"kind": "set"}),
    (["conv", "relu", "pool"], ("conv", "relu", "pool"), {"kind": "order"}),
    ([3, 1, 2], np.array([3, 1, 2]), {"kind": "order"}),
    ([7, 2, 1, 0], np.array([7, 2, 1, 4]), {"kind": "labels", "at_least": 0.75}),
    ([7, 2, 1], [7.0, 2.0, 1.0], {"kind": "labels", "at_least": 1}),
    ([2, 0], np.array([[0.1, 0.2, 0.7], [-1, -3, -2]]), {"kind": "labels", "at_least": 1.0}),
    (np.linspace(-1, 1, 500), np.linspace(-0.97, 1.02, 500), {"kind": "spread"}),
    (np.linspace(-1, 1, 500), np.linspace(1.2, -0.8, 500), {"kind": "spread", "rtol": 0.5}),
]


@pytest.mark.parametrize(("expected", "got", "how"), EQUAL)
def test_the_same_in_another_form_is_correct(expected, got, how):
    assert one(expected, got, **how) == Result("correct", None, "", 1, 1)
    assert same(encode(expected), encode(got), how)


DIFFERENT = [
    (5, 7, {}, "Yours is 7, expected 5."),
    (5, [5], {}, "Shapes differ: yours (1,), expected ()."),
    (TWO_BY_THREE, TWO_BY_THREE.T, {}, "Shapes differ: yours (3, 2), expected (2, 3)."),
    (
        TWO_BY_THREE,
        np.where(TWO_BY_THREE == -1.204, 0.731, TWO_BY_THREE),
        {},
        "Shapes agree, (2, 3). First difference at [0, 1]: yours 0.731, expected -1.204.",
    ),
    (1.23456789, 1.23459, {}, "Yours is 1.23459, expected 1.23457."),
    (1e6, 1e6 + 1e3, {}, "Yours is 1.001e+06, expected 1e+06."),
    (1.0, 1 + 1e-12, {"rtol": 0, "atol": 0}, "Yours is 1.000000000001, expected 1."),
    (np.inf, 1e300, {}, "Yours is 1e+300, expected inf."),
    (3.0, np.nan, {}, "Yours is nan, expected 3."),
    (np.nan, 3.0, {}, "Yours is 3, expected nan."),
    (5, "five", {}, "Numbers are expected, text came back."),
    (5, {"a": 5}, {}, "Numbers are expected, a dictionary came back."),
    (5, (x for x in [5]), {}, "What came back is of a type that cannot be compared: generator."),
    (5, None, {}, "Nothing came back."),
    (np.ones(3), [1, None, 1], {}, "Nothing came back."),
    (np.ones(3), [[1], [1, 2]], {}, "A list of parts of different shapes came back."),
    (5, np.zeros((1000, 1000)), {}, "Far more came back than a check takes."),
    (5, 10**900, {}, "A number came back that is too large."),
    (np.ones(2), np.ones(2, np.float32), {"dtype": "float64"}, "The dtype is float32, float64 is asked for."),
    ((np.ones((2, 2)), np.ones(3)), (np.ones((2, 2)), np.ones(2)), {}, "Part 2 of 2: Shapes differ: yours (2,)"),
    ((np.ones((2, 2)), np.ones(3)), np.ones((2, 2)), {}, "Part 1 of 2: Shapes differ: yours (2,), expected (2, 2)."),
    ((np.ones((2, 2)), np.ones(3)), (np.ones((2, 2)),), {}, "1 part came back, 2 expected."),
    ((np.ones((2, 2)), np.ones(3)), 7, {}, "A list is expected, a number came back."),
    ((np.ones(3), None), (np.ones(3), 1), {}, "Part 2 of 2: "),
    ({"dx": 1, "db": 2}, {"dx": 1}, {}, "The key 'db' is missing."),
    ({"dx": 1}, {"dx": 1, "dy": 2}, {}, "The key 'dy' is not expected."),
    ({"dx": 1}, {"dx": 2}, {}, "At key 'dx': Yours is 2, expected 1."),
    ({"dx": 1}, 1, {}, "A dictionary is expected, a number came back."),
    (2**60, 2**60 + 1, {"kind": "integers"}, f"Yours is {2**60 + 1}"),
    (2**60, float(2**60 + 2**10), {"kind": "integers"}, "Yours is 1.1"),
    (3, 3.0000001, {"kind": "integers"}, "Yours is 3.0000001, expected 3."),
    ("ReLU", "Relu", {"kind": "text"}, "Yours is 'Relu', expected 'ReLU'."),
    ("ReLU", 3, {"kind": "text"}, "Text is expected, a number came back."),
    ({"ReLU", "b"}, {"ReLU", "C"}, {"kind": "set"}, "Missing: 'b'. Not expected: 'C'."),
    ({3, 5}, {3}, {"kind": "set"}, "Missing: 5."),
    ({3}, {"3"}, {"kind": "set"}, "Missing: 3. Not expected: '3'."),
    (
        [1, 2, 3],
        [1, 3, 2],
        {"kind": "order"},
        "The entries are right, their order is not. Place 2: yours 3, expected 2.",
    ),
    (["a", "b"], ["a", "c"], {"kind": "order"}, "Place 2: yours 'c', expected 'b'."),
    (["a", "b"], ["a"], {"kind": "order"}, "1 entry came back, 2 expected."),
    (
        [7, 2, 1, 0],
        [7, 2, 2, 4],
        {"kind": "labels", "at_least": 0.75},
        "2 labels of 4 are right, 50.0 %; 75 % are asked for.",
    ),
    (
        [1] * 10_000,
        [1] * 9_699 + [2] * 301,
        {"kind": "labels", "at_least": 0.97},
        "9699 labels of 10000 are right, 96.99 %",
    ),
    ([1, 2], [[0.0, np.nan, 9], [0, 0, 9]], {"kind": "labels", "at_least": 0.6}, "1 label of 2 are right"),
    ([1, 2], [1, 2, 3], {"kind": "labels", "at_least": 0.5}, "Shapes differ: yours (3,), expected (2,) for labels"),
    ([1, 2], 1, {"kind": "labels", "at_least": 0.5}, "Shapes differ: yours (), expected (2,) for labels"),
    ([1, 2], None, {"kind": "labels", "at_least": 0.5}, "Nothing came back."),
    (np.arange(9.0), np.arange(9.0) * 1.1, {"kind": "spread"}, "The standard deviation is 2.84, expected about 2.582."),
    (np.arange(9.0), np.arange(9.0) + 1, {"kind": "spread"}, "The mean is 5, expected about 4"),
    (np.arange(9.0), np.arange(8.0), {"kind": "spread"}, "Shapes differ: yours (8,), expected (9,)."),
    (np.arange(3.0), [0, np.inf, 1], {"kind": "spread"}, "Real, finite numbers are expected."),
]


@pytest.mark.parametrize(("expected", "got", "how", "reason"), DIFFERENT)
def test_what_differs_is_said(expected, got, how, reason):
    result = one(expected, got, **how)
    assert (result.passed, result.cases, result.case) == (0, 1, 1)
    assert result.outcome == ("nothing" if got is None else "wrong")
    assert result.reason.startswith(reason)
    assert not same(encode(expected), encode(got), how)


def test_the_first_wrong_case_and_how_many_pass():
    result = compare([encode(k) for k in range(5)], [encode(k) for k in (0, 1, 7, 3, 9)], {})
    assert result == Result("wrong", 3, "Yours is 7, expected 2.", 3, 5)


def test_an_error_is_named_on_one_line():
    got = {"kind": "error", "type": "ValueError", "message": "shapes (2,)\n\x1b[31mand (3,) differ."}
    result = compare([encode(1)], [got], {})
    assert result.reason == "Your code raised ValueError: shapes (2,)  [31mand (3,) differ."


def test_nothing_means_that_no_case_holds_an_answer():
    nothing = {"kind": "nothing"}
    both = [encode(1), encode(2)]
    assert compare(both, [nothing, nothing], {}).outcome == "nothing"
    assert compare(both, [encode((None, ...)), encode({"dx": None})], {}).outcome == "nothing"
    assert compare(both, [encode(1), nothing], {}) == Result("wrong", 2, "Nothing came back.", 1, 2)
    assert compare(both, [encode([]), nothing], {}).outcome == "wrong"


def test_another_number_of_cases_is_wrong():
    for got, number in (([], 0), ([encode(1)], 1), ([encode(1)] * 3, 3), (None, "none"), ({}, "none"), ("ab", "none")):
        assert compare([encode(1)] * 2, got, {}) == Result("wrong", None, f"Of 2 cases, {number} came back.", 0, 2)


def test_a_reference_without_an_answer_is_refused():
    for case in ({"kind": "nothing"}, {"kind": "error", "type": "E", "message": ""}, encode((None, None))):
        with pytest.raises(ValueError, match="case 2 of the reference holds no answer"):
            compare([encode(1), case], [encode(1), encode(1)], {})


def test_each_share_of_right_labels_is_a_case():
    truth, how = [encode([1, 2, 3, 4])], {"kind": "labels", "at_least": [0.75, 0.5, 1.0]}
    result = compare(truth, [encode([1, 2, 3, 9])], how)
    assert result == Result("wrong", 3, "3 labels of 4 are right, 75.0 %; 100 % are asked for.", 2, 3)
    assert compare(truth, [encode([1, 2, 3, 4])], how) == Result("correct", None, "", 3, 3)
    assert not same(truth[0], encode([1, 2, 3, 9]), how)


@pytest.mark.parametrize("at_least", [None, 0, 97, [], [0.5, "all"], True])
def test_labels_need_a_share(at_least):
    with pytest.raises(ValueError, match=r"a share such as 0\.97"):
        compare([encode([1])], [encode([1])], {"kind": "labels", "at_least": at_least})


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="expected one of numbers, integers, text, set, order, labels, spread"):
        compare([encode(1)], [encode(1)], {"kind": "number"})


RUBBISH = [
    None,
    [],
    "array",
    {"kind": "array"},
    {"kind": ["array"]},
    {"kind": "array", "dtype": "float64", "shape": [2], "values": [1]},
    {"kind": "array", "dtype": "float64", "shape": [-1], "values": []},
    {"kind": "array", "dtype": "float64", "shape": [True], "values": [1]},
    {"kind": "array", "dtype": "float64", "shape": [10**400], "values": []},
    {"kind": "array", "dtype": "float64", "shape": [0] * 100000, "values": []},
    {"kind": "array", "dtype": {}, "shape": [], "values": ["NaN"]},
    {"kind": "array", "dtype": "c", "shape": [], "values": [[1e308, 1e308]]},
    {"kind": "array", "dtype": "c", "shape": [], "values": [[1, [2]]]},
    {"kind": "array", "dtype": "float64", "shape": [], "values": {"0": 5}},
    {"kind": "number", "type": "int", "value": 10**400},
    {"kind": "number", "type": "int", "value": "5"},
    {"kind": "number"},
    {"kind": "list", "items": {"0": 5}},
    {"kind": "list", "items": [5]},
    {"kind": "list"},
    {"kind": "dict", "items": [[5]]},
    {"kind": "dict", "items": [[{}, 5]]},
    {"kind": "dict", "items": None},
    {"kind": "text", "value": 5},
    {"kind": "set", "items": [{"kind": "set", "items": 3}]},
    {"kind": "error", "type": [], "message": {}},
    {"kind": "unknown"},
]


@pytest.mark.parametrize("kind", KINDS)
def test_rubbish_is_wrong(kind):
    expected = {"numbers": 5, "integers": 5, "text": "five", "set": {5}, "order": [5], "labels": [5], "spread": [5]}[
        kind
    ]
    for right in (encode(expected), encode([expected, [expected]]), encode({"a": expected})):
        for got in RUBBISH:
            result = compare([right], [got], {"kind": kind, "dtype": "float64", "at_least": 0.5})
            assert result.outcome == "wrong", got
            assert result.reason
            assert fingerprint(got, {"kind": kind}, "salt", 3) is None or got.get("kind") == "array"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("holder", ["list", "set", "dict"])
def test_deep_nesting_is_wrong(kind, holder):
    got = encode(5)
    for _ in range(20_000):
        got = {"kind": holder, "items": [["a", got]] if holder == "dict" else [got]}
    try:
        for expected in (5, "five", [5, [5]], {"a": 5}):
            if kind in ("set", "order") and not isinstance(expected, list):
                continue
            assert compare([encode(expected)], [got], {"kind": kind, "at_least": 0.5}).outcome == "wrong"
        assert fingerprint(got, {"kind": kind}, "salt", 3) is None
    finally:  # take it apart, which Python would do recursively
        while got.get("items"):
            got = got.pop("items")[0]
            got = got[1] if isinstance(got, list) else got


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
anything = st.recursive(leaves, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=5), x, max_size=4))
kinds = st.sampled_from(["array", "number", "text", "list", "set", "dict", "nothing", "error", "unknown", "too-large"])
cases = st.recursive(
    anything
    | st.fixed_dictionaries({"kind": kinds, "value": leaves, "shape": st.lists(st.integers(0, 3), max_size=2)}),
    lambda x: (
        st.fixed_dictionaries({"kind": kinds, "items": st.lists(x | st.tuples(st.text(max_size=2), x).map(list))})
        | st.fixed_dictionaries({"kind": kinds, "shape": anything, "values": st.lists(leaves), "dtype": anything})
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(cases | st.lists(cases, max_size=2), st.sampled_from(list(KINDS)), st.booleans())
def test_anything_json_can_say_gives_a_result(got, kind, alone):
    for expected in (encode(5), encode([1.5, [2]]), encode({"a": np.ones(2)}), encode(["b", 2])):
        result = compare(
            [expected], [got] if alone else got, {"kind": kind, "dtype": "float64", "digits": 3, "at_least": 0.5}
        )
        assert result.outcome in ("wrong", "nothing", "correct")
        assert isinstance(result.reason, str)
        assert (result.reason == "") == (result.outcome == "correct")
        json.dumps(result.__dict__)
        assert same(expected, got, {"kind": kind}) in (True, False)
        fingerprint(got, {"kind": kind}, "salt", 3)


numeric = arrays.array_shapes(min_dims=0, max_dims=3, max_side=4).flatmap(
    lambda shape: arrays.arrays(st.sampled_from([np.float64, np.int32, np.bool_, np.complex128]), shape)
)


@settings(max_examples=100, deadline=None)
@given(numeric)
def test_an_array_agrees_with_itself_after_the_journey(array):
    journey = json.loads(json.dumps([encode(array), encode(array.tolist())], allow_nan=False))
    if np.iscomplexobj(array) and not np.isfinite(array).all():
        return
    assert compare([encode(array)] * 2, journey, {}).outcome == "correct"


@settings(max_examples=100, deadline=None)
@given(
    arrays.arrays(np.float64, (2, 3), elements=st.floats(-1e6, 1e6)),
    st.tuples(st.integers(0, 1), st.integers(0, 2)),
    st.floats(2.0, 1e6),
)
def test_the_first_difference_is_shown_with_digits_that_tell(array, at, factor):
    other = array.copy()
    other[at] += factor * (1e-8 + 1e-5 * abs(array[at]))
    result = one(array, other)
    assert result.outcome == "wrong"
    assert f"First difference at [{at[0]}, {at[1]}]: yours " in result.reason
    yours, expected = result.reason.split(": yours ")[1].rstrip(".").split(", expected ")
    assert yours != expected


def test_fingerprints_agree_with_rounded_values_alone():
    def print_of(value, **how):
        return fingerprint(encode(value), how, "salt", 3)

    assert print_of(0.7312) == print_of(np.float32(0.731)) == print_of(0.73149)
    assert print_of(0.7312) != print_of(0.732)
    assert print_of(55) == print_of(55.0) == print_of(np.array(55))
    assert print_of(55) != print_of([55])
    assert print_of([1, 2]) == print_of((1.0, 2.0)) == print_of(np.array([1, 2]))
    assert print_of(0.0) == print_of(-0.0)
    assert print_of(" ReLU", kind="text", casefold=True) == print_of("relu", kind="text", casefold=True)
    assert print_of({1, 2}, kind="set") == print_of([2, 1, 1.0], kind="set")
    assert print_of([1, 2], kind="order") != print_of([2, 1], kind="order")
    assert print_of(((1, 2), "a")) == print_of([[1, 2], "a"])
    assert print_of(None) is None
    assert fingerprint(encode(5), {}, "other", 3) != print_of(5)
    assert len(print_of(5)) == 64


@pytest.mark.slow
def test_a_hundred_thousand_numbers_take_no_time_to_speak_of():
    values = list(range(100_000))
    big = {"kind": "array", "dtype": "int64", "shape": [100_000], "values": values}
    parts = {"kind": "list", "items": [{"kind": "number", "type": "int", "value": k} for k in values]}
    start = time.process_time()
    for kind in ("numbers", "integers", "order", "set"):
        assert compare([big], [parts], {"kind": kind}).outcome == "correct"
    assert time.process_time() - start < 10
