"""Every network: its exact size, its layers, its options, and that it trains small."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")

from on_meta import on_meta, outputs, parameters
from torch import nn

from coursekit.models import build, card, names
from coursekit.models.lenet import BITMAPS, C3_TABLE

PARAMETERS = {
    "lenet5": 60_000,
    "lenet5-modern": 61_706,
    "simpleconvnet": 433_890,
    "deepconvnet": 123_552,
    "alexnet": 60_965_224,
    "alexnet-ungrouped": 62_378_344,
    "alexnet-torchvision": 61_100_840,
    "alexnet-lecture": 61_100_840,
    "zfnet": 62_357_608,
    "zfnet-wide": 107_627_624,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet": 6_998_552,
    "googlenet-torchvision": 6_624_904,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "preact-resnet18": 11_687_720,  # the ResNet's less the norms of its projections: 2 * (128 + 256 + 512)
    "preact-resnet34": 21_795_880,
    "preact-resnet50": 25_549_352,  # 2 * (256 + 512 + 1024 + 2048) less
    "preact-resnet101": 44_541_480,
    "preact-resnet152": 60_185_128,
    "allconv": 1_369_738,
}
for depth, count in {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}.items():
    PARAMETERS |= {f"{kind}{depth}-cifar": count for kind in ("resnet", "plain", "preact-resnet")}

SMALL = {"lenet5": 20, "alexnet": 67, "zfnet": 63, "vgg": 32, "googlenet": 47, "allconv": 12}  # pixels; others take 16


DEEP = ("resnet101", "resnet152", "preact-resnet101", "preact-resnet152", "110-cifar", "56-cifar", "44-cifar")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small networks do not gain by a second thread, and lose much where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def deep_ones_are_slow(network_names):
    return [pytest.param(name, marks=[pytest.mark.slow] * name.endswith(DEEP)) for name in network_names]


def small_size(name):
    return next((size for start, size in SMALL.items() if name.startswith(start)), 16)


def test_every_name_has_its_count():
    assert sorted(PARAMETERS) == sorted(names())
    assert len(names()) == len(set(names()))


@pytest.mark.parametrize("name", names())
def test_parameters(name):
    assert parameters(on_meta(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", deep_ones_are_slow(names()))
def test_output_is_a_score_for_each_class(name):
    facts = card(name)
    images = torch.zeros(2, *facts.input_shape, device="meta")
    assert on_meta(name).eval()(images).shape == (2, facts.classes)


@pytest.mark.parametrize("name", deep_ones_are_slow(names()))
def test_forward_and_backward_small(name):
    network = build(name, classes=10, width=0.1, size=small_size(name), channels=1, seed=0)
    images = torch.rand(3, 1, small_size(name), small_size(name), generator=torch.Generator().manual_seed(1))
    scores = network(images)
    assert scores.shape == (3, 10)
    nn.functional.cross_entropy(scores, torch.tensor([1, 4, 9])).backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in names() if not name.endswith(DEEP)])
def test_learns_a_few_pictures_by_heart(name):
    size = small_size(name)
    options = {"dropout": 0.0} if "dropout" in card(name).options else {}
    network = build(name, classes=2, width=0.25, size=size, channels=1, seed=0, **options)
    images = torch.rand(8, 1, size, size, generator=torch.Generator().manual_seed(1))
    images[4:, :, : size // 2] *= 0.2
    labels = torch.tensor([0] * 4 + [1] * 4)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(60):
        loss = nn.functional.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (network(images).argmax(1) == labels).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_full_size_forward(name):
    with torch.inference_mode():
        scores = build(name, seed=0).eval()(torch.rand(1, *card(name).input_shape))
    assert scores.shape == (1, card(name).classes)
    assert scores.isfinite().all()


def test_lenet5_layer_by_layer():
    network = build("lenet5", seed=0)
    layers = {name: parameters(layer) for name, layer in network.named_children() if parameters(layer)}
    assert layers == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert [len(seen) for seen in C3_TABLE] == [3] * 6 + [4] * 9 + [6]
    assert [sum(k in seen for seen in C3_TABLE) for k in range(6)] == [10] * 6
    maps = torch.rand(1, 6, 14, 14)
    changed = maps.clone()
    changed[:, 0] += 1
    differs = (network.c3(maps) != network.c3(changed)).any((0, 2, 3))
    assert differs.tolist() == [0 in seen for seen in C3_TABLE]


def test_lenet5_subsampling_squashing_and_codes():
    network = build("lenet5", seed=0)
    x = torch.rand(1, 6, 4, 6)
    with torch.no_grad():
        network.s2.weight.copy_(torch.arange(6.0))
        network.s2.bias.fill_(0.5)
        y = network.s2(x)
    assert y.shape == (1, 6, 2, 3)
    assert torch.allclose(y[0, 3, 1, 2], x[0, 3, 2:4, 4:6].mean() * 3 + 0.5)
    assert torch.allclose(network.squash(torch.tensor([1.0, -1.0])), torch.tensor([1.0, -1.0]), atol=1e-4)
    codes = network.output.codes
    assert codes.shape == (10, 84)
    assert set(codes.unique().tolist()) == {-1, 1}
    scores = network.output(codes)
    assert (scores.argmax(1) == torch.arange(10)).all()
    assert (scores.diagonal() == 0).all()
    others = scores[~torch.eye(10, dtype=bool)]
    assert others.max() <= -4 * 8  # any two digits differ in eight pixels at least, each by 2, squared
    assert "output.codes" in network.state_dict()
    rows = BITMAPS.split()
    assert len(rows) == 120
    assert {len(row) for row in rows} == {7}


def test_alexnet_towers_meet_in_the_third_convolution():
    features = build("alexnet", width=0.1, size=67, seed=0).features
    half = features.conv1.out_channels // 2
    x = torch.rand(1, 2 * half, 9, 9)
    changed = x.clone()
    changed[:, half:] += 1

    def unchanged(conv, *images):
        first, second = (conv(image) for image in images)
        return (first == second).flatten(2).all(2)[0]

    seen = unchanged(features.conv2, x, changed)
    assert seen[: len(seen) // 2].all()
    assert not seen[len(seen) // 2 :].any()
    maps = features.conv3.in_channels
    x, changed = torch.rand(1, maps, 5, 5), torch.rand(1, maps, 5, 5)
    changed[:, : maps // 2] = x[:, : maps // 2]
    assert not unchanged(features.conv3, x, changed).any()


def test_response_norm_is_the_papers():
    """The paper's alpha is not divided by the number of maps; PyTorch's is."""
    norm = build("alexnet", width=0.1, size=67).features.norm1
    x = 40 * torch.rand(1, 7, 1, 1, dtype=torch.float64)
    a = x.flatten()
    expected = [a[i] / (2 + 1e-4 * (a[max(0, i - 2) : i + 3] ** 2).sum()) ** 0.75 for i in range(7)]
    assert torch.allclose(norm(x).flatten(), torch.stack(expected))


def test_googlenet_heads_speak_in_training_alone():
    network = build("googlenet", aux=True, classes=5, width=0.1, size=96, channels=1, seed=0)
    images = torch.rand(2, 1, 96, 96)
    with_heads = network(images)
    assert [scores.shape for scores in with_heads] == [(2, 5)] * 3
    assert with_heads._fields == ("logits", "aux_logits2", "aux_logits1")
    sum(scores.sum() for scores in with_heads).backward()
    assert all(p.grad is not None for p in network.parameters())
    assert network.eval()(images).shape == (2, 5)


def test_padded_shortcut_drops_pixels_and_adds_zeros():
    block = build("resnet20-cifar", seed=0).layer2[0]
    assert parameters(block.shortcut) == 0
    x = torch.rand(2, 16, 5, 7)
    y = block.shortcut(x)
    assert y.shape == (2, 32, 3, 4)
    assert torch.equal(y[:, :16], x[:, :, ::2, ::2])
    assert not y[:, 16:].any()


def test_plain_network_is_the_resnet_without_shortcuts():
    residual, plain = (build(f"{kind}20-cifar", width=0.25, seed=0).eval() for kind in ("resnet", "plain"))
    plain.load_state_dict(residual.state_dict())
    for network in (residual, plain):
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d) and module is not network.bn1:
                nn.init.zeros_(module.weight)  # every block's branch is silent
    x = torch.rand(1, 3, 8, 8)
    stem = residual.relu(residual.bn1(residual.conv1(x)))
    assert torch.equal(residual.layer1(stem), stem)  # a block of zeros is the identity, for inputs >= 0
    assert not plain.layer1(stem).any()


def test_preactivation_passes_any_input_unchanged():
    network = build("preact-resnet20-cifar", width=0.25, seed=0).eval()
    for unit in network.layer1:
        nn.init.zeros_(unit.conv2.weight)
    x = torch.randn(1, 4, 8, 8)  # negative numbers too
    assert torch.equal(network.layer1(x), x)
    bottleneck = build("preact-resnet50", width=0.1, channels=1, seed=0)
    assert isinstance(bottleneck.layer1[0].bn1, nn.Identity)
    assert isinstance(bottleneck.layer1[1].bn1, nn.BatchNorm2d)


def test_allconv_has_no_pooling_and_no_dense_layer():
    network = on_meta("allconv")
    kinds = (nn.MaxPool2d, nn.AvgPool2d, nn.Linear)
    assert not any(isinstance(layer, kinds) for layer in network.modules())
    shapes = outputs(network, torch.zeros(1, 3, 32, 32, device="meta"))
    assert [shape[-1] for shape in shapes.values()] == [32, 32, 16, 16, 16, 8, 6, 6, 6]


def test_a_seed_gives_the_same_weights_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second, third = (build("lenet5-modern", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.features.conv1.weight, third.features.conv1.weight)


def test_width_multiplies_channels():
    assert build("vgg11", width=0.25, size=32).features[0].out_channels == 16
    assert build("resnet18", width=2, size=32).fc.in_features == 1024
    assert build("vgg11", width=1e-6, size=32).features[0].out_channels == 1
    assert build("alexnet", width=0.01, size=67).features.conv2.groups == 2
    wide = build("lenet5", width=2)
    assert (wide.c3[0].in_channels, len(wide.c3)) == (6, 32)  # three of six maps are six of twelve
