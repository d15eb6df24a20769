"""The process that faces the kernels: it runs submissions through pytest and nbval, and tells `execute` how they went.

Importing pytest, nbval and jupyter_client takes longer than a submission, and so does starting pytest; so a worker is
one session of pytest that lives on. It reads jobs as lines of JSON and writes what happened as lines of JSON. It ends
when its input does: a grader that was killed leaves no kernel behind. What a kernel may do to it (zmq takes in messages
of any number of parts) meets a limit on its memory, not the grader.
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import nbformat
import pytest
import zmq

from coursekit.grading import _nbval, zygote
from coursekit.grading._kernel import Job
from coursekit.grading.provisioner import manager
from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable
from coursekit.grading.zygote import ZygoteError

MEMORY = 6 << 30  # address space of this process while it grades untrusted code
PLUGINS = ("cacheprovider", "logging", "faulthandler", "doctest", "junitxml", "pastebin", "unittest")

Tell = Callable[[dict[str, Any]], None]


class Plugin:
    """Makes pytest take jobs where it would run what it has collected, each the cells of a notebook."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Nobody reads pytest's own report, and it would keep each of them."""
        config.pluginmanager.unregister(name="terminalreporter")

    def pytest_collection(self) -> bool:
        return True

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take jobs until the input ends."""
        shutil.rmtree(session.config.rootpath)  # it was needed for a start alone
        self.tell({"ready": True})
        while line := sys.stdin.buffer.readline():
            order = json.loads(line)
            try:
                try:
                    run(order, session, self.tell)
                except ZygoteError:  # what is told twice counts as it was told last
                    self.tell({"again": True})
                    run({**order, "warm": False}, session, self.tell)
                self.tell({"done": True})
            except SandboxUnavailable as error:
                self.tell({"unavailable": str(error)})
            except (RuntimeError, ValueError) as error:
                self.tell({"failed": str(error)})
            except Exception:
                self.tell({"failed": traceback.format_exc(limit=-3)})
            finally:
                if _input_ended():
                    shutil.rmtree(order["folder"], ignore_errors=True)
        return True

    def pytest_runtest_makereport(self, item: _nbval.Cell, call: pytest.CallInfo) -> None:
        """What fails in a cell is accounted for; what fails here is a fault of ours, and ends the run."""
        if call.excinfo is not None:
            item.parent.job.error = call.excinfo.value


def run(order: dict[str, Any], session: pytest.Session, tell: Tell) -> None:
    """Run one submission."""
    limits = Limits(**order["limits"])
    sandbox = Sandbox(**order["sandbox"]) if order["sandbox"] is not None else None
    folder = Path(order["folder"])
    with _context(limits) as context, _bounded(sandbox is not None):

        def start(warm: bool) -> Any:
            place = Path(tempfile.mkdtemp(prefix="", dir=folder))
            return manager(place, context, sandbox, limits, order["seed"], warm=warm)

        def emit(index: int, status: str, messages: list[dict], seconds: float) -> None:
            tell({"index": index, "status": status, "messages": messages, "seconds": seconds})

        job = Job(nbformat.from_dict(order["notebook"]), limits, start, _input_ended, emit, warm=order["warm"])
        notebook = _nbval.Notebook.from_parent(session, path=session.config.rootpath / "notebook.ipynb", job=job)
        session.config.option.nbval_cell_timeout = limits.cell
        cells = list(notebook.collect())
        for cell, following in zip(cells, [*cells[1:], None], strict=True):
            session.config.hook.pytest_runtest_protocol(item=cell, nextitem=following)
        if job.error is not None:
            raise job.error


@contextlib.contextmanager
def _context(limits: Limits) -> Iterator[zmq.Context]:
    """Give zmq short queues: a kernel that sends faster than we read loses messages, not our memory."""
    context = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, limits.message)
    context.setsockopt(zmq.RCVHWM, 200)
    context.setsockopt(zmq.LINGER, 0)
    context.setsockopt(zmq.SNDTIMEO, 1000)  # a kernel that has spoilt its end of a wire would make us wait for ever
    try:
        yield context
    finally:
        context.destroy(linger=0)


@contextlib.contextmanager
def _bounded(untrusted: bool) -> Iterator[None]:
    """Bound our own memory; a plain kernel inherits the limit, so not for one."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    if untrusted:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _input_ended() -> bool:
    """While a job runs there is nothing to read but the end."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _answers() -> IO[str]:
    """Our standard output, which nobody else may write to from here on."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run a session of pytest."""
    signal.signal(signal.SIGTERM, _stop)
    answers = _answers()

    def tell(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=answers, flush=True)

    folder = tempfile.mkdtemp(prefix="ck-")
    Path(folder, "pytest.ini").touch()
    switches = [switch for name in PLUGINS for switch in ("-p", f"no:{name}")]
    switches += ["-p", "nbval.plugin", "-c", f"{folder}/pytest.ini", "--rootdir", folder, "--noconftest"]
    try:
        pytest.main([*switches, "--capture=no", folder], plugins=[Plugin(tell)])
    finally:
        zygote.close_all()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
