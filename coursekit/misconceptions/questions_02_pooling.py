"""Of assignment 2 from locally connected layers on: wrong answers with the thought behind each.

As in `questions_02`: functions for an entered answer are given it, ignore it, and take the numbers of the question.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.shapes import conv_macs, conv_parameters, fc_parameters

# ------------------------------------------------------------------ a kernel for each place


def unshared(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """Each place has its own kernel and its own bias: the right way."""
    windows = sliding_window_view(x, w.shape[4:], axis=(1, 2))[:, ::stride, ::stride]
    windows = windows[:, : w.shape[1], : w.shape[2]]
    return np.einsum("cijpq,fijcpq->fij", windows, w) + b


def kernel_of_the_first_place(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """This uses the kernel of the first place everywhere: a convolution."""
    return unshared(x, np.broadcast_to(w[:, :1, :1], w.shape), b, stride)


def bias_of_the_first_place(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """This gives each place a kernel and lets all share one bias."""
    return unshared(x, w, np.broadcast_to(b[:, :1, :1], b.shape), stride)


def unshared_at_the_index(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    """This starts the window of place (i, j) at row i and column j. It starts at stride times the index."""
    return unshared(x, w, b, 1)


# ------------------------------------------------------------------ 1x1 and groups


def pointwise_without_bias(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """This leaves the biases out."""
    return np.einsum("nchw,fc->nfhw", x, w)


def pointwise_with_maps_last(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """This leaves the new maps in the last axis. They belong where the channels were."""
    return x.transpose(0, 2, 3, 1) @ w.T + b


def pointwise_means(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """This takes the mean over the channels where the sum is meant."""
    return pointwise_without_bias(x, w, b) / x.shape[1] + b[:, None, None]


def _valid(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.einsum("ncijpq,fcpq->nfij", sliding_window_view(x, w.shape[2:], axis=(2, 3)), w)


def _by_groups(x: np.ndarray, w: np.ndarray, groups: int, channels: Callable[[int], slice]) -> np.ndarray:
    own = len(w) // groups
    return np.concatenate([_valid(x[:, channels(g)], w[g * own : (g + 1) * own]) for g in range(groups)], axis=1)


def channels_dealt_like_cards(x: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """This deals the channels out one by one. A group is a run of neighbours."""
    return _by_groups(x, w, groups, lambda g: slice(g, None, groups))


def everyone_reads_the_first_group(x: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """This lets all kernels read the first group's channels."""
    return _valid(x[:, : w.shape[1]], w)


