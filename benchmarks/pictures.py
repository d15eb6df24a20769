"""How long the pictures of a trained network take, on one core: python benchmarks/pictures.py

CPU seconds of EfficientNet-Lite0 and ResNet-18 (random weights; its time is the same) on one photograph of 224x224
pixels, one thread. After a first run that does not count, three of the quick methods, of which the median stands, and
one of the others. Exits with an error where a bound is missed.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import platform
import sys
from pathlib import Path
from statistics import median
from time import process_time

import torch

from coursekit import data, models, viz

RESULT = Path(__file__).parent / "results" / "pictures.md"
PICTURES = {  # name: (call, upper bound in CPU seconds or None)
    "saliency": (viz.saliency, 0.5),
    "Grad-CAM": (viz.grad_cam, 0.5),
    "guided backpropagation": (viz.guided_backprop, None),
    "occlusion, 169 windows": (viz.occlusion, 10.0),
    "activation maximisation, 64 steps": (lambda network, image: viz.maximise_activation(network, image, 285), None),
}


def seconds(call, network, image, runs: int) -> float:
    """Median CPU time of some runs, the first left out."""
    times = []
    for _ in range(runs + 1):
        start = process_time()
        call(network, image)
        times.append(process_time() - start)
    return median(times[1:])


def networks():
    trained = models.pretrained()
    image = trained.preprocess(data.photo("chelsea"))
    yield trained.name, trained.model, image
    yield "resnet18", models.build("resnet18", seed=0).eval(), torch.rand(image.shape)


def main() -> None:
    torch.set_num_threads(1)
    rows, late = [], []
    for title, network, image in networks():
        for name, (call, bound) in PICTURES.items():
            image = image.clamp(0, 1) if name.startswith("activation") else image  # between black and white
            spent = seconds(call, network, image, runs=1 if bound != 0.5 else 3)
            rows.append(f"| {title} | {name} | {spent:.2f} | {'' if bound is None else bound} |")
            print(rows[-1], flush=True)
            if bound is not None and spent > bound:
                late.append(f"{name} of {title}: {spent:.2f} s, bound {bound} s")
    head = [
        "# Pictures of a 224x224 photograph, CPU seconds of one thread",
        "",
        f"PyTorch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}. "
        "Made by `python benchmarks/pictures.py`.",
        "",
        "| network | picture | CPU seconds | bound |",
        "| --- | --- | --- | --- |",
    ]
    RESULT.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    if late:
        sys.exit("too slow: " + "; ".join(late))


if __name__ == "__main__":
    main()
