"""A folder of pictures: parts that stay the same, any kind of picture, and words for what is wrong with it."""

import io
import shutil
import sys

import numpy as np
import pytest

pytest.importorskip("PIL", reason="needs Pillow: python3 course.py setup")
from PIL import Image

from coursekit.data import DamagedDataError, PictureFolder, folder, load

PARTS = ("train", "validation", "test")


def picture(colour=(200, 30, 60), size=(12, 10)):
    return Image.new("RGB", size, colour)


def fill(path, count, colour=(200, 30, 60)):
    path.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        picture(colour).save(path / f"{k:03}.png")
    return path


@pytest.fixture
def pets(tmp_path):
    fill(tmp_path / "pets/dog", 20, (10, 200, 10))
    fill(tmp_path / "pets/cat", 7, (200, 10, 10))
    (tmp_path / "pets/notes.txt").write_text("no picture")
    (tmp_path / "pets/.thumbnails").mkdir()
    (tmp_path / "pets/cat/._001.png").write_bytes(b"rubbish of another system")
    return tmp_path / "pets"


def test_classes_parts_and_pixels(pets):
    source = PictureFolder(pets, size=8)
    assert source.classes == ("cat", "dog")
    counts = {part: np.bincount(source.read(part)[1]).tolist() for part in PARTS}
    assert counts == {"train": [5, 14], "validation": [1, 3], "test": [1, 3]}
    images, labels = source.read("train")
    assert images.shape == (19, 3, 8, 8)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert images[labels == 0].max(axis=(0, 2, 3)).tolist() == [200, 10, 10]
    assert images[labels == 1].min(axis=(0, 2, 3)).tolist() == [10, 200, 10]


def test_parts_are_disjoint_complete_and_the_same_elsewhere(pets, tmp_path):
    here = {part: [file for file, _ in PictureFolder(pets).files(part)] for part in PARTS}
    everything = [file for files in here.values() for file in files]
    assert len(everything) == len(set(everything)) == 27
    assert sorted(here["train"] + here["validation"]) == [f for f, _ in PictureFolder(pets).files("train+validation")]
    shutil.copytree(pets, tmp_path / "copy")
    copied = PictureFolder(tmp_path / "copy")
    assert all(
        [file.relative_to(pets) for file in here[part]]
        == [file.relative_to(tmp_path / "copy") for file, _ in copied.files(part)]
        for part in PARTS
    )
    assert [file.name for file in here["test"]][1:] != ["000.png", "001.png", "002.png"]  # not simply the first


@pytest.mark.parametrize(
    ("folders", "counts"),
    [
        (("train", "test"), (17, 3, 20)),
        (("train", "val"), (17, 20, 3)),
        (("training", "valid", "test"), (20, 20, 20)),
        (("train",), None),
    ],
)
def test_folders_of_parts(tmp_path, folders, counts):
    for name in folders:
        fill(tmp_path / name / "a", 20)
        fill(tmp_path / name / "b", 20)
    if counts is None:  # "train" is then the only class
        with pytest.raises(ValueError, match="holds 1 subfolders"):
            PictureFolder(tmp_path)
    else:
        source = PictureFolder(tmp_path)
        assert source.classes == ("a", "b")
        assert tuple(len(source.files(part)) // 2 for part in PARTS) == counts


@pytest.mark.parametrize(
    ("make", "pixel"),
    [
        (lambda path: Image.new("L", (6, 6), 90).save(path), [90, 90, 90]),
        (lambda path: Image.new("RGBA", (6, 6), (255, 0, 0, 0)).save(path), [255, 255, 255]),
        (lambda path: Image.new("RGBA", (6, 6), (255, 0, 0, 255)).save(path), [255, 0, 0]),
        (lambda path: Image.new("1", (6, 6), 1).save(path), [255, 255, 255]),
        (lambda path: Image.new("RGB", (6, 6), (1, 2, 3)).quantize(4).save(path), [1, 2, 3]),
        (lambda path: Image.fromarray(np.full((6, 6), 90 * 256 + 7, np.uint16)).save(path), [90, 90, 90]),
    ],
    ids=["grey", "transparent", "opaque", "bits", "palette", "sixteen bits"],
)
def test_any_kind_of_picture(pets, make, pixel):
    make(pets / "odd.png")
    assert PictureFolder(pets, size=3).picture(pets / "odd.png")[:, 1, 1].tolist() == pixel
    assert PictureFolder(pets, size=3, grey=True).picture(pets / "odd.png").shape == (1, 3, 3)


def test_the_shorter_side_fits_and_the_middle_is_cut_out(pets):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    Image.fromarray(wide).save(pets / "wide.png")
    assert PictureFolder(pets, size=10).picture(pets / "wide.png").min() == 255


def test_pictures_are_turned_as_the_camera_was(pets):
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4] = 255  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(image).save(pets / "turned.png", exif=exif)
    turned = PictureFolder(pets, size=8).picture(pets / "turned.png")
    assert turned[0, :, 4:].min() == 255
    assert turned[0, :, :4].max() == 0


