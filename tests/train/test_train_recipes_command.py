"""The command `coursekit train`."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from coursekit import train
from coursekit.cli import cli

SMALL = ["--images", "200", "--epochs", "1"]


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")

    def call(*arguments, out=tmp_path / "out"):
        return CliRunner().invoke(cli, ["train", *map(str, arguments), *(["--out", str(out)] if out else [])])

    return call


def test_alone_it_lists_the_recipes(command):
    said = command(out=None)
    assert said.exit_code == 0
    for each in train.recipes():
        assert re.search(rf"^{each.name} +[-\d.]+ +[-\d.]+ ", said.output, re.MULTILINE), each.name
    assert "minutes on one CPU core" in said.output


@pytest.mark.slow
def test_two_seeds_are_one_file(command, tmp_path):
    said = command("simpleconvnet", "--quick", "--seed", 5, "--seeds", 2, *SMALL)
    assert said.exit_code == 0, said.output
    path = tmp_path / "out" / "simpleconvnet-quick.json"
    results = train.load_results(path)
    assert [each.seed for each in results] == [5, 6]
    assert (results[0].images, results[0].options["epochs"], results[0].test_images) == (200, 1, 10_000)
    assert "simpleconvnet, seed 6: validation" in said.output
    assert train.summary_text(train.summary(results)).splitlines()[0] in said.output
    assert f"Written to {path}." in said.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist-bets"], "there is no recipe 'mnist-bets': did you mean 'mnist-best'"),
        (["simpleconvnet", "--device", "cuda"], "device is 'cuda', but simpleconvnet is computed by NumPy"),
        (["simpleconvnet", "--epochs", "0"], "0 is not in the range"),
        (["simpleconvnet", "--images", "60000"], "images is 60000, expected 1 to 55000"),
    ],
)
def test_messages(command, tmp_path, arguments, message):
    said = command(*arguments)
    assert said.exit_code != 0
    assert message in said.output
    assert not list((tmp_path / "out").glob("*.json"))


def test_a_folder_that_cannot_be_written_to_is_noticed_first(command, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = command("simpleconvnet", out=tmp_path / "file")
    assert said.exit_code == 1
    assert "cannot write to" in said.output
    assert "name another folder with --out" in said.output


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are of another kind there")
def test_ctrl_c_keeps_the_finished_seeds(tmp_path):
    path = tmp_path / "simpleconvnet-quick.json"
    arguments = ["train", "simpleconvnet", "--quick", "--images", "1000", "--seeds", "500", "--out", str(tmp_path)]
    child = subprocess.Popen(
        [sys.executable, "-m", "coursekit", *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    end = time.monotonic() + 120
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    results = train.load_results(path)
    assert child.returncode == 130
    assert f"Stopped: {len(results)} of 500 runs are finished and kept in {path}." in errors
    assert len(results) >= 1
    assert not any(each.history.interrupted for each in results)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torchrun has no shared store here (Windows)")
def test_under_torchrun_one_process_writes_and_prints(tmp_path):
    pytest.importorskip("torch")
    loopback = {"GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo", "OMP_NUM_THREADS": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port}"]
    arguments = ["-m", "coursekit", "train", "mnist-fast", *SMALL, "--device", "cpu", "--out", str(tmp_path)]
    environment = {**os.environ, **loopback, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, *torchrun, *arguments], env=environment, capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Written to") == 1
    (result,) = train.load_results(tmp_path / "mnist-fast.json")
    assert (result.processes, len(result.history.losses)) == (2, 2)
