"""From what the check cells sent to points. What a kernel sends is compared, and never believed or shown."""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursekit.compare import compare, same

if TYPE_CHECKING:
    from coursekit.grading.execute import CellRun
    from coursekit.grading.reference import Reference
    from coursekit.grading.source import Check, Source

Cases = list[dict[str, Any]]
Expectation = dict[str, Any]  # plain data, for the gradebook: "cases", and "misunderstandings" with "says" and "cases"

# why a check cell did not run to its end, in a sentence
LOST = {
    "timeout": "It, or the answer above it, took longer than is allowed.",
    "dead": "Its kernel died: the memory ran out, or the process ended.",
    "not run": "It was not run: the time for the whole notebook was used up, or what it may print.",
    "rubbish": "Its kernel was ended: it sent too much, or what is no message.",
}
REASONS = {
    "correct": "",
    "nothing": "Nothing was handed in for it yet.",
    "wrong": "It gives other values than expected, or an error.",
    "missing": "It brought no answer: the code above it failed, or kept it from sending one.",
    "several": "It brought more than one answer.",
}


@dataclass(frozen=True)
class CheckResult:
    """One check of one student. The reason is a sentence of ours: nothing that came out of the kernel is in it."""

    id: str
    points: float
    max_points: float
    outcome: str  # "correct", "wrong", "nothing" (not attempted), or "missing" (no answer to compare)
    reason: str
    status: str  # of the check cell: "ran", "error", "timeout", "dead", "not run" or "rubbish"


@dataclass(frozen=True)
class Grade:
    """What a student gets for an assignment."""

    points: float
    max_points: float
    checks: tuple[CheckResult, ...]
    status: str  # "graded", "partial" (some checks could not run), "refused" or "failed" (through no fault of theirs)
    message: str
    notes: tuple[str, ...] = ()  # on how the student's cells were matched

    def with_notes(self, notes: Sequence[str]) -> "Grade":
        """Add to what is said of the student's notebook."""
        return dataclasses.replace(self, notes=(*self.notes, *notes))


def score(
    source: "Source",
    runs: Sequence["CellRun"],
    reference: Mapping[str, Expectation],
    untouched: Collection[str] = (),
) -> Grade:
    """Compare what the check cells sent with the reference run on the same seed.

    Parameters
    ----------
    source : Source
        The assignment. Its checks alone count; what else was sent is passed over.
    runs : sequence of CellRun
        One for each check cell, in order.
    reference : mapping of str to dict
        What each check is compared with, as `expectations` makes it.
    untouched : collection of str
        The grade_ids of answers that are as they were handed out: what they give is not wrong, but not attempted.
    """
    cells = [cell for cell in source.cells if cell.role == "check"]
    assert len(runs) == len(cells), f"{len(cells)} check cells, but {len(runs)} were accounted for"
    results = []
    for cell, run in zip(cells, runs, strict=True):
        answers = source.answers_of(cell)
        stubs = bool(answers) and all(answer.grade_id in untouched for answer in answers)
        found = _score_cell(cell.checks, run, reference)
        results += [_not_attempted(result) if stubs and result.outcome == "wrong" else result for result in found]
    expected = [check.id for check in source.checks]
    assert [result.id for result in results] == expected, f"checks {expected} were not all accounted for"
    assert math.isclose(math.fsum(result.max_points for result in results), source.checked_points), "points went astray"
    partial = any(result.status in LOST for result in results)
    return Grade(
        points=_sum(result.points for result in results),
        max_points=_sum([source.points]),
        checks=tuple(results),
        status="partial" if partial else "graded",
        message=_message(results),
    )


def without_checks(source: "Source", status: str, message: str) -> Grade:
    """Give no points: for a submission that was refused, or that we failed to grade."""
    return Grade(0.0, _sum([source.points]), (), status, message)


def as_grade(data: Mapping[str, Any]) -> Grade:
    """Make a grade of what `dataclasses.asdict` made of one, or JSON of that."""
    checks = tuple(CheckResult(**check) for check in data["checks"])
    return Grade(**{**data, "checks": checks, "notes": tuple(data["notes"])})


