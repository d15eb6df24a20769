"""What the rules of hygiene look at: the prose, code, outputs, links and headings of a notebook."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from coursekit.index import anchor, headings

FENCED = re.compile(r"^ {0,3}(```+|~~~+).*?(^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(
    r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+[\"'][^)]*)?\)"
)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

Cell = dict[str, Any]


def text(value: Any) -> str:
    """Notebook text: a string, or a list of lines."""
    return value if isinstance(value, str) else "".join(value or [])


def prose(markdown: str) -> str:
    """Markdown without code, in which brackets and words mean something else."""
    return INLINE_CODE.sub("", FENCED.sub("", markdown))


class Notebook:
    """A notebook as JSON, with its place in the repository."""

    def __init__(self, path: Path, document: dict[str, Any], root: Path, size: int = 0) -> None:
        self.path, self.document, self.root, self.size = path, document, root, size
        self.cells: list[Cell] = document["cells"]
        self.metadata: dict[str, Any] = document.get("metadata", {})

    @property
    def number(self) -> int:
        """The chapter's number."""
        return int(self.path.name[:2])

    @cached_property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell["cell_type"] == "code"]

    @cached_property
    def markdown(self) -> list[Cell]:
        return [cell for cell in self.cells if cell["cell_type"] == "markdown"]

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        return [heading for cell in self.markdown for heading in headings(text(cell["source"]))]

    def outputs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each output, with its cell's id."""
        for cell in self.code:
            for output in cell.get("outputs", []):
                yield name(cell), output

    def html(self) -> Iterator[tuple[str, str]]:
        """Each piece of HTML that a reader sees: in prose and in outputs."""
        for cell in self.markdown:
            yield name(cell), prose(text(cell["source"]))
        for place, output in self.outputs():
            yield place, text(output.get("data", {}).get("text/html"))

    @property
    def markdown_text(self) -> str:
        """All prose, one cell after the other."""
        return "\n\n".join(text(cell["source"]) for cell in self.markdown)

    def section_text(self, heading: str) -> str:
        """The prose from a ``##`` heading to the next."""
        found = re.search(
            rf"^## {re.escape(heading)}\s*$(.*?)(?=^## |\Z)", self.markdown_text, re.MULTILINE | re.DOTALL
        )
        return found[1] if found else ""


@cache
def read(path: Path) -> Notebook:
    """The notebook in a file, which lies in a folder of the repository."""
    content = path.read_bytes()
    return Notebook(path, json.loads(content), path.parents[1], len(content))


def name(cell: Cell) -> str:
    """What a message calls a cell."""
    return f"cell {cell.get('id') or repr(text(cell['source'])[:20])}"


def without_magics(source: str) -> str:
    """Source as Python alone: lines that only IPython understands become `pass`."""
    return re.sub(r"^(\s*)[%!?].*$", r"\1pass", source, flags=re.MULTILINE)


def tree(cell: Cell) -> ast.Module:
    """The cell's syntax tree; an empty one if it is no Python."""
    try:
        return ast.parse(without_magics(text(cell["source"])))
    except SyntaxError:
        return ast.Module([], [])


def links(markdown: str) -> Iterator[tuple[bool, str, str]]:
    """Each link, in Markdown or HTML: whether it is a picture in Markdown, its text, its target."""
    for mark, words, target in LINK.findall(prose(markdown)):
        yield bool(mark), words, target
        yield from links(words)  # a picture may be a link's text
    for target in re.findall(r"<(?:a|img)\s[^>]*?\b(?:href|src)=[\"']([^\"']+)", prose(markdown)):
        yield False, "", target


def anchors(path: Path, document: str) -> set[str]:
    """Names of the places that a link may point to: headings as JupyterLab or GitHub names them, ids of HTML."""
    given = {unquote(found) for found in re.findall(r"(?:id|name)=[\"']([^\"']+)", document)}
    found = [heading for _, heading in headings(document)]
    if path.suffix == ".ipynb":
        return given | {anchor(heading) for heading in found}
    return given | {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def broken_links(path: Path, markdown: str, root: Path, document: str) -> Iterator[str]:
    """What is wrong with the links of a piece of Markdown that point into the repository.

    `path` is the file that it stands in, `document` all the Markdown of that file.
    """
    for _, _, target in links(markdown):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            if not target.startswith(("http://", "https://", "mailto:", "data:image/")):
                yield f"the link {target} points to nothing that others have"
            continue
        file, _, place = map(unquote, target.partition("#"))
        goal = (path.parent / file).resolve() if file else path
        if not goal.exists():
            yield f"the link {target} points to nothing"
        elif not goal.is_relative_to(root):
            yield f"the link {target} leaves the repository"
        elif place and place not in anchors(goal, document if goal == path else _markdown_of(goal)):
            yield f"the link {target}: there is no such section"


def _markdown_of(path: Path) -> str:
    return read(path).markdown_text if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")


class Pictures(HTMLParser):
    """Looks for pictures that a reader who cannot see them learns nothing of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []  # tags, and whether they or one around them say what is in them
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        said = bool(self.open and self.open[-1][1]) or bool((values.get("aria-label") or "").strip())
        said = said or values.get("aria-hidden") == "true"
        if tag == "img" and not (values.get("alt") or "").strip() and values.get("aria-hidden") != "true":
            self.silent.append("img")
        if tag in ("svg", "canvas", "video") and not said:
            self.silent.append(tag)
        if tag not in VOID:
            self.open.append((tag, said))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while any(tag == name for name, _ in self.open) and self.open.pop()[0] != tag:
            pass


def silent_pictures(html: str) -> list[str]:
    """Tags of the pictures in a piece of HTML that have no words."""
    parser = Pictures()
    parser.feed(html)
    parser.close()
    return parser.silent
