"""The rules of hygiene for notebooks: each takes a notebook and yields what is wrong with it, one line each."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from reading import Notebook, broken_links, links, name, prose, read, silent_pictures, text, tree

from coursekit import catalogue

Rule = Callable[[Notebook], Iterator[str]]

LINES = 20  # of a code cell
MEGABYTES = 8  # of a notebook
TORCH_FREE = 5  # the last chapter without torch
ENDS = ["Recap", "Check yourself", "Go further", "Sources"]
TAGS = {"nbval-ignore-output"}
SHELL = re.compile(
    r"^\s*(?:\w+\s*=\s*)?(!|%{1,2}(?:!|bash|sh|script|system|sx|cd|cmd|pip|conda|mamba|uv|env|set_env)\b)"
)
INSTALL = re.compile(r"\b(?:pip3?|conda|mamba|uv|apt(?:-get)?)\s+(?:\w+\s+)?(?:install|add)\b")
MARKERS = re.compile(r"#\s*(?:NBVAL|PYTEST)_\w+", re.IGNORECASE)
ABSOLUTE = re.compile(
    r"(?<![\w.:/~<])/(?:home|root|Users|tmp|usr|var|work|opt|private|mnt|etc)/\w|\b[A-Z]:\\{1,2}(?:Users|Windows|Program)|file://",
    re.ASCII,
)
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
BASE64 = re.compile(r"base64,[A-Za-z0-9+/=\s]+")


def ids(notebook: Notebook) -> Iterator[str]:
    """Each cell has a readable id of its own, so that changes can be read and answers found again."""
    seen = set()
    for place, cell in enumerate(notebook.cells):
        id = cell.get("id", "")
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4})*(-[0-9a-f]{12})?", id):
            yield f"cell {place}: {id!r} was drawn at random: give the cell a name, such as same-padding-run"
        elif not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", id):
            yield f"cell {place}: the id is {id!r}: expected small letters, digits, hyphens, as in same-padding"
        if id in seen:
            yield f"cell {place}: the id {id!r} stands twice"
        seen.add(id)


def metadata(notebook: Notebook) -> Iterator[str]:
    """Nothing that an editor or a run leaves behind is kept."""
    if notebook.document.get("nbformat") != 4 or notebook.document.get("nbformat_minor", 0) < 5:
        yield "the format is older than 4.5, which gives cells their ids"
    if (kernel := notebook.metadata.get("kernelspec", {}).get("name")) != "python3":
        yield f"the kernel is {kernel!r}: expected python3, which every machine has"
    if extra := sorted(notebook.metadata.get("language_info", {}).keys() - {"name"}):
        yield f"language_info says {', '.join(extra)}: the reader's Python may be another"
    if extra := sorted(notebook.metadata.keys() - {"kernelspec", "language_info", "coursekit"}):
        yield f"the notebook's metadata keep {', '.join(extra)}"
    for cell in notebook.cells:
        if extra := sorted(cell["metadata"].keys() - {"coursekit", "nbgrader", "tags"}):
            yield f"{name(cell)}: its metadata keep {', '.join(extra)}"
        if extra := sorted(set(cell["metadata"].get("tags", [])) - TAGS):
            yield f"{name(cell)}: unknown tag {', '.join(extra)}"
        if cell.get("attachments"):
            yield f"{name(cell)}: a picture is attached: put the file beside the others and link to it"


def executed(notebook: Notebook) -> Iterator[str]:
    """Executed from a fresh kernel, top to bottom, each code cell once."""
    counts = [cell.get("execution_count") for cell in notebook.code]
    for cell, count, due in zip(notebook.code, counts, range(1, len(counts) + 1), strict=True):
        if not text(cell["source"]).strip():
            yield f"{name(cell)} is empty"
        if count != due:
            yield f"{name(cell)}: execution count {count}, expected {due}: execute the chapter in a fresh kernel"
            return


def clean_outputs(notebook: Notebook) -> Iterator[str]:
    """No errors, no warnings, nothing that another machine or the next run would say otherwise; of bounded size."""
    if notebook.size > MEGABYTES * 1e6:
        yield f"the file has {notebook.size / 1e6:.1f} MB, more than {MEGABYTES}"
    for place, output in notebook.outputs():
        if output["output_type"] == "error":
            yield f"{place}: stopped with {output.get('ename')}"
        if output.get("name") == "stderr":
            yield f"{place}: wrote to stderr: {text(output.get('text')).strip()[:60]}"
        said = text(output.get("text")) + text(output.get("data", {}).get("text/plain"))
        if found := ADDRESS.search(said):
            yield f"{place}: an object's address is in the output: {found[0]}"
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
            yield f"{place}: a widget is stored, which does nothing without its kernel: use coursekit.viz"


def no_absolute_paths(notebook: Notebook) -> Iterator[str]:
    """No path of the author's machine, in what is written or shown."""
    for cell in notebook.cells:
        if found := ABSOLUTE.search(text(cell["source"])):
            yield f"{name(cell)}: an absolute path, {found[0]}..."
    for place, output in notebook.outputs():
        for said in (text(output.get("text")), *map(text, _texts(output))):
            if found := ABSOLUTE.search(BASE64.sub("", said)):
                yield f"{place}: the output shows an absolute path, {found[0]}..."


