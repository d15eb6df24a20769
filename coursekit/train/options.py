"""What a training run can be told, checked before anything starts: plain data, no PyTorch."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Any

from coursekit.nn import schedules

__all__ = ["SCHEDULES", "Augmentation", "Options"]

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    **{name: getattr(schedules, name) for name in schedules.__all__},
}
OPTIMISERS = ("sgd", "adagrad", "rmsprop", "adam", "adamw")
PRECISIONS = ("full", "bfloat16", "float16")


@dataclass(frozen=True)
class Augmentation:
    """How far each picture may be changed, at random and anew each time it is seen.

    Attributes
    ----------
    shift : int
        Whole pixels up, down, left and right at most; what comes into view is 0. A shift of 4 on 32 by 32 pixels is
        the "pad by 4 and crop" of CIFAR recipes.
    rotation : float
        Degrees to either side at most.
    scale : float
        0.1 makes things up to 10 % larger or smaller.
    brightness : float
        0.2 multiplies by 0.8 to 1.2. Bytes stay within 0 and 255.
    crop : int, optional
        Side of a square window cut out at a random place; the network sees so many pixels, and outside training the
        window in the middle.
    flip : bool
        Mirror every second picture, left to right. Wrong for digits: no 2 is written that way round.

    Raises
    ------
    TypeError, ValueError
        If a number is negative or out of its range.
    """

    shift: int = 0
    rotation: float = 0.0
    scale: float = 0.0
    brightness: float = 0.0
    crop: int | None = None
    flip: bool = False

    def __post_init__(self) -> None:
        expect_whole(least=0, shift=self.shift)
        if self.crop is not None:
            expect_whole(least=1, crop=self.crop)
        _expect_within(0, 180, "degrees", rotation=self.rotation)
        _expect_within(0, 0.99, "a share", scale=self.scale, brightness=self.brightness)
        _expect_bool(flip=self.flip)


@dataclass(frozen=True)
class Options:
    """All choices of a training run. Two runs with the same options and the same data on the same machine are equal.

    Attributes
    ----------
    epochs : int
        How often to go through all images, each time in a new order.
    batch : int
        Images per step. With several processes it is shared out among them.
    optimiser : {"sgd", "adagrad", "rmsprop", "adam", "adamw"}
    rate : float
        Learning rate, at the schedule's highest point.
    momentum : float
        Share of the velocity that a step of SGD keeps; Adam's beta1. AdaGrad and RMSProp have none.
    nesterov : bool
        Look ahead; for SGD alone.
    weight_decay : float
        As PyTorch's: outside the gradient for "adamw", an L2 penalty for all others.
    schedule : str or callable
        A name from `coursekit.nn.schedules`, "constant", or any function from how much is done (0 to 1) to a factor.
    label_smoothing : float
        Share of the right answer's weight that is spread over all classes.
    augmentation : Augmentation, optional
    precision : {"full", "bfloat16", "float16"}
        "full" computes in the parameters' own dtype. The others compute what stands it in half as many bytes: faster
        where the device has units for it (bfloat16 on recent GPUs, float16 on older ones), rarely on a CPU.
    channels_last : bool
        Keep the channels of a pixel side by side in memory; usually faster for convolutions.
    compile : bool
        Let torch.compile write code for this network first: about a minute that only long runs earn back.
    seed : int
        Draws order, augmentation and dropout. The network's first weights are drawn where it is made.
    deterministic : bool
        Refuse algorithms whose result depends on which thread comes first. Needed on a GPU for equal runs.
    average : float
        0.99 returns a running mean of the weights that keeps 99 % of itself at each step (fewer at first); 0 returns
        the last weights.
    accumulate : int
        Compute the batch in so many slices and add up their gradients: the same step in less memory (batch
        normalisation sees the slices).
    clip : float, optional
        Shorten the gradient to this length where it is longer.
    patience : int, optional
        Stop when validation accuracy has not risen for so many epochs, and return the best weights seen.
    drop_last : bool
        Leave out a last, smaller batch; other images each epoch.
    workers : int
        Processes that read ahead, for data that do not lie in memory.
    device : str
        "auto" takes a GPU if there is one; else "cpu", "cuda", "cuda:1", "mps".

    Raises
    ------
    TypeError, ValueError
        If a choice makes no sense; the message says what would.

    >>> Options(epochs=2, optimiser="adm")
    Traceback (most recent call last):
        ...
    ValueError: optimiser is 'adm': did you mean 'adam'? There are sgd, adagrad, rmsprop, adam, adamw.
    """

    epochs: int = 10
    batch: int = 128
    optimiser: str = "sgd"
    rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: str | Callable[[float], float] = "one_cycle"
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None
    precision: str = "full"
    channels_last: bool = False
    compile: bool = False
    seed: int = 0
    deterministic: bool = False
    average: float = 0.0
    accumulate: int = 1
    clip: float | None = None
    patience: int | None = None
    drop_last: bool = False
    workers: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        expect_whole(least=1, epochs=self.epochs, batch=self.batch, accumulate=self.accumulate)
        expect_whole(least=0, seed=self.seed, workers=self.workers)
        if self.patience is not None:
            expect_whole(least=1, patience=self.patience)
        _expect_known("optimiser", self.optimiser, OPTIMISERS)
        _expect_known("precision", self.precision, PRECISIONS)
        if not callable(self.schedule):
            _expect_known("schedule", self.schedule, tuple(SCHEDULES))
        _expect_positive("a step of no length learns nothing: try 0.1 for sgd, 0.001 for adam", rate=self.rate)
        if self.clip is not None:
            _expect_positive("it is the longest gradient allowed, None for any", clip=self.clip)
        _expect_within(0, 0.9999, "a share", momentum=self.momentum, average=self.average)
        _expect_within(0, 0.99, "a share", label_smoothing=self.label_smoothing)
        _expect_within(0, float("inf"), "it pulls towards 0", weight_decay=self.weight_decay)
        _expect_bool(**{name: getattr(self, name) for name in _SWITCHES})
        if self.nesterov and (self.optimiser != "sgd" or not self.momentum):
            raise ValueError("nesterov is True, which needs optimiser 'sgd' and a momentum of more than 0.")
        if not isinstance(self.augmentation, Augmentation | None):
            kind = type(self.augmentation).__name__
            raise TypeError(f"augmentation is a {kind}, expected Augmentation(shift=2, ...) or None.")

    def factor(self, done: float) -> float:
        """What the schedule multiplies the rate with when so much is done, from 0 to 1."""
        return (self.schedule if callable(self.schedule) else SCHEDULES[self.schedule])(done)

    def as_dict(self) -> dict[str, Any]:
        """All choices as plain data, for JSON; a schedule that is a function of your own by its name."""
        plain = asdict(self)
        if callable(self.schedule):
            plain["schedule"] = getattr(self.schedule, "__qualname__", repr(self.schedule))
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Options":
        """Make options of what `as_dict` returned."""
        changed = dict(plain)
        if isinstance(changed.get("augmentation"), Mapping):
            changed["augmentation"] = Augmentation(**changed["augmentation"])
        return cls(**changed)


_SWITCHES = ("nesterov", "channels_last", "compile", "deterministic", "drop_last")


def expect_whole(*, least: int, **counts: Any) -> None:
    """Insist on whole numbers of at least so much."""
    for name, count in counts.items():
        if isinstance(count, bool) or not hasattr(count, "__index__"):
            raise TypeError(f"{name} is {count!r} ({type(count).__name__}), expected a whole number.")
        if count < least:
            raise ValueError(f"{name} is {count}, expected {least} or more.")


def _expect_number(name, value):
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise TypeError(f"{name} is {value!r} ({type(value).__name__}), expected a number.")


def _expect_positive(why, **values):
    for name, value in values.items():
        _expect_number(name, value)
        if not (value > 0 and isfinite(value)):
            raise ValueError(f"{name} is {value}, expected more than 0 ({why}).")


def _expect_within(least, most, what, **values):
    for name, value in values.items():
        _expect_number(name, value)
        if not least <= value <= most:
            raise ValueError(f"{name} is {value}, expected {least} to {most} ({what}).")


def _expect_bool(**switches):
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} is {value!r} ({type(value).__name__}), expected True or False.")


def _expect_known(name, value, known):
    if value in known:
        return
    near = get_close_matches(str(value), known, n=1)
    hint = f"did you mean {near[0]!r}? There are" if near else "expected one of"
    raise ValueError(f"{name} is {value!r}: {hint} {', '.join(known)}.")
