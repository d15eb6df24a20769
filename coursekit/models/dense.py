"""Score maps of fully convolutional networks: their stride, a finer one, and the crops they stand for."""

import copy
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor, nn

__all__ = ["scores_of_crops", "shift_and_stitch", "total_stride"]

FAR = 1 << 20  # pixels, on the meta device: so many that what is lost at the rim does not show in the quotient


def copy_of(model: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """A copy of the model whose every parameter and buffer is what `change` makes of the original's."""
    return copy.deepcopy(model, {id(tensor): change(tensor) for tensor in [*model.parameters(), *model.buffers()]})


def on_meta(model: nn.Module) -> nn.Module:
    """A copy of the model on the meta device, where tensors have a shape and no numbers: no memory, no time."""

    def emptied(tensor: Tensor) -> Tensor:
        empty = tensor.detach().to("meta")
        return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty

    return copy_of(model, emptied).eval()


def total_stride(dense: nn.Module, input_shape: tuple[int, int, int]) -> int:
    """Pixels from one place of the score map to the next: the product of all strides on the way.

    It is found by the shapes alone: how many more places has the map of a very tall and wide picture?

    Parameters
    ----------
    dense : nn.Module
        From (N, C, H, W) to (N, classes, OH, OW).
    input_shape : (C, H, W)
        A size that gives a map.

    Raises
    ------
    ValueError
        If the map does not grow with the picture, or not alike in height and width.
    """
    channels, height, width = input_shape
    meta = on_meta(dense)
    dtype = next((p.dtype for p in dense.parameters()), torch.float32)

    def places(*size: int) -> tuple[int, ...]:
        return tuple(meta(torch.empty(1, channels, *size, dtype=dtype, device="meta")).shape[2:])

    few, many = places(height, width), places(height + FAR, width + FAR)
    gained = {more - less for less, more in zip(few, many, strict=True)}
    if len(few) != 2 or len(gained) != 1 or min(gained) < 1:
        raise ValueError(
            f"the map has {few} places on a picture of {height}x{width} and {many} on one of {FAR} pixels more: "
            "expected (N, classes, OH, OW) that grows alike in height and width. to_convolutional makes such a network."
        )
    return round(FAR / gained.pop())


def scores_of_crops(classifier: nn.Module, images: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """Scores of all crops, one crop after the other: what a dense map saves, and what it is held against.

    Parameters
    ----------
    classifier : nn.Module
        From (N, C, *size) to (N, classes).
    images : Tensor of shape (N, C, H, W)
    size : (height, width)
        Of a crop, in pixels.
    stride : int
        Pixels from one crop to the next.

    Returns
    -------
    scores : Tensor of shape (N, classes, OH, OW)
        Place (i, j) holds the scores of ``images[:, :, i * stride :, j * stride :]``, cut to size.

    Raises
    ------
    TypeError, ValueError
        If images is no tensor, has not four axes or is smaller than a crop, or the stride is below 1.
    """
    _check_images(images)
    if stride < 1 or any(room < part for room, part in zip(images.shape[2:], size, strict=True)):
        raise ValueError(f"no crop of {size[0]}x{size[1]} at stride {stride} in images of shape {tuple(images.shape)}.")
    tops, lefts = (
        range(0, room - part + 1, stride) for room, part in zip(images.shape[2:], size, strict=True)
    )  # every crop that lies wholly in the picture
    scores = [
        classifier(images[:, :, top : top + size[0], left : left + size[1]]) for top, left in product(tops, lefts)
    ]
    return torch.stack(scores, dim=-1).unflatten(-1, (len(tops), len(lefts)))


def shift_and_stitch(dense: nn.Module, images: Tensor, factor: int = 2, *, fill: float | None = None) -> Tensor:
    """Run a dense network on shifted copies of pictures and weave the maps into one with a finer stride.

    It takes factor * factor passes: with factor 2 by (0, 0), (0, s), (s, 0) and (s, s), s being half the total
    stride. Two passes would leave half of the positions empty.

    Parameters
    ----------
    dense : nn.Module
        From (N, C, H, W) to (N, classes, OH, OW), as `to_convolutional` makes it.
    images : Tensor of shape (N, C, H, W)
    factor : int
        How many times finer; it has to divide the total stride.
    fill : float, optional
        What comes in at the bottom and on the right as the picture moves up and left. Left out, nothing does: the
        copies are smaller, every score is one of real pixels, and the map ends with the last crop inside the picture.
        With a number the map has `factor` times as many rows and columns, the last ones made of that number in part.

    Returns
    -------
    scores : Tensor of shape (N, classes, OH', OW')
        Place (i, j) is the window with its corner at (i * s, j * s). Exactly the scores of those crops under the
        conditions of `to_convolutional`; what the network pads, it pads anew in each pass.

    Raises
    ------
    TypeError, ValueError
        If images is no tensor or has not four axes, factor does not divide the stride, or a shifted copy is too small.

    Source: Long, Shelhamer & Darrell (2015), "Fully convolutional networks for semantic segmentation", section 3.2.

    >>> every_fourth = nn.AvgPool2d(1, stride=4)
    >>> shift_and_stitch(every_fourth, torch.arange(64.0).reshape(1, 1, 8, 8))[0, 0]
    tensor([[ 0.,  2.,  4.,  6.],
            [16., 18., 20., 22.],
            [32., 34., 36., 38.],
            [48., 50., 52., 54.]])
    """
    _check_images(images)
    stride = total_stride(dense, tuple(images.shape[1:]))
    if factor < 1 or stride % factor:
        raise ValueError(f"factor {factor} does not divide stride {stride}: the picture is shifted by whole pixels.")
    step = stride // factor
    shifts = list(product(range(factor), repeat=2))
    passes = {(i, j): _shifted(dense, images, i * step, j * step, fill) for i, j in shifts}
    height = sum(passes[i, 0].shape[2] for i in range(factor))
    width = sum(passes[0, j].shape[3] for j in range(factor))
    scores = passes[0, 0].new_empty(*passes[0, 0].shape[:2], height, width)
    for (i, j), part in passes.items():
        scores[:, :, i::factor, j::factor] = part
    return scores


def _shifted(dense: nn.Module, images: Tensor, top: int, left: int, fill: float | None) -> Tensor:
    part = images[:, :, top:, left:]
    if fill is not None:
        part = nn.functional.pad(part, (0, left, 0, top), value=fill)
    try:
        return dense(part)
    except RuntimeError as error:
        raise ValueError(
            f"shifted by ({top}, {left}), {part.shape[2]}x{part.shape[3]} pixels are left, and the network fails on "
            f"them ({error}). Give larger pictures, or fill=0 to let zeros come in at the rim."
        ) from error


def _check_images(images: Tensor) -> None:
    if not isinstance(images, Tensor):
        raise TypeError(
            f"images is {type(images).__name__}, expected a tensor: torch.from_numpy makes one of an array."
        )
    if images.ndim != 4:
        raise ValueError(
            f"images has shape {tuple(images.shape)}, expected (N, C, H, W): add an axis by images[None] for one."
        )
