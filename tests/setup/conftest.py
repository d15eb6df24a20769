"""A tiny course for course.py to set up, and a package index on this machine for it to install from.

The index is real HTTP and the installers are the real ones. It serves a handful of wheels made here: `pebble`, a
`torch` and a `torchvision` of a few lines that fit together or do not, and flit_core as it is installed.
"""

import base64
import contextlib
import hashlib
import http.server
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
VISION = """
import torch
if torch.__version__ != "2.15.0":
    raise RuntimeError("operator torchvision::nms does not exist")
"""


def make_wheel(folder, name, version, code, requires=()):
    """Write a wheel that holds one module."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    files = {
        f"{name}/__init__.py": f'__version__ = "{version}"\n{code}',
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    write_wheel(folder / f"{name}-{version}-py3-none-any.whl", info, files)


def write_wheel(path, info, files):
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, text in files.items():
            data = text.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(data)}\n"
            wheel.writestr(name, data)
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


def repack_flit_core(folder):
    """Make a wheel of the installed flit_core, which the editable install of the tiny course needs."""
    dist = importlib.metadata.distribution("flit-core")
    info = f"flit_core-{dist.version}.dist-info"
    files = {}
    for file in dist.files:
        wanted = file.parts[0] == "flit_core" or file.name in ("METADATA", "WHEEL")
        if wanted and file.suffix != ".pyc" and "__pycache__" not in file.parts:
            files[file.as_posix()] = Path(dist.locate_file(file)).read_text(encoding="utf-8")
    write_wheel(folder / f"flit_core-{dist.version}-py3-none-any.whl", info, files)


class Index:
    """A package index: PEP 503 pages and wheels, a log of the requests, and a tap on pebble's wheel."""

    def __init__(self, wheels):
        self.wheels = wheels
        self.requests = []
        self.reached = threading.Event()  # somebody waits for pebble's wheel
        self.open = threading.Event()  # it flows
        self.open.set()
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                index.serve(self)

            do_HEAD = do_GET

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, request):
        name = request.path.rstrip("/").rpartition("/")[2]
        self.requests.append(name)
        wheel = self.wheels / name
        if name.endswith(".whl") and wheel.exists():
            body = wheel.read_bytes()
        else:
            links = [path.name for path in self.wheels.glob(name.replace("-", "_") + "-*.whl")]
            body = "".join(f'<a href="/files/{link}">{link}</a>\n' for link in sorted(links)).encode()
        request.send_response(200 if body else 404)
        request.send_header("Content-Type", "text/html" if wheel.suffix != ".whl" else "application/zip")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "HEAD":
            return
        if name.startswith("pebble-") and not self.open.is_set():
            self.reached.set()
            self.open.wait(60)
        with contextlib.suppress(OSError):  # the installer may have been stopped
            request.wfile.write(body)

    def pin(self, name, version):
        """The line of a lock file, with the hash."""
        wheel = self.wheels / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="session")
def one_index(tmp_path_factory):
    wheels = tmp_path_factory.mktemp("wheels")
    repack_flit_core(wheels)
    for version in ("1.0", "2.0"):
        make_wheel(wheels, "pebble", version, "")
    for version in ("2.13.0", "2.15.0"):
        make_wheel(wheels, "torch", version, "")
    make_wheel(wheels, "torchvision", "0.29.2", VISION, ["torch>=2.13"])
    made = Index(wheels)
    yield made
    made.server.shutdown()


@pytest.fixture
def index(one_index):
    one_index.requests.clear()
    one_index.reached.clear()
    yield one_index
    one_index.open.set()


class Course:
    """A tiny course in a folder with a space and Korean letters in its name, and ways to call its course.py."""

    def __init__(self, parent, index, uv):
        self.parent, self.index, self.uv = parent, index, uv
        self.folder = parent / "내 강의 a"
        self.venv = self.folder / ".venv"
        self.python = self.venv / "bin" / "python"
        package = self.folder / "coursekit"
        package.mkdir(parents=True)
        text = (REPOSITORY / "course.py").read_text(encoding="utf-8")
        # the tiny course needs no gigabytes
        (self.folder / "course.py").write_text(re.sub(r"\(\d\.\d, \d\.\d\)", "(0.1, 0.1)", text), encoding="utf-8")
        (package / "__init__.py").write_text('"""A tiny course."""\n__version__ = "0.1.0"\n')
        (package / "__main__.py").write_text("import sys\nprint('coursekit', sys.argv[1:])\n")
        (self.folder / "pytest.py").write_text("import sys\nprint('pytest', sys.argv[1:])\nsys.exit(3)\n")
        (self.folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
            '[project]\nname = "coursekit"\nversion = "0.1.0"\ndescription = "A tiny course."\n'
        )
        self.write_locks("1.0")
        self.path = parent / "bin"  # nothing else is on PATH
        self.path.mkdir()
        if uv:
            (self.path / "uv").symlink_to(uv)

    def write_locks(self, pebble):
        flit_core = importlib.metadata.version("flit-core")
        light = self.index.pin("flit-core", flit_core) + self.index.pin("pebble", pebble)
        full = light + self.index.pin("torch", "2.15.0") + self.index.pin("torchvision", "0.29.2")
        (self.folder / "requirements-light.lock").write_text(light)
        (self.folder / "requirements.lock").write_text(full)

    def environment(self, **more):
        return {
            "PATH": str(self.path),
            "HOME": str(self.parent),
            "LC_ALL": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.index.url,
            "PIP_RETRIES": "0",
            "PIP_NO_CACHE_DIR": "1",
            "UV_NO_CONFIG": "1",
            "UV_DEFAULT_INDEX": self.index.url,
            "UV_HTTP_RETRIES": "0",
            "UV_CACHE_DIR": str(self.parent / "uv-cache"),
            **more,
        }

    def command(self, *arguments):
        return [sys.executable, str(self.folder / "course.py"), *arguments]

    def __call__(self, *arguments, cwd="/", **more):
        """Run course.py to its end, from a folder other than its own."""
        return subprocess.run(
            self.command(*arguments),
            cwd=cwd,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
        )

    def start(self, *arguments):
        """Start course.py in a process group of its own, as a terminal does."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd="/",
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @staticmethod
    def says(result, *words):
        """The last line is one sentence of course.py's, with these words in it; there is no traceback."""
        assert result.returncode == 1, result.stderr
        assert "Traceback" not in result.stderr
        last = result.stderr.strip().splitlines()[-1]
        assert last.startswith("course.py: ")
        for word in words:
            assert word in last
        return last

    def installed(self):
        """{name: version} as .venv's own Python sees it, from another folder."""
        code = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        out = subprocess.run([self.python, "-c", code], cwd="/", capture_output=True, text=True, check=True).stdout
        found = dict(word.split("==") for word in out.split())
        return {name: found[name] for name in found if name not in ("pip", "setuptools")}  # these come with ensurepip


def find_uv():
    return shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


@pytest.fixture(params=["uv", pytest.param("pip", marks=pytest.mark.slow)])
def each_course(request, tmp_path, index):
    """The tiny course, once with uv and once with pip alone."""
    uv = find_uv() if request.param == "uv" else None
    if request.param == "uv" and not uv:
        pytest.skip("uv is not installed here")
    return Course(tmp_path, index, uv)


@pytest.fixture
def course(tmp_path, index):
    """The tiny course, with uv if there is one (which is faster) or else with pip."""
    return Course(tmp_path, index, find_uv())
