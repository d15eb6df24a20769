"""Of the networks that made history: what they are, and plausible mistakes about them with their names."""

from collections.abc import Sequence

import numpy as np

# ------------------------------------------------------------------ LeNet-5


def lenet_of_1998(sees: Sequence[int]) -> int:
    """C1 156, S2 12, C3 a 5x5 kernel for each map it sees, S4 32, C5 48,120, F6 10,164; the output codes are fixed."""
    c3 = sum(25 * maps + 1 for maps in sees)
    return 6 * (25 + 1) + 6 * 2 + c3 + 16 * 2 + 120 * (16 * 25 + 1) + 84 * (120 + 1)


def every_map_sees_all(sees: Sequence[int]) -> int:
    """This lets every map of C3 see all six maps before it. In 1998 a table left 36 of the 96 connections out."""
    return lenet_of_1998([6] * len(sees))


def subsampling_without_weights(sees: Sequence[int]) -> int:
    """This takes subsampling for pooling, which learns nothing. In 1998 each map had a weight and a bias for it."""
    return lenet_of_1998(sees) - 2 * (6 + 16)


def affine_output(sees: Sequence[int]) -> int:
    """This ends in a layer of ten times 84 weights and ten biases. In 1998 the ten codes were fixed by hand."""
    return lenet_of_1998(sees) + 10 * (84 + 1)


