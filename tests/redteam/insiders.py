"""Attacks by someone who has read all the code: the checks, the protocol, the sandbox, the comparator.

As in `outsiders`, a function's body is the text of a student's first answer cell.
"""

# ruff: noqa: F821, F841, SIM105, SIM115


def sends_answers_under_every_id():
    from IPython.display import display

    for id, cases in CHECKS.items():
        data = {"version": 1, "id": id, "cases": [{"kind": "number", "type": "float", "value": 0.0}] * cases}
        display({"application/vnd.coursekit.check+json": data | {"outcome": "correct", "points": 9}}, raw=True)

    def answer(*given, **named):
        return 0


def sends_a_second_answer_from_a_thread():
    import threading
    import time

    kernel = get_ipython().kernel

    def flood():
        for _ in range(400):
            parent = kernel.get_parent("shell")
            for id, cases in CHECKS.items():
                data = {"version": 1, "id": id, "cases": [{"kind": "nothing"}] * cases, "outcome": "correct"}
                content = {"data": {"application/vnd.coursekit.check+json": data}, "metadata": {}, "transient": {}}
                kernel.session.send(kernel.iopub_socket, "display_data", content, parent=parent)
            time.sleep(0.005)

    threading.Thread(target=flood, daemon=True).start()

    def answer(*given, **named):
        return 0


def sends_what_json_can_say_and_no_check_would():
    from IPython.display import display

    import coursekit.check

    odd = [
        {"kind": ["a", {}]},
        {"kind": "number", "value": float("nan")},
        {"kind": "number", "type": {}, "value": float("inf")},
        {"kind": "number", "type": "int", "value": 10**4000},
        {"kind": "array", "shape": [-1], "values": []},
        {"kind": "array", "shape": [2] * 64, "values": [1]},
        {"kind": "array", "dtype": [], "shape": [10**300] * 60, "values": []},
        {"kind": "array", "shape": [True], "values": [[[]]]},
        {"kind": "list", "items": {"a": 1}},
        {"kind": "dict", "items": [["a"], 5, [{}, {}]]},
        {"kind": "text", "value": "\ud800\x00\x1b[2J"},
        {"kind": "error", "type": {"<b>": 1}, "message": ["<script>"] * 100},
        None,
        [],
        "correct",
        True,
    ]

    def send(id, given, *, cases=1):
        data = {"version": 1, "id": id, "cases": [odd.pop() if odd else {} for _ in range(cases)]}
        display({"application/vnd.coursekit.check+json": data}, raw=True)

    coursekit.check.check = send
    answer = None


def sends_an_array_of_a_million_million_empty_rows():
    from IPython.display import display

    import coursekit.check

    rows = {"kind": "array", "dtype": "float64", "shape": [10**12, 0], "values": []}

    def send(id, given, *, cases=1):
        for value in (rows, {"kind": "list", "items": [rows]}):
            data = {"version": 1, "id": id, "cases": [value] * cases}
            display({"application/vnd.coursekit.check+json": data}, raw=True)
            break

    coursekit.check.check = send
    answer = None


def sends_lists_that_are_slow_to_compare():
    from IPython.display import display

    import coursekit.check

    row = {"kind": "array", "dtype": "float64", "shape": [1] * 64, "values": [1.0]}
    deep = {"kind": "list", "items": [{"kind": "text", "value": "a"}] * 20_000}
    for _ in range(5):
        deep = {"kind": "list", "items": [deep, {"kind": "set", "items": [row] * 100}]}

    def send(id, given, *, cases=1):
        display({"application/vnd.coursekit.check+json": {"version": 1, "id": id, "cases": [deep] * cases}}, raw=True)

    coursekit.check.check = send
    answer = None


def sends_ids_that_are_no_text():
    from IPython.display import display

    import coursekit.check

    def send(id, given, *, cases=1):
        for odd in (None, [], {}, [id], {"id": id}, 1.5, True, "98.q1\x00", "98.q1 ", "９8.q1"):
            data = {"version": odd, "id": odd, "cases": odd, "index": 0, "status": "ran", "done": True}
            display({"application/vnd.coursekit.check+json": data}, raw=True)
            display({"application/vnd.coursekit.check+json": odd}, raw=True)

    coursekit.check.check = send
    answer = None


def guesses_the_number_of_the_next_message():
    kernel = get_ipython().kernel
    parent = dict(kernel.get_parent("shell"))
    parent["header"] = dict(parent["header"])
    stem, _, count = parent["header"]["msg_id"].rpartition("_")
    for more in range(1, 200):
        parent["header"]["msg_id"] = f"{stem}_{int(count) + more}"
        for id, cases in CHECKS.items():
            data = {"version": 1, "id": id, "cases": [{"kind": "number", "type": "int", "value": 24}] * cases}
            content = {"data": {"application/vnd.coursekit.check+json": data}, "metadata": {}}
            kernel.session.send(kernel.iopub_socket, "display_data", content, parent=parent)

    def answer(*given, **named):
        return 0


def patches_what_encodes():
    import coursekit._encode
    import coursekit.check

    right = {"kind": "number", "type": "float", "value": float("nan"), "outcome": "correct"}
    coursekit._encode.encode = coursekit.check.encode = lambda *given: right
    coursekit.check.answers = lambda id, answer, cases, seed: ([right] * cases, [""] * cases)
    coursekit.check.compare = lambda *given: True
    coursekit.check._SENDS = False

    def answer(*given, **named):
        return 0


