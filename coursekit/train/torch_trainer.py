"""The training loop, in PyTorch: on a CPU, a GPU, or several by torchrun.

`_train` is the loop itself; all around it says with what.
"""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from coursekit.train import distributed
from coursekit.train.augment import centre
from coursekit.train.checkpoint import place
from coursekit.train.devices import choose_device, private_randomness, settings
from coursekit.train.feed import Resident, Streamed, as_input, make_feed
from coursekit.train.history import History
from coursekit.train.options import Options, expect_whole
from coursekit.train.progress import bar
from coursekit.train.torch_run import Run
from coursekit.train.trouble import memory_advice

__all__ = ["fit_torch"]

EpochEnd = Callable[[int, nn.Module, History], Any]
Watch = Callable[[int, nn.Module], Any]


def fit_torch(
    network: nn.Module,
    data: Any,
    options: Options | None = None,
    *,
    validation: Any = None,
    sample: int = 1000,
    on_epoch: EpochEnd | None = None,
    on_gradients: Watch | None = None,
    checkpoint: str | Path | None = None,
    every: int | None = None,
    resume: str | Path | None = None,
    progress: bool = True,
) -> History:
    """Train a network to tell classes apart, changing its parameters in place.

    Stop it from the keyboard (Ctrl+C, or Jupyter's stop button) whenever you like: what has been learnt so far stays
    in the network, and the history so far is returned, marked `interrupted`.

    Under torchrun every process calls this with the same arguments; they share the work and end with equal weights.

    Parameters
    ----------
    network : nn.Module
        From images (B, C, H, W) to scores (B, classes), one per class, before softmax. Moved to the device, and left
        there, in evaluation mode.
    data : (images, labels), or torch Dataset
        Images of shape (N, H, W) or (N, C, H, W), NumPy or torch; bytes stay bytes on the device, and the network sees
        them from 0 to 1. A Dataset of (image, label) is read batch by batch, for what does not fit.
    options : Options, optional
    validation : the same kinds, optional
        To measure accuracy on after each epoch; not trained on.
    sample : int
        Training accuracy is measured on so many training images, the same ones after each epoch; 0 for none.
    on_epoch : callable, optional
        Called with (epochs done, network, history) after each epoch, with averaged weights if there are any. Training
        stops if it returns True.
    on_gradients : callable, optional
        Called with (steps taken before, network) when the gradients are there, before they are clipped and used.
    checkpoint : path, optional
        File to write after each epoch, to go on from.
    every : int, optional
        Write it also after each so many steps.
    resume : path, optional
        Checkpoint to go on from, of a run with the same options and data. On a CPU, with as many threads, the losses
        are then those of a run that was never stopped, to the last bit; so they are on a GPU with
        `deterministic=True`. Random transforms inside a Dataset are the exception: they are drawn anew.
    progress : bool
        Show a progress bar.

    Returns
    -------
    history : History

    Raises
    ------
    TypeError, ValueError
        If the data are empty or do not belong together, a label is out of range, or the device is missing.
    CheckpointError
        If `resume` is damaged, or of another run.
    DivergedError
        If a loss or a weight is no longer finite.
    OutOfMemoryError
        If the batch does not fit; the message suggests one.
    """
    options = options or Options()
    expect_whole(least=0, sample=sample)
    if every is not None:
        expect_whole(least=1, every=every)
        if checkpoint is None:
            raise ValueError(f"every is {every} without checkpoint: name the file to write.")
    device = choose_device(options.device)
    distributed.join(device)
    with settings(device, deterministic=options.deterministic):
        source = make_feed(data, device, "data", options.workers)
        held_out = None if validation is None else make_feed(validation, device, "validation", options.workers)
        _expect_batches(source, held_out, options)
        layout = torch.channels_last if options.channels_last else torch.preserve_format
        network.to(device, memory_format=layout)
        shape = _expect_classes(network, source, held_out, options)
        with (
            private_randomness(device, options.seed + distributed.rank()),
            memory_advice(network, shape, options, device),
        ):
            run = Run(network, source, options, device)
            if resume is not None:
                run.load(Path(resume))
            judge = _Judge(run, held_out, sample, on_epoch, place(checkpoint))
            with bar(run.steps, shown=progress and distributed.first(), done=run.step) as shown:
                try:
                    _train(run, judge, every, on_gradients, shown)
                except KeyboardInterrupt:
                    run.history.interrupted = True
                    run.settle()
                run.finish()
    network.train(False)
    return run.history


