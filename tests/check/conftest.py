"""An assignment of three questions as a learner has it: public values made by the answers below."""

import copy
import json

import numpy as np
import pytest

from coursekit.check import answers
from coursekit.compare import fingerprint

SEED = 20261
ANSWERS = {
    "91.sums": "lambda rng: rng.normal(size=(4, 3)).cumsum(axis=0)",
    "91.name": "lambda rng: 'ReLU'",
    "91.size": "55",
}
WRONG = "lambda rng: rng.normal(size=(4, 3)).cumsum(axis=1)"


def encoded(id, cases, code=None):
    return answers(id, eval(code or ANSWERS[id], {"np": np}), cases, SEED)[0]


def public_values():
    return {
        "version": 1,
        "assignment": "91_small",
        "seed": SEED,
        "checks": {
            "91.sums": {
                "points": 6,
                "cases": encoded("91.sums", 5),
                "compare": {"kind": "numbers"},
                "hints": ["Think of running totals.", "Down, not across.", "cumsum takes an axis."],
                "section": "1.1 A kernel slides",
                "misunderstandings": [
                    {
                        "says": "Your value is what you get when you add along the rows: is the axis right?",
                        "cases": encoded("91.sums", 5, WRONG),
                    }
                ],
                "solution": "def sums(x):\n    return x.cumsum(axis=0)\n",
            },
            "91.name": {
                "points": 1,
                "cases": encoded("91.name", 1),
                "compare": {"kind": "text", "casefold": True},
                "hints": [],
                "section": 'chapter 2, "What bends the line"',
                "misunderstandings": [],
                "solution": "",
            },
            "91.size": {
                "points": 2.5,
                "hashes": [fingerprint(encoded("91.size", 1)[0], {}, "salt", 4)],
                "salt": "salt",
                "digits": 4,
                "compare": {"kind": "numbers", "digits": 4},
                "hints": ["Count the places."],
                "section": "1.2 Sizes",
                "misunderstandings": [
                    {"says": "This counts the steps, not the places", "cases": [encoded("91.size", 1, "54")[0]]}
                ],
                "solution": "size = (227 - 11) // 4 + 1",
            },
        },
    }


@pytest.fixture(scope="session")
def public():
    return public_values()


@pytest.fixture
def values(public):
    return copy.deepcopy(public)


@pytest.fixture
def folder(tmp_path, values, monkeypatch):
    """A folder with the public values, as the start folder of this process's checks."""
    (tmp_path / "91_small.public.json").write_text(json.dumps(values), encoding="utf-8")
    monkeypatch.setattr("coursekit.check._START", str(tmp_path))
    for name in ("COURSEKIT_VALUES", "COURSEKIT_CHECK", "COURSEKIT_SOLUTIONS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
