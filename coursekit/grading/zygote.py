"""Warm kernels: one process for each allow-list has a kernel's imports done, and forks a kernel whenever one is needed.

That process, the zygote, runs inside bubblewrap, where `coursekit.grading._zygote` is its program. What is here lives
outside: it starts zygotes, asks them for kernels, and holds on to these by descriptors (a process id could have been
given to another process meanwhile).
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from coursekit.grading import _zygote
from coursekit.grading import sandbox as room
from coursekit.grading._mounts import STUB, STUB_CODE
from coursekit.grading.sandbox import Sandbox

KEPT = 3  # zygotes at once: what takes turns is the assignments of one course
READY = 120.0  # seconds for all imports
FORK = 30.0  # seconds for a fork
POLITE = 0.5  # seconds for a kernel's first process to end the others
GONE = 10.0  # seconds for a kernel that was killed


class ZygoteError(Exception):
    """Why there is no warm kernel."""


class Forked:
    """A kernel that a zygote has started; as much of `subprocess.Popen` as a kernel's provisioner uses."""

    stdin = stdout = None

    def __init__(self, zygote: "Zygote", descriptor: int, stderr: int) -> None:
        self.zygote, self.descriptor = zygote, descriptor
        self.alone = zygote.sandbox is not None  # in a namespace of its own
        self.stderr = os.fdopen(stderr, "rb", buffering=0)
        self.pid = _pid(descriptor)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Say whether it has ended, and with it, where it was alone, all that it had started."""
        if self.returncode is None and select.select([self.descriptor], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self.descriptor], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            self._end()
        return self.returncode or 0

    def send_signal(self, number: int) -> None:
        if self.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if self.alone:
                signal.pidfd_send_signal(self.descriptor, number)
            else:
                os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """End it for good, with all that it has started."""
        if self.alone:  # its first process is ours, and ends the others: then the time that they took is counted
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait(POLITE)
        self.kill()
        self.wait(GONE)

    def _end(self) -> None:
        self.returncode = -signal.SIGKILL  # nobody tells how it ended, and nobody asks
        os.close(self.descriptor)


class Zygote:
    """A process that forks kernels."""

    def __init__(self, sandbox: Sandbox | None) -> None:
        self.sandbox = sandbox
        self.control, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with inside, contextlib.ExitStack() as stack:
            stub = memory_file(stack, STUB_CODE.encode())
            self.process = subprocess.Popen(
                self._command(inside.fileno(), stub),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[inside.fileno(), stub],
                start_new_session=True,
                env={**room.inherited(), **room.environment(0, "/")} if sandbox is None else None,
            )
        if self._answer(READY)[0] != b"ready":
            words = self._last_words()
            self.close()
            raise ZygoteError(f"no warm kernels here: {words}")

    def fork(self, order: dict[str, Any], descriptors: Sequence[int]) -> Forked:
        """Start a kernel; it waits for a byte from the first descriptor, and takes the second as its stderr.

        Raises
        ------
        ZygoteError
            If there comes none. The zygote is of no more use then.
        """
        reader, writer = os.pipe()
        try:
            socket.send_fds(self.control, [json.dumps(order).encode()], [descriptors[0], writer, *descriptors[1:]])
            answer, received = self._answer(FORK)
            if len(received) != 1:
                raise ZygoteError(f"no kernel was forked: {answer.decode(errors='replace') or self._last_words()}")
        except (OSError, ZygoteError) as error:
            os.close(reader)
            self.close()
            raise ZygoteError(str(error)) from error
        finally:
            os.close(writer)
        return Forked(self, received[0], reader)

    def usable(self) -> bool:
        """Whether it lives: where nothing was asked there is nothing to hear but its end."""
        return self.control.fileno() >= 0 and not select.select([self.control], [], [], 0)[0]

    def close(self) -> None:
        """End it, and every kernel that it has started."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()

    def _command(self, control: int, stub: int) -> list[str]:
        if self.sandbox is not None:
            return room.zygote_command(self.sandbox, control=control, files={STUB: stub})
        return [sys.executable, "-P", _zygote.__file__, room.zygote_orders(None, control)]

    def _answer(self, seconds: float) -> tuple[bytes, list[int]]:
        self.control.settimeout(seconds)
        with contextlib.suppress(OSError):
            answer, descriptors, _, _ = socket.recv_fds(self.control, 4096, 1)
            return answer, list(descriptors)
        return b"", []

    def _last_words(self) -> str:
        return last_words(self.process.stderr)


_zygotes: OrderedDict[Sandbox | None, Zygote] = OrderedDict()
_refused: dict[Sandbox | None, str] = {}  # for which there is none here, and why


def fork(sandbox: Sandbox | None, order: dict[str, Any], descriptors: Sequence[int]) -> Forked:
    """Start a warm kernel, from the zygote there is or from a new one.

    Parameters
    ----------
    sandbox : Sandbox or None
        What the assignment allows; None for no sandbox, for code that is trusted.
    order : dict
        What `_zygote` is to make of its child.
    descriptors : sequence of int
        One that the child reads a byte from before it does anything else; then those of its sockets.

    Raises
    ------
    ZygoteError
        If there can be none; asked again, it is raised at once.
    """
    if sandbox in _refused:
        raise ZygoteError(_refused[sandbox])
    with contextlib.suppress(ZygoteError):
        return _zygote_for(sandbox).fork(order, descriptors)
    return _zygote_for(sandbox).fork(order, descriptors)  # it had died: another one


def available(sandbox: Sandbox | None) -> bool:
    """Whether there can be warm kernels here."""
    if sys.platform != "linux":
        return False
    with contextlib.suppress(ZygoteError):
        return sandbox not in _refused and _zygote_for(sandbox).usable()
    return False


def why_not() -> str:
    """Why there are no warm kernels in sandboxes here; empty if there are."""
    try:
        Zygote(Sandbox(packages=(), modules=())).close()
    except ZygoteError as error:
        return str(error)
    return ""


def _zygote_for(sandbox: Sandbox | None) -> Zygote:
    zygote = _zygotes.pop(sandbox, None)
    if zygote is None or not zygote.usable():
        if zygote is not None:
            zygote.close()
        try:
            zygote = Zygote(sandbox)
        except ZygoteError as error:
            _refused[sandbox] = str(error)
            raise
    _zygotes[sandbox] = zygote
    while len(_zygotes) > KEPT:
        _zygotes.popitem(last=False)[1].close()
    return zygote


def close_all() -> None:
    """End all zygotes."""
    while _zygotes:
        _zygotes.popitem()[1].close()


def memory_file(stack: contextlib.ExitStack, content: bytes) -> int:
    """A descriptor to read that content from; no file on a disk."""
    descriptor = os.memfd_create("coursekit")
    stack.callback(os.close, descriptor)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def last_words(pipe: IO[bytes] | None) -> str:
    """What came on a process's stderr so far, at most a few lines: bubblewrap's or Python's complaint."""
    if pipe is None or pipe.closed or not select.select([pipe], [], [], 0)[0]:
        return "no message"
    return os.read(pipe.fileno(), 2000).decode(errors="replace").strip()[-300:] or "no message"


def _pid(descriptor: int) -> int:
    """Process id, as seen from here, of the process that a descriptor stands for."""
    for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    return -1
