"""Between a network's numbers and pixels: which values mean black and white, and images as pictures again."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from coursekit.models import Pretrained

__all__ = ["Bounds", "black_and_white", "pictures_of", "pixel_bounds"]

Bounds = tuple[float, float] | tuple[Tensor, Tensor]  # the values of black and white, or of each channel's, (C,)


def pixel_bounds(trained: "Pretrained", *, side: int = 256) -> tuple[Tensor, Tensor]:
    """What a pretrained network's preparation makes of black and of white.

    Parameters
    ----------
    trained : Pretrained
        As `coursekit.models.pretrained` gives it.
    side : int
        Of the two pictures that are sent through its preparation, in pixels.

    Returns
    -------
    low, high : Tensor of shape (3,)

    >>> from types import SimpleNamespace
    >>> low, high = pixel_bounds(SimpleNamespace(transform=lambda image: (image.float() - 127) / 128))
    >>> low, high
    (tensor([-0.9922, -0.9922, -0.9922]), tensor([1., 1., 1.]))
    """
    ends = (torch.full((3, side, side), value, dtype=torch.uint8) for value in (0, 255))
    low, high = (trained.transform(end).mean(dim=(1, 2)) for end in ends)
    return low, high


def pictures_of(images: Tensor, bounds: Bounds = (0.0, 1.0)) -> np.ndarray:
    """Images for a network, as pictures from 0 to 1 that can be shown.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W), C 1 or 3
    bounds : (low, high)
        The values that stand for black and white, as `pixel_bounds` gives them. What lies outside is cut off.

    Returns
    -------
    pictures : ndarray of shape (N, H, W, 3), or (N, H, W) for one channel; float

    Raises
    ------
    TypeError
        If images is no tensor.
    ValueError
        If the images have another shape, or white does not lie above black.

    >>> pictures_of(torch.tensor([[[[-1.0, 0.0, 1.0]]]]), (-1, 1))
    array([[[0. , 0.5, 1. ]]], dtype=float32)
    """
    if not isinstance(images, Tensor):
        raise TypeError(f"images is {type(images).__name__}, expected the Tensor that goes into the network.")
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, 1, H, W) or (N, 3, H, W).")
    low, high = black_and_white(bounds, images)
    shares = ((images.detach() - low) / (high - low)).clamp(0, 1).cpu().numpy()
    return shares[:, 0] if shares.shape[1] == 1 else shares.transpose(0, 2, 3, 1)


def black_and_white(bounds: Bounds, images: Tensor) -> tuple[Tensor, Tensor]:
    """The two ends as tensors of shape (1, C, 1, 1) or (1, 1, 1, 1), of the images' kind."""
    low, high = (torch.as_tensor(end).to(images).reshape(1, -1, 1, 1) for end in bounds)
    if not (low < high).all() or {low.shape[1], high.shape[1]} - {1, images.shape[1]}:
        raise ValueError(
            f"bounds are {bounds}: expected the value of black and that of white above it, one for all or "
            f"{images.shape[1]} for the channels, such as (0, 1)."
        )
    return low, high
