"""The student's version and its values: what is in them, and that nothing else is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from small_source import CHECKS, NAME, small_source, write_small_source

from coursekit.compare import compare, fingerprint
from coursekit.grading import release as release_module
from coursekit.grading.author_commands import release_command
from coursekit.grading.release import ReleaseError, is_up_to_date, outside_regions, release
from coursekit.grading.source import STUB, read_source

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "solutions").glob("*.ipynb"))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder with the small source, executed once by hand, and what release made of it."""
    folder = tmp_path_factory.mktemp("course")
    path = write_small_source(folder)
    notebook = small_source()
    for count, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count = count + 1
        cell.outputs = [nbformat.v4.new_output("stream", text="SECRET")]
        cell.metadata.execution = {"shell.execute_reply": "2026-11-01T10:00:00Z"}
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    release(path, folder / "assignments")
    return folder


@pytest.fixture(scope="module")
def student(course):
    return nbformat.read(course / f"assignments/{NAME}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def values(course):
    return json.loads((course / f"assignments/{NAME}.public.json").read_text(encoding="utf-8"))


@pytest.fixture
def without_kernel(monkeypatch, values):
    """Making values anew gives those of the module's release, without a kernel."""
    monkeypatch.setattr(release_module, "public_values", lambda source: json.loads(json.dumps(values)))


def test_students_version(student):
    nbformat.validate(student)
    cells = {cell.id: cell for cell in student.cells}
    assert list(cells) == [cell.id for cell in small_source().cells if cell.id != "q3-hidden"]
    assert cells["q1"].source.endswith(f'"""\n    {STUB}')
    assert cells["q2"].source == f"size = None\n{STUB}"
    assert cells["q1-check"].source.startswith('check("99.q1"')
    assert all(cell.metadata.tags == ["nbval-ignore-output"] for cell in cells.values() if cell.cell_type == "code")


def test_nothing_hidden_is_in_it(course):
    for path in (course / "assignments").iterdir():
        text = path.read_text(encoding="utf-8")
        for secret in ("SOLUTION", "HIDDEN", "hidden", "SECRET", 'execution_count": 1', 'turned_kernel"', "24"):
            if secret != "24" or path.suffix == ".ipynb":
                assert secret not in text, (path.name, secret)


def test_metadata_for_students(student):
    for cell, original in zip(student.cells, small_source().cells, strict=False):
        assert cell.metadata.get("nbgrader") == original.metadata.get("nbgrader")
    about = next(cell for cell in student.cells if cell.id == "q1-check").metadata.coursekit
    assert about == {"assesses": ["math.conv2d-by-hand"], "section": "1.1 A kernel slides"}


def test_public_values(values):
    assert (values["version"], values["assignment"], values["seed"]) == (1, NAME, release_module.SEED)
    assert list(values["checks"]) == [id for id in CHECKS if not id.endswith("hidden")]
    first = values["checks"]["99.q1"]
    assert first.keys() == {"cases", "compare", "hints", "misunderstandings", "points", "section", "solution"}
    assert [(case["kind"], case["shape"]) for case in first["cases"]] == [("array", [3, 3])] * 3
    assert first["solution"].startswith("height, width = kernel.shape\n")
    assert first["points"] == 2
    [wrong] = first["misunderstandings"]
    assert wrong["says"] == "This is what turned_kernel gives."
    assert compare(first["cases"], wrong["cases"], first["compare"]).outcome == "wrong"
    assert [case["value"] for case in values["checks"]["99.q3"]["cases"]] == [
        case["value"] + 1 for case in values["checks"]["99.q3"]["misunderstandings"][0]["cases"]
    ]


def test_entered_number_is_hashed(values):
    entered = values["checks"]["99.q2"]
    assert entered.keys() >= {"hashes", "salt", "digits"}
    assert "cases" not in entered
    case = {"kind": "number", "type": "int", "value": 24}
    assert entered["hashes"] == [fingerprint(case, entered["compare"], entered["salt"], entered["digits"])]


def test_numbers_are_short_and_a_check_takes_a_line(course, values):
    numbers = [x for case in values["checks"]["99.q1"]["cases"] for x in case["values"]]
    assert all(float(f"{x:.12g}") == x for x in numbers)
    lines = (course / f"assignments/{NAME}.public.json").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith('"99.') for line in lines) == 3
    assert len(lines) == 3 + 3 + 4  # three values, three checks, braces around and within


