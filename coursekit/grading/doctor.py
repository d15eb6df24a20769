"""Which protections hold on this machine, found out by trying each, and what to do about one that does not."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

# What runs inside a sandboxed kernel: it tries what a submission must not be able to do, and says how far it came.
PROBE = """
import errno, os, signal, socket
from IPython.display import display

def attempt(action):
    try:
        action()
        return "done"
    except Exception as error:
        return type(error).__name__ + " " + errno.errorcode.get(getattr(error, "errno", None), "")

def fill():
    with open("fill", "wb") as file:
        for _ in range(4 * SCRATCH >> 20):
            file.write(bytes(1 << 20))

def fork():
    children = []
    try:
        for _ in range(2 * PROCESSES):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)

status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines() if ":" in line)
tried = {
    "connect": attempt(lambda: socket.create_connection(("192.0.2.1", 80), timeout=1)),
    "read": [path for path in PATHS if os.path.exists(path)],
    "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
    "write": [path for path in ("/", "/tmp", "/usr/lib", "/dev", "/dev/shm", "/course") if os.access(path, os.W_OK)],
    "fill": attempt(fill),
    "memory": attempt(lambda: bytearray(2 * MEMORY)),
    "fork": attempt(fork),
    "uid": os.getuid(),
    "capabilities": [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "seccomp": status.get("Seccomp", "0").strip(),
    "import": attempt(lambda: __import__("scipy")),
}
display({"application/vnd.coursekit.check+json": tried, "text/plain": ""}, raw=True)
"""


@dataclass(frozen=True)
class Protection:
    """One protection: whether it holds here, else why not and what to do. Some are welcome, but not needed."""

    name: str
    on: bool
    cause: str = ""
    remedy: str = ""
    needed: bool = True

    def line(self) -> str:
        """A line for the terminal."""
        if self.on:
            return f"on   {self.name}"
        return f"OFF  {self.name}{'' if self.needed else ' (not needed)'}: {self.cause}. {self.remedy}".rstrip()


# protection -> what bubblewrap must be able to do for it
FEATURES = {
    "the kernel sees only files that we choose (mount namespace)": [],
    "no other processes in sight (process namespace)": ["--unshare-pid", "--proc", "/proc"],
    "no network (network namespace)": ["--unshare-net"],
    "no shared memory with others (IPC namespace)": ["--unshare-ipc"],
    "a host name of its own (UTS namespace)": ["--unshare-uts"],
}
EXPECTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "connecting to anywhere fails": lambda tried: tried["connect"] != "done",
    "passwords, keys and the course's repository cannot be read": lambda tried: tried["read"] == [],
    "only the kernel's own processes can be seen": lambda tried: tried["processes"] < 10,
    "nothing but the scratch folder can be written to": lambda tried: tried["write"] == [],
    "the scratch folder is bounded": lambda tried: tried["fill"].endswith(("ENOSPC", "EFBIG")),
    "memory is bounded": lambda tried: tried["memory"].startswith("MemoryError"),
    "the number of processes is bounded": lambda tried: tried["fork"].endswith("EAGAIN"),
    "the kernel is not root, and has no capability": lambda tried: tried["uid"] != 0 and not any(tried["capabilities"]),
    "no program can give it more rights": lambda tried: tried["no_new_privileges"] == "1",
    "packages that an assignment does not allow are not there": lambda tried: tried["import"].startswith("ModuleNotF"),
}


def report() -> list[Protection]:
    """Try each protection.

    Returns
    -------
    list of Protection
        Untrusted notebooks are safe to grade where all that are needed are on.
    """
    from coursekit.grading.sandbox import SandboxUnavailable, find_bwrap

    try:
        bwrap = find_bwrap()
    except SandboxUnavailable as error:
        cause, _, remedy = str(error).partition(": ")
        return [Protection("bubblewrap", False, cause, remedy)]
    found = [Protection("bubblewrap", True), *_features(bwrap)]
    if all(each.on for each in found):
        found += _tried()
    return found


def _features(bwrap: str) -> Iterator[Protection]:
    """Start bubblewrap with each feature by itself."""
    from coursekit.grading.sandbox import privileged, why_not

    user = [] if privileged() else ["--unshare-user"]
    for name, options in FEATURES.items():
        line = [
            bwrap,
            *user,
            *options,
            "--die-with-parent",
            "--ro-bind",
            "/",
            "/",
            "--",
            shutil.which("true") or "true",
        ]
        result = subprocess.run(line, capture_output=True, text=True, check=False)
        words = result.stderr.strip().splitlines()[-1:] or [f"bubblewrap ended with {result.returncode}"]
        yield Protection(name, True) if result.returncode == 0 else Protection(name, False, words[0], f"{why_not()}.")


def _tried() -> list[Protection]:
    """Run the probe in sandboxes like a submission's, warm and cold, and see how far it came."""
    from coursekit.grading.execute import ExecutionError
    from coursekit.grading.sandbox import SandboxUnavailable

    try:
        tried = [probe(warm=warm) for warm in (True, False)]
    except (SandboxUnavailable, ExecutionError, ValueError) as error:
        return [Protection("a kernel in the sandbox", False, str(error))]
    if None in tried:
        return [Protection("a kernel in the sandbox", False, "it starts, but does not run what it is given")]
    found = [Protection("a kernel in the sandbox", True)]
    for name, holds in EXPECTED.items():
        remedy = "Do not grade notebooks of strangers here; please report it."
        too_far = [each for each in tried if not holds(each)]
        found.append(Protection(name, not too_far, f"a kernel that tried found {too_far}", remedy))
    cause = f"seccomp is not there, or this machine ({sys.platform}) is not known"
    found.append(Protection("system calls are filtered", tried[0]["seccomp"] == "2", cause, needed=False))
    return [*found, *_welcome()]


def _welcome() -> Iterator[Protection]:
    """What makes grading faster or limits sharper, and is not needed."""
    from coursekit.grading import cgroup, zygote

    cause = "there may be no control group with limits here, so memory is watched from outside, a few times a second"
    remedy = "With systemd: systemd-run --user --scope coursekit grade ..."
    name = "a kernel and its children share one limit on memory and processes (cgroup)"
    yield Protection(name, bool(cgroup.usable()), cause, remedy, needed=False)
    words = zygote.why_not()
    remedy = "Each kernel is started afresh, which takes about a second more."
    yield Protection("kernels start warm", not words, words, remedy, needed=False)


def probe(*, warm: bool) -> dict[str, Any] | None:
    """What a sandboxed kernel says that it could do; None if it says nothing."""
    from pathlib import Path

    from nbformat.v4 import new_code_cell, new_notebook

    import coursekit
    from coursekit.grading.execute import run
    from coursekit.grading.sandbox import Limits, Sandbox

    limits = Limits(cell=20, total=60, memory=1 << 30)
    root = Path(coursekit.__file__).parent
    paths = [
        "/etc/shadow",
        "/etc/passwd",
        "/bin/sh",
        *map(str, (root, root.parent / "solutions", Path.home() / ".ssh")),
    ]
    head = f"PATHS, SCRATCH, MEMORY, PROCESSES = {paths}, {limits.scratch}, {limits.memory}, {limits.processes}"
    cell = new_code_cell(head + PROBE, metadata={"nbgrader": {"grade": True}})
    sandbox = Sandbox(packages=(), modules=())
    [result] = run(new_notebook(cells=[cell]), sandbox=sandbox, seed=0, limits=limits, warm=warm)
    return result.messages[0] if result.messages else None


@click.command("doctor")
def doctor_command() -> None:
    """Say which protections hold on this machine; end with 0 if it is safe to grade notebooks of strangers."""
    found = report()
    for each in found:
        click.echo(each.line())
    safe = all(each.on for each in found if each.needed)
    click.echo(
        "Notebooks of strangers can be graded here."
        if safe
        else "Do NOT grade notebooks of strangers here. coursekit grade --no-sandbox is for notebooks that you trust."
    )
    sys.exit(0 if safe else 1)
