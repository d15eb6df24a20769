"""Seeds as an ensemble: what five networks of mnist-fast say of the test digits: python benchmarks/ensemble.py

Each network is the recipe's with another seed, and reads each digit once as it is, and by the mean of five shifted
views. Kept are the probabilities of those digits that some network misreads in some way. On all others every network
finds the label most probable, and so does the mean of any of them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from coursekit.data import load_mnist
from coursekit.train import predict, run
from coursekit.train.cookbook import machine

RESULTS = Path(__file__).parent / "results"
VIEWS = (1, 5)


def answers(seed: int, folder: Path) -> np.ndarray:
    """Probabilities (views, digits, 10) of the network of this seed, trained unless the folder has them already."""
    path = folder / f"ensemble-{seed}.npy"
    if not path.exists():
        images, _ = load_mnist("test")
        result = run("mnist-fast", seed=seed, held_out=100, device="cpu", progress=False)  # the test comes after
        said = np.stack([predict(result.network, images, views=views) for views in VIEWS])
        print(f"seed {seed}: {result.cpu_seconds['training']:.0f} CPU s of training", flush=True)
        np.save(path, said)
    return np.load(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--folder", type=Path, default=Path("results"), help="for what each network says")
    parser.add_argument("--out", type=Path, default=RESULTS / "ensemble.json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    _, labels = load_mnist("test")
    said = np.stack([answers(seed, arguments.folder) for seed in arguments.seeds])  # (seeds, views, 10000, 10)
    chosen = np.flatnonzero((said.argmax(-1) != labels).any(axis=(0, 1)))
    result = {
        "recipe": "mnist-fast",
        "device": machine.device_name("cpu"),
        "versions": machine.versions(),
        "seeds": arguments.seeds,
        "views": VIEWS,
        "test_images": len(labels),
        "digits": chosen.tolist(),
        "labels": labels[chosen].tolist(),
        "probabilities": said[:, :, chosen].astype(float).round(5).tolist(),  # (seeds, views, digits, 10)
    }
    arguments.out.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
