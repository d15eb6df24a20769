"""Codes: what the last layers make of images, brought to two dimensions, and who lies next to whom.

Only `codes` itself needs torch; the rest takes any array with a row for each image.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Neighbours", "Projection", "codes", "nearest_neighbours", "pca", "t_sne"]


class Projection(NamedTuple):
    """Codes seen along the directions in which they vary most."""

    points: np.ndarray  # (N, dims)
    shares: np.ndarray  # (dims,) of the whole variance, that each direction has


class Neighbours(NamedTuple):
    """The nearest codes of each query, nearest first."""

    places: np.ndarray  # (Q, k), int: rows of the codes
    distances: np.ndarray  # (Q, k)


def codes(
    network: "nn.Module", images: "Tensor", layer: "str | nn.Module | None" = None, *, batch: int = 64
) -> np.ndarray:
    """What a layer makes of each image: by default the numbers that the last fully connected layer is given.

    Parameters
    ----------
    network : nn.Module
        Run in evaluation mode, and given back as it was.
    images : Tensor of shape (N, C, H, W), floating
    layer : str or nn.Module, optional
        Its output is taken instead; maps are averaged over their places.
    batch : int
        Images in one run.

    Returns
    -------
    codes : ndarray of shape (N, D)

    Raises
    ------
    TypeError, ValueError
        If images is no float batch, there is no such layer, or none is fully connected and none was named.

    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.ReLU(), torch.nn.Linear(4, 10))
    >>> codes(network, torch.tensor([[[[1.0, -2.0], [3.0, 4.0]]]]))
    array([[1., 0., 3., 4.]], dtype=float32)
    """
    import torch

    from coursekit.viz.probing import find_layer, input_of, last_linear, output_of, undisturbed

    with undisturbed(network, images), torch.no_grad():
        # what goes into the last layer, or what comes out of the named one
        keeping = input_of(last_linear(network)) if layer is None else output_of(find_layer(network, layer))
        rows = []
        with keeping as kept:
            for part in images.detach().split(batch):
                network(part.clone())
                if not kept:
                    raise ValueError(f"layer {layer!r} was not run: take one that the network uses.")
                values = kept[0]
                rows.append(values.mean(dim=(2, 3)) if values.ndim == 4 else values.flatten(1))
    return torch.cat(rows).cpu().numpy()


def pca(codes: np.ndarray, dims: int = 2) -> Projection:
    """Principal components: with the mean taken off, codes = U S V^T; the points are the first columns of U S.

    Parameters
    ----------
    codes : ndarray of shape (N, D)
    dims : int
        How many components.

    Returns
    -------
    points : ndarray of shape (N, dims), float64
        The sign of each component is such that its largest entry in V is positive.
    shares : ndarray of shape (dims,)

    Raises
    ------
    ValueError
        If codes is no matrix, or has fewer rows or columns than dims.

    >>> projection = pca(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))
    >>> projection.shares.round(3)  # all of it along the diagonal
    array([1., 0.])
    """
    codes = _as_codes("codes", codes)
    if not 1 <= dims <= min(codes.shape):
        raise ValueError(f"dims is {dims}: expected 1 to {min(codes.shape)}, as codes has shape {codes.shape}.")
    u, s, vt = np.linalg.svd(codes - codes.mean(axis=0), full_matrices=False)
    signs = np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(axis=1)])
    variance = s**2
    return Projection((u * s * signs)[:, :dims], variance[:dims] / max(variance.sum(), 1e-300))


def t_sne(codes: np.ndarray, *, perplexity: float = 30.0, seed: int = 0) -> np.ndarray:
    """Two dimensions in which neighbours stay neighbours; distances between far groups mean nothing.

    The codes are first brought to 50 dimensions by `pca`, as in the paper; scikit-learn does the rest. Time: about
    5 s for 1,000 codes.

    Parameters
    ----------
    codes : ndarray of shape (N, D)
    perplexity : float
        How many neighbours count, roughly; below N.
    seed : int

    Returns
    -------
    points : ndarray of shape (N, 2), float32

    Raises
    ------
    ValueError
        If codes is no matrix, or perplexity not between 0 and N.
    ImportError
        If scikit-learn is missing.

    Source: van der Maaten & Hinton (2008), "Visualizing data using t-SNE", sections 3 and 4.2.

    >>> rng = np.random.default_rng(0)
    >>> two = np.vstack([rng.normal(0, 0.1, (20, 5)), rng.normal(9, 0.1, (20, 5))])
    >>> points = t_sne(two, perplexity=8)
    >>> nearest_neighbours(points, points[:1], k=19).places.max().item()  # the first twenty stay together
    19
    """
    codes = _as_codes("codes", codes)
    if not 0 < perplexity < len(codes):
        raise ValueError(f"perplexity is {perplexity}: expected more than 0 and fewer than {len(codes)}, the codes.")
    try:
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError as error:
        raise ImportError(f"t_sne needs scikit-learn ({error}): run  python3 course.py setup") from error
    narrow = pca(codes, min(50, *codes.shape)).points
    method = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    with threadpool_limits(1):  # more threads add in another order, and stall each other on a busy machine
        return method.fit_transform(narrow.astype(np.float32))


def nearest_neighbours(codes: np.ndarray, queries: np.ndarray, k: int = 5) -> Neighbours:
    """The k codes nearest to each query, by Euclidean distance: |q - c|^2 = |q|^2 - 2 q.c + |c|^2.

    Parameters
    ----------
    codes : ndarray of shape (N, D)
    queries : ndarray of shape (Q, D)
        If they are among the codes, each finds itself first.
    k : int

    Returns
    -------
    places : ndarray of int, shape (Q, k)
        Rows of the codes; of equal distances the first comes first.
    distances : ndarray of shape (Q, k), float64

    Raises
    ------
    ValueError
        If the widths differ, or k is not from 1 to N.

    >>> nearest_neighbours(np.array([[0.0], [1.0], [5.0]]), np.array([[4.0]]), k=2)
    Neighbours(places=array([[2, 1]]), distances=array([[1., 3.]]))
    """
    codes, queries = _as_codes("codes", codes), _as_codes("queries", queries)
    if codes.shape[1] != queries.shape[1]:
        raise ValueError(f"codes have shape {codes.shape}, queries {queries.shape}: expected the same width.")
    if not 1 <= k <= len(codes):
        raise ValueError(f"k is {k}: expected 1 to {len(codes)}, the number of codes.")
    middle = codes.mean(axis=0)  # near the origin fewer digits are lost
    codes, queries = codes - middle, queries - middle
    squares = (queries**2).sum(1)[:, None] - 2 * queries @ codes.T + (codes**2).sum(1)  # (Q, N)
    places = np.argsort(squares, axis=1, kind="stable")[:, :k]
    exact = np.linalg.norm(queries[:, None] - codes[places], axis=2)  # (Q, k)
    return Neighbours(places, exact)


def _as_codes(name: str, values: np.ndarray) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}, expected (N, D): a row for each image.")
    return array
