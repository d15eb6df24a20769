"""Of GoogLeNet and ResNet: the right way to count and to build them, and wrong ways with their names."""

from collections.abc import Sequence

import numpy as np

# ------------------------------------------------ multiply-adds of one branch: 1x1 to few maps, then a larger kernel


def branch_macs(size: int, inputs: int, reduced: int, outputs: int, kernel: int) -> int:
    """At each of the places 192*16 products for the 1x1 layer, and 25*16*32 for the 5x5 layer behind it."""
    return size**2 * (inputs * reduced + kernel**2 * reduced * outputs)


def unreduced_branch(size: int, inputs: int, reduced: int, outputs: int, kernel: int) -> int:
    """This lets the 5x5 kernels look at all 192 maps. They only see the 16 that the 1x1 layer leaves."""
    return size**2 * kernel**2 * inputs * outputs


def free_reduction(size: int, inputs: int, reduced: int, outputs: int, kernel: int) -> int:
    """This takes the 1x1 layer as a gift. It is cheap, but it looks at all 192 maps and has to be paid, too."""
    return size**2 * kernel**2 * reduced * outputs


def one_place(size: int, inputs: int, reduced: int, outputs: int, kernel: int) -> int:
    """These are the weights, which is the work at one place. The branch does it at each of 28*28 places."""
    return inputs * reduced + kernel**2 * reduced * outputs


# ------------------------------------------------ multiply-adds of a whole module; maps as in a row of Table 1


def module_macs(size: int, inputs: int, maps: Sequence[int]) -> int:
    """Work at one place, for all six convolutions, times the places."""
    one, reduce3, three, reduce5, five, pooled = maps
    straight = inputs * (one + reduce3 + reduce5 + pooled)  # the 1x1 layers that see the input
    return size**2 * (straight + 9 * reduce3 * three + 25 * reduce5 * five)


def module_without_reductions(size: int, inputs: int, maps: Sequence[int]) -> int:
    """This lets the 3x3 and 5x5 kernels look at all maps of the input: the 1x1 layers in front are missing."""
    one, _, three, _, five, pooled = maps
    return size**2 * inputs * (one + 9 * three + 25 * five + pooled)


def module_without_projection(size: int, inputs: int, maps: Sequence[int]) -> int:
    """This leaves out the 1x1 layer behind the pooling."""
    return module_macs(size, inputs, [*maps[:5], 0])


def module_with_free_reductions(size: int, inputs: int, maps: Sequence[int]) -> int:
    """This takes the two 1x1 layers in front of 3x3 and 5x5 as a gift: they have to be paid, too."""
    return module_macs(size, inputs, maps) - size**2 * inputs * (maps[1] + maps[3])


def module_at_one_place(size: int, inputs: int, maps: Sequence[int]) -> int:
    """This is the work at one place. There are size*size of them."""
    return module_macs(1, inputs, maps)


# ------------------------------------------------ layers with weights along the path of a ResNet


def resnet_layers(blocks: Sequence[int], convolutions: int) -> int:
    """The stem, the convolutions of all blocks, and the fully connected layer."""
    return 1 + convolutions * sum(blocks) + 1


def without_ends(blocks: Sequence[int], convolutions: int) -> int:
    """This counts the blocks alone. The stem in front and the fully connected layer behind have weights, too."""
    return convolutions * sum(blocks)


def without_classifier(blocks: Sequence[int], convolutions: int) -> int:
    """This forgets the fully connected layer at the end."""
    return 1 + convolutions * sum(blocks)


def with_projections(blocks: Sequence[int], convolutions: int) -> int:
    """This counts a projection for each stage. They stand beside the blocks, and the path is counted along these."""
    return resnet_layers(blocks, convolutions) + len(blocks)


def blocks_counted(blocks: Sequence[int], convolutions: int) -> int:
    """This counts a block as one layer. Each has two or three convolutions."""
    return 2 + sum(blocks)


# ------------------------------------------------ a residual block whose weights are all 0


def zero_block(x: np.ndarray) -> np.ndarray:
    """F(x) is 0, so the sum is x. Then comes the ReLU, and what was negative is gone."""
    return np.maximum(0, x)


def untouched(x: np.ndarray) -> np.ndarray:
    """This forgets the ReLU behind the addition. Only what is not negative passes unchanged."""
    return np.asarray(x)


def nothing_left(x: np.ndarray) -> np.ndarray:
    """This forgets the skip: F(x) is 0, but x is added to it."""
    return np.zeros_like(x)


def counted_twice(x: np.ndarray) -> np.ndarray:
    """This takes F(x) to be x. With all weights 0 the two convolutions give 0."""
    return np.maximum(0, 2 * np.asarray(x))


# ------------------------------------------------ a residual block of two dense layers


def residual(x: np.ndarray, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """Two layers, the input added to what they give, and the ReLU at the very end."""
    return np.maximum(0, np.maximum(0, x @ w1) @ w2 + x)


def plain(x: np.ndarray, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """This has no skip: the input is not added."""
    return np.maximum(0, np.maximum(0, x @ w1) @ w2)


def relu_too_early(x: np.ndarray, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """This applies the second ReLU before the addition. Then the block can only ever add."""
    return np.maximum(0, np.maximum(0, x @ w1) @ w2) + x


def relu_forgotten(x: np.ndarray, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """This has no ReLU behind the addition."""
    return np.maximum(0, x @ w1) @ w2 + x


def linear_inside(x: np.ndarray, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """This has no ReLU between the two layers, so that they are one matrix."""
    return np.maximum(0, x @ w1 @ w2 + x)


# ------------------------------------------------ a kernel that changes nothing


def identity_kernel(size: int) -> np.ndarray:
    """One 1 in the middle: each place gets its own pixel and nothing else."""
    w = np.zeros((size, size), dtype=int)
    w[size // 2, size // 2] = 1
    return w


def identity_matrix(size: int) -> np.ndarray:
    """This is the identity for matrix products. A kernel slides: this one adds up three pixels along a diagonal."""
    return np.eye(size, dtype=int)


def all_ones(size: int) -> np.ndarray:
    """This adds up all nine pixels of the window."""
    return np.ones((size, size), dtype=int)


def first_pixel(size: int) -> np.ndarray:
    """This takes the window's top left pixel: the picture comes out whole, but moved by one pixel."""
    return np.roll(identity_kernel(size), (-(size // 2), -(size // 2)), axis=(0, 1))


# ------------------------------------------------ identity kernels for several channels


def identity_kernels(channels: int, size: int) -> np.ndarray:
    """Kernel k has a single 1, in channel k, in the middle."""
    w = np.zeros((channels, channels, size, size))
    for k in range(channels):
        w[k, k] = identity_kernel(size)
    return w


def mixed_channels(channels: int, size: int) -> np.ndarray:
    """This has the 1 in every channel, so that each map becomes the sum of all."""
    return np.ones((channels, channels, 1, 1)) * identity_kernel(size)


def diagonal_kernels(channels: int, size: int) -> np.ndarray:
    """This has identity matrices in place of a single 1 in the middle: they add up pixels along a diagonal."""
    return np.eye(channels)[:, :, None, None] * identity_matrix(size)


def corner_kernels(channels: int, size: int) -> np.ndarray:
    """This has the 1 in the corner: every map moves by a pixel or more."""
    return np.eye(channels)[:, :, None, None] * first_pixel(size)
