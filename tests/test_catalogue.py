"""The catalogue is sound, malformed ones are refused, and finished chapters teach what it lists."""

from __future__ import annotations

import ast
import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from coursekit import catalogue

ROOT = Path(__file__).parents[1]
CATALOGUE = catalogue.load()
CONCEPTS = list(CATALOGUE.concepts.values())
CHAPTERS = list(CATALOGUE.chapters)
LATIN_NAMES = {
    "AlexNet", "DeepConvNet", "Grad-CAM", "LeNet-5", "ReLU", "ResNet", "SimpleConvNet", "VGGNet", "ZFNet",
}  # fmt: skip

NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
SHAPE = r"\d+(?:x\d+)+"
TOKEN = re.compile(rf"(?<![\w.])(?:{SHAPE}|-?{NUMBER})(?!\w|\.\d)")

Notebook = dict[str, Any]


# ------------------------------------------------------------------ (a) the catalogue is sound


def each(*rows):
    return pytest.mark.parametrize("concept", rows or CONCEPTS, ids=lambda concept: concept.id)


def test_has_every_chapter_and_concept_once():
    document = tomllib.loads((ROOT / "coursekit" / "catalogue.toml").read_text(encoding="utf-8"))
    ids = [table["id"] for table in document["concept"]]
    assert len(ids) == len(set(ids)) == len(CONCEPTS) == 92
    assert [file[:2] for file in CHAPTERS] == [f"{number:02}" for number in range(12)]


def test_terms_and_definitions_are_not_used_twice():
    for field in ("en", "ko", "definition"):
        values = [getattr(concept, field) for concept in CONCEPTS]
        assert len(set(values)) == len(values), field


def test_concepts_are_grouped_by_chapter_in_reading_order():
    order = [CHAPTERS.index(concept.chapter) for concept in CONCEPTS]
    assert order == sorted(order)
    assert set(order) == set(range(1, len(CHAPTERS)))  # chapter 00 teaches none, every other some


@pytest.mark.parametrize("chapter", CATALOGUE.chapters.values(), ids=lambda chapter: chapter.file)
def test_chapter_is_filled_in(chapter):
    assert re.fullmatch(r"\d\d_[a-z_]+", chapter.file)
    assert chapter.title.strip() == chapter.title != ""
    assert re.search("[가-힣]", chapter.ko)


@each()
def test_concept_is_filled_in(concept):
    assert re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", concept.id)
    assert concept.level in catalogue.LEVELS
    assert concept.en.strip() == concept.en != ""
    assert concept.ko.strip() == concept.ko
    assert re.search("[가-힣]", concept.ko) or concept.ko in LATIN_NAMES


@each()
def test_sentences_are_one_line_of_bounded_length(concept):
    assert 40 <= len(concept.definition) <= 160
    assert len(concept.misconception) <= 160
    for sentence in filter(None, (concept.definition, concept.misconception)):
        assert sentence.strip() == sentence
        assert sentence.isprintable()
        assert sentence.endswith(".")


@each()
def test_prerequisites_are_known_and_never_of_a_later_chapter(concept):
    assert len(set(concept.prerequisites)) == len(concept.prerequisites)
    for needed in concept.prerequisites:
        assert CHAPTERS.index(CATALOGUE.concepts[needed].chapter) <= CHAPTERS.index(concept.chapter)


@each(*[concept for concept in CONCEPTS if concept.level == "core"])
def test_core_concepts_need_no_skippable_ones(concept):
    assert all(CATALOGUE.concepts[needed].level == "core" for needed in concept.prerequisites)


def test_prerequisites_have_no_cycle():
    left = {concept.id: set(concept.prerequisites) for concept in CONCEPTS}
    while ready := [id for id, needs in left.items() if not needs & left.keys()]:
        for id in ready:
            del left[id]
    assert not left


@each(*[concept for concept in CONCEPTS if concept.numbers])
def test_numbers_are_tokens(concept):
    assert len(set(concept.numbers)) == len(concept.numbers)
    for number in concept.numbers:
        assert re.fullmatch(rf"{SHAPE}|-?{NUMBER}", number), number
        assert tokens(number) == {number}


