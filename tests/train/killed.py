"""Train in a child process, kill it at any moment, go on in the next, and compare with a child that was let be.

Run as a program: it forks, which a process with a history of its own (such as pytest's) had better not.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

from coursekit.data import load_mnist
from coursekit.train import Augmentation, Options, fit_torch

STEPS = 48
OPTIONS = Options(
    epochs=4,
    batch=25,
    optimiser="adamw",
    rate=0.003,
    augmentation=Augmentation(shift=2, rotation=10, brightness=0.1),
    average=0.9,
    clip=1.0,
    accumulate=2,
    deterministic=True,
    device="cpu",
)


def train(folder: Path, told: int, *, resume: bool) -> None:
    """The run; a byte down the pipe `told` at each step."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 8, 5, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2)]
    network = nn.Sequential(*layers, nn.Linear(8 * 12 * 12, 10))
    images, labels = load_mnist("validation")
    path = folder / "checkpoint"
    history = fit_torch(
        network,
        (images[:300], labels[:300]),
        OPTIONS,
        validation=(images[300:500], labels[300:500]),
        on_gradients=lambda step, network: os.write(told, b"."),
        checkpoint=path,
        every=1,
        resume=path if resume and path.exists() else None,
        progress=False,
    )
    weights = [value.flatten().tolist() for value in network.state_dict().values()]
    result = [history.losses, history.rates, history.validation_accuracy, history.training_accuracy, weights]
    (folder / "result.json").write_text(json.dumps(result))


def child(folder: Path, *, steps: int | None, delay: float = 0.0, resume: bool = True) -> bool:
    """Fork, let it take so many steps and a moment more, kill it. True if it came to its end before."""
    receive, send = os.pipe()
    number = os.fork()
    if number == 0:
        os.close(receive)
        try:
            train(folder, send, resume=resume)
        finally:
            os._exit(0)
    os.close(send)
    taken = 0
    while (steps is None or taken < steps) and (read := os.read(receive, 1)):
        taken += len(read)
    if steps is not None:
        time.sleep(delay)
        os.kill(number, signal.SIGKILL)
    os.close(receive)
    return os.waitpid(number, 0)[1] == 0


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    importlib.import_module("torch._dynamo")  # any optimiser imports it, which takes seconds: once, not in each child

    draw, kills = random.Random(0), 0
    for name in ("whole", "killed"):
        (folder / name).mkdir()
    child(folder / "whole", steps=None, resume=False)
    while not child(folder / "killed", steps=draw.randint(1, 9), delay=draw.uniform(0, 0.02)):
        kills += 1
    child(folder / "killed", steps=None)
    whole, killed = ((folder / name / "result.json").read_text() for name in ("whole", "killed"))
    print(json.dumps({"equal": whole == killed, "kills": kills, "steps": len(json.loads(whole)[0])}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
