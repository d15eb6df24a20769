"""Filters in colours: those a network begins with, and those that photographs alone teach."""

import numpy as np

from coursekit.data import photo
from coursekit.nn.sequential import Sequential
from coursekit.nn.whitening import whiten
from coursekit.viz.running import Network, torch_module

__all__ = ["first_layer_filters", "learned_colour_filters"]

IN_COLOUR = ("chelsea", "coffee", "astronaut", "rocket")
PATCHES = 20_000
ROUNDS = 20


def first_layer_filters(network: Network) -> np.ndarray:
    """Copy the kernels of a network's first convolution.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, torch.nn.Module, or what `coursekit.models.pretrained` returns

    Returns
    -------
    weights : ndarray of shape (F, C, KH, KW)

    Raises
    ------
    ValueError
        If the network has no convolution over two axes.

    >>> from coursekit.nn import SimpleConvNet
    >>> first_layer_filters(SimpleConvNet()).shape
    (30, 1, 5, 5)
    """
    if isinstance(network, Sequential):
        arrays = network.params.values()
    else:
        arrays = (value.detach().cpu().numpy() for value in torch_module(network).parameters())
    for value in arrays:
        if value.ndim == 4:
            return value.copy()
    raise ValueError(f"{type(network).__name__} has no parameter of shape (F, C, KH, KW): it has no convolution.")


def learned_colour_filters(count: int = 96, size: int = 11, *, seed: int = 0) -> np.ndarray:
    """Learn filters from pieces of the bundled photographs, without labels and without a network.

    20,000 pieces of the four colour photographs, each made free of its mean brightness and its contrast, are whitened
    and sorted into `count` heaps by k-means with directions in place of points; the middle of each heap is a filter.
    What comes out is much like the first layer of AlexNet: edges in every direction, mostly without colour, and
    blobs of opposite colours. Sorted by how colourful they are. Takes a few seconds of one core.

    Parameters
    ----------
    count : int
        Filters, 1 to 1000; AlexNet has 96.
    size : int
        Height and width in pixels, 2 to 16; AlexNet's are 11.
    seed : int
        Draws the pieces and the first filters.

    Returns
    -------
    weights : ndarray of float64, shape (count, 3, size, size)
        Each of length 1; they belong on whitened pieces.

    Raises
    ------
    ValueError
        If count or size is out of range.

    Source: Coates & Ng (2012), "Learning feature representations with k-means", sections 3 and 4; Krizhevsky,
    Sutskever & Hinton (2012), figure 3, for the 96 filters of 11x11x3 that a network learns.

    >>> learned_colour_filters(4, 5).shape
    (4, 3, 5, 5)
    """
    if not 1 <= count <= 1000 or not 2 <= size <= 16:
        raise ValueError(f"count is {count} and size {size}: expected 1 to 1000 filters of 2 to 16 pixels.")
    rng = np.random.default_rng(seed)
    pieces = _pieces(size, rng)
    white, _ = whiten(pieces, eps=0.01 * float(pieces.var(axis=0).mean()))  # or noise would be blown up to edges
    filters = _directions(white / np.linalg.norm(white, axis=1, keepdims=True), count, rng)
    filters = filters.reshape(count, 3, size, size)
    return filters[np.argsort(_colourfulness(filters), kind="stable")]


def _pieces(size: int, rng: np.random.Generator) -> np.ndarray:
    """Pieces from anywhere, (n, 3 * size * size), each without its mean and of contrast 1; flat ones are left out."""
    found = []
    for name in IN_COLOUR:
        image = photo(name).astype(np.float32).transpose(2, 0, 1) / 255
        windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(1, 2))
        tops = rng.integers(windows.shape[1], size=PATCHES // len(IN_COLOUR))
        lefts = rng.integers(windows.shape[2], size=len(tops))
        found.append(windows[:, tops, lefts].transpose(1, 0, 2, 3).reshape(len(tops), -1))
    pieces = np.concatenate(found)
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    contrast = pieces.std(axis=1, keepdims=True)
    return (pieces / np.maximum(contrast, 0.02))[contrast[:, 0] > 0.02]


def _directions(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """K-means on the sphere: each point goes to the direction, or its opposite, that it is nearest to."""
    middles = rng.normal(size=(count, points.shape[1])).astype(points.dtype)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    for _ in range(ROUNDS):
        likeness = points @ middles.T
        nearest = np.abs(likeness).argmax(axis=1)
        belongs = np.zeros_like(likeness)
        rows = np.arange(len(points))
        belongs[rows, nearest] = likeness[rows, nearest]
        middles = belongs.T @ points + middles  # the old one too, so that an empty heap keeps its place
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    return middles.astype(np.float64)


def _colourfulness(filters: np.ndarray) -> np.ndarray:
    """Part of each filter's energy that is not the same in red, green and blue."""
    return filters.var(axis=1).sum(axis=(1, 2)) / (filters**2).sum(axis=(1, 2, 3))
