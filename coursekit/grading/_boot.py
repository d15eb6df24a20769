"""The first thing that runs inside the sandbox: it sets limits, gives up every privilege, and becomes the kernel.

It is mounted as a single file, beside `_zygote`, and imports nothing of coursekit. Nothing untrusted has run when it
starts.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import struct
import sys
from typing import Any

# what a kernel imports, some of it only when it starts or runs its first cell
MODULES = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.debugger", "IPython.core.completerlib", "pdb"),
    *("IPython.core.debugger", "IPython.core.debugger_backport", "IPython.core.logger", "IPython.core.oinspect"),
    *("IPython.extensions.storemagic", "IPython.utils.wildcard", "tornado.queues", "tornado.platform.asyncio"),
    *("faulthandler", "unicodedata"),
)

PR_SET_SECCOMP, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 22, 23, 24, 38
CAPABILITY_VERSION = 0x20080522

# machine -> its number for audit, and the numbers of clone and socket
MACHINES = {"x86_64": (0xC000003E, 56, 41), "aarch64": (0xC00000B7, 220, 198)}
CLONE3 = 435
# System calls that no notebook needs: to make namespaces and mounts, to look into other processes, to hold memory that
# is no process's own, and parts of the kernel in which holes have been found again and again.
REFUSED = {
    "x86_64": (
        *(29, 64, 68, 101, 103, 154, 155, 161, 163, 165, 166, 167, 168, 169, 175, 176, 179, 240, 246, 248, 249, 250),
        *(206, 207, 208, 209, 210, 272, 298, 303, 304, 308, 310, 311, 312, 313, 319, 320, 321, 323),
    ),
    "aarch64": (
        *(0, 1, 2, 3, 4, 39, 40, 41, 51, 60, 89, 97, 104, 105, 106, 116, 117, 142, 180, 186, 190, 194, 217, 218, 219),
        *(224, 225, 241, 264, 265, 268, 270, 271, 272, 273, 279, 280, 282, 294),
    ),
}
REFUSED_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 447)  # io_uring, mounts, pidfd_getfd, …
NAMESPACES = 0x7E020000  # clone's flags for new ones
FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK; AF_VSOCK would reach out of any network namespace
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026


def preload(modules: list[str]) -> None:
    """Import what every kernel will; what cannot be imported is left to the notebook that asks for it."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def set_limits(limits: dict[str, int]) -> None:
    """Set the limits of this process and of all that it starts, for good; what it has imported does not count."""
    values = {
        "RLIMIT_AS": limits["memory"] + _mapped(),
        "RLIMIT_NPROC": limits["processes"],
        "RLIMIT_FSIZE": limits["file_size"],
        "RLIMIT_CPU": limits["cpu"],
        "RLIMIT_NOFILE": limits["open_files"],
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
    }
    for name, value in values.items():
        resource.setrlimit(getattr(resource, name), (value, value))
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # should the machine run out of memory, we go first


def _mapped() -> int:
    """Bytes of address space without memory behind them: libraries are mapped whole, PyTorch's with gigabytes."""
    with open("/proc/self/statm") as file:
        size, resident, *_ = map(int, file.read().split())
    return (size - resident) * resource.getpagesize()


def drop_privileges(user: int | None) -> None:
    """Become that user, if there are others to become, with no way back to any capability."""
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while (bounded := libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0:
        if bounded:
            _check(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
        capability += 1
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _check(libc.capset(struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24)))
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "the sandbox could not give up its privileges")


def filter_calls() -> None:
    """Refuse some system calls, where this machine's numbers are known and its system can."""
    machine = os.uname().machine
    if machine not in MACHINES:
        return
    program = b"".join(struct.pack("HBBI", *line) for line in _program(machine))
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    mode_filter = 2
    ctypes.CDLL(None).prctl(PR_SET_SECCOMP, mode_filter, ctypes.create_string_buffer(header), 0, 0)


def _program(machine: str) -> list[tuple[int, int, int, int]]:
    """Berkeley packet filter: operation, lines to skip if true, if false, operand."""
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    audit, clone, socket = MACHINES[machine]
    number, architecture, first_argument = 0, 4, 16  # places in what the filter sees
    lines = [(load, 0, 0, architecture), (equal, 1, 0, audit), (give, 0, 0, EPERM)]
    lines += [(load, 0, 0, number), (at_least, 0, 1, 0x40000000), (give, 0, 0, EPERM)]  # x32, another set of numbers
    for call in (*REFUSED[machine], *REFUSED_EVERYWHERE):
        lines += [(equal, 0, 1, call), (give, 0, 0, EPERM)]
    lines += [(equal, 0, 1, CLONE3), (give, 0, 0, ENOSYS)]  # its flags cannot be seen; libc then takes clone
    lines += [(equal, 0, 4, clone), (load, 0, 0, first_argument), (any_bit, 0, 1, NAMESPACES)]
    lines += [(give, 0, 0, EPERM), (give, 0, 0, ALLOW)]
    lines += [(equal, 0, 2 + len(FAMILIES), socket), (load, 0, 0, first_argument)]
    for left, family in enumerate(reversed(FAMILIES)):
        lines.insert(len(lines) - left, (equal, left + 1, 0, family))
    return [*lines, (give, 0, 0, EPERM), (give, 0, 0, ALLOW)]


def become_kernel(connection: dict[str, Any], sockets: dict[int, int]) -> None:
    """Run ipykernel on sockets that listen already.

    Parameters
    ----------
    connection : dict
        What a connection file holds.
    sockets : dict of int to int
        Its ports -> the descriptors of their sockets.
    """
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    class App(IPKernelApp):
        def init_connection_file(self) -> None:
            self.load_connection_info(connection)

        def write_connection_file(self, **kwargs: Any) -> None:
            """Nobody would read it."""

        def _try_bind_socket(self, socket: Any, port: int) -> int:
            socket.setsockopt(zmq.USE_FD, sockets[port])
            socket.bind("ipc:///none")  # a name it must have, and that nobody looks up
            return port

        def init_shell(self) -> None:
            """Let quit() and exit() do nothing: the kernel would end a moment later, amid a question of its own."""
            super().init_shell()
            self.shell.ask_exit = lambda: None

        def init_heartbeat(self) -> None:
            """Nobody listens for it: the process itself is watched, from outside."""

    # SQLite's history would only fill the scratch folder
    App.launch_instance(argv=["--HistoryManager.enabled=False"])


def main() -> None:
    orders = json.loads(sys.argv[1])
    sys.argv[1:] = []
    preload(orders["modules"])
    set_limits(orders["limits"])
    drop_privileges(orders["user"])
    filter_calls()
    with open(orders["connection"], encoding="utf-8") as file:
        connection = json.load(file)
    become_kernel(connection, {int(port): descriptor for port, descriptor in orders["sockets"].items()})


if __name__ == "__main__":
    main()
