"""Mutants: the reference solutions with one small thing changed, to see whether the checks notice.

The list of changes: docs/grading.md, "How sharp are the checks?".
"""

import ast
import copy
import multiprocessing
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bench import Bench

from coursekit.compare import compare
from coursekit.grading.source import Cell, regions

SECONDS = 20  # for all checks of a question together; a mutant that loops for ever has lost its points
SEEDS = (1, 2)  # a grade is given under one; two make one lucky draw visible
MORE_SEEDS = tuple(range(100, 112))  # under which a mutant that lost nothing is tried again

OPERATORS = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Add, ast.Div), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,), ast.MatMult: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.And: (ast.Or,), ast.Or: (ast.And,), ast.USub: (ast.UAdd,),
}  # fmt: skip
NAMES = {
    "max": "min", "min": "max", "maximum": "minimum", "minimum": "maximum", "argmax": "argmin", "argmin": "argmax",
    "sum": "mean", "mean": "sum", "zeros": "ones", "zeros_like": "ones_like", "exp": "sin", "log": "abs", "sqrt": "abs",
    "floor": "ceil", "ceil": "floor", "prod": "sum", "all": "any", "any": "all", "var": "std", "tanh": "sin",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed answer cell: ``what`` says what was changed, and in which line of the cell."""

    grade_id: str
    what: str
    source: str
    line: int


def mutants(cell: Cell) -> Iterator[Mutant]:
    """Every mutant of an answer cell, each once; only what stands in its solution regions is changed."""
    tree = ast.parse(cell.source)
    lines = {n + 1 for region in regions(cell.source) if region.kind == "solution" for n in _inside(region)}
    seen = {ast.unparse(tree)}
    for place, node in enumerate(ast.walk(tree)):
        if getattr(node, "lineno", None) not in lines and not isinstance(node, ast.Module):
            continue
        for what, change in _changes(node):
            changed = copy.deepcopy(tree)
            target = next(node for k, node in enumerate(ast.walk(changed)) if k == place)
            change(target)
            source = ast.unparse(ast.fix_missing_locations(changed))
            if source not in seen:
                seen.add(source)
                line = getattr(node, "lineno", 0)
                yield Mutant(cell.grade_id, f"line {line}: {what}", source, line)
    yield from _without_a_statement(cell, tree, lines, seen)


def _inside(region) -> range:
    return range(region.first + 1, region.last)


def _changes(node: ast.AST):
    """What can be changed in a node: (words, function that changes such a node in place)."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp):
        for new in OPERATORS.get(type(node.op), ()):
            yield f"{type(node.op).__name__} -> {new.__name__}", partial(_set, "op", new())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", _drop_not
    if isinstance(node, ast.AugAssign):
        yield "augmented assignment -> =", _plain_assignment
        for new in OPERATORS.get(type(node.op), ()):
            yield f"{type(node.op).__name__}= -> {new.__name__}=", partial(_set, "op", new())
    if isinstance(node, ast.Compare):
        for new in OPERATORS.get(type(node.ops[0]), ()):
            yield f"{type(node.ops[0]).__name__} -> {new.__name__}", partial(_set_first, "ops", new())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value = node.value
        for new in dict.fromkeys([value + 1, value - 1, 0 if value else 2]):
            yield f"{value} -> {new}", partial(_set, "value", new)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield f"{node.value} -> {not node.value}", partial(_set, "value", not node.value)
    if isinstance(node, ast.Slice):
        for part in ("lower", "upper", "step"):
            if getattr(node, part) is not None:
                yield f"slice without {part}", partial(_set, part, None)
        if node.upper is not None:
            yield "slice one shorter", _shorter
    if isinstance(node, ast.Tuple) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        yield "first two of a tuple swapped", _swap("elts")
    if isinstance(node, ast.Call):
        if len(node.args) > 1:
            yield "first two arguments swapped", _swap("args")
        for k, keyword in enumerate(node.keywords):
            yield f"without {keyword.arg}=", partial(_drop_keyword, k)
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield f"{node.attr} -> {NAMES[node.attr]}", partial(_set, "attr", NAMES[node.attr])
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "not transposed", _drop_attribute
    if isinstance(node, ast.Name) and node.id in NAMES:
        yield f"{node.id} -> {NAMES[node.id]}", partial(_set, "id", NAMES[node.id])
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition turned round", _negate
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        yield "range one shorter", _shorter_range


def _set(name, value, node):
    setattr(node, name, value)


def _set_first(name, value, node):
    getattr(node, name)[0] = value


def _drop_not(node):
    node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)


def _plain_assignment(node):
    node.__class__ = ast.Assign
    node.targets, node.type_comment = [node.target], None


def _shorter(node):
    node.upper = ast.BinOp(node.upper, ast.Sub(), ast.Constant(1))


def _shorter_range(node):
    last = min(1, len(node.args) - 1)
    node.args[last] = ast.BinOp(node.args[last], ast.Sub(), ast.Constant(1))


def _swap(name):
    def change(node):
        items = getattr(node, name)
        items[0], items[1] = items[1], items[0]

    return change


def _drop_keyword(k, node):
    del node.keywords[k]


