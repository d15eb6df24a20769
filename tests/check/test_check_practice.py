"""A check outside grading: what it says, what it remembers, and when it says that it cannot check."""

import json
import os
import re

import numpy as np
import pytest

from coursekit.check import CheckFailed, CheckUnavailable, check, hint, solution
from coursekit.practice import progress as kept


def sums(rng):
    return rng.normal(size=(4, 3)).cumsum(axis=0)


def across(rng):
    return rng.normal(size=(4, 3)).cumsum(axis=1)


def own(rng):
    return rng.normal(size=(4, 3))


def dim(rng):
    return sums(rng).astype(np.float32)


def flat(rng):
    return sums(rng).ravel()


def unfinished(rng):
    raise NotImplementedError


@pytest.fixture
def said(folder, capsys):
    """Call something of coursekit.check; gives what it printed and the failure it raised, if any."""

    def call(function, *arguments, **options):
        failure = None
        try:
            assert function(*arguments, **options) is None
        except CheckFailed as error:
            failure = str(error)
        out, err = capsys.readouterr()
        assert err == ""
        return out, failure

    return call


def test_a_right_answer(said):
    assert said(check, "91.sums", sums, cases=5) == ("91.sums  correct, 5 of 5 cases, 6 points.\n", None)
    assert said(check, "91.sums", dim, cases=5)[1] is None
    assert said(check, "91.name", " relu ") == ("91.name  correct, 1 point.\n", None)
    assert said(check, "91.size", np.int32(55)) == ("91.size  correct, 2.5 points.\n", None)


def test_a_wrong_answer_with_its_misunderstanding(said):
    out, failure = said(check, "91.sums", across, cases=5)
    assert re.fullmatch(
        r"91\.sums  not yet: case 1 of 5\. Shapes agree, \(4, 3\)\. "
        r"First difference at \[0, 1\]: yours -?[\d.]+, expected -?[\d.]+\.\n"
        r"     Your value is what you get when you add along the rows: is the axis right\? "
        r"hint\(\"91\.sums\"\) helps\.\n",
        out,
    )
    assert failure == "91.sums not yet"


def test_other_wrong_answers(said):
    assert said(check, "91.sums", flat, cases=5)[0] == (
        '91.sums  not yet: case 1 of 5. Shapes differ: yours (12,), expected (4, 3).\n     hint("91.sums") helps.\n'
    )
    assert said(check, "91.name", "tanh")[0] == "91.name  not yet. Yours is 'tanh', expected 'ReLU'.\n"


def test_an_entered_number_is_only_called_wrong(said):
    assert said(check, "91.size", 56) == ('91.size  not yet.\n     hint("91.size") helps.\n', "91.size not yet")
    assert said(check, "91.size", 54)[0] == (
        '91.size  not yet.\n     This counts the steps, not the places. hint("91.size") helps.\n'
    )
    assert said(check, "91.size", lambda rng: 1 / 0)[0].startswith(
        "91.size  not yet. Your code raised ZeroDivisionError: division by zero.\n"
    )


def test_not_attempted(said):
    start = '91.sums  not attempted yet. Start from section 1.1, "A kernel slides".\n'
    assert said(check, "91.sums", ..., cases=5) == (start, "91.sums not attempted yet")
    out, failure = said(check, "91.sums", unfinished, cases=5)
    assert out == start + "     Is it written already? Then it gives None: look for the return.\n"
    assert failure == "91.sums not attempted yet"
    assert said(check, "91.size", None)[0] == '91.size  not attempted yet. Start from section 1.2, "Sizes".\n'
    assert said(check, "91.name", None)[0] == (
        '91.name  not attempted yet. Start from chapter 2, "What bends the line".\n'
    )


