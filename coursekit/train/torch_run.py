"""The state of a training run: all that decides how it goes on, and its way into a checkpoint and back."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import torch
from torch import Tensor, nn

from coursekit.train import checkpoint, distributed
from coursekit.train.augment import change, draw
from coursekit.train.devices import random_states, use_states
from coursekit.train.feed import Resident, Streamed, as_input
from coursekit.train.history import History
from coursekit.train.options import Options
from coursekit.train.trouble import DivergedError

__all__ = ["Run"]


class Run:
    """A network in training, with optimiser, running means, random numbers and position.

    Parameters
    ----------
    network : nn.Module
        On the device already.
    source : Resident or Streamed
    options : Options
    device : torch.device
    """

    def __init__(self, network: nn.Module, source: Resident | Streamed, options: Options, device: torch.device):
        self.network, self.source, self.options, self.device = network, source, options, device
        self.average = deepcopy(network).requires_grad_(False) if options.average else None
        wrapped = distributed.wrapped(network, device)
        self.model = torch.compile(wrapped) if options.compile else wrapped
        self.optimiser = make_optimiser(network, options, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=options.precision == "float16")
        self.order = torch.Generator(source.device).manual_seed(options.seed)  # draws which pictures come when
        self.chance = torch.Generator(device).manual_seed(options.seed + 1)  # draws what is done to them
        self.step, self.stopped, self.best, self.history = 0, False, None, History()
        self.saved: Path | None = None  # the last checkpoint
        self.pending: list[Tensor] = []  # losses that still lie on the device
        self.watched = device.type == "cpu" and distributed.size() == 1  # looking at a loss costs nothing here
        self.epoch_steps = len(source) // options.batch if options.drop_last else -(-len(source) // options.batch)
        self.steps = options.epochs * self.epoch_steps
        self.dtype = next(network.parameters()).dtype
        self.began, self.spent = (perf_counter(), process_time()), (0.0, 0.0)

    @property
    def weights(self) -> nn.Module:
        """The network to judge by: the averaged one if there is one."""
        return self.average or self.network

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's share of what is left of the epoch: images (B, C, H, W), augmented, and labels (B,)."""
        options, source = self.options, self.source
        self.epoch_order = self.order.get_state()
        order = torch.randperm(len(source), generator=self.order, device=source.device)
        batches = order.split(options.batch)[self.step % self.epoch_steps : self.epoch_steps]
        own = [distributed.share(batch) for batch in batches]
        seed = options.seed + self.step // self.epoch_steps
        for batch, (images, labels) in zip(batches, source.batches(own, seed=seed), strict=True):
            self.weight = distributed.has_share(len(batch)) / len(batch)  # of an image, in the mean over all processes
            if options.augmentation:
                drawn = draw(options.augmentation, len(batch), images.shape[-2:], generator=self.chance)
                drawn = {name: distributed.share(values) for name, values in drawn.items()}
                images = change(options.augmentation, images, drawn)
            yield as_input(images, self.dtype, channels_last=options.channels_last), labels

    def cast(self) -> torch.autocast:
        """Compute what stands it in fewer bits, if the options say so."""
        dtype = torch.float16 if self.options.precision == "float16" else torch.bfloat16
        return torch.autocast(self.device.type, dtype=dtype, enabled=self.options.precision != "full")

    def set_rate(self) -> None:
        """Set this step's learning rate, by the schedule."""
        rate = self.options.rate * self.options.factor(self.step / max(1, self.steps - 1))
        self.history.rates.append(rate)
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def move(self) -> None:
        """Take the step that the gradients ask for, and let the running mean of the weights follow."""
        if self.options.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.step += 1
        if self.average is not None:
            self._follow(min(self.options.average, self.step / (self.step + 10)))  # else the first weights linger

    @torch.no_grad()
    def _follow(self, kept):
        now = self.network.state_dict()
        for name, mean in self.average.state_dict().items():
            mean.lerp_(now[name], 1 - kept) if mean.is_floating_point() else mean.copy_(now[name])

    def note(self, loss: Tensor) -> None:
        """Write down the loss of the step just taken; on a GPU, where looking means waiting, 32 at a time."""
        self.pending.append(loss)
        if self.watched or len(self.pending) == 32:
            self.settle()

    def settle(self) -> None:
        """Bring the losses over; stop where one is not finite."""
        if not self.pending:
            return
        losses = distributed.total(torch.stack(self.pending)).tolist()
        self.pending = []
        for loss in losses:
            if not abs(loss) < float("inf"):
                step = len(self.history.losses) + 1
                self.history.rates = self.history.rates[:step]
                self.fail(f"The loss is {loss}", step)
            self.history.losses.append(loss)

    def fail(self, what: str, step: int) -> None:
        """Stop for good."""
        self.clock()
        also = [] if self.options.clip else ["clip=1.0"]
        also += [] if self.options.precision == "full" else ["precision='full'"]
        raise DivergedError(what, step, self.history.rates[-1], self.history, self.saved, also)

    def expect_finite(self) -> None:
        """Stop where a weight is not finite: the next loss would be, and the checkpoint useless."""
        self.settle()
        spoilt = torch.stack([~value.isfinite().all() for value in self.network.parameters()]).sum()
        if distributed.total(spoilt):  # anywhere: all must stop, or the others would wait
            self.fail("A weight is not finite", self.step)

    def clock(self) -> None:
        """Bring the history's times up to date."""
        wall, cpu = perf_counter() - self.began[0], process_time() - self.began[1]
        self.history.seconds, self.history.cpu_seconds = self.spent[0] + wall, self.spent[1] + cpu

    def remember_best(self) -> None:
        """Keep the weights if they are the best so far; note when there has been nothing better for too long."""
        accuracies = self.history.validation_accuracy
        if not self.options.patience or not accuracies:
            return
        if accuracies[-1] > max(accuracies[:-1], default=-1.0):
            self.best = {"accuracy": accuracies[-1], "weights": deepcopy(self.weights.state_dict())}
        best = accuracies.index(max(accuracies))
        self.stopped = len(accuracies) - 1 - best >= self.options.patience

    def finish(self) -> None:
        """Give the network the weights that the options ask for."""
        if self.best:
            self.network.load_state_dict(self.best["weights"])
        elif self.average is not None:
            self.network.load_state_dict(self.average.state_dict())
        self.history.rates = self.history.rates[: len(self.history.losses)]  # stopped in the midst of a step
        self.clock()

    def save(self, path: Path) -> None:
        """Write all of it to a file; the first process writes for all."""
        self.expect_finite()
        self.clock()
        randomness = distributed.gathered(random_states(self.device))
        if distributed.first():
            checkpoint.save(path, self._state(randomness))
        self.saved = path

    def load(self, path: Path) -> None:
        """Go on from a file that `save` wrote for the same options, network and data."""
        state = checkpoint.load(path)
        checkpoint.expect_same(path, state.get("about", {}), self._about())
        for name in ("network", "optimiser", "scaler"):
            getattr(self, name).load_state_dict(state[name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.order.set_state(state["order"])
        self.chance.set_state(state["chance"])
        use_states(self.device, state["randomness"][distributed.rank()])
        self.step, self.stopped, self.best = state["step"], state["stopped"], state["best"]
        self.history = History.from_dict(state["history"])
        self.history.interrupted = False
        self.spent, self.saved = (self.history.seconds, self.history.cpu_seconds), path

    def _state(self, randomness):
        between = self.step % self.epoch_steps == 0  # epochs: the next order is still to be drawn
        return {
            "about": self._about(),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average and self.average.state_dict(),
            "order": self.order.get_state() if between else self.epoch_order,
            "chance": self.chance.get_state(),
            "randomness": randomness,
            "step": self.step,
            "stopped": self.stopped,
            "best": self.best,
            "history": self.history.as_dict(),
        }

    def _about(self) -> dict[str, Any]:
        """What must be the same for a run to go on as it would have gone."""
        options = self.options.as_dict()
        options.pop("device")
        options["schedule at 0, 1/4, 1/2, 3/4, 1"] = [self.options.factor(k / 4) for k in range(5)]
        shapes = {name: list(value.shape) for name, value in self.network.state_dict().items()}
        return options | {
            "device": self.device.type,
            "processes": distributed.size(),
            "data": self.source.described(),
            "network": f"{shapes} of {self.dtype}",
        }


def make_optimiser(network: nn.Module, options: Options, device: torch.device) -> torch.optim.Optimizer:
    """PyTorch's rule of the options' name, for all parameters that want a gradient."""
    parameters = [value for value in network.parameters() if value.requires_grad]
    if not parameters:
        raise ValueError("network has no parameters that want a gradient: nothing would be learnt.")
    common = {"lr": options.rate, "weight_decay": options.weight_decay, "fused": device.type == "cuda" or None}
    if options.optimiser == "sgd":
        return torch.optim.SGD(parameters, momentum=options.momentum, nesterov=options.nesterov, **common)
    if options.optimiser in ("adagrad", "rmsprop"):  # PyTorch fuses neither on every device
        rule = {"adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop}[options.optimiser]
        return rule(parameters, lr=options.rate, weight_decay=options.weight_decay)
    rule = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options.optimiser]
    return rule(parameters, betas=(options.momentum, 0.999), **common)
