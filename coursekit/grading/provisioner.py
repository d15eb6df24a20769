"""Starts grading kernels: a provisioner for jupyter_client that puts ipykernel into bubblewrap, and what goes with it.

The sockets are Unix sockets in a private folder outside. They listen before the kernel is started, and it inherits
them open; so the client connects at once, and the kernel has no folder that it could fill or tamper with.
"""

import contextlib
import json
import os
import select
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

from coursekit.grading import sandbox as room
from coursekit.grading._mounts import STUB, STUB_CODE
from coursekit.grading.sandbox import Limits, Sandbox

NAME = "coursekit-sandbox"
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port")


class SandboxProvisioner(LocalProvisioner):
    """Runs the kernel in bubblewrap, and ends it with everything that it has started."""

    sandbox = AnyTrait(help="What the assignment allows: a Sandbox.")
    limits = AnyTrait(help="What the kernel may use: Limits.")
    seed = AnyTrait(help="Seed of the checks.")
    first = None  # process id of the first process inside, as seen from outside

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection down; the command line comes with the launch, when the descriptors are known."""
        self.connection_info = self.parent.get_connection_info()
        kwargs.pop("extra_arguments", None)
        return await KernelProvisionerBase.pre_launch(self, cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start bubblewrap, and wait until it has made the sandbox.

        Raises
        ------
        SandboxUnavailable
            If it could not.
        """
        with contextlib.ExitStack() as stack:
            sockets = {self.connection_info[name]: self._listen(stack, self.connection_info[name]) for name in PORTS}
            connection = {**self.connection_info, "key": self.connection_info["key"].decode()}
            files = {
                room.CONNECTION: _memory(stack, json.dumps(connection).encode()),
                STUB: _memory(stack, STUB_CODE.encode()),
            }
            reader, writer = os.pipe()
            stack.callback(os.close, reader)
            with open(writer, "wb") as info:
                line = room.command(
                    self.sandbox, self.limits, self.seed, sockets=sockets, files=files, info=info.fileno()
                )
                self.process = subprocess.Popen(
                    line,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=[*sockets.values(), *files.values(), info.fileno()],
                    start_new_session=True,  # Ctrl-C in the terminal is for the grader alone
                )
            self.first = _child(reader)
        self.pid, self.pgid = self.process.pid, None  # never the group: the kernel is not in it
        if self.first is None:
            self.destroy()
            raise room.unavailable(self.last_words())
        return self.connection_info

    def _listen(self, stack: contextlib.ExitStack, port: int) -> int:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(f"{self.connection_info['ip']}-{port}")
        listener.listen(8)
        return listener.fileno()

    def last_words(self) -> str:
        """What came on stderr so far, at most a few lines: bubblewrap's or Python's complaint."""
        pipe = self.process.stderr
        if pipe is None or pipe.closed or not select.select([pipe], [], [], 0)[0]:
            return "no message"
        return os.read(pipe.fileno(), 2000).decode(errors="replace").strip()[-300:] or "no message"

    def seal(self) -> None:
        """Hear no more of what the kernel writes to stderr: untrusted code runs now."""
        self.process.stderr.close()

    def memory(self) -> int:
        """Bytes in memory that the kernel and all that it has started hold together; their own limits are each's."""
        held = 0
        with contextlib.suppress(psutil.Error, OSError):
            family = psutil.Process(self.first).children(recursive=True)
            held = sum(each.memory_info().rss for each in family)
            if held > self.limits.memory // 2:  # pages that they share count once; this takes longer to find out
                held = sum(_own_share(each.pid) for each in family)
        return held

    def destroy(self) -> None:
        """End every process in the sandbox, and return when they are gone.

        Killing the first process inside makes the system kill the rest; bubblewrap ends when that is done.
        """
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


def _memory(stack: contextlib.ExitStack, content: bytes) -> int:
    """A descriptor to read that content from; no file on a disk."""
    descriptor = os.memfd_create("coursekit")
    stack.callback(os.close, descriptor)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


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


def manager(folder: Path, context: zmq.Context, sandbox: Sandbox | None, limits: Limits, seed: int) -> KernelManager:
    """Start a grading kernel.

    Parameters
    ----------
    folder : Path
        A private folder with a short path (a socket's path has 107 bytes at most) for the sockets.
    context : zmq.Context
        Of the client.
    sandbox : Sandbox or None
        What the kernel may see; None for a plain kernel, for code that is trusted.

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
    if sandbox is not None:
        config = {"sandbox": sandbox, "limits": limits, "seed": seed}
        spec.metadata = {"kernel_provisioner": {"provisioner_name": NAME, "config": config}}
    else:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("COURSEKIT_", "PYTEST_"))}
        settings = {"env": plain | room.environment(seed, folder), "cwd": str(folder)}
    made = KernelManager(context=context, kernel_spec_manager=_Specs(spec=spec), transport="ipc")
    made.connection_file, made.ip = str(folder / "kernel.json"), str(folder / "k")
    for number, name in enumerate((*PORTS, "hb_port"), 1):
        setattr(made, name, number)
    made.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **settings)
    return made
