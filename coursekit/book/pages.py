"""From a notebook, or a page of Markdown, to what its page of the edition shows."""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbconvert.filters import Highlight2HTML, ansi2html

from coursekit.book.markdown import Text, plain

PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
_HIGHLIGHT = Highlight2HTML(pygments_lexer="ipython3")


@dataclass(frozen=True)
class Page:
    """One page, ready for its template.

    Attributes
    ----------
    title : str
        Of the page, plain text.
    claim : str
        HTML: what a chapter says that its reader will be able to do; empty elsewhere.
    sections : sequence of (str, str)
        HTML and name of each section's heading.
    parts : sequence of str
        HTML, piece by piece.
    troubles : sequence of str
        What could not be set or found.
    """

    title: str
    claim: str
    sections: Sequence[tuple[str, str]]
    parts: Sequence[str]
    troubles: Sequence[str]


def read(source: Path, root: Path, pages: Mapping[Path, Path]) -> Page:
    """Read a notebook or a page of Markdown.

    Parameters
    ----------
    source : Path
        The file, absolute.
    root : Path
        The folder of the course.
    pages : mapping of Path to Path
        Every source of the edition, absolute, and its page within the edition.

    Returns
    -------
    Page

    Raises
    ------
    ValueError
        If it is a notebook by its name alone.
    OSError
        If it cannot be read.
    """
    text = Text(source, root, pages)
    content = source.read_text(encoding="utf-8")
    parts = [text.to_html(content)] if source.suffix == ".md" else list(_cells(_notebook(source, content), text))
    title = next((plain(shown) for level, shown, _ in text.sections if level == 1), source.stem)
    claim = re.search(r"<strong>(After this chapter .*?)</strong>", parts[0] if parts else "", re.DOTALL)
    sections = [(shown, name) for level, shown, name in text.sections if level == 2]
    return Page(title, claim[1] if claim else "", sections, parts, text.troubles)


def _notebook(source: Path, content: str) -> list[dict[str, Any]]:
    try:
        cells = json.loads(content)["cells"]
        return [cell | {"source": _joined(cell["source"])} for cell in cells]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{source} is not a notebook ({error}): get it anew.") from None


def _cells(cells: list[dict[str, Any]], text: Text) -> Iterator[str]:
    """HTML of each cell; what a reader is asked to predict is folded."""
    asked = False
    for cell in cells:
        source = cell["source"]
        if cell["cell_type"] == "markdown":
            asked = "**Predict" in source
            yield f'<div class="prose">\n{text.to_html(source)}</div>'
        elif cell["cell_type"] == "code":
            shown = "\n".join(filter(None, map(_output, cell.get("outputs", []))))
            if ".pick(" in source or (asked and "Prediction(" not in source):  # choices are part of the question
                kind = "words" if ".pick(" in source else "values"
                shown = shown and f'<details class="{kind}"><summary>What comes out</summary>{shown}</details>'
            asked = False
            yield _HIGHLIGHT(source) + (f'<div class="outputs">{shown}</div>' if shown else "")


def _output(output: Mapping[str, Any]) -> str:
    """HTML of one output, in the richest form that needs no kernel."""
    if output["output_type"] == "stream":
        return _said(output["text"])
    if output["output_type"] == "error":
        return _said("\n".join(output["traceback"]))
    data, alt = output["data"], _joined(output["data"].get("text/plain", ""))
    if "text/html" in data:
        return f'<div class="figure">{_joined(data["text/html"])}</div>'
    for kind in PICTURES:
        if kind in data:
            return f'<div class="figure">{_picture(kind, _joined(data[kind]), alt)}</div>'
    return _said(alt)


def _picture(kind: str, content: str, alt: str) -> str:
    if kind == "image/svg+xml":
        return content
    address = f"data:{kind};base64,{''.join(content.split())}"
    return f'<img src="{address}" alt="{html.escape(alt)}">'


def _said(text: str | list[str]) -> str:
    return f'<pre class="said">{ansi2html(_joined(text)).rstrip()}</pre>'


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
