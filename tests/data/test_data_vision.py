"""Fashion-MNIST and CIFAR in their own formats, but tiny, from a server on this machine."""

import gzip
import hashlib
import io
import pickle
import socket
import struct
import tarfile
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np
import pytest

pytest.importorskip("torchvision", reason="needs torchvision: python3 course.py setup")
from torchvision.datasets import CIFAR10, CIFAR100, FashionMNIST

from coursekit import data
from coursekit.data import sets, vision
from coursekit.data.downloads import DownloadError, fetch

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (14, 28, 28), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (14, 3, 32, 32), dtype=np.uint8)
LABELS = np.arange(14) % 10


def md5(content):
    return hashlib.md5(content).hexdigest()


def idx(array):
    head = struct.pack(">I", 0x0800 + array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes())


def old_pickle(content):
    """As the NumPy of 2009 wrote it: `align` and `copy` of a dtype as the numbers 0 and 1."""
    raw = pickle.dumps(content, protocol=2)
    return raw.replace(b"\x89\x88\x87", b"K\x00K\x01\x87")


@pytest.fixture
def fashion(server):
    """The set's class with this server's address, and the lengths of its files."""
    files = {
        "train-images-idx3-ubyte.gz": idx(GREY[:10]),
        "train-labels-idx1-ubyte.gz": idx(LABELS[:10]),
        "t10k-images-idx3-ubyte.gz": idx(GREY[10:]),
        "t10k-labels-idx1-ubyte.gz": idx(LABELS[10:]),
    }
    server.files = files

    class TinyFashion(FashionMNIST):
        mirrors = (server.address,)
        resources = tuple((name, md5(content)) for name, content in files.items())

    return TinyFashion, {name: len(content) for name, content in files.items()}


def cifar(server, parent, train, test, meta):
    """Pack files as CIFAR's makers did, and make the set's class with this server's address."""
    content = {name: old_pickle(each) for name, each in (train | test | meta).items()}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, raw in content.items():
            entry = tarfile.TarInfo(f"{parent.base_folder}/{name}")
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    server.files = {parent.filename: archive.getvalue()}

    class TinyCifar(parent):
        url = server.address + parent.filename
        tgz_md5 = md5(archive.getvalue())
        train_list = tuple((name, md5(content[name])) for name in train)
        test_list = tuple((name, md5(content[name])) for name in test)

    TinyCifar.meta = {"filename": next(iter(meta)), "key": parent.meta["key"], "md5": md5(content[next(iter(meta))])}
    return TinyCifar, {parent.filename: len(archive.getvalue())}


def batch(rows, key="labels"):
    return {"data": COLOUR[rows].reshape(-1, 3072), key: LABELS[rows].tolist()}


@pytest.fixture
def cifar10(server):
    train = {"data_batch_1": batch(slice(0, 5)), "data_batch_2": batch(slice(5, 10))}
    names = {"batches.meta": {"label_names": ["plane", "car", *"abcdefgh"]}}
    return cifar(server, CIFAR10, train, {"test_batch": batch(slice(10, 14))}, names)


@pytest.fixture
def cifar100(server):
    train, test = batch(slice(0, 10), "fine_labels"), batch(slice(10, 14), "fine_labels")
    names = {"meta": {"fine_label_names": [f"thing {k}" for k in range(100)]}}
    return cifar(server, CIFAR100, {"train": train}, {"test": test}, names)


def read(tiny, train, folder):
    kind, sizes = tiny
    return vision.read(kind, train, folder=folder, sizes=sizes, progress=False)


@pytest.fixture(params=["fashion", "cifar10", "cifar100"])
def tiny(request):
    return request.getfixturevalue(request.param)


def expected(tiny):
    return GREY[:, None] if issubclass(tiny[0], FashionMNIST) else COLOUR


@pytest.mark.filterwarnings("error")  # the old pickles are read in silence
def test_every_byte_arrives(tiny, server, tmp_path):
    for train, rows in ((True, slice(0, 10)), (False, slice(10, 14))):
        images, labels = read(tiny, train, tmp_path)
        assert images.dtype == np.uint8
        assert images.flags.c_contiguous
        assert labels.dtype == np.int64
        assert np.array_equal(images, expected(tiny)[rows])
        assert np.array_equal(labels, LABELS[rows])
    assert sorted(name for name, _ in server.asked) == sorted(server.files)  # each fetched once
    images[...] = 0  # ours to change


def test_a_broken_download_goes_on(tiny, server, tmp_path):
    server.moods = ["breaks"]
    assert np.array_equal(read(tiny, True, tmp_path)[0], expected(tiny)[:10])
    assert server.asked[1][1] > 0


def test_torchvision_itself_finds_what_was_fetched(tiny, server, tmp_path):
    read(tiny, True, tmp_path)
    server.files = {}
    assert len(tiny[0](tmp_path, train=False, download=True)) == 4


