"""Run an assembled notebook, and say of each check cell how it went and what it sent.

The kernel runs in a sandbox; nbval, which talks to it, runs in a worker process outside; and this module, in the
grader's own process, starts workers and reads plain data from them. Whatever happens to kernel or worker, what has
been taken is kept, and every check cell is accounted for.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from nbformat import NotebookNode

from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable

JOBS = 300  # of one worker: pytest keeps a little of each
READY = 120.0  # seconds for a worker to come up
LEEWAY = 30.0  # seconds for a worker to end a run whose time is up
MAX_LINE = 256 << 20


class ExecutionError(Exception):
    """Why a notebook could not be run, through no fault of the student's."""


@dataclass(frozen=True)
class CellRun:
    """How one check cell went.

    Attributes
    ----------
    index : int
        Number of the cell in the notebook, from 0.
    status : str
        "ran"; "error" (it raised); "timeout", "dead" or "rubbish" if it, or an answer that it is about, has cost the
        kernel: took too long, ended it, or sent too much or what is no message; "not run" if time was up before.
    messages : list of dict
        What it sent under the type of a check's message, in order. It comes from an untrusted kernel: any JSON.
    seconds : float
        Wall time, that of a fresh kernel before it included.
    """

    index: int
    status: str
    messages: list[dict] = field(default_factory=list)
    seconds: float = 0.0


def run(
    notebook: NotebookNode, *, sandbox: Sandbox | None, seed: int, limits: Limits | None = None, warm: bool = True
) -> list[CellRun]:
    """Run a notebook's code cells in order; when a kernel is lost, go on in a fresh one.

    Given cells and answers are then run again, without checks, and without the answers of the question that has lost
    it (those between the check before and this one). May be called from several threads at once.

    Parameters
    ----------
    notebook : NotebookNode
        As `coursekit.grading.assemble` makes it.
    sandbox : Sandbox or None
        What the kernel may see; None runs the code in a plain kernel, with all that you may do yourself.
    seed : int
        Seed of the checks.
    limits : Limits, optional
        What the submission may use.
    warm : bool
        Whether kernels are forked from a process that has their imports done; where that cannot be, and with False,
        each is started afresh. It makes no difference to what comes out.

    Returns
    -------
    list of CellRun
        One for each check cell, in order.

    Raises
    ------
    SandboxUnavailable
        If there can be no sandbox here.
    ExecutionError
        If no kernel comes up, or the grader itself is at fault.
    """
    if os.name == "nt":
        raise ExecutionError("notebooks are graded on Linux or macOS: on Windows, in WSL")
    limits = limits or Limits()
    order = {
        "notebook": notebook,
        "sandbox": asdict(sandbox) if sandbox is not None else None,
        "seed": seed,
        "limits": asdict(limits),
        "warm": warm,
    }
    cells = [index for index, cell in enumerate(notebook.cells) if cell.metadata.get("nbgrader", {}).get("grade")]
    runs: dict[int, CellRun] = {}
    with _a_worker() as worker, _a_folder() as folder:
        for said in worker.work({**order, "folder": folder}, limits.start + limits.total + LEEWAY):
            if "unavailable" in said:
                raise SandboxUnavailable(said["unavailable"])
            if "failed" in said:
                raise ExecutionError(f"the notebook could not be run: {said['failed']}")
            runs[said["index"]] = CellRun(**said)
    lost = next((index for index in cells if index not in runs), None)
    if lost is not None:  # the worker did not live to tell: this cell, or one before it, was too much for it
        runs[lost] = CellRun(lost, "rubbish")
    return [runs.get(index, CellRun(index, "not run")) for index in cells]


class _Worker:
    """A process that runs one job after the other."""

    def __init__(self) -> None:
        self.jobs = 0
        self.rest = b""
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "coursekit.grading._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
            start_new_session=True,  # Ctrl-C is for us; a worker ends when its input does, and cleans up first
        )
        if self._read(time.monotonic() + READY) != {"ready": True}:
            self.close()
            raise ExecutionError("the process that runs notebooks did not start: is coursekit[grade] installed?")

    def work(self, order: dict[str, Any], seconds: float) -> Iterator[dict[str, Any]]:
        """Hand a job in, and give what is said about it, until it is done or the worker is lost."""
        self.jobs += 1
        end = time.monotonic() + seconds
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        while (said := self._read(end)) is not None:
            if "done" in said:
                return
            if "again" in said:
                end = time.monotonic() + seconds
            else:
                yield said
        self.close()

    def _read(self, end: float) -> dict[str, Any] | None:
        """One line, or None when there will be none."""
        pieces = [self.rest]
        while b"\n" not in pieces[-1]:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            pieces.append(piece)
            if not piece or sum(map(len, pieces)) > MAX_LINE:
                return None
        line, self.rest = b"".join(pieces).split(b"\n", 1)
        return json.loads(line)

    def usable(self) -> bool:
        return self.process.poll() is None and self.jobs < JOBS

    def close(self) -> None:
        """Let it end its kernel and itself; if it does not, make it."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdout.close()


_idle: list[_Worker] = []
_lock = threading.Lock()


@contextlib.contextmanager
def _a_worker() -> Iterator[_Worker]:
    """Lend a worker; it is kept for the next notebook unless something went wrong."""
    with _lock:
        worker = _idle.pop() if _idle else None
    if worker is None or not worker.usable():
        if worker is not None:
            worker.close()
        worker = _Worker()
    try:
        yield worker
    except BaseException:
        worker.close()
        raise
    with _lock:
        _idle.append(worker)


def _a_folder() -> tempfile.TemporaryDirectory:
    """A private folder with a short path: a socket's has 107 bytes at most."""
    usual = tempfile.gettempdir()
    return tempfile.TemporaryDirectory(
        prefix="ck-", dir=usual if len(usual) < 70 else "/tmp", ignore_cleanup_errors=True
    )


@atexit.register
def _close_workers() -> None:
    while _idle:
        _idle.pop().close()
