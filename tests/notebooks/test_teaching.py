"""Finished chapters teach what the catalogue lists: each concept in a tagged cell, its numbers computed and shown."""

from __future__ import annotations

import ast
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from reading import text

from coursekit import catalogue

ROOT = Path(__file__).parents[2]
CATALOGUE = catalogue.load()

NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
SHAPE = r"\d+(?:x\d+)+"
TOKEN = re.compile(rf"(?<![\w.])(?:{SHAPE}|-?{NUMBER})(?!\w|\.\d)")

Notebook = dict[str, Any]


def tags(cell: Notebook) -> list[str]:
    return cell.get("metadata", {}).get("coursekit", {}).get("concepts", [])


def teaches(cell: Notebook, id: str) -> bool:
    """Whether it is a code cell tagged with the concept, executed, and with something to show for it."""
    executed = cell.get("execution_count") is not None and bool(cell.get("outputs"))
    return cell["cell_type"] == "code" and executed and id in tags(cell)


def printed(cell: Notebook) -> str:
    """Text outputs of a code cell: streams and text/plain."""
    outputs = cell.get("outputs", [])
    return "\n".join(text(out.get("text") or out.get("data", {}).get("text/plain")) for out in outputs)


def tokens(output: str) -> set[str]:
    """Whole numbers, decimals and shapes of a text, without thousands separators; (2, 3) counts as 2x3, too."""
    output = output.replace("\N{MINUS SIGN}", "-").replace("×", "x")
    tuples = re.findall(r"(?:\(|torch\.Size\(\[)(\d+(?:, \d+)+)\]?\)", output)
    output = re.sub(r"(?<=\d) ?x ?(?=\d)", "x", output)
    output = re.sub(r"(?<![\w.,])\d{1,3}(?:[,_]\d{3})+(?![\d_]|,\d)", lambda m: re.sub("[,_]", "", m[0]), output)
    return set(TOKEN.findall(output)) | {shape.replace(", ", "x") for shape in tuples}


def typed_in(source: str, number: str) -> bool:
    """Whether a number, or a part of a shape, of three or more digits stands in a source as a literal."""
    readings = [source, re.sub(r"(?<=\d)_(?=\d)", "", source), re.sub(r"(?<=\d),(?=\d)", "", source)]
    runs = {run for reading in readings for run in re.findall(r"\d+", reading)}
    try:
        constants = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    except SyntaxError:  # a line that only IPython understands
        constants = []
    values = {value for value in constants if isinstance(value, int | float)}
    parts = [part for part in re.findall(NUMBER, number) if sum(map(str.isdigit, part)) >= 3]
    return any(float(part) in values for part in parts) or any(
        run in runs for part in parts for run in re.findall(r"\d{3,}", part)
    )


def problems(notebook: Notebook, taught: list[catalogue.Concept], known: set[str]) -> list[str]:
    """What is wrong with a finished chapter, one line each; an empty list is good."""
    found = []
    for place, cell in enumerate(notebook["cells"]):
        if len(tags(cell)) > 3:
            found.append(f"cell {place}: {len(tags(cell))} concepts, more than three")
        found += [f"cell {place}: unknown concept {tag!r}" for tag in tags(cell) if tag not in known]
    for concept in taught:
        cells = [cell for cell in notebook["cells"] if teaches(cell, concept.id)]
        if not cells:
            found.append(f"{concept.id}: no executed code cell with an output is tagged with it")
            continue
        seen = set().union(*(tokens(printed(cell)) for cell in cells))
        found += [f"{concept.id}: {number} is in no output" for number in concept.numbers if number not in seen]
        typed = [number for number in concept.numbers for cell in cells if typed_in(text(cell["source"]), number)]
        found += [f"{concept.id}: {number} is typed into a source" for number in dict.fromkeys(typed)]
    return found


WITH_NUMBERS = [concept for concept in CATALOGUE.concepts.values() if concept.numbers]


@pytest.mark.parametrize("concept", WITH_NUMBERS, ids=lambda concept: concept.id)
def test_numbers_are_tokens(concept):
    assert len(set(concept.numbers)) == len(concept.numbers)
    for number in concept.numbers:
        assert re.fullmatch(rf"{SHAPE}|-?{NUMBER}", number), number
        assert tokens(number) == {number}


FINISHED = [chapter.file for chapter in CATALOGUE.chapters.values() if chapter.finished]


@pytest.mark.parametrize("file", FINISHED)
def test_finished_chapter_teaches_all_its_concepts(file):
    path = ROOT / "notebooks" / f"{file}.ipynb"
    assert path.is_file(), f"{file} is marked as finished in catalogue.toml, but there is no {path.name}"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert problems(notebook, list(CATALOGUE.taught_in(file)), set(CATALOGUE.concepts)) == []


# the same functions on made-up notebooks


def made_up(id="a.one", numbers=()):
    return catalogue.Concept(id, "01_one", "core", "one", "하나", "A concept.", (), tuple(numbers))