def _train(run: Run, judge: "_Judge", every: int | None, on_gradients: Watch | None, shown: tqdm) -> None:
    """The loop: take a batch, compute its loss and gradients, take a step; B images, K classes."""
    options = run.options
    while run.step < run.steps and not run.stopped:
        run.network.train()
        for images, labels in run.batches():  # (B, C, H, W), (B,)
            run.set_rate()
            run.optimiser.zero_grad()
            loss, slices = 0.0, min(options.accumulate, len(images))
            parts = zip(images.tensor_split(slices), labels.tensor_split(slices), strict=True)
            for k, (x, t) in enumerate(parts, 1):  # (b, C, H, W), (b,)
                with nullcontext() if k == slices else distributed.unsynchronised(run.model):
                    with run.cast():
                        scores = run.model(x)  # (b, K)
                        summed = cross_entropy(scores, t, label_smoothing=options.label_smoothing, reduction="sum")
                    part = summed * run.weight  # of the mean over the batch
                    run.scaler.scale(part * distributed.size()).backward()  # gradients are averaged over processes
                loss = loss + part.detach()
            run.scaler.unscale_(run.optimiser)  # of what float16 needs; else there is nothing to do
            if on_gradients:
                on_gradients(run.step, run.network)
            run.move()
            run.note(loss)
            shown.update()
            if every and run.step % every == 0 and run.step % run.epoch_steps:
                judge.save()
        judge.epoch_ended(shown)


class _Judge:
    """Measures a network after each epoch, and keeps what there is to keep."""

    def __init__(self, run, held_out, sample, on_epoch, path):
        self.run, self.held_out, self.on_epoch, self.path = run, held_out, on_epoch, path
        chosen = torch.randperm(len(run.source), generator=torch.Generator().manual_seed(run.options.seed))[:sample]
        self.seen = chosen.sort().values.to(run.source.device)

    def epoch_ended(self, shown: tqdm) -> None:
        """Accuracies, times, early stopping, the caller's own wishes, checkpoint: in this order."""
        run, history = self.run, self.run.history
        run.expect_finite()
        distributed.same_buffers(run.network)
        if run.average is not None:
            distributed.same_buffers(run.average)
        if len(self.seen):
            history.training_accuracy.append(share_right(run, run.source, self.seen))
        if self.held_out is not None:
            everything = torch.arange(len(self.held_out), device=self.held_out.device)
            history.validation_accuracy.append(share_right(run, self.held_out, everything))
        run.clock()
        history.epoch_ends.append(run.step)
        history.epoch_seconds.append(history.seconds)
        run.remember_best()
        if self.on_epoch and self.on_epoch(len(history.epoch_ends), run.weights, history):
            run.stopped = True
        self.save()
        accuracy = history.validation_accuracy or history.training_accuracy
        shown.set_postfix_str(f"loss {history.losses[-1]:.3f}" + (f", accuracy {accuracy[-1]:.3f}" if accuracy else ""))

    def save(self) -> None:
        """Write the checkpoint, if one is wanted."""
        if self.path:
            self.run.save(self.path)


@torch.inference_mode()
def share_right(run: Run, source: Resident | Streamed, numbers: torch.Tensor) -> float:
    """Accuracy on the images with these numbers, the work shared among all processes."""
    network, options = run.weights, run.options
    was_training = network.training
    network.eval()
    own = distributed.share(numbers).split(max(options.batch, 1000)) if distributed.has_share(len(numbers)) else ()
    right = torch.zeros((), dtype=torch.int64, device=run.device)
    for images, labels in source.batches(own):  # (B, C, H, W), (B,)
        x = as_input(centre(images, options.augmentation), run.dtype, channels_last=options.channels_last)
        with run.cast():
            right += (network(x).argmax(1) == labels).sum()
    network.train(was_training)
    return distributed.total(right).item() / len(numbers)


def _expect_batches(source, held_out, options):
    if options.drop_last and len(source) < options.batch:
        raise ValueError(
            f"data hold {len(source)} images, less than a batch of {options.batch}, and drop_last is True."
        )
    if options.patience and held_out is None:
        raise ValueError(f"patience is {options.patience}, but there are no validation data to judge by.")


def _expect_classes(network, source, held_out, options):
    """Try the network on one picture: its scores tell how many classes there are. Returns the picture's shape."""
    first = torch.zeros(1, dtype=torch.int64, device=source.device)
    images, _ = next(iter(source.batches([first])))
    parameter = next(network.parameters(), None)
    if parameter is None:
        raise ValueError("network has no parameters: nothing would be learnt.")
    x = as_input(centre(images, options.augmentation), parameter.dtype, channels_last=options.channels_last)
    was_training = network.training
    network.eval()
    with torch.no_grad():
        scores = network(x)
    network.train(was_training)
    if getattr(scores, "ndim", None) != 2:
        shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise ValueError(f"network makes {shape} of pictures {tuple(x.shape)}, expected scores (B, classes).")
    for feed in (source, held_out):
        if feed is not None:
            feed.expect_classes(scores.shape[1])
    return tuple(x.shape[1:])