def _texts(output: dict) -> list:
    """What an output says in words, in any format."""
    return [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]


def short_cells(notebook: Notebook) -> Iterator[str]:
    """A code cell fits the eye."""
    for cell in notebook.code:
        if (lines := len(text(cell["source"]).splitlines())) > LINES:
            yield f"{name(cell)}: {lines} lines, more than {LINES}"


def allowed_code(notebook: Notebook) -> Iterator[str]:
    """No installs, no shell, no star imports, no marks that would hide a failure from nbval."""
    for cell in notebook.code:
        source = text(cell["source"])
        if any(SHELL.match(line) for line in source.splitlines()):
            yield f"{name(cell)}: a shell command"
        if INSTALL.search(source):
            yield f"{name(cell)}: installs something; python3 course.py setup does"
        if MARKERS.search(source):
            yield f"{name(cell)}: a comment tells nbval what to do"
        for node in ast.walk(tree(cell)):
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                yield f"{name(cell)}: import * from {node.module}"
            if set(_imported(node)) & {"subprocess", "pip"} or _calls(node, "os", "system"):
                yield f"{name(cell)}: a shell command"


def _imported(node: ast.AST) -> list[str]:
    """Top-level packages that a statement imports."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return [found.split(".")[0] for found in names]


def _calls(node: ast.AST, module: str, function: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == function
        and isinstance(node.value, ast.Name)
        and node.value.id == module
    )


def torch_free(notebook: Notebook) -> Iterator[str]:
    """The first chapters run where PyTorch is not installed."""
    if notebook.number <= TORCH_FREE:
        for cell in notebook.code:
            for node in ast.walk(tree(cell)):
                if heavy := {"torch", "torchvision"} & set(_imported(node)):
                    yield f"{name(cell)}: imports {', '.join(sorted(heavy))}; chapters 1 to {TORCH_FREE} do without"


def title(notebook: Notebook) -> Iterator[str]:
    """The first cell: the number and titles of the catalogue, a claim in bold, what it builds on, minutes."""
    chapter = catalogue.load().chapters.get(notebook.path.stem)
    first = notebook.cells[0]
    source = text(first["source"])
    if chapter is None:
        yield f"catalogue.toml has no chapter {notebook.path.stem}"
        return
    heading = f"# {notebook.number}. {chapter.title}" if notebook.number else f"# {chapter.title}"
    if first["cell_type"] != "markdown" or source.splitlines()[:1] != [heading]:
        yield f"the first line is {source[:40]!r}: expected {heading!r}"
    if not re.search(rf"^\*{re.escape(chapter.ko)}\*$", source, re.MULTILINE):
        yield f"the Korean title *{chapter.ko}* does not stand on a line of the first cell"
    if not re.search(r"^\*\*[^*]+\.\*\*$", source, re.MULTILINE):
        yield "no line of the first cell claims, in bold, what the reader will be able to do"
    if notebook.number and not ("**Builds on**" in source and "minute" in source):
        yield "the first cell does not say what the chapter **Builds on**, or how many minutes it takes"


def heading_order(notebook: Notebook) -> Iterator[str]:
    """One title, then sections numbered in order, subsections below them, and the ends in their order."""
    levels = [level for level, _ in notebook.headings]
    if levels.count(1) != 1 or levels[0] != 1:
        yield "expected one # heading, and that first"
    if any(level > 3 for level in levels):
        yield "a heading below ###: make it a section of its own"
    if 3 in levels and 2 not in levels[: levels.index(3)]:
        yield "a ### heading stands above the first ##"
    sections = [heading for level, heading in notebook.headings if level == 2]
    if not notebook.number:
        return
    ends = [heading for heading in sections if not re.match(r"\d", heading)]
    if sections[len(sections) - len(ENDS) :] != ENDS or ends != ENDS:
        yield f"the sections without a number are {', '.join(ends) or 'none'}: expected {', '.join(ENDS)}, at the end"
    for due, heading in enumerate((heading for heading in sections if heading not in ends), 1):
        if not re.match(rf"{notebook.number}\.{due} \S", heading):
            yield f"the heading {heading!r} should begin with {notebook.number}.{due}"
            return


def closing_questions(notebook: Notebook) -> Iterator[str]:
    """About five questions, each with its answer folded away."""
    if notebook.number:
        section = notebook.section_text("Check yourself")
        asked = len(re.findall(r"^\*\*\d+\.\*\*", section, re.MULTILINE))
        folded = len(re.findall(r"<details><summary>[^<]+</summary>(?!\s*</details>).+?</details>", section, re.DOTALL))
        if not 4 <= asked == folded:
            yield f"Check yourself has {asked} questions and {folded} folded answers: expected about five of each"


def alt_texts(notebook: Notebook) -> Iterator[str]:
    """Every picture says in words what there is to see."""
    for cell in notebook.markdown:
        if any(picture and not words.strip() for picture, words, _ in links(text(cell["source"]))):
            yield f"{name(cell)}: a picture without a text in its square brackets"
    for place, html in notebook.html():
        for tag in silent_pictures(html):
            yield f"{place}: {tag} without alt text (aria-label for drawings)"
    for place, output in notebook.outputs():
        for kind in output.get("data", {}):
            described = (output.get("metadata", {}).get(kind) or {}).get("alt", "").strip()
            if kind.startswith("image/") and not described:
                yield f"{place}: {kind} without alt text: show it through coursekit.viz"


def working_links(notebook: Notebook) -> Iterator[str]:
    """What a link inside the repository points to is there."""
    for cell in notebook.markdown:
        for problem in broken_links(notebook.path, text(cell["source"]), notebook.root, notebook.markdown_text):
            yield f"{name(cell)}: {problem}"


def cross_references(notebook: Notebook) -> Iterator[str]:
    """A section or chapter that the prose names is there, unless its chapter is still to be written."""
    chapters = {int(file[:2]) for file in catalogue.load().chapters}
    for cell in notebook.markdown:
        for section in _named(text(cell["source"]), r"[Ss]ections?", r"\d+\.\d+"):
            number = int(section.split(".")[0])
            if number not in chapters:
                yield f"{name(cell)}: section {section}: there is no chapter {number}"
            elif (there := _sections(notebook, number)) and section not in there:
                yield f"{name(cell)}: chapter {number} has no section {section}"
        for number in map(int, _named(text(cell["source"]), r"[Cc]hapters?", r"\d+(?!\.?\d)")):
            if number not in chapters:
                yield f"{name(cell)}: there is no chapter {number}"


def _named(markdown: str, word: str, number: str) -> list[str]:
    """Numbers that follow a word such as "sections"; what follows a paper or a book is theirs."""
    own = re.split(r"^## Sources\s*$", prose(markdown), flags=re.MULTILINE)[0]
    found = []
    for match in re.finditer(rf"\b{word}\s+({number}(?:(?:,?\s+(?:and|or|to)\s+|,\s+|-|–){number})*)", own):
        sentence = re.split(r"[.?!]\s", own[: match.start()])[-1]
        if not re.search(r"et al|[Tt]he (?:\w+ )?paper|'s paper|\bbook\b|arXiv", sentence):
            found += re.findall(number, match[1])
    return found


def _sections(notebook: Notebook, number: int) -> set[str]:
    """Numbers of a chapter's sections; none if it is still to be written."""
    if notebook.number == number and notebook.path.parent.name == "notebooks":
        chapters = [notebook]
    else:
        chapters = [read(path) for path in (notebook.root / "notebooks").glob(f"{number:02}_*.ipynb")]
    return {heading.split()[0] for chapter in chapters for level, heading in chapter.headings if level == 2}


EVERYWHERE: tuple[Rule, ...] = (
    ids,
    metadata,
    no_absolute_paths,
    allowed_code,
    alt_texts,
    working_links,
    cross_references,
)
CHAPTERS: tuple[Rule, ...] = (
    *EVERYWHERE,
    executed,
    clean_outputs,
    short_cells,
    torch_free,
    title,
    heading_order,
    closing_questions,
)
