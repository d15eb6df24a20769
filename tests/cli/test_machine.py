"""A look at the machine: what is fine says so, what is not says what to do."""

from importlib import metadata
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import machine
from coursekit.machine import Finding, look, report

ROOT = Path(__file__).parents[2]
NAMES = ["Python", "packages", "PyTorch", "Korean letters", "threads", "disk"]


def found(name):
    return next(finding for finding in look(ROOT) if finding.name == name)


def test_this_machine():
    findings = look(ROOT)
    assert [finding.name for finding in findings] == NAMES
    assert findings[0].fine
    assert findings[1].fine, findings[1]
    assert f"numpy {metadata.version('numpy')}" in findings[1].found
    assert str(ROOT) not in report(findings)


def test_the_report_says_what_to_do():
    fine, bad = Finding("Python", "3.12.1"), Finding("disk", "0.2 GB free", "Make room.")
    assert report([fine]) == "fine  Python         3.12.1\n\nAll is well. Go on."
    assert report([fine, bad]).splitlines()[1:] == [
        "LOOK  disk           0.2 GB free",
        "                     Make room.",
        "",
        "1 of these want a look.",
    ]


def test_a_package_that_is_missing_or_too_old(monkeypatch):
    versions = {"numpy": "1.26.4", "matplotlib": None}
    monkeypatch.setattr(machine, "_version", lambda name: versions.get(name, metadata.version("numpy")))
    said = found("packages")
    assert not said.fine
    assert "matplotlib is missing" in said.found
    assert "numpy 1.26.4, where <2.5,>=2.1 is needed" in said.found
    assert "course.py setup" in said.advice


def test_without_pytorch_half_of_the_course_can_be_read(monkeypatch):
    monkeypatch.setattr(machine, "_version", lambda name: None)
    assert "torch is missing" in found("PyTorch").found
    assert "Chapters 0 to 5 do without" in found("PyTorch").advice


@pytest.mark.parametrize(("version", "fine"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 14, 1), True)])
def test_python(version, fine):
    assert machine._python(version).fine == fine


def test_room_on_the_disk():
    assert machine._room(20.0).fine
    assert machine._room(0.3) == Finding("disk", "0.3 GB free", machine._room(0.3).advice)
    assert "Make room" in machine._room(0.3).advice


def test_threads_that_wait_for_each_other():
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        assert machine._threads().fine
    with threadpool_limits(2):
        assert "course.py lab" in machine._threads().advice


def test_letters(monkeypatch):
    from matplotlib import font_manager

    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans", "NanumGothic"])
    assert machine._letters() == Finding("Korean letters", "NanumGothic")
    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans"])
    assert "fonts-nanum" in machine._letters().advice
