"""What an author wants to hear about a source notebook before it is released: a sentence per finding."""

import ast
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

from coursekit import catalogue
from coursekit.compare import KINDS, compare
from coursekit.grading import reference
from coursekit.grading.release import SEED
from coursekit.grading.source import Cell, Check, Misunderstanding, Source, SourceError, check_calls, read_source
from coursekit.grading.variants import variant_findings

SEEDS = (SEED, SEED + 1)
TAG = "nbval-ignore-output"
HINTS = 3
# functions whose result says right or wrong, which could be guessed
VERDICTS = {
    *("all", "any", "bool", "isinstance", "allclose", "array_equal", "array_equiv", "isclose", "issubclass"),
    *("assert_allclose", "assert_array_equal", "assert_array_almost_equal", "assert_equal", "equal", "not_equal"),
}
WRAPPERS = {"int", "float", "str", "list", "tuple", "array", "asarray"}


def findings(path: Path) -> list[str]:
    """Lint the source notebook of an assignment; its solutions are run under two seeds.

    Parameters
    ----------
    path : Path
        The source notebook.

    Returns
    -------
    list of str
        A sentence per finding, each with the cell and the remedy; none if the notebook can be released.
    """
    try:
        source = read_source(path)
    except SourceError as error:
        return list(error.findings)
    static = [*_notebook_findings(source), *_cell_findings(source), *variant_findings(source)]
    return [*static, *_value_findings(source)]


def _notebook_findings(source: Source) -> Iterator[str]:
    if source.chapter not in catalogue.load().chapters:
        yield f"notebook: the catalogue has no chapter {source.chapter!r}: correct coursekit.chapter in its metadata"
    given = [cell for cell in source.cells if cell.role == "given" and cell.cell_type == "code"]
    if not any(_imports_check(cell.source) for cell in given):
        yield "notebook: no given cell imports check: add `from coursekit.check import check, hint, solution`"
    checked = {answer.index for cell in source.cells if cell.checks for answer in source.answers_of(cell)}
    for cell in source.cells:
        if cell.role == "answer" and cell.index not in checked:
            yield f"{cell.name}: no check cell follows this answer: add one below it"
        if cell.role == "check" and not source.answers_of(cell):
            yield f"{cell.name}: no answer cell stands above this check: it has nothing to ask about"


def _imports_check(source: str) -> bool:
    try:
        imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    except SyntaxError:
        return False
    return any(node.module == "coursekit.check" and "check" in {name.name for name in node.names} for node in imports)


def _cell_findings(source: Source) -> Iterator[str]:
    for cell in source.cells:
        tags = source.notebook.cells[cell.index].metadata.get("tags", [])
        if cell.cell_type == "code" and TAG not in tags:
            yield f"{cell.name}: a code cell needs the tag {TAG}, or a mended answer fails by its old output"
        if cell.checks:
            yield from (f"{cell.name}: {what}" for what in _about_findings(cell.checks[0]))
            yield from (f"{cell.name}: {what}" for what in _call_findings(cell))


def _about_findings(check: Check) -> Iterator[str]:
    """What the metadata of a check cell lacks; all checks of a cell share it."""
    if not check.assesses:
        yield "assesses is empty: name the concepts that it asks for"
    for id in check.assesses:
        if id not in catalogue.load().concepts:
            yield f"assesses names {id!r}, which the catalogue does not have"
    if len(check.hints) != HINTS or not all(hint.strip() for hint in check.hints):
        yield f"it has {len(check.hints)} hints, and should have {HINTS}: a nudge, more, nearly the answer"
    for what in ("section", "expects"):
        if not getattr(check, what).strip():
            yield f"{what} is missing from its coursekit metadata"
    if check.how.get("kind") not in KINDS:
        yield f"compare.kind is {check.how.get('kind')!r}: known are {', '.join(KINDS)}"


