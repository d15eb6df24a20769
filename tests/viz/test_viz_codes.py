"""Codes: what is taken from a network, how it is projected, and who is next to whom."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import viz
from coursekit.viz.embedded import codes_alt, neighbours_alt

RNG = np.random.default_rng(0)


def clusters(each=20, dims=6):
    middles = 10 * RNG.normal(size=(3, dims))
    return np.vstack([middle + RNG.normal(size=(each, dims)) for middle in middles]), np.repeat([0, 1, 2], each)


def test_codes_are_what_the_last_layer_is_given():
    torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(inplace=True), torch.nn.Flatten(), torch.nn.Dropout(),
        torch.nn.Linear(3 * 4 * 4, 5), torch.nn.ReLU(inplace=True), torch.nn.Linear(5, 2),
    )  # fmt: skip
    images = torch.randn(7, 1, 6, 6)
    found = viz.codes(network, images, batch=3)
    assert network.training
    assert not any(part._forward_pre_hooks or part._forward_hooks for part in network.modules())
    with torch.no_grad():
        np.testing.assert_allclose(found, network.eval()[:6](images), rtol=1e-5)
        np.testing.assert_allclose(viz.codes(network, images, "0"), network[0](images).mean(dim=(2, 3)), rtol=1e-4)
        np.testing.assert_allclose(viz.codes(network, images, "2"), network[:3](images), rtol=1e-4)
    with pytest.raises(ValueError, match="no fully connected layer"):
        viz.codes(network[:2], images)
    with pytest.raises(ValueError, match="layer is 'top'"):
        viz.codes(network, images, "top")


@pytest.mark.parametrize("shape", [(30, 5), (4, 9)])
def test_pca_agrees_with_scikit_learn(shape):
    decomposition = pytest.importorskip("sklearn.decomposition", reason="needs scikit-learn: python3 course.py setup")
    codes = RNG.normal(size=shape) @ np.diag(np.arange(1, shape[1] + 1)) + 3
    theirs = decomposition.PCA(3, svd_solver="full").fit(codes)
    ours = viz.pca(codes, 3)
    np.testing.assert_allclose(np.abs(ours.points), np.abs(theirs.transform(codes)), atol=1e-9)
    np.testing.assert_allclose(ours.shares, theirs.explained_variance_ratio_, atol=1e-12)


def test_pca_keeps_all_distances_in_all_dimensions():
    codes = RNG.normal(size=(9, 4))
    points = viz.pca(codes, 4).points
    distances = [np.linalg.norm(each[:, None] - each, axis=2) for each in (codes, points)]
    np.testing.assert_allclose(*distances, atol=1e-12)
    np.testing.assert_allclose(viz.pca(codes + 100, 4).points, points, atol=1e-9)
    assert viz.pca(np.ones((3, 3))).shares.tolist() == [0, 0]


def test_t_sne_keeps_clusters_apart_and_is_repeatable():
    pytest.importorskip("sklearn", reason="needs scikit-learn: python3 course.py setup")
    codes, labels = clusters()
    points = viz.t_sne(codes, perplexity=10)
    assert points.shape == (60, 2)
    places = viz.nearest_neighbours(points, points, k=5).places
    assert (labels[places] == labels[:, None]).all()
    np.testing.assert_array_equal(viz.t_sne(codes, perplexity=10), points)


def test_nearest_neighbours_are_those_found_one_by_one():
    codes, queries = RNG.normal(size=(40, 3)) + 1e6, RNG.normal(size=(5, 3)) + 1e6
    found = viz.nearest_neighbours(codes, queries, k=40)
    distances = np.linalg.norm(queries[:, None] - codes, axis=2)
    np.testing.assert_array_equal(found.places, distances.argsort(axis=1))
    np.testing.assert_allclose(found.distances, np.sort(distances, axis=1), rtol=1e-6)
    itself = viz.nearest_neighbours(codes, codes, k=1)
    assert itself.places[:, 0].tolist() == list(range(40))
    assert itself.distances.max() == 0


WRONG = [
    (lambda: viz.pca(np.zeros(3)), r"codes has shape \(3,\)"),
    (lambda: viz.pca(np.zeros((3, 2)), 3), "dims is 3: expected 1 to 2"),
    (lambda: viz.t_sne(np.zeros((10, 2))), "perplexity is 30"),
    (lambda: viz.nearest_neighbours(np.zeros((3, 2)), np.zeros((1, 3))), "same width"),
    (lambda: viz.nearest_neighbours(np.zeros((3, 2)), np.zeros((1, 2)), k=4), "k is 4: expected 1 to 3"),
    (lambda: viz.codes_figure(np.zeros((3, 3)), np.zeros(3)), r"points have shape \(3, 3\)"),
    (lambda: viz.codes_figure(np.zeros((3, 2)), np.zeros(2)), r"labels \(2,\)"),
    (lambda: viz.neighbours_figure(np.zeros((2, 4, 4)), np.zeros((2, 3, 5, 4)), np.ones((2, 3))), "expected"),
]


@pytest.mark.parametrize(("call", "words"), WRONG)
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# Pictures


def test_cloud_has_a_mark_and_a_name_for_each_class():
    points, labels = RNG.normal(size=(40, 2)), np.repeat(np.arange(10), 4)
    (axes,) = viz.codes_figure(points, labels, xlabel="first component").axes
    drawn = np.vstack([np.asarray(cloud.get_offsets()) for cloud in axes.collections])
    np.testing.assert_allclose(drawn, points)
    looks = {(tuple(c.get_facecolor()[0]), len(c.get_paths()[0].vertices), str(c.get_paths()[0].vertices[0]))
             for c in axes.collections}  # fmt: skip
    assert len(looks) == 10
    assert [text.get_text() for text in axes.texts] == list("0123456789")
    for text, label in zip(axes.texts, range(10), strict=True):
        assert text.get_position() in [tuple(point) for point in points[labels == label]]


def test_thumbnails_do_not_lie_on_each_other():
    points, labels = np.repeat([[0.0, 0.0], [1.0, 1.0]], 30, axis=0), np.repeat([0, 1], 30)
    figure = viz.codes_figure(points, labels, images=RNG.random((60, 8, 8)))
    assert len(figure.axes[0].artists) == 2  # all thirty of a class lie at one place


def test_alt_says_how_pure_the_neighbourhoods_are():
    points, labels = np.array([[0.0, 0], [0, 1], [9, 0], [9, 1]]), np.array([0, 1, 1, 1])
    words = "4 points in 2 classes: cat, dog. The nearest neighbour of a point is of the same class for 50 % of them."
    assert codes_alt(points, labels, ["cat", "dog"]) == words
    assert codes_alt(points[:1], labels[:1]) == "1 points in 1 classes: 0."


def test_wrong_neighbours_are_marked():
    tiles = RNG.random((2, 3, 4, 4))
    labels = {"query_labels": [7, 1], "found_labels": [[7, 9, 7], [1, 1, 1]]}
    figure = viz.neighbours_figure(tiles[:, 0], tiles, np.ones((2, 3)), **labels)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["query: 7", "7, at 1", "! 9, at 1", "7, at 1", "query: 1", "1, at 1", "1, at 1", "1, at 1"]
    assert neighbours_alt(tiles, **labels).endswith("5 of 6 have the label of their image.")
