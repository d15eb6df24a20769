"""Limits on what a kernel and all that it has started use together: a control group for each, where we may make one.

Version 2 wants a parent that hands the memory and pids controllers on (systemd's slices do, also those of an ordinary
user's session); version 1 wants two hierarchies that we may write to, which root may. Nothing that is there is changed.
"""

import contextlib
import functools
import itertools
import os
import re
import time
from pathlib import Path

NAME = re.compile(r"coursekit-(\d+)-\d+")
CONTROLLERS = {"memory", "pids"}
FAIR = "cpu"  # shares processors evenly among groups, however many processes each has
_numbers = itertools.count()


class Group:
    """A control group: one folder, or in version 1 one in each hierarchy."""

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders

    def add(self, pid: int) -> None:
        """Move a process in; what it starts from now on is counted, too."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def burst(self) -> bool:
        """Whether the system has ended a process in it for want of memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    found = re.search(r"^oom_kill (\d+)", (folder / name).read_text(), re.MULTILINE)
                    if found and int(found[1]):
                        return True
        return False

    def close(self) -> None:
        """Remove it; its processes have ended, or do so now."""
        for folder in self.folders:
            for _ in range(50):
                if _removed(folder):
                    break
                time.sleep(0.01)  # the last one is still being buried


def _removed(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def make(memory: int, processes: int) -> Group | None:
    """Make a group with limits, or say by None that there can be none here.

    Parameters
    ----------
    memory : int
        Bytes, files in memory included.
    processes : int
        Threads count, too.
    """
    parents = usable()
    if not parents:
        return None
    name = f"coursekit-{os.getpid()}-{next(_numbers)}"
    group = Group([parent / name for parent in parents])
    try:
        for folder in group.folders:
            folder.mkdir()
            _limit(folder, memory, processes)
    except OSError:
        group.close()
        return None
    return group


def _limit(folder: Path, memory: int, processes: int) -> None:
    """Set the limits that this folder has a file for."""
    wanted = {"memory.max": memory, "memory.limit_in_bytes": memory, "pids.max": processes}
    for name, value in wanted.items():
        if (folder / name).exists():
            (folder / name).write_text(str(value))
    # no swap on top of it, and all die together; where the system knows neither, it goes without
    for name, value in {"memory.swap.max": 0, "memory.memsw.limit_in_bytes": memory, "memory.oom.group": 1}.items():
        with contextlib.suppress(OSError):
            if (folder / name).exists():
                (folder / name).write_text(str(value))


@functools.cache
def usable() -> tuple[Path, ...]:
    """Folders in which we can make groups that together have both limits; none where we cannot."""
    for parents in _candidates():
        for parent in parents:
            _remove_orphans(parent)
        folders = [parent / f"coursekit-{os.getpid()}-{next(_numbers)}" for parent in parents]
        with contextlib.suppress(OSError):
            try:
                for folder in folders:
                    folder.mkdir()
                    _limit(folder, 1 << 30, 64)
                names = {file.name for folder in folders for file in folder.iterdir()}
                if "pids.max" in names and names & {"memory.max", "memory.limit_in_bytes"}:
                    return parents
            finally:
                Group(folders).close()
    return ()


def _candidates() -> list[tuple[Path, ...]]:
    """Where groups might be made: below our own, and in version 2 beside it."""
    found: list[tuple[Path, ...]] = []
    with contextlib.suppress(OSError):
        own = _own(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
        if set(own) >= CONTROLLERS:
            for names in ({*CONTROLLERS, FAIR} & set(own), CONTROLLERS):
                found.append(tuple(dict.fromkeys(own[name] for name in sorted(names))))
        for parent in (own[""], own[""].parent) if "" in own else ():
            with contextlib.suppress(OSError):
                if set((parent / "cgroup.subtree_control").read_text().split()) >= CONTROLLERS:
                    found.append((parent,))
    return found


def _own(groups: str, mounts: str) -> dict[str, Path]:
    """Folders of the groups that we are in: controller -> folder, "" -> that of version 2.

    Parameters
    ----------
    groups, mounts : str
        What /proc/self/cgroup and /proc/self/mountinfo hold.
    """
    paths = {}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    own = {}
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        root, place = fields.split()[3:5]
        kind, _, options = rest.split()[:3]
        names = {"cgroup": set(options.split(",")) & {*CONTROLLERS, FAIR}, "cgroup2": {""}}.get(kind, set())
        for name in names & set(paths):
            inside = os.path.relpath(paths[name], root)
            if not inside.startswith(".."):
                own[name] = Path(place, inside)
    return own


def _remove_orphans(parent: Path) -> None:
    """Remove empty groups of processes that were killed before they could."""
    with contextlib.suppress(OSError):
        for folder in parent.iterdir():
            found = NAME.fullmatch(folder.name)
            if found and not Path(f"/proc/{found[1]}").exists():
                _removed(folder)
