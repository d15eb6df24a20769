"""Checks in real kernels: sending in grading, display in a live session, failing cells where nobody reads."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
from jupyter_client.manager import start_new_kernel

from coursekit.check import MESSAGE, answers

HEAD = "import numpy as np\nfrom coursekit.check import check, hint, solution"
SUMS = 'check("91.sums", lambda rng: rng.normal(size=(4, 3)).cumsum(axis={}), cases=5)'


class Kernel:
    def __init__(self, folder, **environment):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("COURSEKIT_")}
        self.manager, self.client = start_new_kernel(cwd=str(folder), env=clean | environment)
        self.run(HEAD)

    def run(self, code, live=False, meanwhile=lambda: None):
        """The outputs of a cell, its printed text joined."""
        id = self.client.execute(textwrap.dedent(code), allow_stdin=live)
        outputs, printed = [], ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                self.client.get_shell_msg(timeout=60)
                return printed, outputs
            if kind == "stream":
                assert content["name"] == "stdout", content["text"]
                printed += content["text"]
                meanwhile()
            elif kind in ("display_data", "execute_result", "error"):
                outputs.append(content)

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def start(tmp_path_factory, public):
    folder = tmp_path_factory.mktemp("start")
    (folder / "91_small.public.json").write_text(json.dumps(public))
    return folder


@pytest.fixture(scope="module")
def kernel(start):
    kernel = Kernel(start)
    yield kernel
    kernel.stop()


@pytest.fixture(scope="module")
def grading(tmp_path_factory):
    kernel = Kernel(tmp_path_factory.mktemp("scratch"), COURSEKIT_CHECK_MODE="send", COURSEKIT_CHECK_SEED="7")
    yield kernel
    kernel.stop()


def test_a_right_answer_prints_one_line(kernel):
    for live in (True, False):
        assert kernel.run(SUMS.format(0), live) == ("91.sums  correct, 5 of 5 cases, 6 points.\n", [])


def test_a_wrong_answer_fails_the_cell_unless_somebody_reads_it(kernel):
    printed, outputs = kernel.run(SUMS.format(1), live=True)
    assert printed.startswith("91.sums  not yet: case 1 of 5. Shapes agree, (4, 3). First difference at [0, 1]: yours ")
    assert outputs == []
    again, [error] = kernel.run(SUMS.format(1), live=False)
    assert again == printed
    assert (error["ename"], error["evalue"]) == ("CheckFailed", "91.sums not yet")
    assert error["traceback"] == ["CheckFailed: 91.sums not yet"]
    assert kernel.run('check("91.size", None)', live=True)[1] == []
    assert kernel.run('check("91.size", None)')[1][0]["evalue"] == "91.size not attempted yet"


def test_the_place_of_an_error_in_the_notebook_is_named(kernel):
    code = """
    def conv1d(x):
        rest = len(x)
        return x / rest[0]
    check("91.sums", lambda rng: conv1d(rng.normal(size=3)), cases=5)
    """
    printed, _ = kernel.run(code, live=True)
    first = "91.sums  not yet: case 1 of 5. Your code raised TypeError: 'int' object is not subscriptable"
    assert printed.startswith(f"{first} (in conv1d, line 3).\n")


def test_what_cannot_be_checked_is_said_even_in_a_live_session(kernel):
    printed, [error] = kernel.run('check("92.q1", 5)', live=True)
    assert printed == ""
    assert error["traceback"] == [f"CheckUnavailable: {error['evalue']}"]
    assert error["evalue"].startswith("92.q1 cannot be checked: 92_*.public.json is not found. Put it beside")


def test_the_start_folder_counts_wherever_the_notebook_goes(kernel, start):
    printed, _ = kernel.run('import os, tempfile\nos.chdir(tempfile.gettempdir())\ncheck("91.name", "relu")')
    assert printed == "91.name  correct, 1 point.\n"
    assert (start / ".coursekit-progress.json").exists()


def test_hints_and_solution(kernel):
    assert kernel.run('hint("91.size")')[0] == "91.size  hint 1 of 1: Count the places.\n     This was the last.\n"
    assert kernel.run('solution("91.name")')[0].startswith("91.name  has no solution to show.")


def test_a_run_can_be_interrupted(kernel):
    code = """
    def endless(rng):
        print("started", flush=True)
        while True:
            pass
    check("91.sums", endless, cases=5)
    """
    printed, [error] = kernel.run(code, meanwhile=kernel.manager.interrupt_kernel)
    assert (printed, error["ename"]) == ("started\n", "KeyboardInterrupt")


def test_grading_sends_one_message_and_nothing_else(grading):
    printed, outputs = grading.run(SUMS.format(0))
    assert printed == ""
    cases, _ = answers("91.sums", lambda rng: rng.normal(size=(4, 3)).cumsum(axis=0), 5, 7)
    data = {MESSAGE: {"version": 1, "id": "91.sums", "cases": cases}, "text/plain": "answer sent"}
    assert outputs == [{"data": data, "metadata": {}, "transient": {}}]


def test_grading_sends_what_is_wrong_or_missing_alike(grading):
    grading.run("import sys")
    for code, cases in [
        ('check("91.size", None)', [{"kind": "nothing"}]),
        ('check("91.size", 54)', [{"kind": "number", "type": "int", "value": 54}]),
        ('check("91.q", sys.exit, cases=2)', [{"kind": "error", "type": "SystemExit"}] * 2),
        ('check("91.q", lambda rng: 10**400)', [{"kind": "number", "type": "int", "value": 10**400}]),
        ('check("91.q", lambda rng: "\\ud800 \\x00")', [{"kind": "text", "value": "\\ud800 \0"}]),
        ('check("91.q", lambda rng: np.full(30_000, -1e300))', [{"kind": "array"}]),
        ('check("91.q", lambda rng: np.full(300_000, -1e300))', [{"kind": "too-large", "size": 300_000}]),
    ]:
        printed, [output] = grading.run(code)
        sent = output["data"][MESSAGE]["cases"]
        assert [{key: case[key] for key in want} for case, want in zip(sent, cases, strict=True)] == cases
        assert printed == ""


def test_grading_has_nothing_at_hand_to_tell_right_from_wrong(grading):
    code = 'import sys; print([m for m in sys.modules if m.startswith("coursekit")])'
    assert grading.run(code)[0] == "['coursekit', 'coursekit._encode', 'coursekit.check']\n"
    assert grading.run('hint("91.sums")\nsolution("91.sums")') == ("", [])


def test_an_endless_answer_can_be_interrupted_in_grading(grading):
    code = """
    def endless(rng):
        print("started", flush=True)
        while True:
            try:
                rng.normal()
            except Exception:
                pass
    check("91.sums", endless, cases=5)
    """
    printed, [error] = grading.run(code, meanwhile=grading.manager.interrupt_kernel)
    assert (printed, error["ename"]) == ("started\n", "KeyboardInterrupt")


def script(folder, code, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("COURSEKIT_")}
    return subprocess.run(
        [sys.executable, "-c", f"{HEAD}\n{code}"],
        cwd=folder,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_plain_script_prints_and_fails(start):
    right = script(start, SUMS.format(0) + '\nimport sys; print([m for m in ("IPython", "torch") if m in sys.modules])')
    assert (right.returncode, right.stdout) == (0, "91.sums  correct, 5 of 5 cases, 6 points.\n[]\n")
    wrong = script(start, SUMS.format(1))
    assert wrong.returncode == 1
    assert wrong.stdout.startswith("91.sums  not yet: case 1 of 5.")
    assert wrong.stderr.splitlines()[-1] == "coursekit.check.CheckFailed: 91.sums not yet"
    shown = script(start, SUMS.format(1), COURSEKIT_CHECK="display")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_a_grading_seed_that_is_none_is_refused(start):
    ended = script(start, 'check("91.size", 5)', COURSEKIT_CHECK_MODE="send", COURSEKIT_CHECK_SEED="-1")
    assert "COURSEKIT_CHECK_SEED is '-1': expected a whole number such as 20261." in ended.stderr
