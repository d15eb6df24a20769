"""Damaged notebooks: each is read and put together, or refused in a sentence; nothing else ever happens."""

import copy
import json
import random

import nbformat
import pytest
import target
from mutate import ODD, as_text, damaged_bytes, damaged_data

pytest.importorskip("nbformat", reason="needs what grading needs: python3 course.py setup")

from coursekit.grading.assemble import assemble
from coursekit.grading.source import read_source
from coursekit.grading.submission import MAX_CELLS, MAX_SOURCE, Refusal, read


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return read_source(target.write_course(tmp_path_factory.mktemp("course")))


@pytest.fixture(scope="module")
def notebooks(source):
    """One that is all right, one in each of the older formats, and one with everything that a cell can have."""
    right = target.all_right(target.handed_out(source.path))
    rich = nbformat.from_dict(json.loads(nbformat.writes(right)))
    for cell in rich.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                nbformat.v4.new_output("stream", text="x\n"),
                nbformat.v4.new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE"]),
                nbformat.v4.new_output("display_data", {"text/html": "<b>x</b>", "image/png": "iVBORw0K"}),
            ]
    extra = nbformat.v4.new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": "iVBORw0K"}})
    rich.cells.insert(1, extra)
    third = nbformat.convert(copy.deepcopy(right), 3)
    made = [right, rich, third, nbformat.convert(copy.deepcopy(third), 2)]
    return [json.loads(json.dumps(each)) for each in made]


def is_dealt_with(folder, content, source) -> str:
    """Read a file and put it together; give the sentence if it is refused."""
    path = folder / "kim" / "98_redteam.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    found = read(path.parent, source)
    if isinstance(found, Refusal):
        assert found.reason.isprintable()
        assert found.reason.endswith(".")
        assert 20 < len(found.reason) < 500
        return found.reason
    made = assemble(source, found, 5)
    cells = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in made.notebook.cells if "nbgrader" in cell.metadata}
    for cell in source.cells:
        mine = cells[cell.grade_id]
        assert mine.cell_type == "code"
        if cell.role == "check":  # ours to the last letter, in its place, and it alone is graded
            assert mine.source == f"from coursekit.check import check\n{cell.source}"
        assert mine.metadata.nbgrader == source.notebook.cells[cell.index].metadata.nbgrader
        assert "tags" not in mine.metadata
    order = [cell.metadata["nbgrader"]["grade_id"] for cell in made.notebook.cells if "nbgrader" in cell.metadata]
    assert order == [cell.grade_id for cell in source.cells]
    assert made.notebook.metadata == source.notebook.metadata
    json.dumps(made.notebook).encode()
    assert all(note.isprintable() and len(note) < 500 for note in made.notes)
    return ""


def fuzz(folder, notebooks, source, seeds) -> list[str]:
    said = []
    for seed in seeds:
        rng = random.Random(seed)
        notebook = rng.choice(notebooks)
        try:
            damaged = damaged_data(notebook, rng)
            content = damaged_bytes(as_text(notebook), rng) if rng.random() < 0.4 else as_text(damaged)
            said.append(is_dealt_with(folder, content, source))
        except Exception as error:
            raise AssertionError(f"the damage of seed {seed} is not dealt with: {error!r}") from error
    return said


def test_damaged_notebooks(tmp_path, notebooks, source):
    said = fuzz(tmp_path, notebooks, source, range(80))
    assert 10 < said.count("") < 70  # both happen


@pytest.mark.slow
def test_a_thousand_damaged_notebooks(tmp_path, notebooks, source):
    said = fuzz(tmp_path, notebooks, source, range(1000, 2000))
    assert 100 < said.count("") < 900
    assert len(set(said)) > 10


