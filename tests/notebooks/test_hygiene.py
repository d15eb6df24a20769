"""Notebooks and pages are in order; and each rule is shown to notice what it is for, on small bad notebooks."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from reading import Notebook, broken_links, read
from rules import CHAPTERS, EVERYWHERE

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("coursekit/**/*.md")])


def notebooks(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).glob("*.ipynb"))]


def label(value):
    return getattr(value, "__name__", None) or f"{value.parent.name}/{value.stem}"


@pytest.mark.parametrize("rule", CHAPTERS, ids=label)
@pytest.mark.parametrize("path", notebooks("notebooks"), ids=label)
def test_chapter(path, rule):
    assert list(rule(read(path))) == []


@pytest.mark.parametrize("rule", EVERYWHERE, ids=label)
@pytest.mark.parametrize("path", notebooks("solutions", "assignments"), ids=label)
def test_assignment(path, rule):
    assert list(rule(read(path))) == []


@pytest.mark.parametrize("path", PAGES, ids=label)
def test_links_of_a_page(path):
    page = path.read_text(encoding="utf-8")
    assert list(broken_links(path, page, ROOT, page)) == []


# a small chapter that no rule finds fault with, and what becomes of it when one thing is changed

TITLE = """# 4. Backpropagation

*역전파*

**After this chapter you can walk a computation backwards.**

You will be able to

- do it.

**Builds on** chapter 2. **Time:** about 20 minutes."""

END = """## Recap

- One.

## Check yourself

""" + "\n\n".join(f"**{n}.** Why?\n<details><summary>Answer</summary>Because of {n}.</details>" for n in range(1, 6))

SOURCES = """## Go further

