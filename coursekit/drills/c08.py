"""Drills of chapter 8, "Case studies: from LeNet to VGG"."""

import numpy as np

from coursekit.drills import Drill
from coursekit.misconceptions import case_studies as wrong

FLAT_IDEAS = (wrong.without_padding, wrong.halved_thrice, wrong.one_map)


def subsampling(x, weight, bias):
    """Subsampling of 1998: x (C, H, W), weight and bias (C,) -> (C, H/2, W/2)."""
    maps, rows, columns = x.shape
    mean = x.reshape(maps, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4))
    a = mean * weight[:, None, None] + bias[:, None, None]
    return 1.7159 * np.tanh(2 * a / 3)


def flat_length(size, padding):
    """How many numbers arrive at AlexNet's first fully connected layer."""
    side = (size + 2 * padding - 11) // 4 + 1
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return 256 * side * side


def vgg_parameters(blocks, classes):
    """Parameters of a VGG network from the number of convolutions in each of its five blocks."""
    before, total = 3, 0
    for convolutions, maps in zip(blocks, (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            total += maps * (3 * 3 * before + 1)
            before = maps
    inputs = 512 * 7 * 7
    for outputs in (4096, 4096, classes):
        total += outputs * (inputs + 1)
        inputs = outputs
    return total


def frozen_norm(x, mean, variance):
    """Batch norm in test mode: x (N, C, H, W), stored mean and variance (C,)."""
    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)


def telling_size(rng):
    """A size and a padding with which each wrong way gives another number: three poolings hide small differences."""
    while True:
        inputs = int(rng.integers(180, 330)), int(rng.integers(1, 5))
        if len({each(*inputs) for each in (flat_length, *FLAT_IDEAS)}) == 1 + len(FLAT_IDEAS):
            return inputs


def five_blocks(rng):
    """Two to four convolutions in each of the five blocks, and some classes."""
    return rng.integers(2, 5, size=5).tolist(), int(rng.integers(2, 200))


DRILLS = {
    "subsampling": Drill(
        subsampling,
        lambda rng: (rng.normal(size=(3, 4, 6)), rng.normal(size=3), rng.normal(size=3)),
        wrong=(
            wrong.plain_average,
            wrong.largest_of_window,
            wrong.squashed_too_early,
            wrong.unsquashed,
            wrong.bare_tanh,
        ),
        cases=4,
        hints=(
            "Three steps: the means of the 2x2 windows, then weight and bias, then the bend.",
            "x.reshape(C, H // 2, 2, W // 2, 2).mean(axis=(2, 4)) gives the means.",
            "weight[:, None, None] has the right shape to multiply a map by its own weight.",
        ),
        section="8.2 Averages that learn, and ten little pictures",
    ),
    "flat_length": Drill(
        flat_length,
        telling_size,
        wrong=FLAT_IDEAS,
        cases=4,
        hints=(
            "Begin with the side of the first map: (size - 11 + 2 * padding) // 4 + 1.",
            "The other convolutions keep the side. Each of the three poolings makes (side - 3) // 2 + 1 of it.",
            "At the end there are 256 maps of side times side.",
        ),
        section="8.5 Which AlexNet is this?",
    ),
    "vgg_parameters": Drill(
        vgg_parameters,
        five_blocks,
        wrong=(wrong.without_biases, wrong.one_width_a_block, wrong.unpooled_end, wrong.one_hidden_layer),
        cases=4,
        hints=(
            "A convolution with 3x3 kernels has maps * (9 * maps_before + 1) parameters.",
            "Go through the blocks and remember how many maps the layer before had; it begins with 3.",
            "The fully connected layers: 512 * 7 * 7 -> 4096 -> 4096 -> classes, each with biases.",
        ),
        section="8.7 VGG: one idea, sixteen layers",
    ),
    "frozen_norm": Drill(
        frozen_norm,
        lambda rng: (rng.normal(1, 2, size=(4, 3, 2, 2)), rng.normal(size=3), rng.uniform(0.5, 3, size=3)),
        wrong=(wrong.by_the_batch, wrong.moved_first, wrong.divided_by_variance, wrong.only_centred),
        cases=4,
        hints=(
            "Nothing is computed from x except the result: which mean and which variance are given?",
            "mean[:, None, None] fits the axis of the channels.",
            "(x - mean) / np.sqrt(variance + 1e-5), with both brought to the shape of a map.",
        ),
        section="8.10 Freeze, and replace the head",
    ),
}
