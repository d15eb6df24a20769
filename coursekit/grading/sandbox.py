"""The room in which a submission's kernel runs: what it may use, and bubblewrap's command line for it.

The kernel gets namespaces of its own (mounts, processes, network, IPC, host name), so there is no network and no other
process to be seen. The system is read-only and holds what `coursekit.grading._mounts` names and nothing else: neither
the course's repository nor anybody's home. The one writable place is a scratch folder in memory. The kernel's sockets
are made outside and handed in open, so that not even their folder is there. Before the kernel starts,
`coursekit.grading._boot` sets its limits, gives up root and every capability, and sets a seccomp filter.

A cold kernel has a bubblewrap of its own. Warm ones share one, in which `coursekit.grading._zygote` is at home: it
forks them, and each takes namespaces of its own once more, before it gives up the right to.

What is NOT here: the address-space limit holds per process; `coursekit.grading.cgroup` sets one for all together, and
where it cannot, `coursekit.grading.provisioner` watches the sum from outside, a few times a second. The seccomp filter
names what is refused, not what is allowed. Linux only.
"""

import contextlib
import functools
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SCRATCH = "/scratch"
COURSE = "/course"  # the stubs, and the allowed modules of coursekit
LATER = {"torch": ("torch._dynamo",)}  # what a package imports only when it is used; PyTorch's first optimiser, seconds
BOOT, ZYGOTE = f"{COURSE}/.boot/_boot.py", f"{COURSE}/.boot/_zygote.py"
CONNECTION = f"{COURSE}/.kernel.json"
OLDEST = (0, 8)  # the first bubblewrap with --disable-userns; --size came with 0.7
USER_IDS = (1 << 20, 1 << 30)  # a range in which no system hands out user ids
REMEDY = "sudo apt install bubblewrap (Fedora: sudo dnf install bubblewrap)"

