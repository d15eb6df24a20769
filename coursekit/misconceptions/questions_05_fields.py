"""Of assignment 5, questions 4 to 6: wrong answers with their thoughts."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# ------------------------------------------------ question 4


def _lenet(table: np.ndarray, side: int, **instead: int) -> dict[str, int]:
    inputs, maps = table.shape
    side = ((side - 4) // 2 - 4) // 2
    counts = {"C1": inputs * 26, "S2": inputs * 2, "C3": int(table.sum()) * 25 + maps, "S4": maps * 2}
    return counts | {"C5": 120 * (maps * side**2 + 1), "F6": 84 * 121} | instead


def lenet_sees_all(table: np.ndarray, side: int) -> dict[str, int]:
    """This lets every map of C3 see all maps of S2."""
    return _lenet(table, side, C3=table.size * 25 + table.shape[1])


def lenet_plain_pooling(table: np.ndarray, side: int) -> dict[str, int]:
    """This takes S2 and S4 for plain averages; each map has a weight and a bias there."""
    return _lenet(table, side, S2=0, S4=0)


def lenet_bias_per_kernel(table: np.ndarray, side: int) -> dict[str, int]:
    """This gives each kernel of C3 a bias; a map has one."""
    return _lenet(table, side, C3=int(table.sum()) * 26)


def lenet_always_5x5(table: np.ndarray, side: int) -> dict[str, int]:
    """This gives C5 kernels of 5x5, which fit an input of 32 alone."""
    return _lenet(table, side, C5=120 * (table.shape[1] * 25 + 1))


def lenet_size_kept(table: np.ndarray, side: int) -> dict[str, int]:
    """This lets the convolutions keep the size; they have no padding, so each takes 4 pixels away."""
    return _lenet(table, side, C5=120 * (table.shape[1] * (side // 4) ** 2 + 1))


# w is a tensor (F, C / groups, KH, KW)


def _spread(w: Any, groups: int, group_of: Any) -> Any:
    full = w.new_zeros(len(w), groups * w.shape[1], *w.shape[2:])
    for f, kernel in enumerate(w):
        for group in group_of(f):
            full[f, group * w.shape[1] : (group + 1) * w.shape[1]] = kernel
    return full


def ungrouped_first_group(w: Any, groups: int) -> Any:
    """This lets all kernels read the first group of channels."""
    return _spread(w, groups, lambda f: [0])


def ungrouped_repeated(w: Any, groups: int) -> Any:
    """This lets each kernel read all groups, with the same weights; it reads its own alone."""
    return _spread(w, groups, lambda f: range(groups))


def ungrouped_in_turn(w: Any, groups: int) -> Any:
    """This deals the kernels to the groups in turn; they belong to them block by block."""
    return _spread(w, groups, lambda f: [f % groups])


def ungrouped_channels_in_turn(w: Any, groups: int) -> Any:
    """This deals the channels to the groups in turn; a group is a block of neighbouring channels."""
    full = w.new_zeros(len(w), groups * w.shape[1], *w.shape[2:])
    for f, kernel in enumerate(w):
        full[f, f // (len(w) // groups) :: groups] = kernel
    return full


# ------------------------------------------------ question 5

Stack = list[tuple[int, int, int]]


def _seen(layers: Stack, place: int, far: int = 1) -> tuple[int, int]:
    first = last = place
    for kernel, stride, padding in layers:
        first, last = first * stride - padding, last * stride - padding + kernel - far
    return first, last


def seen_front_to_back(layers: Stack, place: int) -> tuple[int, int]:
    """This goes through the layers in their order; a place of the last one is given."""
    return _seen(layers, place)


def seen_without_strides(layers: Stack, place: int) -> tuple[int, int]:
    """This takes all strides for 1."""
    return _seen([(kernel, 1, padding) for kernel, _, padding in layers[::-1]], place)


def seen_without_padding(layers: Stack, place: int) -> tuple[int, int]:
    """This takes no padding into account."""
    return _seen([(kernel, stride, 0) for kernel, stride, _ in layers[::-1]], place)


def seen_one_too_far(layers: Stack, place: int) -> tuple[int, int]:
    """This ends a kernel of K at its begin plus K; it is one less."""
    return _seen(layers[::-1], place, far=0)


def seen_cut_at_zero(layers: Stack, place: int) -> tuple[int, int]:
    """This cuts off the zeros in front of the picture."""
    first, last = _seen(layers[::-1], place)
    return max(first, 0), max(last, 0)


def seen_jump_too_early(layers: Stack, place: int) -> tuple[int, int]:
    """This lets a layer's own stride widen its own kernel; a stride widens those of later layers."""
    first, _ = _seen(layers[::-1], place)
    field = jump = 1
    for kernel, stride, _ in layers:
        jump *= stride
        field += (kernel - 1) * jump
    return first, first + field - 1


def seen_unscaled(layers: Stack, place: int) -> tuple[int, int]:
    """This adds kernels and paddings of all layers as if they were pixels of the input; strides stretch them."""
    jump = int(np.prod([stride for _, stride, _ in layers]))
    first = place * jump - sum(padding for _, _, padding in layers)
    return first, first + sum(kernel - 1 for kernel, _, _ in layers)


