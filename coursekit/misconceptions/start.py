"""Of the way in: what a picture is to a computer, and the ways in which one miscounts it."""

import numpy as np

# ------------------------------------------------ how many numbers go in


def one_a_pixel(rows: int, columns: int) -> int:
    """There are as many pixels as rows times columns, and a grey picture has one number for each."""
    return rows * columns


def sides_added(rows: int, columns: int) -> int:
    """This adds the sides. Each of the rows has all of the columns, so they have to be multiplied."""
    return rows + columns


def three_a_pixel(rows: int, columns: int) -> int:
    """This counts red, green and blue. A grey picture has one number for each pixel."""
    return 3 * rows * columns


def gaps_counted(rows: int, columns: int) -> int:
    """This multiplies the numbers of gaps between the pixels, one less than pixels along each side."""
    return (rows - 1) * (columns - 1)


# ------------------------------------------------ the share of ink


def share_of_ink(picture: np.ndarray) -> float:
    """The share of pixels that are not paper."""
    return float((picture > 0).mean())


def count_of_ink(picture: np.ndarray) -> int:
    """This counts the pixels with ink. Their share is that number over the number of all pixels."""
    return int((picture > 0).sum())


def mean_darkness(picture: np.ndarray) -> float:
    """This is how dark the picture is on the whole. A pale pixel with some ink should count as much as a dark one."""
    return float(picture.mean() / 255)


def share_of_paper(picture: np.ndarray) -> float:
    """This is the share of paper, the pixels that are 0: the other way round."""
    return float((picture == 0).mean())


def in_percent(picture: np.ndarray) -> float:
    """This is the share in per cent. The task asks for a number from 0 to 1."""
    return 100 * share_of_ink(picture)
