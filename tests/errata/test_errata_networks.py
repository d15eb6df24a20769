"""Rows of ERRATA.md about designing networks and about the famous ones: what is said and what is right, computed."""

from functools import cache

import numpy as np
import pytest

from coursekit import nn
from coursekit.models import table
from coursekit.shapes import activation_bytes, conv_macs, conv_parameters, output_size

MIB, MB = 2**20, 10**6
VGG16 = (
    "INPUT 3x224x224 -> [CONV3-64 -> RELU]*2 -> POOL2 -> [CONV3-128 -> RELU]*2 -> POOL2 -> [CONV3-256 -> RELU]*3 -> "
    "POOL2 -> [CONV3-512 -> RELU]*3 -> POOL2 -> [CONV3-512 -> RELU]*3 -> POOL2 -> [FC-4096 -> RELU]*2 -> FC-1000"
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@cache
def network(name, **options):
    """A network without memory for its weights."""
    torch = pytest.importorskip("torch", reason="builds the network in PyTorch")
    from coursekit.models import build

    with torch.device("meta"):
        return build(name, **options)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def kinds(module, word):
    return [layer for layer in module.modules() if type(layer).__name__.startswith(word)]


@cache
def counted(name, shape=None):
    pytest.importorskip("torch", reason="builds the network in PyTorch")
    return table(name, shape)


# ------------------------------------------------------------------ designing


def test_three_volumes_of_vgg():
    size = activation_bytes((3 * 64, 224, 224))
    both = 2 * size
    assert size // 4 == 9_633_792
    assert (round(both / MB, 1), both / MIB) == (77.1, 73.5)


def test_megabytes_and_mebibytes():
    size = activation_bytes((64, 224, 224))
    assert (size / 1_024**2, round(size / 1_000**2, 2)) == (12.25, 12.85)


def test_lectures_count_multiply_adds():
    macs = conv_macs(3, 64, 11, (56, 56))
    multiplied, added = macs, macs  # one of each
    assert macs == 72_855_552
    assert multiplied + added == 145_711_104


def test_operations_of_resnet50():
    paper = table(network("resnet50", stride_in="1x1"), (3, 224, 224)).totals.macs
    usual = counted("resnet50").totals.macs
    assert 3.8e9 < paper < 3.9e9
    assert (round(usual / 1e9, 3), round(2 * usual / 1e9, 1)) == (4.089, 8.2)


def test_two_3x3_are_no_5x5(rng):
    a, b = rng.normal(size=(2, 3, 3))

    def both(change, place):
        """The 5x5 kernel that two small ones amount to, differentiated by one of their weights."""
        unit = np.zeros((3, 3))
        unit.flat[place] = 1
        one, other = (unit, b) if change == "a" else (unit, a)
        return nn.conv_forward(np.pad(one, 2)[None, None], other[None, None, ::-1, ::-1].copy())[0].ravel()

    directions = [both(which, place) for which in "ab" for place in range(9)]
    assert np.linalg.matrix_rank(directions) == 17
    assert len(directions[0]) == 25
    assert len(directions) == 18


def test_large_kernels_do_not_shrink_by_themselves():
    assert [output_size(32, kernel, padding=(kernel - 1) // 2) for kernel in (3, 5, 11)] == [32, 32, 32]
    assert [output_size(32, kernel) for kernel in (3, 5, 11)] == [30, 28, 22]


def test_channels_stop_doubling():
    convs = [row for row in table(VGG16).rows if row.kind == "conv"]
    assert [row.output_shape[0] for row in convs][::3] == [64, 128, 256, 512, 512]
    assert (convs[-4].macs, convs[-1].macs) == (1_849_688_064, 462_422_016)


def small_network(x, padding):
    """Three convolutions of 3x3 and a pooling by 2: (1, 1, H, W) -> one map."""
    weights = np.random.default_rng(1).normal(size=(3, 4, 4, 3, 3)) / 6
    x = np.repeat(x, 4, axis=1)
    for w in weights[:2]:
        x = np.maximum(nn.conv_forward(x, w, padding=padding)[0], 0)
    return nn.conv_forward(nn.max_pool_forward(x, 2)[0], weights[2], padding=padding)[0]


@pytest.mark.parametrize("padding", [0, 1])
def test_sliding_a_padded_network(padding, rng):
    picture = rng.normal(size=(1, 1, 24, 24))
    whole, crop = small_network(picture, padding), small_network(picture[..., 4:20, 4:20], padding)
    same = whole[..., 2 : 2 + crop.shape[2], 2 : 2 + crop.shape[3]]
    assert np.allclose(same, crop) == (padding == 0), "the crop sees zeros where the picture goes on"


def test_alexnet_pools_three_times():
    def pools(counts):
        shapes = [row.output_shape for row in counts.rows if row.kind == "pool"]
        return len(shapes), shapes[-1]

    assert pools(counted("alexnet")) == (3, (256, 6, 6))
    assert pools(table(VGG16)) == (5, (512, 7, 7))


def test_fc_as_a_convolution_has_4096_filters():
    first = next(row for row in table(VGG16).rows if row.kind == "fc")
    assert conv_parameters(512, 4096, 7) == first.parameters == 102_764_544
    assert conv_parameters(512, 4906, 7) != first.parameters


def test_shift_and_stitch_takes_four_passes(rng):
    filled = np.zeros((8, 8), dtype=bool)
    for i, j in [(0, 0), (1, 1)]:
        filled[i::2, j::2] = True
    assert filled.mean() == 0.5, "two passes"
    seen = []

    def network_of_stride_4(x):
        seen.append(x.shape)
        return x[:, :, ::4, ::4]

    x = rng.normal(size=(1, 1, 32, 32))
    assert np.array_equal(nn.shift_and_stitch(network_of_stride_4, x, stride=4), x[:, :, ::2, ::2])
    assert len(seen) == 4


# ------------------------------------------------------------------ the famous ones


def test_alexnet_has_two_towers():
    grouped, ungrouped = counted("alexnet").totals, counted("alexnet-ungrouped").totals
    assert (grouped.parameters, ungrouped.parameters) == (60_965_224, 62_378_344)
    assert (round(grouped.macs / 1e9, 3), round(ungrouped.macs / 1e9, 3)) == (0.724, 1.135)


def test_lenet_has_60000():
    assert (parameters(network("lenet5")), parameters(network("lenet5-modern"))) == (60_000, 61_706)
    assert not kinds(network("lenet5"), "ReLU")
    assert not kinds(network("lenet5"), "MaxPool")


def test_zfnet_comes_in_two_widths():
    widths = {
        name: [conv.out_channels for conv in kinds(network(name), "Conv")][2:] for name in ("zfnet", "zfnet-wide")
    }
    assert widths == {"zfnet": [384, 384, 256], "zfnet-wide": [512, 1024, 512]}


def test_memory_of_vgg16():
    total = table(VGG16).totals
    assert total.activation_elements == 15_237_608
    assert (round(total.activation_bytes / MIB, 2), round(total.activation_bytes / MB, 2)) == (58.13, 60.95)
    said = 24_000_000 * 4
    assert (said / MB, round(said / MIB, 1)) == (96, 91.6), "the sum would not be 93 either"


def test_vgg16_with_a_layer_left_out():
    short = table(VGG16.replace("[CONV3-256 -> RELU]*3", "[CONV3-256 -> RELU]*2")).totals
    whole = table(VGG16).totals
    assert (round(short.conv_fc_bytes / MIB, 2), round(short.macs / 1e9, 2)) == (48.65, 13.62)
    assert tuple(int(n * 10) / 10 for n in (short.conv_fc_bytes / MIB, short.macs / 1e9)) == (48.6, 13.6)
    assert (round(whole.conv_fc_bytes / MIB, 2), round(whole.macs / 1e9, 2)) == (51.71, 15.47)


def test_torchvision_has_variants():
    models = pytest.importorskip("torchvision", reason="looks at its networks").models
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        alexnet, resnet = models.alexnet(), models.resnet50()
        googlenet = models.googlenet(init_weights=False, aux_logits=False)
    assert not kinds(alexnet, "LocalResponseNorm")
    assert len(kinds(network("alexnet"), "LocalResponseNorm")) == 2
    assert (parameters(alexnet), parameters(googlenet)) == (61_100_840, 6_624_904)
    assert googlenet.inception3a.branch3[1].conv.kernel_size == (3, 3)
    assert network("googlenet").inception3a.branch3[1].conv.kernel_size == (5, 5)
    assert (resnet.layer2[0].conv1.stride, resnet.layer2[0].conv2.stride) == ((1, 1), (2, 2))


def test_googlenet_parameters():
    net = network("googlenet")
    assert parameters(net) == 6_998_552
    assert parameters(network("googlenet", aux=True)) == 13_378_280
    assert round(parameters(network("alexnet")) / parameters(net), 1) == 8.7


def stem_of_googlenet():
    return [row for row in counted("googlenet").rows if row.kind == "conv"][:3]


def test_first_layer_of_googlenet():
    first = stem_of_googlenet()[0]
    assert conv_parameters(3, 64, 7, bias=False) == first.weights == 9_408
    assert first.biases == 64
    said = 2.7e3
    assert 3 * said < first.weights


def test_stem_of_googlenet():
    macs = [row.macs for row in stem_of_googlenet()]
    assert [round(each / 1e6, 1) for each in macs] == [118.0, 12.8, 346.8]
    assert round(sum(macs) / 1e6, 1) == 477.7
    said = 418 * 10**6
    assert min(abs(sum(macs[:k] + macs[k + 1 :]) - said) for k in range(3)) > 40e6, "nor is a layer left out"


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "resnet50"])
def test_networks_end_in_an_average_pool(name):
    before, pool = [row for row in counted(name).rows if row.kind in ("conv", "pool")][-2:]
    assert (before.output_shape[1:], pool.kind, pool.output_shape[1:]) == ((7, 7), "pool", (1, 1))
    kinds_of_pools = {type(layer).__name__ for layer in kinds(network(name), ("MaxPool", "AvgPool", "AdaptiveAvg"))}
    assert kinds_of_pools == {"MaxPool2d", "AdaptiveAvgPool2d"}, "between layers only the maximum"


def test_googlenet_and_resnet_keep_an_fc_layer():
    assert [parameters(layer) for layer in kinds(network("googlenet"), "Linear")] == [1_025_000]
    assert [parameters(layer) for layer in kinds(network("resnet50"), "Linear")] == [2_049_000]


def test_resnet_has_no_conv_biases():
    net = network("resnet50")
    convs = kinds(net, "Conv")
    assert all(conv.bias is None for conv in convs)
    assert parameters(net) == 25_557_032
    assert parameters(net) + sum(conv.out_channels for conv in convs) == 25_583_592


def test_rivals_of_the_bottleneck():
    bottleneck = sum(conv_parameters(*layer, bias=False) for layer in [(256, 64, 1), (64, 64, 3), (64, 256, 1)])
    narrow, wide = (2 * conv_parameters(width, width, 3, bias=False) for width in (64, 256))
    assert (bottleneck, narrow, wide) == (69_632, 73_728, 1_179_648)


def test_end_of_resnet():
    def last_map(side):
        return [row.output_shape for row in counted("resnet18", (3, side, side)).rows if row.kind == "conv"][-1]

    assert (last_map(224), last_map(128)) == ((512, 7, 7), (512, 4, 4))
    assert [row.output_shape for row in counted("resnet50").rows if row.kind == "conv"][-1] == (2048, 7, 7)


def test_identity_only_where_positive():
    x = np.array([-2.0, -1, 0, 3])
    branch = 0 * x  # a block whose weights are all 0
    after = nn.relu_forward(branch + x)[0]
    assert after.tolist() == [0, 0, 0, 3]
    assert np.array_equal(nn.relu_forward(branch + np.abs(x))[0], np.abs(x))
