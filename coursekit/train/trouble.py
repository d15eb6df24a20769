"""What goes wrong in training, and what to try."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from coursekit.train.history import History
from coursekit.train.options import Options

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["DivergedError", "OutOfMemoryError", "fitting_batch", "memory_advice"]


class DivergedError(ArithmeticError):
    """The loss or the weights are no longer finite.

    Attributes
    ----------
    step : int
        The first step, from 1, whose loss was not finite; or after which the weights were not.
    history : History
        Up to the step before.
    checkpoint : Path or None
        The last one, of before.
    """

    def __init__(
        self,
        what: str,
        step: int,
        rate: float,
        history: History,
        checkpoint: Path | None,
        also: Sequence[str] = (),
    ):
        self.step, self.history, self.checkpoint = step, history, checkpoint
        kept = (
            f"The last good checkpoint is {checkpoint}." if checkpoint else "No checkpoint was kept (checkpoint=...)."
        )
        tries = ", ".join(["a learning rate ten times lower", *also])
        super().__init__(
            f"{what} at step {step}, at a rate of {rate:.3g}: training has stopped. {kept} Try {tries}; "
            "or look whether the pictures are from 0 to 1."
        )


class OutOfMemoryError(MemoryError):
    """The device has too little memory for this batch."""


@contextmanager
def memory_advice(
    network: "nn.Module", shape: tuple[int, ...], options: Options, device: "torch.device"
) -> Iterator[None]:
    """Turn running out of memory into a sentence with a batch that should fit.

    Parameters
    ----------
    network : nn.Module
    shape : tuple of int
        (C, H, W) of what it sees.
    options : Options
    device : torch.device
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_about_memory(error):
            raise
        fits = fitting_batch(network, shape, options, device)
        slices = -(-options.batch // fits)
        raise OutOfMemoryError(
            f"{device} has too little memory for a batch of {options.batch} pictures of {' x '.join(map(str, shape))}. "
            f"Try batch={fits}, or keep it and compute it in slices: accumulate={slices}. "
            f"({str(error).splitlines()[0]})"
        ) from error


def _is_about_memory(error):
    return isinstance(error, MemoryError) or any(
        sign in str(error) for sign in ("DefaultCPUAllocator", "out of memory", "Out of memory")
    )


def fitting_batch(network: "nn.Module", shape: tuple[int, ...], options: Options, device: "torch.device") -> int:
    """Pictures in the largest batch that fits, by the accounting of layers: a power of 2, at most half of the batch.

    Of a network that cannot be counted, or on a device that does not say how much memory it has, half.
    """
    from coursekit.train.devices import available_bytes

    most = half = max(1, options.batch // options.accumulate // 2)
    try:
        from coursekit.models import largest_batch, table

        rule = "momentum" if options.optimiser == "sgd" and options.momentum else options.optimiser
        if memory := available_bytes(device):
            most = largest_batch(table(network, shape, training=True), memory, rule)
    except (ImportError, TypeError, ValueError, RuntimeError, ZeroDivisionError):
        pass
    return 2 ** (max(1, min(most, half)).bit_length() - 1)