def _drop_attribute(node):
    node.__class__, inner = ast.Subscript, node.value
    node.value, node.slice = inner, ast.Constant(...)


def _negate(node):
    node.test = ast.UnaryOp(ast.Not(), node.test)


def _without_a_statement(cell, tree, lines, seen) -> Iterator[Mutant]:
    """Each statement of the solution left out; one that makes a name, or returns, takes the rest with it."""
    for place, node in enumerate(ast.walk(tree)):
        for field in ("body", "orelse"):
            for k, statement in enumerate(getattr(node, field, []) if isinstance(node, ast.stmt | ast.Module) else []):
                if statement.lineno not in lines or isinstance(statement, ast.FunctionDef | ast.Import):
                    continue
                changed = copy.deepcopy(tree)
                target = next(node for n, node in enumerate(ast.walk(changed)) if n == place)
                getattr(target, field)[k] = ast.Pass()
                source = ast.unparse(ast.fix_missing_locations(changed))
                if source not in seen:
                    seen.add(source)
                    what = f"line {statement.lineno}: {ast.unparse(statement).splitlines()[0]!r} dropped"
                    yield Mutant(cell.grade_id, what, source, statement.lineno)


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: "killed", "survived" (it gives other values, and loses nothing) or "same"."""

    mutant: Mutant
    outcome: str


class Judge:
    """Judges mutants of an assignment by its own checks, each in a process of its own."""

    def __init__(self, bench: Bench):
        self.bench, source = bench, bench.source
        self.ids: dict[str, list[str]] = {}  # the checks of each answer cell
        for cell in source.cells:
            for answer in source.answers_of(cell) if cell.checks else ():
                self.ids.setdefault(answer.grade_id, []).extend(check.id for check in cell.checks)
        self.made = {cell.grade_id: _made_by(cell) for cell in source.cells if cell.role == "answer"}
        self.expected = {seed: bench.sent(seed) for seed in (*SEEDS, *MORE_SEEDS)}

    def all(self) -> list[Mutant]:
        """Every mutant of every answer, in the order of the notebook."""
        return [mutant for cell in self.bench.source.cells if cell.role == "answer" for mutant in mutants(cell)]

    def judge(self, mutant: Mutant) -> Verdict:
        """Try a mutant; one that does not end, or ends its process, has lost its points."""
        ours, theirs = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        child = context.Process(target=self._try, args=(mutant, theirs), daemon=True)
        child.start()
        theirs.close()
        try:
            outcome = ours.recv() if ours.poll(SECONDS) else "killed"
        except EOFError:
            outcome = "killed"
        child.kill()
        child.join()
        return Verdict(mutant, outcome)

    def _try(self, mutant: Mutant, pipe) -> None:
        warnings.simplefilter("ignore")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        pipe.send(self.outcome(mutant))
        pipe.close()

    def outcome(self, mutant: Mutant) -> str:
        """Judge a mutant in this process."""
        names = {name: value for name, value in self.bench.names.items() if name not in self.made[mutant.grade_id]}
        try:
            exec(compile(mutant.source, "mutant", "exec"), names)
        except Exception:
            return "killed"
        new = {name: value for name, value in names.items() if value is not self.bench.names.get(name)}
        new.pop("__builtins__", None)
        new |= dict.fromkeys(self.made[mutant.grade_id] & self.bench.names.keys() - names.keys())
        ids = self.ids[mutant.grade_id]
        for seed in SEEDS:
            if self._differs(seed, ids, new, self.bench.how):
                return "killed"
        exactly = {id: without_tolerance(how) for id, how in self.bench.how.items()}
        seeds = (*SEEDS, *MORE_SEEDS)
        return "survived" if any(self._differs(seed, ids, new, exactly) for seed in seeds) else "same"

    def _differs(self, seed, ids, new, how) -> bool:
        got = self.bench.sent(seed, only=ids, **new)
        return any(compare(self.expected[seed][id], got[id], how[id]).outcome != "correct" for id in ids)


def _made_by(cell: Cell) -> set[str]:
    """The names that a cell makes, which a mutant of it must make itself."""
    made = [target for node in ast.parse(cell.source).body for target in ast.walk(node)]
    stored = {node.id for node in made if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.name for node in made if isinstance(node, ast.FunctionDef)}


def without_tolerance(how):
    """The same comparison of numbers, but for rounding errors of float64."""
    if how.get("kind", "numbers") != "numbers" or "digits" in how:
        return how
    return {**how, "rtol": 1e-9, "atol": 1e-11}


def summary(verdicts: list[Verdict]) -> dict[str, Counter]:
    """How many of each answer's mutants were killed, survived and were the same."""
    counts: dict[str, Counter] = {}
    for verdict in verdicts:
        counts.setdefault(verdict.mutant.grade_id, Counter())[verdict.outcome] += 1
    return counts


def share_killed(verdicts: list[Verdict]) -> float:
    """Of the mutants that change behaviour."""
    changed = [verdict for verdict in verdicts if verdict.outcome != "same"]
    return sum(verdict.outcome == "killed" for verdict in changed) / max(1, len(changed))
