"""Writing files so that nothing is lost on the way."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write all of it or nothing: a full disk, or a process that is killed, must not leave half a file.

    Parameters
    ----------
    path : Path
        Replaced if it is there; the folder above it is made if need be.
    content : bytes

    Raises
    ------
    OSError
        If it cannot be written; what was there is as before.
    """
    path.parent.mkdir(exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name with nothing in it
        os.chmod(temporary, 0o644)  # mkstemp gives 0600
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_folder(out: Path) -> None:
    """Make the folder for the results, and make sure that it can be written to before any work is done."""
    import click

    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        message = f"cannot write to {out} ({error.strerror}): name another folder with --out."
        raise click.ClickException(message) from None
