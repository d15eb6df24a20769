"""Starts grading kernels: a provisioner for jupyter_client that puts ipykernel into bubblewrap, and what goes with it.

The sockets are Unix sockets in a private folder outside. They listen before the kernel is started, and it inherits
them open; so the client connects at once, and the kernel has no folder that it could fill or tamper with.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import psutil
import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerBase, KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Any as AnyTrait

from coursekit.grading import cgroup, zygote
from coursekit.grading import sandbox as room
from coursekit.grading._mounts import STUB, STUB_CODE
from coursekit.grading.cgroup import Group
from coursekit.grading.sandbox import Limits, Sandbox
from coursekit.grading.zygote import Forked, ZygoteError, last_words, memory_file

NAME = "coursekit-sandbox"
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port")


class SandboxProvisioner(LocalProvisioner):
    """Has the kernel run in bubblewrap, and ends it with everything that it has started."""

    sandbox = AnyTrait(help="What the assignment allows: a Sandbox.")
    limits = AnyTrait(help="What the kernel may use: Limits.")
    seed = AnyTrait(help="Seed of the checks.")
    warm = AnyTrait(False, help="Whether a zygote is to fork it.")
    place = AnyTrait(help="A private folder for the sockets, and for a kernel without a sandbox.")
    group: Group | None = None
    first = None  # process id of the first process inside, as seen from outside

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection down; the command line comes with the launch, when the descriptors are known."""
        self.connection_info = self.parent.get_connection_info()
        kwargs.pop("extra_arguments", None)
        return await KernelProvisionerBase.pre_launch(self, cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a warm kernel, or a cold one where there are no warm ones.

        Raises
        ------
        SandboxUnavailable
            If there can be no sandbox here.
        """
        with contextlib.ExitStack() as stack:
            sockets = {self.connection_info[name]: self._listen(stack, self.connection_info[name]) for name in PORTS}
            connection = {**self.connection_info, "key": self.connection_info["key"].decode()}
            if not (self.warm and self._fork(stack, sockets, connection)):
                self._start(stack, sockets, connection)
        self.pid, self.pgid = self.process.pid, None  # never the group: the kernel is not in it
        return self.connection_info

    def _fork(self, stack: contextlib.ExitStack, sockets: dict[int, int], connection: dict[str, Any]) -> bool:
        """Ask a zygote for the kernel. Returns whether there is one."""
        reader, writer = os.pipe()
        stack.callback(os.close, reader)
        stack.callback(os.close, writer)
        scratch = self.place if self.sandbox is None else room.SCRATCH
        order = {**room.child_orders(self.limits), "connection": connection, "ports": list(sockets)}
        order |= {"scratch": str(scratch), "environment": room.environment(self.seed, scratch)}
        try:
            self.process = zygote.fork(self.sandbox, order, [reader, *sockets.values()])
        except ZygoteError:
            return False
        self.first = self.process.pid
        self._count_together()
        os.write(writer, b"g")
        return True

    def _start(self, stack: contextlib.ExitStack, sockets: dict[int, int], connection: dict[str, Any]) -> None:
        """Start bubblewrap, and wait until it has made the sandbox."""
        files = {
            room.CONNECTION: memory_file(stack, json.dumps(connection).encode()),
            STUB: memory_file(stack, STUB_CODE.encode()),
        }
        (reader, writer), (block, go) = os.pipe(), os.pipe()
        for each in (reader, block, go):
            stack.callback(os.close, each)
        with open(writer, "wb") as info:
            pipes = {"info": info.fileno(), "block": block}
            line = room.command(self.sandbox, self.limits, self.seed, sockets=sockets, files=files, **pipes)
            self.process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[*sockets.values(), *files.values(), *pipes.values()],
                start_new_session=True,  # Ctrl-C in the terminal is for the grader alone
            )
        self.first = _child(reader)
        if self.first is None:
            self.destroy()
            raise room.unavailable(self.last_words())
        self._count_together()
        os.write(go, b"g")

    def _count_together(self) -> None:
        """Put the first process, who waits for us, into a group with limits, if there can be one."""
        extra = 8  # bubblewrap's own process, and whatever else is not the student's
        self.group = cgroup.make(self.limits.memory + self.limits.scratch, self.limits.processes + extra)
        if self.group is not None:
            try:
                self.group.add(self.first)
            except OSError:
                self._leave_group()

    def _leave_group(self) -> None:
        group, self.group = self.group, None
        if group is not None:
            group.close()

    def _listen(self, stack: contextlib.ExitStack, port: int) -> int:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(f"{self.connection_info['ip']}-{port}")
        listener.listen(8)
        return listener.fileno()

    def last_words(self) -> str:
        """What came on stderr so far."""
        return last_words(self.process.stderr)

    def seal(self) -> None:
        """Hear no more of what the kernel writes to stderr: untrusted code runs now."""
        self.process.stderr.close()

    def overdrawn(self) -> bool:
        """Whether the kernel and all that it has started have used more memory than they may together."""
        if self.group is not None:
            return self.group.burst()
        return self.sandbox is not None and self._memory() > self.limits.memory

    def _memory(self) -> int:
        """Bytes in memory that they hold together; their own limits are each's."""
        held = 0
        with contextlib.suppress(psutil.Error, OSError):
            family = psutil.Process(self.first).children(recursive=True)
            held = sum(each.memory_info().rss for each in family)
            if held > self.limits.memory // 2:  # pages that they share count once; this takes longer to find out
                held = sum(_own_share(each.pid) for each in family)
        return held

    def orphaned(self) -> bool:
        """Whether the kernel has died with its zygote, and so through no fault of its own."""
        return isinstance(self.process, Forked) and not self.process.zygote.usable()

    def destroy(self) -> None:
        """End every process in the sandbox, and return when they are gone."""
        if isinstance(self.process, Forked):
            self.process.end()
        else:
            self._end_bubblewrap()
        self._leave_group()

    def _end_bubblewrap(self) -> None:
        """Killing the first process inside makes the system kill the rest; bubblewrap ends when that is done."""
        for pid in (self.first, self.process.pid):
            if pid is not None and self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
        self.process.wait(5)

    async def send_signal(self, signum: int) -> None:
        """Any signal that is to end it ends all of it; interrupts go by message."""
        if self.process is not None and signum in (signal.SIGKILL, signal.SIGTERM):
            self.destroy()


def _own_share(pid: int) -> int:
    """Bytes in memory of a process, each page divided by the number of its users."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


def _child(reader: int) -> int | None:
    """Process id of the sandbox's first process, or None where there is no sandbox."""
    with contextlib.suppress(ValueError, KeyError):
        content = b""
        while piece := os.read(reader, 4096):
            content += piece
        return json.loads(content)["child-pid"]
    return None


class _Specs(KernelSpecManager):
    """Knows the kernel it was given, and no other: a notebook cannot choose."""

    spec = AnyTrait()

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self.spec


def manager(
    folder: Path, context: zmq.Context, sandbox: Sandbox | None, limits: Limits, seed: int, *, warm: bool = False
) -> KernelManager:
    """Start a grading kernel.

    Parameters
    ----------
    folder : Path
        A private folder with a short path (a socket's path has 107 bytes at most) for the sockets.
    context : zmq.Context
        Of the client.
    sandbox : Sandbox or None
        What the kernel may see; None for a plain kernel, for code that is trusted.
    warm : bool
        Whether a zygote is to fork it; it is started afresh where that cannot be.

    Raises
    ------
    SandboxUnavailable
        If there can be no sandbox here.
    """
    KernelProvisionerFactory.instance().provisioners[NAME] = EntryPoint(
        NAME, f"{__name__}:SandboxProvisioner", KernelProvisionerFactory.GROUP_NAME
    )
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]
    spec = KernelSpec(argv=argv, display_name="grading", language="python", interrupt_mode="message")
    settings: dict[str, Any] = {}
    if sandbox is not None or (warm and zygote.available(None)):
        config = {"sandbox": sandbox, "limits": limits, "seed": seed, "warm": warm, "place": folder}
        spec.metadata = {"kernel_provisioner": {"provisioner_name": NAME, "config": config}}
    else:
        settings = {"env": room.inherited() | room.environment(seed, folder), "cwd": str(folder)}
    made = KernelManager(context=context, kernel_spec_manager=_Specs(spec=spec), transport="ipc")
    made.connection_file, made.ip = str(folder / "kernel.json"), str(folder / "k")
    for number, name in enumerate((*PORTS, "hb_port"), 1):
        setattr(made, name, number)
    made.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **settings)
    return made
