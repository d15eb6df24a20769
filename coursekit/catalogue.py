"""The concepts of the course, from ``catalogue.toml`` (whose head explains the fields): terms, chapters, numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Container, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

LEVELS = ("core", "deeper", "read")
TYPES = {"str": (str, "a string"), "bool": (bool, "true or false"), "tuple[str, ...]": (list, "a list of strings")}


@dataclass(frozen=True)
class Chapter:
    """One notebook; ``file`` is its name without folder and suffix."""

    file: str
    title: str
    ko: str
    finished: bool = False


@dataclass(frozen=True)
class Concept:
    """One concept, with its English and Korean terms."""

    id: str
    chapter: str
    level: str
    en: str
    ko: str
    definition: str
    prerequisites: tuple[str, ...]
    numbers: tuple[str, ...]
    misconception: str = ""
    ko_also: str = ""


@dataclass(frozen=True)
class Catalogue:
    """Chapters by file name and concepts by id, both in reading order."""

    chapters: Mapping[str, Chapter]
    concepts: Mapping[str, Concept]

    def taught_in(self, file: str) -> tuple[Concept, ...]:
        """Concepts of one chapter, in reading order; KeyError if there is no such chapter."""
        return tuple(concept for concept in self.concepts.values() if concept.chapter == self.chapters[file].file)

    def glossary(self) -> list[tuple[str, str, str, str]]:
        """Rows (English term, Korean term, definition, chapter file), sorted by the English term."""
        rows = [(concept.en, concept.ko, concept.definition, concept.chapter) for concept in self.concepts.values()]
        return sorted(rows, key=lambda row: row[0].casefold())


def _rows(kind: Any, key: str, tables: Any) -> dict[str, Any]:
    """Make each TOML table a ``kind``, by its ``key``; ValueError names the row and the field at fault."""
    rows: dict[str, Any] = {}
    for place, table in enumerate(tables, 1):
        where = f"{kind.__name__.lower()} {table.get(key, place)!r}"
        if unknown := sorted(table.keys() - {field.name for field in fields(kind)}):
            raise ValueError(f"{where}: unknown field {', '.join(unknown)}")
        for field in fields(kind):
            value, (wanted, words) = table.get(field.name, field.default), TYPES[str(field.type)]
            if value is MISSING:
                raise ValueError(f"{where}: field {field.name} is missing")
            if not isinstance(value, wanted) or (wanted is list and not all(isinstance(item, str) for item in value)):
                raise ValueError(f"{where}: {field.name} should be {words}, not {value!r}")
        if table[key] in rows:
            raise ValueError(f"{where}: duplicate {key}")
        rows[table[key]] = kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in table.items()})
    return rows


def parse(document: Mapping[str, Any]) -> Catalogue:
    """Check a parsed TOML document and make it a catalogue; ValueError says which row is malformed, and how."""
    if document.keys() != {"chapter", "concept"}:
        raise ValueError(f"expected the tables chapter and concept, not {', '.join(sorted(document)) or 'none'}")
    chapters, concepts = _rows(Chapter, "file", document["chapter"]), _rows(Concept, "id", document["concept"])
    above: set[str] = set()
    for id, concept in concepts.items():
        needs: list[tuple[str, str, Container[str]]] = [("prerequisite", name, above) for name in concept.prerequisites]
        for what, name, known in [("level", concept.level, LEVELS), ("chapter", concept.chapter, chapters), *needs]:
            if name not in known:
                hint = f"; it has to stand above {id!r}" if name in concepts else ""
                raise ValueError(f"concept {id!r}: unknown {what} {name!r}{hint}")
        above.add(id)
    return Catalogue(MappingProxyType(chapters), MappingProxyType(concepts))


@cache
def load() -> Catalogue:
    """Read the catalogue that comes with the package, once; ValueError if the file is malformed."""
    return parse(tomllib.loads(files("coursekit").joinpath("catalogue.toml").read_text(encoding="utf-8")))
