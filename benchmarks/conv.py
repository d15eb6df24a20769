"""How fast the NumPy convolution is, beside PyTorch and a textbook im2col: python benchmarks/conv.py

One process, one thread, float32. The contenders take turns, so that a busy machine is busy for all of them;
medians. "Cost" is forward and backward; the layers with 1 and 3 channels are first layers, without dx for anyone.
Every contender gets its maps in the memory layout it likes, as it would inside a network.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import platform
import sys
import tracemalloc
from math import exp, log
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch

from coursekit.nn import conv_backward, conv_forward, textbook

SHAPES = [  # x, F, kernel, stride, padding
    ((100, 1, 28, 28), 30, 5, 1, 0),
    ((100, 6, 14, 14), 16, 5, 1, 0),
    ((100, 16, 28, 28), 16, 3, 1, 1),
    ((100, 32, 14, 14), 32, 3, 1, 1),
    ((100, 64, 7, 7), 64, 3, 1, 1),
    ((64, 16, 32, 32), 16, 3, 1, 1),
    ((64, 64, 8, 8), 64, 3, 1, 1),
    ((8, 64, 56, 56), 64, 3, 1, 1),
    ((8, 128, 28, 28), 128, 3, 1, 1),
    ((8, 3, 227, 227), 96, 11, 4, 0),
    ((32, 256, 28, 28), 64, 1, 1, 0),
]
CHECK = [  # nobody looked at these while the rules were chosen
    ((40, 12, 24, 20), 20, 3, 1, 1),
    ((16, 40, 18, 18), 56, 3, 1, 1),
    ((20, 5, 40, 40), 24, 5, 1, 2),
    ((8, 80, 20, 20), 80, 5, 1, 2),
    ((24, 48, 30, 30), 72, 3, 2, 1),
    ((6, 200, 16, 16), 200, 3, 1, 1),
]
RESULT = Path(__file__).parent / "results" / "conv.md"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    torch.set_num_threads(1)
    lines = [
        "# NumPy convolution beside PyTorch",
        "",
        f"Made by `python benchmarks/conv.py` on {platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, PyTorch {torch.__version__}, one thread, float32.",
        "Ratios of the time for forward and backward, medians; below 1 ours is the faster one. "
        "Scratch is the most memory that forward or backward held beyond its results, by tracemalloc.",
    ]
    for title, shapes in (("Eleven shapes", SHAPES), ("Shapes that nothing was tuned on", CHECK)):
        lines += ["", f"## {title}", "", *table(shapes, rounds)]
    print("\n".join(lines))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def table(shapes, rounds):
    lines = [
        "| x | kernels | ours, ms | / torch | / torch, better layout | textbook / ours | scratch, MiB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    ratios = []
    for shape in shapes:
        contenders = make(*shape)
        ours, default, last, book = times(contenders, rounds)
        ratios.append((ours / default, ours / min(default, last), book / ours))
        (n, c, h, w), f, k, s, p = shape
        name = f"| {n}, {c}, {h}, {w} | {f} of {k}x{k}, stride {s}, padding {p} "
        cells = " | ".join(f"{r:.2f}" for r in ratios[-1])
        lines.append(name + f"| {ours * 1e3:.1f} | {cells} | {scratch(*shape):.1f} |")
    means = [exp(sum(map(log, column)) / len(column)) for column in zip(*ratios, strict=True)]
    return [*lines, "| geometric mean | | | " + " | ".join(f"**{m:.2f}**" for m in means) + " | |"]


def make(x_shape, kernels, k, stride, padding):
    """The four contenders, each a function without arguments."""
    rng = np.random.default_rng(0)
    x, w, b = arrays(rng, x_shape, (kernels, x_shape[1], k, k))
    dx_wanted = x_shape[1] > 3
    dy = channels_last(rng.normal(size=conv_forward(x, w, b, stride=stride, padding=padding)[0].shape))

    def ours():
        _, cache = conv_forward(x, w, b, stride=stride, padding=padding)
        conv_backward(dy, cache, input_grad=dx_wanted)

    tx, tw, tb, tdy = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, w, b, dy))
    options = ([stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, [dx_wanted, True, True])

    def in_torch(memory_format):
        x, w, dy = (t.contiguous(memory_format=memory_format) for t in (tx, tw, tdy))

        def run():
            torch.nn.functional.conv2d(x, w, tb, stride, padding)
            torch.ops.aten.convolution_backward(dy, x, w, [kernels], *options)

        return run

    cx, cdy = np.ascontiguousarray(x), np.ascontiguousarray(dy)

    def book():
        textbook.conv2d_textbook(cx, w, b, stride, padding)
        textbook.conv2d_textbook_backward(cdy, cx, w, stride, padding)

    return ours, in_torch(torch.contiguous_format), in_torch(torch.channels_last), book


def arrays(rng, x_shape, w_shape):
    w, b = rng.normal(size=w_shape), rng.normal(size=w_shape[0])
    return channels_last(rng.normal(size=x_shape)), w.astype(np.float32), b.astype(np.float32)


def channels_last(maps):
    maps = np.ascontiguousarray(np.moveaxis(maps, 1, -1), dtype=np.float32)
    return np.moveaxis(maps, -1, 1)


def times(contenders, rounds):
    """Median seconds of each; they take turns."""
    seconds = [[] for _ in contenders]
    for turn in range(rounds + 1):
        for times_of_one, contender in zip(seconds, contenders, strict=True):
            if contender.__name__ == "book" and turn > max(2, rounds // 4):
                continue  # it is slow, and its ratio is far from any bar
            start = perf_counter()
            contender()
            if turn:  # the first turn warms up
                times_of_one.append(perf_counter() - start)
    return [median(t) for t in seconds]


def scratch(x_shape, kernels, k, stride, padding):
    """MiB held beyond what forward and backward return."""
    x, w, b = arrays(np.random.default_rng(0), x_shape, (kernels, x_shape[1], k, k))
    tracemalloc.start()
    y, cache = conv_forward(x, w, b, stride=stride, padding=padding)
    forward = tracemalloc.get_traced_memory()[1] - y.nbytes
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    results = conv_backward(y, cache, input_grad=x_shape[1] > 3)
    backward = tracemalloc.get_traced_memory()[1] - before - sum(r.nbytes for r in results if r is not None)
    tracemalloc.stop()
    return max(forward, backward) / 2**20


if __name__ == "__main__":
    main()
