"""Which pixel a kernel tap sees from which place; and into what pieces the work is cut."""

from collections.abc import Iterator

__all__ = ["block_bytes", "meeting", "pieces"]


def meeting(cache, axis: int, k: int, start: int, stop: int) -> tuple[slice, slice]:
    """Places start to stop - 1 along an axis at which tap k sees the input, not its padding; and the pixels it sees.

    From place o tap k sees pixel o * stride + k * dilation - padding. The places are counted from `start`.
    """
    size, stride = cache.x.shape[2 + axis], cache.stride[axis]
    offset = k * cache.dilation[axis] - cache.padding[axis]
    low = max(start, -(offset // stride))  # places before it see what lies before the input,
    high = min(stop, (size - 1 - offset) // stride + 1)  # places from here on what lies behind it
    if high <= low:
        return slice(0, 0), slice(0, 0)
    pixel = low * stride + offset
    return slice(low - start, high - start), slice(pixel, pixel + stride * (high - low - 1) + 1, stride)


def pieces(images: int, rows: int, row_bytes: int, scratch: int) -> Iterator[tuple[slice, slice]]:
    """Cut the work into (images, output rows) that fit into scratch memory: whole images, or rows of one image."""
    some_rows = min(rows, max(1, scratch // max(1, row_bytes)))
    some_images = max(1, scratch // max(1, row_bytes * rows))
    for first in range(0, images, some_images):
        for top in range(0, rows, some_rows):
            yield slice(first, min(first + some_images, images)), slice(top, min(top + some_rows, rows))


def block_bytes(least: int, kernels: int) -> int:
    """How much scratch memory a piece should take.

    Small pieces stay in the cache; but each one reads all the kernels again, so it should be some times as large as
    they are. Eight times the least is enough for any.
    """
    return max(least, min(4 * kernels, 8 * least))
