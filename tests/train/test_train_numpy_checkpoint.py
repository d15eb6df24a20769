"""The NumPy trainer stopped and resumed, early stopping, a loss that is not finite, and histories as files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from coursekit.data import as_float, load_mnist
from coursekit.nn import Adam, Momentum, Sequential, SimpleConvNet, one_cycle
from coursekit.nn.layers import Affine, Relu
from coursekit.nn.more_layers import BatchNorm, Dropout
from coursekit.train import CheckpointError, DivergedError, History, fit
from coursekit.train.checkpoint import load_arrays

ROOT = Path(__file__).parents[2]


class Pulled(Exception):
    """The plug."""


@pytest.fixture(scope="module")
def digits():
    images, labels = load_mnist("validation")
    return as_float(images[:200]).reshape(200, -1), labels[:200]


def busy(rng):
    """A network with running statistics, and with dropout that shares its random numbers with the order."""
    w = np.random.default_rng(1).normal(size=(784, 12)).astype(np.float32) / 28
    v = np.random.default_rng(2).normal(size=(12, 10)).astype(np.float32) / 4
    one, zero = np.ones(12, np.float32), np.zeros(12, np.float32)
    norm = BatchNorm(one, zero.copy())
    layers = [Affine(w, zero.copy()), norm, Relu(), Dropout(0.3, seed=rng), Affine(v, np.zeros(10, np.float32))]
    return Sequential(layers)


def run(digits, *, stop=None, rule=Adam, epochs=3, lr=0.01, **options):
    rng = np.random.default_rng(5)
    network = busy(rng)

    class Watched(rule):
        def step(self, gradients):
            if self.steps == stop:
                raise Pulled
            super().step(gradients)

    Watched.__name__ = rule.__name__
    optimiser = Watched(network.params, lr=lr)
    options = {"batch_size": 32, "seed": rng, "validation": digits, "schedule": one_cycle, **options}
    history = fit(network, *digits, epochs=epochs, optimiser=optimiser, progress=False, **options)
    arrays = [value.tolist() for value in (*network.params.values(), *network.buffers.values())]
    return history, (history.losses, history.rates, history.validation_accuracy, history.epoch_ends, arrays)


@pytest.mark.parametrize("rule", [Adam, Momentum])
def test_resumed_run_is_the_uninterrupted_one(digits, tmp_path, rule):
    path = tmp_path / "run"
    _, whole = run(digits, rule=rule)
    for stop in (3, 8, 15):  # amid the first epoch, after it, and later
        with pytest.raises(Pulled):
            run(digits, rule=rule, stop=stop, checkpoint=path, every=2, resume=path if path.exists() else None)
    history, resumed = run(digits, rule=rule, checkpoint=path, resume=path)
    assert resumed == whole
    assert history.epoch_ends == [7, 14, 21]
    assert run(digits, rule=rule, resume=path, stop=21)[1] == whole  # finished: another step would raise


@pytest.mark.slow
def test_killed_and_resumed(tmp_path):
    """The real thing: a process of its own, killed while it trains or writes."""
    program = """
