"""Runs inside the sandbox with all imports done, and forks a kernel whenever it is asked for one.

It is trusted: what students write runs in its children, each in namespaces of its own, in which neither this process
nor any other child can be seen or reached. Like `_boot`, which lies beside it, it imports nothing of coursekit's own
but what the assignment allows. Requests come by a socket, with the descriptors that the child is to have.
"""

import contextlib
import ctypes
import fcntl
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any

sys.path.insert(0, os.path.dirname(__file__))
import _boot

del sys.path[0]

NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, PRIVATE = 2, 4, 8, 0x44000  # private for the whole tree of mounts
NEWUSER = 0x10000000
# a user namespace: one user, who is not root there, and no such namespace inside
USER = {
    "self/setgroups": "deny",
    "self/uid_map": "1000 0 1",
    "self/gid_map": "1000 0 1",
    "sys/user/max_user_namespaces": "0",
}
SIOCSIFFLAGS, IFF_UP, PR_SET_PDEATHSIG = 0x8914, 1, 1
LARGEST = 1 << 16  # bytes of a request
DESCRIPTORS = 16  # of a request

libc = ctypes.CDLL(None, use_errno=True)


def preload(modules: list[str]) -> None:
    """Import what every kernel will, and see to it that it can be forked."""
    _boot.preload([*_boot.MODULES, *modules])
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        sys.exit(f"{threads} threads run after the import of {', '.join(modules)}, and a fork would have one")
    gc.collect()
    gc.freeze()


def serve(control: socket.socket, isolated: bool) -> None:
    """Fork a kernel for each request, until the other end is closed."""
    running: dict[int, int] = {}  # a child's descriptor -> its process id
    poller = select.poll()
    poller.register(control, select.POLLIN)
    while True:
        for ready, _ in poller.poll():
            if ready in running:
                poller.unregister(ready)
                os.waitpid(running.pop(ready), 0)
                os.close(ready)
                continue
            message, descriptors, _, _ = socket.recv_fds(control, LARGEST, DESCRIPTORS)
            if not message:
                return
            pid = start(functools.partial(child, json.loads(message), descriptors, isolated), isolated)
            handle = os.pidfd_open(pid)
            running[handle] = pid
            poller.register(handle, select.POLLIN)
            socket.send_fds(control, [b"forked"], [handle])
            for each in descriptors:
                os.close(each)


def start(work: Callable[[], Any], isolated: bool) -> int:
    """Fork a child for some work, the first process of a namespace of its own. Returns its id."""
    if isolated:
        home = os.open("/proc/self/ns/pid", os.O_RDONLY)
        check(libc.unshare(NEWPID))
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc(limit=-1, file=sys.__stderr__)
        finally:
            os._exit(1)
    if isolated:
        check(libc.setns(home, NEWPID))
        os.close(home)
    return pid


def rehearse(scratch: str, nested: bool) -> None:
    """Fail now where a child could not be shut in, so that nobody counts on it."""
    limits = {"scratch": 1 << 20, "files": 10}
    pid = start(functools.partial(separate, scratch, limits, nested), isolated=True)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit("a child cannot be shut in")


def child(order: dict[str, Any], descriptors: list[int], isolated: bool) -> None:
    """Shut the child in, and let it become a kernel."""
    go, errors, *sockets = descriptors
    os.dup2(errors, 2)
    os.setsid()  # a signal to the group would reach the parent
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # where no namespace ends with it
    os.read(go, 1)  # until we are where our memory is counted
    for name in map(int, os.listdir("/proc/self/fd")):
        if name > 2 and name not in sockets:
            with contextlib.suppress(OSError):
                os.close(name)
    if isolated:
        separate(order["scratch"], order["limits"], nested=order["user"] is None)
    os.chdir(order["scratch"])
    if isolated:
        _boot.set_limits(order["limits"])
        _boot.drop_privileges(order["user"])
        _boot.filter_calls()
        first_process()
    renew(order["environment"])
    _boot.become_kernel(order["connection"], dict(zip(order["ports"], sockets, strict=True)))


def separate(scratch: str, limits: dict[str, int], nested: bool) -> None:
    """Take namespaces of our own, with a new scratch folder and a view of our own processes alone."""
    check(libc.unshare(NEWNS | NEWIPC | NEWUTS | NEWCGROUP | NEWNET))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:  # the loopback device is off in a new one
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    mount(None, "/", PRIVATE)
    settings = f"size={limits['scratch']},nr_inodes={limits['files']},mode=1777"
    mount("tmpfs", scratch, NOSUID | NODEV, settings)
    mount("proc", "/proc", NOSUID | NODEV | NOEXEC)
    if nested:
        check(libc.unshare(NEWUSER))
        for name, text in USER.items():
            with open(f"/proc/{name}", "w") as file:
                file.write(text)


def mount(kind: str | None, place: str, flags: int, settings: str = "") -> None:
    name = kind.encode() if kind else None
    check(libc.mount(name, place.encode(), name, ctypes.c_ulong(flags), settings.encode()))


def check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def first_process() -> None:
    """Return in a child. Stay behind as the first process, which no other signal from inside reaches, and end with it.

    It is told from outside to end all others, and waits for them: so the time that they took is counted.
    """
    pid = os.fork()
    if pid == 0:
        return
    signal.signal(signal.SIGTERM, lambda *_: os.kill(-1, signal.SIGKILL))
    for number in (0, 1, 2):
        os.close(number)
    while os.wait()[0] != pid:
        pass
    os._exit(0)


def renew(environment: dict[str, str]) -> None:
    """Let nothing be the same in two children: neither random numbers nor the seed of the checks."""
    os.environ.update(environment, PWD=os.getcwd())  # not the folder that grading was started in
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # `random` does so by itself after a fork
    if "coursekit.check" in sys.modules:
        importlib.reload(sys.modules["coursekit.check"])  # it looks at the environment once


def main() -> None:
    orders = json.loads(sys.argv[1])
    sys.argv[1:] = []
    control = socket.socket(fileno=orders["control"])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    preload(orders["modules"])
    if orders["isolated"]:
        rehearse(orders["scratch"], orders["nested"])
    control.send(b"ready")
    serve(control, orders["isolated"])


if __name__ == "__main__":
    main()
