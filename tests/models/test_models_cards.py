"""The cards: complete, light to read, and counted where they can be."""

import dataclasses
import subprocess
import sys

import pytest

from coursekit.models import card, names


@pytest.mark.parametrize("name", names())
def test_every_card_is_complete(name):
    facts = card(name)
    assert facts.name == name
    assert facts.title
    assert 1998 <= facts.year <= 2016
    assert facts.paper.count('"') == 2  # a title in it
    assert len(facts.input_shape) == 3
    assert facts.input_shape[1] == facts.input_shape[2]
    assert facts.classes in (10, 1000)
    assert any(word in facts.published_error for word in ("%", "not published", "plotted"))
    assert all(sentence.endswith((".", '".', '"1x1".')) for sentence in facts.departures)


def test_cards_are_frozen_and_one_of_each():
    assert card("vgg16") is card("vgg16")
    with pytest.raises(dataclasses.FrozenInstanceError):
        card("vgg16").year = 2015


def test_names_and_cards_import_no_torch():
    code = "import sys, coursekit.models as m; [m.card(n).title for n in m.names()]; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


def test_depth_is_what_the_paper_counts():
    pytest.importorskip("torch", reason="needs the extra torch")
    depths = {"lenet5": 7, "alexnet": 8, "zfnet": 8, "vgg19": 19, "googlenet": 22, "resnet152": 152, "allconv": 9}
    for name, depth in depths.items():
        assert card(name).depth == depth
    for name in names():
        if "resnet" in name or "plain" in name:
            assert str(card(name).depth) in name


@pytest.mark.parametrize("name", [name for name in names() if name not in ("lenet5", "googlenet-torchvision")])
def test_depth_counts_layers_with_weights(name):
    """A projection is a way round, not a layer more; GoogLeNet counts a block of branches as two."""
    torch = pytest.importorskip("torch", reason="needs the extra torch")
    from on_meta import on_meta

    layers = [
        path
        for path, layer in on_meta(name).named_modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
        and "downsample" not in path
        and "shortcut" not in path
        and not path.startswith("inception")
    ]
    blocks = 9 if name == "googlenet" else 0
    assert len(layers) + 2 * blocks == card(name).depth


def test_options_are_those_of_the_build():
    pytest.importorskip("torch", reason="needs the extra torch")
    assert card("resnet50").options == ("classes", "channels", "width", "size", "stride_in")
    assert card("resnet18").options == ("classes", "channels", "width", "size")
    assert "groups" in card("alexnet").options
    assert "groups" not in card("alexnet-ungrouped").options
    assert "aux" in card("googlenet").options


def test_numbers_are_counted():
    pytest.importorskip("torch", reason="needs the extra torch")
    facts = card("alexnet")
    assert facts.parameters == 60_965_224
    assert facts.macs == 724_406_816
    text = str(facts)
    assert "60,965,224 parameters, 724,406,816 multiply-adds" in text
    assert "15.3 %" in text
    assert "departs" in text