def test_display_only_where_the_environment_says_so(said, monkeypatch):
    monkeypatch.setenv("COURSEKIT_CHECK", "display")
    assert said(check, "91.name", "tanh")[1] is None
    monkeypatch.setenv("COURSEKIT_CHECK", "raise")
    assert said(check, "91.name", "tanh")[1] == "91.name not yet"
    monkeypatch.setenv("COURSEKIT_CHECK", "shout")
    with pytest.raises(ValueError, match='expected "raise" or "display"'):
        check("91.name", "tanh")


def test_hints_come_one_at_a_time(said):
    assert said(hint, "91.sums")[0] == (
        '91.sums  hint 1 of 3: Think of running totals.\n     2 more: hint("91.sums") again.\n'
    )
    assert said(hint, "91.sums")[0].startswith("91.sums  hint 2 of 3: Down, not across.\n     1 more")
    assert said(hint, "91.sums")[0] == "91.sums  hint 3 of 3: cumsum takes an axis.\n     This was the last.\n"
    assert said(hint, "91.sums")[0].count("hint ") == 3
    assert said(hint, "91.name")[0] == '91.name  has no hints. Read chapter 2, "What bends the line".\n'


def test_the_solution_opens_after_two_different_tries(said):
    closed = "91.sums  the solution opens after two tries with different answers: {} so far.\n"
    assert said(solution, "91.sums")[0] == closed.format("none")
    said(check, "91.sums", None, cases=5)
    said(check, "91.sums", unfinished, cases=5)
    assert said(solution, "91.sums")[0] == closed.format("none")
    said(check, "91.sums", across, cases=5)
    said(check, "91.sums", across, cases=5)
    assert said(solution, "91.sums")[0] == closed.format("one")
    said(check, "91.sums", own, cases=5)
    shown = "91.sums  one way to write it:\n\ndef sums(x):\n    return x.cumsum(axis=0)\n"
    assert said(solution, "91.sums")[0] == shown


def test_the_solution_is_open_to_who_has_solved_it(said):
    said(check, "91.sums", sums, cases=5)
    assert "return x.cumsum" in said(solution, "91.sums")[0]
    assert said(solution, "91.name")[0].startswith("91.name  has no solution to show.")


def test_an_instructor_can_switch_solutions_off(said, folder, values, monkeypatch):
    said(check, "91.sums", sums, cases=5)
    off = "91.sums  solutions are switched off for this assignment.\n"
    monkeypatch.setenv("COURSEKIT_SOLUTIONS", "off")
    assert said(solution, "91.sums")[0] == off
    monkeypatch.delenv("COURSEKIT_SOLUTIONS")
    (folder / "91_small.public.json").write_text(json.dumps(values | {"solutions": False}))
    assert said(solution, "91.sums")[0] == off


def test_values_are_looked_for_in_three_places(said, folder, tmp_path_factory, monkeypatch):
    public = folder / "91_small.public.json"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "my").mkdir()
    (folder / "assignments").mkdir()
    public.rename(folder / "assignments" / public.name)
    monkeypatch.setattr("coursekit.check._START", str(folder / "my"))
    assert said(check, "91.name", "relu")[1] is None
    (folder / "assignments" / public.name).rename(elsewhere / public.name)
    with pytest.raises(
        CheckUnavailable, match=r"^91\.name cannot be checked: 91_\*\.public\.json is not found\. Put it"
    ):
        check("91.name", "relu")
    for named in (elsewhere, elsewhere / public.name):
        monkeypatch.setenv("COURSEKIT_VALUES", str(named))
        assert said(check, "91.name", "relu")[1] is None


def test_an_unknown_check_names_those_there_are(folder):
    message = r"no check of that name\. 91_small\.public\.json has 91\.name, 91\.size, 91\.sums\."
    for call in (lambda: check("91.sum", sums), lambda: hint("91.sum"), lambda: solution("91.sum")):
        with pytest.raises(CheckUnavailable, match=message):
            call()


