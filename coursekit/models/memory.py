"""What training a network keeps in memory, and the batch that fits."""

from dataclasses import dataclass

from coursekit.models.accounting import Table
from coursekit.shapes import binary_size

COPIES = {
    "sgd": 2,
    "momentum": 3,
    "nesterov": 3,
    "adagrad": 3,
    "rmsprop": 3,
    "adam": 4,
    "adamw": 4,
}  # numbers kept for each parameter


@dataclass(frozen=True, repr=False)
class Memory:
    """What training keeps in memory, in bytes."""

    activations: int
    parameters: int
    miscellaneous: int

    @property
    def total(self) -> int:
        """The sum, in bytes."""
        return self.activations + self.parameters + self.miscellaneous

    def __repr__(self) -> str:
        parts = ("activations", "parameters", "miscellaneous", "total")
        return ", ".join(f"{part} {binary_size(getattr(self, part))}" for part in parts)


def training_memory(table: Table, batch: int, optimizer: str = "momentum", miscellaneous: int = 0) -> Memory:
    """Memory that training takes, by the rule of thumb: activations twice, parameters two to four times.

    Parameters
    ----------
    table : Table
    batch : int
        Pictures in a batch.
    optimizer : str
        "sgd" keeps the parameters and their gradients (x2), "momentum" a third number for each (x3), "adam" two more
        (x4); also "nesterov", "adagrad" and "rmsprop" (x3), "adamw" (x4).
    miscellaneous : int
        Bytes for whatever else there is: the pictures of the next batch, the workspace of convolutions.

    Returns
    -------
    Memory
        In bytes. Activations count twice, for the numbers and for their gradients.

    Raises
    ------
    ValueError
        If a number is too small or the optimiser is not one of these.

    Source: CS231n, "Convolutional neural networks", computational considerations.
    """
    if optimizer not in COPIES:
        raise ValueError(f"optimizer is {optimizer!r}: expected one of {', '.join(COPIES)}.")
    if batch < 0 or miscellaneous < 0:
        raise ValueError(f"batch is {batch} and miscellaneous is {miscellaneous}: expected 0 or more.")
    return Memory(
        activations=2 * batch * table.totals.activation_bytes,
        parameters=COPIES[optimizer] * table.totals.parameters * table.itemsize,
        miscellaneous=miscellaneous,
    )


def largest_batch(table: Table, memory_bytes: int, optimizer: str = "momentum", miscellaneous: int = 0) -> int:
    """Pictures in the largest batch that can be trained in so many bytes; 0 if not even one.

    Parameters
    ----------
    table, optimizer, miscellaneous
        As in `training_memory`.
    memory_bytes : int
        12 GiB are ``12 * 2**30``.

    Raises
    ------
    ValueError
        As in `training_memory`.
    """
    fixed = training_memory(table, 0, optimizer, miscellaneous).total
    return max(0, (memory_bytes - fixed) // (2 * table.totals.activation_bytes))
