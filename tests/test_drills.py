"""Each drill accepts the right answer, and tells each wrong one which thought led to it."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from coursekit import drills, practice
from coursekit.check import CheckFailed, CheckUnavailable, check, hint, solution

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NUMBERS = [f"{number:02}" for number in range(12)]
ALL = [f"c{number}.{name}" for number in NUMBERS for name in drills.chapter(number)]


def outcome(id, answer, folder, capsys):
    practice.check(id, answer, 1, str(folder))
    return capsys.readouterr().out


def as_answer(drill, function):
    return function if drill.inputs else function()


@pytest.mark.parametrize("id", ALL)
def test_right_and_wrong_answers(id, tmp_path, capsys):
    drill = drills.find(id)
    assert f"{id}  correct" in outcome(id, as_answer(drill, drill.right), tmp_path, capsys)
    assert "not attempted yet" in outcome(id, None, tmp_path, capsys)
    for wrong in drill.wrong:
        told = outcome(id, as_answer(drill, wrong), tmp_path, capsys)
        assert f"{id}  not yet" in told
        assert drills.says(wrong).rstrip(".") in told, "another misunderstanding gives the same"


@pytest.mark.parametrize("id", ALL)
def test_says_where_to_read_and_gives_hints(id):
    drill = drills.find(id)
    assert drill.hints
    chapter = next(NOTEBOOKS.glob(f"{id[1:3]}_*.ipynb"))
    sources = "\n".join("".join(cell["source"]) for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"])
    assert re.search(rf"^##+ {re.escape(drill.section)}$", sources, re.MULTILINE), drill.section
    assert f'check("{id}"' in sources


def test_each_check_in_a_chapter_is_a_drill():
    for path in NOTEBOOKS.glob("*.ipynb"):
        asked = re.findall(r"check\(\\\"(c\d\d\.\w+)", path.read_text(encoding="utf-8"))
        assert set(asked) <= set(ALL), path.name


# a chapter of our own, so that what a drill says is known


def doubled(n):
    return 2 * n


def squared(n):
    """This squares the number."""
    return n**2


@pytest.fixture
def lesson(monkeypatch, tmp_path):
    double = drills.Drill(
        doubled, lambda rng: (int(rng.integers(3, 99)),), (squared,), 4, ("Add it to itself.",), "9 Two"
    )
    monkeypatch.setitem(
        sys.modules,
        "coursekit.drills.c99",
        SimpleNamespace(DRILLS={"double": double, "seven": drills.Drill(lambda: 7)}),
    )
    monkeypatch.setattr(sys.modules["coursekit.check"], "_START", str(tmp_path))
    monkeypatch.delenv("COURSEKIT_CHECK", raising=False)
    yield
    drills.entry.cache_clear()


def test_what_a_drill_says(lesson, capsys):
    check("c99.double", doubled)
    check("c99.double", squared)
    check("c99.double", lambda n: None)
    check("c99.double", ...)
    check("c99.seven", 7)
    hint("c99.double")
    check("c99.double", lambda n: n + 1)
    solution("c99.double")
    told = capsys.readouterr().out
    assert told.startswith("c99.double  correct, 4 of 4 cases.\nc99.double  not yet: case 1 of 4.")
    assert 'This squares the number. hint("c99.double") helps (from coursekit.check import hint).' in told
    assert told.count("c99.double  not attempted yet. Start from section 9") == 2
    assert "c99.seven  correct." in told
    assert "hint 1 of 1: Add it to itself." in told
    assert "return 2 * n" in told


def test_a_drill_stops_nobody_unless_told_to(lesson, monkeypatch, capsys):
    check("c99.double", squared)
    monkeypatch.setenv("COURSEKIT_CHECK", "raise")
    with pytest.raises(CheckFailed):
        check("c99.double", squared)


def test_an_unknown_drill(lesson):
    with pytest.raises(CheckUnavailable, match=r"no drill of that name. Chapter 99: c99.double, c99.seven"):
        check("c99.half", 1)
    with pytest.raises(CheckUnavailable, match="Chapter 98: none"):
        check("c98.half", 1)
