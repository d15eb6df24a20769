"""Of convolution: the right way, and wrong ways with their names."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from coursekit.shapes import output_size


def window_sums(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The kernel stands at every place where it fits, and at each place the products are summed."""
    return np.einsum("ijpq,pq->ij", sliding_window_view(image, kernel.shape), kernel)


def turned_kernel(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This turns the kernel by 180 degrees first. Mathematicians do; here we lay it on as it is."""
    return window_sums(image, kernel[::-1, ::-1])


def matrix_products(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This multiplies patch and kernel as matrices, row by column. Pixel times weight, one by one, is meant."""
    windows = sliding_window_view(image, kernel.shape)
    return (windows @ kernel).sum(axis=(-2, -1))


def swapped_axes(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This walks down before it walks right, so rows and columns of the result have changed places."""
    return window_sums(image, kernel).T


def summed_channels(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """All products of a place, over all channels, go into one sum. So one kernel gives one map."""
    return separate_channels(image, kernel).sum(axis=0)


def separate_channels(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This keeps one map per colour. The products of all channels are added up, so one kernel gives one map."""
    return np.stack([window_sums(x, w) for x, w in zip(image, kernel, strict=True)])


def lost_last_place(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This stops one place early along each axis. H pixels and a kernel of K leave H - K + 1 places, not H - K."""
    return summed_channels(image, kernel)[:-1, :-1]


def places(size: int, kernel: int) -> int:
    """The first place is at pixel 0, the last at H - K: that makes H - K + 1."""
    return output_size(size, kernel)


def steps(size: int, kernel: int) -> int:
    """This counts the steps from place to place, H - K, and forgets the place where the kernel stood first."""
    return size - kernel


def same_size(size: int, kernel: int) -> int:
    """This lets the kernel's centre visit every pixel. At the border the kernel would hang over the edge."""
    return size


def hanging_over(size: int, kernel: int) -> int:
    """This lets the kernel hang over both ends until a single pixel is left under it: H + K - 1."""
    return size + kernel - 1


def steps_of_a_stack(size: int, kernels: list[int]) -> int:
    """This takes H - K for each layer of a stack."""
    return size - sum(kernels)


def correlate_lists(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This slides the list of weights as it is, over both ends. Convolution turns it first."""
    return np.correlate(x, w, mode="full")


def overwritten_copies(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This lets each copy of the kernel overwrite the one before (`=` for `+=`)."""
    y = np.zeros(len(x) + len(w) - 1)
    for i, value in enumerate(x):
        y[i : i + len(w)] = value * w
    return y


def mirrored_kernel(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This changes the order of the kernel's columns only, left for right."""
    return window_sums(image, kernel[:, ::-1])


def flipped_kernel(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """This changes the order of the kernel's rows only, top for bottom."""
    return window_sums(image, kernel[::-1])


MOVE_RIGHT = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])  # taken for the filter that moves a picture to the left


def first_channel_only(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This uses the first channel and forgets the others."""
    return np.stack([window_sums(x[0], kernel[0]) for kernel in w])


def mean_over_channels(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """This takes the mean over the channels where the sum is meant."""
    return np.stack([summed_channels(x, kernel) / len(x) for kernel in w])


def compared_with_unshifted(layer, x: np.ndarray, by: int) -> float:
    """This compares with the output that was not shifted: a measure of invariance."""
    return float(np.abs(layer(np.roll(x, by)) - layer(x)).max())


def inner_differences(w: np.ndarray) -> np.ndarray:
    """This takes the differences inside a kernel only, and loses the two at its ends."""
    return np.diff(w)


def downhill_slope(w: np.ndarray) -> np.ndarray:
    """This takes the differences the other way round, so that a rise comes out negative."""
    return np.convolve(w, [-1, 1])


def sum_without_width(f, g, t: float, steps: int) -> float:
    """This sums the products and forgets to multiply by the width of a piece."""
    tau = (np.arange(steps) + 0.5) * t / steps
    return float(np.sum(f(tau) * g(t - tau)))


def left_end_sum(f, g, t: float, steps: int) -> float:
    """This takes the functions at the left end of each piece, not in its middle."""
    tau = np.arange(steps) * t / steps
    return float(np.sum(f(tau) * g(t - tau)) * t / steps)


def unturned_integral(f, g, t: float, steps: int) -> float:
    """This multiplies f and g at the same time, and does not ask how long ago a drop fell."""
    tau = (np.arange(steps) + 0.5) * t / steps
    return float(np.sum(f(tau) * g(tau)) * t / steps)