BROKEN = {
    "nothing": b"",
    "white space": b" \n\t\r\n" * 1000,
    "a picture": b"\x89PNG\r\n\x1a\n\xff\xd8",
    "an archive": b"PK\x03\x04" + bytes(1000),
    "a number": b"42",
    "a text": b'"cells"',
    "no cells": b"{}",
    "cells that are none": b'{"nbformat": 4, "cells": [null, 5, [], {}]}',
    "endless brackets": b"[" * 1_000_000,
    "endless tables": b'{"cells":' * 200_000,
    "endless metadata": b'{"nbformat": 4, "metadata": '
    + b'{"a":' * 100_000
    + b"1"
    + b"}" * 100_000
    + b', "cells": []}',
    "an endless number": b'{"nbformat": 4, "cells": ' + b"9" * 1_000_000 + b"}",
    "UTF-16": '{"nbformat": 4, "cells": []}'.encode("utf-16"),
    "half a letter": b'{"cells": ["\xf0\x9f\x98"]}',
    "half a surrogate": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud83d", "metadata": {}}]}',
    "format 99": b'{"nbformat": 99, "cells": []}',
    "format true": b'{"nbformat": true, "cells": []}',
    "format -1": b'{"nbformat": -1, "cells": []}',
    "format 1 of nothing": b'{"nbformat": 1, "cells": [{}]}',
    "format 3 of rubbish": b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": ["code"]}]}, 5, null]}',
    "a null at the end": b'{"nbformat": 4, "cells": []}\x00',
    "too big": b'{"nbformat": 4, "cells": ["' + b"A" * 20_000_000 + b'"]}',
    "too many cells": as_text({"nbformat": 4, "cells": [{"cell_type": "code", "source": "1"}] * (MAX_CELLS + 1)}),
    "too long a cell": as_text({"nbformat": 4, "cells": [{"cell_type": "code", "source": "1" * (MAX_SOURCE + 1)}]}),
    "another assignment": as_text(
        {"nbformat": 4, "metadata": {"coursekit": {"assignment": "\x1b[2J<b>" * 99}}, "cells": [{}]}
    ),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused(tmp_path, source, content):
    assert is_dealt_with(tmp_path, content, source)


def test_the_last_of_two_keys_counts_and_nothing_is_guessed(tmp_path, source, notebooks):
    text = as_text(notebooks[0])
    assert not is_dealt_with(tmp_path, text[:-1] + b', "metadata": {}, "nbformat": 4}', source)
    assert "no cells" in is_dealt_with(tmp_path, text[:-1] + b', "cells": []}', source)
    assert not is_dealt_with(tmp_path, b"\xef\xbb\xbf" + text, source)


def test_a_student_may_be_called_like_a_notebook(tmp_path, source):
    """Or else two such students would be one, and bear the name of the folder that all submissions lie in."""
    folder = tmp_path / "kim.ipynb"
    folder.mkdir()
    (folder / "98_redteam.ipynb").write_bytes(b"")
    found = read(folder, source)
    assert found.student == "kim.ipynb"
    assert "is empty" in found.reason


SLOW = {
    "a million names": ["a=1\n" * 49_000] * 90,
    "a thousand cells that fit": ["def mean_of(image):\n    return 0  # " + "x" * 9_000] * 2000,
    "a thousand copies": ["def mean_of(image):\n    return 0"] * 2000,
    "commas": ["a" + ", a" * 66_000] * 90,
    "number signs": ["#" * 199_000] * 90,
    "calls that never close": ["check(" + " " * 190_000, "check('" * 20_000] * 45,
}


@pytest.mark.slow
@pytest.mark.parametrize("sources", SLOW.values(), ids=SLOW)
def test_no_notebook_takes_long_to_read(tmp_path, source, sources):
    """Nothing here may take more than time that grows with its size; twenty seconds leave room for a busy machine."""
    import time

    cells = [{"cell_type": "code", "source": text, "metadata": {}} for text in sources]
    for number, cell in enumerate(cells):  # copies are matched by their marks, the others by likeness
        if len(set(sources)) == 1 and number % 2:
            cell["metadata"] = {"nbgrader": {"grade_id": "mean_of"}}
    began = time.process_time()
    is_dealt_with(tmp_path, as_text({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), source)
    assert time.process_time() - began < 20


@pytest.mark.slow
def test_odd_values_everywhere_one_by_one(tmp_path, source, notebooks):
    """Each place of a cell and of the notebook takes each odd value once."""
    for odd in ODD:
        for place in ("cells", "metadata", "nbformat", "nbformat_minor"):
            is_dealt_with(tmp_path, as_text(notebooks[0] | {place: odd}), source)
        for place in ("id", "source", "metadata", "cell_type", "outputs", "execution_count", "attachments"):
            cells = [cell | {place: odd} for cell in notebooks[0]["cells"]]
            is_dealt_with(tmp_path, as_text(notebooks[0] | {"cells": cells}), source)
        for place in ("grade_id", "solution", "grade", "points"):
            cells = json.loads(json.dumps(notebooks[0]["cells"]))
            for cell in cells:
                cell["metadata"]["nbgrader"][place] = odd
            is_dealt_with(tmp_path, as_text(notebooks[0] | {"cells": cells}), source)
