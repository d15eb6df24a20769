"""nbval's file and cell: a submission goes on in a fresh kernel when one is lost, and each check is accounted for.

What cells do is told apart by nbgrader's marks: given cells are ours, answers are the student's, and so are helper
cells, which say whose helpers they are. The answers between two checks are the question of the second.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from coursekit.grading._kernel import Job, Kernel, Lost
from coursekit.grading.zygote import ZygoteError

LOST = ("timeout", "dead", "rubbish")


class Cell(IPyNbCell):
    """A code cell: given, an answer, or a check."""

    role = "given"
    position = question = 0  # position: in the notebook

    def setup(self) -> None:
        """Nothing: nbval would expect a failure after a timeout, and it is a success then that says nothing."""

    def runtest(self) -> None:
        """Run the cell if there is a kernel for it, and account for it either way."""
        if self.parent.job.error is not None:
            return
        began = time.monotonic()
        status, messages = self.parent.fit(self), []
        if not status:
            status, messages = self.attempt()
            if status in LOST:
                self.parent.give_up(self, status)
        if self.role == "check":
            self.parent.job.emit(self.position, status, messages, time.monotonic() - began)

    def attempt(self) -> tuple[str, list[dict]]:
        """Run the cell in the kernel there is; say how it went, and what its checks sent."""
        kernel, status = self.parent.kernel, "ran"
        self.parent.timed_out = False
        try:
            super().runtest()
        except NbCellError:
            status = "error"
        except Lost as lost:
            status = str(lost)
        except ZygoteError as error:  # nothing that was run is to blame
            self.parent.job.error, status = error, "dead"
        except Exception:  # nbval takes what a kernel sends at its word, and stumbles
            status = "rubbish"
        if self.parent.timed_out:
            status = "timeout"
        return status, kernel.cell.payloads


class Notebook(IPyNbFile):
    """The assembled notebook, from memory: nobody reads a file that a student has written."""

    kernel: Kernel | None = None

    def __init__(self, *, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job

    def setup(self) -> None:
        """Nothing: the kernel starts with the first cell."""

    def collect(self) -> Iterator[Cell]:
        """Make an item of every code cell, with options that no tag and no comment changes."""
        self.cells: list[Cell] = []
        self.failed: set[int] = set()  # questions whose check has lost a kernel
        self.broken: dict[int, str] = {}  # questions whose answers have lost one, and how
        self.dropped: set[int] = set()  # numbers of cells that have lost one in a replay
        question, after_check = 0, False
        for position, node in enumerate(self.job.notebook.cells):
            if node.cell_type != "code":
                continue
            options = defaultdict(bool, check=False)
            cell = Cell.from_parent(self, name=f"Cell {position}", cell_num=len(self.cells), cell=node, options=options)
            cell.role, cell.position = _role(node), position
            if cell.role == "answer" and after_check:
                question += 1
            after_check = cell.role == "check" or (after_check and cell.role == "given")
            cell.question = question if cell.role != "given" else -1
            self.cells.append(cell)
        yield from self.cells

    def fit(self, cell: Cell) -> str:
        """See to it that there is a kernel for a cell. Returns the cell's status if it is not to run."""
        if cell.role != "given" and cell.question in self.broken:
            return self.broken[cell.question]
        if self.job.over():
            return "not run"
        if self.kernel is None or not self.kernel.is_alive():
            return self._revive(cell)
        return ""

    def give_up(self, cell: Cell, status: str) -> None:
        """A cell has cost the kernel: end it, and remember whose fault it was."""
        self._end_kernel()
        if cell.role == "check":
            self.failed.add(cell.question)
        elif cell.role == "answer":
            self.broken[cell.question] = status

    def _revive(self, cell: Cell) -> str:
        """Start a kernel and bring it to where a cell finds what it builds on."""
        while not self.job.over():
            self._end_kernel()
            try:
                self._start_kernel()
            except RuntimeError:
                if not self.job.over():
                    raise
                break  # no fault of anybody's: the submission's time was up before the kernel answered
            for earlier in self.cells[: cell.cell_num]:
                if self._replayed(earlier, cell) and earlier.attempt()[0] in LOST:
                    self.dropped.add(earlier.cell_num)
                    break
            else:
                return ""
        self._end_kernel()
        return "not run"

    def _replayed(self, earlier: Cell, cell: Cell) -> bool:
        """Given cells and answers, but no check, and not the answers of a question that has cost a kernel.

        A second check of such a question has a right to its answers: it may be another call that never ends.
        """
        if earlier.role == "check" or earlier.cell_num in self.dropped or earlier.question in self.broken:
            return False
        return earlier.question not in self.failed or earlier.question == cell.question

    def _start_kernel(self) -> None:
        try:
            self.kernel = Kernel(self.job)
        except (RuntimeError, ZygoteError):
            if not self.job.warm or self.job.over():
                raise
            self.job.warm = False  # whatever is wrong there, nobody is to lose points by it
            self.kernel = Kernel(self.job)
        if self.job.deadline == float("inf"):
            self.job.deadline = time.monotonic() + self.job.limits.total

    def _end_kernel(self) -> None:
        kernel, self.kernel = self.kernel, None
        if kernel is not None:
            kernel.stop()

    def teardown(self) -> None:
        """End the kernel."""
        self._end_kernel()


def _role(node: NotebookNode) -> str:
    marks = node.metadata.get("nbgrader", {})
    if marks.get("grade"):
        return "check"
    return "answer" if marks.get("solution") or node.metadata.get("coursekit", {}).get("helps") else "given"
