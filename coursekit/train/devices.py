"""The device to train on, its memory, and its random numbers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["available_bytes", "choose_device", "private_randomness", "random_states", "settings", "use_states"]


def choose_device(name: str) -> torch.device:
    """The device of this name; "auto" is a GPU if there is one.

    Under torchrun "auto" and "cuda" are the GPU of this process's number on this machine.

    Raises
    ------
    ValueError
        If the name is unknown, or there is no such device here.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise ValueError(f"device is {name!r}: expected 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'.") from None
    if device.type not in ("cpu", "cuda", "mps"):
        raise ValueError(f"device is {name!r}: expected 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'.")
    if device.type == "cuda":
        return _gpu(name, device)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device is 'mps', which only Apple's own chips have: use 'auto' or 'cpu'.")
    return device


def _gpu(name, device):
    if not torch.cuda.is_available():
        why = "this PyTorch is built without CUDA" if torch.version.cuda is None else "PyTorch sees no NVIDIA GPU"
        raise ValueError(f"device is {name!r}, but {why}: use 'auto' or 'cpu' (nvidia-smi lists the GPUs).")
    number = device.index if device.index is not None else int(os.environ.get("LOCAL_RANK", 0))
    if number >= torch.cuda.device_count():
        raise ValueError(f"device is {name!r} and this process wants GPU {number}, of {torch.cuda.device_count()}.")
    return torch.device("cuda", number)


def available_bytes(device: torch.device) -> int | None:
    """Memory that a network could take on the device, in bytes; None where nobody says."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory * 9 // 10
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows and macOS have no such names
        return None


def random_states(device: torch.device) -> dict[str, torch.Tensor]:
    """State of the random numbers that PyTorch draws by itself, as in dropout."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def use_states(device: torch.device, states: dict[str, torch.Tensor]) -> None:
    """Go on from where `random_states` was asked."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states["mps"])


@contextmanager
def private_randomness(device: torch.device, seed: int) -> Iterator[None]:
    """Draw from this seed inside, and leave the random numbers outside as if nothing had been drawn."""
    before = random_states(device)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        use_states(device, before)


@contextmanager
def settings(device: torch.device, *, deterministic: bool) -> Iterator[None]:
    """Set PyTorch's switches for this run, and set them back.

    On a GPU, trying out all ways to convolve and keeping the fastest pays after a few batches, but which one wins
    differs between runs.
    """
    before = _switches()
    if deterministic and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS refuses without
    if deterministic:  # the call itself imports PyTorch's compiler, which takes seconds
        torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = not deterministic
    try:
        yield
    finally:
        if deterministic:
            torch.use_deterministic_algorithms(before["deterministic"], warn_only=before["warn_only"])
        torch.backends.cudnn.benchmark = before["benchmark"]


def _switches() -> dict[str, Any]:
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "benchmark": torch.backends.cudnn.benchmark,
    }
