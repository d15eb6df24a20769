"""What chapter 10 calls right agrees with the package's methods, and what it calls wrong does not."""

import numpy as np
import pytest

from coursekit.misconceptions import inside

RNG = np.random.default_rng(10)
WEIGHTS, IMAGE = RNG.normal(size=(6, 6)), RNG.random((6, 6))


def score(image):
    return float((WEIGHTS * image).sum())


def test_occlusion_is_that_of_the_package():
    torch = pytest.importorskip("torch")
    from coursekit import viz

    torch.set_num_threads(1)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 1, bias=False)).double()
    network[1].weight.data = torch.from_numpy(WEIGHTS.reshape(1, 36))
    theirs = viz.occlusion(network, torch.from_numpy(IMAGE)[None, None], 0, window=2, stride=2)[0, ::2, ::2]
    np.testing.assert_allclose(inside.occlusion_map(score, IMAGE, 2, 2), theirs.numpy())


def test_grad_cam_is_that_of_the_package():
    torch = pytest.importorskip("torch")
    from coursekit import viz

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 16, 2)).double()
    image = torch.from_numpy(IMAGE)[None, None]
    maps = network[0](image)
    (gradients,) = torch.autograd.grad(network[1:](maps)[0, 1], maps)
    ours = inside.grad_cam(maps[0].detach().numpy(), gradients[0].numpy())
    theirs = viz.grad_cam(network, image, 1, layer="0", resize=False)[0]
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-12)


def test_fgsm_moves_each_pixel_and_stays_in_range():
    attacked = inside.fgsm(np.array([0.5, 0.95, 0.5]), np.array([-3.0, 0.1, 0.0]), 0.1)
    np.testing.assert_allclose(attacked, [0.4, 1.0, 0.5])


def test_occlusion_leaves_the_image_as_it_was():
    before = IMAGE.copy()
    inside.occlusion_map(score, IMAGE, 2, 2)
    np.testing.assert_array_equal(IMAGE, before)
    assert not np.allclose(inside.never_uncovered(score, IMAGE, 2, 2), inside.occlusion_map(score, IMAGE, 2, 2))


def test_the_way_back_through_a_relu():
    z, r = np.array([3, -1, 2, -2]), np.array([5, 4, -6, -7])
    assert inside.guided_rule(z, r).tolist() == [5, 0, 0, 0]
    assert inside.true_gradient(z, r).tolist() == [5, 0, -6, 0]
    assert inside.deconvnet_rule(z, r).tolist() == [5, 4, 0, 0]
