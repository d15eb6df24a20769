"""What is shown of a network's inside is what it computes, and looking leaves no trace."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import nn, viz
from coursekit.shapes import Field
from coursekit.viz.strip import default_layers

pytestmark = pytest.mark.filterwarnings("error")
RNG = np.random.default_rng(0)


@pytest.fixture
def network():
    return nn.SimpleConvNet((1, 12, 12), {"filter_num": 4, "filter_size": 5}, hidden_size=6, output_size=3)


@pytest.fixture
def images():
    return RNG.random((5, 1, 12, 12)).astype(np.float32)


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    torch.set_num_threads(1)
    return torch


@pytest.fixture
def module(torch):
    relu = torch.nn.ReLU(inplace=True)
    block = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, padding=1), torch.nn.BatchNorm2d(4), relu)
    head = (torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Dropout(), torch.nn.Linear(4, 3))
    return torch.nn.Sequential(torch.nn.Conv2d(1, 4, 5), relu, torch.nn.MaxPool2d(2), block, *head)


def trace_of(module):
    """All that looking could change in a module."""
    hooks = sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in module.modules())
    grads = [parameter.grad for parameter in module.parameters()]
    state = {name: value.clone() for name, value in module.state_dict().items()}
    return hooks, grads, [part.training for part in module.modules()], state


def same(torch, before, after):
    return before[:3] == after[:3] and all(torch.equal(value, after[3][name]) for name, value in before[3].items())


def test_activations_are_the_layers_outputs(network, images):
    maps = viz.activations(network, images[0])
    assert list(maps) == list(network.layers)
    assert np.array_equal(maps["Affine2"], network.predict(images[:1])[0])
    w, b = network.params["W1"], network.params["b1"]
    assert maps["Conv1"][2, 3, 1] == pytest.approx(np.sum(w[2] * images[0][:, 3:8, 1:6]) + b[2], rel=1e-4)
    assert np.array_equal(viz.activations(network, images[0, 0], ["Relu1"])["Relu1"], np.maximum(maps["Conv1"], 0))


def test_numpy_networks_come_back_in_their_mode(network, images):
    network.layers["Relu1"].training = False
    viz.activations(network, images[0])
    assert [layer.training for layer in network.layers.values()] == [True, False, True, True, True, True]


def test_numpy_networks_need_no_torch():
    code = (
        "import sys, numpy as np; from coursekit import nn, viz; net = nn.SimpleConvNet();"
        "x = np.ones((2, 1, 28, 28), np.float32); viz.activation_strip_figure(net, x[0]); viz.dead_maps(net, x);"
        "viz.maximal_patches(net, 'Pool1', 1, x); viz.effective_field(net, 'Pool1', count=1);"
        "viz.filters_figure(net.params['W1']); print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout == "False\n", ran.stderr


def test_torch_activations_see_what_was_there_before_a_relu_in_place(torch, module, images):
    module.eval()
    maps = viz.activations(module, images[0])
    assert list(maps) == ["0", "1", "2", "3.0", "3.1", "1 (2)", "4", "7"]  # the ReLU is one module in two places
    assert np.array_equal(np.maximum(maps["0"], 0), maps["1"])
    assert maps["0"].min() < 0
    with torch.no_grad():
        assert np.allclose(maps["7"], module(torch.from_numpy(images[:1]))[0])


def test_looking_into_a_module_leaves_no_trace(torch, module, images):
    module[3].eval()  # a mixed mode, too
    before = trace_of(module)
    viz.activations(module, images[0])
    viz.dead_maps(module, images)
    viz.activation_strip_figure(module, images[0])
    viz.maximal_patches(module, "2", 0, images)
    viz.effective_field(module, "3", size=(1, 12, 12), count=2)
    assert same(torch, before, trace_of(module))


def test_hooks_go_even_where_the_network_fails(torch, module):
    before = trace_of(module)
    with pytest.raises(RuntimeError):
        viz.activations(module, np.zeros((3, 12, 12), np.float32))
    assert same(torch, before, trace_of(module))


def test_parts_of_a_module_can_be_asked_for(module, images):
    every = viz.activations(module, images[0])
    asked = viz.activations(module, images[0], ["3", "1 (2)"])
    assert list(asked) == ["3", "1 (2)"]
    assert np.array_equal(asked["3"], every["1 (2)"])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net, x: viz.activations(net, x), ValueError, "expected one image"),
        (lambda net, x: viz.activations(net, x[0], ["Conv2"]), ValueError, "no layer 'Conv2'.*Conv1"),
        (lambda net, x: viz.activations("net", x[0]), TypeError, "network is str"),
        (lambda net, x: viz.activations(net, (255 * x[0]).astype(np.uint8)), TypeError, "as_float"),
        (lambda net, x: viz.activations(net, x[0, 0, 0]), ValueError, r"shape \(12,\)"),
        (lambda net, x: viz.activation_strip_figure(net, x[0], ["a", "b"]), ValueError, "2 names, the network 3"),
        (lambda net, x: viz.activation_strip_figure(net, x[0], layers=["Conv1"] * 13), ValueError, "layers are 13"),
        (lambda net, x: viz.activation_strip_figure(net, x[0], maps=0), ValueError, "maps is 0"),
        (lambda net, x: viz.maps_figure(x), ValueError, r"expected \(C, H, W\)"),
        (lambda net, x: viz.maps_figure(x[0], scale="no"), ValueError, "scale is 'no'"),
        (lambda net, x: viz.maximal_patches(net, "Conv1", 4, x), ValueError, "units 0 to 3"),
        (lambda net, x: viz.maximal_patches(net, "Conv1", 0, x, 0), ValueError, "count is 0"),
        (lambda net, x: viz.patches_figure([]), ValueError, "unit without patches"),
        (lambda net, x: viz.effective_field(net, "Affine1"), ValueError, "sees the whole image"),
        (lambda net, x: viz.effective_field_figure({}), ValueError, "fields is empty"),
    ],
)
def test_bad_input_is_named(network, images, call, error, words):
    with pytest.raises(error, match=words):
        call(network, images)


def test_dead_maps_are_those_that_never_fire(network, images):
    network.params["b1"][:] = 1, -100, 1, 1
    dead = viz.dead_maps(network, images)
    assert {name: dead[name].tolist() for name in ("Relu1", "Pool1")} == {"Relu1": [1], "Pool1": [1]}
    assert "Conv1" not in dead  # it returns negative numbers: nothing to judge
    assert viz.dead_maps(network, images, ["Conv1"])["Conv1"].tolist() == [1]


def test_dead_over_all_images_and_not_over_each(network, images, monkeypatch):
    monkeypatch.setattr("coursekit.viz.maps.AT_ONCE", 1)  # one image at a time
    network.params["W1"][0] = 1
    network.params["b1"][:] = -1, 1, 1, 1
    assert 0 in viz.dead_maps(network, np.zeros((3, 1, 12, 12), np.float32))["Relu1"]
    images[:4] = 0
    assert 0 not in viz.dead_maps(network, images)["Relu1"]


def test_maps_that_do_not_fire_get_a_frame_and_a_word(capsys):
    maps = np.abs(RNG.normal(size=(6, 4, 4)))
    maps[[1, 4]] = 0
    (panel,) = viz.maps_figure(maps, columns=3).axes
    frames = [patch.get_xy() for patch in panel.patches]
    assert np.allclose(frames, [(1.08, 0), (1.08, 1.08)])
    assert [text.get_text() for text in panel.texts] == list("012345")
    viz.show_maps(maps, title="Relu1")
    assert capsys.readouterr().out == "Relu1: 6 maps of 4 x 4. 2 of them do not fire on this image: 1, 4.\n"


def test_maps_share_a_scale_if_asked():
    maps = np.stack([np.eye(3), 4 * np.eye(3)])
    (panel,) = viz.maps_figure(maps, scale="all").axes
    assert [image.norm.vmax for image in panel.images] == [4, 4]
    (panel,) = viz.maps_figure(maps).axes
    assert [image.norm.vmax for image in panel.images] == [1, 4]


def test_strip_shows_every_layer_and_the_best_classes(network, images):
    figure = viz.activation_strip_figure(network, images[0], ["ant", "bee", "cat"], maps=3)
    titles = [panel.get_title().split("\n")[0] for panel in figure.axes]
    assert titles == ["input", *network.layers, "best classes"]
    assert [len(panel.images) for panel in figure.axes] == [1, 3, 3, 3, 1, 1, 1, 0]
    scores = network.predict(images[:1])[0].astype(float)
    order = np.argsort(-scores)
    shares = np.exp(scores) / np.exp(scores).sum()
    bars = figure.axes[-1].patches
    assert [bar.get_width() for bar in bars] == pytest.approx(shares[order].tolist(), rel=1e-5)
    assert [text.get_text() for text in figure.axes[-1].texts][::2] == [["ant", "bee", "cat"][k] for k in order]
    assert figure.get_figwidth() <= 8
    viz.data_uri(figure, dpi=40)


def test_strip_shows_the_same_maps_as_long_as_their_number_stays(network, images):
    volumes = viz.activations(network, images[0])
    figure = viz.activation_strip_figure(network, images[0], maps=2)
    conv, relu = ([image.get_array() for image in figure.axes[k].images] for k in (1, 2))
    chosen = [next(k for k in range(4) if np.array_equal(volumes["Relu1"][k], each)) for each in relu]
    assert all(np.array_equal(volumes["Conv1"][k], each) for k, each in zip(chosen, conv, strict=True))


def test_strip_prefers_maps_that_are_unlike(network, images):
    network.params["W1"][1:3] = 5 * network.params["W1"][0]  # three times the same, two of them strong
    figure = viz.activation_strip_figure(network, images[0], layers=["Conv1"], maps=2)
    shown = [np.ravel(image.get_array()) for image in figure.axes[1].images]
    assert abs(np.corrcoef(shown)[0, 1]) < 0.999


def test_default_layers_are_rectifiers_where_there_are_many():
    volumes = {f"{kind}{k}": np.zeros((1, 2, 3, 3)) for k in range(6) for kind in ("conv", "norm", "relu")}
    kinds = {name: "ReLU" if name.startswith("relu") else "Conv2d" for name in volumes}
    assert default_layers(volumes, kinds) == [f"relu{k}" for k in range(6)]
    assert len(default_layers(volumes)) == 9


def test_strip_of_a_module_takes_titles(module, images):
    figure = viz.activation_strip_figure(module, images[0], layers={"0": "first", "3": "block"})
    titles = [panel.get_title() for panel in figure.axes[1:-1]]
    assert titles == ["first\n4 ×\n8×8", "block\n4 ×\n4×4"]


def box_of(gradient):
    """Smallest box around what is not zero: top, left, height, width."""
    rows, columns = np.flatnonzero(gradient.any(axis=1)), np.flatnonzero(gradient.any(axis=0))
    return int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_field_by_arithmetic_is_where_the_gradient_lives():
    network = nn.AllConvNet()
    for name, value in network.params.items():
        network.params[name] = np.abs(value) + np.float32(0.1)  # so that no ReLU is shut
    inputs = RNG.random((3, 1, 28, 28)).astype(np.float32)
    for layer in ("Conv1", "Relu2", "Conv4"):
        field = viz.effective_field(network, layer, inputs=inputs)
        assert box_of(field.values) == (field.top, field.left, field.height, field.width)
        assert field.values.sum() == pytest.approx(1)


def test_fields_of_pooling_and_padding():
    fields = viz.layer_fields(nn.DeepConvNet(), (1, 28, 28))
    assert [fields[name][0].size for name in ("Conv1", "Conv2", "Pool1", "Conv4", "Conv6")] == [3, 5, 6, 14, 32]
    assert (fields["Conv6"][0].jump, fields["Conv6"][0].start, fields["Affine1"]) == (4, -16, None)


def test_fields_through_every_kind_of_layer():
    w = np.ones((1, 1, 3, 3))
    layers = {
        "conv": nn.Convolution(w, stride=(1, 2), dilation=2, padding=1),
        "norm": nn.BatchNorm(np.ones(1), np.zeros(1)),
        "tanh": nn.Tanh(),
        "mean": nn.AveragePooling(2, stride=1),
        "max": nn.MaxPooling((3, 2)),
        "last": nn.GlobalAveragePooling(),
    }
    fields = viz.layer_fields(nn.Sequential(layers), (1, 30, 30))
    assert fields["conv"] == fields["tanh"] == (Field(5, 1, -1), Field(5, 2, -1))
    assert fields["mean"] == (Field(6, 1, -1), Field(7, 2, -1))
    assert fields["max"] == (Field(8, 3, -1), Field(9, 4, -1))
    assert fields["last"] is None


def test_fields_where_branches_meet(torch):
    from coursekit import models

    network = models.build("resnet20-cifar", seed=0)
    names = [name for name, _ in network.named_modules() if name.endswith("conv2")]
    fields = viz.layer_fields(network, (3, 32, 32))
    field = viz.effective_field(network, names[2], size=(3, 32, 32), count=2)
    top, left, height, width = box_of(field.values)
    assert (field.height, fields[names[2]][0].jump) == (15, 1)
    assert top >= field.top
    assert left >= field.left
    assert height <= field.height
    assert width <= field.width
    assert not any(parameter.grad is not None for parameter in network.parameters())


def test_looking_at_gradients_leaves_a_numpy_network_alone(network, images):
    grads = network.gradient(images, np.array([0, 1, 2, 0, 1]))
    viz.effective_field(network, "Pool1", inputs=images)
    assert network.layers["Conv1"].input_grad is False
    assert np.array_equal(network.layers["Conv1"].grads["w"], grads["W1"])
    assert all(layer.training for layer in network.layers.values())


def test_both_kinds_of_network_have_the_same_field(torch, network, images):
    twin = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 5), torch.nn.ReLU(inplace=True), torch.nn.MaxPool2d(2))
    twin[0].load_state_dict({k: torch.from_numpy(network.params[v]) for k, v in (("weight", "W1"), ("bias", "b1"))})
    ours, theirs = viz.effective_field(network, "Pool1", inputs=images), viz.effective_field(twin, "2", inputs=images)
    assert ours[1:] == theirs[1:]
    assert np.allclose(ours.values, theirs.values, atol=1e-6)
    assert viz.layer_fields(twin, (1, 12, 12))["2"] == viz.layer_fields(network, (1, 12, 12))["Pool1"]


def test_patches_are_what_excites_most(network, images):
    volume = network.activations(images)["Conv1"][:, 2]  # (5, 8, 8)
    best = viz.maximal_patches(network, "Conv1", 2, images, count=3)
    strongest = sorted(volume.max(axis=(1, 2)), reverse=True)[:3]
    assert [patch.value for patch in best] == pytest.approx([float(value) for value in strongest])
    for patch in best:
        row, column = patch.place
        assert volume[patch.image, row, column] == pytest.approx(patch.value)
        assert patch.box == (row, column, 5, 5)
        again = np.sum(network.params["W1"][2] * patch.pixels) + network.params["b1"][2]
        assert again == pytest.approx(patch.value, rel=1e-4)  # the piece alone excites it as much


def test_patches_reach_into_the_padding(torch):
    convolution = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False)
    torch.nn.init.ones_(convolution.weight)
    image = np.zeros((1, 1, 4, 4), np.float32)
    image[0, 0, 0, 0] = 1
    (patch,) = viz.maximal_patches(torch.nn.Sequential(convolution), "0", 0, image)
    assert patch.box == (-1, -1, 3, 3)
    assert patch.pixels[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_patches_of_one_image_do_not_lie_on_each_other(network, images):
    patches = viz.maximal_patches(network, "Relu1", 1, images[:1], count=4, per_image=4)
    places = np.array([patch.place for patch in patches])
    apart = np.abs(places[:, None] - places).max(axis=-1)
    assert len(patches) > 1
    assert apart[~np.eye(len(places), dtype=bool)].min() > 2


def test_a_unit_without_places_shows_whole_pictures(network, images):
    best = viz.maximal_patches(network, "Affine2", 1, images, count=2)
    scores = network.predict(images)[:, 1]
    assert [patch.image for patch in best] == np.argsort(-scores)[:2].tolist()
    assert np.array_equal(best[0].pixels, images[best[0].image])
    figure = viz.patches_figure({"class 1": best, "again": best[:1]})
    assert [len(panel.images) for panel in figure.axes] == [2, 1]
    viz.data_uri(figure, dpi=40)


def test_field_figure_draws_both_squares():
    values = np.zeros((9, 9))
    values[4, 4], values[2, 2] = 0.97, 0.03
    figure = viz.effective_field_figure({"unit": viz.EffectiveField(values, 1, 1, 7, 7)})
    sees, listens = figure.axes[0].patches
    assert (sees.get_xy(), sees.get_width(), sees.get_height()) == ((0.5, 0.5), 7, 7)
    assert (listens.get_xy(), listens.get_width()) == ((3.5, 3.5), 1)
    viz.data_uri(figure, dpi=40)


@pytest.mark.slow
def test_a_photograph_through_the_pretrained_network(torch, capsys):
    from coursekit import data, models

    network = models.pretrained()
    layers = {"_bn0": "stem", "_blocks.4": "block 5", "_bn1": "head"}
    viz.show_activation_strip(network, data.photo("chelsea"), layers=layers)
    assert "head (1280, 7, 7). Best classes: Egyptian cat 39 %" in capsys.readouterr().out
    figure = viz.activation_strip_figure(network, data.photo("chelsea"))
    assert len(figure.axes) == 11
    rows = {row.name: row for row in models.table(network.model, (3, 224, 224)).rows}
    field = viz.layer_fields(network, (3, 224, 224))["_conv_head"]
    assert field[0].size == rows["_conv_head.conv2d"].receptive_field == 851
