"""Of pooling, activation functions and fully connected layers: the right way, and wrong ways with their names."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# ------------------------------------------------------------------ pooling a picture


def max_pool(x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """The window moves by the stride, and of each window the largest value stays."""
    return _windows(x, window)[::stride, ::stride].max(axis=(2, 3))


def mean_pool(x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This takes the mean of each window. That is average pooling; here the largest value wins."""
    return _windows(x, window)[::stride, ::stride].mean(axis=(2, 3))


def first_of_window(x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This keeps the first pixel of each window and never looks at the others: a stride without pooling."""
    return _windows(x, window)[::stride, ::stride, 0, 0]


def far_apart(x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This compares pixels half a picture apart (a reshape with its axes mixed up). A window holds neighbours."""
    rows, columns = (length // window for length in x.shape)
    return x.reshape(window, rows, window, columns).max(axis=(0, 2))


def one_pixel_steps(x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This moves the window by one pixel, whatever the stride."""
    return max_pool(x, window, 1)


def steps_of_a_window(x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This moves the window by its own size, so that windows never overlap. The stride is a setting of its own."""
    return max_pool(x, window, window)


def lost_last_window(x: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This stops one window early along each axis: there are (H - F) / S + 1 windows, not (H - F) / S."""
    return max_pool(x, window, stride)[:-1, :-1]


# ------------------------------------------------------------------ shapes


def pooled_volume(shape: tuple[int, int, int], window: int, stride: int) -> tuple[int, ...]:
    """Height and width go through (H - F) / S + 1; every map is pooled by itself, so the depth stays."""
    channels, *sides = shape
    return channels, *((side - window) // stride + 1 for side in sides)


def pooled_depth(shape: tuple[int, int, int], window: int, stride: int) -> tuple[int, ...]:
    """This pools the channels, too. The window is flat: it never compares one map with another."""
    return tuple((side - window) // stride + 1 for side in shape)


def merged_maps(shape: tuple[int, int, int], window: int, stride: int) -> tuple[int, ...]:
    """This merges all maps into one, as a kernel as deep as its input does. Pooling treats each map by itself."""
    return (1, *pooled_volume(shape, window, stride)[1:])


def pooled_at_stride_one(shape: tuple[int, int, int], window: int, stride: int) -> tuple[int, ...]:
    """This forgets the stride: H - F + 1 places, as if the window moved by one pixel."""
    return pooled_volume(shape, window, 1)


# ------------------------------------------------------------------ padding


def padded_max_pool(x: np.ndarray, window: int, stride: int, padding: int) -> np.ndarray:
    """The border is minus infinity, which never wins against a number."""
    return max_pool(np.pad(x, padding, constant_values=-np.inf), window, stride)


def zeros_that_win(x: np.ndarray, window: int, stride: int, padding: int) -> np.ndarray:
    """This pads with zeros, and among negative values a zero is the largest: the border wins."""
    return max_pool(np.pad(x, padding), window, stride)


def forgotten_padding(x: np.ndarray, window: int, stride: int, padding: int) -> np.ndarray:
    """This leaves the padding out, and with it the windows that reach over the border."""
    return max_pool(x, window, stride)


def largest_size(x: np.ndarray, window: int, stride: int, padding: int) -> np.ndarray:
    """This keeps the value that is farthest from zero. Of -1 and -6 the larger is -1."""
    windows = _windows(np.pad(x, padding), window)[::stride, ::stride]
    flat = windows.reshape(*windows.shape[:2], -1)
    return np.take_along_axis(flat, np.abs(flat).argmax(axis=2)[..., None], axis=2)[..., 0]


# ------------------------------------------------------------------ shifts


def pooled_after_shift(row: np.ndarray, by: int) -> np.ndarray:
    """The windows stay where they are while the pattern moves: now each of them holds a 1."""
    return np.roll(row, by).reshape(-1, 2).max(axis=1)


def unmoved(row: np.ndarray, by: int) -> np.ndarray:
    """This takes pooling for blind to shifts (invariant). It is, but only while a value stays inside its window."""
    return pooled_after_shift(row, 0)


def moved_along(row: np.ndarray, by: int) -> np.ndarray:
    """This lets the pooled row move along with the input (equivariant). It does so for even shifts only."""
    return np.roll(pooled_after_shift(row, 0), by)


# ------------------------------------------------------------------ activation functions


def product_of_slopes(slope: float, layers: int) -> float:
    """Slopes of functions one inside the other are multiplied, by the chain rule."""
    return slope**layers


def sum_of_slopes(slope: float, layers: int) -> float:
    """This adds the slopes up. In a chain of functions they are multiplied."""
    return slope * layers


def last_slope(slope: float, layers: int) -> float:
    """This looks at the last function alone. What it gets has been flattened by all those before."""
    return slope


def full_slope(slope: float, layers: int) -> float:
    """This takes an S-shaped curve to be steep, slope 1, in its middle. That is tanh; the sigmoid has 1/4 there."""
    return 1.0


def silent_answers(z: np.ndarray) -> int:
    """This counts single values that are not positive. A unit may be silent for many pictures and awake for one."""
    return int((z <= 0).sum())


def silent_pictures(z: np.ndarray) -> int:
    """This looks along the wrong axis, and counts pictures for which no unit is awake."""
    return int((z <= 0).all(axis=1).sum())


def silent_on_average(z: np.ndarray) -> int:
    """This counts units whose mean is not positive. A single positive picture is enough to keep a unit alive."""
    return int((z.mean(axis=0) <= 0).sum())


def once_silent(z: np.ndarray) -> int:
    """This counts units that are silent for any picture. Dead means silent for all of them."""
    return int((z <= 0).any(axis=0).sum())


# ------------------------------------------------------------------ fully connected layers


def pooled_along_one_axis(channels: int, size: int, window: int, outputs: int) -> int:
    """This divides one axis only. Height and width both shrink, so the weights go down by the window's area."""
    return outputs * (channels * size * (size // window) + 1)


def not_pooled(channels: int, size: int, window: int, outputs: int) -> int:
    """This counts the map as it was before pooling."""
    return outputs * (channels * size**2 + 1)


def without_biases(channels: int, size: int, window: int, outputs: int) -> int:
    """This leaves out the biases, one for each output."""
    return outputs * channels * (size // window) ** 2


def one_map_deep(channels: int, size: int, window: int, outputs: int) -> int:
    """This flattens a single map. All channels are laid end to end."""
    return outputs * ((size // window) ** 2 + 1)


# ------------------------------------------------------------------ global average pooling


def average_over_channels(x: np.ndarray) -> np.ndarray:
    """This averages over the channels and leaves one map of places. It is the places that go, the channels stay."""
    return x.mean(axis=1)


def global_sum(x: np.ndarray) -> np.ndarray:
    """This sums and does not divide, so that a larger picture gets larger numbers."""
    return x.sum(axis=(2, 3))


def average_over_batch(x: np.ndarray) -> np.ndarray:
    """This averages over the pictures of the batch, too. Each picture keeps its own row."""
    return x.mean(axis=(0, 2, 3))


def average_of_rows(x: np.ndarray) -> np.ndarray:
    """This averages along each row only, and leaves one number per row."""
    return x.mean(axis=3)


def _windows(x: np.ndarray, window: int) -> np.ndarray:
    return sliding_window_view(x, (window, window))
