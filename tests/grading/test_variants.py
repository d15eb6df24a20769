"""An assignment with other numbers: drawn by a seed, the same everywhere in it, and graded like any other."""

import nbformat
import pytest
from click.testing import CliRunner
from small_source import NAME, small_source

from coursekit.grading.author import findings
from coursekit.grading.author_commands import variant_command
from coursekit.grading.run import find_source
from coursekit.grading.source import SourceError, read_source
from coursekit.grading.variants import how_many, variables, variant_findings, with_numbers, write_variant

LINES = "SIDE, KERNEL = 1280, 5  # varies: (1280, 5), (640, 3), (320, 7)\nPAD = 0  # varies: 0, 1, 2, 3"
TEXT = (
    "How wide is the map of a <!--=KERNEL-->5<!--/--> x <!--=KERNEL-->5<!--/--> kernel on "
    "<!--=SIDE-->1,280<!--/--> pixels, padded by <!--=PAD-->0<!--/-->?"
)


def varied(folder, lines=LINES, text=TEXT, cell="setup"):
    notebook = small_source()
    cells = {cell.id: cell for cell in notebook.cells}
    cells[cell].source += f"\n{lines}"
    cells["q2-text"].source = text
    cells["q2"].source = cells["q2"].source.replace("28 - 5 + 1", "SIDE + 2 * PAD - KERNEL + 1")
    path = folder / "solutions" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path


def test_numbers_are_drawn_together_and_said_in_the_text(tmp_path):
    source = read_source(varied(tmp_path))
    assert [variable.names for variable in variables(source)] == [("SIDE", "KERNEL"), ("PAD",)]
    assert how_many(source) == 12
    seen = set()
    for seed in range(40):
        cells = {cell.id: cell.source for cell in with_numbers(source, seed).cells}
        names = {}
        exec(cells["setup"], names)
        side, kernel, pad = names["SIDE"], names["KERNEL"], names["PAD"]
        assert (side, kernel) in [(1280, 5), (640, 3), (320, 7)]
        assert f"<!--=SIDE-->{side:,}<!--/--> pixels, padded by <!--=PAD-->{pad}<!--/-->?" in cells["q2-text"]
        assert cells["q2-text"].count(f"<!--=KERNEL-->{kernel}<!--/-->") == 2
        seen.add((side, pad))
    assert len(seen) == 12
    assert with_numbers(source, 7) == with_numbers(source, 7)


def test_a_variant_is_a_source_that_varies_again(tmp_path):
    source = read_source(varied(tmp_path))
    path = tmp_path / "again.ipynb"
    changed = with_numbers(source, 3)
    path = tmp_path / "other" / "solutions" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(changed), encoding="utf-8")
    assert with_numbers(read_source(path), 8) == with_numbers(source, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lines": LINES.replace("(640, 3)", "(640, n)")}, "cell 'setup': choices have to be spelled out"),
        ({"lines": LINES.replace("= 1280, 5", "= 1280, 6")}, "it has to be one of two choices or more"),
        ({"lines": LINES.replace("(640, 3)", "640")}, "needs 2 numbers, in brackets"),
        ({"lines": LINES.replace("0, 1, 2, 3", "0")}, "PAD is 0: it has to be one of two choices or more"),
        ({"text": TEXT.replace("=SIDE", "=WIDTH")}, "cell 6: WIDTH is mentioned, and varies in no given cell"),
        ({"text": TEXT.replace("1,280", "1,281")}, "SIDE is 1280, and the text says '1,281'"),
        ({"lines": LINES.replace("= 1280, 5  #", "= (\n    1280\n)  #")}, "have to stand in one line"),
        ({"cell": "q1-check"}, "cell 'q1-check': what varies belongs into a given cell"),
    ],
)
def test_mistakes_are_named(tmp_path, options, message):
    path = varied(tmp_path, **options)
    assert any(message in found for found in variant_findings(read_source(path)))
    with pytest.raises(SourceError, match="cell"):
        write_variant(path, 1, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_that_varies_is_said(tmp_path):
    path = varied(tmp_path, lines="SIDE, KERNEL, PAD = 28, 5, 0", text="How wide?")
    with pytest.raises(SourceError, match="nothing in it varies"):
        write_variant(path, 1, tmp_path / "out")


@pytest.mark.slow
def test_the_command_writes_a_course_that_can_be_graded(tmp_path):
    path = varied(tmp_path)
    out = tmp_path / "해 2027"
    result = CliRunner().invoke(variant_command, [str(path), "--seed", "1", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "one of 12" in result.output
    source = find_source(tmp_path / "nowhere", str(out / "solutions" / path.name))
    assert source.path == out / "solutions" / path.name
    assert {file.name for file in (out / "assignments").iterdir()} == {f"{NAME}.ipynb", f"{NAME}.public.json"}
    student = (out / "assignments" / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert student != path.read_text(encoding="utf-8")
    assert findings(out / "solutions" / path.name) == []