def kernels_dealt_like_cards(x: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """This gives kernel 0 to group 0, kernel 1 to group 1, and so on. The first F / groups belong to group 0."""
    depth = w.shape[1]
    maps = [_valid(x[:, f % groups * depth : (f % groups + 1) * depth], w[f : f + 1]) for f in range(len(w))]
    return np.concatenate(maps, axis=1)


def weights_without_the_way_back(weights: object, channels: int, groups: int) -> list[int]:
    """This forgets the 1x1 kernels that bring the maps back to their old number."""
    direct, thin = channels * channels * 9, channels // 4
    return [direct, channels * thin + thin * thin * 9, direct // groups]


def weights_divided_twice(weights: object, channels: int, groups: int) -> list[int]:
    """This divides by the groups twice, for channels and for kernels. Each kernel is thinner; all kernels are there."""
    direct, thin = channels * channels * 9, channels // 4
    return [direct, 2 * channels * thin + thin * thin * 9, direct // groups**2]


# ------------------------------------------------------------------ a network, read


def kinds_with_learned_pooling(kinds: object, side: int, kernels: int) -> dict[str, list[int]]:
    """This gives each pooling window weights. Pooling has settings, and nothing to learn."""
    return _kinds(side, kernels) | {"POOL": [4, 2]}


def kinds_without_biases(kinds: object, side: int, kernels: int) -> dict[str, list[int]]:
    """This counts the weights and leaves the biases out."""
    (conv, four), (dense, one) = (_kinds(side, kernels)[kind] for kind in ("CONV", "FC"))
    return _kinds(side, kernels) | {"CONV": [conv - kernels, four], "FC": [dense - 10, one]}


def kinds_without_pooling(kinds: object, side: int, kernels: int) -> dict[str, list[int]]:
    """This connects the last layer to the maps as they were before the pooling."""
    return _kinds(side, kernels) | {"FC": [fc_parameters(kernels * (side - 4) ** 2, 10), 1]}


def _kinds(side, kernels):
    dense = fc_parameters(kernels * ((side - 4) // 2) ** 2, 10)
    return {"CONV": [conv_parameters(3, kernels, 5), 4], "RELU": [0, 0], "POOL": [0, 2], "FC": [dense, 1]}


def zeros_that_are_alive(alive: object, maps: np.ndarray) -> list[int]:
    """This counts zeros as well. What is 0 before a ReLU is 0 behind it."""
    return (maps >= 0).sum(axis=(1, 2)).tolist()


def negatives_that_are_alive(alive: object, maps: np.ndarray) -> list[int]:
    """This counts whatever is not 0. A ReLU takes the negative numbers away."""
    return (maps != 0).sum(axis=(1, 2)).tolist()


def pooled_before_the_bend(pooled: object, maps: np.ndarray) -> np.ndarray:
    """This pools the signed map and forgets the ReLU."""
    return maps[2].reshape(2, 2, 2, 2).max(axis=(1, 3))


def pooled_at_the_corners(pooled: object, maps: np.ndarray) -> np.ndarray:
    """This takes the first number of each window. The largest stays."""
    return np.maximum(maps[2], 0)[::2, ::2]


def averaged_map(pooled: object, maps: np.ndarray) -> np.ndarray:
    """This takes the mean of each window. The largest stays."""
    return np.maximum(maps[2], 0).reshape(2, 2, 2, 2).mean(axis=(1, 3))


# ------------------------------------------------------------------ pooling


def pool(x: np.ndarray, window: int, stride: int, padding: int, kind: str, *, rim: float | None = None) -> np.ndarray:
    """Padding that never counts: minus infinity for the largest, left out of the mean, zero for the length."""
    rim = {"max": -np.inf, "average": np.nan, "l2": 0.0}[kind] if rim is None else rim
    grown = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], constant_values=rim)
    windows = sliding_window_view(grown, (window, window), axis=(2, 3))[:, :, ::stride, ::stride]
    if kind == "l2":
        return np.sqrt((windows**2).sum(axis=(4, 5)))
    return (np.max if kind == "max" else np.nanmean)(windows, axis=(4, 5))


def pool_with_zeros(x: np.ndarray, window: int, stride: int, padding: int, kind: str) -> np.ndarray:
    """This pads with zeros, which win against negative numbers and are counted into the mean."""
    return pool(x, window, stride, padding, kind, rim=0)


def pool_side_by_side(x: np.ndarray, window: int, stride: int, padding: int, kind: str) -> np.ndarray:
    """This moves the window by its own size, so that windows never overlap."""
    return pool(x, window, window, padding, kind)


def pool_of_absolute_values(x: np.ndarray, window: int, stride: int, padding: int, kind: str) -> np.ndarray:
    """This looks at sizes and forgets the signs. Of -1 and -6 the larger is -1."""
    return pool(np.abs(x), window, stride, padding, kind)


def pool_by_root_mean_square(x: np.ndarray, window: int, stride: int, padding: int, kind: str) -> np.ndarray:
    """This divides the sum of squares by their number. The length is the root of the sum."""
    y = pool(x, window, stride, padding, kind)
    return y / window if kind == "l2" else y


def pool_without_the_root(x: np.ndarray, window: int, stride: int, padding: int, kind: str) -> np.ndarray:
    """This sums the squares and forgets the root."""
    y = pool(x, window, stride, padding, kind)
    return y**2 if kind == "l2" else y


def row_padded_with_zeros(predicted: object, row: list[int]) -> np.ndarray:
    """This pads with zeros, which win against negative numbers."""
    return pool_with_zeros(np.array(row, float)[None, None, None], 3, 2, 1, "max").ravel()


def row_in_separate_windows(predicted: object, row: list[int]) -> np.ndarray:
    """This lays the windows side by side."""
    return pool(np.array(row, float)[None, None, None], 3, 3, 1, "max").ravel()


def row_without_signs(predicted: object, row: list[int]) -> np.ndarray:
    """This looks at sizes and forgets the signs."""
    return pool_of_absolute_values(np.array(row, float)[None, None, None], 3, 2, 1, "max").ravel()


# ------------------------------------------------------------------ a bend between the layers


def activate(x: np.ndarray, kind: str, slope: float) -> np.ndarray:
    """The five functions: the right way."""
    low = np.minimum(x, 0)
    return {
        "sigmoid": (1 + np.tanh(x / 2)) / 2,
        "tanh": np.tanh(x),
        "relu": np.maximum(x, 0),
        "leaky": np.where(x > 0, x, slope * x),
        "elu": np.where(x > 0, x, np.expm1(low)),
    }[kind]


def activate_with_a_jump(x: np.ndarray, kind: str, slope: float) -> np.ndarray:
    """This lets ELU be e^x below zero, which jumps from 1 to 0 there. It is e^x - 1."""
    return activate(x, kind, slope) + (x <= 0) * (kind == "elu")


def activate_with_absolute_values(x: np.ndarray, kind: str, slope: float) -> np.ndarray:
    """This lets ReLU turn negative numbers round. They become 0."""
    return np.abs(x) if kind == "relu" else activate(x, kind, slope)


def activate_with_a_short_tanh(x: np.ndarray, kind: str, slope: float) -> np.ndarray:
    """This takes tanh for a sigmoid from -1 to 1 of the same steepness. It is twice as steep inside as well."""
    return 2 * activate(x, "sigmoid", slope) - 1 if kind == "tanh" else activate(x, kind, slope)


def report_of_pictures(z: np.ndarray) -> list[int]:
    """This looks along the wrong axis, and counts pictures where units are asked for."""
    return report(z.T)


def report_of_values(z: np.ndarray) -> list[int]:
    """This counts single values. A unit is dead, or flat, only if it is so for every picture."""
    return [int(flags.sum()) for flags in _flags(z)]


def report_of_some_picture(z: np.ndarray) -> list[int]:
    """This counts a unit as soon as one picture makes it silent, or flat. Every picture has to."""
    return [int(flags.any(axis=0).sum()) for flags in _flags(z)]


def report(z: np.ndarray) -> list[int]:
    """Units of which something is true for every picture: the right way."""
    return [int(flags.all(axis=0).sum()) for flags in _flags(z)]


def _flags(z):
    value = 1 / (1 + np.exp(-z))
    return z <= 0, z > 0, value * (1 - value) < 0.01


# ------------------------------------------------------------------ the end of the network


def channels_first_in_the_row(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """This flattens the volume as it lies, channels first, so that the weights meet the wrong numbers."""
    return x.reshape(len(x), -1) @ w + b


def columns_before_rows(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """This moves the channels to the end and swaps rows and columns on the way."""
    return x.transpose(0, 3, 2, 1).reshape(len(x), -1) @ w + b


def dense_without_bias(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """This leaves the biases out."""
    return x.transpose(0, 2, 3, 1).reshape(len(x), -1) @ w


def replacement_of_flat_kernels(replacement: object, side: int, channels: int) -> list[int]:
    """This gives each map a flat kernel of its own, as pooling treats it. A kernel reads all maps."""
    half = side // 2
    return [half, channels * 10, half * half * channels * 9]


def replacement_at_full_size(replacement: object, side: int, channels: int) -> list[int]:
    """This multiplies at every pixel. With stride 2 the kernel stands at a quarter of the places."""
    return [side // 2, conv_parameters(channels, channels, 3), conv_macs(channels, channels, 3, side)]


def kernels_that_mix_the_maps(channels: int, window: int) -> np.ndarray:
    """This reads all maps with each kernel. Pooling treats each map by itself."""
    return np.full((channels, channels, window, window), 1 / window**2)


def kernels_that_sum(channels: int, window: int) -> np.ndarray:
    """This sums the window. The mean is asked for."""
    return np.eye(channels)[:, :, None, None] * np.ones((window, window))


def flat_mean_kernels(channels: int, window: int) -> np.ndarray:
    """This makes flat kernels, one for each map. A convolution's kernels are as deep as its input."""
    return np.full((channels, 1, window, window), 1 / window**2)
