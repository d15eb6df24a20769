"""Predictions of a trained network: of each picture as it is, or averaged over several views of it."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from coursekit.train.augment import window
from coursekit.train.feed import as_input, make_feed

__all__ = ["accuracy", "predict"]

VIEWS = (1, 2, 5, 10)


def predict(
    network: nn.Module, images: Any, *, views: int = 1, shift: int = 1, crop: int | None = None, batch: int = 1000
) -> np.ndarray:
    """Probability of each class, for each picture.

    Parameters
    ----------
    network : nn.Module
        Run where its parameters lie, in evaluation mode; left in the mode it was in.
    images : ndarray or Tensor of shape (N, H, W) or (N, C, H, W)
        uint8, or floating point as the network wants it.
    views : {1, 2, 5, 10}
        1 is the picture (its middle, with `crop`). 5 adds four windows, each moved towards a corner. 2 and 10 add the
        mirror image of each. The answers to all of them are averaged: test-time augmentation.
    shift : int
        Pixels to move by, along both axes. With `crop` the windows stand in the corners instead.
    crop : int, optional
        Side of the square window that the network sees.
    batch : int
        Pictures at a time.

    Returns
    -------
    probabilities : ndarray of shape (N, classes), float32

    Raises
    ------
    TypeError, ValueError
        If the images are of another kind, or there is no such number of views.

    Source: Krizhevsky et al. (2012), "ImageNet classification with deep convolutional neural networks", section 4.1.
    """
    if views not in VIEWS:
        raise ValueError(f"views is {views}, expected one of {', '.join(map(str, VIEWS))}.")
    parameter = next(network.parameters())
    labels = torch.zeros(len(images), dtype=torch.int64)
    feed = make_feed((images, labels), torch.device("cpu"), "images")
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            parts = [
                _mean_answer(network, as_input(part.to(parameter.device), parameter.dtype), views, shift, crop)
                for part in feed.images.split(batch)
            ]
    finally:
        network.train(was_training)
    return torch.cat(parts).float().cpu().numpy()


def accuracy(network: nn.Module, images: Any, labels: Any, **options: Any) -> float:
    """Share of the pictures whose most probable class is their label; options as for `predict`.

    Parameters
    ----------
    network, images
        As for `predict`.
    labels : ndarray or Tensor of shape (N,), whole numbers
    """
    if len(images) != len(labels):
        raise ValueError(f"there are {len(images)} images and {len(labels)} labels: expected as many of both.")
    return float((predict(network, images, **options).argmax(1) == np.asarray(labels)).mean())


def seen(images: Tensor, views: int, shift: int, crop: int | None) -> list[Tensor]:
    """The views of pictures (N, C, H, W), each (N, C, h, w), with the plain one first."""
    rows, columns = images.shape[-2:]
    size = (crop, crop) if crop else (rows, columns)
    far = (rows - size[0], columns - size[1])
    if min(far) < 0:
        raise ValueError(f"crop is {crop}, but the pictures are {rows} by {columns} pixels.")
    middle = (far[0] // 2, far[1] // 2)
    tops, lefts = ((0, far[0]), (0, far[1])) if crop else ((-shift, shift), (-shift, shift))
    places = [middle, *((top, left) for top in tops for left in lefts)][: 5 if views >= 5 else 1]
    cut = [_cut(images, place, size) for place in places]
    return cut + [view.flip(-1) for view in cut] if views in (2, 10) else cut


def _cut(images, place, size):
    if place == (0, 0) and size == images.shape[-2:]:
        return images
    return window(images, *(torch.full((len(images),), at, device=images.device) for at in place), size)


def _mean_answer(network, x, views, shift, crop):
    return torch.stack([network(view).softmax(1) for view in seen(x, views, shift, crop)]).mean(0)  # (b, K)
