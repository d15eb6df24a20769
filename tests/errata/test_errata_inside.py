"""Rows of ERRATA.md about looking into networks: what is said and what is right, computed."""

import pytest

torch = pytest.importorskip("torch", reason="explains a network in PyTorch")
pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")
pytest.importorskip("scipy", reason="needs SciPy: python3 course.py setup")

from coursekit import data, trained, viz


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_guided_backprop_hardly_notices_random_weights():
    """Its map stays when DeepConvNet forgets its last layer, or all from the sixth convolution up; others change."""
    network = trained.load("deepconvnet", as_torch=True)
    images, labels = data.load_mnist("test")
    images, labels = torch.from_numpy(data.as_float(images[:10])), torch.from_numpy(labels[:10].astype(int))
    layers = ["classifier.affine2", "features.conv6"]

    def left(method):
        return viz.sanity_check(network, images, method, labels, layers=layers).rank_correlation[1:]

    assert min(left(viz.guided_backprop)) > 0.9
    assert max(left(viz.saliency)) < 0.75
    assert max(left(viz.grad_cam)) < 0.4