@pytest.mark.slow
def test_release_again_gives_the_same_bytes(course, tmp_path):
    paths = release(course / f"solutions/{NAME}.ipynb", tmp_path / "again")
    for path in paths:
        assert path.read_bytes() == (course / "assignments" / path.name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == sorted(path.name for path in paths)
    if os.name != "nt":
        assert {path.stat().st_mode & 0o777 for path in paths} == {0o644}


def test_up_to_date(course):
    assert is_up_to_date(course / f"solutions/{NAME}.ipynb", course / "assignments") == []


def copy_of(course, tmp_path):
    folder = tmp_path / "assignments"
    folder.mkdir()
    for path in (course / "assignments").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return course / f"solutions/{NAME}.ipynb", folder


@pytest.mark.usefixtures("without_kernel")
def test_an_edited_assignment_is_found(course, tmp_path):
    source, folder = copy_of(course, tmp_path)
    path = folder / f"{NAME}.ipynb"
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace("# A small assignment", "# A smaller one"), encoding="utf-8")
    found = is_up_to_date(source, folder)
    assert found[0] == f"{NAME}.ipynb is not what its source gives now"
    assert "cell 'title' differs outside" in found[1]
    path.write_text(original + "\n", encoding="utf-8")
    assert found[:1] == is_up_to_date(source, folder)
    path.write_text("<<<<<<< HEAD", encoding="utf-8")
    assert "cannot be read" in is_up_to_date(source, folder)[-1]
    path.unlink()
    assert is_up_to_date(source, folder) == [f"{NAME}.ipynb is not there"]


@pytest.mark.usefixtures("without_kernel")
def test_values_are_compared_with_a_tolerance(course, tmp_path, values):
    source, folder = copy_of(course, tmp_path)
    path = folder / f"{NAME}.public.json"
    numbers = values["checks"]["99.q1"]["cases"][0]["values"]
    for factor, count in ((1 + 1e-10, 0), (1 + 1e-5, 1)):
        changed = json.loads(json.dumps(values))
        changed["checks"]["99.q1"]["cases"][0]["values"][4] = numbers[4] * factor
        path.write_text(json.dumps(changed), encoding="utf-8")
        found = is_up_to_date(source, folder)
        assert len(found) == count
    assert f"{NAME}.public.json: /checks/99.q1/cases/0/values/4 is " in found[0]
    for key, value in (("points", 3), ("points", 2.0), ("hints", []), ("cases", [])):
        changed = json.loads(json.dumps(values))
        changed["checks"]["99.q1"][key] = value
        path.write_text(json.dumps(changed), encoding="utf-8")
        [found] = is_up_to_date(source, folder)
        assert f"/checks/99.q1/{key} is not what the source gives now" in found


def test_outside_regions_sees_every_change(student):
    source = small_source()
    assert outside_regions(source, student) == []
    changes = {
        "another docstring": lambda cells: cells["q1"].update(source=cells["q1"].source.replace("Sums", "Sum")),
        "no stub": lambda cells: cells["q1"].update(source=cells["q1"].source.replace(STUB, "")),
        "an answer": lambda cells: cells["q2"].update(source="size = 24\n" + STUB),
        "other points": lambda cells: cells["q1-check"].metadata.nbgrader.update(points=1),
        "no tag": lambda cells: cells["q1"].metadata.update(tags=[]),
        "markdown": lambda cells: cells["q1"].update(cell_type="markdown"),
        "another name": lambda cells: cells["q1"].update(id="q9"),
    }
    for name, change in changes.items():
        version = nbformat.from_dict(json.loads(json.dumps(student)))
        change({cell.id: cell for cell in version.cells})
        assert outside_regions(source, version), name
    version = nbformat.from_dict(json.loads(json.dumps(student)))
    version.cells.reverse()
    assert outside_regions(source, version) == [
        "the student's version has other cells than the source, or another order"
    ]


