"""The glossary, the index of concepts, and the sections in ERRATA.md: made from the catalogue and the notebooks.

``coursekit index`` writes them; a test proves that they are up to date.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from coursekit._files import write_whole
from coursekit.catalogue import Catalogue, Concept, load

__all__ = ["Place", "anchor", "headings", "is_current", "pages", "places", "write_pages"]

Place = tuple[str, str]  # notebook, such as notebooks/01_convolution_maths.ipynb, and heading

MADE = "<!-- Made by `coursekit index`: change coursekit/catalogue.toml or the notebooks instead. -->"
MANY = 3  # sections that a row of ERRATA.md names at most


def headings(markdown: str) -> list[tuple[int, str]]:
    """Level and text of each heading of a Markdown text; what stands between fences is code.

    >>> headings("# One\\n```\\n# a comment\\n```\\n## 1.1 Two ##")
    [(1, 'One'), (2, '1.1 Two')]
    """
    prose = re.sub(r"^ {0,3}(```+|~~~+).*?(^ {0,3}\1|\Z)", "", markdown, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$", prose, re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def anchor(heading: str) -> str:
    """Name under which JupyterLab and nbconvert link to a heading.

    >>> anchor("1.2 How many places are there?")
    '1.2-How-many-places-are-there?'
    """
    return re.sub(r"[`*]", "", heading).replace(" ", "-")  # as it is shown, without marks


def places(cells: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each code cell of a notebook, with the ``##`` heading under which it stands ("" above the first)."""
    section = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            section = ([text for level, text in headings("".join(cell["source"])) if level == 2] or [section])[-1]
        elif cell["cell_type"] == "code":
            yield section, cell


def pages(root: Path) -> dict[Path, str]:
    """Each page as it should be, by its path.

    Parameters
    ----------
    root : Path
        Folder of the course, with ``notebooks/``, ``assignments/`` and ``ERRATA.md``.

    Returns
    -------
    dict of Path to str
        ``docs/glossary.md``, ``docs/concepts.md`` and, where there is one, ``ERRATA.md`` with its sections filled in.

    Raises
    ------
    ValueError
        If ERRATA.md names a concept that the catalogue does not have.
    """
    catalogue = load()
    taught = _tagged(root, "notebooks", "concepts")
    made = {
        root / "docs" / "glossary.md": _glossary(catalogue, root),
        root / "docs" / "concepts.md": _concepts(catalogue, root, taught, _tagged(root, "assignments", "assesses")),
    }
    errata = root / "ERRATA.md"
    if errata.is_file():
        made[errata] = _with_sections(errata.read_text(encoding="utf-8"), catalogue, taught)
    return made


def is_current(path: Path, text: str) -> bool:
    """Whether a page is there and says what it should."""
    return path.is_file() and path.read_text(encoding="utf-8") == text


def write_pages(root: Path) -> list[Path]:
    """Write the pages that are not up to date and return their paths; Raises as `pages` does, and OSError."""
    stale = {path: text for path, text in pages(root).items() if not is_current(path, text)}
    for path, text in stale.items():
        write_whole(path, text.encode())
    return list(stale)