def test_lookups():
    assert catalogue.load() is CATALOGUE
    assert CATALOGUE.chapters["01_convolution_maths"].finished
    assert CATALOGUE.concepts["math.output-size"].numbers == ("26x26",)
    taught = [concept for file in CHAPTERS for concept in CATALOGUE.taught_in(file)]
    assert taught == CONCEPTS
    assert CATALOGUE.taught_in("00_start_here") == ()
    with pytest.raises(KeyError, match="no_such"):
        CATALOGUE.taught_in("99_no_such_chapter")


def test_glossary_has_a_row_for_each_concept_in_alphabetical_order():
    rows = CATALOGUE.glossary()
    assert len(rows) == len(CONCEPTS)
    assert [row[0].casefold() for row in rows] == sorted(row[0].casefold() for row in rows)
    concept = CATALOGUE.concepts["act.dropout"]
    assert (concept.en, concept.ko, concept.definition, concept.chapter) in rows


# ------------------------------------------------------------------ (b) malformed files are refused

GOOD = """
[[chapter]]
file = "01_one"
title = "One"
ko = "하나"

[[concept]]
id = "a.first"
chapter = "01_one"
level = "core"
en = "first"
ko = "첫째"
definition = "The first of two."
prerequisites = []
numbers = ["12"]

[[concept]]
id = "a.second"
chapter = "01_one"
level = "read"
en = "second"
ko = "둘째"
definition = "The second of two."
prerequisites = ["a.first"]
numbers = []
"""


def test_a_small_good_file_is_read():
    small = catalogue.parse(tomllib.loads(GOOD))
    assert list(small.concepts) == ["a.first", "a.second"]
    assert not small.chapters["01_one"].finished
    assert small.concepts["a.second"].prerequisites == ("a.first",)
    assert small.concepts["a.second"].misconception == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('en = "second"', 'en = "second"\nterm = "second"', "concept 'a.second': unknown field term"),
        ('title = "One"', 'title = "One"\nminutes = 5', "chapter '01_one': unknown field minutes"),
        ('en = "second"\n', "", "concept 'a.second': field en is missing"),
        ('id = "a.second"\n', "", "concept 2: field id is missing"),
        ('title = "One"\n', "", "chapter '01_one': field title is missing"),
        ('numbers = ["12"]', "numbers = [12]", "concept 'a.first': numbers should be a list of strings, not [12]"),
        ('prerequisites = ["a.first"]', 'prerequisites = "a.first"', "prerequisites should be a list of strings"),
        ('ko = "첫째"', "ko = 1", "concept 'a.first': ko should be a string, not 1"),
        ('title = "One"', 'title = "One"\nfinished = "no"', "finished should be true or false, not 'no'"),
        ('id = "a.second"', 'id = "a.first"', "concept 'a.first': duplicate id"),
        ("[[concept]]", '[[chapter]]\nfile = "01_one"\ntitle = "1"\nko = "1"\n[[concept]]', "'01_one': duplicate file"),
        ('level = "read"', 'level = "easy"', "concept 'a.second': unknown level 'easy'"),
        ('chapter = "01_one"', 'chapter = "02_two"', "concept 'a.first': unknown chapter '02_two'"),
        ('["a.first"]', '["a.third"]', "concept 'a.second': unknown prerequisite 'a.third'"),
        ('["a.first"]', '["a.second"]', "prerequisite 'a.second'; it has to stand above 'a.second'"),
        ("prerequisites = []", 'prerequisites = ["a.second"]', "'a.second'; it has to stand above 'a.first'"),
        ("[[chapter]]", "[[chapters]]", "expected the tables chapter and concept, not chapters, concept"),
    ],
)
def test_malformed_file_raises_and_says_where(old, new, message):
    assert old in GOOD
    with pytest.raises(ValueError, match=re.escape(message)):
        catalogue.parse(tomllib.loads(GOOD.replace(old, new, 1)))


def test_empty_file_is_refused():
    with pytest.raises(ValueError, match="not none"):
        catalogue.parse({})


# ------------------------------------------------------------------ (c) finished chapters teach what is listed


def text(value: Any) -> str:
    """Notebook text: a string, or a list of lines."""
    return value if isinstance(value, str) else "".join(value or [])


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
