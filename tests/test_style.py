"""Code and notebooks are in the house's form."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("command", [["check", "--quiet"], ["format", "--check", "--quiet"]], ids=["check", "format"])
def test_ruff_finds_nothing(command):
    pytest.importorskip("ruff", reason="needs ruff: python3 course.py setup")
    found = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_lower_floors_do_not_import_higher_ones():
    """What each part may import of the package, from the lowest floor up; a part may always import itself."""
    floors = [
        {"_lazy", "_files", "shapes", "compare", "catalogue", "predict"},
        {"nn", "data", "misconceptions", "drills"},
        {"models", "trained"},
        {"train", "viz"},
        {"report", "mainjob", "workspace", "index", "chapters", "book", "overview", "hours", "machine"},
        {"cli", "__main__"},
    ]
    height = {name: k for k, names in enumerate(floors) for name in names}
    for path in sorted((ROOT / "coursekit").rglob("*.py")):
        part = path.relative_to(ROOT / "coursekit").parts[0].removesuffix(".py")
        for other in imported(path) - {part}:
            if part in height and other in height:
                assert height[other] <= height[part], f"{path.name} of {part} imports {other}, which stands above it"


def test_grading_and_checks_keep_to_themselves():
    """A grade must not hang on the reference layers, nor a student's kernel on anything that could tell right."""
    folder = ROOT / "coursekit"
    for path in (folder / "grading").glob("*.py"):
        assert imported(path).isdisjoint({"nn", "models", "train", "viz"}), path.name
    assert imported(folder / "check.py") <= {"_encode", "practice"}
    assert imported(folder / "_encode.py") == set()


def imported(path: Path) -> set[str]:
    """The parts of the package that a file imports, anywhere in it."""
    import ast

    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "coursekit":
            inner = node.module.split(".")[1:]
            found |= {inner[0]} if inner else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("coursekit.")}
    return found


def test_importing_the_package_is_light():
    code = "import sys, coursekit, coursekit.nn, coursekit.data, coursekit.viz, coursekit.train; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert "coursekit.viz" in modules
    assert {"numpy", "torch", "matplotlib", "scipy", "skimage"}.isdisjoint(modules)
