"""One table, three ways to see it: plain text for a terminal, Markdown for a file, HTML for a notebook."""

import html
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, get_args

Form = Literal["text", "markdown", "html"]
Cell = str | int | float | None

# The lines take the colour of the text, so that the table is readable on dark pages and on light ones. "Scoped" is
# the class in front of each rule: nothing else on the page changes.
STYLE = """
.coursekit-table { border-collapse: collapse; color: inherit; font-variant-numeric: tabular-nums; }
.coursekit-table caption { caption-side: top; text-align: left; font-weight: bold; padding: 0.3em 0.6em; }
.coursekit-table th, .coursekit-table td { padding: 0.15em 0.6em; background: none; color: inherit; }
.coursekit-table thead th { border-bottom: 2px solid currentColor; vertical-align: bottom; }
.coursekit-table tbody th { font-weight: normal; }
.coursekit-table tbody th, .coursekit-table td.number { white-space: nowrap; }
.coursekit-table tfoot { border-top: 1px solid currentColor; font-weight: bold; }
"""


def render(
    headers: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    align: str | None = None,
    caption: str = "",
    foot: Sequence[Sequence[Cell]] = (),
    form: Form = "text",
) -> str:
    """Write a table as text, Markdown or HTML.

    Parameters
    ----------
    headers : sequence of str
        The columns. The first one names its row.
    rows, foot : sequence of rows
        As many cells in each as there are headers: the body, and the totals under it. Whole numbers get thousands
        separators, None stays empty, everything else is written as ``str`` writes it.
    align : str, optional
        A letter per column, "l", "r" or "c"; the first column to the left and the others to the right, if left out.
    caption : str
        A line above the table.
    form : {"text", "markdown", "html"}

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are headers, or `align` or `form` is not one of these.

    >>> print(render(["layer", "weights"], [["conv", 1728], ["pool", None]], foot=[["total", 1728]]))
    layer  weights
    -----  -------
    conv     1,728
    pool
    -----  -------
    total    1,728
    """
    align = "l" + "r" * (len(headers) - 1) if align is None else align
    _check(headers, [*rows, *foot], align, form)
    body, feet = ([[_words(cell) for cell in row] for row in part] for part in (rows, foot))
    write = {"text": _text, "markdown": _markdown, "html": _html}[form]
    return write(list(headers), body, feet, align, caption)


def _check(headers: Sequence[str], rows: Sequence[Sequence[Cell]], align: str, form: str) -> None:
    if form not in get_args(Form):
        raise ValueError(f'form is {form!r}: expected "text", "markdown" or "html".')
    if len(align) != len(headers) or set(align) - set("lrc"):
        raise ValueError(f"align is {align!r}: expected {len(headers)} letters l, r or c, one for each header.")
    for k, row in enumerate(rows):
        if len(row) != len(headers):
            raise ValueError(f"row {k} has {len(row)} cells: expected {len(headers)}, one for each header.")


def _words(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def _text(headers: list[str], rows: list[list[str]], foot: list[list[str]], align: str, caption: str) -> str:
    lines = [[" ".join(cell.split()) for cell in row] for row in [headers, *rows, *foot]]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    written = ["  ".join(map(_pad, line, widths, align)).rstrip() for line in lines]
    rule = "  ".join("-" * width for width in widths)
    body = [written[0], rule, *written[1 : 1 + len(rows)]]
    if foot:
        body += [rule, *written[1 + len(rows) :]]
    return "\n".join([caption, "", *body] if caption else body)


def _width(text: str) -> int:
    """Columns that a text takes in a terminal: Korean letters take two."""
    return sum(
        2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text if not unicodedata.combining(letter)
    )


def _pad(text: str, width: int, align: str) -> str:
    room = width - _width(text)
    left = {"l": 0, "r": room, "c": room // 2}[align]
    return " " * left + text + " " * (room - left)


def _markdown(headers: list[str], rows: list[list[str]], foot: list[list[str]], align: str, caption: str) -> str:
    rules = [{"l": ":--", "r": "--:", "c": ":-:"}[letter] for letter in align]
    # Markdown knows no foot: the totals are rows in bold
    bold = [[f"**{_mark(cell)}**" if cell.strip() else "" for cell in row] for row in foot]
    lines = [[_mark(cell) for cell in headers], rules, *([_mark(cell) for cell in row] for row in rows), *bold]
    table = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([f"**{_mark(caption)}**", "", *table] if caption else table)


def _mark(cell: str) -> str:
    """Keep what Markdown would read as a mark, or as HTML, from being read as one."""
    return re.sub(r"([\\`*_|<>\[\]&])", r"\\\1", " ".join(cell.split()))


def _html(headers: list[str], rows: list[list[str]], foot: list[list[str]], align: str, caption: str) -> str:
    sides = [{"l": "left", "r": "right", "c": "center"}[letter] for letter in align]
    head = "".join(_cell("th", text, side, "col") for text, side in zip(headers, sides, strict=True))
    parts = [f"<style>{STYLE}</style>", '<table class="coursekit-table">']
    if caption:
        parts.append(f"<caption>{html.escape(caption)}</caption>")
    parts.append(f"<thead>\n<tr>{head}</tr>\n</thead>")
    parts.append("\n".join(["<tbody>", *(_line(row, sides) for row in rows), "</tbody>"]))
    if foot:
        parts.append("\n".join(["<tfoot>", *(_line(row, sides) for row in foot), "</tfoot>"]))
    return "\n".join([*parts, "</table>"])


def _line(row: list[str], sides: list[str]) -> str:
    name, *others = zip(row, sides, strict=True)
    cells = [_cell("th", *name, "row"), *(_cell("td", *cell) for cell in others)]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(tag: str, text: str, side: str, scope: str = "") -> str:
    attribute = f' scope="{scope}"' if scope else ' class="number"' if tag == "td" and side == "right" else ""
    # the side stands in the cell: JupyterLab's own rules for tables would win over a rule by class
    return f'<{tag}{attribute} style="text-align: {side}">{html.escape(text)}</{tag}>'
