"""A digit drawn as text, made into a picture in the way in which MNIST's digits were made."""

import numpy as np

__all__ = ["picture_of_text"]

INK = {" ": 0.0, ".": 0.0, "+": 0.5, "#": 1.0}
SIDE, BOX = 28, 20  # of the picture, and of the digit in it: Y. LeCun, "The MNIST database"
FINE = 8  # looks per pixel and axis


def picture_of_text(text: str) -> np.ndarray:
    """Make a picture of a digit drawn in characters: `#` is ink, `+` half as much, a dot or a space is paper.

    A character counts as twice as high as wide, as it looks on the screen. Like MNIST's digits the drawing is scaled to
    20 pixels along its longer side, and moved so that its centre of mass is the picture's middle.

    Parameters
    ----------
    text : str
        Lines of any length; empty ones above, below and beside the drawing do not matter.

    Returns
    -------
    picture : ndarray of shape (28, 28), uint8
        0 is the paper, 255 the ink.

    Raises
    ------
    ValueError
        If there is no ink, or another character.

    >>> picture = picture_of_text('''
    ...     ..##..
    ...     ..##..
    ...     ..##..
    ... ''')
    >>> picture.shape, picture.max(), (picture.max(axis=1) > 0).sum()
    ((28, 28), np.uint8(255), np.int64(20))
    """
    drawn = _cropped(_ink(text))
    rows, columns = 2 * drawn.shape[0], drawn.shape[1]
    scale = BOX / max(rows, columns)
    small = _resized(drawn, max(1, round(rows * scale)), max(1, round(columns * scale)))
    return np.round(255 * _centred(small)).astype(np.uint8)


def _ink(text: str) -> np.ndarray:
    if other := sorted(set(text) - set(INK) - {"\n", "\r"}):
        raise ValueError(f"text has the character {other[0]!r}: draw with # for ink, + for half ink, a dot for paper.")
    lines = text.splitlines()
    width = max(map(len, lines), default=0)
    ink = np.array([[INK[mark] for mark in line.ljust(width)] for line in lines])
    if not ink.any():
        raise ValueError("text has no ink: draw a digit with the character #.")
    return ink


def _cropped(ink: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(ink: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The mean ink under each pixel of a new grid."""
    places = [(np.arange(n * FINE) + 0.5) * m / (n * FINE) for n, m in zip((rows, columns), ink.shape, strict=True)]
    fine = ink[np.ix_(*(place.astype(int) for place in places))]
    return fine.reshape(rows, FINE, columns, FINE).mean(axis=(1, 3))


def _centred(small: np.ndarray) -> np.ndarray:
    """On a sheet of 28x28, its centre of mass in the middle, as near as whole pixels and the edges allow."""
    sheet = np.zeros((SIDE, SIDE))
    corner = []
    for axis, length in enumerate(small.shape):
        mass = small.sum(axis=1 - axis)
        centre = (mass * (np.arange(length) + 0.5)).sum() / mass.sum()
        corner.append(int(np.clip(round(SIDE / 2 - centre), 0, SIDE - length)))
    (top, left), (rows, columns) = corner, small.shape
    sheet[top : top + rows, left : left + columns] = small
    return sheet
