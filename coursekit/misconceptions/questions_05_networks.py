"""Of assignment 5, questions 9, 10 and 12: wrong answers with their thoughts."""

from typing import Any

import numpy as np

# ------------------------------------------------ question 9

Layers = list[tuple[np.ndarray, np.ndarray]]


def _insert(layers: Layers, index: int, w: np.ndarray) -> Layers:
    return [*layers[:index], (w, np.zeros(w.shape[1])), *layers[index:]]


def deeper_identity_anywhere(layers: Layers, place: int) -> Layers:
    """This inserts the identity behind the last layer, too; the ReLU in front of it cuts negative scores off."""
    return _insert(layers, place + 1, np.eye(layers[place][0].shape[1]))


def deeper_ones(layers: Layers, place: int) -> Layers:
    """This inserts a matrix of ones, which adds all numbers up."""
    return _insert(layers, place + 1, np.ones([layers[place][0].shape[1]] * 2))


def deeper_in_front(layers: Layers, place: int) -> Layers:
    """This inserts the identity in front of the layer."""
    return _insert(layers, place, np.eye(layers[place][0].shape[0]))


def deeper_shifted(layers: Layers, place: int) -> Layers:
    """This lifts the last scores above 0 by a bias of 100 and takes it off again; larger scores are cut off."""
    if place < len(layers) - 1:
        return deeper_identity_anywhere(layers, place)
    (w, b), n = layers[-1], layers[-1][0].shape[1]
    return [*layers[:-1], (w, b + 100), (np.eye(n), np.full(n, -100.0))]


def deeper_bias_again(layers: Layers, place: int) -> Layers:
    """This gives the new layer the bias of the one before, so that it is added twice."""
    _, b = layers[place]
    return [*layers[: place + 1], (np.eye(len(b)), b), *layers[place + 1 :]]


def _blocks(start: tuple, change: tuple, count: int, *, cut: bool, at_the_end: bool = False) -> list:
    x = np.array(start)
    for _ in range(count):
        x = np.maximum(x + change, 0) if cut else x + np.array(change)
    return (np.maximum(x, 0) if at_the_end else x).tolist()


def cut_at_the_end(start: tuple, change: tuple) -> list:
    """This cuts negative numbers off once, at the end; each block does."""
    return _blocks(start, change, 2, cut=False, at_the_end=True)


def one_block(start: tuple, change: tuple) -> list:
    """This stops behind the first block."""
    return _blocks(start, change, 1, cut=True)


def never_cut(start: tuple, change: tuple) -> list:
    """This adds and never cuts anything off; each block ends in a ReLU."""
    return _blocks(start, change, 2, cut=False)


def cut_in_every_block(start: tuple, change: tuple) -> list:
    """This has a ReLU behind every addition; the pre-activation block has none."""
    return _blocks(start, change, 2, cut=True)


def one_open_block(start: tuple, change: tuple) -> list:
    """This stops behind the first block."""
    return _blocks(start, change, 1, cut=False)


# ------------------------------------------------ question 10, entered; errors are pairs, in training and on new ones

CURVE_P, CURVE_Q, CURVE_R = "P", "Q", "R"
HALF_OF_P = 3
NOT_YET_HALF = 5
RUN_B = "B"


def worse_on_new_pictures(errors: list) -> float:
    """This compares the errors on new pictures."""
    return errors[1][1] - errors[0][1]


def gap_of_b(errors: list) -> float:
    """This is how much worse run B is on new pictures than in training."""
    return errors[1][1] - errors[1][0]


def refuted_by(errors: list) -> set[str]:
    """The explanations that the table refutes."""
    deep, slower, longer = (errors[k][0] for k in (1, 5, 6))
    return {"P", "S"} | ({"Q"} if slower > deep / 2 else set()) | ({"R"} if longer > deep / 2 else set())


def gradients_too(errors: list) -> set[str]:
    """This takes vanishing gradients for refuted; the table does not show any gradients."""
    return refuted_by(errors) | {"T"}


def overfitting_stands(errors: list) -> set[str]:
    """This lets overfitting stand, though run B fails in training."""
    return refuted_by(errors) - {"P"}


def remedies_mixed_up(errors: list) -> set[str]:
    """This takes a remedy that helps for a refutation, and one that does not for a proof."""
    return refuted_by(errors) ^ {"Q", "R"}


def capacity_stands(errors: list) -> set[str]:
    """This lets the number of weights stand as the cause, though run D has as many."""
    return refuted_by(errors) - {"S"}


def better_by(errors: list) -> float:
    """This subtracts B's error from A's; it is B that is worse."""
    return errors[0][0] - errors[1][0]


def worse_by_a_factor(errors: list) -> float:
    """This divides one error by the other; a difference in points is asked for."""
    return errors[1][0] / errors[0][0]


def remedies_unused(errors: list) -> set[str]:
    """This leaves out what was tried in the runs F and G."""
    return refuted_by(errors) - {"Q", "R"}


# ------------------------------------------------ question 12


def keeps_winners_of_a_column(table: np.ndarray) -> list[int]:
    """This keeps the best of each column; a network between them may be worth keeping, too."""
    return np.flatnonzero((table == table.min(axis=0)).any(axis=1)).tolist()


def _unbeaten(table: np.ndarray, beats: Any) -> list[int]:
    return [i for i, row in enumerate(table) if not any(beats(other, row) for j, other in enumerate(table) if j != i)]


def beaten_in_every_column(table: np.ndarray) -> list[int]:
    """This asks that the other be lower in every column; lower in one and nowhere higher is enough."""
    return _unbeaten(table, lambda other, row: (other < row).all())


def beaten_by_a_twin(table: np.ndarray) -> list[int]:
    """This lets a network with the same numbers beat another."""
    return _unbeaten(table, lambda other, row: (other <= row).all())


def beaten_in_one_column(table: np.ndarray) -> list[int]:
    """This lets one better column beat a network."""
    return _unbeaten(table, lambda other, row: (other < row).any())


def keeps_smallest_sum(table: np.ndarray) -> list[int]:
    """This adds the columns up; parameters and errors have no common measure."""
    return np.flatnonzero(table.sum(axis=1) == table.sum(axis=1).min()).tolist()


def keeps_the_beaten(table: np.ndarray) -> list[int]:
    """This returns the networks that are beaten."""
    kept = _unbeaten(table, lambda other, row: (other <= row).all() and (other < row).any())
    return [number for number in range(len(table)) if number not in kept]


def period_unharmed(period: float) -> list[float]:
    """This takes the stripes to come through as they are."""
    return [period, period]


def period_in_samples(period: float) -> list[float]:
    """This counts samples of the map, not pixels of the picture."""
    return [1 / abs(stride / period - round(stride / period)) for stride in (4, 2)]


def period_stretched(period: float) -> list[float]:
    """This multiplies the period by the stride."""
    return [4 * period, 2 * period]


DISK_IS_MEMORY = {"A", "D"}  # as many weights, so as many activations
GROWTH_UNCHECKED = {"D", "F"}
LAYERS_ARE_WORK = {"A", "B", "D", "F"}
WEIGHTS_ARE_WORK = {"A", "C", "D", "F"}
WINNERS_ALIKE = {"A", "D", "E", "F"}
