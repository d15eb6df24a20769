"""The source notebook of an assignment: its cells, its questions and checks, and the student's version of a cell.

Cells are marked as nbgrader marks them (schema 3 of its metadata, regions between comments), so that its tools accept
the notebook too. What the course needs beyond that stands under ``coursekit`` in the metadata.
"""

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from coursekit.grading.metadata import are_texts, nbgrader_findings, our_findings

STUB = "...  # YOUR CODE HERE"
TEXT_STUB = "YOUR ANSWER HERE"  # of an open question, as nbgrader writes it
MARKS = {
    "solution": ("### BEGIN SOLUTION", "### END SOLUTION"),
    "hidden": ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"),
}
# nbgrader's grade, solution
ROLES = {"given": (False, False), "answer": (False, True), "check": (True, False), "open": (True, True)}


class SourceError(ValueError):
    """Why a source notebook cannot be used: one finding or several, each naming its cell and the remedy."""

    def __init__(self, findings: Iterable[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(self.findings))


@dataclass(frozen=True)
class Region:
    """Lines ``first`` to ``last`` of a cell, the two marks included, counted from 0; kind is a key of MARKS."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Misunderstanding:
    """A wrong answer with a name: ``by`` ("module:function", or a constant) takes the place of ``replace``."""

    replace: str
    by: str
    says: str


@dataclass(frozen=True)
class Check:
    """One call of ``check``, with what its cell's metadata says about it."""

    id: str
    cases: int
    images: int  # hidden ones that the answer is to label; 0: it is called with a generator
    points: float
    how: Mapping[str, Any]
    hidden: bool
    expects: str
    section: str
    hints: tuple[str, ...]
    misunderstandings: tuple[Misunderstanding, ...]
    fixed: bool
    assesses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One cell of the source; ``grade_id`` is empty where there is none.

    ``role`` is given, answer, check or open: the last is text, and people give the points for it.
    """

    index: int
    role: str
    cell_type: str
    source: str
    id: str
    grade_id: str
    points: float = 0
    checks: tuple[Check, ...] = ()

    @property
    def name(self) -> str:
        """What messages call the cell."""
        return _name(self.grade_id, self.index)


@dataclass(frozen=True)
class Source:
    """An assignment; ``packages`` and ``modules`` are what a submission may import, beside the standard library."""

    path: Path
    assignment: str
    title: str
    chapter: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    cells: tuple[Cell, ...]
    notebook: nbformat.NotebookNode

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks, in the order of the notebook."""
        return tuple(check for cell in self.cells for check in cell.checks)

    @property
    def shows_solutions(self) -> bool:
        """Whether learners may see solutions after honest tries: unless the notebook says ``"solutions": false``."""
        return self.notebook.metadata["coursekit"].get("solutions", True) is not False

    @property
    def limits(self) -> dict[str, float]:
        """Seconds that it allows for a cell, or in all, where the usual ones are too few: keys of `Limits`."""
        return dict(self.notebook.metadata["coursekit"].get("limits", {}))

    @property
    def points(self) -> float:
        """The most one can have."""
        return sum(cell.points for cell in self.cells)

    @property
    def checked_points(self) -> float:
        """The most that the checks can give; the rest is for open questions."""
        return sum(cell.points for cell in self.cells if cell.role == "check")

    def answers_of(self, check_cell: Cell) -> tuple[Cell, ...]:
        """The answer cells of a check cell's question: those above it, up to the check cells of the one before."""
        answers: list[Cell] = []
        checked = False
        for cell in self.cells[: check_cell.index]:
            if cell.role == "answer":
                answers = [] if checked else answers
                answers.append(cell)
            checked = cell.role == "check" or (checked and cell.role != "answer")
        return tuple(answers)


def read_source(path: Path) -> Source:
    """Read the source notebook of an assignment.

    Parameters
    ----------
    path : Path
        A file such as `solutions/01_convolution_maths.ipynb`; its first two digits begin the ids of its checks.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If it is no notebook, or cannot be graded as it stands; every finding names the cell and the remedy.
    """
    path = Path(path)
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise SourceError([f"{path}: there is no such file"]) from None
    except Exception as error:  # nbformat lets several kinds through: JSON, schema, attribute, key
        raise SourceError(
            [f"{path.name} is not a Jupyter notebook of format 4: {str(error).splitlines()[0]}"]
        ) from None
    findings: list[str] = []
    about = _notebook_metadata(path, notebook, findings)
    cells = tuple(_read_cell(index, cell, findings) for index, cell in enumerate(notebook.cells))
    findings += _between_cells(path, cells)
    if findings:
        raise SourceError(findings)
    allow = about["allow"]
    return Source(
        path, about["assignment"], about["title"], about["chapter"],
        tuple(allow["packages"]), tuple(allow["modules"]), cells, notebook,
    )  # fmt: skip


def regions(source: str) -> tuple[Region, ...]:
    """The solution and hidden regions of a cell, in order; ValueError where one does not close, or lies in another."""
    found: list[Region] = []
    kind, first = "", 0
    for number, line in enumerate(source.split("\n")):
        for name, (begin, end) in MARKS.items():
            if begin in line:
                if kind:
                    raise ValueError(
                        f"{begin} in line {number + 1} stands inside the region that line {first + 1} opens"
                    )
                kind, first = name, number
            elif end in line:
                if kind != name:
                    raise ValueError(f"{end} in line {number + 1} closes nothing: put {begin} above it")
                found.append(Region(kind, first, number))
                kind = ""
    if kind:
        raise ValueError(f"{MARKS[kind][0]} in line {first + 1} is never closed: put {MARKS[kind][1]} below it")
    return tuple(found)


def student_source(source: str, stub: str = STUB) -> str:
    """What a student gets of a cell: the stub for each solution region, nothing for the hidden tests."""
    found = regions(source)
    if not found:
        return source
    lines = source.split("\n")
    for region in reversed(found):
        indent = re.match(r"\s*", lines[region.first])[0]
        lines[region.first : region.last + 1] = [indent + stub] if region.kind == "solution" else []
    return "\n".join(lines).rstrip("\n")


def solution_source(source: str) -> str:
    """What stands in the solution regions of a cell, from the margin."""
    lines = source.split("\n")
    parts = [lines[region.first + 1 : region.last] for region in regions(source) if region.kind == "solution"]
    return "\n".join(textwrap.dedent("\n".join(part)) for part in parts)


def check_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """The calls of ``check`` that stand at the top level of a cell."""
    for statement in tree.body:
        if isinstance(statement, ast.Expr) and _calls_check(statement.value):
            yield statement.value


def _calls_check(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"


def _name(grade_id: str, index: int) -> str:
    return f"cell {grade_id!r}" if grade_id else f"cell {index + 1}"


def _notebook_metadata(path: Path, notebook: nbformat.NotebookNode, findings: list[str]) -> Mapping[str, Any]:
    """The notebook's own metadata; what is wrong with it is added to the findings."""
    about = notebook.metadata.get("coursekit")
    about = about if isinstance(about, dict) else {}
    if not re.fullmatch(r"\d\d_\w+", path.stem):
        findings.append(f"{path.name}: the name has to be two digits, _ and words, as in 01_convolution_maths.ipynb")
    elif about.get("assignment") != path.stem:
        findings.append(f"notebook: its metadata needs coursekit.assignment to be {path.stem!r}, the name of the file")
    for key in ("title", "chapter"):
        if not about.get(key) or not isinstance(about[key], str):
            findings.append(f"notebook: its metadata needs coursekit.{key}, a text")
    allow = about.get("allow")
    for key in ("packages", "modules"):
        if not isinstance(allow, dict) or not are_texts(allow.get(key)):
            findings.append(f"notebook: its metadata needs coursekit.allow.{key}, a list of names")
    limits = about.get("limits", {})
    if not isinstance(limits, dict) or not all(
        key in ("cell", "total") and type(value) in (int, float) and 1 <= value < 86400 for key, value in limits.items()
    ):
        findings.append('notebook: its coursekit.limits have to be seconds, such as {"cell": 120, "total": 600}')
    return about


def _read_cell(index: int, cell: nbformat.NotebookNode, findings: list[str]) -> Cell:
    """One cell with its checks; what is wrong with it is added to the findings."""
    meta = cell.metadata.get("nbgrader")
    wrong = list(nbgrader_findings(meta, cell)) if isinstance(meta, dict) else []
    if not isinstance(meta, dict | None):
        wrong.append("its nbgrader metadata has to be a table")
    meta = meta if isinstance(meta, dict) else {}
    grade_id = meta.get("grade_id", "") if isinstance(meta.get("grade_id", ""), str) else ""
    name = _name(grade_id, index)
    flags = (bool(meta.get("grade")), bool(meta.get("solution")))
    role = next((role for role, wanted in ROLES.items() if wanted == flags), "given")
    wrong += _regions_fit(role, cell.source)
    points: float = meta.get("points", 0) if role in ("check", "open") and not wrong else 0
    checks: tuple[Check, ...] = ()
    if role == "check":
        if not wrong:
            checks = _read_checks(cell, points, wrong)
    elif any(mark in cell.source for mark in MARKS["hidden"]):
        wrong.append("hidden tests belong into a check cell")
    findings += [f"{name}: {what}" for what in wrong]
    return Cell(index, role, cell.cell_type, cell.source, cell.get("id", ""), grade_id, points, checks)


def _regions_fit(role: str, source: str) -> list[str]:
    """What is wrong with the regions of a cell of this role."""
    try:
        solutions = [region for region in regions(source) if region.kind == "solution"]
    except ValueError as error:
        return [str(error)]
    if role in ("answer", "open") and not solutions:
        return [f"an answer cell needs a region from {MARKS['solution'][0]} to {MARKS['solution'][1]}"]
    if role not in ("answer", "open") and solutions:
        return ["it has a solution region but is no answer cell: set solution to true, or take the region out"]
    return []


def _read_checks(cell: nbformat.NotebookNode, points: float, wrong: list[str]) -> tuple[Check, ...]:
    """The checks of a check cell, its points shared among them."""
    about = cell.metadata.get("coursekit", {})
    wrong += our_findings(about)
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        wrong.append(f"it is not plain Python: {error.msg} in line {error.lineno}")
        return ()
    calls = list(check_calls(tree))
    if len(calls) < sum(_calls_check(node) for node in ast.walk(tree)):
        wrong.append("check(…) stands inside something: each call has to be a statement of its own, not indented")
    if not calls:
        wrong.append('a check cell needs a call such as check("01.q1", lambda rng: …, cases=5)')
    if wrong:
        return ()
    hidden = [region for region in regions(cell.source) if region.kind == "hidden"]
    shared = {
        "points": points / len(calls) if points % len(calls) else points // len(calls),
        "how": about.get("compare", {"kind": "numbers"}),
        "expects": about.get("expects", ""),
        "section": about.get("section", ""),
        "hints": tuple(about.get("hints", ())),
        "misunderstandings": tuple(Misunderstanding(**item) for item in about.get("misunderstandings", ())),
        "fixed": about.get("fixed", False),
        "assesses": tuple(about.get("assesses", ())),
    }
    digits = shared["how"].get("digits")
    if shared["fixed"] and (type(digits) is not int or digits < 1):
        wrong.append("a fixed answer is stored rounded: compare needs digits, so many significant ones, 1 or more")
    checks = []
    for call in calls:
        id, cases, images = _id_and_numbers(call, wrong)
        inside = any(region.first < call.lineno - 1 < region.last for region in hidden)
        checks.append(Check(id=id, cases=cases, images=images, hidden=inside, **shared))
        if images and (shared["fixed"] or shared["how"].get("kind") != "labels"):
            wrong.append(f'check {id!r} gives images: its compare kind has to be "labels", and fixed false')
        if shared["fixed"] and (cases != 1 or (len(call.args) > 1 and isinstance(call.args[1], ast.Lambda))):
            wrong.append(f"check {id!r} is fixed: pass it the entered value alone, without lambda and cases")
    return tuple(checks)


def _id_and_numbers(call: ast.Call, wrong: list[str]) -> tuple[str, int, int]:
    """The literal id, and the numbers of cases and of images, of a call of ``check``."""
    id = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    if not isinstance(id, str) or len(call.args) != 2:
        wrong.append(f'line {call.lineno}: write check("NN.name", answer), with the id spelled out')
    numbers: dict[str, int] = {"cases": 1, "images": 0}
    for keyword in call.keywords:
        if keyword.arg not in numbers:
            wrong.append(f"line {call.lineno}: check takes cases and images alone, not {keyword.arg or '**'}")
            continue
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if type(value) is int and value >= 1:
            numbers[keyword.arg] = value
        else:
            wrong.append(f"line {call.lineno}: {keyword.arg} has to be spelled out, a whole number above 0")
    if numbers["images"] and numbers["cases"] > 1:
        wrong.append(f"line {call.lineno}: images are one case: leave cases out")
    return str(id), numbers["cases"], numbers["images"]


def _between_cells(path: Path, cells: tuple[Cell, ...]) -> Iterator[str]:
    """What is wrong between cells: ids that stand twice or do not fit the file, a check without an answer."""
    seen: dict[str, str] = {}
    if len({cell.id for cell in cells} - {""}) < len(cells):
        yield "notebook: each cell needs an id of its own: save it in notebook format 4.5"
    for cell in cells:
        if cell.grade_id in seen:
            yield f"{cell.name}: grade_id {cell.grade_id!r} stands twice: give this cell another"
        if cell.grade_id:
            seen[cell.grade_id] = cell.name
    seen = {}
    prefix = path.stem[:2]
    for cell in cells:
        for check in cell.checks:
            if check.id in seen:
                yield f"{cell.name}: check {check.id!r} stands in {seen[check.id]} too: give it another id"
            elif not re.fullmatch(rf"{re.escape(prefix)}\.[a-z0-9]+([._-][a-z0-9]+)*", check.id):
                yield f"{cell.name}: check {check.id!r} has to begin with {prefix + '.'!r}, as in {prefix + '.q1'!r}"
            seen[check.id] = cell.name
    if not any(cell.role == "check" for cell in cells):
        yield "notebook: it has no check cell, so there is nothing to grade"