def stack_by_threes(field: int) -> list[int]:
    """This lets each 3x3 layer add three pixels; it adds two."""
    layers = -(-field // 3)
    return [layers, 9 * layers, field**2]


def stack_of_one_layer(field: int) -> list[int]:
    """This counts the weights of one of the small layers."""
    return [(field - 1) // 2, 9, field**2]


def stack_with_one_too_many(field: int) -> list[int]:
    """This starts from a field of one pixel behind the first layer; that layer sees three already."""
    return [(field + 1) // 2, 9 * (field + 1) // 2, field**2]


def large_kernel_by_its_side(field: int) -> list[int]:
    """This counts the large kernel's side; it has side times side weights."""
    return [(field - 1) // 2, 9 * (field - 1) // 2, field]


def folds_added(layers: int, relus: int) -> list[int]:
    """This adds the pieces of all layers; each layer folds what is folded."""
    return [layers * relus, layers * relus, layers * relus - 1]


def folds_turned(layers: int, relus: int) -> list[int]:
    """This has base and exponent exchanged."""
    return [layers**relus, layers * relus, layers**relus - 1]


def folds_in_one_layer(layers: int, relus: int) -> list[int]:
    """This thinks that as many ReLUs in one layer make as many pieces."""
    return [relus**layers, layers * relus, layers * relus]


def a_relu_for_each_piece(layers: int, relus: int) -> list[int]:
    """This takes as many ReLUs as pieces; k of them make k + 1 pieces."""
    return [relus**layers, layers * relus, relus**layers]


# ------------------------------------------------ question 6


def scores_by_kernels(volume, kernels, b1, w2, b2, *, relu: bool = True) -> np.ndarray:
    """The map that kernels (M, C, H, W) and a second layer give."""
    windows = sliding_window_view(volume, kernels.shape[2:], axis=(1, 2))
    hidden = np.einsum("cijpq,mcpq->mij", windows, kernels) + b1[:, None, None]
    return np.einsum("mij,mk->kij", np.maximum(hidden, 0) if relu else hidden, w2) + b2[:, None, None]


def as_kernels(w1: np.ndarray, shape: tuple[int, int, int], order: str) -> np.ndarray:
    """Kernels (M, C, H, W) of a matrix (C*H*W, M)."""
    channels, height, width = shape
    if order == "CHW":
        return w1.T.reshape(-1, *shape)
    return w1.T.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)


def map_always_chw(volume, w1, b1, w2, b2, shape, order):
    """This folds the rows map after map, whatever the order was."""
    return scores_by_kernels(volume, as_kernels(w1, shape, "CHW"), b1, w2, b2)


def map_axes_mixed(volume, w1, b1, w2, b2, shape, order):
    """This reshapes the matrix straight into kernels; its columns belong to them, so it has to be transposed."""
    return scores_by_kernels(volume, as_kernels(w1.reshape(w1.shape[::-1]).T, shape, order), b1, w2, b2)


def map_without_relu(volume, w1, b1, w2, b2, shape, order):
    """This leaves out the ReLU between the layers."""
    return scores_by_kernels(volume, as_kernels(w1, shape, order), b1, w2, b2, relu=False)


def map_relu_at_the_end(volume, w1, b1, w2, b2, shape, order):
    """This cuts negative scores off."""
    return np.maximum(scores_by_kernels(volume, as_kernels(w1, shape, order), b1, w2, b2), 0)


def map_reshaped_hwc(volume, w1, b1, w2, b2, shape, order):
    """This moves the axes in the wrong direction: channels were last in training, and kernels want them first."""
    kernels = as_kernels(w1, shape, "CHW")
    if order == "HWC":
        kernels = kernels.transpose(0, 2, 3, 1).reshape(-1, *shape)
    return scores_by_kernels(volume, kernels, b1, w2, b2)


def map_without_biases(volume, w1, b1, w2, b2, shape, order):
    """This turns the weights into kernels and leaves the biases behind."""
    return scores_by_kernels(volume, as_kernels(w1, shape, order), 0 * b1, w2, 0 * b2)


def map_without_first_bias(volume, w1, b1, w2, b2, shape, order):
    """This forgets the bias of the first layer."""
    return scores_by_kernels(volume, as_kernels(w1, shape, order), 0 * b1, w2, b2)


def side_at_every_pixel(picture: int) -> int:
    """This moves the window pixel by pixel; the total stride is 32."""
    return picture - 224 + 1


def side_by_stride(picture: int) -> int:
    """This divides the picture by the stride; the window has to fit."""
    return picture // 32


def side_without_first(picture: int) -> int:
    """This counts the steps; places are one more."""
    return (picture - 224) // 32


def passes_along_one_axis(fine: int) -> int:
    """This shifts along one axis; the grid has two."""
    return 32 // fine


def passes_two(fine: int) -> int:
    """This thinks that two passes are enough, unshifted and shifted."""
    return 2


def passes_of_the_step(fine: int) -> int:
    """This squares the step; it is the number of steps in a stride of 32 that counts, along both axes."""
    return fine**2


POOLING_SPOILS = {"A"}  # takes pooling for harmful
ONE_PADDING_IS_FINE = {"A", "D", "E"}
ALL_AT_MULTIPLES = {"A", "B", "D", "E"}  # padding does no harm
ALL_WITHOUT_PADDING = {"A", "C", "D"}  # any offset will do