def test_a_failing_solution_writes_nothing(tmp_path):
    notebook = small_source()
    cells = {cell.id: cell for cell in notebook.cells}
    cells["q1"].source = cells["q1"].source.replace("return out", "return 1 / 0")
    cells["q2"].source = "### BEGIN SOLUTION\n### END SOLUTION\nsize = None"
    cells["q3-check"].source = 'check("99.q3", lambda rng: places(int(rng.integers(99)), 1), cases=4)\nundefined'
    path = write_small_source(tmp_path)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    with pytest.raises(ReleaseError) as error:
        release(path, tmp_path / "assignments")
    division = "cell 'q1-check': the solution gives ZeroDivisionError: division by zero in case 1 of check"
    assert str(error.value).splitlines() == [
        f"{division} '99.q1'",
        f"{division} '99.q1.hidden'",
        "cell 'q2-check': the solution gives nothing in case 1 of check '99.q2'",
        "cell 'q3-check' raises NameError: name 'undefined' is not defined: mend it",
    ]
    assert not (tmp_path / "assignments").exists()


@pytest.mark.usefixtures("without_kernel")
def test_a_full_disk_leaves_the_old_files(course, tmp_path, monkeypatch):
    source, folder = copy_of(course, tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(release_module.os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        release(source, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.usefixtures("without_kernel")
def test_command(course, tmp_path):
    source, folder = copy_of(course, tmp_path)
    (tmp_path / "solutions").mkdir()
    copy = tmp_path / "solutions" / source.name
    copy.write_bytes(source.read_bytes())
    done = CliRunner().invoke(release_command, ["--check", str(copy)])
    assert (done.exit_code, done.output) == (0, f"{NAME}.ipynb is up to date\n")
    (folder / f"{NAME}.public.json").unlink()
    done = CliRunner().invoke(release_command, ["--check", str(copy)])
    assert done.exit_code == 1
    assert done.output == f"{NAME}.ipynb: {NAME}.public.json is not there: type coursekit release {NAME}\n"
    done = CliRunner().invoke(release_command, [str(copy)])
    assert done.exit_code == 0
    assert str(folder / f"{NAME}.public.json") in done.output
    assert is_up_to_date(copy, folder) == []


def test_command_with_a_broken_source(tmp_path):
    path = tmp_path / "01_x.ipynb"
    path.write_text("{}")
    done = CliRunner().invoke(release_command, [str(path)])
    assert done.exit_code == 1
    assert "01_x.ipynb is not a Jupyter notebook" in done.output
    done = CliRunner().invoke(release_command, ["77_none"])
    assert done.exit_code == 1
    assert "there is no source notebook '77_none'" in done.output


@pytest.mark.slow
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_assignments_are_up_to_date(path):
    assert is_up_to_date(path, ROOT / "assignments") == []


def test_no_assignment_without_its_source():
    stems = {path.stem for path in SOURCES}
    assert {path.name.split(".")[0] for path in (ROOT / "assignments").glob("[0-9]*")} <= stems


def test_commands_import_nothing_heavy():
    code = (
        "import sys, coursekit.grading.author_commands;"
        "print([n for n in ('numpy', 'nbformat', 'jupyter_client') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_source_can_be_read():
    for path in SOURCES:
        assert read_source(path).points > 0


@pytest.mark.slow
def test_an_instructor_may_keep_the_solutions(tmp_path):
    path = write_small_source(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.coursekit["solutions"] = False
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    release(path, tmp_path / "assignments")
    values = json.loads((tmp_path / f"assignments/{NAME}.public.json").read_text(encoding="utf-8"))
    assert values["solutions"] is False
    assert all("solution" not in check and check["hints"] for check in values["checks"].values())
