"""The one call for all data sets, with those that need no network."""

import subprocess
import sys

import numpy as np
import pytest

from coursekit.data import as_float, class_names, dataset, image_sets, load, load_mnist, photo, photos

PARTS = ("train", "validation", "train+validation", "test")


@pytest.mark.parametrize("part", PARTS)
def test_mnist_is_the_one_of_load_mnist(part):
    images, labels = load("mnist", part)
    assert np.array_equal(images[:, 0], load_mnist(part)[0])
    assert np.array_equal(labels, load_mnist(part)[1])
    assert labels.dtype == np.int64


def test_mnist_comes_with_the_course_wherever_fetched_sets_are_kept(tmp_path):
    assert len(load("mnist", "test", folder=tmp_path)[0]) == 10_000


def test_what_is_listed_is_what_is_loaded():
    pytest.importorskip("skimage", reason="needs scikit-image: python3 course.py setup")
    for each in image_sets():
        assert each.source
        assert each.shows
        if not each.download:
            images, labels = load(each.name, "train+validation")
            assert images.shape == (each.train, *each.shape)
            assert load(each.name, "test")[0].shape == (each.test, *each.shape)
            assert images.dtype == np.uint8
            assert set(labels.tolist()) == set(range(each.classes))
            assert len(class_names(each.name)) == each.classes


def test_pieces_of_photographs_share_no_pixel():
    pytest.importorskip("skimage", reason="needs scikit-image: python3 course.py setup")
    parts = {part: load("photos", part) for part in PARTS}
    count = {part: len(images) for part, (images, _) in parts.items()}
    assert count == {"train": 1138, "validation": 244, "train+validation": 1382, "test": 244}
    assert np.array_equal(np.concatenate([parts["train"][0], parts["validation"][0]]), parts["train+validation"][0])
    everything = np.concatenate([parts["train+validation"][0], parts["test"][0]])
    labels = np.concatenate([parts["train+validation"][1], parts["test"][1]])
    for label, entry in enumerate(photos()):  # each pixel of a photograph, but for the rim, occurs once
        image = photo(entry.name)
        image = image if image.ndim == 3 else np.stack([image] * 3, axis=2)
        image = image[: image.shape[0] // 32 * 32, : image.shape[1] // 32 * 32]
        pieces = everything[labels == label]
        assert len(pieces) * 32 * 32 == image.shape[0] * image.shape[1]
        assert pieces.sum(dtype=np.int64) == image.sum(dtype=np.int64)
        found = np.flatnonzero((pieces == image[32:64, 64:96].transpose(2, 0, 1)).all(axis=(1, 2, 3)))
        assert len(found) == 1
    parts["test"][0][...] = 0
    assert load("photos", "test")[0].max() > 0


def test_pieces_as_numbers_for_a_network():
    pytest.importorskip("skimage", reason="needs scikit-image: python3 course.py setup")
    images = load("photos", "validation")[0]
    x = as_float(images)
    assert x.shape == images.shape
    assert x.dtype == np.float32
    assert np.array_equal(x[3, 2], images[3, 2].astype(np.float32) / np.float32(255))


def test_data_set_for_a_loader():
    pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    items = dataset("mnist", "test")
    images, labels = load("mnist", "test")
    assert len(items) == 10_000
    assert np.array_equal(items[7][0].numpy(), as_float(images[7:8])[0])
    assert (type(items[7][1]), items[7][1]) == (int, labels[7])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cifar-10", "Did you mean 'cifar10'"),
        ("FashionMNIST", "Did you mean 'fashion-mnist'"),
        ("MNIST", "Did you mean 'mnist'"),
        ("imagenet", r"Choose from mnist, photos.*pathlib\.Path"),
        ("", "Choose from mnist"),
        (None, "Choose from mnist"),
        (["mnist"], "Choose from mnist"),
    ],
)
def test_unknown_set(name, words):
    with pytest.raises(ValueError, match=f"name is .*no such data set.*{words}"):
        load(name, "train")
    with pytest.raises(ValueError, match="no such data set"):
        class_names(name)


@pytest.mark.parametrize("name", ["mnist", "photos", "cifar10"])
def test_unknown_part(name):
    with pytest.raises(ValueError, match=r"part is 'dev': expected one of 'train', 'validation'"):
        load(name, "dev")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("load('cifar10', 'test')", "ImportError: cifar10 needs torchvision ("),
        ("dataset('mnist', 'test')", "ImportError: dataset needs PyTorch ("),
    ],
)
def test_without_pytorch(call, words):
    none = "import sys; sys.modules['torch'] = sys.modules['torchvision'] = None"  # as where they are not installed
    said = run(f"{none}; from coursekit.data import dataset, load; {call}").stderr
    assert words in said
    assert "python3 course.py setup" in said


def test_mnist_and_the_list_need_no_torch():
    code = "import sys; from coursekit.data import *; image_sets(); load('mnist', 'test'); print(*sys.modules)"
    modules = run(code).stdout.split()
    assert "coursekit.data.sets" in modules
    assert {"torch", "torchvision", "skimage", "PIL"}.isdisjoint(modules)