def test_hidden_checks_use_the_instructor_s_values(said, folder, values):
    with pytest.raises(CheckUnavailable, match="hidden checks are compared in grading"):
        check("91.sums.hidden", sums, cases=5)
    private = values | {"checks": {"91.sums.hidden": values["checks"]["91.sums"]}}
    (folder / "91_small.private.json").write_text(json.dumps(private))
    assert said(check, "91.sums.hidden", sums, cases=5)[0].startswith("91.sums.hidden  not yet")  # other draws
    assert said(check, "91.sums", sums, cases=5)[1] is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"version": 1}', '{"version": 2, "seed": 1, "checks": {}}', "\xff"]
)
def test_damaged_values_are_said_to_be_so(folder, content):
    (folder / "91_small.public.json").write_text(content, encoding="latin-1")
    with pytest.raises(CheckUnavailable, match=r"91_small\.public\.json cannot be read\. Get it anew"):
        check("91.name", "relu")


def test_a_notebook_and_values_that_do_not_fit(folder):
    with pytest.raises(CheckUnavailable, match="asks for 3 cases and the public values hold 5"):
        check("91.sums", sums, cases=3)


@pytest.mark.parametrize(
    ("arguments", "cases", "error", "message"),
    [
        ((5, sums), 1, TypeError, 'expected text such as "02.q3"'),
        (("q3", sums), 1, ValueError, 'expected the number and a name, such as "02.q3"'),
        (("1.q3", sums), 1, ValueError, "expected the number"),
        (("91.q 3", sums), 1, ValueError, "expected the number"),
        (("91.sums", sums), 0, ValueError, "expected 1 to 1000"),
        (("91.sums", sums), 10**9, ValueError, "expected 1 to 1000"),
        (("91.sums", sums), True, TypeError, "expected a whole number"),
        (("91.sums", sums), 2.0, TypeError, "expected a whole number"),
        (("91.sums", "five"), 5, TypeError, "Drop cases=5, or pass a function"),
    ],
)
def test_a_check_written_wrongly_is_refused(folder, arguments, cases, error, message):
    with pytest.raises(error, match=message):
        check(*arguments, cases=cases)


def test_progress_is_kept(said, folder):
    said(check, "91.sums", None, cases=5)
    assert not (folder / kept.FILE).exists()
    said(check, "91.sums", across, cases=5)
    said(check, "91.sums", sums, cases=5)
    tried = kept.read(folder)["91.sums"]
    assert (tried.tries, tried.passed, tried.last, len(tried.wrong)) == (2, True, "correct", 1)
    assert sorted(os.listdir(folder)) == [kept.FILE, "91_small.public.json"]


DAMAGED = [
    "",
    "{",
    "[]",
    "null",
    '{"checks": []}',
    '{"checks": {"91.sums": 5}}',
    '{"checks": {"91.sums": {"tries": "x"}}}',
]


@pytest.mark.parametrize("content", [*DAMAGED, "[" * 100_000])
def test_damaged_progress_breaks_nothing(said, folder, content):
    (folder / kept.FILE).write_text(content)
    out, _ = said(check, "91.sums", across, cases=5)
    assert out.endswith(f"     Your progress is not kept: {kept.FILE} is damaged. Delete it to start a new one.\n")
    out, _ = said(check, "91.sums", own, cases=5)
    assert "progress" not in out
    assert "return x.cumsum" in said(solution, "91.sums")[0]  # known for as long as the kernel lives
    said(hint, "91.sums")
    assert "hint 2 of 3" in said(hint, "91.sums")[0]
    assert (folder / kept.FILE).read_text() == content


def test_progress_that_cannot_be_written_breaks_nothing(said, folder):
    (folder / kept.FILE).mkdir()  # permissions do not stop root
    out, _ = said(check, "91.sums", sums, cases=5)
    assert out.startswith("91.sums  correct, 5 of 5 cases, 6 points.\n     Your progress is not kept: ")
    assert said(check, "91.sums", sums, cases=5) == ("91.sums  correct, 5 of 5 cases, 6 points.\n", None)
    assert sorted(os.listdir(folder)) == [kept.FILE, "91_small.public.json"]
