"""Training and reading with PyTorch, for `cookbook.run`."""

from torch import nn

from coursekit.train import distributed, views
from coursekit.train.cookbook.gradients import GradientNorms
from coursekit.train.cookbook.networks import make
from coursekit.train.cookbook.pictures import Pictures
from coursekit.train.cookbook.plan import Plan
from coursekit.train.cookbook.trained import Trained
from coursekit.train.torch_trainer import fit_torch
from coursekit.train.trouble import DivergedError

__all__ = ["accuracy", "device", "parameters", "processes", "train"]


def train(plan: Plan, parts: dict[str, Pictures | None], progress: bool) -> Trained:
    """Train the plan's network."""
    options, (images, labels, classes), held_out = plan.options, parts["train"], parts["validation"]
    channels, size = images.shape[1:3]
    of_the_data = {"classes": classes, "channels": channels, "size": size}
    network = make(plan.case.network, seed=options.seed, **of_the_data, **plan.case.network_options)
    steps = options.epochs * -(-len(images) // options.batch)
    watch = GradientNorms(steps, plan.recipe.gradients) if plan.recipe.gradients else None
    diverged, watched = None, plan.recipe.watched
    try:
        history = fit_torch(
            network,
            (images, labels),
            options,
            validation=held_out and (held_out.images[:watched], held_out.labels[:watched]),
            sample=plan.recipe.sample,
            on_gradients=watch,
            progress=progress,
        )
    except DivergedError as error:
        if not plan.recipe.may_diverge:
            raise
        history, diverged = error.history, error.step
    return Trained(network, history, watch.as_dict() if watch else {}, diverged)


def accuracy(network: nn.Module, plan: Plan, part: Pictures) -> float:
    """Share of a part's pictures that are read right, averaged over the recipe's views."""
    return views.accuracy(network, part.images, part.labels, views=plan.recipe.views)


def parameters(network: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(value.numel() for value in network.parameters())


def device(network: nn.Module) -> str:
    """Where the network lies."""
    return str(next(network.parameters()).device)


def processes() -> int:
    """How many processes share the work."""
    return distributed.size()
