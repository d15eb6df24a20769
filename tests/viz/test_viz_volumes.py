"""Volumes and bars of a network: sizes are the table's, to scale, and names lie clear of each other."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")
pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Polygon

from coursekit import viz
from coursekit.models import table
from coursekit.viz.volumes import TALLEST, boxes_of, table_bars_alt, volumes_alt

NAMES = ["vgg16", "alexnet", "lenet5"]


def fronts(figure):
    """Width and height of the front of each box, in inches of the drawing."""
    shapes = [patch.get_xy() for patch in figure.axes[0].patches if isinstance(patch, Polygon)]
    return np.array([np.ptp(corners, axis=0) for corners in shapes[2::3]])


@pytest.mark.parametrize("name", NAMES)
def test_boxes_are_to_scale(name):
    boxes = boxes_of(table(name))
    drawn = fronts(viz.volumes_figure(table(name)))
    assert len(drawn) == len(boxes)
    volumes = [k for k, box in enumerate(boxes) if len(box.shape) == 3]
    rest = [k for k, box in enumerate(boxes) if len(box.shape) == 1]
    heights = np.array([boxes[k].shape[1] for k in volumes])
    np.testing.assert_allclose(drawn[volumes, 1], TALLEST * heights / heights.max())
    channels = np.array([boxes[k].shape[0] for k in volumes])
    thick = channels >= channels.max() / 8  # what is thinner than a hair is drawn as one
    shares = drawn[volumes, 0][thick] / channels[thick]
    np.testing.assert_allclose(shares, shares[0])
    lengths = drawn[rest, 1] / [boxes[k].shape[0] for k in rest]
    np.testing.assert_allclose(lengths, lengths[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_fits_and_its_names_lie_clear(name):
    figure = viz.volumes_figure(table(name))
    assert max(figure.get_size_inches()) <= 8
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    (axes,) = figure.axes
    room, scale = figure.bbox, figure.dpi / 72
    ends = [axes.transData.transform(text.get_position())[0] for text in axes.texts]
    assert (np.diff(ends) > 9 * scale).all()  # slanted lines of 8 points
    for part in (*axes.texts, *figure.legends):
        box = part.get_window_extent(renderer)
        assert room.x0 <= box.x0 < box.x1 <= room.x1
        assert room.y0 <= box.y0 < box.y1 <= room.y1


def test_every_size_is_in_the_words():
    words = volumes_alt(table("vgg16"))
    assert "2 conv 64 x 224 x 224, pool 64 x 112 x 112, 2 conv 128 x 112 x 112" in words
    assert words.endswith("pool 512 x 7 x 7, 2 fc 4096, fc 1000.")
    assert "conv 16 x 10 x 10" in volumes_alt(table("lenet5"))  # one layer for each map in the table


@pytest.mark.parametrize("name", NAMES)
def test_bars_add_up_to_the_table(name):
    counted = table(name)
    memory, parameters = viz.table_bars_figure(counted).axes
    assert sum(bar.get_width() for bar in memory.patches) == counted.totals.activation_bytes
    assert sum(bar.get_width() for bar in parameters.patches) == counted.totals.parameters
    names = [label.get_text() for label in memory.get_yticklabels()]
    assert len(names) == len(set(names)) == len(memory.patches)


def test_words_of_the_bars():
    assert "most in classifier.0 (102,764,544)" in table_bars_alt(table("vgg16"))


def test_a_network_without_maps_has_no_volumes():
    from torch import nn

    with pytest.raises(ValueError, match="no layer with maps"):
        viz.volumes_figure(table(nn.Linear(4, 2), (4,)))
