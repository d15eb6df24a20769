"""Control groups: found where they may be made, their limits real, and gone afterwards."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from coursekit.grading import cgroup
from coursekit.grading.cgroup import _own

needs_groups = pytest.mark.skipif(not cgroup.usable(), reason="this process may make no control groups")

V1 = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 /box /sys/fs/cgroup/pids rw,relatime shared:7 - cgroup cgroup rw,pids
"""
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


class TestWhere:
    def test_version_1(self):
        found = _own("8:pids:/box/a\n4:memory,hugetlb:/a/b\n0::/\n", V1)
        assert found == {"memory": Path("/sys/fs/cgroup/memory/a/b"), "pids": Path("/sys/fs/cgroup/pids/a")}

    def test_version_2(self):
        assert _own("0::/user.slice/x.scope\n", V2) == {"": Path("/sys/fs/cgroup/user.slice/x.scope")}

    def test_a_group_that_is_not_mounted_here(self):
        assert _own("8:pids:/other\n0::/\n", V1) == {}

    @pytest.mark.parametrize("enabled", ["cpu memory pids", "cpu"])
    def test_beside_our_own_where_the_parent_hands_controllers_on(self, monkeypatch, tmp_path, enabled):
        own = tmp_path / "app.slice" / "x.scope"
        own.mkdir(parents=True)
        (own / "cgroup.subtree_control").write_text("")
        (own.parent / "cgroup.subtree_control").write_text(enabled)
        monkeypatch.setattr(cgroup, "_own", lambda *_: {"": own})
        assert cgroup._candidates() == ([(own.parent,)] if "memory" in enabled else [])

    def test_no_groups_where_none_may_be_made(self, monkeypatch):
        monkeypatch.setattr(cgroup, "usable", lambda: ())
        assert cgroup.make(1 << 30, 64) is None


def in_a_group(source, *, memory=256 << 20, processes=64):
    """Run a program in a group. Returns its exit code, whether memory burst, and the group's folders."""
    group = cgroup.make(memory, processes)
    assert group is not None
    waits = "input()\n" + textwrap.dedent(source)
    with subprocess.Popen([sys.executable, "-c", waits], stdin=subprocess.PIPE) as child:
        group.add(child.pid)
        child.communicate(b"\n")
    try:
        return child.returncode, group.burst(), group.folders
    finally:
        group.close()


@needs_groups
class TestLimits:
    def test_a_program_that_is_content(self):
        code, burst, folders = in_a_group("x = bytearray(32 << 20)")
        assert (code, burst) == (0, False)
        assert folders
        assert not any(folder.exists() for folder in folders)

    def test_memory(self):
        code, burst, _ = in_a_group("x = bytearray(1 << 30)", memory=64 << 20)
        assert (code, burst) == (-signal.SIGKILL, True)

    def test_processes(self):
        source = """
        import os, sys
        started = 0
        try:
            for _ in range(50):
                if os.fork() == 0:
                    __import__("signal").pause()
                started += 1
        except BlockingIOError:
            pass
        finally:
            import signal
            signal.signal(15, signal.SIG_IGN)
            os.killpg(0, 15)
        sys.exit(started)
        """
        code, _, _ = in_a_group("import os\nos.setsid()" + textwrap.dedent(source), processes=10)
        assert code == 9


@needs_groups
def test_what_a_killed_grader_left_is_removed():
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    folders = [parent / f"coursekit-{gone.pid}-0" for parent in cgroup.usable()]
    mine = cgroup.make(1 << 30, 64)
    for folder in folders:
        folder.mkdir()
        cgroup._remove_orphans(folder.parent)
    assert not any(folder.exists() for folder in folders)
    assert all(folder.exists() for folder in mine.folders)
    mine.close()
    assert not any(folder.exists() for folder in mine.folders)
