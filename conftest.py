"""What pytest must know to check notebooks, wherever in the repository it is started."""

import contextlib
import signal
from pathlib import Path

ROOT = Path(__file__).parent


def pytest_configure(config):
    # pytest's workers side by side, and shells' background jobs, ignore Ctrl-C, and what tests start would inherit it
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)
    _let_nbval_execute(config)


def _let_nbval_execute(config):
    """Let nbval execute every notebook it meets, in this environment, within bounds."""
    if hasattr(config.option, "nbval"):
        config.option.nbval = True
        config.option.nbval_current_env = config.option.nbval_kernel_name is None
        config.option.nbval_cell_timeout = min(config.option.nbval_cell_timeout, 300)
        config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(ROOT / "tests/nbval_sanitize.cfg")


def pytest_collection_modifyitems(items):
    """Run the fast tests first, so that a mistake shows early; then what is slow, the notebooks before all else."""
    notebooks = [item for item in items if item.path.suffix == ".ipynb"]
    items.sort(key=lambda item: 2 if item.get_closest_marker("slow") else item in notebooks)
    for item in notebooks:
        item.add_marker("slow")
