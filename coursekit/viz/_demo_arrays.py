"""The arrays and the geometry that the convolution demo steps through."""

from dataclasses import dataclass

import numpy as np

from coursekit.nn._checks import output_sizes, per_axis
from coursekit.nn.steps import conv_backward_steps, conv_steps, im2col_steps, pool_backward_steps, pool_steps

FAMILIES = {"conv": ("forward", "backward", "im2col"), "pool": ("pool", "pool-backward")}
VIEWS = FAMILIES["conv"] + FAMILIES["pool"]
PATTERN = (1, -1, 0, 2, 1, -2, 0)  # gradients where none are given
SIDE, DEPTH, MOST = 16, 6, 400  # pixels with padding, channels or kernels, steps: what the eye can follow

X = [
    [[0, 1, 0, 1, 2], [-1, 1, -1, -2, 2], [1, -2, -2, 0, -1], [2, -1, 2, 0, -1], [0, 0, -2, 2, 1]],
    [[1, -2, 0, 1, -2], [2, 1, -2, 1, 0], [-1, -2, 2, -1, 0], [1, 1, 0, 1, -1], [2, 1, -1, 1, 2]],
    [[-2, 0, 1, -2, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 0], [-2, -2, 1, 1, 0], [-2, 0, -2, 0, 1]],
]
W = [
    [
        [[-1, 1, -1], [0, 1, 0], [-1, -1, 1]],
        [[0, 0, -1], [1, 1, 1], [1, 0, 0]],
        [[0, 2, 2], [-1, -1, -1], [-1, 0, -1]],
    ],
    [
        [[-2, -1, 2], [0, 0, 1], [1, 1, 0]],
        [[1, -1, -1], [1, -1, -1], [1, 0, -1]],
        [[-1, 1, -1], [1, -1, 0], [1, 1, 1]],
    ],
]
B = [1, -1]


@dataclass(frozen=True)
class Geometry:
    """Kernel or pooling window, stride and padding, each (rows, columns)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def places(self, x: np.ndarray) -> tuple[int, ...]:
        """Rows and columns of the output."""
        return output_sizes(x.shape[1:], self.kernel, self.stride, self.padding, "floor")


@dataclass(frozen=True)
class Demo:
    """What all faces of the demo draw: arrays of one picture, geometry, the views to switch between."""

    x: np.ndarray  # (C, H, W)
    w: np.ndarray  # (F, C, KH, KW)
    b: np.ndarray  # (F,)
    dy: np.ndarray  # (F, OH, OW), or (C, OH, OW) for pooling
    geometry: Geometry
    views: tuple[str, ...]

    def steps(self, view: str) -> list:
        """The recorded steps of a view."""
        g = self.geometry
        places = {"stride": g.stride, "padding": g.padding}
        recorders = {
            "forward": lambda: conv_steps(self.x, self.w, self.b, **places),
            "backward": lambda: conv_backward_steps(self.dy, self.x, self.w, **places),
            "im2col": lambda: im2col_steps(self.x, g.kernel, **places),
            "pool": lambda: pool_steps(self.x, g.kernel, **places),
            "pool-backward": lambda: pool_backward_steps(self.dy, self.x, g.kernel, **places),
        }
        return recorders[view]()


def make_demo(x, w, b, dy, view: str, window, stride, padding) -> Demo:
    """Fill in what was not given, and refuse what does not fit together or is too large to be followed."""
    family = next((name for name, views in FAMILIES.items() if view in views), None)
    if family is None:
        raise ValueError(f"view is {view!r}, expected one of {', '.join(map(repr, VIEWS))}.")
    x = np.array(X if x is None else x, dtype=float)
    views = (view, *(other for other in FAMILIES[family] if other != view))
    views = tuple(sorted(views, key=VIEWS.index))
    w, b = _weights(x, w, b) if family == "conv" else (np.zeros((0, 0, 0, 0)), np.zeros(0))
    padding = (1 if family == "conv" else 0) if padding is None else padding
    kernel = w.shape[2:] if family == "conv" else per_axis("window", window, 2)
    geometry = Geometry(tuple(kernel), per_axis("stride", stride, 2), per_axis("padding", padding, 2))
    trial = Demo(x, w, b, np.zeros(0), geometry, views)
    trial.steps("forward" if family == "conv" else "pool")  # refuses what does not fit, in the recorder's own words
    _expect_small(trial)
    maps = len(w) if family == "conv" else len(x)
    shape = (maps, *geometry.places(x))
    dy = np.resize(np.array(PATTERN, dtype=float), shape) if dy is None else np.array(dy, dtype=float)
    demo = Demo(x, w, b, dy, geometry, views)
    demo.steps(views[1])  # the backward pass, which refuses a dy of another shape
    for name in ("x", "w", "b", "dy"):
        if not np.isfinite(getattr(demo, name)).all():
            raise ValueError(f"{name} holds inf or nan: the demo adds up plain numbers, so replace them first.")
    return demo


def _weights(x, w, b):
    """Kernels and biases, by default the course's two kernels, cut to as many channels as x has."""
    if w is None:
        if x.ndim == 3 and len(x) > len(X):
            raise ValueError(f"x has shape {x.shape}: with more than {len(X)} channels give w, (F, {len(x)}, KH, KW).")
        w = np.array(W)[:, : len(x)] if x.ndim == 3 else W
        b = B if b is None else b
    w = np.array(w, dtype=float)
    return w, np.zeros(w.shape[:1]) if b is None else np.array(b, dtype=float)


def _expect_small(demo: Demo):
    side = max(n + 2 * p for n, p in zip(demo.x.shape[1:], demo.geometry.padding, strict=True))
    depth = max(len(demo.x), len(demo.w))
    count = depth * int(np.prod(demo.geometry.places(demo.x)))
    if side > SIDE or depth > DEPTH or count > MOST:
        raise ValueError(
            f"x {demo.x.shape} and w {demo.w.shape} are too large to be followed: {side} pixels a side with padding, "
            f"{depth} channels or kernels, {count} outputs. At most {SIDE}, {DEPTH} and {MOST}: cut a piece out of x."
        )
