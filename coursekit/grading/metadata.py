"""What the metadata of a source notebook's cells has to look like: nbgrader's schema 3, and ours beside it."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import nbformat

ABOUT = {  # what a check cell's own metadata may say, and how each is described in an error
    "assesses": (list, "a list of concept ids"),
    "compare": (dict, 'a table such as {"kind": "numbers"}'),
    "misunderstandings": (list, 'a list of {"replace": …, "by": "module:function", "says": …}'),
    "hints": (list, "a list of three hints"),
    "section": (str, "the section to read again"),
    "fixed": (bool, "true or false"),
    "expects": (str, "a sentence"),
}
WRONG = {"replace", "by", "says"}
NBGRADER = {"schema_version", "grade_id", "grade", "solution", "locked", "task", "points", "cell_type", "checksum"}


def nbgrader_findings(meta: Mapping[str, Any], cell: nbformat.NotebookNode) -> Iterator[str]:
    """What keeps metadata from fitting nbgrader's schema 3, and the three roles a cell can have here."""
    if meta.get("schema_version") != 3:
        yield "its nbgrader metadata needs schema_version 3"
    for key in ("grade", "solution", "locked"):
        if not isinstance(meta.get(key), bool):
            yield f"its nbgrader metadata needs {key}, true or false"
    if unknown := sorted(meta.keys() - NBGRADER):
        yield f"nbgrader's schema 3 has no {', '.join(unknown)}: take it out of its nbgrader metadata"
    if meta.get("task") not in (None, False):
        yield "task cells cannot be graded here: make it a given cell"
    if meta.get("cell_type", cell.cell_type) != cell.cell_type:
        yield f"its nbgrader metadata calls it {meta['cell_type']!r}, it is a {cell.cell_type} cell"
    if any(meta.get(key) for key in ("grade", "solution", "locked")) and not (
        isinstance(meta.get("grade_id"), str) and re.fullmatch(r"[a-zA-Z0-9_-]+", meta["grade_id"])
    ):
        yield f"grade_id {meta.get('grade_id')!r} has to be made of letters, digits, _ and -"
    is_open = meta.get("grade") and meta.get("solution")
    if is_open and cell.cell_type != "markdown":
        yield "grade and solution are both true: that is an open question, which is answered in a text cell"
    elif (meta.get("grade") or meta.get("solution")) and not is_open and cell.cell_type != "code":
        yield "answers and checks have to be code cells"
    if meta.get("grade") and not is_open and meta.get("locked") is False:
        yield "a check cell has to be locked: set locked to true"
    if meta.get("solution") and meta.get("locked"):
        yield "an answer cell cannot be locked: set locked to false"
    points = meta.get("points", 0)
    number = isinstance(points, int | float) and not isinstance(points, bool) and math.isfinite(points)
    if meta.get("grade") and not (number and points > 0):
        yield f"a check cell or open question needs points, a number above 0, not {meta.get('points')!r}"


def our_findings(about: Any) -> Iterator[str]:
    """What is wrong in kind with the metadata under ``coursekit`` of a check cell."""
    if not isinstance(about, dict):
        yield "its coursekit metadata has to be a table"
        return
    if unknown := sorted(about.keys() - ABOUT.keys()):
        yield f"its coursekit metadata has {', '.join(unknown)}; known are {', '.join(ABOUT)}"
    for key, (kind, words) in ABOUT.items():
        if not isinstance(about.get(key, kind()), kind):
            yield f"its coursekit metadata needs {key} to be {words}"
        elif key in ("assesses", "hints") and not are_texts(about.get(key, [])):
            yield f"its coursekit metadata needs {key} to be {words}, each a text"
    items = about.get("misunderstandings", [])
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict) or item.keys() != WRONG or not are_texts(list(item.values())):
            yield f"a misunderstanding needs replace, by and says, all texts, not {item!r}"
        elif not item["replace"].isidentifier() or not re.fullmatch(r"[\w.]+:\w+", item["by"]):
            yield f"a misunderstanding replaces a name by module:function, not {item['replace']!r} by {item['by']!r}"


def are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
