"""Put a student's answers into the trusted notebook. Nothing else of what was handed in reaches the kernel.

The student's code is matched as text, line by line: Python's own parser can be brought down by a hostile source.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import nbformat

from coursekit.grading.images import first_lines
from coursekit.grading.source import student_source

if TYPE_CHECKING:
    from coursekit.grading import source as trusted
    from coursekit.grading.submission import Cell, Submission

COMPARED = 1000  # characters at most whose likeness is measured
DEFINES = re.compile(r"(?:async +)?(?:def|class) +(\w+)|(\w+(?: *, *\w+)*) *(?::[^=]*)?=(?!=)")
NBVAL_MARK = re.compile(r"^[ \t]*#[# \t]*(?=NBVAL_|PYTEST_VALIDATE_)", re.MULTILINE)


@dataclass(frozen=True)
class Assembled:
    """The notebook to run, and what student and instructor should know about how it came about."""

    notebook: nbformat.NotebookNode
    notes: tuple[str, ...]
    untouched: frozenset[str]  # grade_ids of the answers that are as they were handed out


def assemble(source: "trusted.Source", submission: "Submission", seed: int) -> Assembled:
    """Build the notebook to grade: trusted cells, with the student's answers and their helper cells.

    Parameters
    ----------
    source : Source
        The assignment. Given and check cells are taken from it, whatever the student's notebook holds in their place.
    submission : Submission
        Its answer cells are found by grade_id, then by cell id, then by what they define and where they stand.
    seed : int
        That of the batch: by it images are drawn, for the checks that give some.

    Returns
    -------
    Assembled
        A question whose cell is not found keeps its stub, and a note says so.
    """
    matching = Matching(source, submission.cells)
    cells = []
    for cell in source.cells:
        if cell.role == "open":
            continue  # people read it, no kernel does
        new = nbformat.from_dict(source.notebook.cells[cell.index])
        new.metadata.pop("tags", None)
        if cell.cell_type == "code":
            new.outputs, new.execution_count = [], None
        if cell.role == "check":
            new.source = first_lines(cell.checks, seed) + cell.source  # whatever an answer has made of the name check
        elif cell.role == "answer":
            answer = matching.answers[cell.grade_id]
            cells += [_helper_cell(helper, cell) for helper in matching.helpers(answer)]
            new.source = student_source(cell.source) if answer is None else _without_marks(answer.source)
        cells.append(new)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=source.notebook.metadata)
    return Assembled(notebook, (*submission.notes, *matching.notes), matching.untouched())


@dataclass
class Matching:
    """Which of the student's cells is which. The sure marks are followed first, for all questions; then likeness."""

    source: "trusted.Source"
    cells: "Sequence[Cell]"
    notes: list[str] = field(default_factory=list)
    answers: "dict[str, Cell | None]" = field(default_factory=dict)  # by grade_id
    taken: set[int] = field(default_factory=set)  # numbers of the cells that are an answer or a copy of one
    ours: set[int] = field(default_factory=set)  # numbers of the cells that were handed out as given or as checks
    place: dict[int, int] = field(default_factory=dict)  # index of a source cell -> number of the student's

    def __post_init__(self) -> None:
        questions = [cell for cell in self.source.cells if cell.role == "answer"]
        self.text = {cell.number: _plain(cell.source) for cell in self.cells}
        self.names = {cell.number: _names(cell.source) for cell in self.cells}
        self.stubs = {question.grade_id: student_source(question.source) for question in questions}
        for question in questions:
            self._by_mark(question)
        self._find_ours()
        for question in questions:
            self._by_likeness(question)
        self._note_what_is_left_out()

    def untouched(self) -> frozenset[str]:
        """Which questions, by grade_id, have nothing of the student's in them."""
        found = self.answers.items()
        return frozenset(
            id for id, cell in found if cell is None or (self._is_stub(cell, id) and not self.helpers(cell))
        )

    def helpers(self, answer: "Cell | None") -> "list[Cell]":
        """List the student's own code cells directly above an answer; texts of their own may stand between."""
        found: list[Cell] = []
        for cell in reversed(self.cells[: answer.number - 1] if answer else ()):
            if self._is_own(cell):
                found.insert(0, cell)
            elif self.text[cell.number] and (cell.kind == "code" or cell.number in self.ours | self.taken):
                break
        return found

    def _by_mark(self, question: "trusted.Cell") -> None:
        """Match by grade_id, or else by cell id. Of copies the first that was worked on counts."""
        id, names = question.grade_id, _names(self.stubs[question.grade_id])
        for mark in ("grade_id", "id"):
            wanted = getattr(question, mark)
            marked = [cell for cell in self.cells if wanted and getattr(cell, mark) == wanted]
            # made text by mistake (one key of JupyterLab's does that) it still reads as code
            marked = [cell for cell in marked if cell.kind == "code" or self.names[cell.number]]
            if not marked:
                continue
            # a copy that defines something else has become a cell of the student's own
            copies = [cell for cell in marked if names <= self.names[cell.number]] or marked
            chosen = next((cell for cell in copies if not self._is_stub(cell, id)), copies[0])
            if len(copies) > 1:
                self.notes.append(f"{id}: {_numbers(copies)} are copies of one; cell {chosen.number} counts.")
            if chosen.kind != "code":
                self.notes.append(f"{id}: cell {chosen.number} is a text cell now; it was taken as code.")
            self.taken |= {cell.number for cell in copies}
            self.answers[id], self.place[question.index] = chosen, chosen.number
            return

    def _find_ours(self) -> None:
        """Find the given cells and the checks, so that they are not taken for the student's own."""
        rest = [cell for cell in self.source.cells if cell.role != "answer"]
        known = {cell.grade_id: cell for cell in rest} | {cell.id: cell for cell in rest}
        known |= {_plain(student_source(cell.source)): cell for cell in rest}
        known.pop("", None)
        checks = {check.id: cell for cell in rest for check in cell.checks}
        calls = re.compile(rf"""check\(\s*["']({"|".join(map(re.escape, checks))})["']""")
        for cell in self.cells:
            found = known.get(cell.grade_id) or known.get(cell.id) or known.get(self.text[cell.number])
            if not found and cell.kind == "code" and (call := calls.search(cell.source)):
                found = checks[call[1]]
            if found and cell.number not in self.taken:
                self.ours.add(cell.number)
                self.place.setdefault(found.index, cell.number)

    def _by_likeness(self, question: "trusted.Cell") -> None:
        """Match a cell without a mark that defines what the question asks for, where the marked one does not."""
        id, names = question.grade_id, _names(self.stubs[question.grade_id])
        found = self.answers.setdefault(id, None)
        stub = found is not None and self._is_stub(found, id)
        if found is not None and not stub and names <= self.names[found.number]:
            return
        alike = [cell for cell in self.cells if cell.kind == "code" and cell.number not in self.ours]
        alike = [cell for cell in alike if names and names <= self.names[cell.number] and not self._is_stub(cell, id)]
        free = [cell for cell in alike if cell.number not in self.taken]
        if free:
            chosen = min(free, key=lambda cell: self._misfit(cell, question))
            self.taken.add(chosen.number)
            self.place[question.index] = chosen.number
        else:
            chosen = alike[0] if alike else None
        self.answers[id] = chosen or found
        if chosen is None and found is not None and not stub:
            self._join_parts(question, found, names - self.names[found.number])
        if chosen is None and found is None:
            self.notes.append(f"{id}: there is no cell for it in the notebook, so nothing was handed in for it.")
        if chosen is None:
            return
        if found is None:
            why = "its cell had lost its mark" if free else "its cell is not there"
        else:
            why = "its cell is as it was handed out" if stub else f"its cell does not define {', '.join(sorted(names))}"
            if not stub:  # it may help
                self.taken.discard(found.number)
        self.notes.append(f"{id}: {why}; cell {chosen.number} was taken for it.")

    def _join_parts(self, question: "trusted.Cell", found: "Cell", missing: set[str]) -> None:
        """Put a split answer together again: own cells right below its first part that define what it lacks."""
        parts = [found]
        for cell in self.cells[found.number :]:
            if cell.kind == "code" and (not self._is_own(cell) or not missing & self.names[cell.number]):
                break
            if cell.kind == "code":
                parts.append(cell)
                missing = missing - self.names[cell.number]
            elif cell.number in self.ours:
                break
        if len(parts) > 1:
            self.taken |= {cell.number for cell in parts}
            joined = "\n\n".join(cell.source for cell in parts)
            self.answers[question.grade_id] = dataclasses.replace(found, source=joined)
            self.notes.append(
                f"{question.grade_id}: {_numbers(parts)} are parts of one answer, and were taken together."
            )
        if missing:
            wanted = ", ".join(sorted(missing))
            self.notes.append(f"{question.grade_id}: cell {found.number} does not define {wanted}, which is asked for.")

    def _misfit(self, cell: "Cell", question: "trusted.Cell") -> tuple[bool, float]:
        """How little a cell fits: whether it stands outside its neighbours, then how unlike the stub it looks."""
        above = max((index for index in self.place if index < question.index), default=None)
        below = min((index for index in self.place if index > question.index), default=None)
        outside = above is not None and self.place[above] > cell.number
        outside |= below is not None and self.place[below] < cell.number
        # this ratio counts characters alone, and so takes no time to speak of, whatever the texts are
        stub = self.stubs[question.grade_id][:COMPARED]
        return outside, 1 - SequenceMatcher(None, cell.source[:COMPARED], stub, autojunk=False).quick_ratio()

    def _is_stub(self, cell: "Cell", id: str) -> bool:
        return self.text[cell.number] == _plain(self.stubs[id])

    def _is_own(self, cell: "Cell") -> bool:
        return cell.kind == "code" and cell.number not in self.taken | self.ours and bool(self.text[cell.number])

    def _note_what_is_left_out(self) -> None:
        """Say which of the student's changes are not used: they may rely on them."""
        used = {helper.number for answer in self.answers.values() for helper in self.helpers(answer)}
        left = [cell for cell in self.cells if self._is_own(cell) and cell.number not in used]
        if left:
            self.notes.append(
                f"Not used: your own code in {_numbers(left)}. Own cells come along directly above an answer cell only."
            )
        rest = {cell.grade_id or cell.id: cell for cell in self.source.cells if cell.role != "answer"}
        ours = [(cell, rest.get(cell.grade_id or cell.id or "")) for cell in self.cells if cell.number in self.ours]
        changed = [
            cell
            for cell, original in ours
            if original and cell.kind == "code" and self.text[cell.number] != _plain(student_source(original.source))
        ]
        if changed:
            self.notes.append(f"Not used: your changes in {_numbers(changed)}, given with the assignment.")


def _helper_cell(helper: "Cell", question: "trusted.Cell") -> nbformat.NotebookNode:
    """Make a cell of a helper cell, one that is gone when its question is."""
    metadata = {"coursekit": {"helps": question.grade_id}}
    return nbformat.v4.new_code_cell(_without_marks(helper.source), metadata=metadata)


def _without_marks(source: str) -> str:
    """Spoil the comments by which a cell asks nbval to be skipped or not to be compared."""
    return NBVAL_MARK.sub("# not ", source)


def _names(source: str) -> set[str]:
    """Which names a cell defines at its top level, as far as its lines show."""
    found = (DEFINES.match(line[:200]) for line in source.splitlines() if line[:1].strip())
    return {name.strip() for match in found if match for name in (match[1] or match[2]).split(",")}


def _plain(source: str) -> str:
    """Make sources equal that differ only in white space at the ends of their lines."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _numbers(cells: "Sequence[Cell]", most: int = 6) -> str:
    numbers = ", ".join(str(cell.number) for cell in cells[:most])
    return f"{'cell' if len(cells) == 1 else 'cells'} {numbers}{' and others' if len(cells) > most else ''}"
