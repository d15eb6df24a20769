"""Digits drawn as text: scaled and centred as MNIST's are, and read by the shipped network."""

import numpy as np
import pytest

from coursekit import data, trained
from coursekit.data import picture_of_text

DIGITS = {
    2: """
        .#######...
        ####.####..
        ##.....###.
        .......###.
        .....###...
        ...###.....
        .###.......
        ###........
        ###########
    """,
    7: """
        #################
        .............###
        ...........###
        .........###
        ........###
        .......###
        ......###
        .....###
        .....###
    """,
}


def ink(picture):
    rows, columns = np.nonzero(picture)
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_the_longer_side_is_twenty_pixels():
    tall, wide = picture_of_text("##\n##\n##"), picture_of_text("############\n############")
    assert (tall.dtype, tall.shape, tall.max()) == (np.uint8, (28, 28), 255)
    assert ink(tall) == (4, 23, 10, 16)  # 6 high and 2 wide: 20 by 7
    assert ink(wide) == (10, 16, 4, 23)


def test_the_centre_of_mass_is_in_the_middle():
    picture = picture_of_text("####\n#...\n#...\n#...\n####").astype(float)
    places = np.indices(picture.shape) + 0.5
    assert (places * picture).sum(axis=(1, 2)) / picture.sum() == pytest.approx([14, 14], abs=0.51)


def test_half_ink_is_half_as_dark():
    assert sorted(np.unique(picture_of_text("++\n##"))) == [0, 128, 255]


def test_paper_around_the_drawing_does_not_matter():
    bare = picture_of_text("#.#\n###")
    assert np.array_equal(bare, picture_of_text("\n ....\n  #.#\n  ###..  \r\n\n"))


@pytest.mark.parametrize("digit", DIGITS)
def test_is_read_by_the_shipped_network(digit):
    network = trained.load("simpleconvnet")
    assert network.predict(data.as_float(picture_of_text(DIGITS[digit])[None])).argmax() == digit


@pytest.mark.parametrize(
    ("text", "words"), [("", "no ink"), ("...\n...", "no ink"), ("#x#", "character 'x': draw with #")]
)
def test_what_is_no_drawing_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        picture_of_text(text)
