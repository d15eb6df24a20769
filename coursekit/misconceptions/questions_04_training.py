"""Of assignment 4, questions 7 to 10: wrong answers with their thoughts."""

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]

# ------------------------------------------------ question 7: dropout


def dropout_not_rescaled(x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator) -> Pair:
    """This forgets to divide by 1 - rate."""
    return _dropout(x, dy, rate, training, rng, scale=1)


def dropout_divides_by_rate(
    x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator
) -> Pair:
    """This divides by the share that is dropped; what is kept has the share 1 - rate."""
    return _dropout(x, dy, rate, training, rng, scale=1 / rate)


def dropout_always(x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator) -> Pair:
    """This drops in use, too. There nothing happens at all."""
    return _dropout(x, dy, rate, True, rng)


def dropout_scaled_in_use(x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator) -> Pair:
    """This multiplies by 1 - rate in use. That was made up for in training already."""
    y, dx = _dropout(x, dy, rate, training, rng)
    return (y, dx) if training else (y * (1 - rate), dx * (1 - rate))


def dropout_keeps_the_dropped(
    x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator
) -> Pair:
    """This keeps the values that are to be dropped: those below rate go."""
    return _dropout(x, dy, rate, training, rng, keep=lambda luck: luck < rate)


def dropout_open_on_the_way_back(
    x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator
) -> Pair:
    """This hands dy down as it is. What was dropped passes nothing back, and what was stretched stretches dy."""
    return _dropout(x, dy, rate, training, rng)[0], dy


def dropout_masks_by_zero(x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator) -> Pair:
    """This takes every 0 in y for dropped. A value may have been 0 before, and was kept."""
    y, dx = _dropout(x, dy, rate, training, rng)
    return y, dx * (y != 0)


def dropout_of_two_draws(x: np.ndarray, dy: np.ndarray, rate: float, training: bool, rng: np.random.Generator) -> Pair:
    """This draws once for x and once more for dy, so that other values are dropped on the way back."""
    y = _dropout(x, dy, rate, training, rng)[0]
    return y, _dropout(x, dy, rate, training, rng)[1]


def _dropout(x, dy, rate, training, rng, *, scale=None, keep=None):
    if not training:
        return x, dy
    luck = rng.random(x.shape)
    factor = (luck >= rate if keep is None else keep(luck)) * (1 / (1 - rate) if scale is None else scale)
    return x * factor, dy * factor


# ------------------------------------------------ question 8: augmentation