import sys
from pathlib import Path
from coursekit.data import as_float, load_mnist
from coursekit.nn import Adam, SimpleConvNet
from coursekit.train import fit
path = Path(sys.argv[1])
images, labels = load_mnist("validation")
network = SimpleConvNet(conv_param={"filter_num": 4}, hidden_size=20, weight_init_std=0.1)
saved = dict(checkpoint=path, every=1, resume=path if path.exists() else None) if len(sys.argv) > 2 else {}
history = fit(network, as_float(images[:400]), labels[:400], epochs=12, batch_size=20, progress=False, **saved)
print(history.losses)
"""
    command = [sys.executable, "-c", program, tmp_path / "run"]
    options = dict(cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    whole = subprocess.run(command, timeout=100, check=True, **options).stdout
    kills = 0
    for moment in (0.0, 0.013, 0.171, 0.2):
        child = subprocess.Popen([*command, "checkpointed"], **options)
        before = (tmp_path / "run").stat().st_mtime_ns if kills else 0
        while child.poll() is None and not (
            (tmp_path / "run").exists() and (tmp_path / "run").stat().st_mtime_ns > before
        ):
            time.sleep(0.001)
        time.sleep(moment)
        child.kill()
        child.communicate()
        kills += child.returncode == -signal.SIGKILL or os.name == "nt"
    assert kills >= 2
    assert subprocess.run([*command, "checkpointed"], timeout=100, check=True, **options).stdout == whole


def test_other_runs_and_damage_are_refused(digits, tmp_path):
    path = tmp_path / "run"
    with pytest.raises(Pulled):
        run(digits, stop=4, checkpoint=path, every=1)
    for changed, message in (
        (dict(lr=0.02), r"optimiser.lr was 0.01, is 0.02"),
        (dict(rule=Momentum), r"optimiser was 'Adam', is 'Momentum'"),
        (dict(batch_size=16), "batch_size was 32, is 16"),
        (dict(schedule=None), "schedule was"),
    ):
        with pytest.raises(CheckpointError, match=message):
            run(digits, resume=path, **changed)
    with pytest.raises(CheckpointError, match="labels was"):
        run((digits[0], digits[1][::-1]), resume=path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="run is damaged"):
        run(digits, resume=path)


def test_early_stopping_keeps_the_best_weights(digits):
    network = busy(np.random.default_rng(0))
    validation = digits[0][:50], digits[1][:50]
    history = fit(network, *digits, epochs=60, validation=validation, patience=2, progress=False, batch_size=20)
    accuracies = history.validation_accuracy
    assert len(accuracies) == accuracies.index(max(accuracies)) + 3 < 60
    assert network.accuracy(*validation) == max(accuracies)


def test_a_loss_that_is_not_finite_stops(digits, tmp_path):
    path, w = tmp_path / "run", np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32)

    class Spoilt(Adam):
        def step(self, gradients):
            if self.steps == 3:
                gradients["b1"][0] = np.nan
            super().step(gradients)

    network = Sequential([Affine(w, np.zeros(10, np.float32))])
    with pytest.raises(
        DivergedError, match=r"The loss is nan at step 5, at a rate of 0.001: .* checkpoint is .*run"
    ) as caught:
        fit(network, *digits, epochs=1, batch_size=20, optimiser=Spoilt(network.params), progress=False,
            checkpoint=path, every=3)  # fmt: skip
    assert caught.value.step == 5
    assert len(caught.value.history.losses) == 4
    arrays, about = load_arrays(path)
    assert about["steps"] == 3
    assert all(np.isfinite(value).all() for value in arrays.values())


def test_messages(digits):
    for options, message in (
        (dict(patience=1), "patience is 1, but there are no validation data"),
        (dict(every=2), "every is 2 without checkpoint"),
        (dict(patience=0), "patience is 0, expected 1 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(busy(None), *digits, epochs=1, **options)


def test_history_as_files(digits, tmp_path):
    history, _ = run(digits)
    interrupted = History(losses=[0.1, 1 / 3, 1e-300], rates=[0.1] * 3, seconds=1.5, interrupted=True)
    for one in (history, interrupted, History()):
        one.to_csv(tmp_path / "history.csv")
        one.to_json(tmp_path / "history.json")
        assert History.from_csv(tmp_path / "history.csv") == one
        assert History.from_json(tmp_path / "history.json") == one
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0].startswith("step,loss,rate,epoch,")
    for content, message in (("[1]", "holds a list"), ('{"loss": 1}', "this is no history: it holds loss")):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(ValueError, match=message):
            History.from_json(tmp_path / "x.json")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="has the columns"):
        History.from_csv(tmp_path / "x.csv")


def test_convolutions_resume_too(tmp_path):
    images, labels = load_mnist("validation")
    x, t = as_float(images[:60]), labels[:60]
    results = []
    for resume in (None, tmp_path / "run"):
        network = SimpleConvNet(conv_param={"filter_num": 4}, hidden_size=20)
        results.append(
            fit(network, x, t, epochs=2, batch_size=20, checkpoint=tmp_path / "run", resume=resume, progress=False)
        )
    assert results[0].losses == results[1].losses
