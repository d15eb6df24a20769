"""Cards of the networks from GoogLeNet on. Errors are quoted from the papers; the rest is said or counted."""

from coursekit.models.cards import Card

__all__ = ["DEEP_CARDS"]

SZEGEDY = 'Szegedy et al., "Going deeper with convolutions", CVPR 2015, arXiv 1409.4842'
HE = 'He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv 1512.03385'
HE_2 = 'He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016, arXiv 1603.05027'
SPRINGENBERG = (
    'Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for simplicity: the all convolutional net", '
    "ICLR 2015 workshop, arXiv 1412.6806"
)

IMAGENET = {"input_shape": (3, 224, 224), "classes": 1000}
CIFAR = {"input_shape": (3, 32, 32), "classes": 10}


def _googlenets() -> list[Card]:
    return [
        Card(
            "googlenet",
            "GoogLeNet",
            2014,
            SZEGEDY,
            **IMAGENET,
            depth=22,
            published_error="top-5 10.07 % on ILSVRC-2014 validation, one network, one crop; 6.67 % averaging seven "
            "networks on 144 crops (the winning entry)",
            departures=(
                "The two auxiliary heads are there only with aux=True; without them the scores are the same.",
                "Response norm has AlexNet's constants: the paper gives none.",
                "Poolings round up, so that the paper's 112, 56, 28, 14, 7 come out.",
                "First weights follow He's rule: the paper does not tell its own.",
            ),
        ),
        Card(
            "googlenet-torchvision",
            "GoogLeNet, torchvision's",
            2014,
            SZEGEDY,
            **IMAGENET,
            depth=22,
            published_error="top-5 10.47 % on ILSVRC-2012 validation, one network, one crop (torchvision's weights)",
            departures=(
                "Batch norm behind every convolution, and so no biases and no response norm.",
                "3x3 kernels in the branches that are 5x5 in the paper.",
                "The last pooling is 2x2; the paper's is 3x3.",
                "Dropout of 0.2 before the scores; the paper's is 0.4.",
                "The heads average to 4x4 pixels at any size.",
            ),
        ),
    ]


def _resnets() -> list[Card]:
    ten = "on ILSVRC-2012 validation, one network, ten crops"
    ensemble = "; 3.57 % on test averaging six (the winning entry of 2015)"
    errors = {
        18: f"top-1 27.88 % {ten}, with shortcuts that have no parameters",
        34: f"top-5 7.46 % {ten}",
        50: f"top-5 6.71 % {ten}",
        101: f"top-5 6.05 % {ten}",
        152: f"top-5 5.71 % {ten}; 4.49 % on several scales{ensemble}",
    }
    stride = (
        'Bottlenecks stride in the 3x3 ("v1.5", as torchvision); the paper strides in the first 1x1: stride_in="1x1".'
    )
    shortcut = "Where the shape changes the shortcut is a 1x1 projection (option B), as in torchvision."
    return [
        Card(
            f"resnet{depth}",
            f"ResNet-{depth}",
            2015,
            HE,
            **IMAGENET,
            depth=depth,
            published_error=errors[depth],
            departures=(shortcut,) if depth < 50 else (stride,),
        )
        for depth in (18, 34, 50, 101, 152)
    ]


def _cifar() -> list[Card]:
    errors = {20: "8.75", 32: "7.51", 44: "7.17", 56: "6.97", 110: "6.43"}
    cards = [
        Card(
            f"resnet{depth}-cifar",
            f"ResNet-{depth} for CIFAR-10",
            2015,
            f"{HE}, section 4.2",
            **CIFAR,
            depth=depth,
            published_error=f"{error} % of CIFAR-10's test pictures, one network"
            + (", best of five (6.61 on average)" if depth == 110 else ""),
        )
        for depth, error in errors.items()
    ]
    in_figure = "plotted, not tabled (Figure 6): it grows with depth"
    lost = "above 60 % of CIFAR-10's test pictures (Figure 6, caption)"
    return cards + [
        Card(
            f"plain{depth}-cifar",
            f"Plain-{depth} for CIFAR-10",
            2015,
            f"{HE}, section 4.2",
            **CIFAR,
            depth=depth,
            published_error=lost if depth == 110 else in_figure,
        )
        for depth in errors
    ]


def _preact() -> list[Card]:
    rule = "First weights follow He's rule."
    order = "The paper's ImageNet networks have 152 and 200 layers; the same units at the usual depths."
    deep = "top-5 5.5 % on ILSVRC-2012 validation, one network, one crop of 320x320"
    large = [
        Card(
            f"preact-resnet{depth}",
            f"Pre-activation ResNet-{depth}",
            2016,
            HE_2,
            **IMAGENET,
            depth=depth,
            published_error=deep if depth == 152 else "not published for this depth",
            departures=(rule,) if depth == 152 else (rule, order),
        )
        for depth in (18, 34, 50, 101, 152)
    ]
    lent = "The paper's CIFAR networks have 110, 164 and 1,001 layers; the same units at the depths of the year before."
    return large + [
        Card(
            f"preact-resnet{depth}-cifar",
            f"Pre-activation ResNet-{depth} for CIFAR-10",
            2016,
            HE_2,
            **CIFAR,
            depth=depth,
            published_error="6.37 % of CIFAR-10's test pictures, median of five"
            if depth == 110
            else "not published for this depth",
            departures=(rule,) if depth == 110 else (rule, lent),
        )
        for depth in (20, 32, 44, 56, 110)
    ]


ALLCONV = Card(
    "allconv",
    "All-CNN-C",
    2014,
    SPRINGENBERG,
    **CIFAR,
    depth=9,
    published_error="9.08 % of CIFAR-10's test pictures without augmentation; 7.25 % with shifts and flips",
    departures=("First weights follow He's rule.",),
)

DEEP_CARDS = (*_googlenets(), *_resnets(), *_cifar(), *_preact(), ALLCONV)
