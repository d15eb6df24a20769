"""A check outside grading: compare with the public values, say what was found, keep the progress."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from coursekit import drills
from coursekit.check import CheckUnavailable, answers, generator
from coursekit.compare import Result, compare, fingerprint, same
from coursekit.compare.cases import Unreadable, is_nothing, refuse_no_answer
from coursekit.practice import progress
from coursekit.practice.values import find

HONEST_TRIES = 2


def check(id: str, answer: Any, cases: int, start: str, images: int = 0) -> str:
    """Call the answer and say how it compares. Images are drawn from the validation part of MNIST.

    Returns
    -------
    str
        What is wrong in a word or two; empty if all is right.
    """
    folder = Path(start)
    values, entry = known(id, folder)
    if drills.is_drill(id):
        drill = drills.find(id)
        cases, answer = drill.cases, drill.called(answer)
    stored = len(entry.get("hashes", entry.get("cases", ())))
    if stored != cases or entry.get("images", 0) != images:
        asks, holds = (f"{number} cases" for number in (cases, stored))
        if stored == cases:
            asks, holds = (f"{number} images" for number in (images, entry.get("images", 0)))
        raise CheckUnavailable(
            f"{id} cannot be checked: the notebook asks for {asks} and the public values hold {holds}. "
            "They do not belong together: get both anew."
        )
    digits = None
    if images:
        from coursekit.data import draw_digits

        digits, _ = draw_digits("validation", images, generator(values["seed"], id, 0))
    got, places = answers(id, answer, cases, values["seed"], digits)
    result = _compare(entry, got)
    print(f"{id}  {_say(id, entry, result, got, places, callable(answer))}")
    if result.outcome != "nothing":
        answer_hash = hashlib.sha256(json.dumps(got, sort_keys=True).encode()).hexdigest()[:16]
        _note(folder, id, partial(progress.add_try, outcome=result.outcome, answer=answer_hash))
    return {"correct": "", "wrong": "not yet", "nothing": "not attempted yet"}[result.outcome]


def hint(id: str, start: str) -> None:
    """Print the next hint and how many are left; after the last all of them again."""
    folder = Path(start)
    _, entry = known(id, folder)
    hints = entry.get("hints") or []
    if not hints:
        print(f"{id}  has no hints.{_read_up(entry, 'Read')}")
        return
    given = progress.known(folder, id).hints
    if given >= len(hints):
        print("\n".join(f"{id}  hint {k} of {len(hints)}: {text}" for k, text in enumerate(hints, 1)))
        print(f'     These are all. After two tries, solution("{id}") shows one way.')
        return
    left = len(hints) - given - 1
    print(f"{id}  hint {given + 1} of {len(hints)}: {hints[given]}")
    print(f'     {left} more: hint("{id}") again.' if left else "     This was the last.")
    _note(folder, id, _count_hint)


def solution(id: str, start: str) -> None:
    """Print the solution if the check is passed, or was tried in earnest."""
    folder = Path(start)
    values, entry = known(id, folder)
    if values.get("solutions") is False or os.environ.get("COURSEKIT_SOLUTIONS", "").lower() == "off":
        print(f"{id}  solutions are switched off for this assignment.")
        return
    if not entry.get("solution"):
        print(f"{id}  has no solution to show.{_read_up(entry, 'Read')}")
        return
    tried = progress.known(folder, id)
    if not tried.passed and len(tried.wrong) < HONEST_TRIES:
        so_far = {0: "none", 1: "one"}[len(tried.wrong)]
        print(f"{id}  the solution opens after two tries with different answers: {so_far} so far.")
        return
    print(f"{id}  one way to write it:\n\n{entry['solution'].rstrip()}")


def known(id: str, folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What is known of a check, and of the assignment that it belongs to."""
    if drills.is_drill(id):
        return {"seed": drills.SEED}, drills.entry(id)
    return find(id, folder)


def _count_hint(tried: progress.Tried) -> None:
    tried.hints += 1


def _note(folder: Path, id: str, change: Any) -> None:
    if trouble := progress.update(folder, id, change):
        print(f"     {trouble}")


def _compare(entry: Mapping[str, Any], got: list[dict]) -> Result:
    if "hashes" not in entry:
        return compare(entry["cases"], got, entry.get("compare", {}))
    right = [yours == known for yours, known in zip(_hashes(entry, got), entry["hashes"], strict=True)]
    if all(right):
        return Result("correct", None, "", len(right), len(right))
    first = right.index(False)
    outcome = "nothing" if all(map(is_nothing, got)) else "wrong"
    return Result(outcome, first + 1, _no_answer(got[first]), sum(right), len(right))


def _hashes(entry: Mapping[str, Any], cases: Sequence[dict]) -> list[str | None]:
    return [fingerprint(case, entry.get("compare", {}), entry["salt"], entry["digits"]) for case in cases]


def _no_answer(case: dict) -> str:
    """Why an entered value is no answer at all; of one that is, no more is said than that it is wrong."""
    try:
        refuse_no_answer(case)
    except Unreadable as error:
        return str(error)
    return ""


# Wording


def _say(
    id: str, entry: Mapping[str, Any], result: Result, got: list[dict], places: list[str], is_function: bool
) -> str:
    if result.outcome == "correct":
        cases = f"{result.cases} of {result.cases} cases" if result.cases > 1 else ""
        return ", ".join(filter(None, ["correct", cases, _points(entry)])) + "."
    if result.outcome == "nothing":
        returns = "\n     Is it written already? Then it gives None: look for the return." if is_function else ""
        return f"not attempted yet.{_read_up(entry, 'Start from')}{returns}"
    where = f": case {result.case} of {result.cases}." if result.cases > 1 and result.case else "."
    # of labels each share that is asked for is a case, and they came from one call
    place = places[result.case - 1] if result.case and result.cases == len(places) else ""
    first = f"not yet{where} {result.reason}".rstrip()
    if place:
        first = f"{first.removesuffix('.')} ({place})."
    where_from = " (from coursekit.check import hint)" if drills.is_drill(id) else ""  # assignments have imported it
    helps = f'hint("{id}") helps{where_from}.' if entry.get("hints") else ""
    second = " ".join(filter(None, [_misunderstanding(entry, got), helps]))
    return f"{first}\n     {second}" if second else first


def _misunderstanding(entry: Mapping[str, Any], got: list[dict]) -> str:
    """The sentence of the misunderstanding that computes the same, if one does."""
    for item in entry.get("misunderstandings", ()):
        if _agrees(item, entry, got):
            says = item["says"].strip()
            return says if says.endswith((".", "?", "!")) else f"{says}."
    return ""


def _agrees(item: Mapping[str, Any], entry: Mapping[str, Any], got: list[dict]) -> bool:
    if "hashes" in entry:
        known = item["hashes"] if "hashes" in item else _hashes(entry, item["cases"])
        return None not in known and known == _hashes(entry, got)
    known = item["cases"]
    return len(known) == len(got) and all(same(a, b, entry.get("compare", {})) for a, b in zip(known, got, strict=True))


def _points(entry: Mapping[str, Any]) -> str:
    points = entry.get("points")
    if not points:
        return ""
    return "1 point" if points == 1 else f"{round(points, 2):g} points"


def _read_up(entry: Mapping[str, Any], verb: str) -> str:
    """Where to read, from a section given as its number and title, or in words."""
    section = entry.get("section")
    if not section:
        return ""
    numbered = re.fullmatch(r"(\d+(?:\.\d+)*)\.?\s+(.+)", section)
    return f' {verb} section {numbered[1]}, "{numbered[2]}".' if numbered else f" {verb} {section.rstrip('.')}."
