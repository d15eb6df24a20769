"""The student's version of an assignment and the values of its public checks, made from the source notebook."""

import copy
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat

from coursekit.compare import fingerprint
from coursekit.grading import reference
from coursekit.grading.source import (
    STUB,
    TEXT_STUB,
    Cell,
    Check,
    Source,
    read_source,
    regions,
    solution_source,
    student_source,
)

SEED = 20261  # of the public checks
SIGNIFICANT = 12  # digits of a stored number
FOR_STUDENTS = ("assesses", "section")  # what a student's check cell keeps of our metadata
RTOL, ATOL = 1e-7, 1e-9  # between the values stored here and those made anew on another machine


class ReleaseError(Exception):
    """Why an assignment could not be released: a sentence for each reason."""


def release(source_path: Path, assignments_folder: Path) -> tuple[Path, Path]:
    """Write the student's version of an assignment and its public values.

    Parameters
    ----------
    source_path : Path
        The source notebook, such as `solutions/01_convolution_maths.ipynb`.
    assignments_folder : Path
        Where both files go; made if it is not there.

    Returns
    -------
    tuple of Path
        The notebook and its `.public.json`.

    Raises
    ------
    SourceError
        If the source cannot be read.
    ReleaseError
        If a solution raises, or gives what cannot be compared. Nothing is written then.
    """
    source = read_source(source_path)
    notebook = student_notebook(source)
    values = public_values(source)
    folder = Path(assignments_folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = _paths(source, folder)
    _write_all({paths[0]: notebook_text(notebook), paths[1]: values_text(values)})
    return paths


def is_up_to_date(source_path: Path, assignments_folder: Path) -> list[str]:
    """How the stored files of an assignment differ from those that its source gives now.

    The notebook is compared byte by byte. The values are compared with a tolerance, as another machine may add in
    another order. The source and the stored notebook have to agree outside the regions, too.

    Returns
    -------
    list of str
        A sentence per difference; none if both files are up to date.
    """
    source = read_source(source_path)
    paths = _paths(source, Path(assignments_folder))
    if missing := [f"{path.name} is not there" for path in paths if not path.is_file()]:
        return missing
    differences = []
    if paths[0].read_bytes() != notebook_text(student_notebook(source)).encode("utf-8"):
        differences.append(f"{paths[0].name} is not what its source gives now")
    try:
        stored_notebook = nbformat.reads(paths[0].read_text(encoding="utf-8"), as_version=4)
        stored_values = json.loads(paths[1].read_text(encoding="utf-8"))
    except Exception as error:  # whatever a merge or an editor left there
        return [*differences, f"the stored files cannot be read: {error}"]
    differences += outside_regions(source.notebook, stored_notebook)
    differences += [f"{paths[1].name}: {what}" for what in _unlike(stored_values, public_values(source))]
    return differences


def student_notebook(source: Source) -> nbformat.NotebookNode:
    """The notebook that students get: stubs for solutions, no hidden tests, no outputs."""
    notebook = copy.deepcopy(source.notebook)
    cells = []
    for cell, about in zip(notebook.cells, source.cells, strict=True):
        cell.source = student_source(cell.source, STUB if cell.cell_type == "code" else TEXT_STUB)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata = _student_metadata(cell.metadata, about.role)
        if cell.source.strip() or not about.source.strip():
            cells.append(cell)
    notebook.cells = cells
    return notebook


def public_values(source: Source) -> dict[str, Any]:
    """What the public checks compare with: the solutions' answers, hints, and the answers of wrong functions."""
    answers = reference.run(source, SEED, public=True)
    if answers.problems:
        raise ReleaseError("\n".join(answers.problems))
    checks = {
        check.id: _public_check(source, cell, check, answers)
        for cell in source.cells
        for check in cell.checks
        if not check.hidden
    }
    values = {"version": 1, "assignment": source.assignment, "seed": SEED, "checks": checks}
    if not source.shows_solutions:
        values["solutions"] = False
        for check in checks.values():
            del check["solution"]
    return values


def notebook_text(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it is stored."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def values_text(values: Mapping[str, Any]) -> str:
    """The values as they are stored: keys sorted, a line for each check."""
    checks = ",\n".join(f"{_line(id)}: {_line(check)}" for id, check in sorted(values["checks"].items()))
    lines = {key: _line(value) for key, value in values.items()} | {"checks": f"{{\n{checks}\n}}"}
    return "{\n" + ",\n".join(f"{_line(key)}: {line}" for key, line in sorted(lines.items())) + "\n}\n"


def outside_regions(source: nbformat.NotebookNode, student: nbformat.NotebookNode) -> list[str]:
    """Where the two versions differ outside solutions, hidden tests and outputs; made without `student_source`."""
    versions = {cell.get("id"): cell for cell in student.cells}
    differences = []
    kept = []
    for cell in source.cells:
        inside = {n for region in regions(cell.source) for n in range(region.first, region.last + 1)}
        outside = [line for n, line in enumerate(cell.source.split("\n")) if n not in inside]
        solutions = sum(region.kind == "solution" for region in regions(cell.source))
        if inside and not solutions and not any(line.strip() for line in outside):
            continue
        kept.append(cell.id)
        version = versions.get(cell.id)
        if version is None:
            differences.append(f"cell {cell.id!r} is missing from the student's version")
            continue
        lines = version.source.split("\n")
        given = [line for line in lines if not solutions or line.strip() not in (STUB, TEXT_STUB)]
        if len(lines) - len(given) != solutions or "\n".join(given).rstrip("\n") != "\n".join(outside).rstrip("\n"):
            differences.append(f"cell {cell.id!r} differs outside its solution and hidden tests")
        if _without_ours(version) != _without_ours(cell):
            differences.append(f"cell {cell.id!r} differs in type or metadata")
    if [cell.get("id") for cell in student.cells] != kept:
        differences.append("the student's version has other cells than the source, or another order")
    if source.metadata != student.metadata:
        differences.append("the metadata of the notebooks differ")
    return differences


def _paths(source: Source, folder: Path) -> tuple[Path, Path]:
    return folder / f"{source.assignment}.ipynb", folder / f"{source.assignment}.public.json"


def _student_metadata(metadata: Mapping[str, Any], role: str) -> nbformat.NotebookNode:
    metadata = copy.deepcopy(metadata)
    metadata.pop("execution", None)  # times of a run
    if role == "check" and "coursekit" in metadata:
        metadata.coursekit = {key: metadata.coursekit[key] for key in FOR_STUDENTS if key in metadata.coursekit}
    return nbformat.from_dict(metadata)


def _without_ours(cell: nbformat.NotebookNode) -> tuple[str, dict[str, Any]]:
    return cell.cell_type, {k: v for k, v in cell.metadata.items() if k not in ("coursekit", "execution")}


def _public_check(source: Source, cell: Cell, check: Check, answers: reference.Reference) -> dict[str, Any]:
    values: dict[str, Any] = {
        "points": check.points,
        "compare": dict(check.how),
        **({"images": check.images} if check.images else {}),
        "hints": list(check.hints),
        "section": check.section,
        "misunderstandings": [
            {"says": item.says, "cases": _rounded(answers.wrong[check.id, item])} for item in check.misunderstandings
        ],
        "solution": "\n\n".join(solution_source(answer.source) for answer in source.answers_of(cell)),
    }
    if not check.fixed:
        return values | {"cases": _rounded(answers.cases[check.id])}
    digits = check.how.get("digits")
    salt = hashlib.sha256(f"{source.assignment}/{check.id}".encode()).hexdigest()[:16]
    hashes = [fingerprint(case, check.how, salt, digits) for case in answers.cases[check.id]]
    if None in hashes:
        raise ReleaseError(f"{cell.name}: the answer to the fixed check {check.id!r} cannot be rounded and hashed")
    return values | {"hashes": hashes, "salt": salt, "digits": digits}


def _rounded(value: Any) -> Any:
    """Plain data with its floating-point numbers rounded to so many digits as every machine agrees upon."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT}g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return value


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _unlike(stored: Any, new: Any, where: str = "") -> Iterator[str]:
    """Where two pieces of plain data differ by more than the order of additions can explain."""
    if isinstance(stored, dict) and isinstance(new, dict) and stored.keys() == new.keys():
        for key in new:
            yield from _unlike(stored[key], new[key], f"{where}/{key}")
    elif isinstance(stored, list) and isinstance(new, list) and len(stored) == len(new):
        for number, pair in enumerate(zip(stored, new, strict=True)):
            yield from _unlike(*pair, f"{where}/{number}")
    elif isinstance(stored, float) and isinstance(new, float):
        if not math.isclose(stored, new, rel_tol=RTOL, abs_tol=ATOL):
            yield f"{where} is {stored}, and {new} when made anew"
    elif stored != new or type(stored) is not type(new):
        yield f"{where or 'the file'} is not what the source gives now"


def _write_all(texts: Mapping[Path, str]) -> None:
    """Write all files or none: each beside its place first, then moved there."""
    temporary: dict[Path, str] = {}
    try:
        for path, text in texts.items():
            handle, temporary[path] = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
            os.chmod(temporary[path], 0o644)  # mkstemp gives 0600
        for path, name in temporary.items():
            os.replace(name, path)
    except BaseException:
        for name in temporary.values():
            Path(name).unlink(missing_ok=True)
        raise