- Do more: [the titles](#4.1-Back).

## Sources

- K. He et al., *Deep residual learning*, sections 14.1 and 4.7."""

PICTURE = {
    "text/html": ['<p>see <img src="data:image/webp;base64,/tmp/a"', ' alt="A cat."></p>'],
    "text/plain": ["A cat."],
}


def markdown(id, source):
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": source}


def code(id, source, count, *outputs):
    metadata = {"coursekit": {"concepts": ["back.pool"]}, "tags": ["nbval-ignore-output"]}
    fields = {"execution_count": count, "metadata": metadata, "outputs": list(outputs), "source": source}
    return {"cell_type": "code", "id": id, **fields}


def stream(words, name="stdout"):
    return {"output_type": "stream", "name": name, "text": words}


def shown(data, **metadata):
    return {"output_type": "display_data", "data": data, "metadata": metadata}


GOOD = {
    "cells": [
        markdown("title", TITLE),
        code("imports", "import numpy as np\n\nfrom coursekit import viz", 1),
        markdown("back-intro", "## 4.1 Back\n\nAs section 4.2 says. ![A cat.](cat.png)\n\n### Small"),
        code("back-run", "%time print(1 / 2)  # not 1//2", 2, stream("0.5\n"), shown(PICTURE)),
        markdown("again", ["## 4.2 Again\n", "See [above](#4.1-Back), sections 4.1 and 4.2, chapters 3 and 4."]),
        markdown("check-yourself", END),
        markdown("sources", SOURCES),
        code("words", "", 3),
    ],
    "metadata": {"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
GOOD["cells"][-1]["source"] = "print('end')"


@pytest.fixture
def place(tmp_path):
    """Where the made-up chapter lies: with a picture beside it and a second chapter that may be referred to."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "cat.png").touch()
    (tmp_path / "notebooks" / "02_two.ipynb").write_text(
        '{"cells": [{"cell_type": "markdown", "source": "## 2.1 Two: a pair"}]}'
    )
    (tmp_path / "notebooks" / "04_backpropagation.ipynb").touch()
    return tmp_path / "notebooks" / "04_backpropagation.ipynb"


def found(document, path, rules=CHAPTERS, size=0):
    notebook = Notebook(path, document, path.parents[1], size)
    return [problem for rule in rules for problem in rule(notebook)]


def changed(cell, **fields):
    document = copy.deepcopy(GOOD)
    document["cells"][cell] |= fields
    return document


def test_a_good_chapter_passes(place):
    assert found(GOOD, place) == []


@pytest.mark.parametrize("rule", CHAPTERS, ids=label)
def test_each_rule_is_tried_below(rule):
    """A rule that nothing here breaks could be one that nothing can break."""
    assert any(rule.__name__ in wrong.values[0] for wrong in WRONG)


def wrong(rule, cell, problem, **fields):
    return pytest.param(rule, cell, fields, problem, id=f"{rule}-{problem[:30]}")


def written(rule, cell, source, problem):
    return wrong(rule, cell, problem, source=source)


def printed(rule, output, problem):
    return wrong(rule, 3, problem, outputs=[output])


def headed(heading, problem):
    return written("heading_order", 4, f"{heading}\n\nWords.", problem)


def told(words, problem):
    return written("cross_references", 4, f"## 4.2 Again\n\n{words}", problem)


def linked(link, problem):
    return written("working_links", 4, f"## 4.2 Again\n\n{link}", problem)


def html(markup, problem):
    return printed("alt_texts", shown({"text/html": markup}), problem)


WRONG = [
    wrong("ids", 1, "was drawn at random", id="3fa2b9c1"),
    wrong("ids", 1, "was drawn at random", id="3fa2b9c1-91d2-4a77-8b1e-0123456789ab"),
    wrong("ids", 1, "expected small letters", id="Import_All"),
    wrong("ids", 1, "the id 'title' stands twice", id="title"),
    wrong("metadata", 1, "its metadata keep execution", metadata={"execution": {"iopub.status.busy": "2026"}}),
    wrong("metadata", 1, "its metadata keep collapsed", metadata={"collapsed": True}),
    wrong("metadata", 1, "unknown tag nbval-skip", metadata={"tags": ["nbval-skip"]}),
    wrong("metadata", 2, "a picture is attached", attachments={"a.png": {}}),
    wrong("executed", 3, "execution count None, expected 2", execution_count=None),
    wrong("executed", 3, "execution count 7, expected 2", execution_count=7),
    written("executed", 7, "  \n", "cell words is empty"),
    printed("clean_outputs", {"output_type": "error", "ename": "ValueError"}, "stopped with ValueError"),
    printed("clean_outputs", stream("UserWarning: no\n", "stderr"), "wrote to stderr: UserWarning"),
    printed("clean_outputs", stream("<function f at 0x7f3c5e1a>"), "address is in the output: at 0x7f3c5e1a"),
    printed("clean_outputs", shown({"application/vnd.jupyter.widget-view+json": {}}), "a widget is stored"),
    printed("no_absolute_paths", stream("saved in /home/kim/cat.png"), "shows an absolute path, /home/k"),
    printed("no_absolute_paths", shown({"text/html": "<b>C:\\Users</b>"}), "shows an absolute path"),
    written("no_absolute_paths", 3, "open('/tmp/a')", "cell back-run: an absolute path, /tmp/a"),
    written("no_absolute_paths", 4, "## 4.2 Again\nIn file:///x.", "cell again: an absolute path, file://"),
    written("short_cells", 3, "print(1)\n" * 21, "21 lines, more than 20"),
    written("allowed_code", 3, "!ls", "a shell command"),
    written("allowed_code", 3, "names = !ls", "a shell command"),
    written("allowed_code", 3, "%%bash\nls", "a shell command"),
    written("allowed_code", 3, "%pip list", "a shell command"),
    written("allowed_code", 3, "import os\n\nos.system('ls')", "a shell command"),
    written("allowed_code", 3, "from subprocess import run", "a shell command"),
    written("allowed_code", 3, "# pip install torch", "installs something"),
    written("allowed_code", 3, "from numpy import *", "import * from numpy"),
    written("allowed_code", 3, "%time x = 1\nfrom numpy import *", "import * from numpy"),
    written("allowed_code", 3, "x = 1  # NBVAL_SKIP", "a comment tells nbval"),
    written("torch_free", 3, "def f():\n    import torch.nn as n", "imports torch; chapters 1 to 5 do without"),
    written("torch_free", 3, "from torchvision import models", "imports torchvision"),
    written("title", 0, TITLE.replace("# 4.", "# 5."), "expected '# 4. Backpropagation'"),
    written("title", 0, TITLE.replace("*역전파*", "역전파"), "the Korean title *역전파* does not stand"),
    written("title", 0, TITLE.replace("**After", "After"), "no line of the first cell claims"),
    written("title", 0, TITLE.replace("minutes", "cups"), "how many minutes"),
    headed("## 4.3 Again", "the heading '4.3 Again' should begin with 4.2"),
    headed("## 5.2 Again", "should begin with 4.2"),
    headed("## Again", "the sections without a number are Again, Recap"),
    headed("# Again", "expected one # heading"),
    headed("#### Again", "a heading below ###"),
    written("heading_order", 0, TITLE + "\n\n### Early", "a ### heading stands above the first ##"),
    written("heading_order", 6, SOURCES.replace("Go further", "Further"), "expected Recap, Check yourself, Go"),
    written("heading_order", 6, SOURCES + "\n\n## 4.3 Late", "at the end"),
    written("closing_questions", 5, END.replace("<details>", "", 1), "has 5 questions and 4 folded answers"),
    written("closing_questions", 5, END.partition("**3.**")[0], "has 2 questions and 2 folded answers"),
    written("closing_questions", 5, END.replace("Because of 1.", ""), "has 5 questions and 4"),
    written("alt_texts", 2, "## 4.1 Back\n![](cat.png) section 4.2", "a picture without a text"),
    written("alt_texts", 2, "## 4.1 Back\n<img src='cat.png'>", "cell back-intro: img without alt text"),
    html("<img src='a' alt=' '>", "cell back-run: img without alt text"),
    html("<div><svg><path/></svg></div>", "svg without alt text"),
    html("<p aria-label='x'></p><canvas></canvas>", "canvas without alt text"),
    printed("alt_texts", shown({"image/png": "iVBO"}), "image/png without alt text"),
    linked("[no](no.ipynb)", "the link no.ipynb points to nothing"),
    linked("![A dog.](<dog.png>)", "the link dog.png points to nothing"),
    linked("[![A dog.](dog.png)](cat.png)", "the link dog.png points to nothing"),
    linked("<a href='no.md'>no</a>", "the link no.md points to nothing"),
    linked("<img alt='A dog.' src='dog.png'>", "the link dog.png points to nothing"),
    linked("[far](../../x/../..)", "leaves the repository"),
    linked("[mine](file:///a.png)", "points to nothing that others have"),
    linked("[there](02_two.ipynb#2.1-Three)", "02_two.ipynb#2.1-Three: there is no such section"),
    linked("[here](#4.9-No)", "#4.9-No: there is no such section"),
    told("See section 4.3.", "chapter 4 has no section 4.3"),
    told("See sections 4.1, 2.1 and\n2.7.", "chapter 2 has no section 2.7"),
    told("Section 14.1 says so.", "there is no chapter 14"),
    told("Chapters 3 and 12 say so.", "there is no chapter 12"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "cell", "fields", "problem"), WRONG)
def test_a_changed_cell_fails(rule, cell, fields, problem, place):
    (broken,) = (one for one in CHAPTERS if one.__name__ == rule)
    problems = found(changed(cell, **fields), place, [broken])
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"metadata": {**GOOD["metadata"], "widgets": {}}}, "the notebook's metadata keep widgets"),
        ({"metadata": {**GOOD["metadata"], "kernelspec": {"name": "venv311"}}}, "the kernel is 'venv311'"),
        (
            {"metadata": {**GOOD["metadata"], "language_info": {"name": "python", "version": "3.11.7"}}},
            "language_info says version",
        ),
        ({"nbformat_minor": 4}, "older than 4.5"),
    ],
)
def test_a_changed_notebook_fails(change, problem, place):
    (only,) = found({**GOOD, **change}, place)
    assert problem in only