def shifts_come_back(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This lets what leaves on one side come back on the other, as np.roll does."""
    return augmented(images, labels, most, mirror, rng, move=lambda image, *by: np.roll(image, by, axis=(0, 1)))


def labels_stay(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This mirrors the picture and leaves its label: an arrow to the left is then called one to the right."""
    return augmented(images, labels, most, mirror, rng)[0], labels


def mirrors_everything(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This mirrors classes that are not in `mirror` as well: a mirrored 3 is no digit."""
    every = {label: mirror.get(label, label) for label in labels.tolist()}
    return augmented(images, labels, most, every, rng)


def mirrors_upside_down(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This turns the first axis round, which is up and down."""
    return augmented(images, labels, most, mirror, rng, turned=lambda image: image[::-1])


def mirrors_before_it_shifts(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This mirrors first, so that the shift goes the other way in the mirror."""
    return augmented(images, labels, most, mirror, rng, turned=lambda image: image, first=True)


def one_shift_for_all(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This draws once for the whole batch. Each picture has a draw of its own."""
    down, right = rng.integers(-most, most + 1, size=2)
    shifted = np.array([shifted_by(image, down, right) for image in images])
    return augmented(shifted, labels, 0, mirror, rng)


def shifts_the_other_way(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This moves up where down is asked for, and left for right."""
    return augmented(images, labels, most, mirror, rng, move=lambda image, *by: shifted_by(image, -by[0], -by[1]))


def shifts_down_for_right(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This takes rows for columns in the shift."""
    return augmented(images, labels, most, mirror, rng, move=lambda image, *by: shifted_by(image, by[1], by[0]))


def draws_for_some(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This draws for the mirror only where a class may be mirrored: from there on all draws are others'."""
    pictures, names = images.copy(), labels.copy()
    for i, label in enumerate(labels.tolist()):
        pictures[i] = shifted_by(images[i], *rng.integers(-most, most + 1, size=2))
        if label in mirror and rng.random() < 0.5:
            pictures[i], names[i] = pictures[i, :, ::-1].copy(), mirror[label]
    return pictures, names


def augments_in_place(images: np.ndarray, labels: np.ndarray, most: int, mirror: dict, rng) -> Pair:
    """This writes into the arrays that it was given: the originals are lost."""
    images[:], labels[:] = augmented(images, labels, most, mirror, rng)
    return images, labels


def augmented(images, labels, most, mirror, rng, *, move=None, turned=None, first=False):
    """Shifted and mirrored pictures with their labels, with knobs for what people get wrong."""
    move, turned = move or shifted_by, turned or (lambda image: image[:, ::-1])
    pictures, names = images.copy(), labels.copy()
    for i, label in enumerate(labels.tolist()):
        by = rng.integers(-most, most + 1, size=2)
        turn = rng.random() < 0.5 and label in mirror
        picture = images[i][:, ::-1] if first and turn else images[i]
        picture = move(picture, *by)
        pictures[i] = turned(picture) if turn else picture
        names[i] = mirror[label] if turn else label
    return pictures, names


def shifted_by(image, down, right):
    """The picture moved down and to the right, with zeros where it came from."""
    most = max(image.shape)
    around = np.pad(image, most)
    top, left = most - down, most - right
    return around[top : top + image.shape[0], left : left + image.shape[1]]


# ------------------------------------------------ question 9: how good, and what is wrong


def report_turned(scores: np.ndarray, labels: np.ndarray) -> dict:
    """This has a row for each prediction. Rows are true classes, columns predictions."""
    return _report(scores.argmax(axis=1), labels, scores.shape[1], turn=True)


def report_shares_exchanged(scores: np.ndarray, labels: np.ndarray) -> dict:
    """This takes "read" and "claimed" for each other: rows tell what is missed, columns what is claimed wrongly."""
    found = _report(scores.argmax(axis=1), labels, scores.shape[1])
    return found | {"read": found["claimed"], "claimed": found["read"]}


def report_mean_of_classes(scores: np.ndarray, labels: np.ndarray) -> dict:
    """This takes the mean of the classes' shares for the accuracy. Classes are not equally large."""
    found = _report(scores.argmax(axis=1), labels, scores.shape[1])
    return found | {"accuracy": float(np.nanmean(found["read"]))}


def report_counts_once(scores: np.ndarray, labels: np.ndarray) -> dict:
    """This sets each place of the table to 1 at most: `counts[labels, predictions] += 1` adds only once."""
    predictions = scores.argmax(axis=1)
    counts = np.zeros((scores.shape[1],) * 2, int)
    counts[labels, predictions] += 1
    return _report(predictions, labels, scores.shape[1], counts=counts)


def report_zero_for_nothing(scores: np.ndarray, labels: np.ndarray) -> dict:
    """This says 0 where there is nothing to be right about. nan is asked for."""
    found = _report(scores.argmax(axis=1), labels, scores.shape[1])
    return found | {name: np.nan_to_num(found[name]) for name in ("read", "claimed")}


def _report(predictions, labels, classes, *, turn=False, counts=None):
    if counts is None:
        counts = np.zeros((classes, classes), int)
        np.add.at(counts, (labels, predictions), 1)
    counts = counts.T if turn else counts
    right = counts.diagonal()
    shares = [
        np.where(total > 0, right / np.maximum(total, 1), np.nan) for total in (counts.sum(axis=1), counts.sum(axis=0))
    ]
    accuracy = float((predictions == labels).mean())
    return {"counts": counts, "accuracy": accuracy, "read": shares[0], "claimed": shares[1]}


def gallery_by_score(scores: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """This ranks by the score. What a score is worth depends on the others of its picture: that is the chance."""
    return _gallery(scores, labels, most, scores.max(axis=1))


def gallery_of_all(scores: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """This ranks all pictures. Those that were read right are no mistakes."""
    return _gallery(scores, labels, most, chances(scores).max(axis=1), missed=np.arange(len(labels)))


def gallery_least_sure(scores: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """This begins with the least sure one."""
    return _gallery(scores, labels, most, -chances(scores).max(axis=1))


def gallery_by_label(scores: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """This ranks by how little the label got. Asked for is how sure the network was of what it read."""
    return _gallery(scores, labels, most, -chances(scores)[np.arange(len(labels)), labels])


def gallery_places_among_mistakes(scores: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """This gives places among the mistakes. Asked for are places in the batch."""
    found = gallery(scores, labels, most)
    missed = np.flatnonzero(scores.argmax(axis=1) != labels)
    return np.column_stack([np.searchsorted(missed, found[:, 0]), found[:, 1:]])


def gallery_later_of_two(scores: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """This sorts upwards and turns the order round: of two that are equally sure the later one comes first."""
    predictions, sureness = scores.argmax(axis=1), chances(scores).max(axis=1)
    missed = np.flatnonzero(predictions != labels)
    chosen = missed[np.argsort(sureness[missed], kind="stable")[::-1]][:most]
    return np.column_stack([chosen, labels[chosen], predictions[chosen]])


def gallery_columns_exchanged(scores: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """This has what was read in front of the label."""
    return gallery(scores, labels, most)[:, [0, 2, 1]]


def gallery(scores, labels, most):
    """The right gallery."""
    return _gallery(scores, labels, most, chances(scores).max(axis=1))


def chances(scores):
    """Softmax of each row."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _gallery(scores, labels, most, sureness, *, missed=None):
    predictions = scores.argmax(axis=1)
    missed = np.flatnonzero(predictions != labels) if missed is None else missed
    chosen = missed[np.argsort(-sureness[missed], kind="stable")][:most]
    return np.column_stack([chosen, labels[chosen], predictions[chosen]])


# ------------------------------------------------ question 10, entered

THE_SLOW_ONE, THE_SHUFFLED_ONE, THE_LARGE_ONE = "P", "R", "S"
BEST_OF_ALL, WHERE_IT_STOPS, ALL_OF_THEM, FIRST_RISE, ONE_TOO_FEW = 9, 6, 12, 7, 10
THE_WORST_ALONE, ALL_BELOW_ONE = {"U"}, {"U", "W", "X"}
THE_RISING_ONE, THE_LEVEL_ONE = "V", "W"
FACTOR_OF_THREE_LAYERS, FACTOR_FORWARD = 0.01, 4.4
DRIFT_IS_THE_REASON, DRIFT_HURTS, CALM_ALONE = {"A", "B", "D", "E"}, {"A", "B", "C", "D"}, {"A"}
