"""Recipes that change one thing at a time: each asks a question, and its cases differ in that thing alone."""

from collections.abc import Mapping
from typing import Any

from coursekit.nn.schedules import one_cycle
from coursekit.train.cookbook.recipe import Case, Recipe
from coursekit.train.options import Augmentation, Options

__all__ = ["EXPERIMENTS"]

INITIALISATION = Recipe(
    name="initialisation",
    shows="a deep network without batch norm, from four kinds of first weights (small digits)",
    cases=tuple(
        Case(f"std-{first}" if first[0] in "01" else first, "stack", {"layers": 14, "maps": 16, "first": first})
        for first in ("0.01", "1", "xavier", "he")
    ),
    options=Options(epochs=3, batch=50, rate=0.03, clip=1.0, channels_last=True),
    images=4_000,
    shrink=2,
    watched=1_000,
    rates=(0.03, 0.1, 0.3),
    gradients=3,
    may_diverge=True,
    minutes=1.4,
    source="First weights: Glorot & Bengio (2010) and He et al. (2015). Each case takes the best of three rates by "
    "validation accuracy. Gradients are clipped: without, one in five of He's networks died at its best rate.",
)


def _optimiser(name: str, rates: tuple[float, ...], **changes: Any) -> Case:
    return Case(name, "stack", {"layers": 6, "maps": 16}, {**changes, "rates": rates})


OPTIMISERS = Recipe(
    name="optimisers",
    shows="six optimisers race, each at its best learning rate (small digits)",
    cases=(
        _optimiser("sgd", (0.01, 0.03, 0.1, 0.3), momentum=0.0),
        _optimiser("momentum", (0.01, 0.03, 0.1, 0.3)),
        _optimiser("nesterov", (0.01, 0.03, 0.1, 0.3), nesterov=True),
        _optimiser("adagrad", (0.003, 0.01, 0.03, 0.1), optimiser="adagrad"),
        _optimiser("rmsprop", (0.0003, 0.001, 0.003, 0.01), optimiser="rmsprop"),
        _optimiser("adam", (0.001, 0.003, 0.01, 0.03), optimiser="adam"),
    ),
    options=Options(epochs=3, batch=100, schedule="cosine_decay", channels_last=True),
    images=5_000,
    shrink=2,
    watched=1_000,
    may_diverge=True,
    minutes=1.3,
    source="The usual momentum (0.9) and means (0.99; 0.9 and 0.999). Each takes the best of four rates by validation "
    "accuracy; the grids were moved until no best rate lay at an end.",
)

BATCH_NORM = Recipe(
    name="batch-norm",
    shows="which learning rates still train a network with and without batch norm (small digits)",
    cases=tuple(
        Case(f"{name}-{rate:g}", "stack", {"layers": 10, "maps": 16, "norm": norm}, {"rate": rate})
        for name, norm in (("with", True), ("without", False))
        for rate in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    ),
    options=Options(epochs=3, batch=100, schedule="cosine_decay", channels_last=True),
    images=3_000,
    shrink=2,
    watched=1_000,
    may_diverge=True,
    minutes=0.9,
    source="After Ioffe & Szegedy (2015), section 3.3. Nothing was chosen: the rates are the experiment.",
)

AUGMENTATIONS = {
    "none": None,
    "shift": Augmentation(shift=1),
    "all": Augmentation(shift=1, rotation=10, scale=0.1),
    "flip": Augmentation(flip=True),
}


