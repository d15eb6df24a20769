"""What mistakes look like in the numbers of a gradient.

Most slips leave a fingerprint: all numbers N times too large, all turned round, right only where a single window meets
a pixel. Each function `looks_...` knows one kind and returns a sentence, or "" where it does not match; `likely_cause`
asks them in turn. Where none matches it says so: a wrong accusation costs more time than none.
"""

from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["DOUBTFUL", "likely_cause", "looks_misshapen"]

CLOSE = 1e-5  # relative error up to which two gradients count as the same
KINK = "a kink (ReLU at 0, a tie in a window) within eps: the numbers may be right, test away from it"
NEARLY = "cannot tell: right to four digits or more, so it may be the differences that are off. Try another eps"
DOUBTFUL = (KINK, NEARLY)  # where the gradient may be right after all


def likely_cause(
    f: Callable[[np.ndarray], float | np.ndarray],
    x: np.ndarray,
    gradient: np.ndarray,
    shares: np.ndarray,
    *,
    batch: int | None = None,
    suspects: Mapping[str, np.ndarray] | None = None,
    eps: float = 1e-5,
) -> str:
    """Name the mistake that a wrong gradient looks like.

    Parameters
    ----------
    f, x, gradient, batch, suspects, eps
        As for `diagnose_gradient`.
    shares : ndarray of shape (N, *shape of x)
        The numerical gradient of each image's part of the loss; N = 1 where f does not tell them apart.

    Returns
    -------
    cause : str
        A sentence, which begins with "cannot tell" where no fingerprint matches.
    """
    numeric = shares.sum(axis=0)
    if not np.isfinite(gradient).all():
        return "it holds nan or inf: a division by 0, or an overflow"
    if not gradient.any():
        return "all zero: it was never computed"
    if _alike(gradient, numeric):
        return NEARLY
    return (
        _looks_suspect(gradient, numeric, suspects or {})
        or _looks_scaled(gradient, numeric, batch)
        or _looks_like_some_images(gradient, shares)
        or _looks_moved(gradient, numeric)
        or _looks_kinked(f, x, gradient, numeric, eps)
        or _looks_unfilled(gradient, numeric)
        or _looks_partial(gradient, numeric)
        or "cannot tell: no known mistake looks like this. Check the formula on one number by hand"
    )


def looks_misshapen(gradient: np.ndarray, numeric: np.ndarray) -> str:
    """Say what a gradient of the wrong shape may be: transposed, or not summed."""
    shapes = f"it has shape {gradient.shape}, expected {numeric.shape}"
    if gradient.ndim == numeric.ndim and _alike(gradient.T, numeric):
        return f"{shapes}: transposed"
    if gradient.ndim > numeric.ndim:
        for kept in (range(gradient.ndim - numeric.ndim, gradient.ndim), [1]):  # the last axes; or channels
            others = tuple(axis for axis in range(gradient.ndim) if axis not in kept)
            if _alike(gradient.sum(axis=others), numeric):
                return f"{shapes}: not summed over axes {others}, the batch and whatever shares the parameter"
    return shapes


def _alike(a, b):
    scale = np.abs(b).max(initial=0)
    return a.shape == b.shape and scale > 0 and np.abs(a - b).max() <= CLOSE * scale


def _near(a, b):
    return abs(a - b) <= CLOSE * abs(b)


def _looks_suspect(gradient, numeric, suspects):
    """One of the wrong gradients that were given; all of them, where several agree."""
    return "; or: ".join(
        name for name, wrong in suspects.items() if _alike(gradient, wrong) and not _alike(wrong, numeric)
    )


def _looks_scaled(gradient, numeric, batch):
    """All elements off by one factor; a single element always is, and tells nothing."""
    factor = float(np.vdot(numeric, gradient) / max(np.vdot(numeric, numeric), 1e-300))
    if not factor or not _alike(gradient, factor * numeric):
        return ""
    if _near(factor, -1):
        return "the sign is wrong"
    if batch and batch > 1 and _near(factor, batch):
        return f"{batch} times too large, the number of images: summed over them where the loss is a mean"
    if batch and batch > 1 and _near(factor, 1 / batch):
        return f"{batch} times too small, the number of images: averaged where one sums, or divided twice"
    if np.count_nonzero(numeric) < 2:
        return ""
    return f"off by the factor {factor:.4g} throughout: a constant was forgotten, or counted twice"


def _looks_like_some_images(gradient, shares):
    """The share of one image of the batch, or all but that."""
    count, total = len(shares), shares.sum(axis=0)
    if count < 2:
        return ""
    for image, share in enumerate(shares):
        if _alike(gradient, share) or _alike(gradient, count * share):  # or without the division by N, too
            which = {0: "the first", count - 1: "the last"}.get(image, "one")
            return f"the batch is not summed: only {which} image, number {image} of 0 to {count - 1}, counted"
        if _alike(gradient, total - share) and not _alike(gradient, total):
            return f"image number {image} of 0 to {count - 1} was left out of the sum"
    return ""


