"""Recipes that compare networks: each case is trained by the same rules, and the results stand side by side."""

from coursekit.train.cookbook.recipe import Case, Recipe
from coursekit.train.options import Augmentation, Options

__all__ = ["STUDIES"]


def _depths(*depths: int) -> tuple[Case, ...]:
    """A plain and a residual network of each depth, 8, 16 and 32 maps wide."""
    return tuple(
        Case(f"{kind}-{depth}", "resnet-cifar", {"depth": depth, "width": 0.5, "residual": kind == "residual"})
        for kind in ("plain", "residual")
        for depth in depths
    )


DEGRADATION = Recipe(
    name="degradation",
    shows="deeper plain networks train worse, residual ones do not (5,000 small digits)",
    cases=_depths(8, 20, 32, 56),
    options=Options(epochs=12, batch=125, rate=0.1, weight_decay=1e-4, channels_last=True),
    images=5_000,
    shrink=2,
    sample=5_000,
    rates=(0.03, 0.1, 0.3),
    gradients=9,
    quick={"epochs": 4, "rates": ()},
    quick_cases=_depths(8, 20, 56),
    minutes=23,
    quick_minutes=1.5,
    source="Networks: He et al. (2016), section 4.2, half as wide. Each case takes the rate that reads most of the "
    "validation digits after a run of its own; the rates tried are a grid around the paper's 0.1.",
)

LENET = Recipe(
    name="lenet-then-and-now",
    shows="LeNet-5 as published in 1998, and as it is built today",
    cases=(Case("1998", "lenet5"), Case("today", "lenet5-modern")),
    options=Options(epochs=10, batch=100, optimiser="adam", rate=3e-3),
    pad=2,
    rates=(1e-3, 3e-3, 1e-2),
    quick={"epochs": 2, "rates": ()},
    source="Networks: LeCun et al. (1998), section II-B. Both are trained alike, and not as in 1998, each at the best "
    "of three rates by validation accuracy.",
)

ALL_CONV = Recipe(
    name="all-conv",
    shows="strided convolutions in place of pooling: does it cost anything?",
    cases=tuple(
        Case(name, network, {"width": 0.25, "dropout": 0.25})
        for name, network in (("strided", "allconv"), ("pooled", "allconv-pooled"))
    ),
    options=Options(
        epochs=4,
        batch=100,
        optimiser="adam",
        rate=2e-3,
        augmentation=Augmentation(shift=2),
        channels_last=True,
    ),
    rates=(5e-4, 1e-3, 2e-3),
    quick={"images": 11_000, "epochs": 2, "rates": ()},
    minutes=40,
    quick_minutes=1.0,
    source="Networks: Springenberg et al. (2015), All-CNN-C and ConvPool-CNN-C with a quarter of the maps and half the "
    "dropout, each at the best of three rates by validation accuracy.",
)

STUDIES = (DEGRADATION, LENET, ALL_CONV)
