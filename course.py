#!/usr/bin/env python3
"""Set the course up in .venv and start it: `python3 course.py lab`.

Needs Python alone. Python 3.6 must be able to read this file, to say that it is too old: no newer syntax.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(os.path.abspath(__file__)).parent
VENV = ROOT / ".venv"
STAMP = VENV / "course-setup.json"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
# where the course is, spelt alike under every locale and by way of every link
LOCATION = os.fsencode(os.path.realpath(str(ROOT))).decode("utf-8", "surrogateescape")
LOCKS = {"full": "requirements.lock", "light": "requirements-light.lock", "cpu": "requirements-light.lock"}
# (GB to download, GB in .venv), measured in clean copies; Linux gets PyTorch with CUDA
SIZES = {"full": (3.3, 6.7) if sys.platform == "linux" else (0.4, 1.4), "light": (0.3, 1.0), "cpu": (0.5, 1.9)}
# side by side first what is fast, then the notebooks and all that is slow; one by one what minds its neighbours
FAST = ["-m", "not slow", "-n", "auto", "tests", "coursekit"]
REST = [["-m", "slow and not alone", "-n", "auto", "--dist", "loadfile"], ["-m", "slow and alone"]]
INTERRUPTED = 2  # pytest's exit code after Ctrl-C
HELP = """Set the course up in the folder .venv, where need be, and start it.

  lab       open the chapters in JupyterLab (your own copies, in the folder my)
  progress  show how far you are, and what comes next
  check     run all checks of an assignment: check my/assignments/NAME.ipynb
  reset     restore your copy of a chapter, and keep the old one beside it
  run       run the course's main job; options go on to coursekit run
  test      run the tests, the fast ones first; --fast leaves out the others; other options go on to pytest
  setup     set up, check and repair, no more: all of it, or with
            --light  without PyTorch: enough for the chapters that use NumPy alone
            --cpu    with PyTorch for the CPU alone: a smaller download on Linux
"""
# what an installer or an OSError says -> what to tell the reader; the first that fits counts
CAUSES = {
    r"no space left|errno (28|122)\b|os error (28|112|122)\b|winerror 112|disk quota": "the disk is full: make room "
    "(for .venv, in your home and in the folder for temporary files)",
    r"errno (1|13|30)\b|os error (1|5|13|30|32)\b|winerror (5|32)\b|permission denied|read-only file": "something may "
    "not be written or deleted ({last}): close what uses .venv, JupyterLab above all, or copy the course to a folder "
    "of your own",
    r"hash mismatch|do not match the hashes": "a download is not the file that was tested: if that stays so, ask who "
    "runs the package mirror",
    r"error sending request|dns error|failed to fetch|connecti|timed out|name resolution|max retries": "the packages "
    "could not be downloaded: check the network, and pip's or uv's proxy and mirror settings",
    r"no module named '?(venv|ensurepip)": "this Python lacks venv or ensurepip: install them (Debian, Ubuntu: sudo "
    "apt install python3-venv) or uv",
    r"no wheels with a matching|no matching distribution|find a version|no solution found": "a package was not found: "
    "the network or the mirror fails, or there is no build of it for this computer and this Python (tested: 64 bits, "
    "Python 3.11 to 3.14)",
    r"": "it did not work ({last}): mend that",
}


class Problem(Exception):
    """What is wrong and what to do about it, in a sentence."""


def diagnosis(text):
    last = (text.strip().splitlines() or ["no reason given"])[-1].strip()
    text = text.replace(str(ROOT), "")  # a folder may be called network, too
    found = next(sentence for pattern, sentence in CAUSES.items() if re.search(pattern, text, re.IGNORECASE))
    return found.replace("{last}", last) + "; then type the same again."


def to_type(command):
    """The line to type, with the way to this file that the reader took."""
    script = f'"{sys.argv[0]}"' if " " in sys.argv[0] else sys.argv[0]
    return f"{'python' if WINDOWS else 'python3'} {script} {command}"


def read_stamp():
    """What the last set-up wrote: no "packages" if it was not finished, empty if there was none."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return stamp if stamp["kind"] in LOCKS else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def write_stamp(**stamp):
    new = STAMP.with_suffix(".new")
    new.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    new.replace(STAMP)


