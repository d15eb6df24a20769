"""The file that keeps a learner's progress: what it leaves alone, and what happens when it cannot be used."""

import json
import multiprocessing
import os
import shutil
import stat
import tempfile
from functools import partial
from pathlib import Path

import pytest

from coursekit.practice import progress as kept

TRIED = partial(kept.add_try, outcome="correct", answer="x")


def stored(folder):
    return json.loads((folder / kept.FILE).read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    monkeypatch.setattr(kept, "_unkept", {})


def test_what_this_edition_does_not_know_is_kept(tmp_path):
    older = {"tries": 3, "passed": True, "mood": "good"}
    document = {"version": 1, "school": "한국", "checks": {"c02.renamed": older, "01.q1": {"tries": 1, "colour": 7}}}
    (tmp_path / kept.FILE).write_text(json.dumps(document), encoding="utf-8")
    assert kept.update(tmp_path, "01.q1", TRIED) == ""
    assert kept.update(tmp_path, "01.q2", TRIED) == ""
    after = stored(tmp_path)
    assert (after["version"], after["school"], after["checks"]["c02.renamed"]) == (1, "한국", older)
    assert (after["checks"]["01.q1"]["tries"], after["checks"]["01.q1"]["colour"]) == (2, 7)
    assert list(after["checks"]) == ["01.q1", "01.q2", "c02.renamed"]
    assert kept.read(tmp_path)["c02.renamed"].passed


def test_a_file_of_before_versions_is_read(tmp_path):
    (tmp_path / kept.FILE).write_text('{"checks": {"01.q1": {"tries": 1, "passed": true}}}')
    kept.update(tmp_path, "01.q2", TRIED)
    assert (stored(tmp_path)["version"], kept.read(tmp_path)["01.q1"].passed) == (1, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"version": 2, "checks": {}}', "was written by a later version of the course"),
        ('{"version": "1", "checks": {}}', "is damaged"),
        ('{"version": 1, "checks": {"01.q1": []}}', "is damaged"),
        ('{"version": 1, "checks": {"01.q1": {"passed": 1}}}', "is damaged"),
        ("\0\0\0", "is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_left_as_it_is(tmp_path, content, words):
    (tmp_path / kept.FILE).write_text(content)
    assert words in kept.update(tmp_path, "01.q1", TRIED)
    assert kept.update(tmp_path, "01.q1", TRIED) == ""  # said once
    assert kept.known(tmp_path, "01.q1").tries == 2  # known for as long as the process lives
    assert (tmp_path / kept.FILE).read_text() == content


def test_an_entry_that_is_damaged_does_not_keep_others_from_being_kept(tmp_path):
    (tmp_path / kept.FILE).write_text('{"version": 1, "checks": {"01.q1": {"tries": "many"}}}')
    assert kept.update(tmp_path, "01.q2", TRIED) == ""
    assert stored(tmp_path)["checks"]["01.q1"] == {"tries": "many"}
    with pytest.raises(ValueError, match="tries is 'many'"):
        kept.read(tmp_path)


@pytest.fixture
def read_only():
    """A folder that may be read and not written, by whoever runs this."""
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    kept.update(folder, "01.q1", TRIED)
    folder.chmod(0o555)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        os.seteuid(65534)  # nobody: root may write everywhere
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(stat.S_IRWXU)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="rights of this kind are POSIX")
def test_a_read_only_folder_breaks_nothing(read_only):
    before = (read_only / kept.FILE).read_bytes()
    assert kept.update(read_only, "01.q1", TRIED) == (
        f"Your progress is not kept: {kept.FILE} cannot be used here (Permission denied)."
    )
    assert (read_only / kept.FILE).read_bytes() == before
    assert os.listdir(read_only) == [kept.FILE]


def test_a_folder_that_is_gone_breaks_nothing(tmp_path):
    assert "is not kept" in kept.update(tmp_path / "gone", "01.q1", TRIED)


def _try_often(folder, id, times):
    for _ in range(times):
        assert kept.update(folder, id, TRIED) == ""
        assert kept.update(folder, "both", TRIED) == ""


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be locked there: the last one counts")
def test_two_processes_at_once_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # a busy disk would make this slow, not different
    spawn = multiprocessing.get_context("fork")
    both = [spawn.Process(target=_try_often, args=(tmp_path, id, 40)) for id in ("one", "two")]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert {id: tried.tries for id, tried in kept.read(tmp_path).items()} == {"both": 80, "one": 40, "two": 40}
    assert os.listdir(tmp_path) == [kept.FILE]


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be locked there")
def test_a_process_that_hangs_does_not_hang_others(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE", 0.05)
    with kept._alone(tmp_path):
        assert kept.update(tmp_path, "01.q1", TRIED) == ""
    assert kept.read(tmp_path)["01.q1"].tries == 1
