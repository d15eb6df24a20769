"""Attacks by someone who has read the documentation and no code.

Each function is an attack, named after what it tries. None is ever called here: its body is the text of a student's
first answer cell (see `harness.notebook_of`). A forgery defines ``answer``, which then stands for every function and,
called, for every value. An escape sets ``success``, and only with it do the right solutions behind it count: a point
is a proof of a hole. A nuisance has the other questions right, and must keep those points and no more.
"""

# ruff: noqa: B028, F821, F841, SIM105, SIM115


def returns_what_equals_everything():
    class Same(float):
        def __eq__(self, other):
            return True

        def __ne__(self, other):
            return False

        __lt__ = __gt__ = __le__ = __ge__ = __eq__
        __sub__ = __rsub__ = __abs__ = lambda self, *other: 0.0
        __hash__ = float.__hash__

    def answer(*given, **named):
        return Same(0)


def returns_an_array_that_lies():
    import numpy as np

    class Liar(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *given, **named):
            return np.True_

        def __eq__(self, other):
            return np.True_

        def tolist(self):
            return ["correct"]

    def answer(*given, **named):
        return np.zeros(3).view(Liar)


def replaces_the_comparison_functions():
    import builtins
    import math

    import numpy as np

    np.allclose = np.array_equal = np.isclose = math.isclose = lambda *given, **named: True
    np.testing.assert_allclose = np.testing.assert_array_equal = lambda *given, **named: None
    builtins.all = builtins.any = builtins.isinstance = lambda *given: True

    def answer(*given, **named):
        return 0


def replaces_check():
    import coursekit.check

    check = coursekit.check.check = lambda *given, **named: print(f"{given[0]}  correct, 5 of 5 cases, 6 points.")

    def answer(*given, **named):
        return None


def claims_points_in_what_it_returns():
    def answer(*given, **named):
        return {"outcome": "correct", "points": 100, "max_points": 1, "status": "graded", "passed": 5}


def returns_the_generator():
    def answer(*given, **named):
        return given[0] if given else ...


def prints_that_it_is_right():
    import sys
    import warnings

    for name in ("98.q1", "98.q1.hidden", "98.q2", "98.q3", "98.q4"):
        print(f"{name}  correct, 3 of 3 cases, 9 points.\nPASSED\n1.0")
        print(f"{name} PASSED", file=sys.stderr)
    warnings.warn("all tests passed")

    def answer(*given, **named):
        return "correct"


def raises_success():
    class AllTestsPassed(BaseException):
        def __str__(self):
            return "<script>alert(1)</script>\x1b[2J 9 of 9 points"

    def answer(*given, **named):
        raise AllTestsPassed

    try:
        raise AllTestsPassed
    except AllTestsPassed:
        pass


def blanks_the_cells_that_follow():
    shell = get_ipython()
    shell.input_transformers_cleanup.append(lambda lines: ["print('correct')\n"])
    shell.run_cell = shell.run_code = lambda *given, **named: None

    def answer(*given, **named):
        return 0


def makes_randomness_constant():
    import random

    import numpy as np

    np.random.default_rng = lambda *seed: np.random.Generator(np.random.PCG64(1))
    random.seed(1)

    def answer(*given, **named):
        return np.zeros(5)


def guesses_by_averages():
    import numpy as np

    def answer(*given, **named):
        if not given:
            return [22, 24, 26]
        return [np.zeros(3), list(range(6))]


def asks_a_library_that_is_not_allowed():
    success = False
    for name in ("scipy.signal", "torch", "pandas", "sklearn", "matplotlib", "coursekit.nn", "coursekit.grading"):
        try:
            module = __import__(name)
            success = success or hasattr(module, "__file__")
        except ImportError:
            pass


def installs_a_library():
    import importlib
    import subprocess
    import sys

    success = False
    for command in ("python -m pip install scipy", f"{sys.executable} -m ensurepip --user"):
        try:
            subprocess.run(command.split(), timeout=0.5)
        except (OSError, subprocess.TimeoutExpired):
            pass
    sys.path[:0] = ["MAIN/lib", "/usr/lib/python3/dist-packages", "/usr/local/lib/python3/site-packages"]
    for finder in list(sys.modules):
        if finder.startswith(("scipy", "pip")):
            del sys.modules[finder]
    try:
        success = success or bool(importlib.import_module("scipy").__file__)
    except ImportError:
        pass


