"""A table of planted bugs: the gradient check names each of them, on several shapes, and accuses no one else."""

import numpy as np
import pytest

import coursekit.nn as nn


def draw(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


SHAPES = {  # of x and of w, and the options
    "one axis": ((3, 2, 7), (4, 2, 3), dict(stride=2)),
    "padded": ((3, 2, 5, 4), (3, 2, 3, 3), dict(padding=1)),
    "uneven": ((3, 1, 4, 7), (3, 1, 2, 3), dict(stride=(1, 2), padding=(1, 0))),
    "dilated": ((3, 2, 6, 4), (2, 2, 3, 2), dict(dilation=(2, 1))),
    "grouped": ((3, 4, 5, 5), (6, 2, 3, 3), dict(stride=2, padding=1, groups=2)),
    "depthwise": ((3, 3, 7, 4), (3, 1, 2, 2), dict(dilation=2, stride=3, padding=1, groups=3)),
    "stride 3": ((3, 2, 10), (2, 2, 4), dict(stride=3)),
}


class LoopConvolution(nn.Convolution):
    """A backward pass by loops, as one would write it first, with a place for each slip."""

    def __init__(self, shape, *, bug="", **options):
        super().__init__(draw(*shape, seed=2), draw(shape[0], seed=3), **options)
        self.bug = bug

    def backward(self, dy):
        x, w, (stride, padding, dilation, groups) = self._cache.x, self._cache.w, self._cache[2:6]
        if self.bug == "stride forgotten":
            stride = [1] * len(stride)
        if self.bug == "stride off":
            stride = [s - 1 for s in stride]
        if self.bug == "dilation forgotten":
            dilation = [1] * len(dilation)
        kernel = np.flip(w, tuple(range(2, w.ndim))) if self.bug == "not turned" else w
        padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
        dx, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros(len(w))
        for n in range(len(x)):
            if n and self.bug == "first image":
                break
            if self.bug == "last image":
                dw[...] = db[...] = 0
            for f, *place in np.ndindex(dy.shape[1:]):
                first = 0 if self.bug == "groups forgotten" else f // (len(w) // groups) * w.shape[1]
                window = [slice(first, first + w.shape[1])]
                for i, s, k, d in zip(place, stride, w.shape[2:], dilation, strict=True):
                    window.append(slice(i * s, i * s + (k - 1) * d + 1, d))
                gradient, view = dy[n, f, *place], dx[n, *window]
                view[...] = gradient * kernel[f] + (0 if self.bug == "= for +=" else view)
                dw[f] = gradient * padded[n, *window] + (0 if self.bug == "places" else dw[f])
                db[f] += gradient
        inside = [slice(p, p + n) for p, n in zip(padding, x.shape[2:], strict=True)]
        if self.bug == "padding forgotten":
            inside = [slice(0, n) for n in x.shape[2:]]
        if self.bug == "bias forgotten":
            db[...] = 0
        self.grads = {"w": dw, "b": db}
        return dx[:, :, *inside]


BUGS = {  # where it shows, on which shapes, what is said
    "first image": ("xwb", SHAPES, "only (the first image|number 0)"),
    "last image": ("wb", SHAPES, "only the last image"),
    "not turned": ("x", SHAPES, "kernel is turned round"),
    "stride forgotten": ("xw", ["one axis", "uneven", "grouped", "depthwise", "stride 3"], "stride was forgotten"),
    "stride off": ("xw", ["depthwise", "stride 3"], "stride is off by one: too small"),
    "dilation forgotten": ("xw", ["dilated", "depthwise"], "dilation was forgotten"),
    "padding forgotten": ("x", ["padded", "uneven", "grouped", "depthwise"], "padding was forgotten"),
    "groups forgotten": ("xw", ["grouped", "depthwise"], "groups were forgotten"),
    "= for +=": ("x", [name for name in SHAPES if name != "depthwise"], "`=` for `[+]=`: only the last kernel"),
    "places": ("w", SHAPES, "neither batch nor places are summed: only the last place of the last image"),
    "bias forgotten": ("b", SHAPES, "the bias was forgotten: all zero"),
}  # fmt: skip
CASES = [(bug, shape) for bug, (_, shapes, _) in BUGS.items() for shape in shapes]


def matches(pattern, text):
    with pytest.raises(AssertionError, match=pattern):
        raise AssertionError(text)


@pytest.mark.parametrize(("bug", "shape"), CASES)
def test_planted_bugs_of_a_convolution_are_named(bug, shape):
    where, _, message = BUGS[bug]
    x, w, options = SHAPES[shape]
    found = nn.diagnose_layer(LoopConvolution(w, bug=bug, **options), draw(*x))
    for name, diagnosis in found.items():
        assert diagnosis.right == (name not in where), found
        if name in where:
            matches(message, diagnosis.cause)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_one_is_accused_of_a_right_convolution(shape):
    x, w, options = SHAPES[shape]
    found = nn.diagnose_layer(LoopConvolution(w, **options), draw(*x))
    assert found.right, found
    assert {diagnosis.cause for diagnosis in found.values()} == {""}


def overwritten(dy, x, w, stride):
    """Dx of all images and kernels at once, window by window, with = where += is meant."""
    dx = np.zeros_like(x)
    for i, j in np.ndindex(dy.shape[2:]):
        window = np.s_[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
        dx[window] = np.einsum("nf,fckl->nckl", dy[:, :, i, j], w)
    return dx


@pytest.mark.parametrize(("size", "kernel", "stride"), [(5, 3, 2), (6, 2, 1), (8, 5, 3), (7, 3, 2)])
def test_overwriting_is_named_with_and_without_suspects(size, kernel, stride):
    x, w = draw(2, 2, size, size), draw(3, 2, kernel, kernel, seed=2)
    y, _ = nn.conv_forward(x, w, stride=stride)
    dy = draw(*y.shape, seed=3)
    suspects = nn.conv_suspects(x, w, dy, stride=stride)["x"]
    for known, message in ((suspects, "only the last one counted"), (None, "just those where windows would overlap")):
        found = nn.diagnose_gradient(
            lambda x: np.sum(nn.conv_forward(x, w, stride=stride)[0] * dy),
            x,
            overwritten(dy, x, w, stride),
            suspects=known,
        )
        assert message in found.cause


class WrongPooling(nn.MaxPooling):
    """Max pooling that adds nothing up, spreads, or forgets its stride."""

    def __init__(self, bug, *args, **options):
        super().__init__(*args, **options)
        self.bug = bug

    def forward(self, x):
        self.x = x.copy()
        return super().forward(x)

    def backward(self, dy):
        k, s, p = self.window, self.stride or self.window, self.padding
        s = 1 if self.bug == "stride" else s
        x = np.pad(self.x, [(0, 0), (0, 0), (p, p), (p, p)], constant_values=-np.inf)
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dy.shape):
            rows, columns = slice(i * s, i * s + k), slice(j * s, j * s + k)
            view, seen = dx[n, c, rows, columns], x[n, c, rows, columns]
            wins = seen == seen.max()
            if self.bug == "=":
                view[wins] = dy[n, c, i, j]
            elif self.bug == "spread":
                view += dy[n, c, i, j] / k**2
            else:
                view[wins] += dy[n, c, i, j]
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p]


