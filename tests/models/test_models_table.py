"""The table of torch modules: against torch's own counter, torchvision's metadata, gradients and published numbers."""

import copy

import pytest
from test_models_pattern import ALEXNET, VGG16

from coursekit.models import Memory, build, largest_batch, table, training_memory

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
from torch import nn
from torch.nn import functional as F

torchvision = pytest.importorskip("torchvision", reason="needs torchvision: python3 course.py setup")


def on_meta(name, **options):
    with torch.device("meta"):
        return torchvision.models.get_model(name, **options)


@pytest.mark.parametrize(
    "name",
    ["alexnet", "vgg11", "vgg16", "vgg19_bn", "resnet18", "resnet50", "resnet152", "resnext50_32x4d", "densenet121",
     "squeezenet1_0", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "shufflenet_v2_x1_0", "mnasnet1_0",
     "convnext_tiny"],
)  # fmt: skip
def test_totals_are_those_of_torchvisions_metadata(name):
    meta = torchvision.models.get_model_weights(name).DEFAULT.meta
    totals = table(on_meta(name), (3, 224, 224)).totals
    assert totals.parameters == meta["num_params"]
    assert f"{totals.macs / 1e9:.3f}" == f"{meta['_ops']:.3f}"


def test_heads_that_do_not_run_are_counted_as_parameters():
    model = on_meta("googlenet", init_weights=False)
    meta = torchvision.models.GoogLeNet_Weights.DEFAULT.meta
    plain, training = table(model, (3, 224, 224)), table(model, (3, 224, 224), training=True)
    idle = [row for row in plain.rows if row.kind == "not run"]
    assert [row.name for row in idle] == ["aux1", "aux2"]
    assert plain.totals.parameters == training.totals.parameters == 13_004_888
    assert plain.totals.parameters - sum(row.parameters for row in idle) == meta["num_params"] == 6_624_904
    assert f"{plain.totals.macs / 1e9:.3f}" == f"{meta['_ops']:.3f}"
    assert training.totals.macs > plain.totals.macs
    assert not any(row.kind == "not run" for row in training.rows)
    assert "not run" in str(plain)


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "googlenet"])
def test_macs_are_half_the_flops_of_torchs_counter(name):
    from torch.utils.flop_counter import FlopCounterMode

    model = on_meta(name, **({"init_weights": False} if name == "googlenet" else {})).eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, 224, 224, device="meta"))
    assert 2 * table(model, (3, 224, 224)).totals.macs == counter.get_total_flops()


@pytest.mark.parametrize(("name", "pattern"), [("vgg16", VGG16), ("alexnet", ALEXNET)])
def test_pattern_and_network_have_the_same_totals(name, pattern):
    assert table(name).totals == table(pattern).totals


def test_a_name_brings_its_input():
    assert table("vgg16").totals.activation_elements == 15_237_608
    small = table("vgg16", (1, 32, 32))  # built for a grey picture of 32 pixels
    assert small.totals.parameters == sum(p.numel() for p in build("vgg16", size=32, channels=1).parameters())
    assert table("resnet18", (3, 64, 96)).rows[0].output_shape == (3, 64, 96)
    with torch.device("meta"):
        assert table(build("vgg16"), (3, 224, 224)).rows == table("vgg16").rows


class Mixed(nn.Module):
    """Layers, functions between them, parameters of its own, a mask, a part that never runs."""

    class Subsample(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(6, 1, 1)), nn.Parameter(torch.zeros(6, 1, 1))

        def forward(self, x):
            return F.avg_pool2d(x, 2) * self.weight + self.bias

    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(16, 6, 5, 5)), nn.Parameter(torch.zeros(16))
            self.register_buffer("mask", torch.ones(16, 6, 1, 1))

        def forward(self, x):
            return F.conv2d(x, self.weight * self.mask, self.bias)

    def __init__(self):
        super().__init__()
        self.first, self.squash = nn.Conv2d(1, 6, 5), nn.Tanh()
        self.subsample, self.masked = self.Subsample(), self.Masked()
        self.kernel = nn.Parameter(torch.ones(8, 16, 1, 1))
        self.idle, self.out = nn.Linear(3, 3), nn.Linear(8 * 25, 10)

    def forward(self, x):
        x = self.squash(self.subsample(self.squash(self.first(x))))
        x = F.max_pool2d(self.masked(x), 2)
        x = F.conv2d(x, self.kernel)
        return self.out((x + x).flatten(1))


