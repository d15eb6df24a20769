"""Running assembled notebooks: each check accounted for, whatever the answers do; and nothing left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from kernels import BARE, SHORT, answer, check, given, needs_sandbox, notebook, values

from coursekit.grading import cgroup, execute
from coursekit.grading.execute import CellRun, ExecutionError, run

pytestmark = needs_sandbox
LOOP = "def f():\n    while True:\n        pass"
STUBBORN = """
def f():
    while True:
        try:
            while True:
                print("still here")
        except BaseException:
            pass
"""


def outcome(*cells, limits=SHORT, sandbox=BARE, seed=7, warm=True):
    """Status and values of each check cell."""
    runs = run(notebook(*cells), sandbox=sandbox, seed=seed, limits=limits, warm=warm)
    return [(one.status, values(one)) for one in runs]


class TestHonest:
    def test_each_check_cell_gives_its_messages(self):
        cells = [given("base = 40"), answer("def f(): return base + 2"), check("send(f())\nsend('two')")]
        runs = run(notebook(*cells), sandbox=BARE, seed=7, limits=SHORT)
        assert [(one.index, one.status, values(one)) for one in runs] == [(3, "ran", [42, "two"])]
        assert 0 < runs[0].seconds < 2

    def test_an_error_is_the_cells_own(self):
        cells = [answer("1 / 0"), check("send(1); undefined"), answer("g = 2"), check("send(g)")]
        assert outcome(*cells) == [("error", [1]), ("ran", [2])]

    @pytest.mark.slow
    def test_tags_and_comments_for_nbval_do_nothing(self):
        skipped = check("# NBVAL_SKIP\nsend(1)")
        skipped.metadata["tags"] = ["nbval-skip", "raises-exception"]
        assert outcome(skipped) == [("ran", [1])]

    def test_the_notebook_chooses_no_kernel(self):
        cells = notebook(check("send(os.environ['COURSEKIT_CHECK_SEED'])"))
        cells.metadata["kernelspec"] = {"name": "evil"}
        [one] = run(cells, sandbox=BARE, seed=99, limits=SHORT)
        assert values(one) == ["99"]

    @pytest.mark.slow
    def test_nothing_to_check(self):
        assert outcome(answer("f = 1")) == []

    def test_the_real_check(self):
        source = 'from coursekit.check import check\ncheck("99.q1", lambda rng: rng.normal(size=2), cases=3)'
        [one] = run(notebook(check(source)), sandbox=execute.Sandbox(), seed=7, limits=SHORT)
        [message] = one.messages
        assert (message["id"], len(message["cases"])) == ("99.q1", 3)


class TestPlainKernel:
    """Without a sandbox, for code that is trusted."""

    def test_same_variables_same_messages(self):
        names = ["COURSEKIT_CHECK_MODE", "COURSEKIT_CHECK_SEED", "PYTHONHASHSEED", "OPENBLAS_NUM_THREADS"]
        probe = check(f"send([os.environ[name] for name in {names}])")
        assert outcome(probe, sandbox=None) == outcome(probe) == [("ran", [["send", "7", "0", "1"]])]

    @pytest.mark.slow
    def test_it_sees_everything(self):
        assert outcome(check("import coursekit.nn; send(1)"), sandbox=None) == [("ran", [1])]

    @pytest.mark.slow
    def test_a_loop_ends_here_too(self):
        assert outcome(answer(LOOP), check("send(1); f()"), check("send(2)"), sandbox=None) == [
            ("timeout", [1]),
            ("ran", [2]),
        ]


class TestHostile:
    def test_an_endless_loop_costs_its_own_check_alone(self):
        began = time.monotonic()
        cells = [answer("g = 1"), check("send(g)"), answer(LOOP), check("send(1); f()"), answer("h = 3")]
        assert outcome(*cells, check("send([g, h])")) == [("ran", [1]), ("timeout", [1]), ("ran", [[1, 3]])]
        assert time.monotonic() - began < 12

    @pytest.mark.slow
    def test_a_loop_that_swallows_interrupts_and_prints(self):
        assert outcome(answer(STUBBORN), check("f()"), check("send(2)"))[1] == ("ran", [2])

    @pytest.mark.slow
    def test_an_answer_that_never_ends_costs_its_question(self):
        cells = [answer("while True: pass"), check("send(1)"), answer("h = 3"), check("send(h)")]
        assert outcome(*cells) == [("timeout", []), ("ran", [3])]

    @pytest.mark.slow
    def test_an_answer_of_a_question_that_failed_is_not_run_again(self):
        cells = [answer("g = 1"), check("os._exit(0)"), answer("h = 3"), check("send(['g' in globals(), h])")]
        assert outcome(*cells) == [("dead", []), ("ran", [[False, 3]])]

    @pytest.mark.slow
    def test_a_second_check_of_that_question_has_its_answer(self):
        assert outcome(answer("g = 1"), check("os._exit(0)"), check("send(g)")) == [("dead", []), ("ran", [1])]

    @pytest.mark.slow
    def test_helper_cells_go_with_their_question(self):
        helper = given("import time; time.sleep(60)")
        helper.metadata["coursekit"] = {"helps": "q1"}
        cells = [helper, answer("g = 1"), check("send(g)"), given("k = 2"), check("send(k)")]
        assert outcome(*cells)[0] == ("timeout", [])

    def test_dying_is_noticed_at_once(self):
        [one, two] = run(notebook(check("os._exit(1)"), check("send(2)")), sandbox=BARE, seed=7, limits=SHORT)
        assert (one.status, two.status, values(two)) == ("dead", "ran", [2])
        assert one.seconds < 1.5

    def test_quitting_ends_nothing(self):
        cells = [answer("quit()"), check("send(1)"), answer("g = exit()"), check("send(g)")]
        assert outcome(*cells) == [("ran", [1]), ("ran", [None])]

    @pytest.mark.slow
    def test_a_kernel_that_dies_later(self):
        bomb = "import threading\nthreading.Timer(0.3, lambda: os._exit(0)).start()"
        cells = [answer(bomb), check("send(1)"), given("time.sleep(1)"), answer("g = 1"), check("send(g)")]
        assert outcome(*cells)[0] == ("ran", [1])

    @pytest.mark.slow
    def test_killing_every_process_in_sight(self):
        kill = "attempt(lambda: os.kill(-1, 9)); os.kill(os.getpid(), 9)"
        assert outcome(check(kill), check("send(2)")) == [("dead", []), ("ran", [2])]

    @pytest.mark.parametrize(
        "flood",
        [
            "while True: print('x' * 10_000, flush=True)",
            "while True: send('x' * 10_000)",
            "send('x' * 30_000_000)",
            "for _ in range(20_000): send(1)",
            "while True: os.write(1, b'x' * 60_000)",
            "import zmq\nout = get_ipython().kernel.iopub_socket.io_thread.socket\n"
            "while True: out.send(b'x' * 1_000_000, zmq.SNDMORE)",
        ],
    )
    @pytest.mark.slow
    def test_floods(self, flood):
        [one, two] = outcome(check(flood), check("send(2)"))
        assert one[0] in ("rubbish", "timeout", "dead")  # what ends it first: our bounds, its time, or its memory
        assert two == ("ran", [2])

    @pytest.mark.slow
    def test_an_output_flood(self):
        [one, two] = outcome(check("while True: send('x' * 10_000)"), check("send(2)"))
        assert one[0] == "rubbish"
        assert len(one[1]) <= 200
        assert two == ("ran", [2])

    @pytest.mark.slow
    def test_a_message_that_is_too_large_never_arrives(self):
        huge = "from IPython.display import HTML, display\ndisplay(HTML('x' * (100 << 20)))"
        limits = replace(SHORT, cell=20, message=1 << 20, output_total=50 << 20)
        runs = run(notebook(check(huge), answer("g = 1"), check("send(g)")), sandbox=BARE, seed=7, limits=limits)
        assert [each.status for each in runs] == ["rubbish", "ran"]  # it would have used up all that may be sent

    def test_output_that_is_used_up_ends_the_run(self):
        noise = "for _ in range(300): print('x' * 10000, flush=True)"
        limits = replace(SHORT, output=8 << 20, output_total=4 << 20)
        cells = [check(noise), answer("g = 1"), check(noise), check("send(g)")]
        runs = run(notebook(*cells), sandbox=BARE, seed=7, limits=limits)
        assert [each.status for each in runs] == ["ran", "rubbish", "not run"]

    def test_nobody_answers_input(self):
        assert outcome(check("send(attempt(lambda: input('?')))"))[0][1][0].startswith("StdinNotImplementedError")

    @pytest.mark.slow
    @pytest.mark.parametrize("total", [1.6, 2.0, 2.5])  # it is up while a cell runs, or while a kernel starts
    def test_time_that_is_up_is_up(self, total):
        loops = [cell for _ in range(4) for cell in (answer(LOOP), check("f()"))]
        began = time.monotonic()
        statuses = [status for status, _ in outcome(*loops, limits=replace(SHORT, cell=1, total=total))]
        assert statuses[0] == "timeout"
        assert statuses[-1] == "not run"
        assert time.monotonic() - began < 12


RUBBISH = """
kernel = get_ipython().kernel
parent = kernel.get_parent()
def publish(kind, content, parent=parent):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=parent, ident=b"x")
"""


class TestProtocol:
    def test_messages_with_the_parent_of_a_cell_to_come(self):
        forge = """
