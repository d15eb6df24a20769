"""Pictures changed at random, against what can be worked out by hand."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
from scipy import ndimage

from coursekit.train import Augmentation
from coursekit.train.augment import centre, change, draw, window

torch.set_num_threads(1)
NOTHING = dict(top=0, left=0, flip=False, angle=0.0, zoom=1.0, light=1.0)


def pictures(images=3, channels=2, size=(6, 8), seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (images, channels, *size), dtype=np.uint8)
    return torch.from_numpy(values)


def drawn(images, **changes):
    return {name: torch.full((images,), value) for name, value in {**NOTHING, **changes}.items()}


def test_a_window_is_a_slice_of_the_padded_picture():
    images = pictures()
    top, left = torch.tensor([-2, 0, 1]), torch.tensor([1, -1, 0])
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)))
    for size in ((6, 8), (4, 5)):
        cut = window(images, top, left, size)
        for n in range(3):
            row, column = 3 + top[n], 3 + left[n]
            assert np.array_equal(cut[n], padded[n, :, row : row + size[0], column : column + size[1]])
    assert cut.dtype == torch.uint8


def test_flip_mirrors_the_window_itself():
    images = pictures()
    flip = torch.tensor([True, False, True])
    place = torch.tensor([1, 1, 1]), torch.tensor([-1, 0, 1])
    plain, mirrored = window(images, *place, (6, 8)), window(images, *place, (6, 8), flip)
    assert torch.equal(mirrored[0], plain[0].flip(-1))
    assert torch.equal(mirrored[1], plain[1])
    assert torch.equal(mirrored[2], plain[2].flip(-1))


@pytest.mark.parametrize("crop", [None, 4, 5])
@pytest.mark.parametrize("flip", [False, True])
def test_sampling_between_pixels_agrees_with_copying_where_nothing_turns(crop, flip):
    images = pictures(size=(6, 9))
    for top, left in ((0, 0), (-2, 1), (1, -1)):
        choice = drawn(3, top=top, left=left, flip=flip)
        copied = change(Augmentation(shift=2, crop=crop), images, choice)
        sampled = change(Augmentation(shift=2, crop=crop, rotation=1.0), images, choice)
        assert copied.dtype == torch.uint8
        assert sampled.shape == copied.shape
        assert torch.allclose(sampled, copied / 255, atol=1e-5)


def test_a_quarter_turn_is_anticlockwise():
    images = pictures(size=(6, 6))
    turned = change(Augmentation(rotation=90.0), images, drawn(3, angle=torch.pi / 2))
    assert torch.allclose(turned, torch.rot90(images, 1, (2, 3)) / 255, atol=1e-5)


@pytest.mark.parametrize(("angle", "zoom", "size"), [(0.3, 1.0, (9, 9)), (0.0, 1.25, (9, 12)), (-0.5, 0.8, (8, 11))])
def test_turned_and_scaled_as_scipy_does_it(angle, zoom, size):
    images = pictures(size=size).double() / 255
    ours = change(Augmentation(rotation=40.0, scale=0.3), images, drawn(3, angle=angle, zoom=zoom))
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / zoom  # rows, columns: y, x
    back = np.array([[back[0, 0], -back[1, 0]], [-back[0, 1], back[1, 1]]])
    middle = (np.array(size) - 1) / 2
    for n in range(3):
        theirs = ndimage.affine_transform(
            images[n, 0].numpy(), back, middle - back @ middle, order=1, mode="grid-constant", cval=0.0
        )
        assert np.abs(ours[n, 0].numpy() - theirs).max() < 1e-6


def test_brightness_multiplies_and_bytes_stay_in_range():
    images = pictures()
    brighter = change(Augmentation(brightness=0.5), images, drawn(3, light=1.5))
    assert torch.allclose(brighter, (images / 255 * 1.5).clamp(0, 1))
    numbers = images.double() - 100
    assert torch.equal(change(Augmentation(brightness=0.5), numbers, drawn(3, light=0.5)), numbers / 2)


def test_draws_stay_in_bounds_and_reach_them():
    augmentation = Augmentation(shift=2, rotation=10, scale=0.1, brightness=0.2, crop=5, flip=True)
    numbers = draw(augmentation, 4000, (6, 8), generator=torch.Generator().manual_seed(0))
    assert (numbers["top"].min(), numbers["top"].max()) == (-2, 3)
    assert (numbers["left"].min(), numbers["left"].max()) == (-2, 5)
    assert 0.45 < numbers["flip"].float().mean() < 0.55
    for name, low, high in (("angle", -0.1746, 0.1746), ("zoom", 0.9, 1.1), ("light", 0.8, 1.2)):
        assert low <= numbers[name].min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < numbers[name].max() <= high
    again = draw(augmentation, 4000, (6, 8), generator=torch.Generator().manual_seed(0))
    assert all(torch.equal(numbers[name], again[name]) for name in numbers)
    assert change(augmentation, pictures(4000, 1), numbers).shape == (4000, 1, 5, 5)


def test_without_flip_nothing_is_mirrored():
    numbers = draw(Augmentation(shift=1), 100, (6, 8), generator=torch.Generator().manual_seed(0))
    assert not numbers["flip"].any()


def test_outside_training_the_window_stands_in_the_middle():
    images = pictures(size=(6, 8))
    assert centre(images, None) is images
    assert centre(images, Augmentation(shift=2)) is images
    assert torch.equal(centre(images, Augmentation(crop=4)), images[:, :, 1:5, 2:6])
    wide = centre(images, Augmentation(crop=8, shift=1))
    assert torch.equal(wide[:, :, 1:7], images)
    assert not wide[:, :, [0, 7]].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(shift=-1), "shift is -1, expected 0 or more"),
        (dict(shift=1.5), r"shift is 1\.5 \(float\), expected a whole number"),
        (dict(crop=0), "crop is 0, expected 1 or more"),
        (dict(rotation=200), "rotation is 200, expected 0 to 180"),
        (dict(scale=1.0), r"scale is 1\.0, expected 0 to 0\.99"),
        (dict(brightness="much"), r"brightness is 'much' \(str\), expected a number"),
        (dict(flip=1), r"flip is 1 \(int\), expected True or False"),
    ],
)
def test_augmentation_messages(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Augmentation(**options)


def test_a_window_too_large_is_refused():
    with pytest.raises(ValueError, match="crop is 9, but the pictures are 6 by 8 pixels with a margin of 1: expected"):
        draw(Augmentation(crop=9, shift=1), 1, (6, 8), generator=torch.Generator())
