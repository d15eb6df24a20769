"""Run a recipe: one network with one seed, or all networks with several seeds."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

from coursekit.train.cookbook import machine
from coursekit.train.cookbook.pictures import pictures, synthetic
from coursekit.train.cookbook.plan import Plan, make_plan
from coursekit.train.cookbook.result import Result
from coursekit.train.cookbook.shelf import recipe
from coursekit.train.cookbook.trained import Trained
from coursekit.train.history import History
from coursekit.train.trouble import DivergedError

__all__ = ["quick_mnist", "run", "series"]


def run(
    name: str, *, case: str | None = None, seed: int = 0, quick: bool = False, progress: bool = True, **changes: Any
) -> Result:
    """Train one network of a recipe; at the end, and only then, let it read the test pictures.

    Stopped from the keyboard (Ctrl+C, or Jupyter's stop button) it goes on with what has been learnt, and the
    result's history is marked `interrupted`.

    Parameters
    ----------
    name : str
        One of those that `recipes()` lists.
    case : str, optional
        Which network, if the recipe compares several.
    seed : int
        Draws first weights, order, augmentation and dropout.
    quick : bool
        The recipe's quick variant.
    progress : bool
        Show a progress bar.
    **changes
        Any of `Options`, such as epochs, rate, device; and images (train on the first so many), held_out (read so
        many validation and test pictures), data (another set, such as "fashion-mnist"), rates (to choose among by
        validation accuracy).

    Returns
    -------
    result : Result
        With the trained network as `result.network`.

    Raises
    ------
    ValueError
        If there is no such recipe, case or device, or a change makes no sense.
    TypeError
        If there is no such option, or a change is of the wrong kind.
    ImportError
        If the recipe needs PyTorch and it is not installed.
    DownloadError
        If its pictures cannot be fetched.

    >>> result = run("simpleconvnet", images=500, epochs=1, held_out=200, progress=False)
    >>> result.parameters, result.test_images
    (433890, 200)
    """
    plan = make_plan(name, case, seed, quick, changes)
    clock, bench = _Clock(), _bench(plan)
    parts = _parts(plan, progress)
    clock.lap("setup")
    rates = _tuned(plan, parts, progress)
    if rates:
        plan = plan.at_rate(max(rates, key=rates.get))
        clock.lap("tuning")
    trained = bench.train(plan, parts, progress)
    clock.trained(trained.history)
    readings = _readings(bench, trained, plan, parts)
    clock.lap("evaluation")
    return Result(
        **_described(bench, trained.network, plan),
        **readings,
        images=len(parts["train"].images),
        seconds=clock.wall,
        cpu_seconds=clock.cpu,
        history=trained.history,
        rates={f"{rate:g}": accuracy for rate, accuracy in rates.items()},
        gradients=trained.gradients,
        diverged=trained.diverged,
        network=trained.network,
    )


def series(
    name: str, *, seeds: Iterable[int] = range(5), quick: bool = False, progress: bool = True, **changes: Any
) -> Iterator[Result]:
    """Train all networks of a recipe, with one seed after another, and hand out each result as soon as it is there.

    A learning rate that is to be chosen is chosen once for each network, with a seed that is not among `seeds`.

    Parameters
    ----------
    name, quick, progress, **changes
        As for `run`.
    seeds : iterable of int

    Yields
    ------
    result : Result

    Raises
    ------
    KeyboardInterrupt
        If a run is stopped from the keyboard; its result would be of half a training, and is not handed out.

    >>> options = dict(quick=True, images=200, epochs=1, held_out=100, progress=False)
    >>> [result.seed for result in series("simpleconvnet", seeds=(3, 4), **options)]
    [3, 4]
    """
    seeds = tuple(seeds)
    for case in recipe(name).cases_of(quick=quick):
        rates: dict[str, float] = {}
        for seed in seeds:
            fixed = {"rate": float(max(rates, key=rates.get))} if rates else {}
            result = run(name, case=case.name, seed=seed, quick=quick, progress=progress, **{**changes, **fixed})
            if result.history.interrupted:
                raise KeyboardInterrupt
            rates = result.rates = result.rates or rates
            yield result


def quick_mnist(*, images: int | None = None, seed: int = 0, progress: bool = True) -> Result:
    """Train SimpleConvNet on MNIST in about a minute: the quick variant of the recipe "simpleconvnet".

    Parameters
    ----------
    images : int, optional
        How many of the 55,000 training digits to use: the first ones.
    seed, progress
        As for `run`.
    """
    return run(
        "simpleconvnet", quick=True, seed=seed, progress=progress, **({} if images is None else {"images": images})
    )


class _Clock:
    """Wall and CPU seconds, lap by lap."""

    def __init__(self):
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.last = (perf_counter(), process_time())

    def lap(self, name: str) -> None:
        """End a lap; what had the same name before is added to."""
        now = (perf_counter(), process_time())
        for times, end, begin in zip((self.wall, self.cpu), now, self.last, strict=True):
            times[name] = times.get(name, 0.0) + end - begin
        self.last = now

    def trained(self, history: History) -> None:
        """End the lap of training: the trainer's own times are training, the rest of the lap is set-up."""
        self.lap("setup")
        for times, took in ((self.wall, history.seconds), (self.cpu, history.cpu_seconds)):
            times["setup"], times["training"] = max(0.0, times["setup"] - took), took


def _parts(plan: Plan, progress: bool) -> dict[str, Any]:
    """Training, validation and test pictures by part; of random pictures there is a training part alone."""
    if plan.data == "synthetic":
        return {"train": synthetic(plan.images, seed=plan.seed), "validation": None, "test": None}
    first = {"train": plan.images, "validation": plan.held_out, "test": plan.held_out}
    how = {"shrink": plan.recipe.shrink, "pad": plan.recipe.pad, "progress": progress}
    return {part: pictures(plan.data, part, first=count, **how) for part, count in first.items()}


def _tuned(plan: Plan, parts: dict[str, Any], progress: bool) -> dict[float, float]:
    """Validation accuracy after training at each rate of the plan, with a seed of its own; no test picture is read."""
    own = replace(plan, options=replace(plan.options, seed=plan.seed + 1000))
    bench, accuracies = _bench(plan), {}
    for rate in plan.rates:
        try:
            trained = bench.train(own.at_rate(rate), parts, progress)
        except DivergedError:  # too high a rate: what remains reads nothing
            accuracies[rate] = 0.0
            continue
        if trained.history.interrupted:
            raise KeyboardInterrupt
        accuracies[rate] = _read(bench, trained, plan, parts["validation"])
    return accuracies


def _bench(plan: Plan) -> ModuleType:
    """The module that trains with the recipe's library."""
    if plan.recipe.library == "numpy":
        from coursekit.train.cookbook import numpy_bench

        return numpy_bench
    from coursekit.train.cookbook import torch_bench

    return torch_bench


def _described(bench: ModuleType, network: Any, plan: Plan) -> dict[str, Any]:
    """What was done, and where."""
    return {
        "recipe": plan.recipe.name,
        "case": plan.case.name,
        "quick": plan.quick,
        "seed": plan.seed,
        "options": plan.options.as_dict(),
        "data": plan.data,
        "views": plan.recipe.views,
        "parameters": bench.parameters(network),
        "device": machine.device_name(bench.device(network)),
        "threads": machine.threads(plan.recipe.library),
        "processes": bench.processes(),
        "versions": machine.versions(),
    }


def _read(bench: ModuleType, trained: Trained, plan: Plan, part: Any) -> float:
    """Share of a part's pictures that are read right; none where the scores are not even numbers."""
    return bench.accuracy(trained.network, plan, part) if trained.diverged is None else 0.0


def _readings(bench: ModuleType, trained: Trained, plan: Plan, parts: dict[str, Any]) -> dict[str, Any]:
    """Accuracy on the held-out parts, the test part last."""
    found = {}
    for name in ("validation", "test"):
        if parts[name]:
            found[f"{name}_accuracy"] = _read(bench, trained, plan, parts[name])
            found[f"{name}_images"] = len(parts[name].images)
    return found
