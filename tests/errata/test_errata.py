"""ERRATA.md and its tests say the same: each row has its test, each test its row, and a row's numbers are computed."""

import ast
import re
from pathlib import Path

import pytest

from coursekit import catalogue

ROOT = Path(__file__).parents[2]
HEADER = ["where", "what is said", "what is right", "section", "test"]
LAST = 10  # the last chapter that the list covers


def rows():
    table = [line for line in (ROOT / "ERRATA.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def sources():
    """Source of each test that stands for a row, by its name."""
    found = {}
    for file in ("test_errata_layers.py", "test_errata_networks.py", "test_errata_inside.py"):
        text = (Path(__file__).parent / file).read_text(encoding="utf-8")
        functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        found |= {node.name: ast.get_source_segment(text, node) for node in functions if node.name.startswith("test_")}
    return found


HEAD, _, *ROWS = rows()
SOURCES = sources()


def numbers(text):
    """Numbers of three digits or more, without separators: what could be mistaken or mistyped."""
    found = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w])", text)
    return {n.replace(",", "") for n in found if sum(map(str.isdigit, n)) >= 3}


def test_the_list_is_a_table():
    assert HEAD == HEADER
    assert len(ROWS) > 40
    for row in ROWS:
        assert len(row) == len(HEADER), row
        assert all(row), row


def test_each_row_has_its_test_and_each_test_its_row():
    named = [row[-1].strip("`") for row in ROWS]
    assert len(set(named)) == len(named)
    assert set(named) == set(SOURCES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[-1].strip("`"))
def test_the_numbers_of_a_row_are_in_its_test(row):
    source = SOURCES[row[-1].strip("`")].replace("_", "")
    missing = {n for n in numbers(f"{row[1]} {row[2]}") if not re.search(rf"(?<![\w.]){re.escape(n)}0?(?!\w)", source)}
    assert not missing


def test_rows_stand_in_the_order_of_the_chapters():
    concepts = catalogue.load().concepts
    named = [concepts[re.search(r"<!-- (\S+) -->", row[3])[1]] for row in ROWS]
    chapters = [int(concept.chapter[:2]) for concept in named]
    assert chapters == sorted(chapters)
    assert set(chapters) == set(range(1, LAST + 1))


def test_numbers_are_found():
    assert numbers("15,237,608 numbers: 58.13 MiB, 2x2, 224x224, at 12 of 1e-4, 0.5 and 9.123e-12.") == {
        "15237608", "58.13", "9.123e-12",
    }  # fmt: skip
