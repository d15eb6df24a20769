"""One submission graded, as a function from plain data to plain data: what a worker process of the batch runs.

A hostile notebook is read here for the first time, so it is here that its reading may fail, hang or crash; the
grader's own process has seen its bytes only. Whatever happens, running the function again does no harm.
"""

import contextlib
import errno
import faulthandler
import functools
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import nbformat

from coursekit.grading import execute
from coursekit.grading.assemble import assemble
from coursekit.grading.sandbox import Limits, Sandbox, SandboxUnavailable
from coursekit.grading.score import Expectation, Grade, score, without_checks
from coursekit.grading.source import Source
from coursekit.grading.submission import Collected, Refusal, Submission, choose

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO) if os.name != "nt" else (errno.ENOSPC,)
READING = 60.0  # seconds in which a notebook is read and its answers found
SPARE = 240.0  # seconds beyond a submission's own, for kernels to start and end
LONGEST_FAULT = 20_000  # characters


@dataclass(frozen=True)
class Work:
    """What all submissions of a batch are graded with."""

    source: Source
    expected: dict[str, Expectation]
    sandbox: Sandbox | None
    limits: Limits
    seed: int
    warm: bool = True


def packed(work: Work) -> bytes:
    """Make bytes of it, which every task carries: a worker process that was started a moment ago knows nothing."""
    return pickle.dumps(work)


@functools.lru_cache(maxsize=4)
def _unpacked(work: bytes) -> Work:
    return pickle.loads(work)  # ours, on its way to the worker; nothing comes back this way


def prepare(sandbox: dict[str, Any] | None, warm: bool) -> None:
    """Start the process that faces kernels, and one to fork kernels from; what goes wrong is seen with a submission."""
    cells = [nbformat.v4.new_code_cell("pass")] if warm else []
    with contextlib.suppress(Exception):
        room = Sandbox(**sandbox) if sandbox else None
        execute.run(nbformat.v4.new_notebook(cells=cells), sandbox=room, seed=0, warm=warm)


def grade(work: bytes, handed_in: tuple, known: str = "", log: str = "") -> dict[str, Any]:
    """Grade a submission.

    Parameters
    ----------
    work : bytes
        As `packed` makes it.
    handed_in : tuple
        The fields of `Collected`: plain data, which a worker can take in whatever is installed there.
    known : str
        The sha256 of a notebook that need not be graded again.
    log : str
        A file for last words, should the submission end this process; empty for the standard error output.

    Returns
    -------
    dict
        Plain data: "sha256" of the notebook, "grade" (None where it is the known one), "seconds" and "fault", which
        is empty unless we failed. Where no other could be graded either: "unavailable" (no sandbox) or "stop", and why.
    """
    start = time.perf_counter()
    common, collected = _unpacked(work), Collected(*handed_in)
    sha256, made, fault = collected.sha256, None, ""
    try:
        with _watched(log) as allow:
            allow(READING)
            found = choose(collected, common.source)
            sha256 = found.sha256
            if sha256 != known:
                made = _grade(found, common, allow)
    except SandboxUnavailable as error:
        return {"unavailable": str(error)}
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            return {"stop": f"A disk is full or fails ({error.strerror})"}
        made, fault = without_checks(common.source, "failed", failed(type(error).__name__)), _report()
    seconds = time.perf_counter() - start
    return {"sha256": sha256, "grade": made and asdict(made), "seconds": seconds, "fault": fault}


def failed(why: str) -> str:
    """Say that a submission has no grade. No text of an error: what came from the kernel may be in it."""
    return f"Could not be graded, which is not the student's fault ({why}; more in the folder quarantine)."


def _grade(found: Submission | Refusal, common: Work, allow: Callable[[float], None]) -> Grade:
    if isinstance(found, Refusal):
        return without_checks(common.source, "refused", found.reason)
    assembled = assemble(common.source, found, common.seed)
    limits = common.limits
    allow(limits.start + limits.total + SPARE)
    runs = execute.run(assembled.notebook, sandbox=common.sandbox, seed=common.seed, limits=limits, warm=common.warm)
    allow(READING)
    return score(common.source, runs, common.expected, assembled.untouched).with_notes(assembled.notes)


@contextlib.contextmanager
def _watched(log: str) -> Iterator[Callable[[float], None]]:
    """Give what sets the seconds after which this process is ended; crash or end, the log says where it stood."""
    with open(log, "w", encoding="utf-8") if log else contextlib.nullcontext(sys.__stderr__) as file:
        faulthandler.enable(file)
        try:
            yield functools.partial(faulthandler.dump_traceback_later, exit=True, file=file)
        finally:
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()


def _report() -> str:
    """What went wrong, for the instructor, with nothing in it that a terminal would obey."""
    text = traceback.format_exc()[-LONGEST_FAULT:]
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
