"""Hostile cells, really run in a real sandbox: what they find, reach and can use up."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from kernels import BARE, check, needs_sandbox, notebook, values

import coursekit
from coursekit.grading import _mounts, execute, sandbox
from coursekit.grading.execute import run
from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable

COURSE = Path(coursekit.__file__).parent
LIMITS = Limits(cell=10, total=60, memory=1 << 30, scratch=16 << 20, file_size=8 << 20)

TRIES = {
    "home": "os.getcwd(), os.path.expanduser('~')",
    "environment": "dict(os.environ)",
    "shadow": "open('/etc/shadow').read()",
    "passwd": "open('/etc/passwd').read()",
    "repository": f"[p for p in {[str(COURSE), str(COURSE.parent / 'solutions'), str(Path.home() / '.ssh')]} "
    "if os.path.exists(p)]",
    "shell": "[p for p in ('/bin/sh', '/usr/bin/env') if os.path.exists(p)]",
    "write": "[p for p, _, _ in os.walk('/') if not p.startswith(('/proc', '/dev/fd', '/scratch')) "
    "and os.access(p, os.W_OK)]",
    "touch": "open('/course/new', 'w')",
    "scratch": "open('/scratch/mine', 'w').write('x')",
    "connect": "__import__('socket').create_connection(('192.0.2.1', 80), timeout=2)",
    "loopback": "__import__('socket').create_connection(('127.0.0.1', 22), timeout=2)",
    "vsock": "__import__('socket').socket(__import__('socket').AF_VSOCK)",
    "array": "np.ones(50 * 2**27)",
    "file": "open('/scratch/big', 'wb').write(bytes(9 << 20))",
    "fill": "[open(f'/scratch/{i}', 'wb').write(bytes(1 << 20)) for i in range(40)]",
    "uid": "(os.getuid() > 0, os.getuid() == os.geteuid())",
    "setuid": "os.setuid(0)",
    "processes": "len([name for name in os.listdir('/proc') if name.isdigit()]) < 5",
    "kill": "os.kill(1, 9) or os.path.exists('/proc/1')",
    "status": "{k: v.strip() for k, v in (line.split(':', 1) for line in open('/proc/self/status'))}",
    "unshare": "__import__('ctypes').CDLL(None).unshare(0x10000000)",
    "scipy": "__import__('scipy.signal')",
    "torch": "__import__('torch')",
    "nn": "__import__('coursekit.nn')",
    "misconceptions": "__import__('coursekit.misconceptions')",
    "grading": "__import__('coursekit.grading.execute')",
    "check": "__import__('coursekit.check') and 'imported'",
    "numpy": "float(np.linalg.det(np.eye(3)))",
    "pip": "__import__('pip')",
    "shared": "open('/dev/shm/x', 'w')",
    "sockets": "[p for p in os.listdir('/scratch') + os.listdir('/') if 'ck-' in p or 'k-' in p]",
}


@pytest.fixture(scope="module", params=[True, False], ids=["warm", "cold"])
def tried(request):
    """What a submission reports that tries everything at once."""
    lines = [f"send([{name!r}, attempt(lambda: ({code}))])" for name, code in TRIES.items()]
    tries = notebook(check("\n".join(lines)))
    [result] = run(tries, sandbox=Sandbox(modules=("coursekit.check",)), seed=4711, limits=LIMITS, warm=request.param)
    assert result.status == "ran"
    return dict(values(result))


@pytest.fixture(params=["by a group", "from outside"])
def counted(request, monkeypatch, tmp_path):
    """How the memory of a kernel's processes is added up: workers may make control groups if we may, or else not."""
    if request.param == "by a group":
        yield
        return
    code = "import coursekit.grading.cgroup\ncoursekit.grading.cgroup.usable = tuple\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{COURSE.parent}")
    execute._close_workers()
    yield
    execute._close_workers()


