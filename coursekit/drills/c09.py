"""Drills of chapter 9: the work of a module, the layers of a network, a residual block, kernels that change nothing."""

from coursekit.drills import Drill
from coursekit.misconceptions import deeper as wrong


def _module_inputs(rng):
    maps = tuple(int(number) for number in 16 * rng.integers(1, 9, 6))
    return int(rng.integers(5, 15)), int(16 * rng.integers(4, 20)), maps


def _layers_inputs(rng):
    return [int(number) for number in rng.integers(2, 12, 4)], int(rng.integers(2, 4))


def _block_inputs(rng):
    return rng.normal(size=(3, 4)), rng.normal(size=(4, 5)), rng.normal(size=(5, 4))


def _identity_inputs(rng):
    return int(rng.integers(2, 5)), int(2 * rng.integers(1, 3) + 1)


DRILLS = {
    "module": Drill(
        wrong.module_macs,
        _module_inputs,
        wrong=(
            wrong.module_without_reductions,
            wrong.module_without_projection,
            wrong.module_with_free_reductions,
            wrong.module_at_one_place,
        ),
        cases=4,
        hints=(
            "A module has six convolutions. For each: kernel area times channels in times maps out, at each place.",
            "Four of them are 1x1 and see the input: 1x1, the two reductions, and the one behind the pooling.",
            "size**2 * (inputs * (one + reduce3 + reduce5 + pooled) + 9 * reduce3 * three + 25 * reduce5 * five).",
        ),
        section="9.2 Narrow before wide",
    ),
    "block": Drill(
        wrong.residual,
        _block_inputs,
        wrong=(wrong.plain, wrong.relu_too_early, wrong.relu_forgotten, wrong.linear_inside),
        cases=4,
        hints=(
            "Write F(x) first: matrix, ReLU, matrix. There is no second ReLU in it.",
            "Then add x, and only then apply the last ReLU.",
            "np.maximum(0, np.maximum(0, x @ w1) @ w2 + x).",
        ),
        section="9.8 Learn the change, not the whole",
    ),
    "identity": Drill(
        wrong.identity_kernels,
        _identity_inputs,
        wrong=(wrong.mixed_channels, wrong.diagonal_kernels, wrong.corner_kernels),
        cases=4,
        hints=(
            "Start from zeros of shape (channels, channels, size, size). How many ones are needed?",
            "One for each kernel: kernel k must pick channel k, and in it the pixel in the middle.",
            "w[k, k, size // 2, size // 2] = 1 for each k.",
        ),
        section="9.7 A deeper network for nothing",
    ),
    "layers": Drill(
        wrong.resnet_layers,
        _layers_inputs,
        wrong=(wrong.without_ends, wrong.without_classifier, wrong.with_projections, wrong.blocks_counted),
        cases=4,
        hints=(
            "Walk along the path from picture to scores and count what has weights, leaving out the skips.",
            "Every block has as many convolutions as `convolutions` says, and blocks holds a number for each stage.",
            "1 + convolutions * sum(blocks) + 1: the stem and the fully connected layer count as well.",
        ),
        section="9.9 From 18 layers to 152",
    ),
}
