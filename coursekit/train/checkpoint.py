"""All that a training run needs to go on, in one file: written whole or not at all, and read with suspicion.

The file is a line that says what it is, the SHA-256 of what follows, and then what torch.save or numpy.savez writes.
Nothing in it is executed when it is read.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit._files import write_whole

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CheckpointError", "expect_same", "load", "load_arrays", "load_weights", "place", "save", "save_arrays"]

MARKS = {"torch": b"coursekit checkpoint 1, torch\n", "numpy": b"coursekit checkpoint 1, numpy\n"}


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or of another run; the message says which."""


def save(path: str | Path, state: Mapping[str, Any]) -> None:
    """Write a state of tensors, numbers, texts, lists and dicts; whoever reads meanwhile sees the old file or the new.

    Parameters
    ----------
    path : str or Path
    state : mapping

    Raises
    ------
    OSError
        If it cannot be written; an older checkpoint there is as before.
    """
    import torch

    content = io.BytesIO()
    torch.save(dict(state), content)
    _write(path, "torch", content.getvalue())


def load(path: str | Path) -> dict[str, Any]:
    """Read what `save` wrote; tensors lie in main memory.

    Raises
    ------
    CheckpointError
        If there is no such file, it is no checkpoint, or not a byte-for-byte whole one.
    """
    import torch

    content = io.BytesIO(_read(path, "torch"))
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # unpicklers raise anything
        raise CheckpointError(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def save_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Write arrays and plain data, without PyTorch; otherwise as `save`."""
    content = io.BytesIO()
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(content, **{f"array {name}": value for name, value in arrays.items()}, about=text)
    _write(path, "numpy", content.getvalue())


def load_arrays(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_arrays` wrote; raises as `load`."""
    with np.load(io.BytesIO(_read(path, "numpy")), allow_pickle=False) as file:
        arrays = {name.removeprefix("array "): file[name] for name in file.files if name != "about"}
        return arrays, json.loads(file["about"].tobytes())


def load_weights(network: "nn.Module", path: str | Path) -> None:
    """Give a network the weights of a checkpoint that `fit_torch` wrote: the best, else the averaged, else the last.

    Raises
    ------
    CheckpointError
        If the file cannot be used, or belongs to another network.
    """
    state = load(path)
    weights = (state.get("best") or {}).get("weights") or state.get("average") or state.get("network")
    if weights is None:
        raise CheckpointError(f"{path} holds no network: expected a checkpoint that fit_torch wrote.")
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path} holds another network. {error}") from None


def expect_same(path: str | Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Refuse to go on where anything that decides the run's course has changed.

    Raises
    ------
    CheckpointError
        It names what differs, with both values.
    """
    changed = [
        f"{name} was {there.get(name, 'not there')!r}, is {here.get(name, 'not there')!r}"
        for name in sorted(there.keys() | here.keys())
        if there.get(name) != here.get(name)
    ]
    if changed:
        raise CheckpointError(
            f"{path} is of another run: {'; '.join(changed)}. Go on with what it was begun with, or begin anew "
            "without resume."
        )


def place(path: str | Path | None) -> Path | None:
    """The path to write to, its folder made: better to fail now than after the first epoch.

    Raises
    ------
    OSError
        If the folder cannot be made, or the path is a folder itself.
    """
    if path is None:
        return None
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f"checkpoint is {path}, which is a folder: name a file in it.")
    return path


def _write(path, kind, content):
    digest = hashlib.sha256(content).hexdigest().encode()
    write_whole(Path(path), MARKS[kind] + digest + b"\n" + content)


def _read(path, kind):
    """Content behind the mark and the sum, both checked."""
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not there: leave resume out to begin anew.") from None
    mark = next((mark for mark in MARKS.values() if raw.startswith(mark)), None)
    if mark is None:
        raise CheckpointError(f"{path} is no checkpoint of this package ({len(raw):,} bytes).")
    if mark != MARKS[kind]:
        raise CheckpointError(f"{path} is of the other trainer: fit writes NumPy's, fit_torch PyTorch's.")
    digest, _, content = raw[len(mark) :].partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise CheckpointError(f"{path} is damaged: its {len(raw):,} bytes are not what was written. Use an older one.")
    return content
