"""The edition in HTML, on a small course: what each piece of a notebook becomes."""

import re
import shutil

import pytest
from click.testing import CliRunner

for needed in ("jinja2", "math_core", "nbconvert"):
    pytest.importorskip(needed, reason=f"needs {needed}: python3 course.py setup")

from coursekit import workspace
from coursekit.book.edition import BookError, make
from coursekit.cli import cli

CHAPTER = "notebooks/01_convolution_maths.html"


@pytest.fixture
def out(root):
    return root / "book"


@pytest.fixture
def chapter(root, out):
    make(root, out)
    return (out / CHAPTER).read_text(encoding="utf-8")


def test_pages_lie_as_their_sources_do(root, out):
    made = make(root, out)
    found = {path.relative_to(out).as_posix(): path.stat().st_size for path in out.rglob("*") if path.is_file()}
    assert set(found) == {
        "index.html",
        CHAPTER,
        "notebooks/99_more.html",
        "assignments/01_convolution_maths.html",
        "docs/glossary.html",
        "ERRATA.html",
    }
    assert (made.index, made.pages, made.size) == (out / "index.html", 6, sum(found.values()))


def test_what_cannot_be_set_or_found_is_said(root, out):
    formula, link, picture = make(root, out).troubles
    assert formula.startswith("notebooks/01_convolution_maths.ipynb: the formula '\\\\nosuchthing' cannot be set")
    assert link == "notebooks/01_convolution_maths.ipynb: the link ../docs/gone.md leads nowhere."
    assert "the picture https://example.org/dog.png is not in the course" in picture


def test_formulas_are_mathml(chapter):
    assert re.search(r"<math><mi>O</mi><mo>=</mo><mfrac>", chapter)
    assert re.search(r'<span class="formula"><math display="block">.*?<mtable', chapter)
    assert r"<code>\nosuchthing</code>" in chapter
    assert "$$" not in chapter


def test_links_lead_to_pages_of_the_edition(chapter):
    assert '<a href="../docs/glossary.html#max-pooling">a term</a>' in chapter
    assert '<a href="../ERRATA.html">errata</a>' in chapter
    assert '<a href="#1.1-A-kernel-slides?">above</a>' in chapter
    assert '<a href="https://example.org/a?b=1&amp;c=2">a page</a>' in chapter
    assert "See " in chapter
    assert re.search(r"the layer,", chapter)  # code is not part of the edition: words without a link
    assert "gone" not in chapter


def test_headings_have_names_of_their_own_and_a_table_of_contents(chapter):
    assert re.findall(r'<h2 id="([^"]*)"', chapter) == ["1.1-A-kernel-slides?", "Recap", "Recap-1"]
    contents = re.search(r"<nav class=\"contents\".*?</nav>", chapter, re.DOTALL)[0]
    assert re.findall(r'href="([^"]*)"', contents) == ["#1.1-A-kernel-slides%3F", "#Recap", "#Recap-1"]


def test_headings_of_pages_are_named_as_code_hosts_do(root, out):
    make(root, out)
    page = (out / "docs/glossary.html").read_text(encoding="utf-8")
    assert '<h2 id="max-pooling">' in page
    assert 'href="../notebooks/99_more.html"' in page


def test_outputs_come_in_their_richest_form_and_escaped(chapter):
    assert re.search(r'<pre class="said"><span[^>]*>True</span> &amp; &lt;b&gt;\nend</pre>', chapter)
    assert "<div class=\"figure\"><img src='data:,' alt='A film.'><script>play()</script></div>" in chapter
    assert '<img src="data:image/png;base64,AAAA" alt="A &quot;plot&quot;.">' in chapter
    assert '<pre class="said">&lt;plain&gt;</pre>' in chapter
    assert re.search(r'<pre class="said"><span[^>]*>E</span>: &lt;oops&gt;</pre>', chapter)
    assert chapter.count('<div class="outputs">') == 7  # a cell that says nothing has no box