def test_a_large_file_fails(place):
    assert found(GOOD, place, size=9_000_000) == ["the file has 9.0 MB, more than 8"]


def test_a_chapter_outside_the_catalogue_fails(place):
    assert "catalogue.toml has no chapter 04_b" in found(GOOD, place.with_name("04_b.ipynb"))


@pytest.mark.parametrize(
    ("cell", "fields"),
    [
        (4, {"source": "## 4.2 Again\n[two](02_two.ipynb#2.1-Two%3A-a-pair), [web](https://a.b/c_(d)), `[no](no.md)`"}),
        (
            4,
            {"source": "## 4.2 Again\n```\n# pip\n[no](no.md) section 14.1\n```\nThe book, section 14.1. Section 2.1."},
        ),
        (4, {"source": "## 4.2 Again\nSection 7.3, which is still to be written; about 1/2 of/home, $X:\\mathbb R$."}),
        (3, {"source": "x = [1 % 2 for i in range(3)]\nif x != 3: y = not x"}),
        (3, {"outputs": [shown({"image/png": "iVBO"}, **{"image/png": {"alt": "A cat."}})]}),
        (3, {"outputs": [shown({"text/html": "<div role='img' aria-label='A cat.'><br><svg></svg></div>"})]}),
        (3, {"outputs": [shown({"text/html": "<br/><img alt='A cat.'/><svg aria-hidden='true'></svg>"})]}),
    ],
)
def test_what_is_fine_passes(cell, fields, place):
    assert found(changed(cell, **fields), place) == []