def test_damaged_pictures_are_all_named(pets):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(buffer, "JPEG")
    source = PictureFolder(pets, size=8)
    half, rubbish, empty = (file for file, _ in source.files("train")[:3])
    half.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    rubbish.write_bytes(b"this is no picture")
    empty.write_bytes(b"")
    with pytest.raises(DamagedDataError, match=r"Replace these files, or delete them\.$") as error:
        source.read("train")
    assert all(str(file) in str(error.value) for file in (half, rubbish, empty))
    for file in (half, rubbish, empty):
        file.unlink()
    assert len(PictureFolder(pets, size=8).read("test")[0]) == 4


def test_real_numbers_have_no_known_white(pets):
    Image.fromarray(np.ones((4, 4), np.float32)).save(pets / "real.tif")
    with pytest.raises(DamagedDataError, match="pixels of kind F have no known white"):
        PictureFolder(pets).picture(pets / "real.tif")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda path: PictureFolder(path / "nowhere"), "there is no such folder"),
        (lambda path: PictureFolder(path / "one"), r"holds 1 subfolders with training pictures.*at least two"),
        (lambda path: PictureFolder(path / "few"), r"class 'b' has 2 pictures for training, needed are 3"),
        (lambda path: PictureFolder(path / "uneven"), r"train and test do not hold the same classes.*\['c'\]"),
        (lambda path: PictureFolder(path / "good", size=0), "size is 0: expected a whole number of pixels"),
        (lambda path: PictureFolder(path / "good", size=32.0), r"size is 32\.0"),
        (lambda path: PictureFolder(path / "good").files("dev"), "part is 'dev': expected one of|part is 'dev'"),
        (lambda path: PictureFolder(path / "good", size=20_000).read("train"), r"take \d.* GB: use dataset\(\)"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, call, words):
    fill(tmp_path / "one/only", 5)
    for name, count in {"few/a": 3, "few/b": 2, "good/a": 5, "good/b": 5}.items():
        fill(tmp_path / name, count)
    for name in ("train/a", "train/b", "test/a", "test/b", "test/c"):
        fill(tmp_path / "uneven" / name, 3)
    with pytest.raises(ValueError, match=words):
        call(tmp_path)


def test_the_one_call(pets):
    images, labels = load(pets, "test")
    assert images.shape == (4, 3, 64, 64)
    assert np.array_equal(load(PictureFolder(pets, size=8, grey=True), "test")[1], labels)
    assert folder.PART_FOLDERS.keys() == set(PARTS)


def test_without_pillow(pets, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)  # what Python does where a module cannot be imported
    with pytest.raises(ImportError, match=r"PictureFolder needs Pillow.*course.py setup"):
        PictureFolder(pets)


def test_for_a_loader_pictures_are_read_when_asked_for(pets):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    from coursekit.data import dataset

    source = PictureFolder(pets, size=8)
    items = dataset(source, "train")
    images, labels = source.read("train")
    assert len(items) == 19
    assert np.array_equal(items[18][0].numpy(), images[18].astype(np.float32) / 255)
    assert (type(items[18][1]), items[18][1]) == (int, 1)
    batch, classes = next(iter(torch.utils.data.DataLoader(items, batch_size=19, num_workers=0)))
    assert batch.shape == (19, 3, 8, 8)
    assert classes.tolist() == labels.tolist()
    items.files[0][0].unlink()
    with pytest.raises(DamagedDataError, match="cannot be read"):
        items[0]
