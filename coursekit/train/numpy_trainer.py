"""The training loop, in NumPy: shuffle, cut into batches, gradient, step."""

import builtins
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from tqdm.auto import tqdm

from coursekit.nn.optim import Adam, Optimiser

__all__ = ["History", "fit"]


class Network(Protocol):
    """What `fit` asks of a network; `SimpleConvNet` has it."""

    params: dict[str, np.ndarray]

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Gradients by name; afterwards `last_layer.loss` holds the loss."""

    def accuracy(self, x: np.ndarray, t: np.ndarray) -> float:
        """Share of right answers."""


@dataclass
class History:
    """What happened in training."""

    losses: list[float] = field(default_factory=list)  # one per step, of its batch before the step
    training_accuracy: list[float] = field(default_factory=list)  # one per epoch, on a fixed sample
    validation_accuracy: list[float] = field(default_factory=list)  # one per epoch, if there are validation data
    seconds: float = 0.0  # wall time, measuring accuracy included
    interrupted: bool = False  # stopped from the keyboard

    def __repr__(self) -> str:
        parts = [f"{len(self.losses)} steps in {self.seconds:.1f} s"]
        if self.losses:
            parts.append(f"last loss {self.losses[-1]:.4f}")
        for name, values in (("training", self.training_accuracy), ("validation", self.validation_accuracy)):
            parts += [f"{name} accuracy {values[-1]:.4f}"] if values else []
        return f"History({', '.join(parts)}{', interrupted' if self.interrupted else ''})"


def fit(
    network: Network,
    x: np.ndarray,
    labels: np.ndarray,
    *,
    epochs: int,
    batch_size: int = 100,
    optimiser: Optimiser | None = None,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    schedule: Callable[[float], float] | None = None,
    sample: int = 1000,
    seed: int | np.random.Generator = 0,
    progress: bool = True,
) -> History:
    """Train a network, changing its parameters in place.

    Stop it from the keyboard (Ctrl+C, or Jupyter's stop button) whenever you like: what has been learnt so
    far stays in the network, and the history so far is returned, marked `interrupted`.

    Parameters
    ----------
    network : SimpleConvNet or alike
        Anything with params, gradient, accuracy and last_layer.loss.
    x : ndarray of shape (N, C, H, W)
        The training images, of the network's dtype.
    labels : ndarray of shape (N,)
        Their classes.
    epochs : int
        How often to go through all images, each time in a new order. A last, smaller batch is used too.
    batch_size : int
        Images per step.
    optimiser : Optimiser, optional
        For this network's params: any rule of `coursekit.nn.optim`. Adam with a learning rate of 0.001 if not given.
    validation : (x, labels), optional
        To measure accuracy on after each epoch; not trained on.
    schedule : callable, optional
        Takes how much is done, from 0 at the first step to 1 at the last, and returns what to multiply the
        optimiser's learning rate with, as the functions of `coursekit.nn.schedules` do. Its own rate is put back at
        the end.
    sample : int
        Training accuracy is measured on so many training images, the same ones after each epoch.
    seed : int or Generator
        Draws the order and the sample.
    progress : bool
        Show a progress bar.

    Returns
    -------
    history : History

    Raises
    ------
    TypeError, ValueError
        If there are no images (to train on or to validate with), not as many labels, a count is not a whole number
        from 1 up, or the optimiser belongs to another network.
    """
    _expect_counts(epochs=epochs, batch_size=batch_size, sample=sample)
    _expect_pairs(x=x, labels=labels)
    if validation:
        _expect_pairs(**{"validation[0]": validation[0], "validation[1]": validation[1]})
    rng = np.random.default_rng(seed)
    seen = np.sort(rng.permutation(len(x))[:sample])
    optimiser = optimiser or Adam(network.params)
    _expect_same_params(optimiser, network)
    rate, start, history = optimiser.lr, perf_counter(), History()
    steps = epochs * -(-len(x) // batch_size)
    with tqdm(total=steps, desc="training", unit="step", disable=not progress, mininterval=_pause()) as bar:
        try:
            for _ in range(epochs):
                for batch in batches(len(x), batch_size, rng):
                    done = len(history.losses) / max(1, steps - 1)
                    optimiser.lr = rate * (schedule(done) if schedule else 1.0)
                    optimiser.step(network.gradient(x[batch], labels[batch]))
                    history.losses.append(network.last_layer.loss)
                    bar.update()
                _measure(history, network, (x[seen], labels[seen]), validation)
                bar.set_postfix_str(_state(history))
        except KeyboardInterrupt:
            history.interrupted = True
        finally:
            optimiser.lr = rate
    history.seconds = perf_counter() - start
    return history


def batches(images: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Deal out the numbers 0 to images - 1 in random order, batch_size at a time."""
    order = rng.permutation(images)
    for start in range(0, images, batch_size):
        yield order[start : start + batch_size]


def _pause():
    """Seconds between two states of the progress bar: a log file keeps each of them, a terminal only the last."""
    return 0.1 if sys.stderr.isatty() or "get_ipython" in dir(builtins) else 15.0


def _measure(history, network, sample, validation):
    """Write down the accuracies at the end of an epoch."""
    history.training_accuracy.append(network.accuracy(*sample))
    if validation:
        history.validation_accuracy.append(network.accuracy(*validation))


def _state(history):
    accuracy = history.validation_accuracy or history.training_accuracy
    return f"loss {history.losses[-1]:.3f}, accuracy {accuracy[-1]:.3f}"


def _expect_counts(**counts):
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int | np.integer):
            raise TypeError(f"{name} is {count!r} ({type(count).__name__}), expected a whole number.")
        if count < 1:
            raise ValueError(f"{name} is {count}, expected 1 or more.")


def _expect_pairs(**arrays):
    (name, x), (other, t) = arrays.items()
    if not len(x) or len(t) != len(x):
        raise ValueError(f"{name} holds {len(x)} images, {other} {len(t)}: expected as many of both, at least one.")


def _expect_same_params(optimiser, network):
    """An optimiser of another network would step there, and this one would never learn."""
    if any(optimiser.params.get(name) is not value for name, value in network.params.items()):
        raise ValueError("optimiser holds other arrays than network.params: make it of this network's params.")
