"""Numbers about the networks that papers, lectures and this course print, each counted anew."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")

from on_meta import macs, on_meta, outputs, parameters
from torch import nn

from coursekit.models import build, card

# Multiply-adds of convolutions and FC layers for one image, in units of 10^9, rounded as they are usually printed.
GIGA_MACS = {
    "alexnet": 0.724,
    "alexnet-ungrouped": 1.135,
    "alexnet-torchvision": 0.714,
    "alexnet-lecture": 0.717,
    "vgg16": 15.470,
    "googlenet": 1.583,
    "resnet50": 4.089,
}


@pytest.mark.parametrize("name", GIGA_MACS)
def test_multiply_adds(name):
    assert round(macs(on_meta(name), card(name).input_shape) / 1e9, 3) == GIGA_MACS[name]


def test_alexnet_layer_by_layer():
    network = on_meta("alexnet")
    shapes = outputs(network, torch.zeros(1, 3, 227, 227, device="meta"))
    assert shapes["features.conv1"] == (1, 96, 55, 55)
    neurons = torch.Size(shapes["features.conv1"]).numel()
    assert neurons == 290_400
    assert neurons * (network.features.conv1.weight[0].numel() + 1) == 105_705_600  # if no weights were shared
    assert network.features.conv1.weight.numel() == 34_848
    neurons = sum(torch.Size(shape).numel() for shape in shapes.values())
    assert neurons == 659_272  # the abstract says 650,000; Figure 2 prints 253,440 for the first layer
    assert parameters(network.features.conv1) == 34_944
    assert network.classifier.fc6.in_features == 9_216
    pools = outputs(network, torch.zeros(1, 3, 227, 227, device="meta"), kinds=nn.MaxPool2d)
    assert list(pools.values()) == [(1, 96, 27, 27), (1, 256, 13, 13), (1, 256, 6, 6)]


def test_alexnet_of_lectures_and_of_torchvision():
    lecture = on_meta("alexnet-lecture")
    pools = outputs(lecture, torch.zeros(1, 3, 227, 227, device="meta"), kinds=(nn.Conv2d, nn.MaxPool2d))
    assert (pools["features.0"], pools["features.2"]) == ((1, 64, 56, 56), (1, 64, 27, 27))
    assert parameters(lecture.features[0]) == 23_296
    outputs_1 = torch.Size(pools["features.0"]).numel()
    assert (outputs_1, outputs_1 * 4 / 1024) == (200_704, 784)
    assert outputs_1 * lecture.features[0].weight[0].numel() == 72_855_552
    assert torch.Size(pools["features.2"]).numel() * 9 == 419_904
    shapes = outputs(on_meta("alexnet-torchvision"), torch.zeros(1, 3, 224, 224, device="meta"))
    assert shapes["features.0"] == (1, 64, 55, 55)


def test_zfnet_sizes_are_the_figures():
    shapes = outputs(on_meta("zfnet"), torch.zeros(1, 3, 224, 224, device="meta"), kinds=(nn.Conv2d, nn.MaxPool2d))
    assert [shape[-1] for shape in shapes.values()] == [110, 55, 26, 13, 13, 13, 13, 6]
    assert [on_meta("zfnet-wide").features[k].out_channels for k in (8, 10, 12)] == [512, 1024, 512]


def test_vgg16_layer_by_layer():
    network = on_meta("vgg16")
    weights = sum(p.numel() for p in network.parameters() if p.ndim > 1)
    assert weights == 138_344_128
    assert network.classifier[0].weight.numel() == 102_760_448
    images = torch.zeros(1, 3, 224, 224, device="meta")
    pools = outputs(network, images, kinds=nn.MaxPool2d)
    assert (len(pools), list(pools.values())[-1]) == (5, (1, 512, 7, 7))
    shapes = outputs(network, images, kinds=nn.Conv2d)
    assert len(shapes) == 13
    same = {}  # by stage, multiply-adds of the convolutions that keep the number of maps
    for name, (_, maps, height, width) in shapes.items():
        kernel = network.get_submodule(name).weight
        if kernel.shape[1] == maps:
            same.setdefault(height, set()).add(kernel.numel() * height * width)
    assert list(same.values()) == [{1_849_688_064}] * 4 + [{462_422_016}]


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_vgg_depth_counts_layers_with_weights(depth):
    layers = [layer for layer in on_meta(f"vgg{depth}").modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


def test_googlenet_layer_by_layer():
    network = on_meta("googlenet")
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 57
    assert sum(parameters(conv) for conv in convolutions) == 5_973_552
    assert parameters(network.fc) == 1_025_000
    assert network.conv1.conv.weight.numel() == 9_408
    stem = [network.conv1, network.conv2, network.conv3]
    assert sum(parameters(unit) for unit in stem) == 124_416
    places = [112**2, 56**2, 56**2]
    costs = [unit.conv.weight.numel() * count for unit, count in zip(stem, places, strict=True)]
    assert [round(cost / 1e6, 1) for cost in costs] == [118.0, 12.8, 346.8]
    assert round(sum(costs) / 1e6, 1) == 477.7  # lectures print 418
    reduce5, five = (unit.conv for unit in network.inception3a.branch3)
    assert five.kernel_size == (5, 5)
    direct = 28 * 28 * five.out_channels * reduce5.in_channels * 25
    through = 28 * 28 * (reduce5.weight.numel() + five.weight.numel())
    assert (direct, through) == (120_422_400, 12_443_648)
    assert parameters(on_meta("googlenet", aux=True)) == 13_378_280
    assert parameters(on_meta("googlenet-torchvision", aux=True)) == 13_004_888


def test_googlenet_is_smaller_than_alexnet_and_costs_more():
    small, large = on_meta("googlenet"), on_meta("alexnet")
    assert round(parameters(large) / parameters(small), 1) == 8.7
    assert round(macs(small, (3, 224, 224)) / macs(large, (3, 227, 227)), 1) == 2.2


def test_resnet_of_the_paper_strides_in_the_1x1():
    v1 = on_meta("resnet50", stride_in="1x1")
    assert parameters(v1) == 25_557_032
    assert round(macs(v1, (3, 224, 224)) / 1e9, 1) == 3.9  # the paper prints 3.8; torchvision's costs 4.1
    assert (v1.layer2[0].conv1.stride, v1.layer2[0].conv2.stride) == ((2, 2), (1, 1))
    with pytest.raises(ValueError, match="stride_in is '2x2'"):
        build("resnet50", stride_in="2x2")
    with pytest.raises(TypeError, match="no option stride_in"):
        build("resnet18", stride_in="1x1")


def test_resnet_blocks():
    def weights(block):
        return sum(p.numel() for p in block.parameters() if p.ndim == 4)

    assert weights(on_meta("resnet18").layer1[0]) == 73_728
    assert weights(on_meta("resnet50").layer1[1]) == 69_632
    assert on_meta("resnet50").layer1[1].conv1.weight.numel() == 16_384
    assert weights(on_meta("resnet34").layer3[1]) == 1_179_648  # a basic block of 256 maps
    for name, size, shape in (
        ("resnet18", 224, (512, 7, 7)),
        ("resnet18", 128, (512, 4, 4)),
        ("resnet50", 224, (2048, 7, 7)),
    ):
        seen = outputs(on_meta(name), torch.zeros(1, 3, size, size, device="meta"), kinds=nn.Sequential)
        assert seen["layer4"][1:] == shape
    assert [type(layer) for layer in on_meta("resnet50").modules() if isinstance(layer, nn.Linear)] == [nn.Linear]