def _spatial(array):
    """The axes after the batch and the channels; all of them where there are only one or two."""
    return tuple(range(2 if array.ndim > 2 else 0, array.ndim))


def _looks_moved(gradient, numeric):
    """The right numbers in the wrong places."""
    if _alike(gradient, np.flip(numeric, _spatial(numeric))):
        return "the kernel is turned round: flip once too often, or not at all"
    swapped = [(a, b) for a in range(numeric.ndim) for b in range(a) if numeric.shape[a] == numeric.shape[b]]
    for a, b in swapped:
        if _alike(gradient, np.swapaxes(numeric, a, b)):
            return f"transposed: axes {b} and {a} are exchanged"
    for axis in _spatial(numeric):
        for step in (1, -1):
            here, there = _cut(numeric, axis, step), _cut(numeric, axis, -step)
            if numeric.shape[axis] > 2 and _alike(_cut(gradient, axis, step), there) and not _alike(here, there):
                return f"shifted by one pixel along axis {axis}: padding or stride is off by one"
    return ""


def _cut(array, axis, step):
    """Without the first element along the axis (step 1) or the last (step -1)."""
    return np.delete(array, 0 if step > 0 else -1, axis)


def _wrong(gradient, numeric):
    return np.abs(gradient - numeric) > CLOSE * np.abs(numeric).max(initial=0)


def _looks_kinked(f, x, gradient, numeric, eps):
    """Few elements off, and there the slope to the left differs from that to the right."""
    places = np.argwhere(_wrong(gradient, numeric))
    if len(places) > 10:  # a kink is rare: do not look at all
        places = places[:: max(1, len(places) // 10)]
    bends = [_bend(f, x, tuple(place), eps) > CLOSE * np.abs(numeric).max(initial=0) * 10 for place in places]
    return KINK if all(bends) else ""


def _bend(f, x, place, eps):
    """How much the slopes on either side differ; 0 where that is a curve's doing, which halves with eps."""
    kept, bends = x[place], []
    try:
        for step in (eps, eps / 2):
            values = []
            for x[place] in (kept - step, kept, kept + step):
                values.append(float(np.sum(f(x))))
            bends.append(abs(values[0] - 2 * values[1] + values[2]) / step)
    finally:
        x[place] = kept
    return 0.0 if abs(bends[1] - bends[0] / 2) < 0.05 * bends[0] else max(bends)


def _looks_unfilled(gradient, numeric):
    """Right along some of the first or second axis, untouched along the rest."""
    for axis in range(min(2, gradient.ndim - 1)):
        others = tuple(k for k in range(gradient.ndim) if k != axis)
        filled = gradient.any(axis=others)
        if filled.all() or not _alike(gradient.compress(filled, axis), numeric.compress(filled, axis)):
            continue
        have, lack = (", ".join(map(str, np.flatnonzero(mask))) for mask in (filled, ~filled))
        return f"along axis {axis} only number {have} has a gradient, {lack} none: a loop overwrites, or ends early"
    return ""


def _looks_partial(gradient, numeric):
    """Some elements right, others not: where these are tells something, if it is the same in every map."""
    wrong = _wrong(gradient, numeric)
    if wrong.all():
        return ""
    count = f"{wrong.sum()} of {wrong.size} elements are wrong"
    unknown = f"cannot tell: {count}, the others right. Look at what those have in common"
    maps = wrong.reshape(-1, *(wrong.shape[axis] for axis in _spatial(wrong)))  # (maps, *spatial)
    lines = [maps.all(axis=tuple(k for k in range(maps.ndim) if k != axis)) for axis in range(1, maps.ndim)]
    if (maps != _union(lines)).any():
        return unknown
    if all(not line[1:-1].any() and len(line) > 2 for line in lines):
        return f"{count}, all at the edge: look at the padding, and at where a loop begins and ends"
    if all(_windows_overlap_at(line) for line in lines):
        where = "" if numeric.ndim > 2 else ", if there are windows"
        return f"{count}, just those where windows would overlap: `=` for `+=`{where}?"
    return unknown


def _union(lines):
    """Where one of the rows or columns (..., as many as there are axes) stands that are marked in lines."""
    grids = np.meshgrid(*lines, indexing="ij")
    return np.any(grids, axis=0)


def _windows_overlap_at(line):
    """Whether windows of some size, stride and padding would overlap at just the marked places of a line."""
    length = len(line)
    for kernel in range(1, length + 1):
        for stride in range(1, kernel + 1):
            for padding in range(kernel // 2 + 1):
                counts = np.zeros(length, int)
                for start in range(-padding, length + padding - kernel + 1, stride):
                    counts[max(0, start) : max(0, start + kernel)] += 1
                if np.array_equal(counts > 1, line):
                    return True
    return False
