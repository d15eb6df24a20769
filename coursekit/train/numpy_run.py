"""The state of a NumPy training run, and its way into a checkpoint and back."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from coursekit.nn.optim import Optimiser
from coursekit.train import checkpoint
from coursekit.train.history import History

__all__ = ["NumpyRun"]


class NumpyRun:
    """A network in training with its optimiser, random numbers, position and history.

    Parameters
    ----------
    network : SimpleConvNet or alike
    optimiser : Optimiser
        Its rate is the schedule's highest.
    rng : Generator
        Draws the order of the images.
    seen : ndarray of int
        The training images on which accuracy is measured.
    choices : dict
        Plain data that must be the same when the run goes on.
    """

    def __init__(
        self, network: Any, optimiser: Optimiser, rng: np.random.Generator, seen: np.ndarray, choices: dict[str, Any]
    ):
        self.network, self.optimiser, self.rng, self.seen, self.choices = network, optimiser, rng, seen, choices
        self.rate, self.history, self.stopped = optimiser.lr, History(), False
        self.best: dict[str, np.ndarray] = {}  # weights of the best epoch, if early stopping may want them
        self.epoch_began = self.resume_at = None  # states of rng: before the epoch's order was drawn, and at a resume
        self.saved: Path | None = None
        self.began, self.spent = (perf_counter(), process_time()), (0.0, 0.0)

    def order(self, images: int) -> np.ndarray:
        """This epoch's order of the images; after a resume, the order that was under way."""
        self.epoch_began = self.rng.bit_generator.state
        order = self.rng.permutation(images)
        if self.resume_at is not None:
            self.rng.bit_generator.state, self.resume_at = self.resume_at, None
        return order

    def clock(self) -> None:
        """Bring the history's times up to date."""
        wall, cpu = perf_counter() - self.began[0], process_time() - self.began[1]
        self.history.seconds, self.history.cpu_seconds = self.spent[0] + wall, self.spent[1] + cpu

    def epoch_ended(self, patience: int | None) -> None:
        """Write down when; keep the weights if they are the best so far, or stop if none were for too long."""
        self.clock()
        self.history.epoch_ends.append(len(self.history.losses))
        self.history.epoch_seconds.append(self.history.seconds)
        accuracies = self.history.validation_accuracy
        if not patience:
            return
        if accuracies[-1] > max(accuracies[:-1], default=-1.0):
            self.best = {name: value.copy() for name, value in self._weights().items()}
        self.stopped = len(accuracies) - 1 - accuracies.index(max(accuracies)) >= patience

    def finish(self) -> None:
        """Put the learning rate back, and the best weights if early stopping kept them."""
        self.optimiser.lr = self.rate
        self.history.rates = self.history.rates[: len(self.history.losses)]  # stopped in the midst of a step
        for name, value in self.best.items():
            self._weights()[name][...] = value
        self.clock()

    def save(self, path: Path, *, between: bool) -> None:
        """Write all of it to a file; `between` epochs the next order is still to be drawn."""
        self.clock()
        now = self.rng.bit_generator.state
        arrays = self._arrays() | {f"best {name}": value for name, value in self.best.items()} | {"seen": self.seen}
        about = {
            "choices": self._all_choices(),
            "order": now if between else self.epoch_began,
            "rng": None if between else now,
            "layers": [layer.rng.bit_generator.state for layer in self._drawing()],
            "steps": self.optimiser.steps,
            "stopped": self.stopped,
            "history": self.history.as_dict(),
        }
        checkpoint.save_arrays(path, arrays, about)
        self.saved = path

    def load(self, path: Path) -> None:
        """Go on from a file that `save` wrote for the same choices, network and data."""
        arrays, about = checkpoint.load_arrays(path)
        checkpoint.expect_same(path, about.get("choices", {}), self._all_choices())
        for name, value in self._arrays().items():
            value[...] = arrays[name]
        self.best = {name.removeprefix("best "): value for name, value in arrays.items() if name.startswith("best ")}
        self.seen = arrays["seen"]
        for layer, state in zip(self._drawing(), about["layers"], strict=True):
            layer.rng.bit_generator.state = state
        self.rng.bit_generator.state, self.resume_at = about["order"], about["rng"]
        self.optimiser.steps, self.stopped = about["steps"], about["stopped"]
        self.history = History.from_dict(about["history"] | {"interrupted": False})
        self.spent, self.saved = (self.history.seconds, self.history.cpu_seconds), path

    def _weights(self):
        return {**self.network.params, **getattr(self.network, "buffers", {})}

    def _arrays(self):
        """All that training changes in place: weights, running statistics, and what the rule keeps for each."""
        kept = self.optimiser._kept.items()
        slots = {f"slot {k} {name}": slot for name, slots in kept for k, slot in enumerate(slots)}
        return {f"weight {name}": value for name, value in self._weights().items()} | slots

    def _drawing(self):
        """Layers that draw random numbers, as dropout does."""
        return [layer for layer in getattr(self.network, "layers", {}).values() if hasattr(layer, "rng")]

    def _all_choices(self):
        rule = {name: value for name, value in vars(self.optimiser).items() if isinstance(value, int | float)}
        rule = {f"optimiser.{name}": value for name, value in rule.items() if name not in ("lr", "steps")}
        return {
            **self.choices,
            **rule,
            "optimiser": type(self.optimiser).__name__,
            "optimiser.lr": self.rate,
            "network": {name: f"{value.dtype} {list(value.shape)}" for name, value in self._weights().items()},
        }


def sampled(schedule: Callable[[float], float] | None) -> list[float] | None:
    """A schedule at five places: what is kept of it in a checkpoint, and compared."""
    return schedule and [float(schedule(k / 4)) for k in range(5)]
