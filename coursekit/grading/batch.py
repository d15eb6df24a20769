"""Many submissions at once, on a cluster of Dask: worker processes of this machine, or a cluster that is there.

Each worker grades one submission at a time. No more are handed out than there are workers, so that a submission which
ends its worker takes none with it that were waiting. One that does so again, alone, is given up as lost; all others
are graded.
"""

import contextlib
import dataclasses
import importlib.metadata
import logging
import multiprocessing.forkserver
import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from coursekit.grading.sandbox import Sandbox
from coursekit.grading.submission import Collected

if TYPE_CHECKING:
    from distributed import Client, Future

ALLOWED_FAILURES = 1  # a task that has ended so many workers is tried once more
CLOSING = 3.0  # seconds for what the workers have started to end by itself
CONNECTING = 20.0  # seconds for a cluster to answer
SETTINGS = {
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
    "distributed.scheduler.http.routes": [],  # no pages
    "distributed.worker.http.routes": [],
    "distributed.admin.large-graph-warning-threshold": "1GiB",  # a notebook with many pictures is no mistake
    "distributed.comm.timeouts.connect": f"{CONNECTING:g}s",
}


class ClusterLost(Exception):
    """Why there is no cluster to grade with, in a sentence."""


@dataclass(frozen=True)
class Order:
    """One submission to be graded; ``known`` is the sha256 of a notebook that need not be."""

    number: int  # its own, in this run
    collected: Collected
    known: str
    taken: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Killed:
    """What is left of a submission that ends every process that grades it: that process' last words, and seconds."""

    log: str
    seconds: float


