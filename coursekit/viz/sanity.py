"""Does a map say anything about what a network has learned? Take its weights away, and see whether the map minds.

Source: Adebayo et al. (2018), "Sanity checks for saliency maps", section 3.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.viz.probing import Targets, as_targets, undisturbed

__all__ = ["SanityCheck", "randomised", "sanity_check"]

Method = Callable[[nn.Module, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class SanityCheck:
    """How much of a method's maps is left when more and more layers lose what they learned, from the top down.

    Attributes
    ----------
    stages : tuple of str
        "trained", then the lowest layer that was drawn anew.
    rank_correlation : tuple of float
        Spearman's, between the maps of each stage and those of the trained network; the mean over the images. 1: the
        map has not minded; 0: nothing is left. A map that is the same everywhere counts as 0.
    similarity : tuple of float
        The same by structural similarity, of maps scaled to 0..1.
    maps : ndarray of shape (stages, H, W)
        Of the first image, 0 and above.

    >>> check = SanityCheck(("trained", "fc", "conv"), (1.0, 0.4, 0.0), (1.0, 0.3, 0.1), np.zeros((3, 4, 4)))
    >>> dict(zip(check.stages, check.rank_correlation, strict=True))["conv"]
    0.0
    """

    stages: tuple[str, ...]
    rank_correlation: tuple[float, ...]
    similarity: tuple[float, ...]
    maps: np.ndarray


def randomised(network: nn.Module, layer: str | None = None, *, seed: int = 0) -> nn.Module:
    """A copy of a network in which a layer and all above it have lost what they learned.

    Each layer with parameters is drawn anew as PyTorch draws it for a new network; norms forget their statistics,
    too. What has no such rule is drawn with the mean and spread of its own values.

    Parameters
    ----------
    network : nn.Module
        Left as it is.
    layer : str, optional
        The lowest layer to draw anew, as `named_modules` lists it; "all" for all of them; only the uppermost if left
        out. What is above what is told by the order in which the layers were defined.
    seed : int
        Of the weights. PyTorch's own generator is left alone.

    Returns
    -------
    copy : nn.Module

    Raises
    ------
    ValueError
        If there is no such layer with parameters.

    >>> network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    >>> upper = randomised(network)
    >>> torch.equal(upper[0].weight, network[0].weight), torch.equal(upper[2].weight, network[2].weight)
    (True, False)
    """
    names = _with_parameters(network)
    if layer is not None and layer != "all" and layer not in names:
        some = ", ".join(names if len(names) <= 8 else [*names[:3], "...", *names[-3:]])
        raise ValueError(f"layer is {layer!r}: expected 'all' or a layer with parameters: {some}.")
    lowest = {None: len(names) - 1, "all": 0}.get(layer) if layer in (None, "all") else names.index(layer)
    fresh = copy.deepcopy(network)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for name in names[lowest:]:
            _forget(fresh.get_submodule(name))
    return fresh


def sanity_check(
    network: nn.Module,
    images: Tensor,
    method: Method,
    targets: Targets = None,
    *,
    layers: Sequence[str] | int = 5,
    seed: int = 0,
) -> SanityCheck:
    """Compare a method's maps of a trained network with those of copies whose layers are drawn anew from the top down.

    A map that explains what was learned must change. Plain gradients do with the uppermost layer already, Grad-CAM
    within a few more; guided backpropagation hardly does before half of the network is gone: it FAILS.

    Parameters
    ----------
    network : nn.Module
    images : Tensor of shape (N, C, H, W), floating
    method : callable
        (network, images, targets) -> maps (N, H, W) or (N, C, H, W), such as `saliency`.
    targets
        As in `coursekit.viz.input_gradient`; the classes stay those of the trained network.
    layers : sequence of str, or int
        The lowest layer of each stage, from the top down; or how many stages, from the uppermost layer alone to all.
    seed : int

    Returns
    -------
    check : SanityCheck
        Drawn by `coursekit.viz.sanity_figure`.

    Raises
    ------
    TypeError, ValueError
        As the method, or if there is no such layer.

    Source: Adebayo et al. (2018), "Sanity checks for saliency maps", sections 3 and 4.

    >>> from coursekit.viz import saliency
    >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 10 * 10, 3))
    >>> check = sanity_check(network, torch.rand(2, 1, 12, 12), saliency, layers=2)
    >>> check.stages, check.rank_correlation[0], check.rank_correlation[-1] < 0.9
    (('trained', '3', '0'), 1.0, True)
    """
    with undisturbed(network, images) as pixels, torch.no_grad():
        targets = as_targets(network(pixels.clone()), targets)
    if isinstance(layers, int):
        layers = _spread(_with_parameters(network), layers)
    trained = _strength(method(network, images, targets))  # (N, H, W)
    drawn = [trained, *(_strength(method(randomised(network, name, seed=seed), images, targets)) for name in layers)]
    return SanityCheck(
        ("trained", *layers),
        tuple(_mean(rank_correlation, trained, maps) for maps in drawn),
        tuple(_mean(similarity, trained, maps) for maps in drawn),
        np.stack([maps[0] for maps in drawn]),
    )


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two maps: that of the ranks of their pixels; 0 if one of them is constant.

    >>> rank_correlation(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 10.0], [100.0, 1000.0]]))
    1.0
    """
    from scipy.stats import rankdata

    ranks = [rankdata(each) for each in (one, other)]
    if any(each.min() == each.max() for each in ranks):
        return 0.0
    return round(float(np.corrcoef(*ranks)[0, 1]), 12)  # 1 of a map with itself, whatever the last digits


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity of two maps, each scaled by its 99th percentile and cut off there.

    Source: Wang et al. (2004), "Image quality assessment: from error visibility to structural similarity".
    """
    from skimage.metrics import structural_similarity

    scaled = [np.clip(each / max(np.percentile(each, 99), 1e-30), 0, 1) for each in (one, other)]
    window = min(7, *(side - 1 + side % 2 for side in one.shape))  # odd, and no larger than the map
    return float(structural_similarity(*scaled, data_range=1.0, win_size=window))


def _with_parameters(network: nn.Module) -> list[str]:
    names = [name for name, part in network.named_modules() if next(part.parameters(recurse=False), None) is not None]
    if not names:
        raise ValueError(f"{type(network).__name__} has no parameters: there is nothing to draw anew.")
    return names


def _spread(names: list[str], count: int) -> list[str]:
    """So many names from the last to the first, as evenly as they come."""
    if count < 1:
        raise ValueError(f"layers is {count}: expected 1 or more stages, or names of layers.")
    places = np.unique(np.linspace(len(names) - 1, 0, min(count, len(names))).round().astype(int))
    return [names[place] for place in places[::-1]]


def _forget(part: nn.Module) -> None:
    if hasattr(part, "reset_parameters"):
        part.reset_parameters()
        return
    with torch.no_grad():
        for values in part.parameters(recurse=False):
            spread = values.std() if values.numel() > 1 else values.abs().mean()
            values.copy_(values.mean() + spread * torch.randn(values.shape).to(values))


def _strength(maps: Tensor) -> np.ndarray:
    """Maps without sign and channels, (N, H, W): where something was found, not whether it speaks for or against."""
    strength = maps.detach().abs().cpu().double()
    return (strength.amax(dim=1) if strength.ndim == 4 else strength).numpy()


def _mean(measure: Callable[[np.ndarray, np.ndarray], float], trained: np.ndarray, maps: np.ndarray) -> float:
    return float(np.mean([measure(one, other) for one, other in zip(trained, maps, strict=True)]))
