"""Damaged kernel messages, sent over real sockets: the cell gets an end each time, and the worker lives on."""

import contextlib
import json
import random
import secrets
import threading
import time
from queue import Empty
from types import SimpleNamespace

import pytest
from mutate import damaged_bytes, damaged_data

pytest.importorskip("nbval", reason="needs what grading needs: python3 course.py setup")
pytestmark = pytest.mark.skipif("sys.platform == 'win32'", reason="notebooks are not graded on Windows")

import zmq
from jupyter_client import BlockingKernelClient
from jupyter_client.session import Session
from nbformat.v4 import new_notebook

from coursekit.compare import compare
from coursekit.grading._kernel import MIME, Job, Kernel, Lost
from coursekit.grading.sandbox import Limits

LIMITS = Limits(cell=1.0, total=60.0, start=10.0, grace=0.3)
PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}
ANSWER = {"version": 1, "id": "98.q1", "cases": [{"kind": "number", "type": "float", "value": 1.5}] * 3}


class Speaker:
    """A kernel's end of the wires: it runs nothing, introduces itself, and sends what it is told to."""

    provisioner = None
    kernel_spec = SimpleNamespace(interrupt_mode="message")

    def __init__(self, folder, context):
        info = {"transport": "ipc", "ip": f"{folder}/k", "key": secrets.token_hex(), "signature_scheme": "hmac-sha256"}
        self.info, self.context = info | PORTS, context
        self.session = Session(key=info["key"].encode())
        self.inside = zmq.Context()
        self.shell, self.iopub = self.inside.socket(zmq.ROUTER), self.inside.socket(zmq.PUB)
        for port, wire in ((1, self.shell), (2, self.iopub)):
            wire.setsockopt(zmq.LINGER, 0)
            wire.bind(f"ipc://{folder}/k-{port}")
        self.to_send: list[tuple[str, list[bytes]]] = []
        self.ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def client(self, context):
        made = BlockingKernelClient(context=context)
        made.load_connection_info(self.info)
        return made

    def is_alive(self):
        return not self.ended

    def interrupt_kernel(self):
        """It takes no notice."""

    def shutdown_kernel(self, now=False):
        if not self.ended:
            self.ended = True
            self.thread.join()
            self.inside.destroy(linger=0)

    def _serve(self):
        while not self.ended:
            if not self.shell.poll(20):
                continue
            name, *frames = self.shell.recv_multipart()
            message = self.session.deserialize(self.session.feed_identities(frames)[1])
            self.answer(name, message)

    def answer(self, name, request):
        for wire, frames in self.to_send:
            with contextlib.suppress(zmq.ZMQError):
                to, before = (self.iopub, []) if wire == "iopub" else (self.shell, [name])
                to.send_multipart([*before, *frames])
        kind = request["msg_type"].replace("request", "reply")
        self.session.send(self.shell, kind, {"status": "ok"}, parent=request, ident=name)
        self.session.send(self.iopub, "status", {"execution_state": "idle"}, parent=request)

    def damaged(self, rng, parent) -> tuple[str, list[bytes]]:
        """A message about the cell that runs, damaged in its data or in its frames, most with a good signature."""
        case = damaged_data(ANSWER, rng) if rng.random() < 0.5 else ANSWER
        kind = rng.choice(("display_data", "status", "error", "stream", "execute_reply", "comm_open", "clear_output"))
        content = {"data": {MIME: case, "text/plain": "x"}, "execution_state": "idle", "ename": "E", "evalue": "v"}
        parts = [self.session.msg_header(kind), parent, {}, content]
        if rng.random() < 0.7:
            parts = damaged_data(parts, rng)
        parts = parts if isinstance(parts, list) else [parts]
        frames = [json.dumps(part, default=str).encode("utf-8", "surrogatepass") for part in parts]
        if rng.random() < 0.3:
            frames = [damaged_bytes(frame, rng) if frame else b"" for frame in frames]
        sign = (
            self.session.sign(frames) if rng.random() < 0.8 else rng.choice((b"", b"\x00", b"f" * 64, b"\xff" * 9999))
        )
        frames = [b"<IDS|MSG>", sign, *frames] + [b"more"] * rng.choice((0, 0, 0, 1, 300))
        if rng.random() < 0.1:
            frames = damaged_data(frames, rng)
        frames = [frame if isinstance(frame, bytes) else b"\x00" for frame in frames] or [b""]
        return rng.choice(("iopub", "iopub", "shell")), frames


