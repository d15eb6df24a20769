"""Pieces of the sample photographs: a small colour data set that needs no network."""

from functools import lru_cache

import numpy as np

from coursekit.data.pictures import photo, photos

__all__ = ["photo_patches"]

SIDE = 32  # pixels
SPLIT_SEED = 7  # fixed: which piece belongs to which part is a fact of the data set


def photo_patches(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of 32 by 32 pixels; the class is the photograph that a piece was cut from.

    The pieces lie side by side and share no pixel. Of each photograph about 70 % of them are for training, 15 % for
    validation and 15 % for testing.

    Parameters
    ----------
    part : {"train", "validation", "train+validation", "test"}

    Returns
    -------
    images : ndarray of shape (N, 3, 32, 32), uint8
        Grey photographs have three equal channels.
    labels : ndarray of shape (N,), int64
        Class k is the k-th of `photos()`.

    Raises
    ------
    ValueError
        If there is no such part.
    """
    pieces, labels, order = _all_patches()
    first, second = round(0.7 * len(order)), round(0.85 * len(order))
    chosen = {
        "train": order[:first],
        "validation": order[first:second],
        "train+validation": order[:second],
        "test": order[second:],
    }
    if part not in chosen:
        raise ValueError(f"part is {part!r}: expected one of {', '.join(map(repr, chosen))}.")
    return pieces[chosen[part]], labels[chosen[part]]


@lru_cache(maxsize=1)
def _all_patches() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cut = [_cut(photo(entry.name)) for entry in photos()]
    labels = np.repeat(np.arange(len(cut)), [len(pieces) for pieces in cut])
    return np.concatenate(cut), labels, np.random.default_rng(SPLIT_SEED).permutation(len(labels))


def _cut(image: np.ndarray) -> np.ndarray:
    """Cut into squares without overlap, of shape (n, 3, SIDE, SIDE); what is left at the right and below is dropped."""
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    rows, columns = image.shape[0] // SIDE, image.shape[1] // SIDE
    image = image[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
    return image.transpose(0, 2, 4, 1, 3).reshape(-1, 3, SIDE, SIDE)
