"""Of designing networks: right counts, sizes and maps, and wrong ways to find them, each with its name."""

import numpy as np

from coursekit.shapes import conv_parameters, fc_parameters, output_size

# ------------------------------------------------ parameters of INPUT -> CONV -> RELU -> POOL2 -> FC


def pattern_parameters(channels: int, size: int, filters: int, kernel: int, classes: int) -> int:
    """Each kernel is as deep as its input and has a bias; the map keeps its size, and pooling halves it before FC."""
    return conv_parameters(channels, filters, kernel) + fc_parameters(filters * (size // 2) ** 2, classes)


def flat_kernels(channels: int, size: int, filters: int, kernel: int, classes: int) -> int:
    """This makes the kernels one channel deep. They are as deep as what comes in, here three channels."""
    return conv_parameters(1, filters, kernel) + fc_parameters(filters * (size // 2) ** 2, classes)


def without_pooling(channels: int, size: int, filters: int, kernel: int, classes: int) -> int:
    """This forgets the pooling: it has no parameters itself, but leaves a quarter of the numbers to FC."""
    return conv_parameters(channels, filters, kernel) + fc_parameters(filters * size**2, classes)


def without_padding(channels: int, size: int, filters: int, kernel: int, classes: int) -> int:
    """This lets the convolution shrink the map. A CONV that says no padding keeps the size."""
    side = output_size(size, kernel) // 2
    return conv_parameters(channels, filters, kernel) + fc_parameters(filters * side**2, classes)


# ------------------------------------------------ ways from each input to one output, through layers of three taps


def paths(layers: int) -> np.ndarray:
    """Each layer lets a way go left, straight or right, and most mixtures of these end near the middle."""
    ways = np.ones(1, int)
    for _ in range(layers):
        ways = np.convolve(ways, np.ones(3, int))
    return ways


def one_path_each(layers: int) -> np.ndarray:
    """This gives each input a single way. At the rim that is true; the middle can be reached by detours, too."""
    return np.ones(2 * layers + 1, int)


def paths_of_two_layers(layers: int) -> np.ndarray:
    """This adds one way for each step towards the middle, as two wide layers would. Ways multiply, layer by layer."""
    ramp = np.arange(1, layers + 2)
    return np.concatenate([ramp, ramp[-2::-1]])


def paths_left_or_right(layers: int) -> np.ndarray:
    """This is Pascal's triangle of twice as many layers with two taps. A kernel of three may also go straight on."""
    ways = np.ones(1, int)
    for _ in range(2 * layers):
        ways = np.convolve(ways, np.ones(2, int))
    return ways


# ------------------------------------------------ the score map of a larger picture


def places_per_side(size: int, window: int, stride: int) -> int:
    """The network is a window that slides in steps of its total stride: (384 - 224)/32 + 1."""
    return output_size(size, window, stride)


def last_volume(size: int, window: int, stride: int) -> int:
    """This is the volume in front of the first FC layer, whose 7x7 kernel still has to slide over it."""
    return size // stride


def tiles(size: int, window: int, stride: int) -> int:
    """This lays windows side by side. They overlap: the next one begins a total stride further, not a window."""
    return -(-size // window)


def all_places(size: int, window: int, stride: int) -> int:
    """This is the number of all places. Along one side there are as many as its root."""
    return output_size(size, window, stride) ** 2


# ------------------------------------------------ receptive field of a stack; layers are (kernel, stride, dilation)


def field(layers: list[tuple[int, int, int]]) -> int:
    """Each layer adds (kernel - 1) * dilation * jump; the jump is the product of the strides before it."""
    size, jump = 1, 1
    for kernel, stride, dilation in layers:
        size += (kernel - 1) * dilation * jump
        jump *= stride
    return size


def field_without_jump(layers: list[tuple[int, int, int]]) -> int:
    """This forgets the strides: behind a stride of 2, one step in the map is two pixels in the picture."""
    return 1 + sum((kernel - 1) * dilation for kernel, _, dilation in layers)


def field_with_own_stride(layers: list[tuple[int, int, int]]) -> int:
    """This multiplies the jump before the layer has looked. A layer's stride counts for the layers behind it."""
    size, jump = 1, 1
    for kernel, stride, dilation in layers:
        jump *= stride
        size += (kernel - 1) * dilation * jump
    return size


def field_without_dilation(layers: list[tuple[int, int, int]]) -> int:
    """This takes every kernel as dense. Dilation d puts its taps d steps apart."""
    return field([(kernel, stride, 1) for kernel, stride, _ in layers])


def sum_of_kernels(layers: list[tuple[int, int, int]]) -> int:
    """This adds whole kernels. The first tap of each lies on a field that was counted before: add kernel - 1."""
    size, jump = 1, 1
    for kernel, stride, dilation in layers:
        size += kernel * dilation * jump
        jump *= stride
    return size


# ------------------------------------------------ the largest batch; counts of float32 numbers, memory in bytes


def largest_batch(activations: int, parameters: int, copies: int, memory: int) -> int:
    """Parameters once, in all their copies; what is left is shared among pictures, activations twice each."""
    return int((memory - 4 * copies * parameters) // (2 * 4 * activations))


def without_gradients(activations: int, parameters: int, copies: int, memory: int) -> int:
    """This forgets the gradients of the activations: on the way back each number has one."""
    return int((memory - 4 * copies * parameters) // (4 * activations))


def parameters_once(activations: int, parameters: int, copies: int, memory: int) -> int:
    """This keeps each parameter once. Training also keeps its gradient, and what the optimiser remembers."""
    return int((memory - 4 * parameters) // (2 * 4 * activations))


def parameters_for_each_picture(activations: int, parameters: int, copies: int, memory: int) -> int:
    """This gives each picture a copy of the parameters. All pictures share them."""
    return int(memory // (2 * 4 * activations + 4 * copies * parameters))


def numbers_as_bytes(activations: int, parameters: int, copies: int, memory: int) -> int:
    """This takes a number for a byte. In float32 it has four."""
    return int((memory - copies * parameters) // (2 * activations))


# ------------------------------------------------ weights of an FC layer as kernels


def to_kernels(w: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """One column of the matrix is one output: turned into a row, it folds into a kernel, channel by channel."""
    return w.T.reshape(-1, *shape)


def folded_without_turning(w: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """This folds the matrix as it is: the shape is right, but each kernel is mixed from many outputs."""
    return w.reshape(-1, *shape)


def folded_channels_last(w: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """This takes the rows for a volume with its channels last. Ours is flattened map after map."""
    channels, height, width = shape
    return w.T.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)


def folded_sideways(w: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """This exchanges height and width: within a map, row comes after row."""
    channels, height, width = shape
    return w.T.reshape(-1, channels, width, height).transpose(0, 1, 3, 2)
