"""What a locked-in kernel can see: an allow list, as bubblewrap's mounts.

Packages are mounted where they are installed, one by one: libraries find each other by relative paths. So an import
path with scipy in it outside has no scipy inside, whatever the kernel does to its own import machinery.
"""

import ast
import functools
import importlib.metadata
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import coursekit
from coursekit.grading import _boot, _zygote
from coursekit.grading.sandbox import BOOT, COURSE, ZYGOTE, Sandbox

PYTHON = os.path.realpath(sys.executable)
BASE = Path(os.path.realpath(sys.base_prefix))
SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache")
KERNEL = ("ipykernel",)
# ipykernel and IPython do without these, and start faster
LEFT_OUT = frozenset({"debugpy", "jedi", "parso"})
# their import says that they are not allowed, not merely that there are none; whether they are installed or not
REFUSED = (
    *("scipy", "torch", "torchvision", "skimage", "sklearn", "matplotlib", "mpl_toolkits", "pylab", "PIL", "imageio"),
    *("pandas", "sympy", "networkx", "numba", "jax", "tensorflow", "keras", "cv2", "autograd", "cupy", "requests"),
)
SECRET = ("data/mnist/t10k-",)  # begins what is never mounted of coursekit: the digits that checks draw from
STUB = f"{COURSE}/.refused.py"
STUB_CODE = 'raise ModuleNotFoundError(f"{__name__} is not allowed in this assignment", name=__name__)\n'


class _Tree:
    """The options of bubblewrap, as a tree is built from them."""

    def __init__(self) -> None:
        self.options: list[str] = []
        self._there = {Path("/")}
        self._bound: set[Path] = set()

    def folder(self, path: Path) -> None:
        """Make a folder and those above it.

        bubblewrap makes missing ones 0700, and the kernel, another user by then, could not walk through them.
        """
        for each in [*reversed(path.parents), path]:
            if each not in self._there and self._bound.isdisjoint([each, *each.parents]):
                self.options += ["--perms", "0755", "--dir", str(each)]
                self._there.add(each)

    def bind(self, source: Path, place: Path | None = None) -> None:
        place = place or source
        self.folder(place.parent)
        self.options += ["--ro-bind", str(source), str(place)]
        self._bound.add(place)

    def link(self, target: str, place: Path) -> None:
        self.folder(place.parent)
        self.options += ["--symlink", target, str(place)]

    def hide(self, folder: Path) -> None:
        """Put an empty folder over one that is part of what was mounted."""
        self.options += ["--perms", "0755", "--tmpfs", str(folder)]


@functools.lru_cache
def mounts(sandbox: Sandbox) -> tuple[str, ...]:
    """List bubblewrap's options for all that the kernel sees, but for its scratch folder and its two files.

    Raises
    ------
    ValueError
        If a package or module that the assignment allows is not there.
    """
    tree = _Tree()
    hidden = _system(tree)
    for path in _packages(sandbox.packages):
        tree.bind(path)
    tree.bind(Path(_boot.__file__), Path(BOOT))
    tree.bind(Path(_zygote.__file__), Path(ZYGOTE))
    needed = {path.stem for path in _packages(sandbox.packages)}  # PyTorch's optimisers import sympy
    for name in REFUSED:
        if name not in needed:
            tree.link(STUB, Path(COURSE, f"{name}.py"))
    _course(tree, sandbox.modules)
    tree.options += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]  # /dev/shm would be unbounded
    for folder in hidden:
        tree.options += ["--remount-ro", str(folder)]
    return tuple(tree.options)


def python_path(sandbox: Sandbox) -> str:
    """PYTHONPATH inside: the stubs first, then the folders in which packages were mounted."""
    return os.pathsep.join(dict.fromkeys([COURSE, *(str(path.parent) for path in _packages(sandbox.packages))]))


