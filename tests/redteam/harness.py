"""What the red team's tests stand on: attackers' notebooks, a grader to attack, and looking afterwards what it did."""

import contextlib
import ctypes
import hashlib
import inspect
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import psutil
import target

ROOT = Path(__file__).parents[2]
MARK = "coursekit-redteam-was-here"
GRADER = """
import json, os, resource, sys, time
from pathlib import Path
from coursekit.grading.run import grade_folder
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))  # a bomb that goes off must not take the machine along
folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
began = time.monotonic()
summary = grade_folder(folder / "in", "98", folder / "out", root=folder / "course", **options)
print(summary.table(200))
lines = {line.student: [line.grade.points, line.grade.status, line.seconds] for line in summary.lines}
(folder / "said.json").write_text(json.dumps({"lines": lines, "code": summary.exit_code}))
print(f"{time.monotonic() - began:.1f} s")
"""
SYSTEM_PYTHON = "/usr/bin/python3"


def notebook_of(attack: Callable, kind: str, places: dict[str, str], source: Path) -> nbformat.NotebookNode:
    """Make an attacker's notebook.

    Parameters
    ----------
    attack : function
        Its body is the first answer cell.
    kind : {"forgery", "escape", "nuisance"}
        Every answer is what the attack calls ``answer``; or the right one if ``success`` is true; or the right one
        but for the first.
    """
    lines = inspect.getsource(attack).split("\n")[1:]
    body = textwrap.dedent("\n".join(lines)).strip()
    body = re.sub(r'"(COURSE|IN|OUT|HOME|MAIN)(?=[/"])', lambda found: '"' + places[found[1]], body)
    body = re.sub(r"\bPORT\b", places["PORT"], body)
    body = re.sub(r"\bCHECKS\b", repr(target.CHECKS), body)
    names = [name for name, *_ in target.QUESTIONS]
    answers = {name: target.solved(name) for name in names}
    if kind == "forgery":
        answers = {name: f"{name} = answer" + ("(*())" if name == "size" else "") for name in names}
        body = body.replace("answer = None", "answer = lambda *given, **named: None")
    elif kind == "escape":
        answers = {
            name: f"{text}\n\n\nif not globals().get('success'):\n    {name} = None" for name, text in answers.items()
        }
    else:
        answers["mean_of"] = "" if "mean_of" in body else "mean_of = None"
    answers["mean_of"] = f"{body}\n\n\n{answers['mean_of']}"
    return target.fill_in(target.handed_out(source), answers)


@dataclass
class Scene:
    """A course, a class and an out folder, with secrets lying about, and everything that was there noted down."""

    folder: Path
    source: Path
    secret: str = field(default_factory=lambda: f"CANARY-{secrets.token_hex(8)}")
    env: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> dict[str, str]:
        names = {"COURSE": "course", "IN": "in", "OUT": "out", "HOME": "home"}
        paths = {name: str(self.folder / folder) for name, folder in names.items()}
        return paths | {"MAIN": str(Path(sys.prefix)), "PORT": str(self.port)}

    def hand_in(self, student: str | bytes, content: nbformat.NotebookNode | bytes) -> Path:
        place = os.path.join(os.fsencode(self.folder / "in"), os.fsencode(student))
        os.makedirs(place)
        path = os.path.join(place, b"98_redteam.ipynb")
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else nbformat.writes(content).encode())
        return Path(os.fsdecode(path))

    def hand_in_attack(self, attack: Callable, kind: str, student: str = "") -> None:
        self.hand_in(student or attack.__name__, notebook_of(attack, kind, self.places, self.source))

    def hand_in_right(self, student: str | bytes) -> None:
        self.hand_in(student, target.all_right(target.handed_out(self.source)))


