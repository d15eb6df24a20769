"""nbval's kernel, made fit for code that nobody trusts: deadlines that hold, and bounds on what it sends."""

import contextlib
import resource
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
from nbformat import NotebookNode
from nbval.kernel import RunningKernel

from coursekit.grading.sandbox import Limits, unavailable
from coursekit.grading.zygote import ZygoteError

MIME = "application/vnd.coursekit.check+json"
MAX_PAYLOADS = 200  # of one cell: no check cell holds so many checks
TICK = 0.1  # seconds between two looks at the kernel's process
WEIGH = 0.4  # seconds between two looks at its memory
MAX_PARTS = 64  # of a message
MAX_DEPTH = 64  # of a payload's lists and tables; a deeper one could not be passed on
MAX_OWN = 1 << 30  # bytes in memory of the process that takes messages in
SETTLE = 5.0  # seconds for the last outputs to come in after the reply
DYING = 1.0  # seconds in which a process that hung up is seen to have ended


class Lost(Exception):
    """The kernel is of no more use; the message is the status of the cell that ran."""


@dataclass
class Job:
    """One submission on its way: the notebook, its limits, and what to do at the outside."""

    notebook: NotebookNode
    limits: Limits
    start: Callable[[bool], Any]  # gives a KernelManager whose kernel was started, warm or not
    cancelled: Callable[[], bool]
    emit: Callable[[int, str, list[dict], float], None]
    deadline: float = float("inf")  # set when the first kernel is up
    warm: bool = False
    output_left: int = 0
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.output_left = self.limits.output_total

    def over(self) -> bool:
        """Whether the submission has used up its time, or what it may send."""
        return time.monotonic() >= self.deadline or self.output_left < 0


@dataclass
class _Received:
    """What the kernel has sent for the cell that runs."""

    msg_id: str = ""
    replied: bool = False
    interrupted: bool = False
    until: float = float("inf")  # when the last outputs must be in
    bytes: int = 0
    messages: int = 0
    outputs: deque = field(default_factory=deque)  # for nbval
    payloads: list[dict] = field(default_factory=list)  # for the score


