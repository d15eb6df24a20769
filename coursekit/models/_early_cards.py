"""Cards of the networks up to VGG. Errors are quoted from the papers; the rest is said or counted."""

from coursekit.models.cards import Card

__all__ = ["EARLY_CARDS"]

LECUN = (
    'LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", '
    "Proceedings of the IEEE 86(11), 1998"
)
SAITO = 'Saito, "Deep Learning from Scratch", O\'Reilly Japan, 2016'
KRIZHEVSKY = (
    'Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012'
)
WEIRD = 'Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv 1404.5997'
ZEILER = 'Zeiler, Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, arXiv 1311.2901'
SIMONYAN = (
    'Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, '
    "arXiv 1409.1556"
)

IMAGENET = {"input_shape": (3, 224, 224), "classes": 1000}
ALEX = {"input_shape": (3, 227, 227), "classes": 1000}
DIGITS = {"input_shape": (1, 28, 28), "classes": 10}
DIGITS_32 = {"input_shape": (1, 32, 32), "classes": 10}

HE_RULE = "First weights follow He's rule; the paper draws normal numbers of deviation 0.01."
ALEX_BIASES = "All biases start at 0; the paper starts those of layers 2, 4, 5 and the hidden FC layers at 1."


DIGIT_CARDS = (
    Card(
        "lenet5",
        "LeNet-5",
        1998,
        LECUN,
        **DIGITS_32,
        depth=7,  # C1, S2, C3, S4, C5, F6 and the output: the paper counts subsampling, which has weights there
        published_error="0.95 % of MNIST's test digits; 0.8 % with distorted digits added to the training set",
        departures=(
            "The output codes are 7x12 bitmaps of +1 and -1 drawn for this course; the paper prints its own.",
            "Scores are minus the squared distances to the codes, so that the largest wins.",
            "Subsampling learns a number for the mean of four pixels; the paper's is for their sum.",
            "Subsampling starts as the plain mean.",
        ),
    ),
    Card(
        "lenet5-modern",
        "LeNet-5, the modern copy",
        1998,
        LECUN,
        **DIGITS_32,
        depth=5,
        published_error="not published: a copy that courses and libraries share",
        departures=(
            "Every map of the second convolution sees all six maps before it: no connection table.",
            "Max pooling, which learns nothing, in place of trainable subsampling.",
            "ReLU in place of the scaled tanh.",
            "An affine layer gives the scores, in place of distances to fixed codes.",
        ),
    ),
    Card(
        "simpleconvnet",
        "SimpleConvNet",
        2016,
        f"{SAITO}, section 7.5",
        **DIGITS,
        depth=3,
        published_error="1.04 % of MNIST's test digits after 20 epochs (98.96 % right)",
        departures=("First weights follow He's rule; the book draws normal numbers of deviation 0.01.",),
    ),
    Card(
        "deepconvnet",
        "DeepConvNet",
        2016,
        f"{SAITO}, section 8.1",
        **DIGITS,
        depth=8,
        published_error="0.62 % of MNIST's test digits (99.38 % right)",
    ),
)

TOWERS = "Two groups stand for the two GPUs: the same sums, on one device."
ALEX_DEPARTS = ("The input is 227x227: the paper's 224 does not fit 11x11 with stride 4.", HE_RULE, ALEX_BIASES)
ONE_TOWER = (
    "One tower with 64, 192, 384, 256, 256 maps; the paper's two towers have 96, 256, 384, 384, 256.",
    "No response norm.",
    "Dropout stands before the first two FC layers; the paper's stands behind them.",
    HE_RULE,
)

ALEXNET_CARDS = (
    Card(
        "alexnet",
        "AlexNet",
        2012,
        KRIZHEVSKY,
        **ALEX,
        depth=8,
        published_error="top-5 18.2 % on ILSVRC-2012 validation, one network, ten crops; 16.4 % averaging five; "
        "15.3 % on test averaging seven, two of them pre-trained on more data (the winning entry)",
        departures=(TOWERS, *ALEX_DEPARTS),
    ),
    Card(
        "alexnet-ungrouped",
        "AlexNet without towers",
        2012,
        KRIZHEVSKY,
        **ALEX,
        depth=8,
        published_error="not published: the paper's network has two towers",
        departures=("Every map sees all maps of the layer before: more weights than published.", *ALEX_DEPARTS),
    ),
    Card(
        "alexnet-torchvision",
        "AlexNet, torchvision's",
        2014,
        WEIRD,
        **IMAGENET,
        depth=8,
        published_error="top-5 20.93 % on ILSVRC-2012 validation, one network, one crop (torchvision's weights)",
        departures=(*ONE_TOWER, "The last maps are averaged to 6x6, so that larger inputs pass."),
    ),
    Card(
        "alexnet-lecture",
        "AlexNet, as lectures count it",
        2014,
        WEIRD,
        **ALEX,
        depth=8,
        published_error="not published: a variant to count on",
        departures=(*ONE_TOWER, "Input 227x227 AND padding 2, so the first layer gives 56x56, not 55x55."),
    ),
)

ZF_DEPARTS = (
    "Contrast normalisation is AlexNet's response norm: the paper gives no constants.",
    "The first convolution is padded by 1 and two poolings round up: so the figure's 110, 55, 26, 13 come out.",
    HE_RULE,
)

ZFNET_CARDS = (
    Card(
        "zfnet",
        "ZFNet",
        2013,
        f"{ZEILER}, Figure 3",
        **IMAGENET,
        depth=8,
        published_error="top-5 16.5 % on ILSVRC-2012 validation, one network; 15.3 % averaging five",
        departures=ZF_DEPARTS,
    ),
    Card(
        "zfnet-wide",
        "ZFNet, wider",
        2013,
        f"{ZEILER}, Table 3",
        **IMAGENET,
        depth=8,
        published_error="top-5 16.0 % on ILSVRC-2012 validation, one network; 14.8 % on test averaging six of both",
        departures=ZF_DEPARTS,
    ),
)


def _vggs() -> list[Card]:
    one = "on ILSVRC-2012 validation, one network, one scale, dense evaluation"
    jitter = "trained at scales 256 to 512"
    entry = "; 7.3 % on test averaging seven (the ILSVRC-2014 entry)"
    errors = {
        11: f"top-5 10.4 % {one}",
        13: f"top-5 9.9 % {one}",
        16: f"top-5 8.1 % {one}, {jitter}{entry}",
        19: f"top-5 8.0 % {one}, {jitter}{entry}",
    }
    start = "First weights follow He's rule; the paper starts the deeper nets from a trained VGG-11."
    return [
        Card(
            f"vgg{depth}",
            f"VGG-{depth}",
            2014,
            f"{SIMONYAN}, Table 1, column {column}",
            **IMAGENET,
            depth=depth,
            published_error=errors[depth],
            departures=(HE_RULE if depth == 11 else start,),
        )
        for depth, column in ((11, "A"), (13, "B"), (16, "D"), (19, "E"))
    ]


EARLY_CARDS = (*DIGIT_CARDS, *ALEXNET_CARDS, *ZFNET_CARDS, *_vggs())