@contextlib.contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Set the scene in a folder; somebody listens on a port and a socket there, and must not be called."""
    for name in ("in", "home", "tmp"):
        (folder / name).mkdir()
    made = Scene(folder, target.write_course(folder / "course"))
    (folder / "home" / ".netrc").write_text(made.secret)
    (folder / "course" / "solutions" / "98_redteam.private.json").write_text(json.dumps({"secret": made.secret}))
    called: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as hidden:
        made.port = server.getsockname()[1]
        hidden.bind(f"\0coursekit-redteam-{made.port}")
        hidden.listen()
        for listener in (server, hidden):
            threading.Thread(target=_listen, args=(listener, called), daemon=True).start()
        try:
            yield made
        finally:
            for listener in (server, hidden):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread, too
    assert not called, f"the sandbox called out: {called}"


def _listen(listener: socket.socket, called: list[str]) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, address = listener.accept()
            called.append(str(address))
            connection.close()


@dataclass
class Graded:
    """What came of it: student -> points, status and seconds; the terminal's text; what still ran afterwards."""

    lines: dict[str, list]
    code: int
    terminal: str
    left_running: list[str]


def grade(made: Scene, *, user: int | None = None, seconds: float = 600, **options: object) -> Graded:
    """Grade the class in a process of its own, and wait for it.

    Every process that it leaves behind becomes our child, and so is found; then it is ended.
    """
    adopt_orphans = 36
    ctypes.CDLL(None).prctl(adopt_orphans, 1, 0, 0, 0)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(made.folder / "home"),
        "TMPDIR": str(made.folder / "tmp"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("-packages"))]),
        "LANG": "C.UTF-8",
        "SECRET_TOKEN": made.secret,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    rights = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    command = [sys.executable if user is None else SYSTEM_PYTHON, "-c", GRADER, str(made.folder), json.dumps(options)]
    result = subprocess.run(
        command, cwd=made.folder, env=env, capture_output=True, timeout=seconds, check=False, **rights
    )
    terminal = (result.stdout + result.stderr).decode("utf-8", "surrogateescape")
    left = _left_running(before)
    said = made.folder / "said.json"
    assert said.exists(), terminal[-4000:]
    answer = json.loads(said.read_text())
    said.unlink()
    return Graded(answer["lines"], answer["code"], terminal, left)


def _left_running(before: set[int]) -> list[str]:
    time.sleep(0.3)
    left = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.pid not in before and child.status() != psutil.STATUS_ZOMBIE:
                left.append(f"{child.pid} {' '.join(child.cmdline())[:200]}")
                child.kill()
    return left


def tree(folder: Path) -> dict[str, str]:
    """Fingerprints of all that is in a folder: content, kind and rights."""
    found = {}
    for place, folders, files in os.walk(os.fsencode(folder)):
        for name in folders + files:
            path = os.path.join(place, name)
            status = os.lstat(path)
            plain = os.path.isfile(path) and not os.path.islink(path)
            content = Path(os.fsdecode(path)).read_bytes() if plain else b""
            digest = hashlib.sha256(content).hexdigest()[:12]
            found[os.fsdecode(path)] = f"{status.st_mode:o} {status.st_uid} {digest}"
    return found


def strays() -> list[str]:
    """Files with the attackers' mark, wherever strangers can write on this machine."""
    found = []
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/", os.path.expanduser("~"), str(ROOT), "/proc/sys/kernel"):
        with contextlib.suppress(OSError):
            found += [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith(MARK)]
    return found


class Page(HTMLParser):
    """Reads a feedback page, or the instructor's, and complains of whatever our templates do not hold."""

    TAGS = frozenset(["html", "meta", "title", "style", "h1", "h2", "p", "span", "br", "ul", "li"])
    TAGS |= {"table", "tr", "th", "td"}
    ATTRIBUTES = frozenset({"class", "lang", "charset", "name", "content"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.complaints = [f"holds {c!r}" for c in set(text) if not (c.isprintable() or c == "\n")]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in self.TAGS:
            self.complaints.append(f"<{tag}>")
        self.complaints += [f"{name}=" for name, _ in attrs if name not in self.ATTRIBUTES]


class Index(Page):
    """The instructor's page: its links lead to the table and to students' pages alone."""

    TAGS = Page.TAGS | {"a", "em", "div", "details", "summary"}
    ATTRIBUTES = Page.ATTRIBUTES | {"href", "id", "role", "aria-label", "style", "title"}

    def handle_starttag(self, tag: str, attrs: list) -> None:
        super().handle_starttag(tag, attrs)
        where = dict(attrs).get("href", "grades.csv")
        if where != "grades.csv" and not re.fullmatch(r"feedback/[\w.~%-]+/\w+\.html", where, re.ASCII):
            self.complaints.append(f"leads to {where}")
