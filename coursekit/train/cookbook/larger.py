"""Recipes for larger pictures: CIFAR-10, which is fetched, and random pictures of ImageNet's size for timing."""

from coursekit.train.cookbook.recipe import Case, Recipe
from coursekit.train.options import Augmentation, Options

__all__ = ["LARGER"]

CIFAR10 = Recipe(
    name="cifar10",
    shows="ResNet-20 on CIFAR-10 (fetched once, 170 MB); 91.25 % in the paper",
    cases=(Case("resnet20", "resnet20-cifar"),),
    data="cifar10",
    options=Options(
        epochs=182,
        batch=128,
        rate=0.1,
        weight_decay=1e-4,
        schedule="step_decay",
        augmentation=Augmentation(shift=4, flip=True),
        channels_last=True,
    ),
    quick={"epochs": 10, "schedule": "one_cycle", "nesterov": True, "weight_decay": 5e-4},
    source="He et al. (2016), section 4.2: 64,000 steps of 128, rate 0.1 divided by ten at a half and three quarters, "
    "weight decay 0.0001. The quick variant's one cycle was never tried: no CIFAR-10 was at hand.",
)

IMAGENET_SYNTHETIC = Recipe(
    name="imagenet-synthetic",
    shows="images a second of ResNet-50 at 224x224, on random pictures: speed, not accuracy",
    cases=(Case("resnet50", "resnet50"),),
    data="synthetic",
    options=Options(epochs=3, batch=256, rate=0.01, precision="bfloat16", channels_last=True, drop_last=True),
    images=2_560,
    sample=0,
    quick={"images": 64, "epochs": 2, "batch": 16, "precision": "full"},
    quick_cases=(Case("resnet18", "resnet18", {"width": 0.5}),),
    source="Nothing was chosen: random pictures teach nothing. The first epoch warms up and is not counted.",
)

LARGER = (CIFAR10, IMAGENET_SYNTHETIC)
