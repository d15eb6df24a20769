"""The image as the unknown: ascent raises what it should, attacks stay in their box, and no trace is left."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from torch import nn
from torch.nn import functional

from coursekit import viz
from coursekit.viz.optimise import blurred


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip


@pytest.fixture
def images():
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def loss(network, images, labels):
    with torch.no_grad():
        return functional.cross_entropy(network.eval()(images), labels, reduction="none")


RUNS = {
    "fgsm": lambda n, x: viz.fgsm(n, x, 1),
    "pgd": lambda n, x: viz.pgd(n, x, 1, steps=2),
    "maximise": lambda n, x: viz.maximise_activation(n, x, 1, steps=5),
    "maximise in a layer": lambda n, x: viz.maximise_activation(n, x, 1, layer="3", steps=2),
    "invert": lambda n, x: viz.invert_features(n, x, "3", steps=3),
    "dream": lambda n, x: viz.deep_dream(n, x, "3", octaves=2, steps=2, jitter=2),
}


@pytest.mark.parametrize("name", RUNS)
def test_no_trace_and_the_same_twice(name, network, images):
    network[1].eval()
    network[3].weight.requires_grad_(False)
    before = [value.clone() for value in network.state_dict().values()]
    modes, given, drawn = [part.training for part in network.modules()], images.clone(), torch.get_rng_state()
    result = RUNS[name](network, given)
    assert all(torch.equal(old, new) for old, new in zip(before, network.state_dict().values(), strict=True))
    assert [part.training for part in network.modules()] == modes
    assert not any(part._forward_hooks for part in network.modules())
    assert all(p.grad is None for p in network.parameters())
    assert [p.requires_grad for p in network.parameters()].count(False) == 1
    assert torch.equal(given, images)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not result.requires_grad
    assert result.shape == images.shape
    assert 0 <= result.min() < result.max() <= 1
    assert not torch.equal(result, images)
    assert torch.equal(RUNS[name](network, images), result)


# Attacks


@pytest.mark.parametrize("attack", [viz.fgsm, viz.pgd])
@pytest.mark.parametrize("epsilon", [0.0, 1 / 255, 0.1])
def test_attacks_raise_the_loss_within_their_box(attack, epsilon, network, images):
    images[0, :, :8] = 1.0  # at the bound already
    labels = torch.tensor([2, 0])
    attacked = attack(network, images, labels, epsilon=epsilon)
    assert (attacked - images).abs().max() <= epsilon * (1 + 1e-5)
    assert 0 <= attacked.min() <= attacked.max() <= 1
    gain = loss(network, attacked, labels) - loss(network, images, labels)
    assert (gain > 0).all() if epsilon else torch.equal(attacked, images)


def test_fgsm_moves_every_free_pixel_by_epsilon(network, images):
    inside = 0.2 + 0.6 * images
    change = viz.fgsm(network, inside, epsilon=0.05) - inside
    moved = change.abs() > 1e-6
    torch.testing.assert_close(change[moved].abs(), torch.full_like(change[moved], 0.05))
    assert moved.float().mean() > 0.5


def test_pgd_goes_further_than_fgsm(network, images):
    labels = torch.tensor([2, 0])
    one, many = (loss(network, attack(network, images, labels, epsilon=0.1), labels) for attack in (viz.fgsm, viz.pgd))
    assert many.sum() > one.sum()


@pytest.mark.parametrize("attack", [viz.fgsm, viz.pgd])
def test_attacks_towards_a_class_lower_its_loss(attack, network, images):
    attacked = attack(network, images, epsilon=0.1, towards=3)
    wanted = torch.tensor([3, 3])
    assert (loss(network, attacked, wanted) < loss(network, images, wanted)).all()


def test_epsilon_is_in_pixels_whatever_the_bounds(network, images):
    low, high = torch.tensor([-2.0, -1.0, 0.0]), torch.tensor([2.0, 1.0, 0.5])
    unit = (high - low).reshape(3, 1, 1)
    given = low.reshape(3, 1, 1) + unit * images
    attacked = viz.pgd(network, given, epsilon=0.02, bounds=(low, high), steps=3)
    shares = ((attacked - given) / unit).abs().amax(dim=(0, 2, 3))
    assert (shares <= 0.02 * (1 + 1e-4)).all()
    assert (shares > 0.015).all()
    assert (attacked >= low.reshape(3, 1, 1) - 1e-6).all()
    assert (attacked <= high.reshape(3, 1, 1) + 1e-6).all()


# Ascent


def test_maximising_raises_the_score(network, images):
    start = 0.4 + 0.2 * images
    before = network.eval()(start)[:, 2]
    after = network(viz.maximise_activation(network, start, 2, steps=20))[:, 2]
    assert (after > before + 0.01).all()


def test_regularisers_make_smoother_images(network, images):
    start = 0.4 + 0.2 * images
    plain = dict(steps=20, jitter=0, blur=0.0, decay=0.0)
    rough = viz.total_variation(viz.maximise_activation(network, start, 2, **plain))
    for changed in ({"blur": 1.5}, {"variation": 300.0}, {"decay": 0.3}):
        smooth = viz.total_variation(viz.maximise_activation(network, start, 2, **{**plain, **changed}))
        assert (smooth < 0.9 * rough).all(), changed


def test_progress_sees_the_steps(network, images):
    seen = []

    def watch(steps):
        for step in steps:
            seen.append(step)
            yield step

    viz.maximise_activation(network, images, 0, steps=3, progress=watch)
    viz.invert_features(network, images, "0", steps=2, progress=watch)
    viz.deep_dream(network, images, "0", octaves=2, steps=1, progress=watch)
    assert seen == [0, 1, 2, 0, 1, 0, 1]


def test_inversion_comes_close_in_a_low_layer(network, images):
    smooth = functional.avg_pool2d(images, 5, stride=1, padding=2)
    found = viz.invert_features(network, smooth, "0", steps=150, variation=0.0)
    wanted, got = network.eval()[0](smooth), network[0](found)
    assert ((got - wanted).square().sum() / wanted.square().sum()).sqrt() < 0.1
    torch.testing.assert_close(found, smooth, atol=0.12, rtol=0)


def test_a_dream_is_more_of_what_the_layer_saw(network, images):
    dream = viz.deep_dream(network, images, "4", octaves=2, steps=4, jitter=2)
    network.eval()
    assert network[:5](dream).square().mean() > 1.2 * network[:5](images).square().mean()


def test_blur_keeps_the_mean_and_agrees_with_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    images = torch.rand(1, 2, 9, 11, dtype=torch.float64)
    wanted = ndimage.gaussian_filter(images.numpy(), (0, 0, 1.3, 1.3), mode="nearest", radius=(0, 0, 4, 4))
    np.testing.assert_allclose(blurred(images, 1.3), wanted, atol=1e-12)


def test_total_variation_of_a_slope():
    slope = 0.5 * torch.arange(4.0).expand(1, 2, 3, 4)
    assert viz.total_variation(slope).item() == pytest.approx(0.25)


# Pixels


def test_pictures_of_undoes_a_preparation():
    from types import SimpleNamespace

    mean, spread = (torch.tensor(v).reshape(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    trained = SimpleNamespace(transform=lambda image: (image.float() / 255 - mean) / spread)
    photograph = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    prepared = trained.transform(torch.from_numpy(photograph).permute(2, 0, 1))[None]
    pictures = viz.pictures_of(prepared, viz.pixel_bounds(trained))
    np.testing.assert_allclose(pictures[0] * 255, photograph, atol=1e-3)


WRONG = [
    (lambda n, x: viz.fgsm(n, x, epsilon=-1), ValueError, "epsilon is -1"),
    (lambda n, x: viz.pgd(n, x, steps=0), ValueError, "steps 0"),
    (lambda n, x: viz.fgsm(n, 2 * x - 1), ValueError, r"outside of black 0 and white 1.*pixel_bounds"),
    (lambda n, x: viz.fgsm(n, x, 4), ValueError, "classes from 0 to 3"),
    (lambda n, x: viz.fgsm(n, x, bounds=(1, 0)), ValueError, "bounds are"),
    (lambda n, x: viz.fgsm(n, x, bounds=(torch.zeros(2), torch.ones(2))), ValueError, "bounds are"),
    (lambda n, x: viz.maximise_activation(n, x, 4), ValueError, "unit is 4: expected 0 to 3"),
    (lambda n, x: viz.maximise_activation(n, x, 8, layer="3"), ValueError, "unit is 8: expected 0 to 7"),
    (lambda n, x: viz.maximise_activation(n, x, 0, layer="top"), ValueError, "layer is 'top'"),
    (lambda n, x: viz.maximise_activation(n, x, 0, steps=0), ValueError, "steps is 0"),
    (lambda n, x: viz.maximise_activation(n, x, 0, blur=-1), ValueError, "blur is -1"),
    (lambda n, x: viz.invert_features(n, x, "0", variation=-1), ValueError, "variation is -1"),
    (lambda n, x: viz.deep_dream(n, x, "0", scale=1), ValueError, "scale is 1"),
    (lambda n, x: viz.deep_dream(n, x, "0", octaves=0), ValueError, "octaves is 0"),
    (lambda n, x: viz.pictures_of(n), TypeError, "images is Sequential"),
    (lambda n, x: viz.pictures_of(x[0]), ValueError, r"images have shape \(3, 16, 16\)"),
]


@pytest.mark.parametrize(("call", "error", "words"), WRONG)
def test_what_is_refused(call, error, words, network, images):
    with pytest.raises(error, match=words):
        call(network, images)
