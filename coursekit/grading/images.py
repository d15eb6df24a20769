"""Digits for checks of trained networks: they go into the kernel, and their labels stay outside.

They come from MNIST's test part, drawn by the seed of the batch and shifted a little; no sandbox holds that part.
"""

import base64
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coursekit.check import encode, generator
from coursekit.data import draw_digits

if TYPE_CHECKING:
    from coursekit.grading.source import Check


def first_lines(checks: "Sequence[Check]", seed: int, *, public: bool = False) -> str:
    """Write what stands at the head of a check cell: the import of ``check``, and the images for its checks.

    Parameters
    ----------
    checks : sequence of Check
        Those of the cell.
    seed : int
        That of the batch.
    public : bool
        Whether to draw from the validation part, as learners' own checks do.
    """
    giving = [check for check in checks if check.images]
    lines = [f"from coursekit.check import check{', give' if giving else ''}"]
    lines += [f"give({check.id!r}, {_packed(_drawn(check, seed, public)[0])!r})" for check in giving]
    return "\n".join(lines) + "\n"


def truth(check: "Check", seed: int, *, public: bool = False) -> list[dict[str, Any]]:
    """Give the labels of a check's images, as its one case."""
    return [encode(_drawn(check, seed, public)[1])]


def _drawn(check: "Check", seed: int, public: bool) -> tuple[np.ndarray, np.ndarray]:
    return draw_digits("validation" if public else "test", check.images, generator(seed, check.id, 0))


def _packed(images: np.ndarray) -> str:
    return base64.b85encode(zlib.compress(images.tobytes(), 9)).decode("ascii")