def _augmented(*counts: int) -> tuple[Case, ...]:
    """Each kind of change for each number of digits, for equally many steps."""
    return tuple(
        Case(
            f"{name}-{images}",
            "stack",
            {"layers": 4, "maps": 16, "norm": True},
            {"augmentation": augmentation, "images": images, "epochs": 20_000 // images},
        )
        for images in counts
        for name, augmentation in AUGMENTATIONS.items()
    )


AUGMENTATION = Recipe(
    name="augmentation",
    shows="few digits made more by shifting and turning them; mirrored ones hurt (small digits)",
    cases=_augmented(500, 2_000),
    options=Options(epochs=40, batch=100, rate=0.1, weight_decay=5e-4, channels_last=True),
    shrink=2,
    watched=1_000,
    quick_cases=_augmented(500),
    minutes=0.6,
    quick_minutes=0.4,
    source="A shift of one small pixel is two of the large digit's. Rate and weight decay are mnist-fast's, and "
    "were not searched for.",
)

WIDE = {"layers": 2, "maps": 16, "hidden": 500}

DROPOUT = Recipe(
    name="dropout",
    shows="dropout on few digits, in DeepConvNet and before a wide layer: training against test (small digits)",
    cases=tuple(
        Case(
            f"{prefix}{share:g}-{images}",
            network,
            {**options, "dropout": share},
            {"images": images, "epochs": 20_000 // images},
        )
        for prefix, network, options in (("", "deepconvnet", {}), ("wide-", "stack", WIDE))
        for images in (500, 2_000)
        for share in (0.0, 0.5)
    ),
    options=Options(epochs=40, batch=100, optimiser="adam", rate=2e-3, channels_last=True),
    shrink=2,
    watched=1_000,
    minutes=0.8,
    source="Network without a prefix: Saito, section 8.1, with dropout on the scores too. The wide one was added, as "
    "dropout was made for such layers (Srivastava et al., 2014). The rate is that of deepconvnet, not searched for.",
)


def _shallow_to_deep(*counts: tuple[int, int]) -> tuple[Case, ...]:
    """One, two, four and eight convolutions for each pair of digits and epochs."""
    return tuple(
        Case(
            f"{layers}-{images}",
            "stack",
            {"layers": layers, "maps": maps, "norm": True},
            {"images": images, "epochs": times},
        )
        for images, times in counts
        for layers, maps in ((1, 50), (2, 18), (4, 12), (8, 8))
    )


DEPTH = Recipe(
    name="depth",
    shows="as many parameters in one, two, four and eight convolutions, for few and for more digits (small digits)",
    cases=_shallow_to_deep((300, 30), (1_000, 12), (4_000, 5)),
    options=Options(epochs=5, batch=100, rate=0.1, weight_decay=5e-4, channels_last=True),
    shrink=2,
    watched=1_000,
    rates=(0.03, 0.1),
    quick={"rates": ()},
    quick_cases=_shallow_to_deep((300, 30)),
    minutes=1.6,
    quick_minutes=0.2,
    source="Maps are chosen so that all networks have about 5,000 parameters. Each case takes the better of two rates "
    "by validation accuracy; few digits are seen more often.",
)

CASE_STUDIES = Recipe(
    name="case-studies",
    shows="one idea of each famous network, with it and without it (4,000 digits)",
    cases=(
        Case("lenet", "lenet5-modern"),
        Case("alexnet", "tiny-alexnet"),
        Case("alexnet-without", "tiny-alexnet", {"overlap": False, "response": False, "dropout": 0.0}),
        Case("zfnet", "tiny-alexnet", {"kernel": 5, "stride": 1}),
        Case("vgg", "tiny-vgg"),
        Case("vgg-without", "tiny-vgg", {"kernel": 5, "each": 1}),
        Case("googlenet", "tiny-googlenet"),
        Case("googlenet-without", "tiny-googlenet", {"branches": False}),
        Case("resnet", "resnet-cifar", {"depth": 14, "width": 0.5}),
        Case("resnet-without", "resnet-cifar", {"depth": 14, "width": 0.5, "residual": False}),
    ),
    options=Options(epochs=4, batch=100, optimiser="adam", rate=2e-3, channels_last=True),
    images=4_000,
    watched=1_000,
    rates=(1e-3, 3e-3),
    quick={"images": 1_000, "rates": ()},
    minutes=5.8,
    source="Each case takes the better of two rates by validation accuracy.",
)


def slow_rise(done: float) -> float:
    """The schedule of the one cycle, but for half of the training the rate rises, where it is a fifth there."""
    return one_cycle(done, share=0.5)


def _of_56(name: str, network: str = "plain", changes: Mapping[str, Any] | None = None, **options: Any) -> Case:
    return Case(name, network, {"depth": 56, "width": 0.5, **options}, {"held_out": 2_000, **(changes or {})})


PLAIN_56 = _of_56("plain-56")
LONGER = _of_56("longer", changes={"epochs": 12})
RESIDUAL_56 = _of_56("residual-56", "resnet-cifar")

DEGRADATION_CAUSES = Recipe(
    name="degradation-causes",
    shows="what ails plain-56? One change a case (5,000 small digits)",
    cases=(
        PLAIN_56,
        LONGER,
        _of_56("lower-rate", changes={"rates": (0.01, 0.03)}),
        _of_56("slow-rise", changes={"schedule": slow_rise}),
        _of_56("without-batch-norm", norm=False, changes={"rates": (0.001, 0.01, 0.1)}),
        _of_56("other-first-weights", he=False),
        RESIDUAL_56,
    ),
    options=Options(epochs=4, batch=125, rate=0.1, weight_decay=1e-4, channels_last=True),
    images=5_000,
    shrink=2,
    watched=500,
    gradients=3,
    may_diverge=True,
    quick_cases=(PLAIN_56, LONGER, RESIDUAL_56),
    minutes=4,
    quick_minutes=1.6,
    source="The choices of degradation's quick variant, and one change to them a case. Where a case may choose among "
    "rates, it takes the one that reads most of 2,000 validation digits.",
)

EXPERIMENTS = (
    INITIALISATION,
    OPTIMISERS,
    BATCH_NORM,
    AUGMENTATION,
    DROPOUT,
    DEPTH,
    CASE_STUDIES,
    DEGRADATION_CAUSES,
)