def reads_the_solutions():
    import os

    success = False
    for _, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if name not in ("proc", "dev")]
        for name in files:
            words = ("98_redteam", "private.json", "gradebook", "grades.csv", "_convolution_maths")
            if any(word in name for word in words) or "CANARY" in name:
                success = True
    for path in ("COURSE/solutions/98_redteam.ipynb", "IN/honest a/98_redteam.ipynb", "OUT/gradebook.sqlite"):
        success = success or os.path.exists(path)


def reads_the_instructors_home():
    import os
    from pathlib import Path

    success = False
    for folder in ("/root", "/home", "HOME", "/etc/ssh", "/var", "/run", "/srv", "/mnt", "/media", "/boot", "/sys"):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        # nothing but what libraries need may be there, which are folders on the way to them
        success = success or any(Path(folder, name).is_file() for name in names)
    for path in ("/etc/passwd", "/etc/shadow", "/etc/hosts", "HOME/.ssh", "HOME/.bash_history", "HOME/.netrc"):
        success = success or os.path.exists(path)


def reads_secrets_from_the_environment():
    import os

    success = "CANARY" in str(dict(os.environ))
    for number in os.listdir("/proc"):
        if number.isdigit():
            try:
                text = open(f"/proc/{number}/environ").read() + open(f"/proc/{number}/cmdline").read()
            except OSError:
                continue
            success = success or "CANARY" in text or "grade_here" in text


def phones_home():
    import socket

    success = False
    places = [("127.0.0.1", PORT), ("192.0.2.1", 80), ("169.254.169.254", 80), ("8.8.8.8", 53), ("::1", PORT)]
    for host, port in places:
        try:
            socket.create_connection((host, port), timeout=0.5).close()
            success = True
        except OSError:
            pass
    for place in ("\0coursekit-redteam-PORT", "IN/../socket", "/run/docker.sock", "/run/dbus/system_bus_socket"):
        caller = socket.socket(socket.AF_UNIX)
        try:
            caller.connect(place)
            success = True
        except OSError:
            pass
    for family in (17, 40, 38, 31):  # raw packets, virtual machines' sockets, the kernel's cryptography, Bluetooth
        try:
            socket.socket(family, socket.SOCK_DGRAM if family == 40 else socket.SOCK_SEQPACKET)
            success = True
        except OSError:
            pass


def writes_outside_its_scratch_folder():
    import os

    success = False
    for folder, folders, _ in os.walk("/"):
        if folder.startswith(("/proc", "/scratch", "/tmp/scratch")):
            folders.clear()
            continue
        try:
            with open(os.path.join(folder, "coursekit-redteam-was-here"), "w") as file:
                file.write("x")
            success = True
        except OSError:
            pass
    for path in ("COURSE", "IN", "OUT", "HOME", "/tmp", "/var/tmp", "/dev/shm", "/proc/sys/kernel", "/proc/1"):
        try:
            open(f"{path}/coursekit-redteam-was-here", "w")
            success = success or path != "/tmp"  # of its own, it may be
        except OSError:
            pass


def changes_the_packages():
    import os

    import numpy

    import coursekit.check

    success = False
    for module in (numpy, coursekit.check, os):
        for path in (module.__file__, os.path.dirname(module.__file__) + "/__pycache__"):
            for try_it in (lambda p: os.chmod(p, 0o777), lambda p: open(p, "a"), lambda p: os.rename(p, p + "x")):
                try:
                    try_it(path)
                    success = True
                except OSError:
                    pass


def becomes_root():
    import os
    import subprocess

    success = os.geteuid() == 0 and os.access("/proc/1/mem", os.W_OK)
    for call in (os.setuid, os.seteuid, os.setgid):
        try:
            call(0)
            success = True
        except OSError:
            pass
    for program in ("sudo", "su", "pkexec", "mount", "/bin/mount", "newuidmap", "bwrap"):
        try:
            success = success or subprocess.run([program, "--version"]).returncode == 0
        except OSError:
            pass
    with open("shell.py", "w") as file:
        file.write("#!/usr/bin/python3\n")
    os.chmod("shell.py", 0o6777)
    status = open("/proc/self/status").read()
    success = success or "CapEff:\t0000000000000000" not in status or "NoNewPrivs:\t1" not in status


