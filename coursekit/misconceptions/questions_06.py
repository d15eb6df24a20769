"""Wrong thoughts about the questions of assignment 6 that NumPy answers, each with the value it leads to."""

from collections.abc import Callable

import numpy as np

Reader = Callable[[np.ndarray], np.ndarray]  # pictures (N, C, H, W) -> probabilities (N, K)

# ------------------------------------------------ question 1: kernels as a picture


def one_scale_for_all(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This stretches all kernels together, so that weak ones are grey. Each is stretched by itself."""
    return _laid_out(_stretched(kernels, (0, 1, 2, 3)), columns, gap)


def each_channel_by_itself(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This stretches each channel by itself, which changes the colours. A kernel has one scale."""
    return _laid_out(_stretched(kernels, (2, 3)), columns, gap)


def divided_by_the_largest(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This divides by the largest weight. The smallest has to become 0 first."""
    return _laid_out(kernels / kernels.max(axis=(1, 2, 3), keepdims=True), columns, gap)


def filled_down_the_columns(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This sets the kernels one below the other. They stand row by row."""
    rows = -(-len(kernels) // columns)
    order = np.arange(rows * columns).reshape(columns, rows).T.ravel()
    return _laid_out(_stretched(kernels, (1, 2, 3)), columns, gap, order)


def gap_all_around(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This puts a gap around the whole, too. Gaps stand between neighbours alone."""
    inside = _laid_out(_stretched(kernels, (1, 2, 3)), columns, gap)
    return np.pad(inside, [(gap, gap), (gap, gap), (0, 0)], constant_values=1.0)


def black_gaps(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This starts from zeros, so that gaps are black. They are white."""
    return _laid_out(_stretched(kernels, (1, 2, 3)), columns, gap, ground=0)


def channels_still_first(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This leaves the channels in front. Drawing programs want them last."""
    return _laid_out(_stretched(kernels, (1, 2, 3)), columns, gap).transpose(2, 0, 1)


def zero_by_zero(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This divides 0 by 0 in a kernel whose weights are all equal."""
    flat = np.ptp(kernels, axis=(1, 2, 3))[:, None, None, None] == 0
    return _laid_out(np.where(flat, np.nan, _stretched(kernels, (1, 2, 3))), columns, gap)


def flat_is_black(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This makes a kernel whose weights are all equal black. It is grey, 0.5."""
    flat = np.ptp(kernels, axis=(1, 2, 3))[:, None, None, None] == 0
    return _laid_out(np.where(flat, 0.0, _stretched(kernels, (1, 2, 3))), columns, gap)


def as_narrow_as_its_kernels(kernels: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """This makes the picture narrower where there are few kernels. It is always `columns` wide."""
    return _laid_out(_stretched(kernels, (1, 2, 3)), min(columns, len(kernels)), gap)


def _stretched(kernels, axes):
    low, high = kernels.min(axis=axes, keepdims=True), kernels.max(axis=axes, keepdims=True)
    return np.where(high > low, (kernels - low) / np.where(high > low, high - low, 1), 0.5)


def _laid_out(kernels, columns, gap, order=None, ground=1):
    count, channels, height, width = kernels.shape
    rows = -(-count // columns)
    grid = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), float(ground))
    for place, k in enumerate(range(count) if order is None else order):
        if k < count:
            top, left = place // columns * (height + gap), place % columns * (width + gap)
            grid[top : top + height, left : left + width] = kernels[k].transpose(1, 2, 0)
    return grid


# ------------------------------------------------ question 2: noise or pattern


def means_left_in(kernels: np.ndarray) -> float:
    """This leaves the kernels' means in, so that kernels bright as a whole look smooth."""
    return _correlation([_pairs(kernels, axis) for axis in (2, 3)])


def right_neighbours_alone(kernels: np.ndarray) -> float:
    """This takes neighbours to the right alone. The lower ones count as well."""
    return _correlation([_pairs(_centred(kernels), 3)])


def mean_of_two_correlations(kernels: np.ndarray) -> float:
    """This takes a correlation for each direction, and their mean. All pairs belong to one."""
    return float(np.mean([_correlation([_pairs(_centred(kernels), axis)]) for axis in (2, 3)]))


def mean_over_the_kernels(kernels: np.ndarray) -> float:
    """This takes a correlation for each kernel, and their mean. All pairs belong to one."""
    return float(np.mean([_correlation([_pairs(k, 2), _pairs(k, 3)]) for k in _centred(kernels)[:, None]]))


def rolled_around(kernels: np.ndarray) -> float:
    """This rolls the kernels by one, so that the last column meets the first. Those are no neighbours."""
    k = _centred(kernels)
    return _correlation([(k.ravel(), np.roll(k, -1, axis).ravel()) for axis in (2, 3)])


def the_smoothest(layers: dict[str, np.ndarray]) -> str:
    """This takes the layer whose neighbouring weights are most alike."""
    return _by_likeness(layers)[2]


def the_in_between(layers: dict[str, np.ndarray]) -> str:
    """This takes the layer that is neither the roughest nor the smoothest."""
    return _by_likeness(layers)[1]


def the_roughest(layers: dict[str, np.ndarray]) -> str:
    """This takes the layer whose neighbouring weights have nothing to do with each other."""
    return _by_likeness(layers)[0]


LIVELY_IS_STRONG = {"P", "Q", "S", "T"}  # each kernel is stretched by itself
SMOOTH_IS_GOOD = {"Q", "R", "S", "T"}  # a pattern is no proof of accuracy
NOISE_IS_NORMAL = {"S", "T"}  # noise that training left is a warning
DEEPER_DRAWN_ALIKE = {"Q", "S"}  # a kernel with more than three channels is no picture in colour
PALE_IS_USELESS = {"Q", "S", "T", "U"}  # the next layer may make up for small weights


def _centred(kernels):
    return kernels - kernels.mean(axis=(2, 3), keepdims=True)


def _pairs(kernels, axis):
    moved = np.moveaxis(kernels, axis, 0)
    return moved[:-1].ravel(), moved[1:].ravel()


def _correlation(pairs):
    here, there = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return float(np.corrcoef(here, there)[0, 1])


def _by_likeness(layers):
    return sorted(layers, key=lambda letter: right_neighbours_alone(layers[letter]))


# ------------------------------------------------ question 4: saliency on paper


def slopes_times_values(red: tuple, green: tuple) -> list[float]:
    """This is what each value adds to the score. Saliency asks what a small change would do."""
    return [float(np.abs(pixel).max()) for pixel in _slopes(red, green) * np.transpose([red, green])]


def both_maxima_open(red: tuple, green: tuple) -> list[float]:
    """This lets a maximum through that is 0. There nothing moves."""
    return [float(np.abs(pixel).max()) for pixel in _slopes(red, green, both=True)]


def largest_with_its_sign(red: tuple, green: tuple) -> list[float]:
    """This takes the largest slope with its sign. Down counts as much as up."""
    return [float(pixel.max()) for pixel in _slopes(red, green)]


def channels_added(red: tuple, green: tuple) -> list[float]:
    """This adds the sizes of the channels up. The larger of them is the saliency."""
    return [float(np.abs(pixel).sum()) for pixel in _slopes(red, green)]


def factors_forgotten(red: tuple, green: tuple) -> list[float]:
    """This leaves out the factors in front of the maxima. What moves inside is multiplied by them."""
    r1, r2, r3, second = 2, 1, 1, red[1] + 3 * green[2] - 5 > 0
    first = 2 * red[0] - green[1] + red[2] > 0
    return [float(max(r1 * first, 1)), float(max(r2 * second, 1 + first)), float(max(r3 * first, 3 * second))]


def _slopes(red, green, *, both=False):
    first = both or 2 * red[0] - green[1] + red[2] > 0
    second = both or red[1] + 3 * green[2] - 5 > 0
    return np.array([[4 * first, 1], [-3 * second, -1 - 2 * first], [2 * first, -9 * second]])


# ------------------------------------------------ question 7: cover it up


def never_uncovered_again(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This lays window after window on the same copy. Each is laid on a picture that is whole."""
    return _means(image, _drops(predict, image, label, window, stride, fill, afresh=False))


def gain_of_probability(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This is after minus before. A drop is before minus after."""
    return -_means(image, _drops(predict, image, label, window, stride, fill))


def sums_of_drops(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This adds the drops of overlapping windows up. Their mean is asked for."""
    found = np.zeros(image.shape[1:])
    for place, drop in _drops(predict, image, label, window, stride, fill):
        found[place] += drop
    return found


def last_window_wins(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This keeps the drop of the last window over a pixel. All that cover it count."""
    found = np.zeros(image.shape[1:])
    for place, drop in _drops(predict, image, label, window, stride, fill):
        found[place] = drop
    return found


def always_black(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This covers with black, whatever colour is asked for."""
    return _means(image, _drops(predict, image, label, window, stride, 0 * fill))


def chance_that_is_left(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This is the probability with the window covered. The drop is what it has lost."""
    whole = predict(image[None])[0, label]
    left = [(place, whole - drop) for place, drop in _drops(predict, image, label, window, stride, fill)]
    return _means(image, left)


def drop_of_the_largest(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This compares the largest probabilities, whatever class they belong to. `label` says which one counts."""
    return _means(image, _drops(lambda x: predict(x).max(1, keepdims=True), image, 0, window, stride, fill))


def over_the_edge(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This lets windows hang over the edge. Only those that lie fully inside are laid on."""
    return _means(image, _drops(predict, image, label, window, stride, fill, beyond=1))


def window_turned(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This takes the window's width for its height. Height comes first."""
    return _means(image, _drops(predict, image, label, window[::-1], stride, fill))


def stride_forgotten(
    predict: Reader, image: np.ndarray, label: int, window: tuple, stride: int, fill: np.ndarray
) -> np.ndarray:
    """This moves the window by one pixel, whatever the stride is."""
    return _means(image, _drops(predict, image, label, window, 1, fill))


def _drops(predict, image, label, window, stride, fill, *, afresh=True, beyond=0):
    whole, covered = predict(image[None])[0, label], image.copy()
    down, right = (n if beyond else n - k + 1 for n, k in zip(image.shape[1:], window, strict=True))
    for top in range(0, down, stride):
        for left in range(0, right, stride):
            place = slice(top, top + window[0]), slice(left, left + window[1])
            covered = image.copy() if afresh else covered
            covered[:, *place] = fill[:, None, None]
            yield place, whole - predict(covered[None])[0, label]


def _means(image, drops):
    found, times = np.zeros((2, *image.shape[1:]))
    for place, drop in drops:
        found[place] += drop
        times[place] += 1
    return found / np.maximum(times, 1)


# ------------------------------------------------ question 8: two maps read

WHITE_MAP = "A"  # where nothing was, a white patch costs something
BELOW_NOTHING = 39 - 61  # the drop was added to what was before
THE_DROP_ITSELF = 61  # how far the chance moved, not what it is then
ALL_THAT_HELP = 17  # each black window with a drop below 0
IN_THE_WHITE_MAP = 6  # windows that rescue the 3 in the other table