def hides_in_the_kernels_protocol():
    kernel = get_ipython().kernel
    kernel.session.key = b""
    kernel.session.auth = None
    kernel.execution_count = -1
    kernel.session.session = "\x00<script>"
    kernel.do_execute = lambda *given, **named: {"status": "ok", "points": 9}

    def answer(*given, **named):
        return 0


def searches_memory_for_what_is_expected():
    import gc
    import sys

    success = False
    words = ("expected", "reference", "misunderstandings", "source_sha256")
    for thing in gc.get_objects():
        if type(thing) is dict:
            try:
                success = success or any(word in thing for word in words)
            except Exception:
                pass
    frame = sys._getframe()
    while frame:
        success = success or any(word in frame.f_locals for word in words)
        frame = frame.f_back
    success = success or any(
        name.startswith(("coursekit.grading", "coursekit.compare", "nbval")) for name in sys.modules
    )
    import re

    # what a process before this one has left in memory that this one was forked from
    wanted = re.compile(b"(left-behind|CANARY)-[0-9a-f]{12}")
    for line in open("/proc/self/maps"):
        ends, rights, *_ = line.split()
        start, end = (int(part, 16) for part in ends.split("-"))
        if "r" in rights and end - start < 1 << 28:
            try:
                with open("/proc/self/mem", "rb", 0) as memory:
                    memory.seek(start)
                    success = success or bool(wanted.search(memory.read(end - start)))
            except (OSError, ValueError, OverflowError):
                pass


def calls_what_is_refused():
    import ctypes
    import os

    libc = ctypes.CDLL(None, use_errno=True)
    success = False
    calls = {"x86_64": (101, 155, 161, 165, 166, 248, 250, 272, 298, 304, 308, 310, 311, 312, 319, 321, 323)}
    calls = (*calls.get(os.uname().machine, ()), 425, 428, 432, 435, 438, 442)
    for number in calls:
        ctypes.set_errno(0)
        result = libc.syscall(number, 0, 0, 0, 0, 0)
        success = success or (result != -1 or ctypes.get_errno() not in (1, 38))
    for flags in (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x02000000, 0x08000000, 0x00000080):
        success = success or libc.unshare(flags) == 0
    child = libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0) if os.uname().machine == "x86_64" else -1
    if child == 0:
        os._exit(0)
    success = success or child > 0
    success = success or libc.prctl(22, 0, 0) == 0 or libc.ptrace(16, 1, 0, 0) == 0


def keeps_shared_memory_for_the_next():
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    success = False
    for number, arguments in (
        (29, (1234, 4096, 0o1666)),
        (68, (1234, 0o1666)),
        (64, (1234, 1, 0o1666)),
        (319, (b"", 0)),
    ):
        success = success or libc.syscall(number, *arguments) != -1
    libc.mq_open.restype = ctypes.c_int
    for name in (b"/left",):
        try:
            queue = ctypes.CDLL("librt.so.1").mq_open(name, 0o102, 0o666, None)
            success = success or queue != -1
        except (OSError, AttributeError):
            pass


def looks_at_its_descriptors():
    import os
    import socket
    import stat

    success = False
    for name in os.listdir("/proc/self/fd"):
        try:
            target, mode = os.readlink(f"/proc/self/fd/{name}"), os.fstat(int(name)).st_mode
        except OSError:
            continue
        # a folder from outside would lead out; so would a process, and a socket whose other end takes orders
        success = success or stat.S_ISDIR(mode) or "pidfd" in target or "memfd" in target
        if target.startswith("socket"):
            mine = socket.socket(fileno=os.dup(int(name)))
            success = success or mine.type == socket.SOCK_SEQPACKET
            mine.close()
    for path in ("/proc/self/root" + "/..", "/proc/1/root" + "COURSE", "/proc/1/cwd"):
        success = success or os.path.exists(path + "/solutions") or os.path.exists(path + "/.git")


def raises_its_own_limits():
    import os
    import resource

    success = False
    for name in ("RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_CPU", "RLIMIT_NOFILE", "RLIMIT_CORE"):
        number = getattr(resource, name)
        try:
            resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            success = True
        except (OSError, ValueError):
            pass
        success = success or resource.getrlimit(number)[1] == resource.RLIM_INFINITY
    try:
        os.nice(-5)
        success = True
    except OSError:
        pass
    try:
        os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"-1000")
        success = True
    except OSError:
        pass
    for folder in ("/sys/fs/cgroup", "/proc/self/cgroup"):
        try:
            success = success or any(os.access(f"{folder}/{name}", os.W_OK) for name in os.listdir(folder))
        except OSError:
            pass


FORGERIES = (
    sends_answers_under_every_id,
    sends_a_second_answer_from_a_thread,
    sends_what_json_can_say_and_no_check_would,
    sends_an_array_of_a_million_million_empty_rows,
    sends_lists_that_are_slow_to_compare,
    sends_ids_that_are_no_text,
    guesses_the_number_of_the_next_message,
    patches_what_encodes,
    hides_in_the_kernels_protocol,
)
ESCAPES = (
    searches_memory_for_what_is_expected,
    calls_what_is_refused,
    keeps_shared_memory_for_the_next,
    looks_at_its_descriptors,
    raises_its_own_limits,
)
