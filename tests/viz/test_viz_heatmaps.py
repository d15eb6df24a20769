"""Heat maps, the sanity figure and the adversarial triptych: colours and words are those of the numbers."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")
pytest.importorskip("scipy", reason="needs SciPy: python3 course.py setup")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from coursekit import viz
from coursekit.viz.fooled import adversarial_alt
from coursekit.viz.heatmaps import _broken, as_map, heatmap_alt, sanity_alt

RNG = np.random.default_rng(0)
PICTURE = RNG.random((30, 40, 3))


def spot(row, column, size=(30, 40)):
    values = np.zeros(size)
    values[row : row + 3, column : column + 3] = 1
    return values


def heat_of(panel):
    """The uppermost picture of a panel: the map's colours with their transparency."""
    return panel.images[-1].get_array()


def test_a_map_is_opaque_where_it_is_large_and_invisible_where_it_is_zero():
    figure = viz.heatmap_figure(PICTURE, {"spot": spot(5, 30)}, smooth=0)
    heat = heat_of(figure.axes[1])
    np.testing.assert_allclose(heat[..., 3], 0.9 * spot(5, 30))
    grey = figure.axes[1].images[0].get_array()
    assert np.ptp(grey, axis=2).max() == 0
    assert grey.std() > 0  # the photograph is still there


def test_signs_are_two_colours():
    heat = heat_of(viz.heatmap_figure(PICTURE, {"s": spot(5, 5) - spot(20, 30)}, smooth=0).axes[1])
    red, _, blue, _ = heat[6, 6]
    assert red > blue  # orange for
    red, _, blue, _ = heat[21, 31]
    assert blue > red  # purple against
    np.testing.assert_allclose(heat[6, 6, 3], heat[21, 31, 3])


@pytest.mark.parametrize("maps", [{"a": spot(1, 1)}, {"a": spot(1, 1), "b": -spot(1, 1)}])
def test_one_colour_bar_for_all_maps(maps):
    figure = viz.heatmap_figure(PICTURE, maps)
    assert len(figure.axes) == 1 + len(maps) + 1


def test_beside_a_map_with_signs_all_are_drawn_as_it_is():
    alone = heat_of(viz.heatmap_figure(PICTURE, {"a": spot(5, 5)}, smooth=0).axes[1])
    beside = heat_of(viz.heatmap_figure(PICTURE, {"a": spot(5, 5), "b": -spot(1, 1)}, smooth=0).axes[1])
    assert not np.allclose(alone[6, 6, :3], beside[6, 6, :3])
    signed = heat_of(viz.heatmap_figure(PICTURE, {"a": spot(5, 5) - spot(20, 30)}, smooth=0).axes[1])
    np.testing.assert_allclose(beside[6, 6], signed[6, 6])


def test_the_scale_is_not_set_by_one_pixel():
    values = RNG.random((30, 40))
    values[0, 0] = 1e6
    heat = heat_of(viz.heatmap_figure(PICTURE, {"a": values}, smooth=0).axes[1])
    assert np.median(np.asarray(heat)[..., 3]) > 0.3


def test_pictures_of_bytes_grey_ones_and_constant_maps():
    for picture in ((255 * PICTURE).astype(np.uint8), PICTURE[..., 0]):
        viz.heatmap_figure(picture, {"nothing": np.zeros((30, 40))}).draw_without_rendering()


def test_a_map_of_channels_or_a_tensor():
    channels = np.stack([spot(1, 1), -2 * spot(1, 1), spot(9, 9)])
    np.testing.assert_array_equal(as_map("a", channels), 2 * spot(1, 1) + spot(9, 9))
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(as_map("a", torch.tensor(channels, requires_grad=True)), as_map("a", channels))


def test_alt_says_where():
    maps = {"one": spot(25, 2), "two": spot(14, 18), "three": -spot(0, 36)}
    assert heatmap_alt(maps) == (
        "The picture, and over it maps of one (strongest in the lower left), two (strongest in the middle), "
        "three (strongest in the upper right)."
    )


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({}, "maps is empty"),
        ({"a": np.zeros((1, 3, 30, 40))}, "maps\\[0\\]"),
        ({"a": np.zeros((40, 30))}, "as the pic"),
    ],
)
def test_what_is_refused(maps, words):
    with pytest.raises(ValueError, match=words):
        viz.heatmap_figure(PICTURE, maps)


