"""The learner's copies: made once, never touched again, restored on request."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coursekit import workspace
from coursekit.workspace import WorkspaceError, copy_notebooks, course_root, reset


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "내 강의 a"
    (folder / "notebooks").mkdir(parents=True)
    for name in ("01_first", "02_second"):
        (folder / "notebooks" / f"{name}.ipynb").write_bytes(f"original {name} 합성곱".encode())
    return folder


def original(root, stem):
    return root / "notebooks" / f"{stem}.ipynb"


def mine(root, stem):
    return root / "my" / f"{stem}.ipynb"


def names(root):
    return sorted(path.name for path in (root / "my").glob("[!.]*"))


def test_chapters_are_copied_as_they_are(root):
    assert copy_notebooks(root) == []
    assert names(root) == ["01_first.ipynb", "02_second.ipynb"]
    assert mine(root, "01_first").read_bytes() == original(root, "01_first").read_bytes()


def notebook(outputs, execution_count):
    code = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": outputs, "execution_count": execution_count}
    text = {"cell_type": "markdown", "source": "합성곱", "metadata": {}}
    return {"cells": [text, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_copies_come_without_outputs(root):
    stored = notebook([{"output_type": "stream", "name": "stdout", "text": "19\n"}], 7)
    original(root, "01_first").write_text(json.dumps(stored), encoding="utf-8")
    copy_notebooks(root)
    assert json.loads(mine(root, "01_first").read_text(encoding="utf-8")) == notebook([], None)


def test_assignments_lie_in_a_folder_of_their_own_with_their_values(root):
    (root / "assignments").mkdir()
    (root / "assignments/01_first.ipynb").write_text("assignment")
    (root / "assignments/01_first.public.json").write_text("values")
    copy_notebooks(root)
    copy, values = root / "my/assignments/01_first.ipynb", root / "my/assignments/01_first.public.json"
    copy.write_text("my answers")
    (root / "assignments/01_first.ipynb").write_text("a new edition")
    (root / "assignments/01_first.public.json").write_text("new values")
    assert copy_notebooks(root) == ["assignments/01_first.ipynb"]
    assert (copy.read_text(), values.read_text()) == ("my answers", "new values")
    kept = reset(root, "my/assignments/01_first.ipynb")
    assert (copy.read_text(), kept.read_text(), kept.parent) == ("a new edition", "my answers", copy.parent)
    assert mine(root, "01_first").read_bytes() == original(root, "01_first").read_bytes()


def test_what_is_there_is_never_touched(root):
    copy_notebooks(root)
    mine(root, "01_first").write_text("my own work")
    (root / "my" / "notes.txt").write_text("notes")
    os.utime(mine(root, "01_first"), ns=(1, 1))
    original(root, "01_first").write_text("a new edition")
    copy_notebooks(root)
    assert mine(root, "01_first").read_text() == "my own work"
    assert mine(root, "01_first").stat().st_mtime_ns == 1
    assert (root / "my" / "notes.txt").read_text() == "notes"


def test_a_link_that_leads_nowhere_is_not_touched_either(root):
    (root / "my").mkdir()
    mine(root, "01_first").symlink_to(root / "gone")
    copy_notebooks(root)
    assert mine(root, "01_first").is_symlink()


def test_changed_chapters_are_named_until_they_are_reset(root):
    copy_notebooks(root)
    mine(root, "02_second").write_text("my own work")
    assert copy_notebooks(root) == []  # the learner's changes are no change of the course
    original(root, "01_first").write_text("a new edition")
    assert copy_notebooks(root) == copy_notebooks(root) == ["01_first.ipynb"]
    reset(root, "01_first")
    assert copy_notebooks(root) == []
    assert mine(root, "01_first").read_text() == "a new edition"


def test_new_and_deleted_chapters_are_copied(root):
    copy_notebooks(root)
    original(root, "03_third").write_text("third")
    mine(root, "01_first").unlink()
    original(root, "01_first").write_text("a new edition")
    assert copy_notebooks(root) == []
    assert mine(root, "03_third").read_text() == "third"
    assert mine(root, "01_first").read_text() == "a new edition"


@pytest.mark.parametrize("record", ["", "[]", '{"01_first.ipynb": 3}'])
def test_a_broken_record_does_no_harm(root, record):
    copy_notebooks(root)
    mine(root, "02_second").write_text("my own work")
    (root / "my" / ".coursekit.json").write_text(record)
    copy_notebooks(root)
    assert mine(root, "02_second").read_text() == "my own work"
    assert reset(root, "02_second").read_text() == "my own work"


@pytest.mark.parametrize(
    "name", ["01_first", "01_first.ipynb", "my/01_first.ipynb", "notebooks/01_first", "my\\01_first.ipynb"]
)
def test_reset_keeps_the_old_copy(root, name):
    copy_notebooks(root)
    mine(root, "01_first").write_text("my own work")
    kept = reset(root, name)
    assert kept.read_text() == "my own work"
    assert mine(root, "01_first").read_bytes() == original(root, "01_first").read_bytes()
    assert mine(root, "02_second").exists()


def test_reset_twice_in_a_second_keeps_both(root, monkeypatch):
    class Clock(workspace.datetime.datetime):
        @classmethod
        def now(cls):
            return cls(2026, 11, 22, 3, 50, 7)

    monkeypatch.setattr(workspace.datetime, "datetime", Clock)
    copy_notebooks(root)
    for text in ("one", "two", "three"):
        mine(root, "01_first").write_text(text)
        reset(root, "01_first")
    kept = {name: (root / "my" / name).read_text() for name in names(root) if "2026" in name}
    assert kept == {
        "01_first.2026-11-22-035007.ipynb": "one",
        "01_first.2026-11-22-035007-2.ipynb": "two",
        "01_first.2026-11-22-035007-3.ipynb": "three",
    }


def test_reset_without_a_copy_makes_one(root):
    assert reset(root, "02_second") is None
    assert names(root) == ["02_second.ipynb"]


def test_an_unknown_chapter_lists_what_there_is(root):
    with pytest.raises(WorkspaceError, match=r"no notebook '1st'; there are: 01_first, 02_second"):
        reset(root, "1st")
    assert not (root / "my").exists()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from coursekit.workspace import reset
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))  # writing fails in the middle, as on a full disk
try:
    reset(Path(sys.argv[1]), "01_first")
except OSError:
    sys.exit(7)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of this kind are POSIX")
def test_a_failing_write_loses_nothing_and_leaves_no_rubbish(root):
    copy_notebooks(root)
    mine(root, "01_first").write_text("my own work")
    original(root, "01_first").write_text("x" * 1000)
    before = {path: path.read_bytes() for path in (root / "my").iterdir()}
    assert subprocess.call([sys.executable, "-c", FULL_DISK, root]) == 7
    after = {path: path.read_bytes() for path in (root / "my").iterdir()}
    kept = [path for path in after if path not in before]
    assert [after[path] for path in kept] == [b"my own work"]  # saved before anything else
    assert {path: after[path] for path in before} == before


def test_the_root_is_the_folder_above_the_package():
    assert (course_root() / "notebooks").is_dir()
    assert course_root() == Path(workspace.__file__).resolve().parents[1]


def test_the_package_alone_says_that_it_holds_no_chapters(tmp_path):
    shutil.copytree(Path(workspace.__file__).parent, tmp_path / "coursekit", ignore=shutil.ignore_patterns("_*_"))
    result = subprocess.run(
        [sys.executable, "-m", "coursekit", "reset", "x"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Error: there are no chapters in ")
    assert "repository" in result.stderr
    assert result.stderr.count("\n") == 1
