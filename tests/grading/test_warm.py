"""Warm kernels: forked one after the other from one process, and as far from each other as if started afresh."""

import contextlib
import os
import shutil
import signal
import threading
import time
from dataclasses import asdict, replace

import psutil
import pytest
from kernels import BARE, SHORT, answer, check, needs_sandbox, notebook, values
from small_source import write_small_source

from coursekit.grading import execute, zygote
from coursekit.grading.execute import run
from coursekit.grading.sandbox import Sandbox
from coursekit.grading.zygote import Zygote, ZygoteError

pytestmark = needs_sandbox


def sent(source, *, warm=True, seed=7, sandbox=BARE, limits=SHORT):
    """What a check cell sends in a kernel of its own."""
    [one] = run(notebook(check(source)), sandbox=sandbox, seed=seed, limits=limits, warm=warm)
    assert one.status == "ran"
    return values(one)


def zygotes():
    """Processes in sandboxes that fork kernels: children of bubblewrap; kernels have the same command line."""
    found = []
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if each.cmdline()[-2].endswith("_zygote.py") and each.parent().name() == "bwrap" != each.name():
                found.append(each)
    return found


def test_one_process_forks_all_kernels():
    sent("send(1)")
    before = zygotes()
    sent("send(2)", seed=8)
    assert len(before) >= 1
    assert zygotes() == before


STATE = """
import resource, signal, socket
def descriptors():
    kinds = {}
    for number in range(300):
        try:
            kinds[number] = oct(os.fstat(number).st_mode)
        except OSError:
            pass
    return len(kinds), sorted(kinds.values())
def status(name):
    return [line.split()[1:] for line in open("/proc/self/status") if line.startswith(name)]
send({
    "descriptors": descriptors(),
    "limits": [
        resource.getrlimit(getattr(resource, name))
        for name in sorted(dir(resource)) if name[:7] == "RLIMIT_" and name != "RLIMIT_AS"
    ],
    "address": resource.getrlimit(resource.RLIMIT_AS),
    "environment": dict(os.environ),
    "capabilities": [status(name) for name in ("Cap", "NoNewPrivs", "Seccomp", "Groups")],
    "signals": [status(name) for name in ("SigBlk", "SigIgn", "SigCgt")],
    "pid": os.getpid(),
    "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
    "folders": (os.getcwd(), os.listdir("/"), os.listdir("/scratch"), os.listdir("/dev")),
    "argv": len(sys.argv),
    "path": sys.path,
    "host": socket.gethostname(),
    "interfaces": socket.if_nameindex(),
    "switches": (sys.flags.no_user_site, sys.flags.safe_path, sys.flags.hash_randomization, hash("x")),
})
"""


def test_a_warm_kernel_finds_what_a_cold_one_does():
    [warm], [cold] = sent(STATE), sent(STATE, warm=False)
    both = [each.pop("address") for each in (warm, cold)]  # beside what has been imported, which differs a little
    assert all(SHORT.memory <= soft == hard < SHORT.memory + (1 << 30) for soft, hard in both)
    assert warm == cold


TORCH = """
import torch
image = torch.ones(1, 2, 5, 5, requires_grad=True)
torch.nn.functional.conv2d(image, torch.ones(3, 2, 3, 3)).sum().backward()
send([
    image.grad[0, 0].tolist(),
    torch.get_num_threads(),
    attempt(lambda: bytes(2 << 30)),
    attempt(lambda: torch.ones(1 << 29).sum())[:12],
    attempt(lambda: torch.ones(1 << 27).sum()),
    attempt(lambda: torch.optim.SGD([image], 0.5).step()),
    image[0, 0, 0].tolist(),
])
"""


@pytest.mark.slow
@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_pytorch_runs_within_the_usual_memory(warm):
    [found] = sent(TORCH, warm=warm, sandbox=Sandbox(("numpy", "torch"), ()), limits=replace(SHORT, cell=20))
    gradient = [[a * b for b in (3, 6, 9, 6, 3)] for a in (1, 2, 3, 2, 1)]
    too_much = ["MemoryError: ", "RuntimeError"]
    stepped = [1 - 0.5 * slope for slope in gradient[0]]
    assert found == [gradient, 1, *too_much, "tensor(1.3422e+08)", "None", stepped]


RANDOM = "import random, uuid\nsend([random.random(), np.random.random(), str(uuid.uuid4()), os.urandom(4).hex()])"