def test_functions_are_counted_like_layers():
    model = Mixed()
    counted = table(model, (1, 32, 32))
    assert [(r.name, r.kind, r.output_shape, r.weights, r.biases) for r in counted.rows] == [
        ("input", "input", (1, 32, 32), 0, 0),
        ("first", "conv", (6, 28, 28), 150, 6),
        ("squash", "activation", (6, 28, 28), 0, 0),
        ("subsample", "pool", (6, 14, 14), 6, 6),
        ("squash (2)", "activation", (6, 14, 14), 0, 0),
        ("masked", "conv", (16, 10, 10), 2400, 16),
        ("max_pool2d", "pool", (16, 5, 5), 0, 0),
        ("conv2d", "conv", (8, 5, 5), 128, 0),
        ("add", "join", (8, 5, 5), 0, 0),
        ("flatten", "flatten", (200,), 0, 0),
        ("out", "fc", (10,), 2000, 10),
        ("idle", "not run", (), 9, 3),
    ]
    assert [r.receptive_field for r in counted.rows] == [None, 5, 5, 6, 6, 14, 16, 16, 16, None, None, None]
    assert counted.totals.parameters == sum(p.numel() for p in model.parameters())
    assert counted.totals.macs == 6 * 28 * 28 * 25 + 16 * 100 * 150 + 8 * 25 * 16 + 2000


def test_the_module_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Linear(6, 2))
    model[2].eval()
    before = copy.deepcopy(model.state_dict())
    table(model, (3, 8, 8), training=True)
    assert [part.training for part in model] == [True, True, False, True]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    with pytest.raises(ValueError, match="takes 3 channels"):
        table(model, (2, 8, 8))
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


def test_shared_parameters_count_once():
    layer = nn.Conv2d(4, 4, 3, padding=1)
    counted = table(nn.Sequential(layer, nn.ReLU(), layer), (4, 8, 8))
    assert [row.parameters for row in counted.rows] == [0, 148, 0, 0]
    assert counted.totals.macs == 2 * 144 * 64
    tied = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5))
    tied[1].weight = tied[0].weight
    assert table(tied, (5,)).totals.parameters == sum(p.numel() for p in tied.parameters()) == 35


@pytest.mark.parametrize(
    ("model", "shape"),
    [(nn.LSTM(4, 5), (3, 4)), (nn.Sequential(nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)), (5, 8))],
)
def test_products_that_are_not_known_are_refused(model, shape):
    with pytest.raises(ValueError, match="the model multiplies in a way that this table does not know"):
        table(model, shape)


class Products(nn.Module):
    def forward(self, x):  # (1, 3, 4)
        return x @ x.transpose(1, 2) + torch.bmm(x, torch.ones(1, 4, 3))


def test_matrix_products_are_known():
    assert table(Products(), (3, 4)).totals.macs == 2 * 3 * 3 * 4


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (
            lambda: on_meta("alexnet"),
            (3, 20, 20),
            r"layer features.5 \(max_pool2d\) ran out of pixels: its input is 1x1, ",
        ),
        (lambda: nn.Conv2d(3, 4, 5), (3, 4, 9), r"layer \(the model itself\) \(conv2d\) ran out of pixels"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), (3, 5, 4), "layer 1 takes 48 numbers and gets 60"),
        (lambda: nn.Sequential(nn.Unflatten(1, (2, 9))), (3, 4), "input_shape is 3x4: at layer 0"),
        (lambda: nn.LazyLinear(3), (4,), "weight has no size yet"),
        (lambda: nn.ReLU(), (3, 0), r"input_shape is \(3, 0\): expected"),
        (lambda: nn.ReLU(), "3x4", "input_shape is '3x4': expected"),
        (lambda: "vgg61", None, "vgg16"),
    ],
)
def test_what_does_not_go_through(model, shape, message):
    with pytest.raises(ValueError, match=message):
        table(model(), shape)


def test_wrong_types():
    with pytest.raises(TypeError, match="input_shape is missing"):
        table(nn.ReLU())
    with pytest.raises(TypeError, match=r"model_or_pattern is a list: expected a torch\.nn\.Module"):
        table([nn.ReLU()], (3, 4))


