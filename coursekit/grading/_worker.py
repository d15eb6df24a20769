"""The process that faces the kernels: it runs submissions through pytest and nbval, and tells `execute` how they went.

Importing pytest, nbval and jupyter_client takes longer than a submission, so a worker lives on. It reads jobs as lines
of JSON and writes what happened as lines of JSON. It ends when its input does: a grader that was killed leaves no
kernel behind. What a kernel may do to it (zmq takes in messages of any number of parts) meets a limit on its memory,
not the grader.
"""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import nbformat
import pytest
import zmq

from coursekit.grading import _nbval
from coursekit.grading._kernel import Job
from coursekit.grading.provisioner import manager
from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable

MEMORY = 6 << 30  # address space of this process while it grades untrusted code
PLUGINS = ("cacheprovider", "logging", "faulthandler", "doctest", "junitxml", "pastebin", "unittest")


class Plugin:
    """Makes pytest collect one file, the notebook of the job."""

    def __init__(self, job: Job, place: Path) -> None:
        self.job, self.place = job, place

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if file_path != self.place:
            return None
        notebook = _nbval.Notebook.from_parent(parent, path=file_path)
        notebook.job = self.job
        return notebook

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> None:
        """What fails in a cell is accounted for; what fails here is a fault of ours, and ends the run."""
        if call.excinfo is not None:
            self.job.error = call.excinfo.value
            item.session.shouldstop = "a fault in the grader"


def run(order: dict[str, Any], tell: Any) -> None:
    """Run one submission."""
    limits = Limits(**order["limits"])
    sandbox = Sandbox(**order["sandbox"]) if order["sandbox"] is not None else None
    folder = Path(order["folder"])
    with _context(limits) as context, _bounded(sandbox is not None):
        kernels = iter(range(1_000_000))

        def start() -> Any:
            place = folder / f"{next(kernels)}"
            place.mkdir(mode=0o700)
            return manager(place, context, sandbox, limits, order["seed"])

        def emit(index: int, status: str, messages: list[dict], seconds: float) -> None:
            tell({"index": index, "status": status, "messages": messages, "seconds": seconds})

        notebook = nbformat.from_dict(order["notebook"])
        job = Job(notebook, limits, start, _input_ended, emit)
        place = folder / "notebook.ipynb"
        place.touch()
        (folder / "pytest.ini").touch()
        switches = [switch for name in PLUGINS for switch in ("-p", f"no:{name}")]
        switches += ["-p", "nbval.plugin", "-c", f"{folder}/pytest.ini", "--rootdir", str(folder), "--noconftest"]
        switches += ["--capture=no", f"--nbval-cell-timeout={limits.cell}"]
        code = pytest.main([*switches, str(place)], plugins=[Plugin(job, place)])
        if job.error is not None:
            raise job.error
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            raise RuntimeError(f"pytest ended with {code}")


@contextlib.contextmanager
def _context(limits: Limits) -> Iterator[zmq.Context]:
    """Give zmq short queues: a kernel that sends faster than we read loses messages, not our memory."""
    context = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, limits.message)
    context.setsockopt(zmq.RCVHWM, 200)
    context.setsockopt(zmq.LINGER, 0)
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
    """Take jobs until the input ends."""
    signal.signal(signal.SIGTERM, _stop)
    answers = _answers()

    def tell(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=answers, flush=True)

    tell({"ready": True})
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        try:
            run(order, tell)
            tell({"done": True})
        except SandboxUnavailable as error:
            tell({"unavailable": str(error)})
        except (RuntimeError, ValueError) as error:
            tell({"failed": str(error)})
        except Exception:
            tell({"failed": traceback.format_exc(limit=-3)})
        finally:
            if _input_ended():
                shutil.rmtree(order["folder"], ignore_errors=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
