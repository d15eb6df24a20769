"""The solutions' own answers: a source notebook run in a plain kernel, for it is trusted, unlike a submission."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

from coursekit.compare import compare
from coursekit.grading import images
from coursekit.grading.source import Cell, Check, Misunderstanding, Source

MESSAGE = "application/vnd.coursekit.check+json"
CELL_SECONDS = 300
NO_VALUE = ("nothing", "error", "unknown", "too-large")
# what a kernel of ours must not take over from the author's shell, and what makes its numbers come out the same
DROPPED = ("COURSEKIT_CHECK", "COURSEKIT_VALUES", "PYTHONSTARTUP")
STEADY = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Cases = list[dict[str, Any]]


@dataclass(frozen=True)
class Reference:
    """What the solutions give: the encoded cases of each check, and those of each misunderstanding, by check id.

    ``problems`` says what kept a check from giving values; it names the cell.
    """

    cases: Mapping[str, Cases] = field(default_factory=dict)
    wrong: Mapping[tuple[str, Misunderstanding], Cases] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def run(source: Source, seed: int, *, misunderstandings: bool = True, public: bool = False) -> Reference:
    """Run a source notebook with its solutions, in a kernel of its own.

    Parameters
    ----------
    source : Source
        The assignment.
    seed : int
        The seed that its checks draw from.
    misunderstandings : bool
        Whether each check is also run with each of its wrong functions in place of the right one.
    public : bool
        Whether images come from the part that learners' own checks draw from.

    Returns
    -------
    Reference
        The run ends at the first cell that raises; the problems name it. Of a check that gives images it holds the
        true labels, once the solution has found enough of them.
    """
    cases: dict[str, Cases] = {}
    wrong: dict[tuple[str, Misunderstanding], Cases] = {}
    problems: list[str] = []
    with _kernel(seed) as execute:
        for cell in source.cells:
            if cell.cell_type != "code":
                continue
            head = images.first_lines(cell.checks, seed, public=public) if cell.checks else ""
            code = head + cell.source
            messages, error = execute(code)
            if error:
                problems.append(f"{cell.name} raises {error}: mend it")
                break
            for check in cell.checks:
                try:
                    cases[check.id] = _cases_of(check, messages)
                except ValueError as reason:
                    problems.append(f"{cell.name}: {reason}")
                else:
                    problems += [f"{cell.name}: {what}" for what in _not_values(check, cases[check.id])]
                    if check.images:
                        cases[check.id], found = images.truth(check, seed, public=public), cases[check.id]
                        result = compare(cases[check.id], found, check.how)
                        problems += [f"{cell.name}: the solution fails: {result.reason}"] if result.reason else []
            for item in cell.checks[0].misunderstandings if cell.checks and misunderstandings else ():
                try:
                    wrong.update(_misunderstood(cell, code, item, execute))
                except ValueError as reason:
                    problems.append(f"{cell.name}: misunderstanding {item.by!r} {reason}")
    return Reference(cases, wrong, problems)


def _cases_of(check: Check, messages: list[Any]) -> Cases:
    """The cases in the one message of a check."""
    sent = [message for message in messages if isinstance(message, dict) and message.get("id") == check.id]
    if len(sent) != 1:
        raise ValueError(f"check {check.id!r} sent {len(sent)} messages, not one: is check coursekit's own?")
    if len(sent[0]["cases"]) != check.cases:
        raise ValueError(f"check {check.id!r} sent {len(sent[0]['cases'])} cases, not {check.cases}")
    return sent[0]["cases"]


def _not_values(check: Check, cases: Cases) -> Iterator[str]:
    for number, case in enumerate(cases, 1):
        if case["kind"] in NO_VALUE:
            what = {
                "nothing": "nothing",
                "error": f"{case.get('type')}: {case.get('message')}",
                "unknown": f"a {case.get('type')}, which cannot be compared",
                "too-large": "more than a check may send",
            }[case["kind"]]
            yield f"the solution gives {what} in case {number} of check {check.id!r}"
            return


def _misunderstood(
    cell: Cell, code: str, item: Misunderstanding, execute: Callable
) -> dict[tuple[str, Misunderstanding], Cases]:
    """Run a check cell again with the wrong function in place of the right one, which is then put back."""
    module, _, name = item.by.partition(":")
    _, error = execute(f"__coursekit_kept = {item.replace}")
    if error:
        raise ValueError(f"cannot replace {item.replace!r}: {error}")
    _, error = execute(f"import importlib\n{item.replace} = getattr(importlib.import_module({module!r}), {name!r})")
    if error:
        raise ValueError(f"cannot be imported: {error}")
    messages, error = execute(code)
    _, kept = execute(f"{item.replace} = __coursekit_kept")
    if error or kept:
        raise ValueError(f"makes the check cell raise {error or kept}")
    return {(check.id, item): _cases_of(check, messages) for check in cell.checks}


class _ThisPython(KernelSpecManager):
    """The Python that runs this, whatever kernels the author has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        return KernelSpec(argv=argv, display_name="Python", language="python", interrupt_mode="signal")


@contextmanager
def _kernel(seed: int) -> Iterator[Callable[[str], tuple[list[Any], str | None]]]:
    """A kernel whose checks send their answers; yields what runs code in it and returns (messages, error)."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if key not in DROPPED} | STEADY
        environment |= {"COURSEKIT_CHECK_MODE": "send", "COURSEKIT_CHECK_SEED": str(seed), "IPYTHONDIR": folder}
        place = os.path.join(folder, "kernel.json")  # jupyter_client makes the folder of this file sticky
        manager = KernelManager(kernel_spec_manager=_ThisPython(), connection_file=place)
        manager.start_kernel(env=environment, cwd=folder)
        client = manager.client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=60)
            yield lambda code: _execute(client, code)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def _execute(client: Any, code: str) -> tuple[list[Any], str | None]:
    messages: list[Any] = []

    def keep(message: Mapping[str, Any]) -> None:
        data = message["content"].get("data", {})
        if message["msg_type"] == "display_data" and MESSAGE in data:
            messages.append(data[MESSAGE])

    try:
        reply = client.execute_interactive(
            code, store_history=False, allow_stdin=False, timeout=CELL_SECONDS, output_hook=keep
        )
    except TimeoutError:
        return messages, f"nothing, but does not end within {CELL_SECONDS} s"
    content = reply["content"]
    return messages, None if content["status"] == "ok" else f"{content.get('ename')}: {content.get('evalue')}"