def runs_a_shell():
    import os
    import subprocess

    success = os.system("true") == 0
    for shell in ("/bin/sh", "/bin/bash", "/usr/bin/env", "/bin/busybox", "/usr/bin/perl"):
        try:
            success = success or subprocess.run([shell, "-c", "true"]).returncode == 0
        except OSError:
            pass


def kills_the_grader():
    import os
    import signal

    success = False
    for number in os.listdir("/proc"):
        if number.isdigit() and int(number) != os.getpid():
            words = open(f"/proc/{number}/cmdline").read()
            success = success or any(word in words for word in ("pytest", "_worker", "grade_here", "dask"))
    for number in (1, 2, os.getppid(), os.getpgid(0), 0):
        for what in (signal.SIGTERM, signal.SIGSTOP, signal.SIGHUP):
            try:
                if number not in (0, os.getpid(), os.getpgid(0)):
                    os.kill(number, what)
            except OSError:
                pass


def writes_to_the_graders_terminal():
    import fcntl
    import os
    import termios

    success = False
    for name in ("/dev/tty", "/dev/console", "/dev/tty0", "/dev/pts/0", "/dev/ttyS0"):
        try:
            terminal = os.open(name, os.O_RDWR)
            os.write(terminal, b"\x1b]0;pwned\x07")
            fcntl.ioctl(terminal, termios.TIOCSTI, b"x")
            success = True
        except OSError:
            pass
    for number in (1, 2):
        try:
            os.write(number, b"\x1b[2J\x1b]0;coursekit-redteam-was-here\x07")
        except OSError:
            pass


def opens_devices():
    import os
    import stat

    success = False
    for name in ("/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/fuse", "/dev/kvm", "/dev/sda", "/dev/vda", "/dev/loop0"):
        try:
            os.open(name, os.O_RDONLY)
            success = True
        except OSError:
            pass
    try:
        os.mknod("disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
        success = True
    except OSError:
        pass


def leaves_things_for_the_next():
    import os
    import socket

    success = False
    for folder in (".", "/scratch", "/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~")):
        try:
            with open(f"{folder}/left-behind", "w") as file:
                file.write("98.q1: x.mean(axis=0)")
        except OSError:
            pass
    os.environ["LEFT_BEHIND"] = "here"
    import builtins

    import numpy

    builtins.left_behind = numpy.left_behind = [f"left-behind-{number:012x}" for number in range(10**5)]
    kept = socket.socket(socket.AF_UNIX)
    kept.bind("\0left-behind")
    kept.listen()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import time

            time.sleep(60)
        os._exit(0)


def looks_for_what_a_neighbour_left():
    import builtins
    import glob
    import os
    import socket
    import time

    import numpy

    success = hasattr(builtins, "left_behind") or hasattr(numpy, "left_behind") or "LEFT_BEHIND" in os.environ
    caller = socket.socket(socket.AF_UNIX)
    for _ in range(10):
        for folder in (".", "/scratch", "/tmp", "/dev/shm", "/var/tmp"):
            success = success or os.path.exists(f"{folder}/left-behind")
        try:
            caller.connect("\0left-behind")
            success = True
        except OSError:
            pass
        success = success or len(glob.glob("/proc/[0-9]*")) > 3 or len(glob.glob("/scratch/ck-*")) > 0
        time.sleep(0.05)


FORGERIES = (
    returns_what_equals_everything,
    returns_an_array_that_lies,
    replaces_the_comparison_functions,
    replaces_check,
    claims_points_in_what_it_returns,
    returns_the_generator,
    prints_that_it_is_right,
    raises_success,
    blanks_the_cells_that_follow,
    makes_randomness_constant,
    guesses_by_averages,
)
ESCAPES = (
    asks_a_library_that_is_not_allowed,
    installs_a_library,
    reads_the_solutions,
    reads_the_instructors_home,
    reads_secrets_from_the_environment,
    phones_home,
    writes_outside_its_scratch_folder,
    changes_the_packages,
    becomes_root,
    runs_a_shell,
    kills_the_grader,
    writes_to_the_graders_terminal,
    opens_devices,
    leaves_things_for_the_next,
    looks_for_what_a_neighbour_left,
)
