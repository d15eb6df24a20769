"""Markdown as the edition's pages have it: formulas as MathML, links between pages, headings with names.

Formulas become MathML, which browsers set by themselves: no script, no fonts to fetch, and a screen reader can walk
through them.
"""

import base64
import html
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

import math_core
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from coursekit.index import anchor

HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]+(?:[\s·,]+[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]+)*")
ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_CONVERTER = math_core.LatexToMathML(fancy_error=False)


@dataclass
class Text:
    """One page's text while it is made, and what was found on the way.

    Attributes
    ----------
    source : Path
        The notebook or page, absolute.
    root : Path
        The folder of the course.
    pages : mapping of Path to Path
        Every source of the edition, absolute, and its page within the edition.
    sections : list of (int, str, str)
        Level, HTML and name of each heading so far.
    troubles : list of str
        What could not be set or found, a sentence each.
    """

    source: Path
    root: Path
    pages: Mapping[Path, Path]
    sections: list[tuple[int, str, str]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def to_html(self, markdown: str) -> str:
        """HTML of a piece of Markdown; its headings are added to `sections`."""
        return MarkdownWithMath(renderer=_Renderer(self)).render(markdown)

    def name(self, shown: str) -> str:
        """A name for a heading that no other of the page has; notebooks and pages are linked to differently."""
        words = plain(shown)
        wanted = anchor(words) if self.source.suffix == ".ipynb" else re.sub(r"[^\w\- ]", "", words.lower())
        wanted, taken = wanted.replace(" ", "-"), {name for _, _, name in self.sections}
        return next(name for name in _numbered(wanted) if name not in taken)

    def link(self, target: str) -> str:
        """Where a link leads within the edition; empty if it leads to a file that the edition does not hold."""
        if ELSEWHERE.match(target) or target.startswith("#"):
            return target
        file, mark, place = target.partition("#")
        goal = (self.source.parent / unquote(file)).resolve()
        if goal not in self.pages:
            if not goal.exists():
                self.troubles.append(f"{self._where()}: the link {target} leads nowhere.")
            return ""
        up = "../" * (len(self.pages[self.source].parts) - 1)
        return quote(up + self.pages[goal].as_posix()) + mark + place

    def picture(self, target: str) -> str:
        """A picture of the course as an address that holds it; others would need a network, and are left out."""
        file = self.source.parent / unquote(target)
        if target.startswith("data:"):
            return target
        try:
            content = b"" if ELSEWHERE.match(target) else file.read_bytes()
        except OSError:
            content = b""
        if not content:
            self.troubles.append(f"{self._where()}: the picture {target[:80]} is not in the course.")
            return "data:,"
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"

    def formula(self, tex: str, *, display: bool) -> str:
        """MathML of a formula; one that cannot be set is shown as it was written."""
        try:
            return _CONVERTER.convert_with_local_state(tex.strip(), displaystyle=display)
        except math_core.LatexError as error:
            self.troubles.append(f"{self._where()}: the formula {tex.strip()!r} cannot be set: {error}.")
            return f"<code>{html.escape(tex.strip())}</code>"

    def _where(self) -> str:
        return self.source.relative_to(self.root).as_posix()


class _Renderer(IPythonRenderer):
    """What mistune calls for each piece of Markdown."""

    def __init__(self, text: Text) -> None:
        super().__init__(escape=False)
        self.page = text

    def text(self, text: str) -> str:
        return korean(super().text(text))

    def heading(self, text: str, level: int, **attributes: object) -> str:
        name = self.page.name(text)
        self.page.sections.append((level, text, name))
        mark = f'<a class="mark" href="#{quote(name)}" aria-label="link to this section">¶</a>'
        return f'<h{level} id="{html.escape(name)}">{text}{mark if level > 1 else ""}</h{level}>\n'

    def inline_math(self, body: str) -> str:
        return self.page.formula(body, display=False)

    def block_math(self, body: str) -> str:
        return f'<span class="formula">{self.page.formula(body, display=True)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        target = self.page.link(url)
        return super().link(text, target, title) if target else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super().image(text, self.page.picture(url), title)

    def table(self, text: str) -> str:
        return f'<div class="wide"><table>{text}</table></div>\n'

    def inline_html(self, html: str) -> str:
        return self._linked(html)

    def block_html(self, html: str) -> str:
        return self._linked(html) + "\n"

    def _linked(self, piece: str) -> str:
        """HTML within Markdown, with its links and pictures led to where they are in the edition."""

        def led(found: re.Match) -> str:
            to = self.page.picture if found["kind"] == "src" else self.page.link
            return f'{found["kind"]}="{html.escape(to(html.unescape(found["target"])))}"'

        return korean_in(re.sub(r"""\b(?P<kind>href|src)=(["'])(?P<target>.*?)\2""", led, piece))


def korean(text: str) -> str:
    """Say of Korean words that they are: voices and fonts depend on it."""
    return HANGUL.sub(r'<span lang="ko">\g<0></span>', text)


def korean_in(piece: str) -> str:
    """The same between the tags of a piece of HTML."""
    return "".join(part if part.startswith("<") else korean(part) for part in re.split(r"(<[^>]*>)", piece))


def plain(shown: str) -> str:
    """The text of a piece of HTML.

    >>> plain("<em>a</em> &amp; b")
    'a & b'
    """
    return html.unescape(re.sub(r"<[^>]*>", "", shown)).strip()


def _numbered(name: str) -> Iterator[str]:
    """A name, then the name with 1, with 2 and so on, as code hosts do for headings of the same words."""
    yield name
    number = 0
    while True:
        number += 1
        yield f"{name}-{number}"