class Block(nn.Module):
    """Two branches, a subsampled shortcut, padding by hand, a gate over all pixels."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(2, 2, 5, 2, 2, bias=False), nn.Conv2d(2, 2, 1, 2, bias=False)

    def forward(self, x):
        y = torch.cat([self.wide(x), self.narrow(x)], 1)
        shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1))
        y = F.conv2d(F.pad(y + shortcut, (1, 1, 1, 1)), torch.ones(1, 4, 3, 1, dtype=x.dtype))
        return y.unsqueeze(1)[:, 0].permute(0, 1, 2, 3)


def test_receptive_fields_through_branches():
    """The largest over the branches, and as far as the gradient of an inner number reaches."""
    rows = table(Block(), (2, 33, 33)).rows
    assert rows[-1].receptive_field == (9, 5)  # 5 and then 3 rows, 2 apart
    assert rows[-1].jump == 2
    model = Block().double()
    nn.init.ones_(model.wide.weight)
    x = torch.ones(1, 2, 33, 33, dtype=torch.float64, requires_grad=True)
    y = model(x)
    (gradient,) = torch.autograd.grad(y[0, 0, 8, 8], x)
    seen = gradient[0].abs().sum(0).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [9, 5]


def test_a_gate_over_all_pixels_sees_all_of_them():
    class Gated(nn.Module):
        def forward(self, x):
            return F.max_pool2d(x * x.mean((2, 3), keepdim=True), 2)

    assert table(Gated(), (2, 8, 8)).rows[-1].receptive_field == 9  # 8, and a neighbour that the pooling adds


def test_keywords_are_understood():
    class Keywords(nn.Module):
        def forward(self, x):
            x = F.conv2d(input=F.pad(x, pad=(1, 1, 1, 1)), weight=torch.ones(2, 2, 3, 3), stride=2)
            return torch.mean(input=F.max_pool2d(x, kernel_size=2), dim=(2, 3)).T.T

    counted = table(Keywords(), (2, 8, 8))
    assert [(r.kind, r.output_shape, r.receptive_field) for r in counted.rows] == [
        ("input", (2, 8, 8), None), ("conv", (2, 4, 4), 3), ("pool", (2, 2, 2), 5), ("pool", (2,), 9)]  # fmt: skip


def test_fields_that_cannot_be_followed_are_left_out():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.PixelShuffle(2), nn.Conv2d(1, 1, 3))
    assert [row.receptive_field for row in table(model, (1, 9, 9)).rows] == [None, 3, None]
    turned = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten(), nn.Linear(49, 2))
    assert table(turned, (1, 9, 9)).rows[-1].jump is None
    # torchvision's first layers: 7x7 at stride 2, then 3x3 at stride 2
    rows = table(on_meta("resnet50"), (3, 224, 224)).rows
    assert [(r.receptive_field, r.jump) for r in rows if r.name in ("conv1", "maxpool")] == [(7, 2), (11, 4)]
    assert max(r.receptive_field for r in rows if r.kind == "conv") == 427


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(4, 4, 4, padding="same"), nn.Conv2d(4, 2, 3, padding=2, padding_mode="circular", groups=2),
     nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), nn.MaxPool2d(2, return_indices=True), nn.AvgPool2d(3, 2, 1),
     nn.LPPool2d(2, 3, ceil_mode=True), nn.FractionalMaxPool2d(2, output_size=4), nn.AdaptiveAvgPool2d((3, 4)),
     nn.AdaptiveMaxPool2d(1), nn.Linear(11, 3), nn.GroupNorm(2, 4), nn.PReLU(4), nn.Upsample(scale_factor=2),
     nn.Identity(), nn.ChannelShuffle(2)],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_kinds_of_layers(layer):
    counted = table(layer, (4, 12, 11))
    y = layer(torch.zeros(1, 4, 12, 11))
    y = y[0] if isinstance(y, tuple) else y
    assert counted.totals.parameters == sum(p.numel() for p in layer.parameters())
    kept = any(word in type(layer).__name__ for word in ("Conv", "Pool", "Linear"))
    assert counted.totals.activation_elements == 4 * 12 * 11 + (y.numel() if kept else 0)


def test_a_pooling_of_nothing_keeps_nothing():
    """torchvision's VGG pools its 7x7 map to 7x7; the network as published has no such layer."""
    assert table(on_meta("vgg16"), (3, 224, 224)).totals == table(VGG16).totals


def test_half_precision_halves_the_bytes():
    full, half = table(VGG16), table(VGG16, itemsize=2)
    assert half.totals.activation_bytes * 2 == full.totals.activation_bytes
    assert half.totals.activation_elements == full.totals.activation_elements
    assert table(nn.Conv2d(3, 4, 3).half(), (3, 9, 9)).totals.macs == 4 * 49 * 27


def test_memory_of_training():
    vgg = table(VGG16)
    assert largest_batch(vgg, 12 * 2**30) == 92
    memory = training_memory(vgg, 92)
    assert memory == Memory(2 * 92 * 15_237_608 * 4, 3 * 138_357_544 * 4, 0)
    assert memory.total <= 12 * 2**30 < training_memory(vgg, 93).total
    assert str(memory) == "activations 10.44 GiB, parameters 1.55 GiB, miscellaneous 0 B, total 11.99 GiB"
    ratio = [training_memory(vgg, 0, name).parameters / (4 * 138_357_544) for name in ("sgd", "momentum", "adam")]
    assert ratio == [2, 3, 4]
    assert largest_batch(vgg, 12 * 2**30, "adam", 2**30) < 92
    assert largest_batch(vgg, 2**20) == 0
    with pytest.raises(ValueError, match="optimizer is 'lion': expected one of sgd, momentum"):
        training_memory(vgg, 1, "lion")
    with pytest.raises(ValueError, match="batch is -1"):
        training_memory(vgg, -1)


@pytest.mark.parametrize(
    ("name", "in_fc", "share"), [("alexnet-torchvision", 58_631_144, 96.0), ("vgg16", 123_642_856, 89.4)]
)
def test_most_parameters_stand_in_fully_connected_layers(name, in_fc, share):
    counted = table(name)
    found = sum(row.parameters for row in counted.rows if row.kind == "fc")
    assert found == in_fc
    assert round(100 * found / counted.totals.parameters, 1) == share