@needs_sandbox
class TestInside:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("shadow", "FileNotFoundError"),
            ("passwd", "FileNotFoundError"),
            ("repository", "[]"),
            ("shell", "[]"),
            ("write", "[]"),
            ("touch", "OSError: [Errno 30] Read-only file system"),
            ("shared", "OSError: [Errno 30] Read-only file system"),
            ("scratch", "1"),
            ("connect", "OSError: [Errno 101] Network is unreachable"),
            ("vsock", "PermissionError"),
            ("array", "MemoryError: Unable to allocate 50.0 GiB"),
            ("file", "OSError: [Errno 27] File too large"),
            ("fill", "OSError: [Errno 28] No space left on device"),
            ("uid", "(True, True)"),
            ("setuid", "PermissionError"),
            ("processes", "True"),
            ("unshare", "-1"),
            ("scipy", "ModuleNotFoundError: scipy is not allowed in this assignment"),
            ("torch", "ModuleNotFoundError: torch is not allowed in this assignment"),
            ("nn", "ModuleNotFoundError: coursekit.nn is not allowed in this assignment"),
            ("misconceptions", "ModuleNotFoundError: coursekit.misconceptions is not allowed in this assignment"),
            ("grading", "ModuleNotFoundError: coursekit.grading is not allowed in this assignment"),
            ("pip", "ModuleNotFoundError"),
            ("check", "'imported'"),
            ("numpy", "1.0"),
            ("sockets", "[]"),
            ("home", "('/scratch', '/scratch')"),
        ],
    )
    def test_what_it_can_do(self, tried, name, said):
        assert tried[name].startswith(said)

    def test_not_even_this_machine_can_be_reached(self, tried):
        assert tried["loopback"].startswith(("OSError", "ConnectionRefused"))  # its own loopback: nobody is there

    def test_it_has_no_rights_to_lose(self, tried):
        for line in ("'CapPrm'", "'CapEff'", "'CapBnd'", "'CapAmb'"):
            assert f"{line}: '0000000000000000'" in tried["status"]
        assert "'NoNewPrivs': '1'" in tried["status"]
        assert "'Seccomp': '2'" in tried["status"]

    def test_the_environment_is_ours_alone(self, tried, monkeypatch):
        inside = eval(tried["environment"])
        assert inside["COURSEKIT_CHECK_MODE"] == "send"
        assert inside["COURSEKIT_CHECK_SEED"] == "4711"
        assert (inside["PYTHONHASHSEED"], inside["OPENBLAS_NUM_THREADS"]) == ("0", "1")
        assert all(inside[name].startswith("/scratch/") for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"))
        assert "SSH_AUTH_SOCK" not in inside
        assert not any(name.startswith("PYTEST") for name in inside)

    @pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
    def test_a_fork_bomb_is_bounded(self, warm):
        bomb = check(
            """
import signal
children = []
try:
    for _ in range(500):
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
except OSError as error:
    send([len(children), error.errno])
"""
        )
        [result] = run(notebook(bomb), sandbox=BARE, seed=0, limits=LIMITS, warm=warm)
        [[children, number]] = values(result)
        assert 0 < children < LIMITS.processes
        assert number == 11  # EAGAIN

    @pytest.mark.slow
    @pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
    @pytest.mark.usefixtures("counted")
    def test_many_processes_share_one_memory(self, warm):
        bomb = check(
            """
for _ in range(12):
    if os.fork() == 0:
        room = bytearray(200 << 20)
        time.sleep(30)
time.sleep(30)
"""
        )
        [result] = run(notebook(bomb), sandbox=BARE, seed=0, limits=LIMITS, warm=warm)
        assert result.status == "dead"
        assert result.seconds < 8


class TestAllowList:
    def test_lists_from_metadata_will_do(self):
        assert Sandbox(["numpy"], ["coursekit.check"]) == Sandbox()

    def test_only_what_is_needed_is_mounted(self):
        options = _mounts.mounts(Sandbox())
        places = [Path(options[i + 2]) for i, option in enumerate(options) if option == "--ro-bind"]
        site = Path(sysconfig.get_paths()["purelib"])
        inside = {place.name for place in places if place.parent == site}
        assert {"numpy", "numpy.libs", "ipykernel", "IPython", "zmq"} <= inside
        assert not inside & {"scipy", "torch", "skimage", "matplotlib", "debugpy", "pip", "_pytest", "nbval"}
        assert site not in places
        mine = {place.name for place in places if place.parent == Path("/course/coursekit")}
        assert "check.py" in mine
        assert not mine & {"nn", "data", "grading", "misconceptions", "mainjob.py", "workspace.py"}

    def test_a_package_that_is_allowed_is_no_stub(self):
        options = _mounts.mounts(Sandbox(packages=("numpy", "matplotlib")))
        assert "/course/matplotlib.py" not in options
        assert "/course/scipy.py" in options

    @pytest.mark.parametrize("allowed", [{"packages": ["nosuchthing"]}, {"modules": ["coursekit.nosuchthing"]}])
    def test_what_is_not_there_cannot_be_allowed(self, allowed):
        with pytest.raises(ValueError, match="nosuchthing is allowed in this assignment, but"):
            _mounts.mounts(Sandbox(**allowed))


class TestCommand:
    def line(self):
        return sandbox.command(BARE, Limits(total=7), 5, sockets={1: 50}, files={"/course/.x": 51}, info=52, block=53)

    @needs_sandbox
    def test_everything_is_unshared(self):
        line = self.line()
        assert {"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--clearenv"} <= set(line)
        assert {"--die-with-parent", "--new-session"} <= set(line)
        assert json.loads(line[-1])["limits"]["cpu"] == 8

    @needs_sandbox
    @pytest.mark.parametrize("root", [True, False])
    def test_a_zygote_may_make_namespaces_for_others(self, monkeypatch, root):
        monkeypatch.setattr(sandbox, "privileged", lambda: root)
        line = sandbox.zygote_command(BARE, control=50, files={"/course/.x": 51})
        assert {"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--clearenv"} <= set(line)
        assert ("CAP_SYS_ADMIN" in line, "--unshare-user" in line) == (root, not root)
        assert json.loads(line[-1]) == {
            **{"control": 50, "modules": ["numpy"], "scratch": "/scratch"},
            **{"isolated": True, "nested": not root},
        }
        room = line.index("--size")
        assert line[room : room + 6] == ["--size", str(1 << 20), "--perms", "0755", "--tmpfs", "/scratch"]

    @needs_sandbox
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can take on another user id")
    def test_each_kernel_of_root_is_another_user(self):
        users = {json.loads(self.line()[-1])["user"] for _ in range(5)}
        assert len(users) == 5
        assert min(users) >= sandbox.USER_IDS[0]

    @needs_sandbox
    def test_an_ordinary_user_takes_a_user_namespace(self, monkeypatch):
        monkeypatch.setattr(sandbox, "privileged", lambda: False)
        line = self.line()
        assert {"--unshare-user", "--disable-userns"} <= set(line)
        assert json.loads(line[-1])["user"] is None

    def test_limits_are_data(self):
        assert Limits(**dataclasses.asdict(LIMITS)) == LIMITS


@pytest.fixture
def fresh_search():
    sandbox.find_bwrap.cache_clear()
    yield
    sandbox.find_bwrap.cache_clear()


@pytest.mark.usefixtures("fresh_search")
class TestUnavailable:
    def test_no_bubblewrap(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(sys, "platform", "linux")
        with pytest.raises(SandboxUnavailable, match="not installed: sudo apt install bubblewrap"):
            sandbox.find_bwrap()

    def test_an_old_bubblewrap(self, monkeypatch, tmp_path):
        old = tmp_path / "bwrap"
        old.write_text("#!/bin/sh\necho bubblewrap 0.6.1\n")
        old.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(sys, "platform", "linux")
        with pytest.raises(SandboxUnavailable, match=r"bubblewrap 0\.6\.1 is too old"):
            sandbox.find_bwrap()

    def test_not_linux(self, monkeypatch):
        monkeypatch.setattr(sys, "platform", "darwin")
        with pytest.raises(SandboxUnavailable, match="needs Linux, and this is darwin"):
            sandbox.find_bwrap()

    @pytest.mark.parametrize(
        ("setting", "value", "remedy"),
        [
            ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor .* sudo sysctl -w kernel.apparmor"),
            ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
            ("user/max_user_namespaces", "0", "user.max_user_namespaces="),
        ],
    )
    def test_why_not(self, monkeypatch, tmp_path, setting, value, remedy):
        monkeypatch.setattr(sandbox, "privileged", lambda: False)
        file = tmp_path / "proc/sys" / setting
        file.parent.mkdir(parents=True)
        file.write_text(f"{value}\n")
        assert re.search(remedy, sandbox.why_not(tmp_path))

    def test_why_not_in_a_container(self, tmp_path):
        (tmp_path / ".dockerenv").touch()
        assert "--security-opt" in sandbox.why_not(tmp_path)


GRADER = f"""
import sys
sys.path[:0] = [{str(COURSE.parent)!r}, {str(Path(__file__).parent)!r}]
from kernels import *
from coursekit.grading import doctor, execute, zygote
assert not room.privileged()
print(repr(zygote.why_not()))
print([each.line() for each in doctor.report() if not each.on])
cells = [answer("g = 1"), check("send(g)"), check("while True: pass"), answer("h = 2"), check("send(h)")]
cells += [check("send([os.getuid(), attempt(lambda: open('/proc/sys/user/max_user_namespaces').read())])")]
for warm in (True, False):
    runs = execute.run(notebook(*cells), sandbox=BARE, seed=1, limits=SHORT, warm=warm)
    print([(one.status, values(one)) for one in runs])
"""


@needs_sandbox
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_grades_as_well():
    """With the system's own Python, for the one that runs this may stand in root's home."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        made = subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder], check=False)
        packages = ["ipykernel", "numpy<2.5", "nbval==0.11", "pytest", "nbformat", "click"]
        python = f"{folder}/bin/python"
        if made.returncode != 0:
            pytest.skip("the system has no Python of its own that makes environments")
        subprocess.run([sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python, *packages], check=True)
        result = subprocess.run(
            [python, "-c", GRADER],
            cwd="/var/tmp",
            env={"PATH": "/usr/bin:/bin", "HOME": "/var/tmp", "PYTHONPATH": str(COURSE.parent)},
            user=54_321,
            group=54_321,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    [warm_fault, off, warm, cold] = result.stdout.splitlines() or [result.stderr] * 4
    assert warm_fault == "''"  # or this test would not be about warm kernels
    assert [line for line in eval(off) if "(not needed)" not in line] == []
    expected = [("ran", [1]), ("timeout", []), ("ran", [2])]
    assert eval(warm) == [*expected, ("ran", [[1000, "'0\\n'"]])]
    assert eval(cold)[:3] == expected
