"""On what a result was reached: versions, device, threads."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

__all__ = ["device_name", "threads", "versions"]


def versions() -> dict[str, str]:
    """Versions of Python, of this package, and of the libraries that compute, where installed.

    >>> sorted(versions())[:2]
    ['coursekit', 'numpy']
    """
    found = {"python": platform.python_version()}
    for name in ("coursekit", "numpy", "torch"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = _own_version() if name == "coursekit" else "not installed"
    return found


def device_name(device: str = "cpu") -> str:
    """What the maker calls the device; for a CPU with the number of its cores."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    if device == "mps":
        return f"Apple GPU ({platform.machine()})"
    return f"{_cpu_model()}, {os.cpu_count()} cores"


def threads(library: str) -> int:
    """Threads that this library computes with; `coursekit.train.fit` holds NumPy's BLAS to one."""
    if library == "torch":
        import torch

        return torch.get_num_threads()
    return 1


def _cpu_model():
    """The processor's name: Linux keeps it in a file, others tell it themselves."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _own_version():
    from coursekit import __version__

    return __version__