def _start_forkserver() -> None:
    """Start the process from which the worker processes are forked; it imports what they need meanwhile."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["coursekit.grading._forked", "distributed", "coursekit.grading.task"])
    with _without_this_folder():
        multiprocessing.forkserver.ensure_running()


@contextlib.contextmanager
def cluster(jobs: int, address: str | None = None) -> Iterator["Cluster"]:
    """Give a cluster, and leave no process of it behind.

    Parameters
    ----------
    jobs : int
        Worker processes to start.
    address : str, optional
        Of a scheduler that is there already; then none are started.

    Raises
    ------
    ClusterLost
        If it cannot be had.
    """
    if not address:
        _start_forkserver()  # it goes on while we import Dask
    import dask
    import distributed  # noqa: F401  (adds its defaults, which the settings below would else take away with them)

    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(SETTINGS))
        if address:
            yield Cluster(stack.enter_context(_there(address)), None)
            return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ck-", ignore_cleanup_errors=True))
        stack.enter_context(dask.config.set({"temporary-directory": folder}))
        yield Cluster(stack.enter_context(_local(jobs, folder)), Path(folder))


class Cluster:
    """Where tasks are sent, one to each worker, and from where results come as they are ready."""

    def __init__(self, client: "Client", logs: Path | None) -> None:
        self.client, self.logs = client, logs
        self.name = secrets.token_hex(8)  # the cluster may work for others, too
        self.tries: dict[int, int] = {}  # by number of the order
        self.preparing: list[Future] = []

    def prepare(self, sandbox: Sandbox | None, warm: bool) -> None:
        """Let each worker start what it grades with, while we do something else."""
        from coursekit.grading import task

        plain = dataclasses.asdict(sandbox) if sandbox else None
        self.preparing = [  # a future that nobody holds is cancelled
            self.client.submit(task.prepare, plain, warm, workers=[worker], key=f"prepare-{self.name}-{number}")
            for number, worker in enumerate(self.client.nthreads())
        ]

    def grade(self, work: bytes, orders: Iterable[Order]) -> Iterator[tuple[Order, dict[str, Any] | Killed]]:
        """Grade submissions, and give each with its result as soon as there is one.

        Parameters
        ----------
        work : bytes
            What they are graded with, from `coursekit.grading.task.packed`.
        orders : iterable of Order
            Taken one by one, as workers become free.

        Raises
        ------
        ClusterLost
            If the cluster goes away.
        """
        from distributed import as_completed

        waiting, suspects = iter(orders), []
        sent: dict[Future, Order] = {}
        coming = as_completed(loop=self.client.loop)
        for _ in range(self._workers()):
            self._send(work, next(waiting, None), sent, coming)
        for future in coming:
            order = sent.pop(future)
            result = self._result(future, order)
            future.release()
            self._send(work, next(waiting, None), sent, coming)
            if isinstance(result, Killed):
                suspects.append(order)  # or a neighbour has ended the worker, or the system has
            else:
                yield order, result
        for order in suspects:
            yield order, self._result(self._submit(work, order), order)

    def _workers(self) -> int:
        return max(1, len(self.client.nthreads()))

    def _send(self, work: bytes, order: Order | None, sent: "dict[Future, Order]", coming: Any) -> None:
        if order is not None:
            future = self._submit(work, order)
            sent[future] = order
            coming.add(future)

    def _submit(self, work: bytes, order: Order) -> "Future":
        from coursekit.grading import task

        self.tries[order.number] = self.tries.get(order.number, 0) + 1
        key = f"grade-{self.name}-{order.number}-{self.tries[order.number]}"
        plain = dataclasses.astuple(order.collected)
        return self.client.submit(task.grade, work, plain, order.known, self._log_of(order), key=key)

    def _log_of(self, order: Order) -> str:
        return str(self.logs / f"{order.number}.log") if self.logs else ""

    def _result(self, future: "Future", order: Order) -> dict[str, Any] | Killed:
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker:
            return Killed(self._last_words(order), time.monotonic() - order.taken)
        except Exception as error:
            if future.status == "cancelled" or isinstance(error, OSError):
                raise ClusterLost(f"The cluster is gone ({type(error).__name__})") from None
            raise

    def _last_words(self, order: Order) -> str:
        with contextlib.suppress(OSError):
            return Path(self._log_of(order)).read_text(encoding="utf-8", errors="replace")
        return ""


@contextlib.contextmanager
def _there(address: str) -> "Iterator[Client]":
    """A client of a cluster that somebody else has started."""
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECTING)
    except (OSError, ValueError) as error:
        raise ClusterLost(f"There is no Dask scheduler at {address} ({type(error).__name__})") from None
    with client:
        ours = importlib.metadata.version("coursekit")
        # a function of the standard library: one of ours would never arrive where coursekit is missing
        found = client.run(importlib.metadata.version, "coursekit", on_error="return").values()
        if {str(version) for version in found} != {ours}:
            raise ClusterLost(f"The cluster at {address} needs workers with coursekit {ours}, and has not got them")
        yield client


@contextlib.contextmanager
def _local(jobs: int, folder: str) -> "Iterator[Client]":
    """A client of worker processes of our own, which end with us, however we end."""
    from distributed import Client, LocalCluster

    options = {
        "n_workers": jobs,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "security": True,  # by certificates for this run alone: other users of this machine can open its ports
        "memory_limit": 0,  # the kernels have limits of their own
        "dashboard_address": None,
        "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
        "silence_logs": logging.CRITICAL,
        "local_directory": folder,
    }
    with LocalCluster(**options) as made, Client(made) as client:
        try:
            yield client
        finally:
            _end(made.workers.values())


def _end(nannies: Iterable[Any]) -> None:
    """End the workers at once, whatever they do, and wait for what they have started: it ends when they do."""
    family = []
    for nanny in nannies:
        nanny.close_gracefully()  # no new worker in place of this one
        if nanny.pid is None:
            continue
        with contextlib.suppress(psutil.Error):
            worker = psutil.Process(nanny.pid)
            family += [worker, *worker.children(recursive=True)]
            worker.kill()
    end = time.monotonic() + CLOSING
    while (family := [process for process in family if _lives(process)]) and time.monotonic() < end:
        time.sleep(0.02)
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended, and that its parent has not buried yet, does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.contextmanager
def _without_this_folder() -> Iterator[None]:
    """Processes started meanwhile import nothing from the folder we are in: it may be the one with the submissions."""
    name = "PYTHONSAFEPATH"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})
