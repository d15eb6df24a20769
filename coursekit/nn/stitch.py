"""Shift-and-stitch: scores at a finer stride from a network that was not made for it."""

from collections.abc import Callable

import numpy as np

__all__ = ["shift_and_stitch"]


def shift_and_stitch(layer: Callable, x: np.ndarray, stride: int, factor: int = 2) -> np.ndarray:
    """Run a network on shifted copies of a picture and weave the maps into one with a finer stride.

    It takes factor * factor passes: with factor 2 by (0, 0), (0, s), (s, 0) and (s, s), s being half the stride. Two
    passes would leave half of the positions empty.

    Parameters
    ----------
    layer : callable
        From (N, C, H, W) to (N, F, OH, OW), with this stride in all and no padding.
    x : ndarray of shape (N, C, H, W)
    stride : int
        Pixels from one output to the next.
    factor : int
        How many times finer; it has to divide the stride.

    Returns
    -------
    y : ndarray of shape (N, F, OH', OW')
        What the same network would give with a stride of stride / factor.

    Raises
    ------
    TypeError, ValueError
        If x has not four axes, stride or factor is no whole number, or factor is not 1 or more or does not divide the
        stride.

    Source: Long, Shelhamer & Darrell (2015), "Fully convolutional networks for semantic segmentation", section 3.2.

    >>> every_fourth = lambda x: x[:, :, ::4, ::4]
    >>> shift_and_stitch(every_fourth, np.arange(64.0).reshape(1, 1, 8, 8), stride=4)[0, 0]
    array([[ 0.,  2.,  4.,  6.],
           [16., 18., 20., 22.],
           [32., 34., 36., 38.],
           [48., 50., 52., 54.]])
    """
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}, expected (N, C, H, W): add axes by x[None] for one picture.")
    for name, number in {"stride": stride, "factor": factor}.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise TypeError(f"{name} is {number!r} ({type(number).__name__}), expected a whole number of pixels.")
    if factor < 1 or stride < 1 or stride % factor:
        raise ValueError(f"factor {factor} does not divide stride {stride}: the picture is shifted by whole pixels.")
    step = stride // factor
    passes = {(i, j): layer(x[:, :, i * step :, j * step :]) for i, j in np.ndindex(factor, factor)}
    height = sum(passes[i, 0].shape[2] for i in range(factor))
    width = sum(passes[0, j].shape[3] for j in range(factor))
    y = np.empty((*passes[0, 0].shape[:2], height, width), passes[0, 0].dtype)
    for (i, j), scores in passes.items():
        y[:, :, i::factor, j::factor] = scores
    return y
