"""How fast submissions are graded, beside nbgrader, plain nbval and otter-grader: python benchmarks/grading.py

The same class of NumPy notebooks with three checks for everybody; the graders take turns, so that a busy machine is
busy for all of them. Seconds of the processor are those of every process that a grader starts, start-up, reference run
and gradebook included. The peers get environments of their own, made by uv from the package index.
"""

import argparse
import contextlib
import csv
import ctypes
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from grading_class import (
    NAME,
    POINTS,
    QUESTIONS,
    deserved,
    environment,
    write_nbgrader,
    write_nbval,
    write_otter,
    write_ours,
)

RESULT = Path(__file__).parent / "results" / "grading.md"
ROOT = Path(__file__).resolve().parents[1]
PEERS = {
    "nbgrader": ["nbgrader==0.9.6"],
    "nbval": ["nbval==0.11.*", "ipykernel"],
    "otter": ["otter-grader==7.0.0", "ipykernel"],
}
LIMIT = 5  # seconds for a cell, in the row of the endless loop
PATIENCE = 300  # seconds until an endless loop is given up
SUBREAPER = 36  # of prctl: orphans become our children, and what they used is counted

OURS = {
    "ours, warm": {},
    "ours, cold": {"warm": False},
    "ours, warm, no sandbox": {"sandboxed": False},
    "ours, cold, no sandbox": {"warm": False, "sandboxed": False},
}
GRADE = f"""
import pathlib, sys
from coursekit.grading.run import grade_folder
here = pathlib.Path.cwd()
print(grade_folder(here / "in", {NAME!r}, here / "out", root=here, **eval(sys.argv[1])).table())
"""
OTTER = """
import pathlib
from otter.api import grade_submission
for path in sorted(pathlib.Path("in").glob("*.ipynb")):
    print(path.stem, grade_submission(str(path), "autograder.zip", quiet=True).total, flush=True)
"""
READ_NBGRADER = f"""
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    for submission in book.assignment_submissions({NAME!r}):
        print(submission.student.id, submission.score)
"""


@dataclass
class Contender:
    """A grader: what it runs in a folder that was prepared for it, and how its scores are read afterwards."""

    name: str
    count: int
    folder: Path
    command: list[object]
    scores: Callable[[Path, str], list[float]]
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    limit: float | None = None

    def run(self) -> tuple[float, float]:
        """Grade everything from the start; seconds by the clock and of the processor."""
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch) / "class"
            shutil.copytree(self.folder, place)
            seconds, processor, output = measured(self.command, place, self.limit)
            if self.limit is None:
                self._must_be_right(self.scores(place, output), output)
        return seconds, processor

    def _must_be_right(self, found: list[float], output: str) -> None:
        wanted = sorted(deserved(number) for number in range(self.count))
        if sorted(found) != wanted:
            raise SystemExit(f"{self.name} gives {sorted(found)} instead of {wanted}:\n{output[-3000:]}")


def measured(command: list[object], place: Path, limit: float | None) -> tuple[float, float, str]:
    """Run a command to the end of its last process."""
    with accounted() as (enter, processor), tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [*map(str, command)],
            cwd=place,
            env=environment(Path(str(command[0]))),
            stdout=output,
            stderr=output,
            preexec_fn=enter,
            start_new_session=True,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(limit)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        seconds = time.perf_counter() - start
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
        output.seek(0)
        return seconds, processor(), output.read()


@contextlib.contextmanager
def accounted() -> Iterator[tuple[Callable[[], None] | None, Callable[[], float]]]:
    """Count the processor's seconds: by a control group where we may make one, else by what our children have used."""
    group = Path(f"/sys/fs/cgroup/cpuacct/grading-{os.getpid()}")
    try:
        group.mkdir()
    except OSError:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        yield None, lambda: used(before)
        return
    try:
        yield (
            lambda: (group / "cgroup.procs").write_text("0") and None,
            lambda: int((group / "cpuacct.usage").read_text()) / 1e9,
        )
    finally:
        group.rmdir()


def used(before: resource.struct_rusage) -> float:
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environments(folder: Path, names: set[str]) -> dict[str, Path]:
    """Make an environment for each peer, unless it is there; the folders of their programs."""
    uv = [found] if (found := shutil.which("uv")) else [sys.executable, "-m", "uv"]
    programs = {}
    for name in names & PEERS.keys():
        programs[name] = folder / name / "bin"
        if not (folder / name / "ready").exists():
            subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder / name], check=True)
            install = [*uv, "pip", "install", "-q", "--python", programs[name] / "python", *PEERS[name], "numpy<2.5"]
            subprocess.run(install, check=True)
            (folder / name / "ready").touch()
    return programs