def test_random_numbers_differ_between_kernels():
    [first], [second] = sent(RANDOM), sent(RANDOM)
    assert not set(first) & set(second)


def test_the_seed_of_the_checks_is_the_submissions_own():
    source = 'from coursekit.check import check\ncheck("99.q1", lambda rng: rng.normal(size=2))'

    def numbers(seed, warm):
        [one] = run(notebook(check(source)), sandbox=Sandbox(), seed=seed, limits=SHORT, warm=warm)
        return one.messages[0]["cases"]

    assert numbers(1, True) == numbers(1, False) != numbers(2, True)


LEAVE = """
import ctypes, socket, threading
kept = ["MARK" + "er of the one before"] * 1000
open("/scratch/MARKER", "w").write("MARKER")
os.environ["MARKER"] = sys.modules["MARKER"] = "MARKER"
np.MARKER = os.MARKER = "MARKER"
abstract = socket.socket(socket.AF_UNIX); abstract.bind("\\0MARKER"); abstract.listen()
loopback = socket.create_server(("127.0.0.1", 4711))
libc = ctypes.CDLL(None, use_errno=True)
tried = {
    "shm": attempt(lambda: open("/dev/shm/MARKER", "w")),
    "sysv": libc.shmget(4711, 4096, 0o1666),
    "queue": libc.mq_open(b"/MARKER", os.O_CREAT | os.O_RDWR, 0o666, None),
    "host": libc.sethostname(b"MARKER", 6),
    "priority": attempt(lambda: os.setpriority(os.PRIO_PROCESS, 1, 19)),
    "memory": attempt(lambda: open("/proc/1/mem", "r+b")),
    "trace": libc.ptrace(16, 1, 0, 0),
    "descriptors": [attempt(lambda: os.listdir(f"/proc/{pid}/fd")) for pid in (1, os.getppid())],
}
if os.fork() == 0:  # outlives its parent, if it can
    os.setsid()
    for number in (1, 2, 15):
        __import__("signal").signal(number, __import__("signal").SIG_IGN)
    time.sleep(600)
for pid in (1, 0, -1):
    for number in (18, 28):  # that end nobody, but would reach whoever there is
        attempt(lambda: os.kill(pid, number))
attempt(lambda: os.kill(1, 9))
attempt(lambda: os.kill(os.getppid(), 9))
send(tried)
"""
LOOK = """
import gc, socket
def reached(family, address):
    with socket.socket(family) as probe:
        return attempt(lambda: probe.connect(address)).split(":")[0]
everything = [each for each in gc.get_objects() if type(each) in (dict, list)]
send({
    "scratch": [name for name in os.listdir("/scratch") if not name.startswith(".")],
    "shm": os.listdir("/dev/shm"),
    "processes": [open(f"/proc/{name}/cmdline").read()[-10:] for name in os.listdir("/proc") if name.isdigit()][2:],
    "abstract": [line for line in open("/proc/net/unix") if "MARK" in line],
    "sockets": [reached(socket.AF_UNIX, "\\0MARK" "ER"), reached(socket.AF_INET, ("127.0.0.1", 4711))],
    "sysv": open("/proc/sysvipc/shm").read().count("\\n"),
    "host": socket.gethostname(),
    "python": [name for thing in (os.environ, sys.modules, vars(np), vars(os)) for name in thing if "MARKE" in name],
    "objects": sum("MARKER of the one before" in each for each in everything if type(each) is list),
})
"""


@pytest.mark.parametrize("warm", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["warm", "cold"])
def test_a_kernel_neither_sees_nor_harms_the_next(warm):
    sent("send(1)")
    before = zygotes()
    [tried] = sent(LEAVE, warm=warm)
    assert tried["shm"].startswith("OSError: [Errno 30]")
    assert (tried["sysv"], tried["queue"], tried["host"], tried["trace"]) == (-1, -1, -1, -1)
    assert tried["memory"].startswith(("PermissionError", "FileNotFoundError"))
    assert all(each.startswith(("PermissionError", "FileNotFoundError")) for each in tried["descriptors"])
    [seen] = sent(LOOK, warm=warm)
    assert seen == {
        **{key: [] for key in ("scratch", "shm", "processes", "abstract", "python")},
        "sockets": ["ConnectionRefusedError", "ConnectionRefusedError"],
        "sysv": 1,  # a line of headings
        "host": "sandbox",
        "objects": 0,
    }
    assert zygotes() == before
    assert all(each.nice() == os.getpriority(os.PRIO_PROCESS, 0) for each in before)