def subsample(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The mean of each 2x2 window, times the map's weight, plus its bias, squashed."""
    return _squash(_means(x) * weight[:, None, None] + bias[:, None, None])


def plain_average(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """This averages and squashes, and never uses weight and bias."""
    return _squash(_means(x))


def largest_of_window(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """This takes the largest of the four. That is max pooling, of later years; in 1998 it was the mean."""
    return _squash(_windows(x).max(axis=(2, 4)) * weight[:, None, None] + bias[:, None, None])


def squashed_too_early(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """This squashes the mean, and multiplies afterwards. The weight decides how far into the bend a value comes."""
    return _squash(_means(x)) * weight[:, None, None] + bias[:, None, None]


def unsquashed(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """This forgets the scaled tanh at the end."""
    return _means(x) * weight[:, None, None] + bias[:, None, None]


def bare_tanh(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """This squashes by a bare tanh. The one of 1998 was stretched: 1.7159 tanh(2a/3)."""
    return np.tanh(unsquashed(x, weight, bias))


def _windows(x: np.ndarray) -> np.ndarray:
    maps, rows, columns = x.shape
    return x.reshape(maps, rows // 2, 2, columns // 2, 2)


def _means(x: np.ndarray) -> np.ndarray:
    return _windows(x).mean(axis=(2, 4))


def _squash(a: np.ndarray) -> np.ndarray:
    return 1.7159 * np.tanh(a * 2 / 3)


# ------------------------------------------------------------------ AlexNet


def two_towers(maps: Sequence[int]) -> int:
    """A kernel of 48 maps reads half of 96: two towers, which meet in the third convolution and behind the fifth."""
    return _alexnet(maps, (1, 2, 1, 2, 2))


def no_towers(maps: Sequence[int]) -> int:
    """This connects all maps to all. Then the second layer's kernels would be 96 maps deep, not 48."""
    return _alexnet(maps, (1, 1, 1, 1, 1))


def towers_throughout(maps: Sequence[int]) -> int:
    """This never lets the towers meet before the fully connected layers. The third convolution reads both."""
    return _alexnet(maps, (1, 2, 2, 2, 2))


def one_tower(maps: Sequence[int]) -> int:
    """This is the later network with one tower: 64 maps in its first layer, and kernels 64 maps deep in its second."""
    return _alexnet((64, 192, 384, 256, 256), (1, 1, 1, 1, 1))


def _alexnet(maps: Sequence[int], groups: Sequence[int]) -> int:
    before, total = 3, 0
    for count, size, towers in zip(maps, (11, 5, 3, 3, 3), groups, strict=True):
        total += count * (before // towers * size**2 + 1)
        before = count
    for inputs, outputs in ((before * 36, 4096), (4096, 4096), (4096, 1000)):
        total += outputs * (inputs + 1)
    return total


def flat_length(size: int, padding: int) -> int:
    """256 maps, as large as three poolings leave them."""
    return 256 * _pooled((size - 11 + 2 * padding) // 4 + 1) ** 2


def without_padding(size: int, padding: int) -> int:
    """This forgets the padding of the first layer."""
    return flat_length(size, 0)


def halved_thrice(size: int, padding: int) -> int:
    """This halves the map at each pooling. Windows of 3 with stride 2 find (n - 3) // 2 + 1 places, often one fewer."""
    return 256 * ((size - 11 + 2 * padding) // 4 + 1 >> 3) ** 2


def one_map(size: int, padding: int) -> int:
    """This flattens a single map. All 256 are laid end to end."""
    return flat_length(size, padding) // 256


def _pooled(side: int) -> int:
    for _ in range(3):
        side = (side - 3) // 2 + 1
    return side


# ------------------------------------------------------------------ ZFNet


def folded(period: float, stride: int) -> float:
    """Of all waves through the samples one shows itself, the slowest; here it is slower than the stripes."""
    waves = stride / period  # for each sample
    return round(stride / abs(waves - round(waves)), 6)


def unharmed(period: float, stride: int) -> float:
    """This keeps the stripes as they are. A wave needs two samples at least; the stride leaves it less than that."""
    return float(period)


def stretched(period: float, stride: int) -> float:
    """This multiplies by the stride. The map is smaller by the stride, but we count in pixels of the picture."""
    return float(period * stride)


def finest(period: float, stride: int) -> float:
    """This is the finest pattern that the map can show, two samples a wave. What is finer does not stop there."""
    return 2.0 * stride


# ------------------------------------------------------------------ VGG


def vgg_parameters(blocks: Sequence[int], classes: int) -> int:
    """Parameters of a VGG network from the number of convolutions in each of its five blocks."""
    return _vgg(blocks, classes)


def without_biases(blocks: Sequence[int], classes: int) -> int:
    """This leaves out the biases: one for each map, and one for each unit."""
    return _vgg(blocks, classes, bias=0)


def one_width_a_block(blocks: Sequence[int], classes: int) -> int:
    """This lets each convolution read as many maps as it writes. The first one of a block reads the block before."""
    return _vgg(blocks, classes, entry=False)


def unpooled_end(blocks: Sequence[int], classes: int) -> int:
    """This pools four times: the last block, too, ends in a pooling, and 7x7 is left of 224x224."""
    return _vgg(blocks, classes, side=14)


def one_hidden_layer(blocks: Sequence[int], classes: int) -> int:
    """This has one hidden layer of 4,096 units. There are two before the scores."""
    return _vgg(blocks, classes, hidden=(4096,))


def _vgg(blocks, classes, *, bias=1, entry=True, side=7, hidden=(4096, 4096)) -> int:
    before, total = 3, 0
    for convolutions, maps in zip(blocks, (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            total += maps * (9 * (before if entry else maps) + bias)
            before = maps
    inputs = before * side**2
    for outputs in (*hidden, classes):
        total += outputs * (inputs + bias)
        inputs = outputs
    return total


# ------------------------------------------------------------------ transfer


def new_head(features: int, scores: int, classes: int, everything: int) -> int:
    """A weight for each feature and class, and a bias for each class; all else is frozen."""
    return classes * (features + 1)


def head_without_biases(features: int, scores: int, classes: int, everything: int) -> int:
    """This leaves out the biases, one for each class."""
    return classes * features


def head_on_old_scores(features: int, scores: int, classes: int, everything: int) -> int:
    """This puts the new layer behind the old scores. They answer ImageNet: take the features before them."""
    return classes * (scores + 1)


def everything_trained(features: int, scores: int, classes: int, everything: int) -> int:
    """This trains all weights. Frozen ones get no gradient and stay as they are."""
    return everything - scores * (features + 1) + classes * (features + 1)


def frozen_norm(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Batch norm in test mode: the stored mean and variance of each map, whatever the batch."""
    return _normed(x, mean, variance)


def by_the_batch(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """This takes mean and variance of the batch, as in training. Frozen means: those that are stored."""
    return _normed(x, x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3)))


def moved_first(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """This lets the batch move the stored values by a tenth first. Frozen means that they stay as they are."""
    return _normed(x, 0.9 * mean + 0.1 * x.mean(axis=(0, 2, 3)), 0.9 * variance + 0.1 * x.var(axis=(0, 2, 3)))


def divided_by_variance(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """This divides by the variance. The standard deviation is its root."""
    return _normed(x, mean, variance**2)


def only_centred(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """This takes off the mean and does not divide."""
    return x - mean[:, None, None]


def _normed(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)
