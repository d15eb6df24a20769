"""How tables look, in text, Markdown and HTML; and the command that prints them."""

import subprocess
import sys
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from test_models_pattern import VGG16

from coursekit.models import table
from coursekit.models.render import render
from coursekit.models.table_commands import table_command

ROWS = [["conv<1>", 1728, "a|b"], ["풀링", None, "*c*"]]
FOOT = [["total", 1728, ""]]


def test_text():
    assert render(["layer", "weights", "note"], ROWS, align="lrl", caption="Two layers", foot=FOOT).split("\n") == [
        "Two layers",
        "",
        "layer    weights  note",
        "-------  -------  ----",
        "conv<1>    1,728  a|b",
        "풀링              *c*",
        "-------  -------  ----",
        "total      1,728",
    ]


def test_markdown():
    assert render(["layer", "weights", "note"], ROWS, align="lrc", foot=FOOT, form="markdown").split("\n") == [
        "| layer | weights | note |",
        "| :-- | --: | :-: |",
        "| conv\\<1\\> | 1,728 | a\\|b |",
        "| 풀링 |  | \\*c\\* |",
        "| **total** | **1,728** |  |",
    ]


class Cells(HTMLParser):
    """Reads a table back: the text of each cell, and the scopes of its headers."""

    def __init__(self):
        super().__init__()
        self.cells, self.scopes, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in ("td", "th", "caption"):
            self.cells.append("")
        if tag == "th":
            self.scopes.append(dict(attrs)["scope"])

    def handle_data(self, data):
        if self.cells and self.tags[-1] in ("td", "th", "caption") and data.strip("\n"):
            self.cells[-1] += data


texts = st.text(alphabet="ab<>&\"'|`*_\\ é풀", max_size=6)


@settings(deadline=None)
@given(rows=st.lists(st.lists(texts, min_size=2, max_size=2), max_size=3), caption=texts)
def test_html_holds_every_cell_and_nothing_else(rows, caption):
    page = render(["x", "y"], rows, caption=caption, form="html")
    read = Cells()
    read.feed(page)
    assert read.cells == [*([caption] if caption else []), "x", "y", *(cell for row in rows for cell in row)]
    assert read.scopes == ["col", "col", *["row"] * len(rows)]
    assert set(read.tags) <= {"style", "table", "caption", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(align="lx"), "align is 'lx': expected 2 letters"),
        (dict(align="l"), "align is 'l': expected 2 letters"),
        (dict(form="latex"), "form is 'latex'"),
        (dict(rows=[["a"]]), "row 0 has 1 cells: expected 2"),
    ],
)
def test_tables_that_cannot_be_written(change, message):
    with pytest.raises(ValueError, match=message):
        render(**{"headers": ["x", "y"], "rows": [["a", "b"]]} | change)


def test_vgg_in_three_ways():
    vgg = table(VGG16)
    text = str(vgg)
    assert text == vgg.to_text()
    head, _, names, *_ = text.split("\n")
    assert head.endswith("138,357,544 parameters, 15.470 GMAC, 58.13 MiB of activations for one picture")
    assert names.split()[:5] == ["layer", "kind", "output", "activations", "memory"]
    assert names.split()[5:] == ["weights", "biases", "MACs", "receptive", "field", "jump"]
    assert max(map(len, text.split("\n"))) <= 120
    assert text.split("\n")[-2].split()[:4] == ["total", "15,237,608", "58.13", "MiB"]
    assert "51.71 MiB" in text.split("\n")[-1]
    assert "relu" not in text
    assert vgg.to_text(every=True).count("relu") == 15
    assert "| **total** |  |  | **15,237,608** | **58.13 MiB** |" in vgg.to_markdown()
    assert vgg._repr_html_() == vgg.to_html()
    assert '<td class="number" style="text-align: right">3,211,264</td>' in vgg.to_html()
    assert "prefers-color-scheme" not in vgg.to_html()  # it takes the colours of the page it is on


def run(*arguments):
    command = [sys.executable, "-m", "coursekit", "table", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


def test_the_command_prints_the_table():
    done = run("INPUT 3x32x32 -> [CONV3-8 -> RELU]*2 -> FC-10", "--input", "3x16x16", "--markdown", "--every")
    assert done.returncode == 0, done.stderr
    wanted = table("INPUT -> [CONV3-8 -> RELU]*2 -> FC-10", (3, 16, 16))
    assert done.stdout == wanted.to_markdown(every=True) + "\n"


def test_the_command_knows_names():
    pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    done = CliRunner().invoke(table_command, ["vgg16"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("vgg16 at 3x224x224: 138,357,544 parameters, 15.470 GMAC, 58.13 MiB")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["INPUT -> [CONV"], "this [ is never closed"),
        (["INPUT -> CONV3-8"], "INPUT has no sizes"),
        (["INPUT -> FC-8", "--input", "32,32"], "expected channels, height and width"),
        (["INPUT 3x4x4 -> POOL5"], "it has run out of pixels"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, message):
    done = CliRunner().invoke(table_command, arguments)
    assert done.exit_code in (1, 2)
    assert isinstance(done.exception, SystemExit)  # a sentence, no traceback
    assert message in done.output
