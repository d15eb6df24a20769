"""Occlusion: cover a piece of the image, and see how much of the score goes."""

import math
from itertools import product

import torch
from torch import Tensor, nn

from coursekit.viz.probing import Targets, as_targets, chosen_scores, undisturbed

__all__ = ["occlusion"]


def occlusion(
    network: nn.Module,
    images: Tensor,
    targets: Targets = None,
    *,
    window: int = 32,
    stride: int = 16,
    fill: float | Tensor = 0.0,
    batch: int = 8,
) -> Tensor:
    """How far the score falls when a grey window covers a pixel: the mean of S_c(x) - S_c(covered x) over its windows.

    No gradient is asked for, so it holds for any network; the price is a run of the network for each window. For
    probabilities rather than scores give ``nn.Sequential(network, nn.Softmax(1))``.

    Parameters
    ----------
    network, images, targets
        As in `coursekit.viz.input_gradient`.
    window, stride : int
        Side of the window and the step between two, in pixels. A last window hangs over the border where the steps
        do not fit. At 224 pixels the defaults make 13 x 13 = 169 windows.
    fill : float or Tensor
        What covers, such as a mean colour of shape (C, 1, 1). 0 is mid-grey for networks that take centred values.
    batch : int
        Covered images in one run of the network. More than about 8 large ones leave the cache and are slower.

    Returns
    -------
    maps : Tensor of shape (N, H, W), in score units
        Above 0 where covering costs score, below 0 where the piece spoke against the class.

    Raises
    ------
    TypeError, ValueError
        As `input_gradient`, or if the window is larger than the image, or the stride than the window.

    Source: Zeiler & Fergus (2013), "Visualizing and understanding convolutional networks", section 4.2.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> network[1].weight.data = torch.tensor([[1.0, -2.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    >>> occlusion(network, torch.ones(1, 1, 2, 2), targets=0, window=1, stride=1)  # of a linear network: w * x
    tensor([[[ 1., -2.],
             [ 0.,  3.]]])
    """
    _check_windows(images, window, stride, batch)
    with undisturbed(network, images), torch.inference_mode():
        scores = network(images.clone())
        targets = as_targets(scores, targets)
        corners = _corners(images.shape[2:], window, stride)
        whole = chosen_scores(scores, targets)
        drops = torch.stack(
            [
                _drops(network, image, score, target, corners, window, fill, batch)
                for image, score, target in zip(images, whole, targets, strict=True)
            ]
        )  # (N, windows)
    total, times = torch.zeros(len(images), *images.shape[2:]).to(images), torch.zeros(images.shape[2:]).to(images)
    for k, (top, left) in enumerate(corners):
        total[:, top : top + window, left : left + window] += drops[:, k, None, None]
        times[top : top + window, left : left + window] += 1
    return total / times


def _corners(sides: tuple[int, int], window: int, stride: int) -> list[tuple[int, int]]:
    rows, columns = (range(0, (math.ceil((side - window) / stride) + 1) * stride, stride) for side in sides)
    return list(product(rows, columns))


def _drops(network, image, score, target, corners, window, fill, batch) -> Tensor:
    """What the score of one image loses by each window, shape (windows,)."""
    drops = []
    for start in range(0, len(corners), batch):
        part = corners[start : start + batch]
        covered = image.repeat(len(part), 1, 1, 1)
        for copy, (top, left) in zip(covered, part, strict=True):
            copy[:, top : top + window, left : left + window] = fill
        drops.append(score - network(covered)[:, target])
    return torch.cat(drops)


def _check_windows(images: Tensor, window: int, stride: int, batch: int) -> None:
    for name, value in (("window", window), ("stride", stride), ("batch", batch)):
        if value < 1:
            raise ValueError(f"{name} is {value}: expected 1 or more.")
    if stride > window:
        raise ValueError(f"stride {stride} is larger than window {window}: some pixels would never be covered.")
    if isinstance(images, Tensor) and images.ndim == 4 and window > min(images.shape[2:]):
        raise ValueError(f"window is {window}, images are {tuple(images.shape)}: give a window that fits into them.")
