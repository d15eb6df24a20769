"""The learner's own copies of chapters and assignments, in the folder `my`: made, compared and restored here.

No notebook in `my` is ever overwritten or deleted. A course that is brought up to date therefore leaves a learner's
work alone, and says which notebooks have changed since their copies were made. Copies come without outputs: a stored
output would answer each "Predict" beforehand, and JupyterLab trusts only what was run here.
"""

import datetime
import hashlib
import json
import os
from pathlib import Path

from coursekit._files import write_whole

RECORD = ".coursekit.json"  # in my/: notebook -> sha256 of the original its copy was made from


class WorkspaceError(Exception):
    """What keeps the copies from being made or restored, in a sentence for the learner."""


def course_root() -> Path:
    """Find the folder of the course: the one above the package, as an editable install leaves it.

    Returns
    -------
    Path
        The folder that holds `notebooks`.

    Raises
    ------
    WorkspaceError
        If there are no chapters, as where the package alone was installed.
    """
    root = Path(__file__).resolve().parent.parent
    if not any((root / "notebooks").glob("*.ipynb")):
        raise WorkspaceError(
            f"there are no chapters in {root / 'notebooks'}: the package alone does not hold them; "
            "get the course's repository and start course.py there"
        )
    return root


def originals(root: Path) -> dict[str, Path]:
    """The course's notebooks in reading order, each under the name that its copy has in `my`.

    Chapters lie in `my` itself, assignments in `my/assignments`.
    """
    found = {path.name: path for path in sorted((root / "notebooks").glob("*.ipynb"))}
    return found | {f"assignments/{path.name}": path for path in sorted((root / "assignments").glob("*.ipynb"))}


def copy_notebooks(root: Path) -> list[str]:
    """Copy into `my` the notebooks that are not there yet, and what the assignments' checks compare with.

    Parameters
    ----------
    root : Path
        The folder of the course.

    Returns
    -------
    list of str
        Names of the notebooks that the course has changed since their copies were made.

    Raises
    ------
    OSError
        If `my` cannot be written to.
    """
    mine = root / "my"
    mine.mkdir(exist_ok=True)
    record = _read_record(mine)
    changed = []
    for name, original in originals(root).items():
        digest = _sha256(original)
        if not os.path.lexists(mine / name):
            write_whole(mine / name, _without_outputs(original))
            _remember(mine, record, name, digest)
        elif record.get(name, digest) != digest:
            changed.append(name)
    for values in (root / "assignments").glob("*.public.json"):
        write_whole(mine / "assignments" / values.name, values.read_bytes())
    return changed


def reset(root: Path, name: str) -> Path | None:
    """Restore the learner's copy of a notebook from the course, and keep the old copy beside it.

    Parameters
    ----------
    root : Path
        The folder of the course.
    name : str
        The notebook, with or without `my/` and `.ipynb`; an assignment as `assignments/NAME`.

    Returns
    -------
    Path or None
        Where the old copy is kept; None if there was none.

    Raises
    ------
    WorkspaceError
        If the course has no such notebook.
    OSError
        If `my` cannot be written to.
    """
    name = _find(root, name)
    original, mine = originals(root)[name], root / "my"
    mine.mkdir(exist_ok=True)
    kept = None
    if os.path.lexists(mine / name):
        # a second name first: whenever this is cut short, the old work stands under one name at least
        kept = _keep(mine / name)
    write_whole(mine / name, _without_outputs(original))
    _remember(mine, _read_record(mine), name, _sha256(original))
    return kept


def _find(root: Path, name: str) -> str:
    *folders, file = Path(name.replace("\\", "/")).parts or [""]
    wanted = ("assignments/" if folders[-1:] == ["assignments"] else "") + file.removesuffix(".ipynb") + ".ipynb"
    there = originals(root)
    if wanted not in there:
        names = ", ".join(known.removesuffix(".ipynb") for known in there)
        raise WorkspaceError(f"there is no notebook {name!r}; there are: {names}")
    return wanted


def _without_outputs(original: Path) -> bytes:
    content = original.read_bytes()
    try:
        notebook = json.loads(content)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return content  # not a notebook as we know it: JupyterLab will say what is wrong
    for cell in cells:
        cell.update(outputs=[], execution_count=None)
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _keep(copy: Path) -> Path:
    """Save the copy under a name with the time, one that nothing has yet."""
    stamp = f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}"
    number = 1
    while True:
        suffix = stamp if number == 1 else f"{stamp}-{number}"
        kept = copy.with_name(f"{copy.stem}.{suffix}.ipynb")
        if not os.path.lexists(kept):
            write_whole(kept, copy.read_bytes())
            return kept
        number += 1


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_record(mine: Path) -> dict[str, str]:
    try:
        record = json.loads((mine / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _remember(mine: Path, record: dict[str, str], name: str, digest: str) -> None:
    record[name] = digest
    write_whole(mine / RECORD, json.dumps(record, indent=1).encode("utf-8"))