SWITCHES = (  # system settings, the value that forbids user namespaces, and what to say
    (
        "kernel.apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps user namespaces from programs without a profile, as Ubuntu does since 24.04: sudo sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0, or install AppArmor's profile bwrap-userns-restrict",
    ),
    (
        "kernel.unprivileged_userns_clone",
        "0",
        "user namespaces are off: sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    ("user.max_user_namespaces", "0", "user namespaces are off: sudo sysctl -w user.max_user_namespaces=10000"),
)


class SandboxUnavailable(Exception):
    """Why no kernel can be locked in here, and what to do about it."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds, bytes and counts.

    ``cell`` and ``total`` are wall time, for a cell and for the whole submission from the first kernel's start;
    ``start`` is for a kernel to come up; ``grace`` is what an interrupted cell gets to end by itself.
    """

    cell: float = 30.0
    total: float = 300.0
    start: float = 60.0
    grace: float = 2.0
    cpu: int = 0  # seconds of a process; 0: as many as total
    memory: int = 2 << 30  # what a process can take beside its libraries, and resident memory of all together
    processes: int = 64  # threads count too
    file_size: int = 64 << 20
    scratch: int = 64 << 20
    files: int = 10_000  # in the scratch folder; in a cold kernel as many as fit
    open_files: int = 256
    message: int = 4 << 20  # bytes; a larger one ends the kernel
    output: int = 16 << 20  # bytes in a cell
    output_total: int = 128 << 20
    messages: int = 5000  # in a cell


@dataclass(frozen=True)
class Sandbox:
    """What an assignment allows: packages by the name they are imported with, modules of coursekit by theirs."""

    packages: tuple[str, ...] = ("numpy",)
    modules: tuple[str, ...] = ("coursekit.check",)

    def __post_init__(self) -> None:
        # lists come from a notebook's metadata; tuples make the sandbox a key of the mounts' cache
        object.__setattr__(self, "packages", tuple(self.packages))
        object.__setattr__(self, "modules", tuple(self.modules))


def environment(seed: int, scratch: str | os.PathLike[str]) -> dict[str, str]:
    """Variables that a grading kernel has, in a sandbox or not.

    Hashes are fixed so that sets come in the same order in every run. One thread: OpenBLAS would start one per core,
    and they count as processes.
    """
    folders = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")
    return {
        "COURSEKIT_CHECK_MODE": "send",
        "COURSEKIT_CHECK_SEED": str(seed),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(scratch),
        **{name: f"{scratch}/.{name.lower()}" for name in folders},
    }


def inherited() -> dict[str, str]:
    """Variables of ours that a kernel without a sandbox has, too."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COURSEKIT_", "PYTEST_"))}


def privileged() -> bool:
    """Whether we are root with a right to mount: then the kernel gets a random user id, else a user namespace."""
    if os.geteuid() != 0:
        return False
    held = re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    sys_admin = 21
    return bool(held and int(held[1], 16) >> sys_admin & 1)


@functools.cache
def find_bwrap() -> str:
    """Where bubblewrap is.

    Raises
    ------
    SandboxUnavailable
        If this is not Linux, or bubblewrap is missing or too old.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxUnavailable(
            f"a sandbox needs Linux, and this is {sys.platform}: grade on Linux (a virtual machine, or WSL on Windows)"
        )
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxUnavailable(f"bubblewrap (bwrap) is not installed: {REMEDY}")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
        raise SandboxUnavailable(f"{said.strip() or path} is too old: {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return path


def why_not(system: Path = Path("/")) -> str:
    """Why bubblewrap cannot make namespaces, and what to do, in a sentence.

    Parameters
    ----------
    system : Path
        The root folder, in which the system's settings are looked up.
    """
    for name, closed, sentence in SWITCHES:
        setting = system / "proc/sys" / name.replace(".", "/")
        with contextlib.suppress(OSError):
            if setting.read_text().strip() == closed and not privileged():
                return sentence
    if any((system / mark).exists() for mark in (".dockerenv", "run/.containerenv")):
        return (
            "this container may not make namespaces: start it with --cap-add SYS_ADMIN and --security-opt for each of "
            "seccomp=unconfined, apparmor=unconfined and systempaths=unconfined, or grade outside a container"
        )
    return "this system gives processes no namespaces of their own: grade on another one, such as a virtual machine"


def unavailable(words: str) -> SandboxUnavailable:
    """The exception for a bubblewrap that gave up with these words."""
    return SandboxUnavailable(f"bubblewrap cannot make a sandbox ({words}): {why_not()}")


def isolation(*, forks: bool = False) -> list[str]:
    """List bubblewrap's options that cut the kernel off, whatever is mounted.

    Parameters
    ----------
    forks : bool
        For a zygote: it may make namespaces and mounts for its children, who cannot any more.
    """
    options = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    options += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox", "--cap-drop", "ALL"]
    if privileged():  # to give up the rest, and in a zygote's children these, too
        for capability in ("SETUID", "SETGID", "SETPCAP", *(["SYS_ADMIN", "NET_ADMIN"] if forks else [])):
            options += ["--cap-add", f"CAP_{capability}"]
        return options
    if forks:  # root of its user namespace; its children take another one inside, in which they are not
        return [*options, "--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"]
    return [*options, "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]


def command(
    sandbox: Sandbox,
    limits: Limits,
    seed: int,
    *,
    sockets: Mapping[int, int],
    files: Mapping[str, int],
    info: int,
    block: int,
) -> list[str]:
    """Write bubblewrap's command line for one kernel.

    Parameters
    ----------
    sockets : mapping of int to int
        The kernel's ports, as its connection has them -> descriptors of sockets that listen already.
    files : mapping of str to int
        Paths inside -> descriptors from which bubblewrap copies their content.
    info, block : int
        Descriptors: to the one bubblewrap writes the process id of the first process inside, and that waits for a byte
        from the other.

    Raises
    ------
    SandboxUnavailable
        As `find_bwrap`.
    ValueError
        If the assignment allows what is not installed here.
    """
    options = [find_bwrap(), *isolation(), "--info-fd", str(info), "--block-fd", str(block)]
    options += _inside(sandbox, seed, files)
    options += ["--size", str(limits.scratch), "--perms", "1777", "--tmpfs", SCRATCH, "--remount-ro", "/"]
    orders = {**child_orders(limits), "modules": sandbox.packages, "sockets": sockets, "connection": CONNECTION}
    return [*options, "--chdir", SCRATCH, "--", *_python(BOOT), json.dumps(orders)]


def zygote_command(sandbox: Sandbox, *, control: int, files: Mapping[str, int]) -> list[str]:
    """Write bubblewrap's command line for a zygote.

    Parameters
    ----------
    control : int
        Descriptor of the socket by which it is asked for kernels.
    files : mapping of str to int
        As for `command`.

    Raises
    ------
    SandboxUnavailable, ValueError
        As `command`.
    """
    options = [find_bwrap(), *isolation(forks=True), *_inside(sandbox, 0, files)]
    # some imports want a folder for temporary files; no kernel sees this one, for each mounts its own in its place
    options += ["--size", str(1 << 20), "--perms", "0755", "--tmpfs", SCRATCH, "--remount-ro", "/", "--"]
    return [*options, *_python(ZYGOTE), zygote_orders(sandbox, control)]


def zygote_orders(sandbox: Sandbox | None, control: int) -> str:
    """What a zygote is told when it starts."""
    modules = [*sandbox.packages, *sandbox.modules] if sandbox is not None else ["numpy", "coursekit.check"]
    modules += [each for name in modules for each in LATER.get(name, ())]
    orders = {"control": control, "modules": modules, "scratch": SCRATCH}
    isolated = sandbox is not None
    return json.dumps({**orders, "isolated": isolated, "nested": isolated and not privileged()})


def child_orders(limits: Limits) -> dict[str, Any]:
    """What a kernel is told about who it is and what it may use: it can import nothing of ours."""
    user = USER_IDS[0] + secrets.randbelow(USER_IDS[1] - USER_IDS[0]) if privileged() else None
    values = asdict(limits)
    values["cpu"] = limits.cpu or int(limits.total) + 1
    keep = ("cpu", "memory", "processes", "file_size", "open_files", "scratch", "files")
    return {"user": user, "limits": {name: values[name] for name in keep}}


def _inside(sandbox: Sandbox, seed: int, files: Mapping[str, int]) -> list[str]:
    """What is to be seen inside, but for the scratch folder: files and variables."""
    from coursekit.grading._mounts import mounts, python_path

    options = list(mounts(sandbox))
    for path, descriptor in files.items():
        options += ["--perms", "0444", "--file", str(descriptor), path]
    variables = environment(seed, SCRATCH) | {"PYTHONPATH": python_path(sandbox)}
    variables |= {"HOME": SCRATCH, "USER": "student", "LOGNAME": "student", "LANG": "C.UTF-8", "PATH": ""}
    for name, value in variables.items():
        options += ["--setenv", name, value]
    return options


def _python(program: str) -> list[str]:
    from coursekit.grading._mounts import PYTHON

    return [PYTHON, "-s", "-P", program]
