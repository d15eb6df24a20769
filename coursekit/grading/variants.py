"""The same assignment with other numbers: drawn from what its source lists, by a seed.

In the source, a line of a given cell lists what its names may be. It holds one of these choices, so that the notebook
runs as it is:

    WIDTH, STRIDE = 227, 4  # varies: (227, 4), (131, 2), (103, 3)

and where the text says such a number, it says whose it is, in comments that no page shows:

    A picture of <!--=WIDTH-->227<!--/--> pixels.
"""

import ast
import copy
import hashlib
import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np

from coursekit.grading.release import notebook_text, release
from coursekit.grading.source import Source, SourceError, read_source

LINE = re.compile(r"^(?P<names>\w+(?:, \w+)*) = (?P<value>.+?)  # varies: (?P<choices>.+)$", re.MULTILINE)
MENTION = re.compile(r"<!--=(?P<name>\w+)-->(?P<said>.*?)<!--/-->", re.DOTALL)


class Variable(NamedTuple):
    """Names that vary together, what they are in the source, and what else they may be."""

    names: tuple[str, ...]
    value: Any
    choices: tuple[Any, ...]


def write_variant(source_path: Path, seed: int, folder: Path) -> tuple[Path, Path, Path]:
    """Write an assignment with the numbers of a seed, as a small course of its own.

    Parameters
    ----------
    source_path : Path
        The source notebook.
    seed : int
        The same seed gives the same numbers.
    folder : Path
        Gets `solutions/NAME.ipynb`, to grade with, and `assignments/NAME.ipynb` with its values, to hand out.

    Returns
    -------
    tuple of Path
        The three files, the source first.

    Raises
    ------
    SourceError
        If the source cannot be read, nothing in it varies, or what varies is written wrongly.
    ReleaseError
        If a solution does not work with these numbers. The new source is there then, to be looked at.
    """
    source = read_source(source_path)
    if findings := list(variant_findings(source)):
        raise SourceError(findings)
    if not variables(source):
        raise SourceError([f'{source.path.name}: nothing in it varies: end a line of a given cell with "# varies: …"'])
    path = Path(folder) / "solutions" / source.path.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook_text(with_numbers(source, seed)), encoding="utf-8")
    return path, *release(path, Path(folder) / "assignments")


def with_numbers(source: Source, seed: int) -> nbformat.NotebookNode:
    """The source notebook with the numbers of a seed."""
    notebook = copy.deepcopy(source.notebook)
    drawn = {variable.names: draw(variable, seed) for variable in variables(source)}
    values = {name: value for names, drew in drawn.items() for name, value in _each(names, drew)}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = LINE.sub(lambda line: _line(line, drawn[_names(line)]), cell.source)
        else:
            cell.source = MENTION.sub(lambda found: _mention(found, values[found["name"]]), cell.source)
    return notebook


def variables(source: Source) -> list[Variable]:
    """What varies in an assignment, in the order of the notebook."""
    return [
        Variable(_names(line), ast.literal_eval(line["value"]), tuple(ast.literal_eval(f"[{line['choices']}]")))
        for cell in source.cells
        if cell.cell_type == "code"
        for line in LINE.finditer(cell.source)
    ]


def draw(variable: Variable, seed: int) -> Any:
    """One of the choices; each variable draws for itself, so that a new question leaves the others as they are."""
    name = int.from_bytes(hashlib.sha256(",".join(variable.names).encode()).digest()[:4], "big")
    return variable.choices[np.random.default_rng([seed, name]).integers(len(variable.choices))]


def how_many(source: Source) -> int:
    """How many different versions there are."""
    return prod(len(variable.choices) for variable in variables(source))


def variant_findings(source: Source) -> Iterator[str]:
    """What is wrong with lines that list choices, and with mentions of them in the text; each names its cell."""
    known: dict[str, Any] = {}
    for cell in source.cells:
        if cell.cell_type == "code" and cell.source.count("# varies:") != len(LINE.findall(cell.source)):
            yield f"{cell.name}: names, value and choices have to stand in one line: 'SIZE = 64  # varies: 48, 64'"
        for line in LINE.finditer(cell.source) if cell.cell_type == "code" else ():
            try:
                value, choices = ast.literal_eval(line["value"]), ast.literal_eval(f"[{line['choices']}]")
            except (ValueError, SyntaxError):
                yield f"{cell.name}: choices have to be spelled out, as in 'SIZE = 64  # varies: 48, 64, 96'"
                continue
            names = _names(line)
            if cell.role != "given":
                yield f"{cell.name}: what varies belongs into a given cell, which nobody changes"
            if value not in choices or len(choices) < 2:
                yield f"{cell.name}: {', '.join(names)} is {value!r}: it has to be one of two choices or more"
            if any(len(names) > 1 and (not isinstance(item, tuple) or len(item) != len(names)) for item in choices):
                yield f"{cell.name}: each choice of {', '.join(names)} needs {len(names)} numbers, in brackets"
                continue
            known.update(_each(names, value))
    for cell in source.cells:
        for found in MENTION.finditer(cell.source) if cell.cell_type == "markdown" else ():
            if found["name"] not in known:
                yield f"{cell.name}: {found['name']} is mentioned, and varies in no given cell"
            elif _mention(found, known[found["name"]]) != found[0]:
                yield f"{cell.name}: {found['name']} is {known[found['name']]!r}, and the text says {found['said']!r}"


def _names(line: re.Match) -> tuple[str, ...]:
    return tuple(line["names"].split(", "))


def _each(names: tuple[str, ...], value: Any) -> Iterator[tuple[str, Any]]:
    return zip(names, value if len(names) > 1 else [value], strict=True)


def _line(line: re.Match, value: Any) -> str:
    written = ", ".join(map(repr, value)) if len(_names(line)) > 1 else repr(value)
    return f"{line['names']} = {written}  # varies: {line['choices']}"


def _mention(found: re.Match, value: Any) -> str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"<!--={found['name']}-->{f'{value:,}' if whole else value}<!--/-->"