POOLINGS = {"overlapping": ((3,), dict(stride=2)), "padded": ((3,), dict(stride=2, padding=1))}
POOLING_BUGS = {
    "=": "`=` for `[+]=`: a value that wins in several windows",
    "spread": "spread over the window",
    "stride": "stride was forgotten",
}


@pytest.mark.parametrize("bug", POOLING_BUGS)
@pytest.mark.parametrize("shape", POOLINGS)
def test_planted_bugs_of_max_pooling_are_named(bug, shape):
    args, options = POOLINGS[shape]
    found = nn.diagnose_layer(WrongPooling(bug, *args, **options), draw(2, 2, 7, 9))["x"]
    assert not found.right
    matches(POOLING_BUGS[bug], found.cause)
    assert nn.diagnose_layer(WrongPooling("", *args, **options), draw(2, 2, 7, 9)).right


UNKNOWN = {
    "noise": lambda g: g + draw(*g.shape, seed=9),
    "one element": lambda g: g + 5 * (np.arange(g.size).reshape(g.shape) == g.size // 3),
    "last element": lambda g: g + 5 * (np.arange(g.size).reshape(g.shape) == g.size - 1),
    "cubed": lambda g: g**3,
    "without signs": np.abs,
    "channels in another order": lambda g: np.roll(g, 1, axis=1),
    "one map": lambda g: g * np.where(np.arange(g.shape[1]) == 0, 1.5, 1)[:, *(None for _ in g.shape[2:])],
    "a bit off": lambda g: g + 1e-3 * np.abs(g).max(),
}


@pytest.mark.parametrize("bug", UNKNOWN)
@pytest.mark.parametrize("shape", ["padded", "grouped", "stride 3"])
def test_an_unknown_bug_is_called_unknown(bug, shape):
    x, w, options = SHAPES[shape]

    class Strange(nn.Convolution):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["w"] = UNKNOWN[bug](self.grads["w"])
            return UNKNOWN[bug](dx)

    found = nn.diagnose_layer(Strange(draw(*w, seed=2), **options), draw(*x))
    for diagnosis in found.values():
        assert not diagnosis.right
        assert diagnosis.cause.startswith("cannot tell"), found


def test_a_batch_norm_without_its_mean_is_no_known_mistake():
    class Short(nn.BatchNorm):
        def backward(self, dy):
            super().backward(dy)
            return dy * self.params["gamma"][:, None] / self._cache.deviation[:, None]

    found = nn.diagnose_layer(Short(draw(2), draw(2, seed=2)), draw(3, 2, 4))
    assert found["gamma"].right
    assert found["x"].cause.startswith("cannot tell: no known mistake")


LAYERS = {
    "batch norm": (lambda: nn.BatchNorm(draw(2), draw(2, seed=2)), (3, 2, 2, 2)),
    "layer norm": (lambda: nn.LayerNorm(draw(2, 3), draw(2, 3, seed=2)), (3, 2, 3)),
    "response norm": (lambda: nn.LocalResponseNorm(alpha=0.1), (2, 6, 2)),
    "dropout": (lambda: nn.Dropout(0.5, seed=1), (3, 4)),
    "fractional": (lambda: nn.FractionalMaxPooling(3, seed=1), (2, 1, 5, 5)),
    "l2": (lambda: nn.L2Pooling(2, stride=1), (2, 1, 3, 4)),
    "average": (lambda: nn.AveragePooling(2), (2, 2, 4, 4)),
    "global": (nn.GlobalAveragePooling, (2, 3, 4)),
    "max": (lambda: nn.MaxPooling(2), (2, 2, 4, 4)),
    "affine": (lambda: nn.Affine(draw(4, 3), draw(3)), (3, 4)),
    "first layer": (lambda: nn.Convolution(draw(2, 1, 2), draw(2), input_grad=False), (2, 1, 4)),
    "elu": (nn.Elu, (3, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_of_ours_is_right_and_is_left_as_it_was(name):
    make, shape = LAYERS[name]
    layer, x = make(), draw(*shape, seed=5)
    kept, buffers = x.copy(), {name: value.copy() for name, value in layer.buffers.items()}
    found = nn.diagnose_layer(layer, x)
    assert found.right, found
    assert np.array_equal(x, kept)
    assert all(np.array_equal(layer.buffers[name], value) for name, value in buffers.items())
    assert list(found) == [*(["x"] if name != "first layer" else []), *layer.params]


KEPT = {
    "only the last image, number 4 of 0 to 4, counted": [4],
    "only the first image": [0],
    "only one image, number 2 of 0 to 4": [2],
    "image number 2 of 0 to 4 was left out": [0, 1, 3, 4],
}


@pytest.mark.parametrize("message", KEPT)
@pytest.mark.parametrize("norm", [False, True])
def test_a_network_tells_which_images_counted(message, norm):
    kept = KEPT[message]

    class Short(nn.Affine):
        def backward(self, dy):
            dx = super().backward(dy)
            rows = self._cache.rows
            self.grads = {"w": rows[kept].T @ dy[kept], "b": dy[kept].sum(axis=0)}
            return dx

    between = [nn.BatchNorm(np.ones(4), np.zeros(4)), nn.Dropout(0.3, seed=1)] if norm else [nn.Tanh()]
    network = nn.Sequential([nn.Affine(draw(3, 4), draw(4)), *between, Short(draw(4, 3, seed=2), draw(3, seed=3))])
    found = nn.diagnose_network(network, draw(5, 3, seed=4), np.array([0, 2, 1, 1, 0]))
    wrong = {name for name, diagnosis in found.items() if not diagnosis.right}
    assert wrong == ({"W3", "b3"} if norm else {"W2", "b2"})
    assert all(message in found[name].cause for name in wrong), found


def test_one_number_per_image_or_one_in_all():
    x, w = draw(5, 3), draw(3, seed=2)
    gradient = np.tanh(x[4]) * 1.0
    found = nn.diagnose_gradient(lambda w: np.tanh(x) @ w, w, gradient)
    assert "only the last image, number 4 of 0 to 4, counted" in found.cause
    assert nn.diagnose_gradient(lambda w: np.tanh(x) @ w, w, np.tanh(x).sum(axis=0)).right
    assert nn.diagnose_gradient(lambda w: np.sum(np.tanh(x) @ w), w, gradient).cause.startswith("cannot tell")
    with pytest.raises(ValueError, match=r"f returned ndarray of shape \(5, 3\), expected one number, or a row of one"):
        nn.diagnose_gradient(lambda w: np.tanh(x) * w, w, gradient)


def test_a_single_number_accuses_no_one():
    w = np.array([2.0])
    assert nn.diagnose_gradient(lambda w: np.sum(w**2), w, np.array([3.1])).cause.startswith("cannot tell")
    assert nn.diagnose_gradient(lambda w: np.sum(w**2), w, np.array([-4.0])).cause == "the sign is wrong"


def test_differences_that_are_off_are_not_blamed_on_the_gradient():
    x = draw(4)
    found = nn.diagnose_gradient(lambda x: np.sum(np.exp(30 * x)), x, 30 * np.exp(30 * x), eps=2e-4)
    assert found.cause.startswith("cannot tell: right to four digits")


def test_every_third_row_of_plain_data_is_no_overlap():
    x = draw(2, 2, 6)
    found = nn.diagnose_gradient(lambda x: np.sum(x**2), x, 2 * x * [1, 1.3, 1, 1, 1, 1])
    assert found.cause.startswith("cannot tell: 4 of 24 elements are wrong")
