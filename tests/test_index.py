"""The glossary, the index of concepts and the sections in ERRATA.md are made from what is there, and are up to date."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from coursekit import catalogue, index
from coursekit.cli import cli

ROOT = Path(__file__).parents[1]
CONCEPTS = catalogue.load().concepts
FILE = "04_backpropagation.ipynb"


def cell(kind, source, **fields):
    return {"cell_type": kind, "metadata": {"coursekit": fields} if fields else {}, "source": source}


@pytest.fixture
def course(tmp_path):
    """A course of one chapter, one assignment and one mistake, in which pooling's way back is taught and assessed."""
    chapter = [
        cell("markdown", "# 4. Backpropagation"),
        cell("code", "above", concepts=["back.chain-rule"]),
        cell("markdown", ["## 4.1 Back: how?\n", "```\n", "## no heading\n", "```"]),
        cell("code", "one", concepts=["back.pool"]),
        cell("code", "two", concepts=["back.pool", "back.conv-1d"]),
        cell("markdown", "### 4.1.1 Small"),
        cell("code", "three", concepts=["back.conv-1d"]),
        cell("markdown", "Text.\n\n## 4.2 Again\n\nMore."),
        cell("code", "four", concepts=["back.pool"]),
    ]
    asked = [cell("markdown", "## Question 1: where?"), cell("code", "check", assesses=["back.pool"])]
    for folder, cells in (("notebooks", chapter), ("assignments", asked)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / FILE).write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (tmp_path / "ERRATA.md").write_text("| said | right | ? <!-- back.pool --> |\n|  <!-- pool.max --> | x |\n")
    return tmp_path


def row(page, start):
    return next(line for line in page.splitlines() if line.startswith(f"| {start}"))


@pytest.mark.parametrize("name", ["docs/glossary.md", "docs/concepts.md", "ERRATA.md"])
def test_is_up_to_date(name):
    assert index.is_current(ROOT / name, index.pages(ROOT)[ROOT / name]), f"{name} is not: type coursekit index"


def test_the_command_writes_and_checks(course, monkeypatch):
    monkeypatch.setattr("coursekit.workspace.course_root", lambda: course)
    says = CliRunner().invoke(cli, ["index", "--check"])
    assert says.exit_code == 1
    assert says.output.count("is not up to date: type coursekit index.") == 3
    assert CliRunner().invoke(cli, ["index"]).output.count("written: ") == 3
    assert CliRunner().invoke(cli, ["index", "--check"]).exit_code == 0
    assert CliRunner().invoke(cli, ["index"]).output == "Everything is up to date.\n"
    notebook = course / "notebooks" / FILE
    notebook.write_text(notebook.read_text().replace("4.2 Again", "4.2 Once more"))
    assert CliRunner().invoke(cli, ["index", "--check"]).exit_code == 1


def test_index_of_concepts(course):
    page = index.pages(course)[course / "docs" / "concepts.md"]
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == [
        f"{number}. {chapter.title}" for number, chapter in enumerate(catalogue.load().chapters.values()) if number
    ]
    assert sum(line.startswith("| ") for line in page.splitlines()) == len(CONCEPTS) + 2 * 11
    first = f"[4.1 Back: how?](../notebooks/{FILE}#4.1-Back%3A-how%3F)"
    second = f"[4.2 Again](../notebooks/{FILE}#4.2-Again)"
    question = f"[assignment 4, Question 1: where?](../assignments/{FILE}#Question-1%3A-where%3F)"
    pool = CONCEPTS["back.pool"]
    needs = "; ".join(CONCEPTS[id].en for id in pool.prerequisites)
    assert row(page, pool.en) == f"| {pool.en} ({pool.ko}) | core | {needs} | {first}; {second} | {question} |"
    assert row(page, CONCEPTS["back.conv-1d"].en).endswith(f" | {first} |  |")
    assert row(page, CONCEPTS["back.chain-rule"].en).endswith(" |  |  |"), "above the first section is nowhere"
    assert row(page, "AlexNet").startswith("| AlexNet | core |")
    assert f"*역전파*, [chapter 4](../notebooks/{FILE})" in page
    assert "\n*합성곱 계층*, chapter 2\n" in page


def test_glossary_has_every_concept_in_both_orders(course):
    english, korean = index.pages(course)[course / "docs" / "glossary.md"].split("\n## 가나다순\n")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+) \| (.+) \|$", english, re.MULTILINE)[2:]
    assert [re.sub(r"\\", "", en) for en, *_ in rows] == sorted((c.en for c in CONCEPTS.values()), key=str.casefold)
    assert {chapter for *_, chapter in rows} >= {f"[chapter 4](../notebooks/{FILE})", "chapter 3"}
    terms = re.findall(r"^\| (.+?) \| .+? \| .*chapter", korean, re.MULTILINE)[1:]
    assert terms == sorted(terms)
    assert set(terms) == {ko for c in CONCEPTS.values() for ko in (c.ko, c.ko_also) if ko}
    assert terms.index("가림 민감도") < terms.index("다채널 합성곱") < terms.index("학습 점검 사다리")


def test_sections_of_the_errata(course):
    page = index.pages(course)[course / "ERRATA.md"]
    links = f"[4.1](notebooks/{FILE}#4.1-Back%3A-how%3F), [4.2](notebooks/{FILE}#4.2-Again)"
    assert page == f"| said | right | {links} <!-- back.pool --> |\n| chapter 3 <!-- pool.max --> | x |\n"
    index.write_pages(course)
    assert index.pages(course)[course / "ERRATA.md"] == page, "a second run changes nothing"


def test_a_course_without_errata_has_two_pages(course):
    (course / "ERRATA.md").unlink()
    assert [path.name for path in index.write_pages(course)] == ["glossary.md", "concepts.md"]


def test_an_unknown_concept_in_the_errata_is_refused(course, monkeypatch):
    (course / "ERRATA.md").write_text("| x <!-- pool.large --> |")
    with pytest.raises(ValueError, match=r"no concept 'pool\.large' in catalogue\.toml"):
        index.pages(course)
    monkeypatch.setattr("coursekit.workspace.course_root", lambda: course)
    says = CliRunner().invoke(cli, ["index"])
    assert (says.exit_code, says.output.count("Error: ERRATA.md: there is no concept")) == (1, 1)


def test_what_would_mean_something_to_markdown_is_escaped(course):
    glossary = index.pages(course)[course / "docs" / "glossary.md"]
    assert r"(f \* g)(t)" in glossary