class Kernel(RunningKernel):
    """A kernel that is watched: its process, its time, and how much it sends."""

    def __init__(self, job: Job) -> None:
        self.job, self.limits = job, job.limits
        self.cell = _Received()
        self._looked = self._weighed = time.monotonic()
        self.km = job.start(job.warm)
        self.provisioner = self.km.provisioner
        self.kc = None
        try:
            self._connect()
        except Lost as lost:
            words = getattr(self.provisioner, "last_words", lambda: "no message")()
            self.stop()
            if words.startswith("bwrap:"):
                raise unavailable(words) from None
            raise RuntimeError(f"no kernel came up ({lost}): {words}") from None
        except BaseException:
            self.stop()
            raise

    def _connect(self) -> None:
        """Wait until the kernel answers, and until its outputs reach us, too."""
        self.kc = self.km.client(context=self.km.context)  # by itself it would take one without our bounds
        self.kc.start_channels(stdin=False, hb=False)
        self.shell, self.iopub = self.kc.shell_channel.socket, self.kc.iopub_channel.socket
        self.monitor = self.iopub.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.poller = zmq.Poller()
        for socket in (self.shell, self.iopub, self.monitor):
            self.poller.register(socket, zmq.POLLIN)
        end = time.monotonic() + self.limits.start
        while True:
            self.cell = _Received(self.kc.kernel_info())
            try:
                self.await_reply(self.cell.msg_id, timeout=end - time.monotonic())
            except Empty:
                raise Lost("timeout") from None
            self.cell.until = time.monotonic() + 0.2  # not heard yet: ask again
            try:
                self.await_idle(self.cell.msg_id, 0.2)
                break
            except Lost:
                if time.monotonic() > end or not self.is_alive():
                    raise
        if hasattr(self.provisioner, "seal"):
            self.provisioner.seal()

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Run a cell under a number that cannot be guessed: it could not be answered in advance."""
        self.kc.session.message_count = secrets.randbits(48)
        self.cell = _Received()
        self.cell.msg_id = super().execute_cell_input(cell_input, allow_stdin=False)
        return self.cell.msg_id

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for the reply and take outputs in meanwhile: the queues between us are short.

        Raises
        ------
        Empty
            If the cell's time or the submission's is up.
        Lost
            If the kernel died or sent rubbish.
        """
        end = min(time.monotonic() + (self.limits.cell if timeout is None else timeout), self.job.deadline)
        while not self.cell.replied:
            if time.monotonic() >= end:
                raise Empty
            self._pump(end - time.monotonic())
        self.cell.until = time.monotonic() + SETTLE

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        """Give nbval the next output of the cell that runs."""
        while time.monotonic() < self.cell.until:
            if self.cell.outputs:
                return self.cell.outputs.popleft()
            self._pump(self.cell.until - time.monotonic())
        raise Lost("timeout" if self.cell.interrupted else "rubbish")

    def interrupt(self) -> None:
        self.cell.interrupted = True
        self.cell.until = time.monotonic() + self.limits.grace
        with contextlib.suppress(zmq.Again):  # it has spoilt the wire: its grace runs all the same
            super().interrupt()

    def stop(self) -> None:
        """End the kernel and all that it started."""
        if not hasattr(self, "km"):
            return
        if hasattr(self, "monitor"):
            self.iopub.disable_monitor()
            self.monitor.close(0)
        if self.kc is not None:
            self.kc.stop_channels()
        self.km.kernel_spec.interrupt_mode = "signal"  # else it is asked first, by a wire that may be spoilt
        self.km.shutdown_kernel(now=True)
        del self.km

    def _pump(self, seconds: float) -> None:
        """Wait a moment for messages, take in what has come, and look after the kernel."""
        if self.job.cancelled():
            raise KeyboardInterrupt
        ready = dict(self.poller.poll(1000 * max(0.0, min(seconds, TICK))))
        for socket in (self.shell, self.iopub):
            if socket in ready:
                self._take(socket)
        if self.monitor in ready or not ready or time.monotonic() > self._looked + TICK:
            self._look(hung_up=self.monitor in ready)

    def _look(self, *, hung_up: bool) -> None:
        self._looked = time.monotonic()
        if hung_up:  # it is dying, which takes a moment on a busy machine, or what it sent was too large for us
            end = time.monotonic() + DYING
            while self.is_alive() and time.monotonic() < end:
                time.sleep(0.01)
        if not self.is_alive():
            while self.poller.poll(20) and (self._take(self.shell) or self._take(self.iopub)):
                pass  # what it had sent before
            if getattr(self.provisioner, "orphaned", bool)():
                raise ZygoteError("the process that kernels come from has ended")
            raise Lost("dead")
        if hung_up:
            raise Lost("rubbish")
        if self._looked > self._weighed + WEIGH and hasattr(self.provisioner, "overdrawn"):
            self._weighed = self._looked
            if self.provisioner.overdrawn():
                raise Lost("dead")
            if _own_memory() > MAX_OWN:  # a message of parts without end
                raise Lost("rubbish")

    def _take(self, socket: zmq.Socket) -> int:
        """Take in what waits on a socket, no more than 100 messages at once."""
        for count in range(100):
            try:
                frames = [socket.recv(zmq.NOBLOCK)]
            except zmq.Again:
                return count
            while socket.getsockopt(zmq.RCVMORE):
                if len(frames) == MAX_PARTS:
                    raise Lost("rubbish")
                frames.append(socket.recv(zmq.NOBLOCK))
            self._count(sum(map(len, frames)))
            try:
                _, parts = self.kc.session.feed_identities(frames)
                self._sort(socket, self.kc.session.deserialize(parts))
            except Exception as error:  # anything may be in there: text for a table, a list nested without end
                raise Lost("rubbish") from error
        return 100

    def _count(self, size: int) -> None:
        self.cell.messages += 1
        self.cell.bytes += size
        self.job.output_left -= size
        too_many = self.cell.messages > self.limits.messages
        if too_many or self.cell.bytes > self.limits.output or self.job.output_left < 0:
            raise Lost("rubbish")

    def _sort(self, socket: zmq.Socket, message: dict) -> None:
        """Keep what belongs to the cell that runs, and of that what anybody looks at."""
        if message["parent_header"].get("msg_id") != self.cell.msg_id:
            return
        kind, content = message["msg_type"], message["content"]
        if socket is self.shell:
            self.cell.replied = True
        elif kind == "status":
            self._pass_on(kind, execution_state=str(content["execution_state"])[:20])
        elif kind == "error":
            self._pass_on(kind, ename=str(content["ename"])[:100], evalue="", traceback=[])
        elif kind == "display_data" and isinstance(content["data"].get(MIME), dict):
            if len(self.cell.payloads) == MAX_PAYLOADS or _depth(content["data"][MIME]) > MAX_DEPTH:
                raise Lost("rubbish")
            self.cell.payloads.append(content["data"][MIME])

    def _pass_on(self, kind: str, **content: Any) -> None:
        """Hand an output on to nbval."""
        message = {"msg_type": kind, "parent_header": {"msg_id": self.cell.msg_id}, "content": content}
        self.cell.outputs.append(message)


def _depth(value: Any) -> int:
    """How deep lists and tables are nested; no recursion, for it may be without end."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        inner = [list(each.values()) if isinstance(each, dict) else each for each in level]
        level = [item for each in inner if isinstance(each, list) for item in each if isinstance(item, (dict, list))]
        depth += 1
    return depth


def _own_memory() -> int:
    """Bytes that this process holds in memory; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return 0
