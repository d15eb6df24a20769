"""The weights that come with the course are whole, and read what their cards say."""

import hashlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from coursekit import trained
from coursekit.data import as_float, load_mnist
from coursekit.trained import files

SOME = 1000  # test digits; the first thousand are no easier than the rest by more than this many points:
NEAR = 0.012
LEAST = {"simpleconvnet": 0.988, "deepconvnet": 0.992, "resnet-mnist": 0.99}
IN_NUMPY = ("deepconvnet", "simpleconvnet")


@pytest.fixture(scope="module")
def digits():
    images, labels = load_mnist("test")
    return as_float(images[:SOME]), labels[:SOME]


def share(network, x, labels):
    if hasattr(network, "params"):
        return network.accuracy(x, labels)
    import torch

    torch.set_num_threads(1)
    with torch.inference_mode():
        return float((network(torch.from_numpy(x)).argmax(1).numpy() == labels).mean())


@pytest.mark.parametrize("name", trained.names())
def test_cards_tell_the_truth(name, digits):
    if name not in IN_NUMPY:
        pytest.importorskip("torch")
    about, network = trained.card(name), trained.load(name)
    assert about.name == name
    assert about.test_accuracy >= LEAST[name]
    assert abs(share(network, *digits) - about.test_accuracy) < NEAR
    sizes = sum(value.size for key, value in trained.weights(name).items() if "running" not in key and "num" not in key)
    assert about.parameters == sizes
    assert hashlib.sha256((files.FOLDER / f"{name}.npz").read_bytes()).hexdigest() == about.sha256


@pytest.mark.slow
@pytest.mark.parametrize("name", trained.names())
def test_all_test_digits(name):
    images, labels = load_mnist("test")
    about = trained.card(name)
    assert about.test_images == len(images)
    # another machine sums in another order: a digit on the border may fall to the other side
    assert abs(share(trained.load(name), as_float(images), labels) - about.test_accuracy) <= 3e-4


def test_all_are_there_and_small():
    assert set(trained.names()) == set(LEAST)
    assert sum(path.stat().st_size for path in files.FOLDER.glob("*.npz")) <= 4_000_000


@pytest.mark.parametrize("name", IN_NUMPY)
def test_the_same_network_in_pytorch(name, digits):
    torch = pytest.importorskip("torch")
    x = digits[0][:20]
    network = trained.load(name, as_torch=True)
    with torch.inference_mode():
        scores = network(torch.from_numpy(x)).numpy()
    assert not network.training
    assert np.abs(scores - trained.load(name).predict(x)).max() < 1e-4 * np.abs(scores).max()


def test_numpy_networks_do_not_import_pytorch():
    code = "import sys; from coursekit import trained; [trained.load(n) for n in ('simpleconvnet', 'deepconvnet')]"
    answer = subprocess.run(
        [sys.executable, "-c", code + "; print('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_unknown_names():
    with pytest.raises(ValueError, match="name is 'simpleconv': did you mean 'simpleconvnet'"):
        trained.load("simpleconv")


def test_damaged_and_missing_files_are_refused(tmp_path, monkeypatch):
    for suffix in (".npz", ".json"):
        shutil.copy(files.FOLDER / f"simpleconvnet{suffix}", tmp_path)
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    path = tmp_path / "simpleconvnet.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(files.DamagedWeightsError, match=r"is not the original .*SHA-256 differs"):
        trained.load("simpleconvnet")
    path.unlink()
    with pytest.raises(files.DamagedWeightsError, match=r"is missing.*\nRestore it with"):
        trained.load("simpleconvnet")


def test_saved_weights_come_back_in_half_precision(tmp_path, monkeypatch):
    about = trained.card("simpleconvnet")
    written = {"W1": np.linspace(-1, 1, 7, dtype=np.float32), "count": np.array(3)}
    saved = files.save(written, about, tmp_path)
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    back = trained.weights("simpleconvnet")
    assert trained.card("simpleconvnet") == saved
    assert saved.sha256 != about.sha256
    assert (back["W1"].dtype, back["count"].tolist()) == (np.float32, 3)
    assert np.abs(back["W1"] - written["W1"]).max() <= 2**-11
