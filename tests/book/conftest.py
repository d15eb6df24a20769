"""A small course: one chapter of the catalogue, one page, one assignment."""

import json

import pytest

TITLE = """# 1. Convolution & *maths*

*합성곱의 수학*

**After this chapter you can *slide* a kernel.**"""

PROSE = r"""## 1.1 A kernel slides?

The size is $O = \frac{W - F}{S} + 1$, and $\nosuchthing$ is not known. <!--=WIDTH-->5<!--/-->

$$
\begin{bmatrix} 0 & 1 \\ 2 & 3 \end{bmatrix}
$$

| a | $b$ |
| --- | --- |
| 1 | `$5` |

See [a term](../docs/glossary.md#max-pooling), [the layer](../coursekit/conv.py), <a href="../ERRATA.md">errata</a>,
[nothing](../docs/gone.md), [above](#1.1-A-kernel-slides?) and [a page](https://example.org/a?b=1&c=2).

![A cat.](cat.png) ![A dog.](https://example.org/dog.png)

<details><summary>Answer</summary>풀링 계층, that is [5, 6].</details>

## Recap

Once.

## Recap

Twice.

**Predict** what comes out."""


def markdown(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def code(source, *outputs):
    return {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": source, "outputs": list(outputs)}


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def display(**data):
    data = {name.replace("_", "/"): value for name, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": data}


CELLS = [
    markdown(TITLE),
    markdown(PROSE),
    code("print(1 < 2)", stream(["\x1b[31mTrue\x1b[0m & <b>\n", "end\n"])),
    code("show()", display(text_html=["<img src='data:,' alt='A film.'>", "<script>play()</script>"], text_plain="x")),
    code("show()", display(image_png="AA\nAA", text_plain='A "plot".')),
    code("show()", display(text_plain="<plain>")),
    code("1 / 0", {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["\x1b[31mE\x1b[0m: <oops>"]}),
    markdown("**Predict** and choose."),
    code("quiz = Prediction(right)", stream("A: 1")),
    code('quiz.pick("A")', stream("A. Right")),
    code("silent = 1"),
]


def write(path, cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "내 강의 a"
    write(folder / "notebooks" / "01_convolution_maths.ipynb", CELLS)
    write(folder / "notebooks" / "99_more.ipynb", [markdown("# 99. More")])
    write(folder / "assignments" / "01_convolution_maths.ipynb", [markdown("# Assignment 1"), code("...")])
    (folder / "notebooks" / "cat.png").write_bytes(b"a cat")
    (folder / "coursekit").mkdir()
    (folder / "coursekit" / "conv.py").touch()
    (folder / "docs").mkdir()
    (folder / "docs" / "glossary.md").write_text(
        "# Glossary\n\n## Max pooling!\n\n[back](../notebooks/99_more.ipynb)\n"
    )
    (folder / "ERRATA.md").write_text("# Errata\n")
    return folder