identity = parent["header"]["msg_id"]
stem, number = identity.rsplit("_", 1)
for later in range(1, 20):
    for n in (int(number) + later, later):
        header = {**parent["header"], "msg_id": f"{stem}_{n}"}
        content = {"data": {"application/vnd.coursekit.check+json": {"value": "forged"}}, "metadata": {}}
        publish("display_data", content, {"header": header})
"""
        assert outcome(answer(RUBBISH + forge), check("send(1)"), check("send(2)")) == [("ran", [1]), ("ran", [2])]

    @pytest.mark.slow
    def test_messages_with_the_parent_of_a_cell_before(self):
        forge = """
content = {"data": {"application/vnd.coursekit.check+json": {"value": "forged"}}, "metadata": {}}
import threading
def late():
    for _ in range(20):
        publish("display_data", content); time.sleep(0.05)
threading.Thread(target=late).start()
"""
        cells = [answer(RUBBISH + forge), check("time.sleep(0.5); send(1)")]
        assert outcome(*cells) == [("ran", [1])]

    @pytest.mark.parametrize(
        "rubbish",
        [
            'publish("status", {})',
            'publish("display_data", {"data": 3})',
            'publish("error", [1, 2])',
            'publish("status", {"execution_state": "idle"}, {"header": [1]})',
            'import zmq; kernel.iopub_socket.io_thread.socket.send_multipart([b"x", b"<IDS|MSG>", b"", b"{"])',
            "value = []\nfor _ in range(200): value = [value]\nsend(value)",
        ],
    )
    @pytest.mark.slow
    def test_rubbish_ends_at_that_cell(self, rubbish):
        [one, two] = outcome(check(RUBBISH + rubbish), check("send(2)"))
        assert one[0] in ("rubbish", "ran", "error")
        assert two == ("ran", [2])

    @pytest.mark.slow
    def test_a_reply_that_never_comes(self):
        silent = RUBBISH + "kernel.session.send = lambda *a, **k: None"
        [one, two] = outcome(check(silent), check("send(2)"))
        assert one[0] in ("timeout", "rubbish")
        assert two == ("ran", [2])

    @pytest.mark.slow
    def test_an_idle_state_without_end(self):
        forge = "while True:\n    publish('status', {'execution_state': 'busy'}); time.sleep(0.01)"
        [one, two] = outcome(check(RUBBISH + forge), check("send(2)"))
        assert one[0] == "timeout"
        assert two == ("ran", [2])


GRADER = """
import sys
sys.path.insert(0, {tests!r})
from kernels import *
from coursekit.grading.execute import run
print("started", flush=True)
cells = [check("send(1)"), check("import subprocess, time\\nif os.fork() == 0: time.sleep(60)\\ntime.sleep(60)")]
run(notebook(*cells), sandbox=BARE, seed=1, limits=Limits(cell=60), warm={warm})
"""


def descendants(pid: int) -> list[psutil.Process]:
    """Processes that a process has started, and those that they have, dead ones left out."""
    found = psutil.Process(pid).children(recursive=True)
    return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]


def wait_for(condition, seconds=40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def groups():
    """Control groups of kernels whose grader is a child of ours."""
    workers = [each.pid for each in psutil.Process().children()]
    for parent in cgroup.usable():
        yield from (folder for pid in workers for folder in parent.glob(f"coursekit-{pid}-*"))


@pytest.mark.slow
@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
class TestNothingIsLeft:
    def test_after_a_run(self, tmp_path, monkeypatch, warm):
        execute._close_workers()
        monkeypatch.setattr(execute.tempfile, "tempdir", str(tmp_path))
        before = Path("/proc/self/mountinfo").read_text()
        others = {each.pid for each in descendants(os.getpid())}  # of a batch that was graded before, in this process
        outcome(check("send(1)"), warm=warm)
        kept = {each.pid for each in descendants(os.getpid())}  # the worker, bubblewrap's two processes, the zygote
        spawn = "if os.fork() == 0:\n    os.setsid(); time.sleep(60)\nos._exit(0)"
        outcome(answer(STUBBORN), check("f()"), check(spawn), check("send(2)"), warm=warm)
        assert {each.pid for each in descendants(os.getpid())} == kept
        assert len(kept - others) == (4 if warm else 1)
        assert list(tmp_path.iterdir()) == []
        assert Path("/proc/self/mountinfo").read_text() == before
        assert list(groups()) == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_after_the_grader_was_stopped(self, tmp_path, number, warm):
        script = GRADER.format(tests=str(Path(__file__).parent), warm=warm)
        grader = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        few = 7 if warm else 5  # a worker, bubblewrap twice, the kernel and its child; a zygote and its child
        assert wait_for(lambda: len(descendants(grader.pid)) >= few)
        family = descendants(grader.pid)
        os.killpg(grader.pid, number)
        assert wait_for(lambda: grader.poll() is not None)
        assert wait_for(lambda: not any(each.is_running() for each in family))
        assert wait_for(lambda: not list(tmp_path.glob("ck-*")))


class TestGrader:
    @pytest.mark.slow
    def test_several_threads_at_once(self):
        found = {}

        def grade(seed):
            found[seed] = outcome(
                check("send(os.environ['COURSEKIT_CHECK_SEED'])"), seed=seed, limits=replace(SHORT, cell=20)
            )

        threads = [threading.Thread(target=grade, args=(seed,)) for seed in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {seed: [("ran", [str(seed)])] for seed in (1, 2, 3)}

    def test_a_worker_that_is_lost_leaves_what_was_taken(self, monkeypatch):
        said = [{"index": 1, "status": "ran", "messages": [{"value": 1}], "seconds": 0.1}]
        monkeypatch.setattr(execute._Worker, "work", lambda self, order, seconds: iter(said))
        found = run(notebook(check("send(1)"), check("send(2)"), check("send(3)")), sandbox=BARE, seed=7, limits=SHORT)
        assert found == [CellRun(1, "ran", [{"value": 1}], 0.1), CellRun(2, "rubbish"), CellRun(3, "not run")]

    def test_a_fault_of_ours_is_no_grade(self):
        with pytest.raises(ExecutionError, match="nosuchthing"):
            run(notebook(check("send(1)")), sandbox=execute.Sandbox(packages=("nosuchthing",)), seed=7, limits=SHORT)

    @pytest.mark.slow
    def test_a_worker_is_used_again(self):
        outcome(check("send(1)"))
        [worker] = execute._idle[-1:]
        outcome(check("send(1)"))
        assert execute._idle[-1] is worker
