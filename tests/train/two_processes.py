"""A run that torchrun starts in several processes, or that is started alone; the first process writes what came out."""

import json
import sys
from pathlib import Path

import torch
from torch import nn

from coursekit.data import load_mnist
from coursekit.train import Augmentation, DivergedError, Options, distributed, fit_torch


def network() -> nn.Sequential:
    torch.manual_seed(distributed.rank())  # other first weights in each process: the first one's count
    return nn.Sequential(nn.Conv2d(1, 4, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)).double()


def run(*, images: int = 161, spoil: bool = False, resume=None, **options) -> dict:
    pictures, labels = load_mnist("validation")

    def nan(step, network):
        if spoil and step == 3 and distributed.rank() == distributed.size() - 1:
            network[0].bias.data.fill_(float("nan"))

    net = network()
    history = fit_torch(
        net,
        (pictures[:images], labels[:images]),
        Options(**{"epochs": 2, "batch": 32, "device": "cpu", "rate": 0.1, **options}),
        validation=(pictures[200:303], labels[200:303]),
        on_gradients=nan,
        checkpoint=FOLDER / f"checkpoint{distributed.size()}",
        every=4,
        resume=resume,
    )
    weights = [value.flatten().tolist() for value in net.state_dict().values()]
    return {"losses": history.losses, "accuracy": history.validation_accuracy, "weights": weights}


def main() -> None:
    """Several runs in one process, the last of which fails."""
    torch.set_num_threads(1)
    average = dict(average=0.9, accumulate=3, clip=0.5, label_smoothing=0.1)
    turned = Augmentation(shift=2, rotation=10, flip=True)
    results = {"busy": run(augmentation=turned, optimiser="adam", rate=0.01, **average), "plain": run()}
    results["resumed"] = run(resume=FOLDER / f"checkpoint{distributed.size()}")
    try:
        run(spoil=True)
    except DivergedError as error:
        results["diverged at"] = error.step
    if distributed.first():
        (FOLDER / f"results{distributed.size()}.json").write_text(json.dumps(results))


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1])
    main()
