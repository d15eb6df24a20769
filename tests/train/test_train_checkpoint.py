"""Stopped and resumed, the run is the run that was never stopped; what is not its checkpoint is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
from torch import nn
from torch.utils.data import Dataset

from coursekit.data import as_float, load_mnist
from coursekit.nn import SimpleConvNet
from coursekit.train import Augmentation, CheckpointError, Options, fit, fit_torch, load_weights
from coursekit.train.checkpoint import load, load_arrays, save, save_arrays

torch.set_num_threads(1)
ROOT = Path(__file__).parents[2]
IMAGES, LABELS = (array[:200] for array in load_mnist("validation"))
BUSY = dict(
    optimiser="adam", rate=0.01, augmentation=Augmentation(shift=1, rotation=5), average=0.9, clip=1.0, accumulate=2
)


class Pulled(Exception):
    """The plug."""


class Pictures(Dataset):
    """The same pictures, one by one."""

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, item):
        return torch.from_numpy(IMAGES[item, None]), int(LABELS[item])


def run(
    *, stop=None, data=(IMAGES, LABELS), outputs=10, channels=4, on_epoch=None, checkpoint=None, resume=None, **options
):
    """Losses, accuracies and weights of a run with dropout and batch normalisation; stopped before a step if asked."""

    def pull(step, network):
        if step == stop:
            raise Pulled

    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [nn.Conv2d(1, channels, 5, stride=4), nn.BatchNorm2d(channels), nn.ReLU(), nn.Flatten()]
        network = nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(36 * channels, outputs))
    history = fit_torch(
        network,
        data,
        Options(**{"epochs": 3, "batch": 32, "device": "cpu", "deterministic": True, **options}),
        validation=data,
        on_gradients=pull,
        on_epoch=on_epoch,
        checkpoint=checkpoint,
        every=2 if checkpoint else None,
        resume=resume,
        progress=False,
    )
    weights = [value.tolist() for value in network.state_dict().values()]
    return history, (history.losses, history.rates, history.epoch_ends, history.validation_accuracy, weights)


@pytest.mark.parametrize(
    "options", [dict(nesterov=True, channels_last=True), BUSY, dict(data=Pictures()), dict(patience=1, rate=0.5)]
)
def test_resumed_run_is_the_uninterrupted_one(tmp_path, options):
    path = tmp_path / "run"
    _, whole = run(**options)
    for stop in (3, 8, 15):  # amid the first epoch, after it, and later
        with pytest.raises(Pulled):
            run(**options, stop=stop, checkpoint=path, resume=path if path.exists() else None)
    history, resumed = run(**options, checkpoint=path, resume=path)
    assert resumed == whole
    assert history.seconds > 0


def test_a_finished_run_is_not_continued(tmp_path):
    path = tmp_path / "run"
    _, whole = run(checkpoint=path)
    assert run(resume=path, stop=21)[1] == whole  # a step would raise
    _, stopped = run(checkpoint=path, on_epoch=lambda epoch, network, history: epoch == 2)
    assert run(resume=path, stop=14)[1] == stopped


def test_history_is_saved_with_its_times(tmp_path):
    with pytest.raises(Pulled):
        run(stop=10, checkpoint=tmp_path / "run")
    before = load(tmp_path / "run")["history"]
    assert len(before["losses"]) == 10
    history, _ = run(resume=tmp_path / "run")
    assert history.seconds > before["seconds"] > before["epoch_seconds"][0] > 0
    assert history.losses[:10] == before["losses"]


def test_weights_come_out_of_a_checkpoint(tmp_path):
    for options in ({}, BUSY, dict(patience=2)):
        _, results = run(**options, checkpoint=tmp_path / "run")
        layers = [nn.Conv2d(1, 4, 5, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()]
        network = nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(144, 10))
        load_weights(network, tmp_path / "run")
        assert [value.tolist() for value in network.state_dict().values()] == results[-1]
    with pytest.raises(CheckpointError, match=r"run holds another network\.[\s\S]*size mismatch"):
        load_weights(nn.Sequential(nn.Conv2d(1, 3, 5), *layers[1:], nn.Dropout(), nn.Linear(144, 10)), tmp_path / "run")
    save(tmp_path / "other", {"a": 1})
    with pytest.raises(CheckpointError, match="other holds no network"):
        load_weights(network, tmp_path / "other")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children, which Windows does not have")
@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_numbers(tmp_path):
    program = [sys.executable, Path(__file__).with_name("killed.py"), tmp_path]
    done = subprocess.run(
        program, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["equal"]
    assert result["steps"] == 48
    assert result["kills"] >= 4


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "run"
    with pytest.raises(Pulled):
        run(stop=3, checkpoint=path)
    return path


def refused(path, message, **options):
    with pytest.raises(CheckpointError, match=message):
        run(resume=path, **options)


def test_damage_anywhere_is_seen(written, tmp_path):
    whole, path = written.read_bytes(), tmp_path / "run"
    rng = np.random.default_rng(0)
    for place in [40, *rng.integers(100, len(whole), 12)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(path, "run is damaged")
    for length in (100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path, "run is damaged: its .* bytes are not what was written")


def test_what_is_no_checkpoint_is_refused(written, tmp_path):
    path = tmp_path / "run"
    refused(path, "run is not there: leave resume out")
    for content in (b"", b"GIF89a", written.read_bytes()[1:]):
        path.write_bytes(content)
        refused(path, "run is no checkpoint of this package")
    torch.save({"network": {}}, path)
    refused(path, "run is no checkpoint of this package")
    save_arrays(path, {"w": np.zeros(3)}, {})
    refused(path, "run is of the other trainer")
    save(path, {"network": {}})
    refused(path, "run is of another run")


def test_nothing_in_a_checkpoint_is_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    save(tmp_path / "run", {"network": Trap()})
    refused(tmp_path / "run", "run cannot be read: UnpicklingError")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (dict(rate=0.2), "rate was 0.1, is 0.2"),
        (dict(seed=1, batch=16), "batch was 32, is 16; seed was 0, is 1"),
        (dict(schedule=lambda done: 0.5), "schedule was 'one_cycle', is"),
        (dict(augmentation=Augmentation(shift=1)), "augmentation was None, is"),
        (dict(data=(IMAGES[:100], LABELS[:100])), "data was"),
        (dict(data=(IMAGES[::-1].copy(), LABELS[::-1].copy())), "data was"),
        (dict(outputs=11), "network was"),
    ],
)
def test_other_runs_are_refused(written, changed, message):
    refused(written, f"run is of another run: .*{message}.* Go on with what it was begun with", **changed)


def test_a_new_checkpoint_replaces_the_old_whole(tmp_path):
    for k in range(3):
        save(tmp_path / "run", {"k": torch.full((1000,), k)})
        assert load(tmp_path / "run")["k"].unique().tolist() == [k]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_where_to_write_is_looked_at_before_training(tmp_path):
    for steps in (
        lambda path: run(checkpoint=path, epochs=1),
        lambda path: fit(SimpleConvNet(), as_float(IMAGES[:9]), LABELS[:9], epochs=1, checkpoint=path, progress=False),
    ):
        with pytest.raises(IsADirectoryError, match="which is a folder: name a file in it"):
            steps(tmp_path)
        steps(tmp_path / "new" / "folder" / "run")
        assert (tmp_path / "new" / "folder" / "run").stat().st_size > 1000


def test_reading_ahead_changes_nothing():
    assert run(data=Pictures(), workers=1, epochs=1)[1] == run(epochs=1)[1]


def test_arrays_without_pytorch(tmp_path):
    arrays = {"a/b": np.arange(6.0).reshape(2, 3), "c": np.array([True])}
    save_arrays(tmp_path / "run", arrays, {"seed": [1, 2**70], "text": "é"})
    read, about = load_arrays(tmp_path / "run")
    assert about == {"seed": [1, 2**70], "text": "é"}
    assert list(read) == ["a/b", "c"]
    assert all(np.array_equal(read[name], value) for name, value in arrays.items())