def test_what_is_to_be_predicted_is_folded_but_not_the_choices(chapter):
    folded = re.findall(r"<details class=\"(\w+)\"><summary>What comes out</summary>.*?</details>", chapter, re.DOTALL)
    assert folded == ["values", "words"]
    assert re.search(r'<div class="outputs"><pre class="said">A: 1</pre></div>', chapter)
    assert '<summary>Answer</summary><span lang="ko">풀링 계층</span>, that is [5, 6].</details>' in chapter


def test_pictures_are_inside_the_page_with_their_words(chapter):
    assert '<img src="data:image/png;base64,YSBjYXQ=" alt="A cat." />' in chapter
    assert not re.search(r"<img[^>]*example\.org", chapter)


def test_each_page_says_what_it_is(root, out):
    make(root, out)
    for path in out.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert page.startswith('<!doctype html>\n<html lang="en">')
        assert "default-src 'none'" in page  # the browser itself refuses what would need a network
    assert "<title>1. Convolution &amp; maths · Convolutional networks</title>" in (out / CHAPTER).read_text()


def test_pages_follow_one_another(root, out, chapter):
    assert "← " not in chapter
    assert '<a rel="next" href="../notebooks/99_more.html">99. More →</a>' in chapter
    assert 'rel="prev" href="../notebooks/01_convolution_maths.html"' in (out / "notebooks/99_more.html").read_text()
    assert '<a href="index.html">' in (out / "ERRATA.html").read_text()
    assert '<a href="../index.html">' in chapter


def test_the_index_names_chapters_that_are_there_and_that_are_not(root, out, chapter):
    index = (out / "index.html").read_text(encoding="utf-8")
    assert f'<a href="{CHAPTER}">Convolution maths</a> <span lang="ko">합성곱의 수학</span>' in index
    assert "<p>After this chapter you can <em>slide</em> a kernel.</p>" in index
    assert re.search(r'<li value="2" class="missing">\s*<h3>The convolutional layer', index)
    assert "<b>2-D convolution</b>" in index
    assert '<a href="docs/glossary.html">Glossary</a>' in index
    assert '<a href="assignments/01_convolution_maths.html">Assignment 1</a>' in index


def test_the_same_course_gives_the_same_pages(root, out, tmp_path):
    make(root, out)
    make(root, tmp_path / "again" / "deeper")
    for path in out.rglob("*.html"):
        assert path.read_bytes() == (tmp_path / "again" / "deeper" / path.relative_to(out)).read_bytes()


def test_an_edition_replaces_an_edition_and_nothing_else(root, out):
    make(root, out)
    (out / "notes.txt").write_text("mine")
    (root / "ERRATA.md").write_text("# Other errata")
    make(root, out)
    assert "Other errata" in (out / "ERRATA.html").read_text()
    assert (out / "notes.txt").read_text() == "mine"
    with pytest.raises(BookError, match="docs holds something else than an edition"):
        make(root, root / "docs")


def test_a_notebook_that_is_none_is_named(root, out):
    (root / "notebooks" / "99_more.ipynb").write_text('{"cells": 5}')
    with pytest.raises(ValueError, match=r"99_more\.ipynb is not a notebook"):
        make(root, out)
    assert not out.exists()


def test_the_command(root, monkeypatch):
    monkeypatch.setattr(workspace, "course_root", lambda: root)
    ended = CliRunner().invoke(cli, ["book"])
    assert ended.exit_code == 0
    assert "../docs/gone.md leads nowhere" in ended.stderr
    assert re.fullmatch(r"6 pages, 0\.\d MB\. Open .*index\.html in a browser\.\n", ended.stdout)
    refused = CliRunner().invoke(cli, ["book", "--out", str(root)])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.endswith("name another folder with --out.\n")
    shutil.rmtree(root / "book")
    (root / "book").write_text("a file")
    refused = CliRunner().invoke(cli, ["book"])
    assert (refused.exit_code, "Error: " in refused.stderr) == (1, True)
