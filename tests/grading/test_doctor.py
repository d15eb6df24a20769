"""The doctor: it tries each protection, and names cause and remedy of one that is off."""

import subprocess

import pytest
from click.testing import CliRunner
from kernels import needs_sandbox

from coursekit.grading import doctor, sandbox
from coursekit.grading.doctor import EXPECTED, Protection, doctor_command, report
from coursekit.grading.execute import ExecutionError

HELD = {
    "connect": "OSError ENETUNREACH",
    "read": [],
    "processes": 2,
    "write": [],
    "fill": "OSError ENOSPC",
    "memory": "MemoryError ",
    "fork": "BlockingIOError EAGAIN",
    "uid": 1_234_567,
    "capabilities": [0, 0, 0, 0],
    "no_new_privileges": "1",
    "seccomp": "2",
    "import": "ModuleNotFoundError ",
}
BROKEN = {
    "connect": "done",
    "read": ["/etc/shadow"],
    "processes": 150,
    "write": ["/"],
    "fill": "done",
    "memory": "done",
    "fork": "done",
    "uid": 0,
    "capabilities": [0, 0, 255, 0],
    "no_new_privileges": "0",
    "import": "done",
}


@needs_sandbox
@pytest.mark.slow
def test_all_is_well_where_a_sandbox_can_be():
    found = report()
    assert [each.line() for each in found if each.needed and not each.on] == []
    assert len(found) > len(EXPECTED)


@pytest.fixture
def fine(monkeypatch):
    """A machine on which everything works, without starting anything."""
    monkeypatch.setattr(sandbox, "find_bwrap", lambda: "bwrap")
    good = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: good)
    monkeypatch.setattr(doctor, "probe", lambda *, warm: dict(HELD))


def test_a_safe_machine(fine):
    result = CliRunner().invoke(doctor_command)
    assert result.exit_code == 0
    assert "OFF" not in result.output
    assert result.output.endswith("Notebooks of strangers can be graded here.\n")


@pytest.mark.parametrize("name", BROKEN)
def test_each_protection_that_fails_is_found(fine, monkeypatch, name):
    monkeypatch.setattr(doctor, "probe", lambda *, warm: {**HELD, name: BROKEN[name]})
    result = CliRunner().invoke(doctor_command)
    assert result.exit_code == 1
    assert result.output.count("OFF") == 1
    assert "Do NOT grade notebooks of strangers here" in result.output


def test_a_machine_without_a_filter_is_safe_enough(fine, monkeypatch):
    monkeypatch.setattr(doctor, "probe", lambda *, warm: {**HELD, "seccomp": "0"})
    result = CliRunner().invoke(doctor_command)
    assert result.exit_code == 0
    assert "OFF  system calls are filtered (not needed): seccomp is not there" in result.output


def test_no_bubblewrap(monkeypatch):
    def missing():
        raise sandbox.SandboxUnavailable(f"bubblewrap (bwrap) is not installed: {sandbox.REMEDY}")

    monkeypatch.setattr(sandbox, "find_bwrap", missing)
    result = CliRunner().invoke(doctor_command)
    assert result.exit_code == 1
    first = result.output.splitlines()[0]
    assert first.startswith("OFF  bubblewrap: bubblewrap (bwrap) is not installed. sudo apt install bubblewrap")


def test_namespaces_that_are_forbidden(fine, monkeypatch):
    words = "bwrap: setting up uid map: Permission denied\n"

    def refuse(line, **_):
        return subprocess.CompletedProcess(line, int("--unshare-net" in line), "", words)

    monkeypatch.setattr(doctor.subprocess, "run", refuse)
    monkeypatch.setattr(sandbox, "why_not", lambda: "user namespaces are off: sudo sysctl")
    [off] = [each for each in report() if not each.on]
    assert off == Protection(
        "no network (network namespace)", False, words.strip(), "user namespaces are off: sudo sysctl."
    )


def test_a_kernel_that_does_not_start(fine, monkeypatch):
    def broken(*, warm):
        raise ExecutionError("the notebook could not be run: no memory")

    monkeypatch.setattr(doctor, "probe", broken)
    assert report()[-1] == Protection("a kernel in the sandbox", False, "the notebook could not be run: no memory")


def test_a_kernel_that_says_nothing(fine, monkeypatch):
    monkeypatch.setattr(doctor, "probe", lambda *, warm: None)
    assert not report()[-1].on
