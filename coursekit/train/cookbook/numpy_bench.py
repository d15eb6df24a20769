"""Training and reading with `coursekit.nn`, for `cookbook.run`."""

from typing import Any

import numpy as np

from coursekit import nn
from coursekit.data import as_float
from coursekit.train.cookbook.pictures import Pictures
from coursekit.train.cookbook.plan import Plan
from coursekit.train.cookbook.trained import Trained
from coursekit.train.numpy_trainer import fit

__all__ = ["accuracy", "device", "parameters", "processes", "train"]

RULES = {"sgd": nn.Momentum, "adam": nn.Adam}


def train(plan: Plan, parts: dict[str, Pictures], progress: bool) -> Trained:
    """Train the plan's network; no gradients are written down."""
    options, (images, labels, classes) = plan.options, parts["train"]
    rng = np.random.default_rng(options.seed)
    build = getattr(nn, plan.case.network)
    network = build(images.shape[1:], output_size=classes, seed=rng, **plan.case.network_options)
    rule = RULES[options.optimiser](network.params, lr=options.rate, weight_decay=options.weight_decay)
    history = fit(
        network,
        as_float(images),
        labels,
        epochs=options.epochs,
        batch_size=options.batch,
        optimiser=rule,
        validation=(as_float(parts["validation"].images), parts["validation"].labels),
        schedule=options.factor,
        sample=plan.recipe.sample,
        seed=rng,
        patience=options.patience,
        progress=progress,
    )
    return Trained(network, history, {})


def accuracy(network: Any, plan: Plan, part: Pictures) -> float:
    """Share of a part's pictures that are read right."""
    return float(network.accuracy(as_float(part.images), part.labels))


def parameters(network: Any) -> int:
    """How many numbers are learnt."""
    return network.parameter_count


def device(network: Any) -> str:
    """NumPy computes on the CPU."""
    return "cpu"


def processes() -> int:
    """One: it does not share the work."""
    return 1
