"""Each chapter prints its stored text on other machines too: with two threads, on an older CPU, without PyTorch.

These run when asked for: ``pytest -m machines``.
"""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rules import TORCH_FREE

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = [pytest.mark.machines, pytest.mark.slow]


def newer_than_avx2():
    """What NumPy would use on this machine, and could not on a CPU that ends at AVX2."""
    core = np._core._multiarray_umath
    return [
        name for name in core.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4")) and core.__cpu_features__[name]
    ]


def threads(number):
    return {name: str(number) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}


OLDER_CPU = {
    **threads(1),
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": " ".join(newer_than_avx2()),
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
}


@pytest.fixture
def without_torch(tmp_path):
    """Settings under which PyTorch cannot be imported."""
    for name in ("torch", "torchvision"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('no {name} here', name={name!r})\n")
    return {**threads(1), "PYTHONPATH": str(tmp_path)}


def started(arguments, settings):
    """What Python says when it is started with these settings, from the course's folder."""
    path = os.pathsep.join(filter(None, [settings.get("PYTHONPATH"), str(ROOT)]))
    environment = os.environ | settings | {"PYTHONPATH": path}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def execute(chapter, settings):
    done = started(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", str(chapter)], settings)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)


needs_avx2 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64") or not np._core._multiarray_umath.__cpu_features__["AVX2"],
    reason="an older CPU can be emulated on one with AVX2 alone",
)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("number", [1, 2])
def test_with_threads(chapter, number):
    execute(chapter, threads(number))


@needs_avx2
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_on_an_older_cpu(chapter):
    execute(chapter, OLDER_CPU)


@pytest.mark.parametrize("chapter", [p for p in CHAPTERS if int(p.name[:2]) <= TORCH_FREE], ids=lambda path: path.stem)
def test_without_torch(chapter, without_torch):
    execute(chapter, without_torch)


@needs_avx2
def test_the_older_cpu_is_one():
    """Each library says that it does without what is newer; otherwise the tests above would show nothing."""
    features = "numpy._core._multiarray_umath.__cpu_features__"
    code = f"import numpy; print(numpy.ones((9, 9)) @ numpy.ones(9), [k for k, v in {features}.items() if v])"
    said = started(["-W", "error", "-c", code], OLDER_CPU | {"OPENBLAS_VERBOSE": "2"})
    assert said.returncode == 0, said.stderr
    assert "AVX2" in said.stdout
    assert not [name for name in newer_than_avx2() if f"'{name}'" in said.stdout]
    if "Core:" in said.stderr:  # as OpenBLAS says, which not every NumPy has
        assert "Core: Haswell" in said.stderr
    torch = started(["-c", "import torch; print(torch.backends.cpu.get_cpu_capability())"], OLDER_CPU)
    if torch.returncode == 0:
        assert torch.stdout.strip() == "AVX2"


def test_without_torch_there_is_none(without_torch):
    said = started(["-c", "import coursekit; print('fine'); import torch"], without_torch)
    assert said.stdout == "fine\n"
    assert said.stderr.splitlines()[-1] == "ModuleNotFoundError: no torch here"


def test_other_output_would_be_noticed(tmp_path):
    """A chapter whose text depends on the threads fails where they are others."""
    import nbformat

    cell = nbformat.v4.new_code_cell("import os\n\nprint(os.environ['OMP_NUM_THREADS'])", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", text="1\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "01_threads.ipynb")
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--nbval"]
    command += ["--nbval-current-env", str(tmp_path / "01_threads.ipynb")]
    assert started(command, threads(1)).returncode == 0
    assert started(command, threads(2)).returncode == 1
