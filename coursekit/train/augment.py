"""Pictures changed at random, a whole batch at once, on whatever device they lie.

`draw` decides for each picture, `change` does it. They are apart so that several processes can draw for the whole
batch, from the same seed, and each change its own share: the pictures are then the same as in one process.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from coursekit.train.options import Augmentation

__all__ = ["centre", "change", "draw", "window"]

Drawn = Mapping[str, Tensor]  # each of shape (N,)


def draw(
    augmentation: Augmentation, images: int, size: tuple[int, int], *, generator: torch.Generator
) -> dict[str, Tensor]:
    """Decide for each picture what to do with it.

    Parameters
    ----------
    augmentation : Augmentation
    images : int
        N.
    size : (int, int)
        Height and width of the pictures, in pixels.
    generator : torch.Generator
        The numbers lie on its device.

    Returns
    -------
    drawn : dict of Tensor of shape (N,)
        top, left: where the window starts, in pixels of the picture (negative: above or left of it); flip: bool;
        angle: radians, anticlockwise; zoom: how much larger; light: what to multiply with.

    Raises
    ------
    ValueError
        If the window is larger than the picture with its margin.
    """
    height, width = window_size(augmentation, size)
    margin, device = augmentation.shift, generator.device

    def between(low, high):
        return low + (high - low) * torch.rand(images, generator=generator, device=device)

    def whole(low, high):
        return torch.randint(low, high + 1, (images,), generator=generator, device=device)

    turn, scale, light = augmentation.rotation * torch.pi / 180, augmentation.scale, augmentation.brightness
    return {
        "top": whole(-margin, size[0] - height + margin),
        "left": whole(-margin, size[1] - width + margin),
        "flip": whole(0, 1).bool() & augmentation.flip,
        "angle": between(-turn, turn),
        "zoom": between(1 - scale, 1 + scale),
        "light": between(1 - light, 1 + light),
    }


def change(augmentation: Augmentation, images: Tensor, drawn: Drawn) -> Tensor:
    """Do with each picture what `draw` decided.

    Whole-pixel shifts, windows and mirror images are copied and stay bytes if they were; turned or scaled pictures
    are sampled between pixels (bilinear), once, and become numbers from 0 to 1.

    Parameters
    ----------
    augmentation : Augmentation
        The one that `drawn` was drawn for.
    images : Tensor of shape (N, C, H, W)
        uint8, or floating point.
    drawn : dict of Tensor of shape (N,)

    Returns
    -------
    changed : Tensor of shape (N, C, H', W')
        H' and W' are `crop` if it is given.
    """
    size = window_size(augmentation, images.shape[-2:])
    if not (augmentation.rotation or augmentation.scale):
        changed = window(images, drawn["top"], drawn["left"], size, drawn["flip"])
    else:
        changed = _sampled(_as_numbers(images), drawn, size)
    if augmentation.brightness:
        light = drawn["light"][:, None, None, None].to(_as_numbers(changed).dtype)
        changed = _as_numbers(changed) * light
    return changed.clamp(0, 1) if images.dtype == torch.uint8 and changed.dtype != torch.uint8 else changed


def window(images: Tensor, top: Tensor, left: Tensor, size: tuple[int, int], flip: Tensor | None = None) -> Tensor:
    """Cut a window out of each picture, at a place of its own; 0 where it reaches outside.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W)
    top, left : Tensor of shape (N,), int
        First row and column of the window.
    size : (int, int)
        Its height h and width w.
    flip : Tensor of shape (N,), bool, optional
        Where True, mirrored left to right.

    Returns
    -------
    windows : Tensor of shape (N, C, h, w)
    """
    device, (height, width) = images.device, size
    rows = top[:, None] + torch.arange(height, device=device)  # (N, h)
    columns = torch.arange(width, device=device).expand(len(images), width)
    if flip is not None:
        columns = torch.where(flip[:, None], width - 1 - columns, columns)
    columns = left[:, None] + columns  # (N, w)
    inside = _within(rows, images.shape[2])[:, None, :, None] & _within(columns, images.shape[3])[:, None, None, :]
    rows, columns = rows.clamp(0, images.shape[2] - 1), columns.clamp(0, images.shape[3] - 1)
    which = torch.arange(len(images), device=device)[:, None, None, None]
    channel = torch.arange(images.shape[1], device=device)[None, :, None, None]
    return images[which, channel, rows[:, None, :, None], columns[:, None, None, :]] * inside


def centre(images: Tensor, augmentation: Augmentation | None) -> Tensor:
    """What the network sees outside training: all of each picture, or the window in the middle."""
    if augmentation is None or augmentation.crop is None:
        return images
    height, width = window_size(augmentation, images.shape[-2:])
    top, left = (images.shape[-2] - height) // 2, (images.shape[-1] - width) // 2
    padded = F.pad(images, [max(0, -start) for start in (left, left, top, top)]) if min(top, left) < 0 else images
    return padded[..., max(0, top) : max(0, top) + height, max(0, left) : max(0, left) + width]


def window_size(augmentation: Augmentation, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of what comes out, for pictures of this size."""
    if augmentation.crop is None:
        return size[0], size[1]
    most = min(size) + 2 * augmentation.shift
    if augmentation.crop > most:
        raise ValueError(
            f"crop is {augmentation.crop}, but the pictures are {size[0]} by {size[1]} pixels with a margin of "
            f"{augmentation.shift}: expected at most {most}."
        )
    return augmentation.crop, augmentation.crop


def _within(places, length):
    return (places >= 0) & (places < length)


def _as_numbers(images):
    return images.float() / 255 if images.dtype == torch.uint8 else images


def _sampled(images, drawn, size):
    """All of it at one go: for each pixel of the window, look up the place in the picture that comes to lie there.

    In pixels from the middle of the window, (x, y) comes from turn(x, y) / zoom + offset; grid_sample counts from -1
    to 1 across the window and across the picture, so the matrix is scaled by the ratio of their sizes.
    """
    (height, width), (rows, columns) = size, images.shape[-2:]
    turn, zoom = drawn["angle"], drawn["zoom"]
    cosine, sine = torch.cos(turn) / zoom, torch.sin(turn) / zoom
    mirror = 1 - 2 * drawn["flip"].to(cosine.dtype)
    across = drawn["left"] + (width - columns) / 2  # offset of the middles
    down = drawn["top"] + (height - rows) / 2
    matrix = torch.stack(
        [
            torch.stack([cosine * mirror * width / columns, -sine * height / columns, 2 * across / columns], 1),
            torch.stack([sine * mirror * width / rows, cosine * height / rows, 2 * down / rows], 1),
        ],
        1,
    ).to(images.dtype)  # (N, 2, 3)
    grid = F.affine_grid(matrix, [len(images), images.shape[1], height, width], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
