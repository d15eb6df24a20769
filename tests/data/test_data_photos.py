"""Photographs from scikit-image's wheel: all there, credited, never downloaded."""

import socket

import numpy as np
import pytest

from coursekit.data import photo, photos, pictures

pytest.importorskip("skimage", reason="needs scikit-image: python3 course.py setup")

GREY = {"camera", "brick", "grass"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Any attempt to connect fails the test."""

    def refuse(*_):
        raise AssertionError("a photograph was to be downloaded")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("name", [entry.name for entry in photos()])
def test_each_photograph_is_there(name):
    image, grey = photo(name), photo(name, grey=True)
    assert image.dtype == grey.dtype == np.uint8
    assert image.shape == (grey.shape if name in GREY else (*grey.shape, 3))
    assert min(grey.shape) >= 300
    assert image.std() > 10
    image[...] = 0  # ours to change
    assert photo(name).max() > 0


def test_photographs_are_those_of_scikit_image():
    skimage_data = pytest.importorskip("skimage.data")
    for entry in photos():
        assert np.array_equal(photo(entry.name), getattr(skimage_data, entry.name)())


def test_credit_and_licence():
    for entry in photos():
        assert entry.credit
        assert entry.shows
        assert entry.licence in ("CC0", "public domain")


def test_grey_is_weighted_brightness():
    image = photo("chelsea").astype(float)
    wanted = np.rint(0.299 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2])
    assert np.abs(photo("chelsea", grey=True) - wanted).max() <= 1  # one where rounding is a close call
    assert np.mean(photo("chelsea", grey=True) == wanted) > 0.999


@pytest.mark.parametrize("name", ["cat", "", None, "../chelsea", "Chelsea"])
def test_unknown_name(name):
    with pytest.raises(ValueError, match=r"name is .*no such photograph. Choose from chelsea, coffee"):
        photo(name)


def test_wheel_without_the_picture(monkeypatch, tmp_path):
    monkeypatch.setattr(pictures, "_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"comes without chelsea.png"):
        photo("chelsea")


def test_without_scikit_image(monkeypatch):
    monkeypatch.setattr(pictures, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"photo needs scikit-image.*course.py setup"):
        photo("chelsea")
