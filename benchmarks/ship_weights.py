"""Make the weights that come with the course anew: python benchmarks/ship_weights.py [NAME ...]

Each network is trained by its recipe with seed 0. The accuracies on the card are those of the weights as stored, in
half precision, each picture read once as it is; the test digits are read once, at the end.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import re
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from coursekit.data import as_float, load_mnist
from coursekit.train import Result, run
from coursekit.trained import files
from coursekit.trained.networks import assembled

SEED = 0
SHIPPED = {  # name of the recipe: class or function, and options for it
    "simpleconvnet": ("SimpleConvNet", {}),
    "deepconvnet": ("DeepConvNet", {}),
    "resnet-mnist": ("resnet_cifar", {"depth": 8, "channels": 1}),
}


def main(names: list[str]) -> None:
    for name in names or SHIPPED:
        result = run(name, seed=SEED)
        card = ship(result)
        print(f"{name}: {card.parameters:,} parameters, validation {card.validation_accuracy:.2%}, ", end="")
        print(
            f"test {card.test_accuracy:.2%}; in full precision, with {result.views} views, {result.test_accuracy:.2%}"
        )


def ship(result: Result) -> files.Card:
    """Write a result's weights and their card into the package."""
    arrays, (network, options) = arrays_of(result), SHIPPED[result.recipe]
    card = files.Card(
        name=result.recipe,
        network=network,
        options=options,
        recipe=result.recipe,
        seed=result.seed,
        parameters=result.parameters,
        validation_accuracy=0.0,
        test_accuracy=0.0,
        test_images=result.test_images,
        versions=result.versions,
        sha256="",
    )
    stored = assembled(card, {key: files.widened(files.halved(value)) for key, value in arrays.items()})
    read = {f"{part}_accuracy": accuracy(stored, part) for part in ("validation", "test")}
    return files.save(arrays, replace(card, **read))


def arrays_of(result: Result) -> dict[str, np.ndarray]:
    """Weights by name: W1, b1, ... of a network that NumPy has too, else as PyTorch calls them."""
    if isinstance(getattr(result.network, "params", None), dict):
        return result.network.params
    state = {name: value.cpu().contiguous().numpy() for name, value in result.network.state_dict().items()}
    if SHIPPED[result.recipe][0] != "DeepConvNet":
        return state
    return dict(to_numpy(name, value) for name, value in state.items())


def to_numpy(name: str, value: np.ndarray) -> tuple[str, np.ndarray]:
    """features.conv3.weight is W3, classifier.affine1.weight (M, D) is W7 (D, M): six convolutions come first."""
    layer, k, kind = re.fullmatch(r"\w+\.(conv|affine)(\d)\.(weight|bias)", name).groups()
    number = int(k) + (6 if layer == "affine" else 0)
    return {"weight": "W", "bias": "b"}[kind] + str(number), value.T if value.ndim == 2 else value


def accuracy(network: Any, part: str) -> float:
    """Share of a part's digits that are read right."""
    images, labels = load_mnist(part)
    if hasattr(network, "accuracy"):
        return float(network.accuracy(as_float(images), labels))
    from coursekit.train import accuracy as torch_accuracy

    return torch_accuracy(network, images, labels)


if __name__ == "__main__":
    main(sys.argv[1:])