def _call_findings(cell: Cell) -> Iterator[str]:
    for check, call in zip(cell.checks, check_calls(ast.parse(cell.source)), strict=True):
        if check.hidden != (check.id.split(".")[-1] == "hidden"):
            remedy = "end its id in .hidden" if check.hidden else "hide it, or take .hidden off its id"
            yield f"check {check.id!r} is {'hidden' if check.hidden else 'public'}: {remedy}"
        if _is_verdict(call.args[1]):
            yield f"check {check.id!r} sends a verdict, which could be guessed: send the values themselves"


def _is_verdict(node: ast.expr) -> bool:
    """Whether an expression says right or wrong, in place of a value."""
    match node:
        case ast.Lambda(body=inner) | ast.ListComp(elt=inner) | ast.GeneratorExp(elt=inner):
            return _is_verdict(inner)
        case ast.Compare() | ast.UnaryOp(op=ast.Not()) | ast.Constant(value=bool()):
            return True
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            return bool(parts) and all(_is_verdict(part) for part in parts)
        case ast.IfExp(body=yes, orelse=no):
            return _is_verdict(yes) and _is_verdict(no)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in VERDICTS or (name in WRAPPERS and bool(node.args) and _is_verdict(node.args[0]))
    return False


def _value_findings(source: Source) -> Iterator[str]:
    """What the solutions' own answers show, and those of the misunderstandings."""
    with ThreadPoolExecutor(len(SEEDS)) as pool:
        first, second = pool.map(lambda seed: reference.run(source, seed, misunderstandings=seed == SEED), SEEDS)
    if problems := first.problems or second.problems:
        yield from problems
        return
    for cell in source.cells:
        for check in cell.checks:
            what = _check_finding(check, first.cases[check.id], second.cases[check.id])
            if what:
                yield f"{cell.name}: check {check.id!r} {what}"
        if cell.checks and cell.checks[0].how.get("kind") in KINDS:
            yield from (f"{cell.name}: {what}" for what in _misunderstanding_findings(cell, first))


def _check_finding(check: Check, first: reference.Cases, second: reference.Cases) -> str | None:
    if check.fixed and first != second:
        return "is fixed, but its answer depends on the seed"
    if not check.fixed and first == second:
        return "does not depend on the seed: draw its inputs from rng, or mark its cell fixed"
    if all(_all_booleans(case) for case in first):
        return "sends booleans alone, which could be guessed: send the values themselves"
    if check.how.get("kind") in KINDS and (reason := compare(first, first, check.how).reason):
        return f"does not fit its compare kind {check.how['kind']!r}: {reason}"
    return None


def _all_booleans(case: dict[str, Any]) -> bool:
    if case["kind"] in ("list", "set"):
        return bool(case["items"]) and all(_all_booleans(item) for item in case["items"])
    return case.get("type") == "bool" or case.get("dtype") == "bool"


def _misunderstanding_findings(cell: Cell, answers: reference.Reference) -> Iterator[str]:
    items = cell.checks[0].misunderstandings
    for item in items:
        outcomes = [compare(answers.cases[check.id], answers.wrong[check.id, item], check.how) for check in cell.checks]
        if all(result.outcome == "correct" for result in outcomes):
            yield f"misunderstanding {item.by!r} gives the right answer: take it out, or ask so that it shows"
        if all(case["kind"] in reference.NO_VALUE for check in cell.checks for case in answers.wrong[check.id, item]):
            case = answers.wrong[cell.checks[0].id, item][0]
            yield f"misunderstanding {item.by!r} gives no value to compare with: {case.get('message', case['kind'])}"
    for one, other in combinations(items, 2):
        if _look_alike(cell, one, other, answers):
            yield f"misunderstandings {one.by!r} and {other.by!r} give the same: ask so that they differ, or keep one"


def _look_alike(cell: Cell, one: Misunderstanding, other: Misunderstanding, answers: reference.Reference) -> bool:
    pairs = [(answers.wrong[check.id, one], answers.wrong[check.id, other]) for check in cell.checks]
    if any(case["kind"] in reference.NO_VALUE for pair in pairs for case in pair[0]):
        return False
    return all(compare(*pair, cell.checks[0].how).outcome == "correct" for pair in pairs)
