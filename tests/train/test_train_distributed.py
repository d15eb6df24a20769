"""Two processes take the steps of one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")

from coursekit.train import CheckpointError, distributed
from coursekit.train.checkpoint import expect_same, load

torch.set_num_threads(1)
ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What came out of one process and of two, and what the two printed."""
    folder = tmp_path_factory.mktemp("processes")
    loopback = {"GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **loopback, "PYTHONPATH": str(ROOT)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", f"--master-port={port}"]
    said = []
    for launcher in ([], torchrun):
        done = subprocess.run(
            [sys.executable, *launcher, PROGRAM, folder], env=environment, capture_output=True, text=True, timeout=150
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stderr)
    one, two = (json.loads((folder / f"results{k}.json").read_text()) for k in (1, 2))
    return one, two, said, folder


needs_gloo = pytest.mark.skipif(
    sys.platform == "win32" or not torch.distributed.is_available() or not torch.distributed.is_gloo_available(),
    reason="this PyTorch has no gloo, or torchrun has no shared store here (Windows)",
)


@pytest.mark.slow
@needs_gloo
@pytest.mark.parametrize("name", ["plain", "busy"])
def test_two_processes_equal_one(results, name):
    """161 images in batches of 32: shares of 16, and a last batch of one image, of which one process gets nothing."""
    one, two = (result[name] for result in results[:2])
    assert len(one["losses"]) == 12
    assert np.allclose(one["losses"], two["losses"], rtol=0, atol=1e-12)
    assert one["accuracy"] == two["accuracy"]
    for a, b in zip(one["weights"], two["weights"], strict=True):
        assert np.allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.slow
@needs_gloo
def test_two_processes_resume_and_stop_together(results):
    for result in results[:2]:
        assert result["resumed"] == result["plain"]
    assert results[0]["diverged at"] == results[1]["diverged at"] == 4


@pytest.mark.slow
@needs_gloo
def test_only_the_first_process_speaks(results):
    alone, together = (said.count("training: 100%") for said in results[2])
    assert together == alone > 0


@pytest.mark.slow
@needs_gloo
def test_a_checkpoint_of_two_is_not_for_one(results):
    about = [load(results[3] / f"checkpoint{k}")["about"] for k in (1, 2)]
    with pytest.raises(CheckpointError, match="processes was 2, is 1"):
        expect_same("run", about[1], about[0])


def test_alone_everything_is_ones_own():
    assert (distributed.rank(), distributed.size(), distributed.first()) == (0, 1, True)
    batch = torch.arange(5)
    assert torch.equal(distributed.share(batch), batch)
    assert torch.equal(distributed.total(batch), batch)
    assert distributed.gathered("x") == ["x"]
    network = torch.nn.Linear(1, 1)
    assert distributed.wrapped(network, torch.device("cpu")) is network
    distributed.join(torch.device("cpu"))
    assert not torch.distributed.is_initialized()
    with distributed.unsynchronised(network):
        assert network(torch.ones(1, 1)).shape == (1, 1)


@pytest.mark.parametrize(("images", "shares"), [(5, [2, 2, 1]), (2, [1, 1, 0]), (6, [2, 2, 2])])
def test_shares_make_up_the_batch(monkeypatch, images, shares):
    batch = torch.arange(images)
    monkeypatch.setenv("WORLD_SIZE", "3")
    own = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        part = distributed.share(batch)
        assert len(part) == max(1, shares[rank])
        assert distributed.has_share(images) == bool(shares[rank])
        own += part.tolist() if distributed.has_share(images) else []
    assert own == list(range(images))