@pytest.mark.parametrize("warm", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["warm", "cold"])
def test_the_scratch_folder_is_bounded_each_time_anew(warm):
    fill = "send(attempt(lambda: [open(f'/scratch/{i}', 'wb').write(bytes(1 << 20)) for i in range(80)])[:40])"
    for _ in range(2):
        assert sent(fill, warm=warm) == ["OSError: [Errno 28] No space left on dev"]


def test_files_are_counted():
    many = "send(attempt(lambda: [open(f'/scratch/{i}', 'w').close() for i in range(11_000)])[:18])"
    assert sent(many) == ["OSError: [Errno 28]"[:18]]


class TestFaults:
    """Of ours: nobody loses points by them."""

    @pytest.mark.slow
    def test_a_zygote_that_is_killed_takes_no_points_along(self):
        found = []
        cells = notebook(answer("g = 1"), check("time.sleep(1.5)\nsend(g)"), check("send(2)"))
        sent("send(1)")
        grader = threading.Thread(target=lambda: found.extend(run(cells, sandbox=BARE, seed=7, limits=SHORT)))
        before = zygotes()
        grader.start()
        time.sleep(0.8)
        for each in before:
            each.send_signal(signal.SIGKILL)
        grader.join(30)
        assert [(one.status, values(one)) for one in found] == [("ran", [1]), ("ran", [2])]
        assert sent("send(3)") == [3]
        assert not set(before) & set(zygotes())

    @pytest.mark.slow
    def test_where_no_zygote_can_be_kernels_are_cold(self, monkeypatch, tmp_path):
        real = shutil.which("bwrap")
        picky = tmp_path / "bwrap"
        # as where an ordinary program in a user namespace gets no capabilities: AppArmor on Ubuntu sees to that
        refuses = 'case "$*" in *"-P /course/.boot/_zygote.py"*) echo refused >&2; exit 1;; esac'
        picky.write_text(f'#!/bin/sh\n{refuses}\nexec {real} "$@"\n')
        picky.chmod(0o755)
        execute._close_workers()
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        try:
            assert sent("send(1)") == [1]
            assert zygotes() == []
        finally:
            execute._close_workers()

    def test_why_there_is_none_is_said(self, monkeypatch):
        monkeypatch.setattr(zygote.room, "zygote_command", lambda *_, **__: ["/bin/sh", "-c", "echo no room >&2"])
        with pytest.raises(ZygoteError, match="no warm kernels here: no room"):
            Zygote(BARE)

    def test_an_import_that_starts_threads_is_refused(self, monkeypatch, tmp_path):
        (tmp_path / "busy.py").write_text(
            "import threading, time\nthreading.Thread(target=time.sleep, args=[9], daemon=True).start()"
        )
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        orders = zygote.room.zygote_orders(None, 0)
        with pytest.raises(ZygoteError, match="2 threads run after the import"):
            _PlainWith(orders.replace('"numpy"', '"busy"'))


class _PlainWith(Zygote):
    """A zygote without a sandbox, with orders of the test's own."""

    def __init__(self, orders):
        self.orders = orders
        super().__init__(None)

    def _command(self, control, stub):
        *line, _ = super()._command(control, stub)
        return [*line, self.orders.replace('"control": 0', f'"control": {control}')]


@pytest.mark.slow
def test_without_a_sandbox_kernels_are_warm_as_well():
    [one] = run(notebook(check("send(os.getcwd())")), sandbox=None, seed=7, limits=SHORT)
    [folder] = values(one)
    assert "ck-" in folder
    assert not os.path.exists(folder)


@pytest.mark.slow
def test_cold_and_warm_give_the_same_grades(tmp_path):
    from coursekit.grading.run import grade_folder
    from coursekit.grading.sample import write_sample_class

    write_small_source(tmp_path)
    deserved = write_sample_class(tmp_path / "in", tmp_path / "solutions" / "99_small.ipynb")
    found = []
    for warm in (True, False):
        options = {"root": tmp_path, "seed": 11, "timeout": 3.0, "total": 60.0, "warm": warm}
        summary = grade_folder(tmp_path / "in", "99", tmp_path / f"out-{warm}", **options)
        found.append({line.student: asdict(line.grade) for line in summary.lines})
    assert found[0] == found[1]
    assert {name: grade["points"] for name, grade in found[0].items()} == {
        name: pytest.approx(each.points) for name, each in deserved.items()
    }