class Wires:
    """Kernels, one after the other: a new one when the last was given up."""

    def __init__(self, folder, context):
        self.folder, self.context, self.made, self.kernel = folder, context, 0, None

    def start(self, *warm):
        self.made += 1
        place = self.folder / str(self.made)
        place.mkdir()
        self.speaker = Speaker(place, self.context)
        return self.speaker

    def run_a_cell(self, rng) -> str:
        """Let a cell be answered by damaged messages, then by a good one; say how it went."""
        if self.kernel is None:
            job = Job(new_notebook(), LIMITS, self.start, lambda: False, lambda *what: None)
            job.deadline = time.monotonic() + 60
            self.kernel = Kernel(job)
        kernel, speaker = self.kernel, self.speaker
        answer = speaker.answer

        def with_damage(name, request):
            if request["msg_type"] == "execute_request":
                speaker.to_send = [speaker.damaged(rng, request["header"]) for _ in range(rng.choice((1, 1, 3)))]
            answer(name, request)
            speaker.to_send = []

        speaker.answer = with_damage
        try:
            number = kernel.execute_cell_input("1")
            kernel.await_reply(number)
            kernel.await_idle(number, 1)
            how = "ran"
        except (Lost, Empty) as lost:
            how = str(lost) or "timeout"
        except (KeyError, ValueError, TypeError, AttributeError) as error:  # nbval's own; `_nbval` takes it for rubbish
            how = f"nbval: {type(error).__name__}"
        speaker.answer = answer
        self.look_at(kernel.cell.payloads)
        if how != "ran":
            kernel.stop()
            self.kernel = None
        return how

    def look_at(self, payloads):
        """What is passed on can be written as JSON, and compared without an error."""
        for payload in payloads:
            assert json.loads(json.dumps(payload)) is not None
            cases = payload.get("cases")
            for expected in ({"kind": "number", "type": "float", "value": 2.5}, {"kind": "text", "value": "a"}):
                assert compare([expected] * 3, cases, {}).outcome != "correct"


@pytest.fixture
def wires(tmp_path_factory):
    context = zmq.Context()
    context.setsockopt(zmq.MAXMSGSIZE, LIMITS.message)
    context.setsockopt(zmq.RCVHWM, 200)
    context.setsockopt(zmq.LINGER, 0)
    made = Wires(tmp_path_factory.mktemp("w"), context)
    yield made
    if made.kernel is not None:
        made.kernel.stop()
    context.destroy(linger=0)


def fuzz(wires, seeds) -> list[str]:
    said = []
    for seed in seeds:
        began = time.monotonic()
        try:
            said.append(wires.run_a_cell(random.Random(seed)))
        except Exception as error:
            raise AssertionError(f"the messages of seed {seed} are not dealt with: {error!r}") from error
        assert time.monotonic() - began < 30
    return said


def test_damaged_messages(wires):
    said = fuzz(wires, range(40))
    assert {"ran", "rubbish"} <= set(said), said


@pytest.mark.slow
def test_a_thousand_damaged_messages(wires):
    said = fuzz(wires, range(1000, 2000))
    assert said.count("ran") > 100
    assert said.count("rubbish") > 100
    assert set(said) <= {"ran", "rubbish", "timeout"}, set(said)


NUMBERS = {"kind": "list", "items": [{"kind": "number", "type": "int", "value": 1}]}
EXPECTED = (
    ({"kind": "array", "dtype": "float64", "shape": [2], "values": [1.0, 2.0]}, {}),
    ({"kind": "list", "items": [NUMBERS, {"kind": "list", "items": NUMBERS["items"] * 2}]}, {}),
    ({"kind": "list", "items": [{"kind": "text", "value": "a"}]}, {"kind": "text"}),
    ({"kind": "list", "items": [{"kind": "text", "value": "a"}]}, {"kind": "set"}),
    (NUMBERS, {"kind": "order"}),
    ({"kind": "dict", "items": [["a", NUMBERS]]}, {"kind": "integers"}),
)
BOMBS = {
    "rows that are not there": {"kind": "array", "dtype": "float64", "shape": [20_000, 0], "values": []},
    "a thousand axes": {"kind": "array", "dtype": "float64", "shape": [1] * 1000, "values": [1.0]},
    "endless axes": {"kind": "array", "dtype": "float64", "shape": [10**300] * 64, "values": []},
    "a long number": {"kind": "number", "type": "int", "value": 10**4000},
    "many members": {"kind": "set", "items": [{"kind": "number", "type": "int", "value": k} for k in range(50_000)]},
    "the same key": {"kind": "dict", "items": [["a", bomb] for bomb in (NUMBERS, {})] * 50_000},
    "a long text": {"kind": "text", "value": "e\u0301\u0323" * 500_000},
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_answer_takes_long_to_compare(bomb):
    for expected, how in EXPECTED:
        for got in (bomb, {"kind": "list", "items": [bomb]}, {"kind": "list", "items": [bomb, bomb]}):
            began = time.process_time()
            assert compare([expected], [got], how).outcome == "wrong"
            assert time.process_time() - began < 5


def test_rows_that_are_not_there_take_no_memory():
    """A shape is a few bytes of a stranger's: it must not decide how much is made room for."""
    import tracemalloc

    rows = {"kind": "array", "dtype": "float64", "shape": [20_000, 0], "values": []}
    tracemalloc.start()
    for expected, how in EXPECTED:
        compare([expected], [rows], how)
        compare([expected], [{"kind": "list", "items": [rows]}], how)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.slow
def test_odd_cases_are_wrong_and_raise_nothing():
    for seed in range(20_000):
        rng = random.Random(seed)
        expected, how = rng.choice(EXPECTED)
        got = damaged_data(rng.choice([*(case for case, _ in EXPECTED), ANSWER]), rng)
        result = compare([expected], [got], how)
        assert result.outcome in ("correct", "wrong", "nothing")
        assert result.reason.isprintable()