def _system(tree: _Tree) -> list[Path]:
    """Shared libraries, and Python with its standard library; no program but that one. Returns what was hidden."""
    roots = []
    for path in map(Path, SYSTEM):
        if path.is_symlink():
            tree.link(os.readlink(path), path)
        elif path.exists():
            tree.bind(path)
            roots.append(path)
    tree.bind(Path(PYTHON))
    if Path("/usr") != BASE:
        for path in (BASE / "lib", BASE / "lib64"):
            if path.is_dir() and not path.is_symlink():
                tree.bind(path)
                roots.append(path)
    hidden = [folder for root in roots for name in ("site", "dist") for folder in root.glob(f"python*/{name}-packages")]
    hidden = [folder for folder in hidden if folder.is_dir() and not folder.is_symlink()]
    for folder in hidden:
        tree.hide(folder)
    return hidden


@functools.lru_cache
def _packages(allowed: tuple[str, ...]) -> tuple[Path, ...]:
    """Files and folders of the kernel's packages and the allowed ones, with all that they require."""
    found: dict[Path, None] = {}
    waiting = [(name, True) for name in (*KERNEL, *map(_distribution, allowed))]
    seen = set(LEFT_OUT - set(allowed))
    while waiting:
        name, needed = waiting.pop(0)
        if canonicalize_name(name) in seen:
            continue
        seen.add(canonicalize_name(name))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if needed:
                raise ValueError(f"{name} is allowed in this assignment, but not installed here") from None
            continue
        found.update(dict.fromkeys(_tops(distribution)))
        waiting += [(each, False) for each in _requirements(distribution)]
    return tuple(found)


def _distribution(package: str) -> str:
    """The name under which a package is installed: scikit-image for skimage."""
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return importlib.metadata.packages_distributions().get(package, [package])[0]
    return package


def _requirements(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    for line in distribution.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _tops(distribution: importlib.metadata.Distribution) -> Iterator[Path]:
    """What a distribution has put into its folder of packages, without scripts and `.pth` files."""
    names = {file.parts[0] for file in distribution.files or []} or {distribution.name}
    for name in sorted(names - {"..", "__pycache__", "bin"}):
        path = Path(os.path.realpath(distribution.locate_file(name)))
        if path.exists() and path.suffix != ".pth":
            yield path


def _course(tree: _Tree, modules: Iterable[str]) -> None:
    """The allowed modules of coursekit with what they import; a stub for each of the others."""
    allowed = _needed(modules)
    top = Path(coursekit.__file__).parent
    folder = Path(COURSE, "coursekit")
    tree.bind(top / "__init__.py", folder / "__init__.py")
    for path in sorted(top.iterdir()):
        name = f"coursekit.{path.stem}"
        is_module = path.suffix == ".py" or (path / "__init__.py").exists()
        if not is_module or path.name == "__init__.py":
            continue
        if name in allowed:
            _bind_open(tree, path, folder / path.name, top)
        else:
            tree.link(STUB, folder / f"{path.stem}.py")


def _bind_open(tree: _Tree, path: Path, place: Path, top: Path) -> None:
    """Mount a file or folder, but for what is secret in it."""
    name = path.relative_to(top).as_posix()
    if not any(secret.startswith(f"{name}/") for secret in SECRET):
        tree.bind(path, place)
        return
    for each in sorted(path.iterdir()):
        if not each.relative_to(top).as_posix().startswith(SECRET):
            _bind_open(tree, each, place / each.name, top)


def _needed(modules: Iterable[str]) -> set[str]:
    """The modules and all of coursekit that they import when they are imported themselves."""
    needed: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = ".".join(waiting.pop().split(".")[:2])  # a package comes as a whole
        if name in needed or not name.startswith("coursekit."):
            continue
        needed.add(name)
        waiting += _imports(name)
    return needed


def _imports(name: str) -> Iterator[str]:
    path = Path(coursekit.__file__).parent / name.removeprefix("coursekit.")
    file = path.with_suffix(".py")
    files = [file] if file.exists() else sorted(path.rglob("*.py"))
    if not files:
        raise ValueError(f"{name} is allowed in this assignment, but there is no such module")
    for each in files:
        for node in ast.parse(each.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module == "coursekit":
                yield from (f"coursekit.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