# Sanity


def checks():
    pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
    stages = ("trained", "_fc", "_blocks.12._depthwise_conv", "conv")
    maps = RNG.random((4, 8, 8))
    return {
        "gradient": viz.SanityCheck(stages, (1.0, 0.3, 0.2, 0.1), (1.0, 0.3, 0.2, 0.1), maps),
        "guided backprop": viz.SanityCheck(stages, (1.0, 0.99, 0.9, -0.3), (1.0, 0.9, 0.8, 0.1), maps),
    }


def test_sanity_figure_draws_every_map_and_curve():
    given = checks()
    figure = viz.sanity_figure(given)
    *panels, curves = figure.axes
    assert [len(panel.images) for panel in panels] == [1] * 8
    assert [line.get_ydata().tolist() for line in curves.lines] == [
        list(check.rank_correlation) for check in given.values()
    ]
    assert curves.get_ylim()[0] < -0.3
    ticks = [label.get_text() for label in curves.get_xticklabels()]
    assert ticks == ["trained", "_fc", "_blocks.12\n._depthwise\n_conv", "conv"]


def test_tick_labels_of_the_sanity_figure_lie_clear_of_each_other():
    figure = viz.sanity_figure(checks())
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [label.get_window_extent(renderer) for label in figure.axes[-1].get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_sanity_figure_wants_the_same_stages():
    given = checks()
    other = viz.SanityCheck(("trained", "fc"), (1.0, 0.1), (1.0, 0.1), np.zeros((2, 4, 4)))
    for wrong in ({**given, "other": other}, {}):
        with pytest.raises(ValueError, match="same stages"):
            viz.sanity_figure(wrong)


def test_sanity_figure_takes_titles_for_stages():
    given, titles = checks(), {"_fc": "last layer", "_blocks.12._depthwise_conv": "block 13 and all above"}
    ticks = [label.get_text() for label in viz.sanity_figure(given, titles=titles).axes[-1].get_xticklabels()]
    assert ticks == ["trained", "last layer", "block 13 and\nall above", "conv"]
    words = sanity_alt(given, titles=titles)
    assert "gradient 1.00 trained, 0.30 down to last layer, 0.20 down to block 13 and all above, 0.10 down to" in words
    assert "_fc" not in words


def test_a_title_must_be_for_a_stage():
    with pytest.raises(ValueError, match=r"'fc'.*_blocks\.12"):
        viz.show_sanity(checks(), titles={"fc": "last layer"})


def test_names_are_broken_before_points():
    assert _broken("features.0.conv1.weight") == "features.0\n.conv1\n.weight"
    assert _broken("fc") == "fc"


# Adversarial


def test_triptych_shows_the_change_magnified_around_grey():
    attacked = PICTURE * 0.98
    figure = viz.adversarial_figure(PICTURE, attacked, [("cat", 0.4), ("dog", 0.3)], [("toaster", 0.99)])
    image, change, after = (panel.images[0].get_array() for panel in figure.axes[:3])
    np.testing.assert_array_equal(image, PICTURE)
    np.testing.assert_array_equal(after, attacked)
    np.testing.assert_allclose(change, 0.5 - 20 * 0.02 * PICTURE, atol=1e-12)
    assert figure.axes[1].get_title() == f"change x 20, largest {0.02 * PICTURE.max():.3f}"
    words = [text.get_text() for panel in figure.axes[3:] for text in panel.texts]
    assert words == ["cat  40 %", "dog  30 %", "grey: no change", "toaster  99 %"]
    bars = [bar.get_width() for panel in (figure.axes[3], figure.axes[5]) for bar in panel.patches]
    assert bars == [0.4, 0.3, 0.99]


def test_triptych_of_an_unchanged_picture():
    assert "shown 1 times" in adversarial_alt(PICTURE, PICTURE, [("a", 1.0)], [("a", 1.0)])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: viz.adversarial_figure(PICTURE, PICTURE[1:], [("a", 1)], [("b", 1)]), "expected the same"),
        (lambda: viz.adversarial_figure(PICTURE, PICTURE, [], [("b", 1)]), "before has 0 classes"),
    ],
)
def test_triptych_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call()
