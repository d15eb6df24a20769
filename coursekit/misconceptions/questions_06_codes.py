"""Wrong thoughts about codes, rank correlations and an attack on paper (assignment 6), each with its value."""

from collections.abc import Callable

import numpy as np

# ------------------------------------------------ question 10: codes


def product_for_cosine(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This takes the plain product for the cosine, so that long codes win."""
    return _nearest(-(queries @ codes.T) if measure == "cosine" else _squares(codes, queries), k)


def smallest_cosine_first(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This sorts cosines from small to large, as if they were distances. The largest is the nearest."""
    return _nearest(_cosines(codes, queries) if measure == "cosine" else _squares(codes, queries), k)


def always_euclidean(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This measures distances, whatever measure is asked for."""
    return _nearest(_squares(codes, queries), k)


def city_blocks(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This adds up absolute differences. The euclidean distance adds squares."""
    blocks = np.abs(queries[:, None] - codes).sum(axis=2)
    return _nearest(-_cosines(codes, queries) if measure == "cosine" else blocks, k)


def farthest_first(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This puts the farthest code first, by either measure."""
    return _nearest(-_far(codes, queries, measure), k)


def later_first_in_a_tie(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This puts the later one of equally near codes first, as a list that is turned round does."""
    return len(codes) - 1 - _nearest(_far(codes, queries, measure)[:, ::-1], k)


def without_the_nearest(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This leaves out the nearest code, as if it were the query itself. Queries are no codes here."""
    return _nearest(_far(codes, queries, measure), k + 1)[:, 1:]


def places_from_one(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This counts places from 1. They are counted from 0."""
    return _nearest(_far(codes, queries, measure), k) + 1


def places_put_in_order(codes: np.ndarray, queries: np.ndarray, k: int, measure: str) -> np.ndarray:
    """This sorts the places that it found by number. The nearest comes first."""
    return np.sort(_nearest(_far(codes, queries, measure), k), axis=1)


def _far(codes, queries, measure):
    return -_cosines(codes, queries) if measure == "cosine" else _squares(codes, queries)


def _squares(codes, queries):
    return ((queries[:, None] - codes) ** 2).sum(axis=2)


def _cosines(codes, queries):
    return queries @ codes.T / np.linalg.norm(codes, axis=1)


def _nearest(far, k):
    return np.argsort(far, axis=1, kind="stable")[:, :k]


def quarters_in_any_order(x: list, others: list) -> set[str]:
    """This lets the maxima change places. The first code keeps which window had which."""
    return _like(x, others, lambda windows: np.sort(windows.max(axis=1)))


def same_pixels_in_windows(x: list, others: list) -> set[str]:
    """This asks for the same pixels in each window. Pooling keeps the largest alone."""
    return _like(x, others, lambda windows: np.sort(windows, axis=1))


def same_sum_of_pixels(x: list, others: list) -> set[str]:
    """This compares sums of all pixels. The second code is the mean of the four maxima."""
    return _like(x, others, np.sum)


def only_the_pooled(x: list, others: list) -> set[str]:
    """This stops at the first code. Its mean forgets more, so more pictures share it."""
    return _like(x, others, lambda windows: windows.max(axis=1))


def the_mean_for_the_maxima(x: list, others: list) -> set[str]:
    """This compares the means of the maxima. The first code is the four maxima themselves."""
    return _like(x, others, lambda windows: windows.max(axis=1).sum())


def new_ones_alone(x: list, others: list) -> set[str]:
    """This leaves out those with the same first code. They have the same mean, too."""
    return the_mean_for_the_maxima(x, others) - only_the_pooled(x, others)


def _like(x, others, code):
    windows = [np.reshape(each, (2, 2, 2, 2)).transpose(0, 2, 1, 3).reshape(4, 4) for each in (x, *others)]
    wanted = code(windows[0])
    return {letter for letter, each in zip("ABCDEF", windows[1:], strict=True) if np.all(code(each) == wanted)}


# ------------------------------------------------ question 11: rank correlation, and who fails


def of_the_values(a: np.ndarray, b: np.ndarray) -> float:
    """This correlates the values. Ranks have to stand in their place first."""
    return _correlation(np.ravel(a), np.ravel(b))


def of_the_places(a: np.ndarray, b: np.ndarray) -> float:
    """This takes argsort for the ranks. It says which value stands in a place, not the place of a value."""
    return _correlation(*(np.argsort(np.ravel(each), kind="stable") for each in (a, b)))


def ties_in_their_order(a: np.ndarray, b: np.ndarray) -> float:
    """This gives equal values different ranks, by where they stand. They share the mean."""
    return _correlation(*(np.argsort(np.argsort(np.ravel(each), kind="stable")) for each in (a, b)))


def lowest_rank_for_a_tie(a: np.ndarray, b: np.ndarray) -> float:
    """This gives equal values the lowest of their ranks. They share the mean."""
    return _correlation(*(np.searchsorted(np.sort(each, axis=None), np.ravel(each)) for each in (a, b)))


def nothing_for_flat(a: np.ndarray, b: np.ndarray) -> float:
    """This divides 0 by 0 where all values are equal."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return _correlation(*(_shared_ranks(each) for each in (a, b)))


def _shared_ranks(values):
    flat = np.ravel(values)
    return (np.sign(flat[:, None] - flat).sum(axis=1) + len(flat) + 1) / 2


def unchanged_values(methods: dict, network: Callable, others: list, photo, target: int) -> set[str]:
    """This finds maps that stay exactly as they are. Maps may change and still keep their order."""
    return {letter for letter, maps in _maps(methods, network, others, photo, target) if np.allclose(maps, maps[0])}


def by_the_values(methods: dict, network: Callable, others: list, photo, target: int) -> set[str]:
    """This compares values, so that one spot which is always there decides. Ranks are not misled."""
    found = _maps(methods, network, others, photo, target)
    return {letter for letter, (one, *more) in found if np.mean([of_the_values(one, each) for each in more]) > 0.9}


def the_faithful(methods: dict, network: Callable, others: list, photo, target: int) -> set[str]:
    """This names the methods that pass: those whose maps change."""
    found = _maps(methods, network, others, photo, target)
    return {
        letter for letter, (one, *more) in found if np.mean([ties_in_their_order(one, each) for each in more]) <= 0.9
    }


def _correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    sizes = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / sizes) if sizes > 0 else 0.0


def _maps(methods, network, others, photo, target):
    return [(letter, [draw(each, photo, target) for each in (network, *others)]) for letter, draw in methods.items()]


# ------------------------------------------------ question 12: an attack on paper


def by_one_weight(weights: tuple, pixels: tuple) -> float:
    """This moves one pixel, the most important one. All of them may move."""
    return float(np.dot(weights, pixels) / np.abs(weights).max())


def by_the_sum_of_weights(weights: tuple, pixels: tuple) -> float:
    """This adds the weights with their signs. Each pixel moves its own way, so the sizes add up."""
    return float(np.dot(weights, pixels) / np.sum(weights))


def score_unclipped(weights: tuple, pixels: tuple) -> float:
    """This lets a pixel become blacker than black."""
    return float(np.dot(weights, np.subtract(pixels, 0.2 * np.sign(weights))))


def score_raised(weights: tuple, pixels: tuple) -> float:
    """This goes the way that raises the score."""
    return float(np.dot(weights, np.clip(np.add(pixels, 0.2 * np.sign(weights)), 0, 1)))


def along_the_weights(weights: tuple, pixels: tuple) -> float:
    """This moves each pixel by epsilon times its weight. Every pixel moves by all of epsilon."""
    return float(np.dot(weights, pixels) / np.dot(weights, weights))


def score_stepped_by_weights(weights: tuple, pixels: tuple) -> float:
    """This moves each pixel by 0.2 times its weight. The sign alone counts."""
    return float(np.dot(weights, np.clip(np.subtract(pixels, 0.2 * np.asarray(weights)), 0, 1)))
