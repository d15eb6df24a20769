"""Of the convolutional layer: the right way, and wrong ways with their names."""

import numpy as np

# a kernel over a line, with stride and padding


def strided_line(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Zeros at both ends, then a window every S pixels, the first one at the padded line's start."""
    return _windows(np.pad(x, padding), w, stride) @ w


def unpadded_line(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This forgets the padding: the first window lies on the first three numbers themselves."""
    return _windows(x, w, stride) @ w


def line_padded_at_the_end(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This puts all zeros at the end. Padding P means P zeros at EACH end."""
    return _windows(np.pad(x, (0, 2 * padding)), w, stride) @ w


def unstrided_line(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This moves the kernel one pixel at a time: it forgets the stride."""
    return _windows(np.pad(x, padding), w, 1) @ w


def _windows(x, w, stride):
    return np.stack([x[i : i + len(w)] for i in range(0, len(x) - len(w) + 1, stride)])


# one output number, from the sums of products of each channel


def one_sum_and_bias(sums: np.ndarray, bias: float) -> float:
    """The channels are added up first, then the bias is added once."""
    return sums.sum() + bias


def bias_per_channel(sums: np.ndarray, bias: float) -> float:
    """This adds the bias once per channel. It belongs to the kernel, and is added once, after everything else."""
    return (sums + bias).sum()


def no_bias(sums: np.ndarray, bias: float) -> float:
    """This forgets the bias."""
    return sums.sum()


def channels_apart(sums: np.ndarray, bias: float) -> np.ndarray:
    """This keeps one number per channel. A kernel gives one number at each place, summed over all channels."""
    return sums + bias


# parameters of a convolutional layer with K kernels, F x F, on a volume of depth D that gives O x O places


def shared_parameters(kernels: int, size: int, depth: int, places: int) -> int:
    """Each kernel has F·F·D weights and one bias, and every place uses the same ones."""
    return kernels * (size * size * depth + 1)


def parameters_for_each_place(kernels: int, size: int, depth: int, places: int) -> int:
    """This gives every place weights of its own: nothing is shared."""
    return places * places * shared_parameters(kernels, size, depth, places)


def parameters_of_flat_kernels(kernels: int, size: int, depth: int, places: int) -> int:
    """This makes the kernels flat: F·F weights. They are as deep as their input."""
    return kernels * (size * size + 1)


def parameters_with_one_bias(kernels: int, size: int, depth: int, places: int) -> int:
    """This has one bias for the whole layer. Each kernel has a bias of its own."""
    return kernels * size * size * depth + 1


# drill: how many places, and how many pixels of the padded line no window reaches


def places_and_rest(size: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """The kernel can travel W - F + 2P pixels; whole steps make places, the remainder stays unseen."""
    travel = size - kernel + 2 * padding
    return travel // stride + 1, travel % stride


def padding_at_one_end(size: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """This adds the padding once. There are P zeros at each end, so 2P."""
    travel = size - kernel + padding
    return travel // stride + 1, travel % stride


def steps_for_places(size: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """This counts the steps and forgets the place where the kernel stands first."""
    travel = size - kernel + 2 * padding
    return travel // stride, travel % stride


def rounded_up(size: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """This rounds up, so that a last window hangs over the end. Round down: what does not fit is dropped."""
    travel = size - kernel + 2 * padding
    return -(-travel // stride) + 1, 0


# drill: the whole layer, x (C, H, W), w (F, C, KH, KW), b (F,)


def layer(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """Pad height and width, then at each place and for each kernel: sum of products, plus bias."""
    x = np.pad(x, [(0, 0), (padding, padding), (padding, padding)])
    kh, kw = w.shape[2:]
    rows, columns = (x.shape[1] - kh) // stride + 1, (x.shape[2] - kw) // stride + 1
    y = np.zeros((len(w), rows, columns))
    for f, i, j in np.ndindex(y.shape):
        window = x[:, stride * i : stride * i + kh, stride * j : stride * j + kw]
        y[f, i, j] = np.sum(window * w[f]) + b[f]
    return y


def corner_is_index(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This starts the window of place (i, j) at row i and column j. It starts at S times i and S times j."""
    y = layer(x, w, b, stride, padding)
    return layer(x, w, b, 1, padding)[:, : y.shape[1], : y.shape[2]]


def biasless_layer(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This leaves the biases out."""
    return layer(x, w, np.zeros_like(b), stride, padding)


def bias_for_each_channel(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This adds the bias once for each input channel."""
    return layer(x, w, len(x) * b, stride, padding)


def padded_before_only(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This pads above and at the left only. Zeros belong at all four sides."""
    return layer(np.pad(x, [(0, 0), (padding, 0), (padding, 0)]), w, b, stride, 0)


def padded_depth(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This pads all three axes, channels too, and so the kernels meet the wrong channels. Pad height and width only."""
    deep = np.pad(x, padding)[: len(x)]
    return layer(deep, w, b, stride, 0)


def turned_kernels(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int) -> np.ndarray:
    """This turns the kernels by 180 degrees first, which layers of networks do not do."""
    return layer(x, w[:, :, ::-1, ::-1], b, stride, padding)


# drill: the matrix of columns, x (C, H, W), a square kernel


def columns(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """Walk over the places row by row; each window, flattened, is a column."""
    _, height, width = x.shape
    corners = [(i, j) for i in range(0, height - kernel + 1, stride) for j in range(0, width - kernel + 1, stride)]
    return np.stack([x[:, i : i + kernel, j : j + kernel].ravel() for i, j in corners], axis=1)


def windows_in_rows(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """This lays the windows out as rows. Asked for are columns, so that kernel rows times it gives the layer."""
    return columns(x, kernel, stride).T


def walked_down_first(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """This walks down the columns first. The places come row by row, as you read."""
    _, height, width = x.shape
    rows, across = (height - kernel) // stride + 1, (width - kernel) // stride + 1
    return columns(x, kernel, stride).reshape(-1, rows, across).swapaxes(1, 2).reshape(-1, rows * across)


def channels_last_in_the_column(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """This writes the channels of a pixel next to each other. Channel 0 comes first, whole, as in the kernel's row."""
    by_channel = columns(x, kernel, stride)
    return by_channel.reshape(len(x), kernel * kernel, -1).swapaxes(0, 1).reshape(by_channel.shape)


def every_window(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """This takes a window at every pixel: it forgets the stride."""
    return columns(x, kernel, 1)
