"""A look at the machine on which the course runs: what is there, what is missing, and what to do about it.

It may say other things on each machine. Nothing is changed, and neither PyTorch nor the network is asked.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

__all__ = ["Finding", "look", "report"]

ROOM = 1.0  # GB: downloads of other data sets, copies, pages
HANGUL = (
    "Noto Sans CJK", "Noto Serif CJK", "Noto Sans KR", "Noto Sans Mono CJK", "Nanum", "Malgun Gothic", "Batang",
    "Gulim", "Dotum", "Apple SD Gothic Neo", "AppleGothic", "AppleMyungjo", "UnBatang", "UnDotum", "Baekmuk",
    "Source Han", "Droid Sans Fallback", "WenQuanYi", "Arial Unicode",
)  # fmt: skip
PARTS = {"packages": {"", "lab", "pictures"}, "PyTorch": {"torch"}}  # of the course's own list of packages


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, and what to do about it if it is not fine."""

    name: str
    found: str
    advice: str = ""

    @property
    def fine(self) -> bool:
        """Whether there is nothing to do."""
        return not self.advice

    def lines(self) -> list[str]:
        """One line, and a second one with the advice."""
        first = f"{'fine' if self.fine else 'LOOK':4}  {self.name:14} {self.found}"
        return [first] if self.fine else [first, f"{'':21}{self.advice}"]


def look(root: Path) -> list[Finding]:
    """Look at Python, packages, fonts, threads and the disk.

    Parameters
    ----------
    root : Path
        The folder of the course.

    Returns
    -------
    list of Finding
    """
    wanted = list(_wanted())
    return [
        _python(sys.version_info[:3]),
        _packages("packages", wanted, "Close JupyterLab and type: python3 course.py setup"),
        _packages("PyTorch", wanted, "Chapters 0 to 5 do without. For the others type: python3 course.py setup"),
        _letters(),
        _threads(),
        _room(shutil.disk_usage(root).free / 1e9),
    ]


def report(findings: list[Finding]) -> str:
    """The findings as text, with a last line that sums up."""
    lines = [line for finding in findings for line in finding.lines()]
    left = sum(not finding.fine for finding in findings)
    return "\n".join([*lines, "", f"{left} of these want a look." if left else "All is well. Go on."])


def _python(version: tuple[int, ...]) -> Finding:
    found = ".".join(map(str, version))
    advice = "" if version >= (3, 11) else "Install 3.11 or newer from python.org and type: python3 course.py setup"
    return Finding("Python", found, advice)


def _wanted() -> Iterator[tuple[str, str, str]]:
    """Part of the course, name and range of versions of each package, as the course's own metadata have them."""
    from packaging.requirements import Requirement

    for line in metadata.requires("coursekit") or []:
        needed = Requirement(line)
        for part, extras in PARTS.items():
            fits = [extra for extra in extras if needed.marker is None or needed.marker.evaluate({"extra": extra})]
            if needed.name != "coursekit" and fits and (needed.marker is not None or "" in extras):
                yield part, needed.name, str(needed.specifier)


def _packages(part: str, wanted: list[tuple[str, str, str]], advice: str) -> Finding:
    from packaging.specifiers import SpecifierSet

    there: dict[str, str | None] = {}
    wrong = []
    for name, versions in ((name, versions) for own, name, versions in wanted if own == part):
        there[name] = _version(name)
        if there[name] is None:
            wrong.append(f"{name} is missing")
        elif not SpecifierSet(versions).contains(there[name], prereleases=True):
            wrong.append(f"{name} {there[name]}, where {versions} is needed")
    return Finding(part, "; ".join(wrong) or _listed(there), advice if wrong else "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _listed(there: Mapping[str, str | None]) -> str:
    """The three that most questions are about, and how many there are."""
    known = [f"{name} {there[name]}" for name in ("numpy", "matplotlib", "jupyterlab", "torch") if name in there]
    return ", ".join(known) + (f" and {len(there) - len(known)} more" if len(there) > len(known) else "")


def _letters() -> Finding:
    from matplotlib import font_manager

    found = next((name for name in sorted(font_manager.get_font_names()) if name.startswith(HANGUL)), None)
    advice = "Only if you see boxes here: 합성곱. Debian and Ubuntu: sudo apt install fonts-nanum"
    return Finding("Korean letters", found or "no font that we know", "" if found else advice)


def _threads() -> Finding:
    import numpy as np  # noqa: F401 - the library that it brings is asked
    from threadpoolctl import threadpool_info

    most = max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
    cores = f"{most} for products of matrices, {os.cpu_count()} cores"
    slow = "It works, but waits a lot: start with python3 course.py lab, or set OPENBLAS_NUM_THREADS=1 before"
    return Finding("threads", cores, slow if most > 1 else "")


def _room(free: float) -> Finding:
    advice = "Make room before you go on; the FAQ says what may be deleted" if free < ROOM else ""
    return Finding("disk", f"{free:.1f} GB free", advice)
