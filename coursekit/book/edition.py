"""The whole edition: which pages there are, in which order, and writing them."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader

from coursekit.book.markdown import korean
from coursekit.book.pages import Page, read
from coursekit.catalogue import Catalogue, load

__all__ = ["Book", "BookError", "make"]

MARK = '<meta name="generator" content="coursekit book">'
REFERENCE = ("docs/concepts.md", "docs/glossary.md", "ERRATA.md")
GUIDES = ("docs/faq.md", "docs/instructors.md", "docs/grading.md", "docs/threat-model.md")


class BookError(Exception):
    """What keeps the edition from being written, in a sentence."""


@dataclass(frozen=True)
class Book:
    """What was written.

    Attributes
    ----------
    index : Path
        The page to open first.
    pages : int
        Number of pages, the index among them.
    size : int
        Bytes of all of them.
    troubles : list of str
        Formulas, links and pictures that could not be set or found, a sentence each.
    """

    index: Path
    pages: int
    size: int
    troubles: list[str]


def make(root: Path, out: Path) -> Book:
    """Write the edition from what the course's notebooks have stored; nothing is executed.

    Parameters
    ----------
    root : Path
        The folder of the course. Chapters come in the catalogue's order, those that are not there yet are named.
    out : Path
        A folder that is new, empty, or holds an earlier edition, whose pages are replaced.

    Returns
    -------
    Book

    Raises
    ------
    BookError
        If the folder holds something else.
    ValueError
        If a file is a notebook by its name alone.
    OSError
        If something cannot be read or written.
    """
    root = root.resolve()
    _refuse_others(out)
    groups = _groups(root, load())
    order = [source for sources in groups.values() for source in sources]
    where = {source: source.relative_to(root).with_suffix(".html") for source in order}
    made = {source: read(source, root, where) for source in order}
    texts = dict(_written(groups, made, where, root))
    for place, text in texts.items():
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_text(text, encoding="utf-8")
    size = sum(len(text.encode()) for text in texts.values())
    return Book(out / "index.html", len(texts), size, [line for page in made.values() for line in page.troubles])


def _refuse_others(out: Path) -> None:
    """An edition never lands among somebody's files."""
    if not out.is_dir() or not any(out.iterdir()):
        return
    index = out / "index.html"
    if not index.is_file() or MARK not in index.read_text(encoding="utf-8", errors="replace"):
        raise BookError(f"{out} holds something else than an edition of the course: name another folder with --out")


def _groups(root: Path, catalogue: Catalogue) -> dict[str, list[Path]]:
    """The sources of the pages by kind, in reading order."""
    chapters = [root / "notebooks" / f"{file}.ipynb" for file in catalogue.chapters]
    chapters += sorted(set((root / "notebooks").glob("*.ipynb")) - set(chapters))
    reference, guides = ([root / name for name in names] for names in (REFERENCE, GUIDES))
    guides += sorted(set((root / "docs").glob("*.md")) - {*reference, *guides})
    groups = {
        "Chapters": chapters,
        "Assignments": sorted((root / "assignments").glob("*.ipynb")),
        "Reference": reference,
        "Guides": guides,
    }
    return {kind: [path for path in paths if path.is_file()] for kind, paths in groups.items()}


def _written(
    groups: dict[str, list[Path]], made: dict[Path, Page], where: dict[Path, Path], root: Path
) -> Iterator[tuple[str, str]]:
    """Name and text of each page."""
    environment = Environment(loader=PackageLoader("coursekit", "templates/book"), autoescape=True)
    environment.filters["korean"] = lambda text: korean(html.escape(text))
    template = environment.get_template("index.html.j2")
    links = {kind: [(where[source].as_posix(), made[source]) for source in sources] for kind, sources in groups.items()}
    # first, so that a folder which a full disk left half written is known for what it is
    yield "index.html", template.render(chapters=list(_contents(root, made, where)), links=links, mark=MARK)
    for sources in groups.values():
        for before, source, after in zip([None, *sources], sources, [*sources[1:], None], strict=False):
            near = {name: _near(other, source, made, where) for name, other in (("before", before), ("after", after))}
            home = "../" * (len(where[source].parts) - 1) + "index.html"
            template = environment.get_template("page.html.j2")
            yield where[source].as_posix(), template.render(page=made[source], home=home, mark=MARK, **near)


def _near(other: Path | None, source: Path, made: dict[Path, Page], where: dict[Path, Path]) -> dict | None:
    """Title and address of a neighbour, as seen from a page."""
    if other is None:
        return None
    up = "../" * (len(where[source].parts) - 1)
    return {"title": made[other].title, "href": up + where[other].as_posix()}


def _contents(root: Path, made: dict[Path, Page], where: dict[Path, Path]) -> Iterator[dict]:
    """A row of the index for each chapter of the catalogue, with its concepts."""
    catalogue = load()
    for file, chapter in catalogue.chapters.items():
        source = root / "notebooks" / f"{file}.ipynb"
        page = made.get(source)
        yield {
            "number": int(file[:2]),
            "title": chapter.title,
            "ko": chapter.ko,
            "href": where[source].as_posix() if page else "",
            "claim": page.claim if page else "",
            "concepts": catalogue.taught_in(file),
        }