def contenders(
    names: set[str], count: int, otter: int, place: Path, programs: dict[str, Path], *, endless: bool = False
) -> list[Contender]:
    """Prepare a folder for each grader."""
    found = []
    limit = PATIENCE if endless else None
    if wanted := [name for name in OURS if name in names]:
        write_ours(place / "ours", count, endless=endless)
        for name in wanted:
            given = OURS[name] | {"timeout": LIMIT if endless else 30}
            command = [sys.executable, "-P", "-c", GRADE, repr(given)]
            found.append(Contender(name, count, place / "ours", command, ours_scores, limit=limit))
    if "nbgrader" in names:
        python = programs["nbgrader"] / "python"
        write_nbgrader(place / "nbgrader", count, python, timeout=LIMIT if endless else 30, endless=endless)
        command = [python, "-m", "nbgrader", "autograde", NAME]
        found.append(Contender("nbgrader", count, place / "nbgrader", command, nbgrader_scores(python), limit=limit))
    if "nbval" in names:
        write_nbval(place / "nbval", count, endless=endless)
        command = [programs["nbval"] / "python", "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "."]
        command += [f"--nbval-cell-timeout={LIMIT}"] * endless
        found.append(Contender("nbval", count, place / "nbval", command, nbval_scores(count), limit=limit))
    if "otter" in names and not endless:
        write_otter(place / "otter", otter, programs["otter"] / "otter")
        found.append(
            Contender("otter", otter, place / "otter", [programs["otter"] / "python", "-c", OTTER], said_scores)
        )
    return found


def ours_scores(place: Path, output: str) -> list[float]:
    with (place / "out/grades.csv").open(encoding="utf-8", newline="") as file:
        return [float(row["score"]) for row in csv.DictReader(file)]


def nbgrader_scores(python: Path) -> Callable[[Path, str], list[float]]:
    def scores(place: Path, output: str) -> list[float]:
        command = [python, "-c", READ_NBGRADER]
        return said_scores(place, subprocess.run(command, cwd=place, capture_output=True, text=True).stdout)

    return scores


def said_scores(place: Path, output: str) -> list[float]:
    return [float(line.split()[1]) for line in output.splitlines() if line.startswith("student")]


def nbval_scores(count: int) -> Callable[[Path, str], list[float]]:
    """Two points for each question whose test passes; pytest says how many have failed in all."""

    def scores(place: Path, output: str) -> list[float]:
        failed = re.findall(r"^FAILED (?:\./)?(student\d+)", output, re.MULTILINE)
        names = [f"student{number:04}" for number in range(count)]
        passed = int(re.search(r"(\d+) passed", output)[1])
        assert passed + len(failed) == count * (2 * len(QUESTIONS) + 1)
        return [POINTS - 2 * failed.count(name) for name in names]

    return scores


def main() -> None:
    options = arguments()
    ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1, 0, 0, 0)
    os.environ["PYTHONPATH"] = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")
    names = set(options.only or [*OURS, *PEERS])
    loads = []
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        programs = environments(options.environments or place / "environments", names)
        fair = contenders(names, options.submissions, options.otter, place, programs)
        for turn in range(options.runs):
            for contender in fair:
                loads.append(os.getloadavg()[0])
                seconds, processor = contender.run()
                contender.seconds.append(seconds / contender.count)
                contender.processor.append(processor / contender.count)
                print(f"{turn + 1}: {contender.name}: {seconds:.1f} s, {processor:.1f} CPU s", flush=True)
        alone = contenders(names - {"otter"}, 1, 0, place / "one", programs)
        loops = contenders(names - {"otter"}, 1, 0, place / "endless", programs, endless=True)
        cost = {
            loop.name: median(loop.run()[0] - one.run()[0] for _ in range(options.runs))
            for one, loop in zip(alone, loops, strict=True)
        }
    text = report(fair, cost, options, loads)
    print(text)
    if options.write:
        RESULT.write_text(text, encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=100)
    parser.add_argument("--otter", type=int, default=20, help="submissions for otter-grader, which takes long")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", action="append", help=f"of {', '.join([*OURS, *PEERS])}; may be given several times")
    parser.add_argument("--environments", type=Path, help="folder to keep the peers' environments in")
    parser.add_argument("--write", action="store_true", help=f"write {RESULT.name} into benchmarks/results")
    return parser.parse_args()


def report(fair: list[Contender], cost: dict[str, float], options: argparse.Namespace, loads: list[float]) -> str:
    """Write the table."""
    ours = next((each for each in fair if each.name == "ours, warm"), fair[0])
    lines = [
        "# Grading, beside nbgrader, nbval and otter-grader",
        "",
        f"Made by `python benchmarks/grading.py` on {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}; {options.submissions} submissions (otter: {options.otter}) of a NumPy "
        f"assignment with three checks, 11 of 20 all right; {options.runs} interleaved runs; load of the machine "
        f"before a run {min(loads):.1f} to {max(loads):.1f}.",
        "Median (smallest to largest) of all runs; everything from start to end of the command, divided by the number "
        f"of submissions. The last column: what an endless loop costs at a limit of {LIMIT} s for a cell.",
        "",
        "| grader | s a submission | CPU s a submission | times ours, s | times ours, CPU s | endless loop, s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in fair:
        slower = median(each.seconds) / median(ours.seconds)
        hungrier = median(each.processor) / median(ours.processor)
        loop = f"{cost[each.name]:.1f}" if each.name in cost else "not run"
        cells = [each.name, spread(each.seconds), spread(each.processor), f"{slower:.1f}", f"{hungrier:.1f}", loop]
        lines.append(f"| {' | '.join(cells)} |")
    by_name = {each.name: each for each in fair}
    for start in ("warm", "cold"):
        pair = [by_name.get(f"ours, {start}"), by_name.get(f"ours, {start}, no sandbox")]
        if all(pair):
            with_it, without = (median(each.processor) for each in pair)
            by_clock = median(pair[0].seconds) - median(pair[1].seconds)
            lines.append(f"| price of bwrap alone, {start} | {by_clock:.3f} | {with_it - without:.3f} | | | |")
    return "\n".join(lines) + "\n"


def spread(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