def code(source="show()", output="done\n", concepts=("a.one",), count=1):
    stream = {"output_type": "stream", "name": "stdout", "text": output}
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {"coursekit": {"concepts": list(concepts)}},
        "outputs": [stream] if output else [],
        "source": source,
    }


def found(*cells, taught=None):
    taught = taught or [made_up(numbers=["3072", "26x26"])]
    return problems({"cells": list(cells)}, taught, {"a.one", "a.two", "a.three", "a.four"})


GOOD_CELL = code("print(32 * 32 * 3, shape)", "3,072 weights, map 26x26\n")


def test_a_good_notebook_passes():
    prose = {"cell_type": "markdown", "metadata": {}, "source": ["32x32x3 = 3,072 weights"]}
    assert found(prose, GOOD_CELL, code(concepts=["a.one", "a.two", "a.three"])) == []


def test_numbers_may_be_spread_over_cells_and_outputs():
    result = {"output_type": "execute_result", "data": {"text/plain": ["(26,", " 26)"]}}
    second = code("shape", "", count=2)
    second["outputs"] = [{"output_type": "display_data", "data": {"image/png": "…"}}, result]
    assert found(code("print(n)", ["3072\n"]), second) == []


NEVER_RUN = "a.one: no executed code cell with an output is tagged with it"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"metadata": {}}, NEVER_RUN),
        ({"metadata": {"coursekit": {"concepts": ["a.two"]}}}, NEVER_RUN),
        ({"execution_count": None}, NEVER_RUN),
        ({"outputs": []}, NEVER_RUN),
        ({"cell_type": "markdown"}, NEVER_RUN),
        ({"source": "print(3072, shape)"}, "a.one: 3072 is typed into a source"),
        ({"source": ["n = 32 * 32 * 3\n", "print(n)  # 3,072"]}, "a.one: 3072 is typed into a source"),
    ],
)
def test_a_changed_cell_fails(change, problem):
    cell = {**copy.deepcopy(GOOD_CELL), **change}
    assert found(cell) == [problem]


@pytest.mark.parametrize(
    "output",
    ["26x26", "13072 26x26", "30720 26x26", "3,072,000 26x26", "1,003,072 26x26", "3072.5 26x26", "0.3072 26x26",
     "-3072 26x26", "3072x1 26x26", "n3072 26x26", "3_072_1 26x26", "3072e2 26x26"],
)  # fmt: skip
def test_number_missing_or_inside_a_longer_one_fails(output):
    assert found(code(output=output)) == ["a.one: 3072 is in no output"]


@pytest.mark.parametrize(
    "output", ["3072", "3072 26", "3072 126x26", "3072 26x26x1", "3072 (26, 26, 1)", "3072 [26, 26]"]
)
def test_shape_missing_or_inside_a_longer_one_fails(output):
    assert found(code(output=output)) == ["a.one: 26x26 is in no output"]


@pytest.mark.parametrize(
    "output",
    [
        "3072 26x26",
        "3,072 26 x 26",
        "3_072: 26×26",
        "(26, 26) 3072.",
        "[3072, 9] torch.Size([26, 26])",
        "[[3072 9]] 26x26",
    ],
)
def test_number_and_shape_are_found_however_printed(output):
    assert found(code(output=output)) == []


def test_number_in_another_concepts_cell_or_in_an_unexecuted_one_does_not_count():
    other, never = code(output="3072", concepts=["a.two"]), code(output="3072", count=None)
    assert found(code(output="26x26"), other, never) == ["a.one: 3072 is in no output"]


def test_each_missing_concept_is_named():
    assert found(GOOD_CELL, taught=[made_up("a.one"), made_up("a.two")]) == [NEVER_RUN.replace("a.one", "a.two")]


def test_more_than_three_concepts_in_a_cell_fail():
    cell = code(concepts=["a.one", "a.two", "a.three", "a.four"], output="3072 26x26")
    assert found(cell) == ["cell 0: 4 concepts, more than three"]


def test_unknown_tag_fails():
    assert found(GOOD_CELL, code(concepts=["a.five"])) == ["cell 1: unknown concept 'a.five'"]


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("n = 120000", "120000"),
        ("n = 120_000", "120000"),
        ("n = 12_0000", "120000"),
        ("print('120,000 weights')", "120000"),
        ("n = 12e4", "120000"),
        ("n = 0x1D4C0", "120000"),
        ("%time n = 120000", "120000"),
        ("f(8,120000)", "120000"),
        ("log = 2.3026", "2.3026"),
        ("mib = 36.75", "36.75"),
        ("f(363, 55)", "363x3025"),
        ("n = -256", "256"),
    ],
)
def test_typed_in_number_is_noticed(source, number):
    assert typed_in(source, number)


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("n = 200 * 200 * 3", "120000"),
        ("n = 1200001", "120000"),
        ("f(26, 26)", "26x26"),
        ("n = 19", "19"),
        ("x[-2]", "-2"),
    ],
)
def test_inputs_short_numbers_and_longer_ones_are_allowed(source, number):
    assert not typed_in(source, number)
