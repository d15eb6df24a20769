"""Weights carry over from torchvision's networks, and from the NumPy ones, and the outputs agree."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")
torchvision = pytest.importorskip("torchvision", reason="needs the extra torch")

from on_meta import macs, on_meta, parameters
from torch import nn

import coursekit.nn as reference
from coursekit.models import build, card
from coursekit.models.simple import state_from_numpy

# Name here and there, and sizes to try. VGG's classifier is made for 224 pixels alone; the others average.
SAME = {
    "alexnet-torchvision": ("alexnet", (64, 224, 288)),
    "vgg11": ("vgg11", (224,)),
    "vgg13": ("vgg13", (224,)),
    "vgg16": ("vgg16", (224,)),
    "vgg19": ("vgg19", (224,)),
    "googlenet-torchvision": ("googlenet", (64,)),
    "resnet18": ("resnet18", (33,)),
    "resnet34": ("resnet34", (64,)),
    "resnet50": ("resnet50", (64,)),
    "resnet101": ("resnet101", (64,)),
    "resnet152": ("resnet152", (64,)),
}
LIGHT = ("googlenet-torchvision", "resnet18")
CASES = [pytest.param(name, marks=[] if name in LIGHT else pytest.mark.slow) for name in SAME]
COUNTED = [pytest.param(name, marks=[pytest.mark.slow] * (name in ("resnet101", "resnet152"))) for name in SAME]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small pictures do not gain by a second thread, and lose much where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def theirs(name, **options):
    if name == "googlenet":
        options = {"init_weights": False, "aux_logits": False, **options}
    return getattr(torchvision.models, name)(**options)


def unsettled(network, seed=0):
    """Give norms something to do: statistics, scales and shifts as after training."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in ((module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 1.5)):
                tensor.uniform_(low, high, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.uniform_(-0.3, 0.3, generator=generator)
    return network


@pytest.mark.parametrize("name", COUNTED)
def test_names_and_shapes_are_torchvisions(name):
    with torch.device("meta"):
        other = theirs(SAME[name][0])
    shapes = {key: value.shape for key, value in on_meta(name).state_dict().items()}
    assert shapes == {key: value.shape for key, value in other.state_dict().items()}


@pytest.mark.parametrize("name", CASES)
def test_outputs_are_torchvisions(name):
    there, sizes = SAME[name]
    other = unsettled(theirs(there)).eval()
    with torch.device("meta"):
        ours = build(name).eval()
    ours.load_state_dict(other.state_dict(), assign=True)
    for size in sizes:
        images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(size))
        with torch.inference_mode():
            expected, scores = other(images), ours(images)
        assert expected.std() > 1e-4  # not all alike
        assert (scores - expected).abs().max() <= 1e-6 * expected.abs().max()


def test_googlenet_with_heads_in_training():
    options = {"aux_logits": True, "transform_input": True, "dropout": 0.0, "dropout_aux": 0.0, "num_classes": 7}
    other = theirs("googlenet", **options)
    ours = build("googlenet-torchvision", aux=True, transform_input=True, classes=7, dropout=0)
    for head in (ours.aux1, ours.aux2):
        head.dropout.p = 0.0
    ours.load_state_dict(other.state_dict())
    ours, other = ours.double(), other.double()  # norms over three pictures magnify what float32 rounds off
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for scores, expected in zip(ours(images), other(images), strict=True):
            assert (scores - expected).abs().max() <= 1e-6 * expected.abs().max()


@pytest.mark.parametrize("name", COUNTED)
def test_parameters_and_multiply_adds_are_torchvisions(name):
    weights = torchvision.models.get_model_weights(SAME[name][0]).DEFAULT
    assert parameters(on_meta(name)) == weights.meta["num_params"]
    assert abs(macs(on_meta(name), (3, 224, 224)) / 1e9 - weights.meta["_ops"]) < 6e-4


@pytest.mark.parametrize(
    ("name", "there"), [("alexnet-torchvision", "alexnet"), ("googlenet-torchvision", "googlenet")]
)
def test_cards_quote_torchvisions_error(name, there):
    meta = torchvision.models.get_model_weights(there).IMAGENET1K_V1.meta["_metrics"]["ImageNet-1K"]
    assert card(name).published_error.startswith(f"top-5 {100 - meta['acc@5']:.2f} %")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "kind"), [("simpleconvnet", "SimpleConvNet"), ("deepconvnet", "DeepConvNet")])
def test_numpy_networks_carry_over(name, kind, dtype):
    network = getattr(reference, kind)(seed=3, dtype=dtype)
    for key, value in network.params.items():
        if key.startswith("b"):
            value += np.random.default_rng(4).normal(size=value.shape).astype(dtype)  # biases that can be missed
    ours = build(name).to(torch.from_numpy(np.zeros(1, dtype)).dtype).eval()
    ours.load_state_dict(state_from_numpy(network.params))
    x = np.random.default_rng(5).normal(size=(4, 1, 28, 28)).astype(dtype)
    with torch.no_grad():
        scores = ours(torch.from_numpy(x)).numpy()
    expected = network.predict(x)
    assert np.abs(scores - expected).max() <= (1e-5 if dtype is np.float32 else 1e-12) * np.abs(expected).max()


def test_numpy_gradients_agree():
    network = reference.SimpleConvNet((1, 12, 12), {"filter_num": 3}, hidden_size=5, seed=0, dtype=np.float64)
    ours = build("simpleconvnet", width=0.1, size=12)
    ours.classifier.affine1 = nn.Linear(3 * 4 * 4, 5)
    ours.classifier.affine2 = nn.Linear(5, 10)
    ours = ours.double()
    ours.load_state_dict(state_from_numpy(network.params))
    x, t = np.random.default_rng(1).normal(size=(6, 1, 12, 12)), np.arange(6)
    nn.functional.cross_entropy(ours(torch.from_numpy(x)), torch.from_numpy(t)).backward()
    expected = state_from_numpy(network.gradient(x, t))
    for name, parameter in ours.named_parameters():
        assert torch.allclose(parameter.grad, expected[name], rtol=1e-9, atol=1e-12), name