@pytest.mark.parametrize("keep", [0, 0.5, 0.999, "altered"])
def test_damaged_files_are_mended(tiny, server, tmp_path, keep):
    """Any one file, packed or unpacked, may be cut short or altered: what is read is right."""
    read(tiny, True, tmp_path)
    for path in [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]:
        whole = path.read_bytes()
        middle = len(whole) // 2
        altered = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        path.write_bytes(altered if keep == "altered" else whole[: int(len(whole) * keep)])
        for train, rows in ((True, slice(0, 10)), (False, slice(10, 14))):
            images, labels = read(tiny, train, tmp_path)
            assert np.array_equal(images, expected(tiny)[rows]), path
            assert np.array_equal(labels, LABELS[rows]), path


def test_only_what_is_damaged_is_fetched_again(fashion, cifar10, server, tmp_path):
    read(cifar10, True, tmp_path)
    unpacked = tmp_path / "cifar-10-batches-py/data_batch_2"
    unpacked.write_bytes(unpacked.read_bytes()[:100])
    read(cifar10, True, tmp_path)
    assert len(server.asked) == 1  # unpacked again from the archive that is there
    unpacked.unlink()
    (tmp_path / "cifar-10-python.tar.gz").unlink()
    read(cifar10, True, tmp_path)
    assert len(server.asked) == 2


def test_unpacked_sets_do_without_a_network_and_without_the_archive(cifar10, server, tmp_path):
    read(cifar10, True, tmp_path)
    (tmp_path / "cifar-10-python.tar.gz").unlink()
    server.files = {}
    assert np.array_equal(read(cifar10, False, tmp_path)[0], COLOUR[10:])


def test_without_a_network(tiny, server, tmp_path):
    server.files = {}
    with pytest.raises(DownloadError, match=r"could not be fetched(.|\n)*404(.|\n)*put it here"):
        read(tiny, True, tmp_path)


def test_class_names(cifar10, fashion, tmp_path):
    assert vision.class_names(fashion[0])[-1] == "Ankle boot"
    with pytest.raises(DownloadError):  # the server now has Fashion-MNIST's files alone
        vision.class_names(cifar10[0], folder=tmp_path, sizes=cifar10[1], progress=False)


def test_class_names_stand_in_cifars_files(cifar100, tmp_path):
    assert vision.class_names(cifar100[0], folder=tmp_path, sizes=cifar100[1], progress=False)[99] == "thing 99"


def test_parts_behind_the_one_call(cifar10, tmp_path, monkeypatch):
    monkeypatch.setitem(vision.KINDS, "cifar10", cifar10[0])
    monkeypatch.setitem(vision.SIZES, "cifar-10-python.tar.gz", cifar10[1]["cifar-10-python.tar.gz"])
    monkeypatch.setattr(sets, "HELD_OUT", 3)
    parts = {part: data.load("cifar10", part, folder=tmp_path, progress=False) for part in sets.PARTS}
    assert [len(images) for images, _ in parts.values()] == [7, 3, 10, 4]
    assert np.array_equal(np.concatenate([parts["train"][0], parts["validation"][0]]), COLOUR[:10])
    assert np.array_equal(parts["validation"][1], LABELS[7:10])
    assert data.class_names("cifar10", folder=tmp_path)[:2] == ("plane", "car")
    image, label = data.dataset("cifar10", "test", folder=tmp_path)[1]
    assert np.array_equal(image.numpy(), data.as_float(COLOUR[11:12])[0])
    assert (type(label), label) == (int, LABELS[11])


def test_what_will_be_fetched_is_what_torchvision_names():
    """Addresses and sums are torchvision's; lengths are ours and add up to what is announced."""
    announced = {each.name: each.download for each in data.image_sets() if each.download}
    assert announced.keys() == vision.KINDS.keys()
    for name, kind in vision.KINDS.items():
        files = vision.remote_files(kind)
        assert sum(file.size for file in files) == announced[name]
        assert all(url.startswith("http") and url.endswith(".gz") for file in files for url in file.urls)
        assert all(len(file.md5) == 32 for file in files)


@pytest.mark.network
@pytest.mark.parametrize("name", vision.KINDS)
def test_the_real_addresses_hold_files_of_these_lengths(name):
    for file in vision.remote_files(vision.KINDS[name]):
        host = urlsplit(file.urls[0]).hostname
        try:
            socket.getaddrinfo(host, 443)
        except OSError:
            pytest.skip(f"{host} cannot be reached from here")
        with urlopen(Request(file.urls[0], method="HEAD"), timeout=30) as answer:
            assert int(answer.headers["Content-Length"]) == file.size


@pytest.mark.network
def test_a_real_file_is_fetched(tmp_path):
    file = min(vision.remote_files(FashionMNIST), key=lambda each: each.size)
    try:
        socket.getaddrinfo(urlsplit(file.urls[0]).hostname, 80)
    except OSError:
        pytest.skip("there is no network here")
    (path,) = fetch([file], tmp_path, title="Labels", progress=False)
    assert np.bincount(np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=8)).tolist() == [1000] * 10
