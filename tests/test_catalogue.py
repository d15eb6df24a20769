"""The catalogue is sound, and malformed ones are refused."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from coursekit import catalogue

ROOT = Path(__file__).parents[1]
CATALOGUE = catalogue.load()
CONCEPTS = list(CATALOGUE.concepts.values())
CHAPTERS = list(CATALOGUE.chapters)
LATIN_NAMES = {
    "AlexNet", "DeepConvNet", "Grad-CAM", "LeNet-5", "ReLU", "ResNet", "SimpleConvNet", "VGGNet", "ZFNet",
}  # fmt: skip


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