def hashes():
    """{file: sha256} of the files that say what is to be installed."""
    names = {"pyproject.toml", *LOCKS.values()}
    return {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in names}


def site_packages():
    """Where .venv's Python looks for packages; None if it does not start or there is no such folder."""
    ask = [str(PYTHON), "-I", "-S", "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        name = subprocess.check_output(ask, stderr=subprocess.DEVNULL).decode().strip()
        site = VENV / ("Lib" if WINDOWS else "lib/" + name) / "site-packages"
        return site if site.is_dir() else None


def installed(site):
    """{name: version} by the names of folders: to ask Python would take ten times as long."""
    found = [entry[: -len(".dist-info")].split("-") for entry in os.listdir(str(site)) if "dist-info" in entry]
    return {words[0].lower(): words[-1] for words in found}


def spoilt(stamp, kind, site):
    """Why .venv can only be made anew, or None."""
    if not os.path.lexists(str(VENV)):
        return "there is none yet"
    if not (VENV / "pyvenv.cfg").is_file():
        return "its file pyvenv.cfg is missing"
    if not site:
        return "its Python is gone or another one"
    if stamp and "packages" not in stamp:
        return "an earlier set-up did not reach its end; what it downloaded need not come again"
    if stamp.get("location", LOCATION) != LOCATION:
        return "the course was moved here from " + stamp["location"]
    if stamp.get("kind", kind) not in ("light", kind):
        return f"it holds the {stamp['kind']} set-up, not the {kind} one"
    return None


def unfinished(stamp, kind, site):
    """Why packages must be installed into a sound .venv, or None."""
    if stamp.get("kind") != kind:
        return f"it does not hold the {kind} set-up yet"
    changed = [name for name, sha in hashes().items() if stamp["files"].get(name) != sha]
    if changed:
        return " and ".join(changed) + " changed"
    gone = sorted(set(stamp["packages"]) - set(installed(site)))
    return "packages are missing: " + ", ".join(gone) if gone else None


def misfit(site, known):
    """Why the torch and the torchvision in .venv do not work together, or None; those in `known` are known to."""
    packages = installed(site)
    torch, vision = packages.get("torch"), packages.get("torchvision")
    if not torch or not vision or (torch, vision) == (known.get("torch"), known.get("torchvision")):
        return None
    why = import_error("torchvision")  # what their metadata ask of each other is too lax
    return why and f"torch {torch} and torchvision {vision} do not fit together ({why})"


def import_error(modules):
    """The last line that Python prints on importing them in a folder other than the course's, or None."""
    child = subprocess.run(
        [str(PYTHON), "-c", "import " + modules], cwd=str(VENV), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = child.stderr.decode("utf-8", "replace").strip().splitlines()
    return (said or [f"exit code {child.returncode}"])[-1] if child.returncode else None


def call(*command):
    """Run an installer: its stdout goes through, its stderr is shown as it comes and kept for a diagnosis."""
    said = []
    command, utf8 = [str(word) for word in command], dict(os.environ, PYTHONUTF8="1")
    # close_fds=False hands the lock on: an installer that outlives a killed course.py still holds it
    child = subprocess.Popen(command, env=utf8, stderr=subprocess.PIPE, close_fds=False)
    try:
        for line in child.stderr:
            said.append(line.decode("utf-8", "replace"))
            sys.stderr.write(said[-1])
        code = child.wait()
    except BaseException:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=3)  # Ctrl-C reached it too: let it tidy up
        child.kill()
        raise
    if code:
        raise Problem(diagnosis("".join(said[-80:])))


def make_venv(uv):
    # where this runs inside another environment, the Python that that one was made from
    python = getattr(sys, "_base_executable", None) or sys.executable
    if uv:
        return call(uv, "venv", "--quiet", "--allow-existing", "--python", python, VENV)
    call(python, "-m", "venv", "--without-pip", VENV)


def install(kind, site, uv):
    make_path_relative(site)  # after someone's own pip install -e, uv may not get .venv's Python to start
    pip = [uv, "pip", "install", "--python", PYTHON] if uv else [PYTHON, "-m", "pip", "install"]
    if not uv and not (site / "pip").is_dir():  # also where uv made .venv and is gone
        call(PYTHON, "-m", "ensurepip", "--default-pip")
    call(*pip, "--require-hashes", "-r", ROOT / LOCKS[kind])
    if kind == "cpu":
        print("PyTorch comes from PyTorch's own index now: the hashes of these downloads are NOT checked.")
        lock = (ROOT / LOCKS["full"]).read_text(encoding="utf-8")
        pins = re.findall(r"^(?:torch|torchvision)==[\w.]+", lock, re.MULTILINE)
        call(*pip, "--torch-backend", "cpu", *pins)
    # flit_core, which builds it, is in the lock
    call(*pip, "--no-deps", "--no-build-isolation", "-e", ROOT)
    make_path_relative(site)


def make_path_relative(site):
    """Python before 3.13 reads .pth files in the locale's encoding: leave only ASCII in coursekit's."""
    for path_file in site.glob("*coursekit*.pth"):
        path_file.unlink()  # it may be a hard link into uv's cache
        path_file.write_text(os.path.relpath(str(ROOT), str(site)) + "\n", encoding="ascii")


def one_at_a_time():
    """Lock this very file and return it, open; the lock goes with the process, however that ends."""
    file = open(os.path.abspath(__file__), "rb")  # noqa: SIM115
    os.set_inheritable(file.fileno(), True)
    if not locked(file):
        print("Another set-up is at work here; waiting for its end ...")
    while not locked(file):
        time.sleep(0.2)
    return file


def locked(file):
    try:
        if WINDOWS:
            import msvcrt

            file.seek(1 << 30)  # far behind the end, since nobody else can read what is locked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass  # a file system without locks must keep nobody out
    return True


def clear():
    """Empty .venv, all but the stamp, if it is an environment; if it is anything else, say so."""
    entries = list(VENV.iterdir()) if VENV.is_dir() else [VENV]
    if entries and not {"pyvenv.cfg", STAMP.name, "bin", "Scripts"} & {entry.name for entry in entries}:
        raise Problem(f"{VENV} is in the way: move it elsewhere; then type the same again.")
    if os.path.realpath(sys.prefix) == os.path.realpath(str(VENV)):
        raise Problem("this Python is part of that .venv: type deactivate; then the same again.")
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        elif entry != STAMP:
            entry.unlink()


def check_room(kind):
    download, disk = SIZES[kind]
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    print(f"The {kind} set-up downloads up to {download} GB and takes {disk} GB in .venv; {free:.1f} GB are free here.")
    if free < disk:
        raise Problem(f"that does not fit: make room, or try {to_type('setup --light')}.")


def prepare(command, kind):
    """Make .venv fit for the command; where it is, this costs a look at some files and a start of Python."""
    stamp = read_stamp()
    kind = kind or stamp.get("kind", "full")
    site = site_packages()
    anew = spoilt(stamp, kind, site)
    problem = None if anew else misfit(site, known=stamp.get("packages", {}))
    if problem and command != "setup":
        tested = to_type("setup --cpu" if kind == "cpu" else "setup")
        raise Problem(f"{problem}: {tested} puts the tested pair back.")
    anew = anew or problem
    why = anew or unfinished(stamp, kind, site)
    if why:
        print(f"{'Making' if anew else 'Updating'} .venv: {why}.")
    if why or command == "setup":
        set_up(kind, stamp, anew)
    elif installed(site) != stamp["packages"]:
        with contextlib.suppress(OSError):  # another pair that fits: to spare the next call the question
            write_stamp(**dict(stamp, packages=installed(site)))


def set_up(kind, stamp, anew):
    """Fill .venv and check it. The stamp that says so is written last of all."""
    uv = shutil.which("uv")
    if kind == "cpu" and not uv:
        raise Problem("setup --cpu needs uv: pip install uv; then type the same again.")
    if anew:
        if os.path.lexists(str(VENV)):
            clear()
        check_room(kind)
        VENV.mkdir(exist_ok=True)
        write_stamp(kind=kind)
        make_venv(uv)
    elif stamp.get("kind") != kind:
        check_room(kind)
    site = site_packages()
    before = installed(site)
    write_stamp(kind=kind)
    try:
        install(kind, site, uv)
    except Problem:
        if stamp.get("packages") and before == installed(site):
            write_stamp(**stamp)  # nothing was touched, so what stood before still stands
        raise
    check_imports(site)
    write_stamp(kind=kind, files=hashes(), location=LOCATION, packages=installed(site))


def check_imports(site):
    modules = ["coursekit"] + [name for name in ("numpy", "matplotlib") if name in installed(site)]
    error = misfit(site, known={}) or import_error(", ".join(modules))
    if error:
        raise Problem(f"all is installed, but {error}: {to_type('setup')} makes .venv anew.")


def hand_over(*arguments):
    """Become the Python in .venv (on Windows, where no process can become another, wait for it)."""
    command = [str(PYTHON), *arguments]
    if not WINDOWS:
        os.execv(command[0], command)
    return wait_for(*command)


def wait_for(*command):
    """Run a command to its end, and give its exit code."""
    child = subprocess.Popen(command)
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the child has it too, and decides
            return child.wait()


def main(argv):
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="course.py", description=HELP, formatter_class=raw)
    parser.add_argument("command", choices=["lab", "check", "progress", "reset", "run", "test", "setup"])
    parser.add_argument("options", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(argv)
    command, options = chosen.command, chosen.options
    if {"-h", "--help"} & set(options):
        parser.parse_args(["--help"])
    if command == "setup" and options not in ([], ["--light"], ["--cpu"]):
        parser.error("setup takes --light or --cpu or nothing")
    kind = ("".join(options)[2:] or "full") if command == "setup" else None
    with one_at_a_time():
        prepare(command, kind)
    if command == "setup":
        print(f"Done: the {kind} set-up stands in {VENV}.")
        print(f"Next: {to_type('lab')}   opens the chapters in JupyterLab")
        print(f"      {to_type('test --fast')}   runs the fast tests")
        return 0
    if command != "test":
        # -P: from the folder of another clone, that one's coursekit must not be taken
        return hand_over("-P", "-m", "coursekit", command, *options)
    os.chdir(str(ROOT))
    if "--fast" in options:
        return hand_over("-m", "pytest", *FAST, *[option for option in options if option != "--fast"])
    if options:
        return hand_over("-m", "pytest", *options)
    first_failure = 0
    for stage in [FAST, *REST]:  # a mistake shows early, and does not keep the rest from being tested
        code = wait_for(str(PYTHON), "-m", "pytest", *stage)
        if code == INTERRUPTED:
            return code
        first_failure = first_failure or code
    return first_failure


def guarded(argv):
    """main, with a sentence in place of each traceback that a reader can be expected to meet."""
    if sys.version_info < (3, 11):  # noqa: UP036
        found = "{}.{}".format(*sys.version_info[:2])
        sys.stderr.write(
            f"course.py: the course needs Python 3.11 or newer, and this is {found}: "
            "install one from python.org and start course.py with it.\n"
        )
        return 1
    for stream in (sys.stdout, sys.stderr):  # a console that cannot show Korean must not end the set-up
        stream.reconfigure(errors="replace", line_buffering=True)
    for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        if signal.getsignal(number) == signal.SIG_DFL:  # under nohup it is not
            signal.signal(number, signal.default_int_handler)  # as Ctrl-C, so that the installer ends too
    if WINDOWS:
        os.environ.setdefault("PYTHONUTF8", "1")
    try:
        return main(argv)
    except KeyboardInterrupt:
        problem, code = "stopped; the same command goes on from here.", 130
    except Problem as error:
        problem, code = error, 1
    except OSError as error:
        problem, code = diagnosis(str(error)), 1
    sys.stderr.write(f"course.py: {problem}\n")
    return code


if __name__ == "__main__":
    sys.exit(guarded(sys.argv[1:]))
