"""What pytest must know to check notebooks, wherever in the repository it is started."""

import contextlib
import doctest
import functools
import importlib.util
import os
import re
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).parent


# before NumPy is imported, and for all kernels: on matrices as small as ours threads mostly wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # PyTorch too: side by side, the workers have no core to spare
    os.environ.setdefault("OMP_NUM_THREADS", "1")


ABSENT = {name for name in ("torch", "torchvision") if importlib.util.find_spec(name) is None}
NEEDS_TORCH = "needs PyTorch: python3 course.py setup"

# their slow tests start browsers, sandboxes and whole set-ups, measure time and send signals
ALONE = {"browser", "check", "grading", "mainjob", "redteam", "setup"}

# importing it, which the search for examples in docstrings would do, makes this process deaf to Ctrl-C
collect_ignore = ["coursekit/grading/_forked.py"]


def pytest_configure(config):
    _hear_ctrl_c()
    _let_nbval_execute(config)


def pytest_runtest_setup():
    _hear_ctrl_c()  # again: what has been imported meanwhile may have changed it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip what needs PyTorch where the set-up has left it out; examples in docstrings cannot say it themselves."""
    try:
        return (yield)
    except Exception as error:
        raised = error.exc_info[1] if isinstance(error, doctest.UnexpectedException) else error
        for each in (raised, raised.__cause__):  # our own message may stand before Python's
            if isinstance(each, ModuleNotFoundError) and each.name in ABSENT:
                pytest.skip(NEEDS_TORCH)
        raise


def _hear_ctrl_c():
    """Undo what a background job or a CI service did to Ctrl-C: the programs that tests start would inherit it."""
    with contextlib.suppress(ValueError):  # not in the main thread
        if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL, None, signal.default_int_handler):
            signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _let_nbval_execute(config):
    """Let nbval execute every notebook it meets, in this environment, within bounds."""
    if hasattr(config.option, "nbval"):
        config.option.nbval = True
        config.option.nbval_current_env = config.option.nbval_kernel_name is None
        config.option.nbval_cell_timeout = min(config.option.nbval_cell_timeout, 300)
        config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(ROOT / "tests/nbval_sanitize.cfg")


def pytest_collection_modifyitems(config, items):
    """Run the fast tests first, so that a mistake shows early; then what is slow, the notebooks before all else.

    What executes every chapter several times over, with the mark `machines`, runs only if -m names it.
    """
    if "machines" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("machines")])
        items[:] = [item for item in items if not item.get_closest_marker("machines")]
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("slow")
            if ABSENT and _uses_torch(item.path):
                item.add_marker(pytest.mark.skip(reason=NEEDS_TORCH))
        if item.path.parent.name in ALONE:
            item.add_marker("alone")
    items.sort(key=lambda item: (bool(item.get_closest_marker("slow")), item.path.suffix != ".ipynb"))


@functools.cache
def _uses_torch(notebook):
    return re.search(r"\b(import|from) torch\b", notebook.read_text(encoding="utf-8")) is not None