def _tagged(root: Path, folder: str, field: str) -> dict[str, list[Place]]:
    """For each concept the sections whose code cells name it in their metadata, in reading order."""
    found: dict[str, list[Place]] = {}
    for path in sorted((root / folder).glob("*.ipynb")):
        for section, cell in places(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            for concept in cell["metadata"].get("coursekit", {}).get(field, []):
                known = found.setdefault(concept, [])
                if section and (place := (f"{folder}/{path.name}", section)) not in known:
                    known.append(place)
    return found


def _glossary(catalogue: Catalogue, root: Path) -> str:
    @cache
    def chapter(file: str) -> str:
        return _chapter_link(file, root)

    rows = [[_cell(en), ko, _cell(definition), chapter(file)] for en, ko, definition, file in catalogue.glossary()]
    by_korean = [
        [ko, _cell(concept.en), chapter(concept.chapter)]
        for concept in catalogue.concepts.values()
        for ko in filter(None, (concept.ko, concept.ko_also))
    ]
    return "\n".join(
        [
            "# Glossary, 용어집",
            "",
            MADE,
            "",
            "Every concept of the course, first by its English term, then [by its Korean one](#가나다순). "
            "[The index of concepts](concepts.md) says in which section each is taught, and where it is assessed.",
            "",
            *_table(["English", "Korean", "meaning", "chapter"], rows),
            "",
            "## 가나다순",
            "",
            *_table(["한국어", "English", "chapter"], sorted(by_korean)),
            "",
        ]
    )


def _concepts(
    catalogue: Catalogue, root: Path, taught: dict[str, list[Place]], assessed: dict[str, list[Place]]
) -> str:
    lines = [
        "# Index of concepts",
        "",
        MADE,
        "",
        "What each chapter teaches, in reading order. The sections are those whose cells compute something about the "
        "concept; the questions are those of the assignments. Later chapters build on what is *core*; *deeper* may be "
        "skipped; *read* is told and not assessed. [The glossary](glossary.md) says what each term means.",
    ]
    for chapter in catalogue.chapters.values():
        if concepts := catalogue.taught_in(chapter.file):
            rows = [_concept_row(concept, catalogue, taught, assessed) for concept in concepts]
            lines += ["", f"## {int(chapter.file[:2])}. {chapter.title}", ""]
            lines += [f"*{chapter.ko}*, {_chapter_link(chapter.file, root)}", ""]
            lines += _table(["concept", "level", "builds on", "taught in", "assessed by"], rows)
    return "\n".join([*lines, ""])


def _concept_row(
    concept: Concept, catalogue: Catalogue, taught: dict[str, list[Place]], assessed: dict[str, list[Place]]
) -> list[str]:
    needs = "; ".join(_cell(catalogue.concepts[id].en) for id in concept.prerequisites)
    sections = [_link(heading, f"../{file}", heading) for file, heading in taught.get(concept.id, ())]
    questions = [
        _link(f"assignment {int(Path(file).name[:2])}, {heading}", f"../{file}", heading)
        for file, heading in assessed.get(concept.id, ())
    ]
    name = _cell(concept.en) + (f" ({concept.ko})" if concept.ko != concept.en else "")
    return [name, concept.level, needs, "; ".join(sections), "; ".join(questions)]


def _with_sections(errata: str, catalogue: Catalogue, taught: dict[str, list[Place]]) -> str:
    """Fill in each table cell that ends in the comment ``<!-- concept.id -->`` with the sections that teach it."""

    def sections(mark: re.Match) -> str:
        id = mark["id"]
        if id not in catalogue.concepts:
            raise ValueError(f"ERRATA.md: there is no concept {id!r} in catalogue.toml: expected such as 'pool.max'.")
        found = [_link(heading.split()[0], file, heading) for file, heading in taught.get(id, ())[:MANY]]
        chapter = f"chapter {int(catalogue.concepts[id].chapter[:2])}"
        return f"| {', '.join(found) or chapter} <!-- {id} --> |"

    return re.sub(r"\|[^|\n]*<!-- (?P<id>\S+) --> \|", sections, errata)


def _chapter_link(file: str, root: Path) -> str:
    name = f"chapter {int(file[:2])}"
    return f"[{name}](../notebooks/{file}.ipynb)" if (root / "notebooks" / f"{file}.ipynb").is_file() else name


def _link(text: str, path: str, heading: str) -> str:
    return f"[{_cell(text)}]({path}#{quote(anchor(heading))})"


def _cell(text: str) -> str:
    """Text for a Markdown table: what would mean something to Markdown is escaped."""
    return re.sub(r"([\\|*_<`\[\]])", r"\\\1", text)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (headers, ["---"] * len(headers), *rows)]
