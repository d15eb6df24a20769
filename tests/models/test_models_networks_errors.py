"""What `build` refuses, and what networks say of images they cannot take."""

import re

import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")

from coursekit.models import build


@pytest.mark.parametrize(
    ("name", "near"), [("vgg17", "vgg16"), ("ResNet-50", "resnet50"), ("alexnett", "alexnet"), ("zzz", "names()")]
)
def test_unknown_names_list_the_near_ones(name, near):
    with pytest.raises(ValueError, match=re.escape(near)):
        build(name)


def test_a_name_is_text():
    with pytest.raises(TypeError, match="name is 16"):
        build(16)


def test_unknown_options_list_the_known_ones():
    with pytest.raises(
        TypeError, match=r"vgg16 has no option sise: it has classes, channels, width, size, dropout, and seed"
    ):
        build("vgg16", sise=32)
    with pytest.raises(TypeError, match="no option depth"):
        build("vgg16", depth=11)


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("classes", 0, ValueError),
        ("classes", 2.5, TypeError),
        ("channels", True, TypeError),
        ("size", "224", TypeError),
        ("width", 0, ValueError),
        ("width", float("nan"), ValueError),
        ("width", "wide", TypeError),
        ("dropout", 1.5, ValueError),
        ("dropout", None, TypeError),
    ],
)
def test_option_values_are_named(option, value, error):
    with pytest.raises(error, match=f"{option} is"):
        build("vgg11", **{option: value})
    with pytest.raises(TypeError, match="aux is 1"):
        build("googlenet", aux=1)


@pytest.mark.parametrize(
    ("name", "size", "layer", "least"),
    [
        ("vgg16", 16, "features.30 (MaxPool2d) ran out of pixels: its input is 1x1, its kernel 2x2", 32),
        ("vgg16", 31, "features.30", 32),
        ("alexnet", 30, "pool2 (MaxPool2d) ran out of pixels: its input is 2x2, its kernel 3x3", 67),
        ("alexnet-torchvision", 62, "features.12", 63),
        ("lenet5", 10, "c3", 16),
        ("googlenet", 20, "maxpool3", 47),
        ("allconv", 8, "conv7 (Conv2d) ran out of pixels: its input is 2x2, its kernel 3x3", 9),
        ("deepconvnet", 2, "pool3", 4),
    ],
)
def test_too_small_a_size_names_the_layer_and_the_least_that_is_enough(name, size, layer, least):
    with pytest.raises(ValueError, match=re.escape(layer)) as caught:
        build(name, size=size, width=0.05)
    assert f"size is {size}: use {least} or more" in str(caught.value)
    network = build(name, size=least, width=0.05, classes=4).eval()
    channels = 1 if name in ("lenet5", "deepconvnet") else 3
    assert network(torch.zeros(1, channels, least, least)).shape == (1, 4)


def test_heads_of_googlenet_need_more_pixels():
    with pytest.raises(
        ValueError, match=r"aux1.pool \(AvgPool2d\) ran out of pixels: its input is 4x4.*use 79 or more"
    ):
        build("googlenet", aux=True, size=64, width=0.1)


def test_lenet5_has_codes_for_ten_digits():
    with pytest.raises(ValueError, match=r"classes is 12.*lenet5-modern"):
        build("lenet5", classes=12)
    assert build("lenet5", classes=3)(torch.zeros(1, 1, 32, 32)).shape == (1, 3)


def test_transform_input_is_for_colours():
    with pytest.raises(ValueError, match="channels is 1"):
        build("googlenet-torchvision", channels=1, transform_input=True)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 16, 16), "features.20 (MaxPool2d) ran out of pixels: its input is 1x1, its kernel 2x2. Images are"),
        ((1, 3, 64, 8), "features.15 (MaxPool2d) ran out of pixels: its input is 8x1"),
        ((1, 3, 96, 96), "classifier.0 takes 204 numbers an image and got 459"),
        ((1, 1, 64, 64), "Build the network with channels=1"),
        ((3, 64, 64), "images[None]"),
    ],
)
def test_images_that_do_not_fit_name_the_layer(shape, message):
    network = build("vgg11", width=0.1, size=64)
    with pytest.raises(ValueError, match=re.escape(message)):
        network(torch.zeros(shape))
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 1000)  # no hook is left behind
    assert not any(layer._forward_pre_hooks for layer in network.modules())


def test_other_errors_pass_as_they_are():
    network = build("lenet5-modern")
    with pytest.raises(RuntimeError, match=r"expected|type"):
        network(torch.zeros(1, 1, 32, 32, dtype=torch.float64))
