"""MNIST from the package: the right bytes, the right parts, and clear words for damaged files."""

import gzip
import shutil
import sys

import numpy as np
import pytest

from coursekit.data import DamagedDataError, as_float, digits, load_mnist, mnist_dataset

PARTS = {"train": 55_000, "validation": 5_000, "train+validation": 60_000, "test": 10_000}
TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture
def folder(tmp_path):
    """A copy of the two small files, with the images of the test part, free to be damaged."""
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        shutil.copy(digits.FOLDER / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(("part", "count"), PARTS.items())
def test_shapes_and_dtypes(part, count):
    images, labels = load_mnist(part)
    assert images.shape == (count, 28, 28)
    assert images.dtype == np.uint8
    assert labels.shape == (count,)
    assert labels.dtype == np.uint8


def test_counts_per_class():
    assert np.bincount(load_mnist("train+validation")[1]).tolist() == TRAIN_COUNTS
    assert np.bincount(load_mnist("test")[1]).tolist() == TEST_COUNTS


def test_split_is_fixed_disjoint_and_complete():
    (train, t), (validation, v), (both, b) = map(load_mnist, ("train", "validation", "train+validation"))
    assert np.array_equal(np.concatenate([train, validation]), both)
    assert np.array_equal(np.concatenate([t, v]), b)
    assert t[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert v[-1] == 8


def test_twice_loaded_and_written_into():
    images, labels = load_mnist("test")
    images[...], labels[...] = 7, 7
    again, labels_again = load_mnist("test")
    assert again.max() == 255
    assert np.bincount(labels_again).tolist() == TEST_COUNTS


def test_training_part_never_opens_the_test_files(tmp_path):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        shutil.copy(digits.FOLDER / name, tmp_path / name)
    assert len(load_mnist("validation", folder=tmp_path)[0]) == 5_000
    with pytest.raises(DamagedDataError, match=r"t10k-images-idx3-ubyte.gz is missing"):
        load_mnist("test", folder=tmp_path)


def test_recompressed_file_is_as_good(folder):
    path = folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    assert np.bincount(load_mnist("test", folder=folder)[1]).tolist() == TEST_COUNTS


def cut_short(content):
    return content[: len(content) // 2]


def flip_a_byte(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def alter_a_label(content):
    raw = bytearray(gzip.decompress(content))
    raw[100] ^= 1
    return gzip.compress(bytes(raw))


def not_gzip(content):
    return gzip.decompress(content)


@pytest.mark.parametrize("damage", [cut_short, flip_a_byte, alter_a_label, not_gzip, lambda content: b""])
@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
def test_damage_is_named_with_the_remedy(folder, name, damage):
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedDataError) as error:
        load_mnist("test", folder=folder)
    message = str(error.value)
    assert name in message
    assert str(folder) in message
    assert "git checkout -- coursekit/data/mnist" in message
    assert "pip install --force-reinstall" in message


def test_missing_file(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DamagedDataError, match=r"t10k-labels-idx1-ubyte.gz is missing"):
        load_mnist("test", folder=folder)
    assert issubclass(DamagedDataError, OSError)


@pytest.mark.parametrize("part", ["valid", "", None, 3, ["train"]])
def test_unknown_part(part):
    with pytest.raises(
        ValueError, match=r"part is .*expected one of 'train', 'validation', 'train\+validation', 'test'"
    ):
        load_mnist(part)


def test_as_float():
    images = np.array([[[0, 51], [255, 1]]], np.uint8)
    x = as_float(images)
    assert x.shape == (1, 1, 2, 2)
    assert x.dtype == np.float32
    assert np.array_equal(x[0, 0], images[0].astype(np.float32) / np.float32(255))
    assert as_float(images[:0]).shape == (0, 1, 2, 2)


@pytest.mark.parametrize("images", [np.zeros((1, 2, 2)), [[[0]]], np.zeros((1, 2, 2), bool)])
def test_as_float_wants_bytes(images):
    with pytest.raises(TypeError, match=r"images is .*expected uint8"):
        as_float(images)


def test_as_float_wants_three_axes():
    with pytest.raises(ValueError, match=r"images has shape \(28, 28\), expected \(N, H, W\): use images\[None\]"):
        as_float(np.zeros((28, 28), np.uint8))


def test_pytorch_data_set():
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    dataset = mnist_dataset("test")
    image, label = dataset[3]
    images, labels = load_mnist("test")
    assert len(dataset) == 10_000
    assert type(label) is int
    assert label == labels[3]
    assert image.shape == (1, 28, 28)
    assert image.dtype == torch.float32
    assert np.array_equal(image.numpy(), as_float(images[3:4])[0])
    batch, labels_of_batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=4)))
    assert batch.shape == (4, 1, 28, 28)
    assert labels_of_batch.tolist() == labels[:4].tolist()
    assert sum(1 for _ in zip(iter(torch.utils.data.Subset(dataset, range(3))), range(9), strict=False)) == 3


def test_pytorch_data_set_without_pytorch(monkeypatch):
    monkeypatch.delitem(sys.modules, "coursekit.data.torch_digits", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)  # what Python does where a module cannot be imported
    with pytest.raises(ImportError, match=r"mnist_dataset needs PyTorch .*python3 course.py setup"):
        mnist_dataset("test")
