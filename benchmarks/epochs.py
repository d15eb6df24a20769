"""An epoch of the book's two networks on MNIST, beside the same networks in PyTorch: python benchmarks/epochs.py

One process, one thread, float32, batches of 100, Adam on both sides. The two take turns, step by step; an epoch is 600
times the median step.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import platform
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import nn as peer

from coursekit.data import as_float, load_mnist
from coursekit.nn import Adam, DeepConvNet, SimpleConvNet

BATCH, STEPS_OF_AN_EPOCH = 100, 600
RESULT = Path(__file__).parent / "results" / "epochs.md"


def simple_peer() -> peer.Module:
    convolution = [peer.Conv2d(1, 30, 5), peer.ReLU(), peer.MaxPool2d(2), peer.Flatten()]
    return peer.Sequential(*convolution, peer.Linear(4320, 100), peer.ReLU(), peer.Linear(100, 10))


def deep_peer() -> peer.Module:
    layers, channels = [], 1
    for k, width in enumerate((16, 16, 32, 32, 64, 64)):
        layers += [peer.Conv2d(channels, width, 3, padding=2 if k == 3 else 1), peer.ReLU()]
        layers += [peer.MaxPool2d(2)] if k % 2 else []
        channels = width
    dense = [peer.Linear(64 * 4 * 4, 50), peer.ReLU(), peer.Dropout(0.5), peer.Linear(50, 10), peer.Dropout(0.5)]
    return peer.Sequential(*layers, peer.Flatten(), *dense)


def numpy_step(network):
    optimiser = Adam(network.params)
    return lambda x, labels: optimiser.step(network.gradient(x, labels))


def torch_step(network):
    optimiser, loss = torch.optim.Adam(network.parameters()), peer.CrossEntropyLoss()

    def step(x, labels):
        optimiser.zero_grad()
        loss(network(torch.from_numpy(x)), torch.from_numpy(labels.astype(np.int64))).backward()
        optimiser.step()

    return step


def seconds(step, x, labels) -> float:
    start = perf_counter()
    step(x, labels)
    return perf_counter() - start


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    torch.set_num_threads(1)
    images, labels = load_mnist("train")
    rows = []
    for name, ours, theirs in (
        ("SimpleConvNet", SimpleConvNet(), simple_peer()),
        ("DeepConvNet", DeepConvNet(), deep_peer()),
    ):
        assert ours.parameter_count == sum(p.numel() for p in theirs.parameters())
        mine, peers = numpy_step(ours), torch_step(theirs)
        times = []
        for k in range(steps + 3):
            batch = slice(k * BATCH, (k + 1) * BATCH)
            x, t = as_float(images[batch]), labels[batch]
            times.append((seconds(mine, x, t), seconds(peers, x, t)))
        a, b = (STEPS_OF_AN_EPOCH * median(column) for column in zip(*times[3:], strict=True))
        rows.append(f"| {name} | {a:.1f} | {b:.1f} | {a / b:.2f} |")
    lines = [
        "# An epoch over 60,000 digits, NumPy beside PyTorch",
        "",
        f"Made by `python benchmarks/epochs.py` on {platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, PyTorch {torch.__version__}, one thread, float32.",
        "",
        "| network | NumPy, s | PyTorch, s | ratio |",
        "| --- | --- | --- | --- |",
        *rows,
    ]
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
