"""The speed ladder: from the loop of the tutorials to ours, one change a row: python benchmarks/train.py

All rows but the last train the same network, the one of PyTorch's own MNIST example, on the same digits with the same
random shifts; the last row trains the network of the recipe mnist-fast. The rows take turns, and a row's speed is the
median of its rounds, in images a second of wall time, loading and augmentation included, evaluation not. What is done
once, such as compiling, is trained through before the clock starts.

    python benchmarks/train.py                     # this machine's CPU, or its GPU if it has one
    python benchmarks/train.py --images 55000 --rounds 5 --device cuda
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2 as transforms

from coursekit.data import load
from coursekit.models import build, table
from coursekit.train import Augmentation, Options, fit_torch, recipe, run
from coursekit.train.cookbook import machine
from coursekit.train.cookbook.networks import make

RESULTS = Path(__file__).parent / "results"
SHIFT = 2  # pixels
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bfloat16 operations/s, as the maker states them
TUTORIAL = Options(epochs=2, batch=64, rate=0.01, schedule="constant", augmentation=Augmentation(shift=SHIFT))


class Pictures(Dataset):
    """Digits one by one, changed one by one, as tutorials do."""

    transform = transforms.Compose(
        [
            transforms.ToPILImage(),
            transforms.RandomAffine(0, translate=(SHIFT / 28, SHIFT / 28)),
            transforms.ToImage(),
            transforms.ToDtype(torch.float32, scale=True),
        ]
    )

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, k: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[k][0]), int(self.labels[k])


class Bytes(Pictures):
    """Digits one by one, as they lie in the file; what changes them sees a whole batch."""

    def __getitem__(self, k: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(self.images[k]), int(self.labels[k])


def tutorial_network() -> nn.Module:
    convolutions = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
    dense = [nn.Flatten(), nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
    return nn.Sequential(*convolutions, *dense)


def tutorial_loop(images, labels, device: torch.device) -> float:
    """Seconds of an epoch, written as everybody writes it first."""
    network = tutorial_network().to(device)
    loader = DataLoader(Pictures(images, labels), batch_size=TUTORIAL.batch, shuffle=True)
    optimiser = torch.optim.SGD(network.parameters(), lr=TUTORIAL.rate, momentum=0.9)
    network.train()
    start, running = perf_counter(), 0.0
    for x, t in loader:
        x, t = x.to(device), t.to(device)
        optimiser.zero_grad()
        loss = cross_entropy(network(x), t)
        loss.backward()
        optimiser.step()
        running += loss.item()  # waits for the device, each time
    return perf_counter() - start


def ours(network: nn.Module, data, options: Options) -> float:
    """Seconds of the second epoch of `fit_torch`."""
    ends = fit_torch(network, data, options, sample=0, progress=False).epoch_seconds
    return ends[1] - ends[0]


def ladder(images, labels, device: torch.device) -> dict[str, Callable[[], float]]:
    """Rows: what was changed, and a function that trains for an epoch and returns its seconds."""
    rows = {"tutorial loop: one by one, batch 64": lambda: tutorial_loop(images, labels, device)}
    options = replace(TUTORIAL, device=device.type)

    def add(name, data=(images, labels), build=tutorial_network, **changes):
        nonlocal options
        options = replace(options, **changes)
        rows[name] = lambda options=options: ours(build(), data, options)

    add("shift a whole batch at once", data=Bytes(images, labels))
    add("all digits on the device, as bytes")
    add("batches of 256", batch=256)
    add("channels last", channels_last=True)
    if device.type == "cuda":
        add("bfloat16", precision="bfloat16")
        add("compiled", compile=True)
    add("another network: digit-net", build=lambda: make("digit-net", seed=0))
    return rows


def resnet50(device: torch.device, quick: bool) -> dict:
    """ResNet-50 at 224x224 on random pictures: images/s, and the share of the matrix units' peak that they take."""
    found = run("imagenet-synthetic", quick=quick, compile=device.type == "cuda", device=device.type, progress=False)
    case = recipe("imagenet-synthetic").case(None, quick=quick)
    macs = table(build(case.network, **case.network_options), (3, 224, 224)).totals.macs
    operations = 3 * 2 * macs * found.images_per_second  # backward costs two forwards; a MAC is two operations
    peak = next((peak for name, peak in PEAKS.items() if name in found.device), None)
    return {
        "network": found.case,
        "images_per_second": found.images_per_second,
        "operations_per_second": operations,
        "share_of_peak": operations / peak if peak else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=3200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--resnet", action="store_true", help="ResNet on random pictures on a CPU, too: a small one")
    parser.add_argument("--out", type=Path, default=RESULTS / "train_ladder.json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    images, labels = load("mnist", "train")
    rows = ladder(images[: arguments.images], labels[: arguments.images], device)
    seconds = {name: [] for name in rows}
    for _ in range(arguments.rounds):
        for name, epoch in rows.items():
            seconds[name].append(epoch())
    rates = {name: arguments.images / median(times) for name, times in seconds.items()}
    first = next(iter(rates.values()))
    print(f"{'':38} {'images/s':>10} {'s an epoch':>11} {'ratio':>7}")
    for name, rate in rates.items():
        print(f"{name:38} {rate:10,.0f} {60_000 / rate:11.1f} {rate / first:7.2f}")
    result = {
        "device": machine.device_name(arguments.device),
        "threads": arguments.threads,
        "versions": machine.versions(),
        "images": arguments.images,
        "images_per_second": rates,
        "seconds": seconds,
    }
    if device.type == "cuda" or arguments.resnet:
        result["resnet"] = resnet50(device, quick=device.type != "cuda")
        print(json.dumps(result["resnet"], indent=1))
    arguments.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