def expectations(source: "Source", reference: "Reference") -> dict[str, Expectation]:
    """Make of a reference run what each check is compared with."""
    return {
        check.id: {
            "cases": reference.cases[check.id],
            "misunderstandings": [
                {"says": item.says, "cases": reference.wrong[check.id, item]}
                for item in check.misunderstandings
                if (check.id, item) in reference.wrong
            ],
        }
        for check in source.checks
    }


def _score_cell(checks: Sequence["Check"], run: "CellRun", reference: Mapping[str, Expectation]) -> list[CheckResult]:
    """Score the checks of a cell. Where it was lost on the way, those before the fatal one keep their answers."""
    found = [_cases_of(check, run) for check in checks]
    sound = len(checks)
    if run.status == "timeout" or run.status == "dead":
        sound = next((number for number, cases in enumerate(found) if not cases), len(checks) - 1)
    elif run.status in LOST:
        sound = 0
    return [
        _score_check(check, cases, run.status, reference[check.id])
        if number < sound
        else CheckResult(check.id, 0.0, check.points, "missing", LOST[run.status], run.status)
        for number, (check, cases) in enumerate(zip(checks, found, strict=True))
    ]


def _score_check(check: "Check", found: list[Cases | None], status: str, expected: Expectation) -> CheckResult:
    if len(found) != 1 or found[0] is None:
        reason = REASONS["several" if len(found) > 1 else "missing"]
        return CheckResult(check.id, 0.0, check.points, "missing", reason, status)
    result = compare(expected["cases"], found[0], check.how)
    outcome = result.outcome
    share = result.passed / result.cases if check.how.get("partial") else float(outcome == "correct")
    points = check.points * share
    reason = REASONS[outcome] if outcome != "wrong" else _why_wrong(check, found[0], expected)
    if 0 < share < 1:
        reason = f"{result.passed} of {result.cases} cases are right. {reason}"
    return CheckResult(check.id, points, check.points, outcome, reason, status)


def _why_wrong(check: "Check", found: Cases, expected: Expectation) -> str:
    """Name the misunderstanding that gives just these values, if one does."""
    for wrong in expected["misunderstandings"]:
        if all(same(theirs, yours, check.how) for theirs, yours in zip(wrong["cases"], found, strict=True)):
            return f"{REASONS['wrong']} {wrong['says']}"
    return REASONS["wrong"]


def _not_attempted(result: CheckResult) -> CheckResult:
    return dataclasses.replace(result, outcome="nothing", reason=REASONS["nothing"])


def _cases_of(check: "Check", run: "CellRun") -> list[Cases | None]:
    """List what the cell sent for a check: the cases of each message, or None for one that is not well formed."""
    messages = [message for message in run.messages if isinstance(message, dict) and message.get("id") == check.id]
    return [_well_formed(message, check.cases) for message in messages]


def _well_formed(message: dict[str, Any], count: int) -> Cases | None:
    cases = message.get("cases")
    right = message.get("version") == 1 and isinstance(cases, list) and len(cases) == count
    return cases if right and all(isinstance(case, dict) and "kind" in case for case in cases) else None


def _message(results: Sequence[CheckResult]) -> str:
    """Sum up in a sentence or two."""
    counts = {outcome: sum(result.outcome == outcome for result in results) for outcome in REASONS}
    lost = sum(result.status in LOST and result.outcome == "missing" for result in results)
    said = f"{counts['correct']} of {len(results)} checks right"
    if counts["nothing"]:
        said += f", {counts['nothing']} not attempted"
    if counts["missing"] - lost:
        said += f", {counts['missing'] - lost} without an answer"
    if lost:
        said += f", {lost} could not run to the end"
        first = next(result for result in results if result.status in LOST and result.outcome == "missing")
        return f"{said}; the first is {first.id}. {first.reason}"
    return said + "."


def _sum(points: Any) -> float:
    """Add points up; thirds of a question must come out whole."""
    return round(math.fsum(points), 6)
