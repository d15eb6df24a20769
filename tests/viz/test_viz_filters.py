"""Filters are drawn as they are, and learned ones look at edges and colours."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import viz
from coursekit.nn import SimpleConvNet
from coursekit.viz.responses import responses
from coursekit.viz.tilework import columns_for

pytestmark = pytest.mark.filterwarnings("error")
RNG = np.random.default_rng(0)


def test_each_filter_is_stretched_by_itself_or_all_alike():
    weights = np.array([[[[0.0, 1.0]]], [[[0.0, 10.0]]]])
    assert viz.normalise_filters(weights).ravel().tolist() == [0, 255, 0, 255]
    assert viz.normalise_filters(weights, scale="all").ravel().tolist() == [0, 26, 0, 255]
    assert viz.normalise_filters(weights, signed=True).ravel().tolist() == [128, 255, 128, 255]


def test_a_flat_filter_is_grey():
    assert viz.normalise_filters(np.full((1, 1, 2, 2), 3.0)).tolist() == [[[[128, 128], [128, 128]]]]
    assert viz.normalise_filters(np.zeros((1, 1, 1, 2)), signed=True).tolist() == [[[[128, 128]]]]


def test_every_filter_is_drawn_once_in_its_place():
    weights = RNG.normal(size=(5, 1, 3, 3))
    (panel,) = viz.filters_figure(weights, columns=3, look="grey").axes
    shown = np.array([image.get_array() for image in panel.images])
    assert np.array_equal(shown, viz.normalise_filters(weights)[:, 0])
    corners = [(round(left, 2), round(top, 2)) for left, _, _, top in (image.get_extent() for image in panel.images)]
    assert corners == [(0, 0), (1.08, 0), (2.16, 0), (0, 1.08), (1.08, 1.08)]


def test_sets_stand_side_by_side_and_fit_the_page():
    sets = {"before": RNG.normal(size=(30, 1, 5, 5)), "after": RNG.normal(size=(64, 3, 7, 7))}
    figure = viz.filters_figure(sets)
    assert [panel.get_title() for panel in figure.axes] == ["before", "after"]
    assert [len(panel.images) for panel in figure.axes] == [30, 64]
    assert figure.axes[0].images[0].get_cmap().name == "PuOr_r"
    assert figure.axes[1].images[0].get_array().shape == (7, 7, 3)
    assert figure.get_figwidth() <= 8
    viz.data_uri(figure, dpi=40)


@pytest.mark.parametrize(("count", "columns"), [(96, 12), (30, 6), (32, 8), (64, 8), (13, 6)])
def test_rows_are_full_where_a_number_near_divides(count, columns):
    assert columns_for(count, 2.0 if count != 30 else 1.2) == columns


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: viz.filters_figure(np.zeros((3, 3))), r"shape \(3, 3\): expected \(F, C, KH, KW\)"),
        (lambda: viz.filters_figure(np.zeros((2, 5, 3, 3))), "C = 5 is neither grey nor colour"),
        (lambda: viz.filters_figure(np.zeros((2, 3, 3, 3)), look="grey"), "look is 'grey'"),
        (lambda: viz.filters_figure(np.full((2, 1, 3, 3), np.nan)), "not finite"),
        (lambda: viz.filters_figure({}), "weights is empty"),
        (lambda: viz.normalise_filters(np.zeros((1, 1, 2, 2)), scale="some"), "scale is 'some'"),
        (lambda: viz.responses_figure(np.zeros((4, 4)), {}), "filters is empty"),
        (lambda: viz.responses_figure(np.zeros((2, 4, 4))), r"image has shape \(2, 4, 4\)"),
        (lambda: viz.responses_figure(np.zeros((2, 4))), "larger than the image"),
        (lambda: viz.responses_figure(np.zeros((4, 4)), {"a": np.zeros((3, 2, 2))}), "the image has no colours"),
        (lambda: viz.responses_figure(np.zeros((4, 4)), {"a": np.zeros((2, 2, 2))}), r"'a' has shape \(2, 2, 2\)"),
        (lambda: viz.learned_colour_filters(0), "count is 0"),
        (lambda: viz.learned_colour_filters(size=40), "size 40"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_responses_are_sums_of_products():
    image, kernel = RNG.random((6, 7, 3)), RNG.normal(size=(3, 2, 4))
    answer = responses(image, {"a": kernel})["a"]
    assert answer.shape == (5, 4)
    assert answer[3, 2] == pytest.approx(np.sum(image[3:5, 2:6].transpose(2, 0, 1) * kernel))
    grey = responses((255 * image).astype(np.uint8), {"a": kernel[0]})["a"]
    luma = (255 * image).astype(np.uint8) / 255 @ [0.299, 0.587, 0.114]
    assert grey[0, 1] == pytest.approx(np.sum(luma[:2, 1:5] * kernel[0]))


def test_each_edge_filter_answers_to_its_edges_alone():
    stripes = np.repeat([[0.0, 1.0, 1.0, 0.0, 0.0, 1.0]], 6, axis=0)
    assert np.ptp(responses(stripes)["vertical edges"]) == 8
    assert not responses(stripes)["horizontal edges"].any()
    assert not responses(stripes.T)["vertical edges"].any()


def test_responses_stand_below_their_filters():
    figure = viz.responses_figure(RNG.random((20, 30)))
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["", "", "", "image", "vertical edges", "horizontal edges"]
    assert figure.axes[4].images[0].norm(0.0) == 0.5
    viz.data_uri(figure, dpi=40)


def test_learned_filters_have_length_one_and_end_in_colours():
    filters = viz.learned_colour_filters(24, 6, seed=3)
    assert np.allclose(np.sqrt((filters**2).sum(axis=(1, 2, 3))), 1)
    grey = filters.mean(axis=1, keepdims=True)
    colour = ((filters - grey) ** 2).sum(axis=(1, 2, 3))
    assert np.all(np.diff(colour) > -1e-9)
    assert colour[0] < 0.1 < 0.5 < colour[-1]  # grey edges first, colours last
    assert np.array_equal(filters, viz.learned_colour_filters(24, 6, seed=3))
    assert not np.allclose(filters, viz.learned_colour_filters(24, 6, seed=4))


def test_learned_filters_are_smooth_unlike_noise():
    filters = viz.learned_colour_filters(24, 8)
    noise = RNG.normal(size=filters.shape)

    def roughness(f):
        return np.mean(np.diff(f, axis=3) ** 2) / np.mean(f**2)

    assert roughness(filters) < 0.6 * roughness(noise)


def test_first_layer_is_copied():
    network = SimpleConvNet()
    copied = viz.first_layer_filters(network)
    copied[:] = 0
    assert network.params["W1"].any()
    torch = pytest.importorskip("torch")
    convolution = torch.nn.Conv2d(3, 4, 5)
    assert np.array_equal(viz.first_layer_filters(convolution), convolution.weight.detach().numpy())
    with pytest.raises(ValueError, match="no convolution"):
        viz.first_layer_filters(torch.nn.Linear(2, 2))
