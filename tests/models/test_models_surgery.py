"""Net surgery: same scores at the design size, maps on larger pictures, and exactly when a map is its crops."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")

from torch import nn

import coursekit.nn as by_hand
from coursekit import models
from coursekit.models.dense import scores_of_crops, total_stride

# name, options that make it small, input shape
CLASSIFIERS = [
    ("lenet5", {}, (1, 32, 32)),
    ("lenet5-modern", {}, (1, 32, 32)),
    ("simpleconvnet", {}, (1, 28, 28)),
    ("deepconvnet", {}, (1, 28, 28)),
    ("alexnet", dict(width=0.04, size=99), (3, 99, 99)),
    pytest.param("alexnet-torchvision", dict(width=0.05, size=96), (3, 96, 96), marks=pytest.mark.slow),
    ("zfnet", dict(width=0.04, size=96), (3, 96, 96)),
    ("vgg11", dict(width=0.05, size=64), (3, 64, 64)),
    ("googlenet", dict(width=0.1, size=96, aux=True), (3, 96, 96)),
    pytest.param("googlenet-torchvision", dict(width=0.1, size=96), (3, 96, 96), marks=pytest.mark.slow),
    ("resnet18", dict(width=0.1), (3, 96, 64)),
    pytest.param("resnet50", dict(width=0.05), (3, 64, 64), marks=pytest.mark.slow),
    ("resnet20-cifar", dict(width=0.5), (3, 32, 32)),
    pytest.param("plain20-cifar", dict(width=0.5), (3, 32, 32), marks=pytest.mark.slow),
    pytest.param("preact-resnet18", dict(width=0.1), (3, 64, 64), marks=pytest.mark.slow),
    ("allconv", dict(width=0.1), (3, 32, 32)),
]


def pictures(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def relative(a, b):
    return float((a - b).abs().max() / b.abs().max())


def small(padding=0, *, ceil_mode=False):
    """A classifier with every kind of layer; overlapping pooling; total stride 4. Without padding 29x29 fits it."""
    torch.manual_seed(0)
    return (
        nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=2, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, ceil_mode=ceil_mode),
            nn.LocalResponseNorm(5),
            nn.Conv2d(8, 6, 3, padding=padding, groups=2),
            nn.BatchNorm2d(6),
            nn.Flatten(),
            nn.LazyLinear(12),
            nn.Tanh(),
            nn.Dropout(0.5),
            nn.Linear(12, 5),
        )
        .eval()
        .double()
    )


def started(model, side=29):
    with torch.no_grad():
        model(pictures(1, 3, side, side))  # the lazy layer learns its size
    return model


@pytest.mark.parametrize(("name", "options", "shape"), CLASSIFIERS, ids=lambda it: it if isinstance(it, str) else "")
@torch.no_grad()
def test_scores_at_the_design_size_are_the_classifiers(name, options, shape):
    classifier = models.build(name, seed=0, **options).eval().double()
    dense = models.to_convolutional(classifier, shape)
    images = pictures(2, *shape)
    wanted = classifier(images)
    scores = dense(images)
    assert scores.shape == (*wanted.shape, 1, 1)
    assert relative(scores[:, :, 0, 0], wanted) < 1e-12
    stride = total_stride(dense, shape)
    larger = pictures(1, shape[0], shape[1] + 2 * stride, shape[2] + stride)
    assert dense(larger).shape == (1, wanted.shape[1], 3, 2)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "googlenet", "resnet18"])
def test_384_gives_6_by_6(name):
    """224 -> 1x1 and 384 -> 6x6: (384 - 224) / 32 + 1 places, whatever the network does in between."""
    with torch.device("meta"):
        classifier = models.build(name, **({"size": 224} if name == "vgg16" else {}))
    design = models.card(name).input_shape
    dense = models.to_convolutional(classifier, design)
    assert dense(torch.empty(1, *design, device="meta")).shape == (1, 1000, 1, 1)
    assert dense(torch.empty(1, 3, 384, 384, device="meta")).shape[2:] == ((5, 5) if name == "alexnet" else (6, 6))
    assert total_stride(dense, design) == 32


def test_vgg_16_becomes_the_kernels_of_the_textbook():
    with torch.device("meta"):
        dense = models.to_convolutional(models.build("vgg16"), (3, 224, 224))
    kernels = [tuple(layer.weight.shape) for layer in dense.modules() if isinstance(layer, nn.Conv2d)][-3:]
    assert kernels == [(4096, 512, 7, 7), (4096, 4096, 1, 1), (1000, 4096, 1, 1)]
    assert sum(p.numel() for p in dense.parameters()) == 138_357_544
    assert not [layer for layer in dense.modules() if isinstance(layer, nn.Linear | nn.Flatten)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "vgg16", "googlenet", "resnet50"])
@torch.inference_mode()
def test_full_size_in_float32(name):
    classifier = models.build(name, seed=0).eval()
    shape = models.card(name).input_shape
    dense = models.to_convolutional(classifier, shape)
    images = pictures(1, *shape).float()
    assert relative(dense(images)[:, :, 0, 0], classifier(images)) < 1e-5
    side = shape[1] + 160  # 384, or 387 for the network made for 227
    assert dense(pictures(1, 3, side, side).float()).shape == (1, 1000, 6, 6)


def test_weights_are_shared_and_the_classifier_stays_as_it_was():
    classifier = models.build("lenet5-modern", seed=0).train()
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    dense = models.to_convolutional(classifier, (1, 32, 32))
    after = classifier.state_dict()
    assert before.keys() == after.keys() == dense.state_dict().keys()
    for name, value in after.items():
        assert torch.equal(value, before[name])
        assert dense.state_dict()[name].data_ptr() == value.data_ptr()
    assert all(layer.training for layer in classifier.modules())
    assert not any(layer.training for layer in dense.modules())
    assert classifier(torch.zeros(2, 1, 32, 32)).shape == (2, 10)


@torch.no_grad()
def test_the_kernels_are_those_of_the_numpy_layer():
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 5, 7)).double()
    dense = models.to_convolutional(classifier, (3, 4, 5))
    wanted = by_hand.affine_to_conv(classifier[1].weight.numpy().T.copy(), (3, 4, 5))
    assert np.array_equal(next(dense.parameters()).numpy(), wanted)


# ---- when is the map the crops?


@torch.no_grad()
@pytest.mark.parametrize("name", ["small", "lenet5", "lenet5-modern"])
def test_without_padding_every_place_is_its_crop(name):
    classifier = started(small()) if name == "small" else models.build(name, seed=1).eval().double()
    side, channels = (29, 3) if name == "small" else (32, 1)
    dense = models.to_convolutional(classifier, (channels, side, side))
    larger = pictures(2, channels, side + 15, side + 9)  # some pixels more than the last crop needs
    crops = scores_of_crops(classifier, larger, (side, side), stride=4)
    assert crops.shape[2:] == (4, 3)
    assert relative(dense(larger), crops) < 1e-12


@torch.no_grad()
def test_pixels_that_are_never_seen_give_a_place_more():
    classifier = started(small(), 31)  # the strides do not fit: of 31 pixels it sees 29
    dense = models.to_convolutional(classifier, (3, 31, 31))
    larger = pictures(2, 3, 41, 39)
    crops = scores_of_crops(classifier, larger, (31, 31), stride=4)
    scores = dense(larger)
    assert (crops.shape[2:], scores.shape[2:]) == ((3, 3), (4, 3))
    assert relative(scores[:, :, :3], crops) < 1e-12


@torch.no_grad()
def test_with_padding_no_place_of_a_larger_picture_is_its_crop():
    classifier = started(small(padding=1))
    dense = models.to_convolutional(classifier, (3, 29, 29))
    larger = pictures(2, 3, 41, 37)
    crops = scores_of_crops(classifier, larger, (29, 29), stride=4)
    difference = (dense(larger) - crops).abs().amax((0, 1)) / crops.abs().max()
    assert difference.shape == (4, 3)
    assert difference.min() > 1e-3
    assert relative(dense(larger[..., :29, :29])[..., 0, 0], crops[..., 0, 0]) < 1e-12


@torch.no_grad()
def test_pooling_that_hangs_over_the_rim_breaks_it_as_well():
    classifier = started(small(ceil_mode=True), 28)  # 12 places, pooled to 6: the last window hangs over
    dense = models.to_convolutional(classifier, (3, 28, 28))
    larger = pictures(1, 3, 36, 36)
    crops = scores_of_crops(classifier, larger, (28, 28), stride=4)
    difference = (dense(larger) - crops).abs().amax((0, 1))
    assert difference[-1, -1] < 1e-12  # the last crop ends where the picture ends, and hangs over alike
    assert difference[:-1, :-1].min() > 1e-6


@torch.no_grad()
def test_crops_between_the_strides_are_not_on_the_map():
    classifier = started(small())
    larger = pictures(1, 3, 37, 37)
    scores = models.to_convolutional(classifier, (3, 29, 29))(larger)
    for offset in (1, 2, 3, 5):
        crop = classifier(larger[..., offset : offset + 29, offset : offset + 29])
        assert (scores - crop[..., None, None]).abs().amax(1).min() > 1e-3


@torch.no_grad()
def test_36_crops_in_one_pass_differ_with_vggs_padding():
    classifier = models.build("vgg11", seed=0, width=0.1, classes=10, size=64).eval()
    dense = models.to_convolutional(classifier, (3, 64, 64))
    larger = pictures(1, 3, 224, 224).float()
    scores, crops = dense(larger), scores_of_crops(classifier, larger, (64, 64), stride=32)
    assert scores.shape == crops.shape == (1, 10, 6, 6)
    assert (scores - crops).abs().amax(1).min() > 1e-4 * crops.abs().max()


# ---- shift and stitch


@torch.no_grad()
@pytest.mark.parametrize("factor", [1, 2, 4])
def test_stitched_scores_are_the_crops_at_the_finer_stride(factor):
    classifier = started(small())
    dense = models.to_convolutional(classifier, (3, 29, 29))
    larger = pictures(1, 3, 36, 34)
    stitched = models.shift_and_stitch(dense, larger, factor)
    assert relative(stitched, scores_of_crops(classifier, larger, (29, 29), stride=4 // factor)) < 1e-12
    in_numpy = by_hand.shift_and_stitch(lambda x: dense(torch.from_numpy(x)).numpy(), larger.numpy(), 4, factor)
    assert np.array_equal(stitched, in_numpy)


@torch.no_grad()
def test_it_takes_factor_squared_passes_and_what_comes_in_is_the_fill():
    dense = models.to_convolutional(started(small()), (3, 29, 29))
    passes = []
    dense.register_forward_pre_hook(lambda _, given: passes.append(given[0]))
    images = pictures(1, 3, 33, 33)
    scores = models.shift_and_stitch(dense, images, 2, fill=7.0)
    assert scores.shape[2:] == (4, 4)
    assert [part.shape for part in passes] == [images.shape] * 4
    assert torch.equal(passes[3][..., :31, :31], images[..., 2:, 2:])
    assert (passes[3][..., 31:, :] == 7).all()
    assert (passes[3][..., 31:] == 7).all()
    assert relative(scores[..., :3, :3], models.shift_and_stitch(dense, images, 2)) < 1e-12  # where no fill is seen


def test_stitching_refuses_what_cannot_be():
    dense = models.to_convolutional(started(small()), (3, 29, 29))
    with pytest.raises(TypeError, match="images is ndarray, expected a tensor"):
        models.shift_and_stitch(dense, pictures(1, 3, 29, 29).numpy())
    with pytest.raises(ValueError, match=r"images has shape \(3, 29, 29\).*images\[None\]"):
        models.shift_and_stitch(dense, pictures(3, 29, 29))
    for factor in (3, 0):
        with pytest.raises(ValueError, match=f"factor {factor} does not divide stride 4"):
            models.shift_and_stitch(dense, pictures(1, 3, 31, 31), factor)
    with pytest.raises(ValueError, match=r"shifted by \(0, 2\), 29x27 pixels are left.*fill=0"):
        models.shift_and_stitch(dense, pictures(1, 3, 29, 29), 2)


def test_crops_refuse_what_cannot_be():
    for shape, stride in (((1, 3, 28, 29), 1), ((1, 3, 29, 29), 0)):
        with pytest.raises(ValueError, match=f"no crop of 29x29 at stride {stride}"):
            scores_of_crops(nn.Flatten(), pictures(*shape), (29, 29), stride)


# ---- what surgery refuses


class Excited(nn.Module):
    """Squeeze and excitation: maps scaled by a number that hangs on the whole picture."""

    def forward(self, x):
        return x * nn.functional.adaptive_avg_pool2d(x, 1).sigmoid()


class Asking(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Measuring(nn.Module):
    def forward(self, x):
        return x if x.shape[2] > 3 else -x


HEAD = (nn.Flatten(), nn.Linear(4 * 8 * 8, 3))
REFUSED = [
    ("squeeze", nn.Sequential(nn.Conv2d(1, 4, 1), Excited(), *HEAD), "does not take larger pictures"),
    ("asks", nn.Sequential(nn.Conv2d(1, 4, 1), Asking(), *HEAD), "free of decisions by the values"),
    ("measures", nn.Sequential(nn.Conv2d(1, 4, 1), Measuring(), *HEAD), "decides by the values or the shape"),
    ("norm", nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 3)), r"layer 1 \(BatchNorm1d\)"),
    ("softmax", nn.Sequential(nn.Flatten(), nn.Softmax(1), nn.Linear(64, 3)), r"layer 1 \(Softmax\)"),
    ("five", nn.Sequential(nn.AdaptiveAvgPool2d(5), nn.Flatten(), nn.Linear(25, 3)), "do not divide into"),
    ("maps", nn.Sequential(nn.Conv2d(1, 4, 3)), "is it a classifier"),
    ("size", nn.Sequential(nn.Flatten(), nn.Linear(65, 3)), r"input_shape is \(1, 8, 8\)"),
]


@pytest.mark.parametrize(("model", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_has_no_counterpart_is_refused_by_name(model, words):
    with pytest.raises(ValueError, match=words):
        models.to_convolutional(model, (1, 8, 8))


def test_what_is_no_network_or_no_shape_is_refused():
    with pytest.raises(TypeError, match="model is str"):
        models.to_convolutional("vgg16", (3, 224, 224))
    with pytest.raises(ValueError, match=r"the map has \(1, 1\) places .* and \(1, 1\) on one of"):
        total_stride(nn.AdaptiveAvgPool2d(1), (3, 8, 8))
    with pytest.raises(ValueError, match=r"input_shape is \(224, 224\)"):
        models.to_convolutional(nn.Flatten(), (224, 224))


@torch.no_grad()
@pytest.mark.parametrize(
    "pool",
    [
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.AdaptiveMaxPool2d((1, 1)), nn.Flatten()),
        nn.Sequential(nn.AvgPool2d(8), nn.Flatten()),
        nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 4)),
    ],
)
def test_every_way_to_pool_before_the_scores(pool):
    torch.manual_seed(0)
    tail = nn.Sequential(nn.BatchNorm1d(4), nn.ReLU6(), nn.Linear(4, 6, bias=False), nn.LayerNorm(6), nn.Softmax(-1))
    classifier = nn.Sequential(nn.Conv2d(1, 4, 3), pool, tail).double()
    classifier(pictures(20, 1, 10, 10))  # batch statistics other than 0 and 1
    classifier.eval()
    dense = models.to_convolutional(classifier, (1, 10, 10))
    stride = total_stride(dense, (1, 10, 10))
    larger = pictures(3, 1, 10 + 2 * stride, 10 + stride)
    assert stride == (4 if isinstance(pool[0], nn.AdaptiveAvgPool2d) and len(pool) == 3 else 1)
    assert relative(dense(larger), scores_of_crops(classifier, larger, (10, 10), stride)) < 1e-12
