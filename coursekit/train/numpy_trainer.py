"""The training loop, in NumPy: shuffle, cut into batches, gradient, step."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from coursekit.nn.optim import Adam, Optimiser
from coursekit.train.checkpoint import place
from coursekit.train.history import History
from coursekit.train.numpy_run import NumpyRun, sampled
from coursekit.train.options import expect_whole
from coursekit.train.progress import bar
from coursekit.train.trouble import DivergedError

__all__ = ["fit"]


class Network(Protocol):
    """What `fit` asks of a network; `SimpleConvNet` has it."""

    params: dict[str, np.ndarray]

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Gradients by name; afterwards `last_layer.loss` holds the loss."""

    def accuracy(self, x: np.ndarray, t: np.ndarray) -> float:
        """Share of right answers."""


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
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    every: int | None = None,
    resume: str | Path | None = None,
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
    patience : int, optional
        Stop when validation accuracy has not risen for so many epochs, and keep the best weights seen.
    checkpoint : path, optional
        File to write after each epoch, to go on from.
    every : int, optional
        Write it also after each so many steps.
    resume : path, optional
        Checkpoint to go on from, of a run with the same arguments: the losses are then those of a run that was never
        stopped, to the last bit.
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
    CheckpointError
        If `resume` is damaged, or of another run.
    DivergedError
        If a loss is no longer finite.
    """
    expect_whole(least=1, epochs=epochs, batch_size=batch_size, sample=sample)
    expect_whole(least=1, **{name: n for name, n in (("patience", patience), ("every", every)) if n is not None})
    _expect_pairs(x=x, labels=labels)
    if validation:
        _expect_pairs(**{"validation[0]": validation[0], "validation[1]": validation[1]})
    _expect_company(patience, validation, every, checkpoint)
    rng = np.random.default_rng(seed)
    seen = np.sort(rng.permutation(len(x))[:sample])
    optimiser = optimiser or Adam(network.params)
    _expect_same_params(optimiser, network)
    choices = {"epochs": epochs, "batch_size": batch_size, "sample": sample, "patience": patience}
    choices |= {"schedule": sampled(schedule), "images": list(x.shape), "labels": _sum_of(labels)}
    run = NumpyRun(network, optimiser, rng, seen, choices)
    if resume is not None:
        run.load(Path(resume))
    saving = (place(checkpoint), every)
    steps = epochs * -(-len(x) // batch_size)
    # one thread: the many small matrix products are no faster by two, and stall each other on a busy machine
    with threadpool_limits(1), bar(steps, shown=progress, done=len(run.history.losses)) as shown:
        try:
            _train(run, (x, labels), validation, steps, batch_size, schedule, patience, saving, shown)
        except KeyboardInterrupt:
            run.history.interrupted = True
        finally:
            run.finish()
    return run.history


def _train(run, data, validation, steps, batch_size, schedule, patience, saving, shown):
    """The loop: a batch, its gradient, a step."""
    (x, labels), (path, every) = data, saving
    network, optimiser, history = run.network, run.optimiser, run.history
    while len(history.losses) < steps and not run.stopped:
        dealt = batches(run.order(len(x)), batch_size)
        for batch in dealt[len(history.losses) % len(dealt) :]:
            done = len(history.losses) / max(1, steps - 1)
            optimiser.lr = run.rate * (schedule(done) if schedule else 1.0)
            history.rates.append(optimiser.lr)
            optimiser.step(network.gradient(x[batch], labels[batch]))
            history.losses.append(_finite(network.last_layer.loss, run))
            shown.update()
            if every and len(history.losses) % every == 0 and len(history.losses) % len(dealt):
                run.save(path, between=False)
        _measure(history, network, (x[run.seen], labels[run.seen]), validation)
        run.epoch_ended(patience)
        if path:
            run.save(path, between=True)
        shown.set_postfix_str(_state(history))


def batches(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut an order of the images into batches; the last may be smaller."""
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _finite(loss, run):
    """The loss, if it is a number to go on with."""
    if np.isfinite(loss):
        return float(loss)
    run.clock()
    step, rate = len(run.history.losses) + 1, run.history.rates[-1]
    raise DivergedError(f"The loss is {loss}", step, rate, run.history, run.saved)


def _measure(history, network, sample, validation):
    """Write down the accuracies at the end of an epoch."""
    history.training_accuracy.append(network.accuracy(*sample))
    if validation:
        history.validation_accuracy.append(network.accuracy(*validation))


def _state(history):
    accuracy = history.validation_accuracy or history.training_accuracy
    return f"loss {history.losses[-1]:.3f}, accuracy {accuracy[-1]:.3f}"


def _sum_of(labels):
    """A number that changes with the labels and their order."""
    return float(np.arange(1, len(labels) + 1) @ np.asarray(labels, np.float64))


def _expect_company(patience, validation, every, checkpoint):
    if patience is not None and not validation:
        raise ValueError(f"patience is {patience}, but there are no validation data to judge by.")
    if every is not None and checkpoint is None:
        raise ValueError(f"every is {every} without checkpoint: name the file to write.")


def _expect_pairs(**arrays):
    (name, x), (other, t) = arrays.items()
    if not len(x) or len(t) != len(x):
        raise ValueError(f"{name} holds {len(x)} images, {other} {len(t)}: expected as many of both, at least one.")


def _expect_same_params(optimiser, network):
    """An optimiser of another network would step there, and this one would never learn."""
    if any(optimiser.params.get(name) is not value for name, value in network.params.items()):
        raise ValueError("optimiser holds other arrays than network.params: make it of this network's params.")
