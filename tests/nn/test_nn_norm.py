"""Batch norm, layer norm and local response norm: against PyTorch, by differences, in training and in use."""

import numpy as np
import pytest

import coursekit.nn as nn

DTYPES = [(np.float64, 1e-12), (np.float32, 1e-4)]
SHAPES = [(4, 3), (2, 3, 5), (2, 3, 4, 5), (1, 2, 3, 4), (2, 2, 2, 3, 2)]


def draw(*shape, seed=1, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def apart(a, b):
    b = b.detach().numpy() if hasattr(b, "detach") else b
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    return np.abs(a - b).max(initial=0) / (np.abs(b).max(initial=0) or 1)


def frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays


def tensors(*arrays):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    return [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_agrees_with_pytorch(dtype, tolerance, shape, training):
    channels = shape[1]
    arrays = [
        3 * draw(*shape, dtype=dtype) + 2,
        draw(channels, seed=2, dtype=dtype),
        draw(channels, seed=3, dtype=dtype),
    ]
    mean, variance = draw(channels, seed=4, dtype=dtype), draw(channels, seed=5, dtype=dtype) ** 2 + dtype(0.5)
    theirs = tensors(*arrays)
    running = [tensor.detach() for tensor in tensors(mean, variance)]
    dy = draw(*shape, seed=6, dtype=dtype)

    frozen(*arrays, mean, variance, dy)
    y, cache = nn.batch_norm_forward(*arrays, nn.RunningStatistics(mean, variance), training=training, momentum=0.2)
    gradients = nn.batch_norm_backward(dy, cache)

    import torch

    out = torch.nn.functional.batch_norm(theirs[0], *running, *theirs[1:], training, 0.2)
    out.backward(torch.from_numpy(dy.copy()))
    pairs = [
        (y, out),
        *zip(gradients, (t.grad for t in theirs), strict=True),
        *zip(cache.running, running, strict=True),
    ]
    assert all(apart(mine, other) < tolerance for mine, other in pairs)


def test_running_variance_is_unbiased_and_momentum_is_the_share_of_the_new():
    x, zero, one = np.array([[1.0], [3.0]]), np.zeros(1), np.ones(1)
    y, cache = nn.batch_norm_forward(x, one, zero, nn.RunningStatistics(zero, one), momentum=0.25, eps=0.0)
    assert y.ravel().tolist() == [-1, 1]  # normalised with the biased variance, 1
    assert cache.running.mean.tolist() == [0.25 * 2]
    assert cache.running.variance.tolist() == [0.75 * 1 + 0.25 * 2]  # the unbiased one is 2


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_batch_norm_gradients(training, which):
    arrays = [draw(3, 2, 3, 2), draw(2, seed=2), draw(2, seed=3)]
    running = nn.RunningStatistics(draw(2, seed=4), draw(2, seed=5) ** 2)

    def forward(_):
        return nn.batch_norm_forward(*arrays, running, training=training)

    y, cache = forward(None)
    dy = draw(*y.shape, seed=6)
    gradient = nn.batch_norm_backward(dy, cache)[which]
    assert nn.check_gradient(lambda _: np.sum(forward(_)[0] * dy), arrays[which], gradient).relative_error < 1e-7


def test_batch_norm_of_a_large_mean_in_float32():
    x = draw(200, 2, 10, 10)
    shifted = (x + 1000).astype(np.float32)
    y, _ = nn.batch_norm_forward(shifted, np.ones(2, np.float32), np.zeros(2, np.float32))
    exact, _ = nn.batch_norm_forward(shifted.astype(np.float64), np.ones(2), np.zeros(2))
    assert apart(y, exact.astype(np.float32)) < 1e-4


@pytest.mark.parametrize("name", ["batch", "layer"])
def test_memory_order_does_not_matter(name):
    x, dy = draw(2, 3, 4, 5), draw(2, 3, 4, 5, seed=2)
    shape = (3,) if name == "batch" else x.shape[1:]
    gamma, beta = draw(*shape, seed=3), draw(*shape, seed=4)
    forward, backward = getattr(nn, f"{name}_norm_forward"), getattr(nn, f"{name}_norm_backward")
    y, cache = forward(x, gamma, beta)
    wanted = [y, *backward(dy, cache)]
    for order in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]):
        y, cache = forward(*frozen(order(x), order(gamma), order(beta)))
        got = [y, *backward(order(dy), cache)]
        assert all(apart(a, b) < 1e-13 for a, b in zip(got, wanted, strict=True))


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize(("shape", "last"), [((4, 6), 1), ((2, 3, 4, 5), 3), ((2, 3, 4, 5), 1), ((1, 3, 2), 2)])
def test_layer_norm_agrees_with_pytorch(dtype, tolerance, shape, last):
    arrays = [3 * draw(*shape, dtype=dtype) + 2, *(draw(*shape[-last:], seed=seed, dtype=dtype) for seed in (2, 3))]
    dy = draw(*shape, seed=6, dtype=dtype)
    theirs = tensors(*arrays)
    y, cache = nn.layer_norm_forward(*frozen(*arrays))
    gradients = nn.layer_norm_backward(dy, cache)

    import torch

    out = torch.nn.functional.layer_norm(theirs[0], shape[-last:], *theirs[1:])
    out.backward(torch.from_numpy(dy))
    pairs = [(y, out), *zip(gradients, (t.grad for t in theirs), strict=True)]
    assert all(apart(mine, other) < tolerance for mine, other in pairs)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_layer_norm_gradients(which):
    arrays = [draw(3, 2, 3), draw(2, 3, seed=2), draw(2, 3, seed=3)]
    y, cache = nn.layer_norm_forward(*arrays)
    dy = draw(*y.shape, seed=6)
    gradient = nn.layer_norm_backward(dy, cache)[which]
    report = nn.check_gradient(lambda _: np.sum(nn.layer_norm_forward(*arrays)[0] * dy), arrays[which], gradient)
    assert report.relative_error < 1e-7


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize(("channels", "size"), [(8, 5), (3, 5), (1, 3), (6, 1), (4, 9)])
def test_response_norm_agrees_with_pytorch_once_alpha_is_multiplied_by_size(dtype, tolerance, channels, size):
    x, dy = 10 * draw(2, channels, 3, 4, dtype=dtype), draw(2, channels, 3, 4, seed=2, dtype=dtype)
    (tensor,) = tensors(x)
    y, cache = nn.local_response_norm_forward(*frozen(x), size=size, alpha=0.01)
    dx = nn.local_response_norm_backward(dy, cache)

    import torch

    out = torch.nn.functional.local_response_norm(tensor, size, alpha=0.01 * size, beta=0.75, k=2.0)
    out.backward(torch.from_numpy(dy))
    assert apart(y, out) < tolerance
    assert apart(dx, tensor.grad) < tolerance


def test_response_norm_is_the_papers_formula():
    x = 30 * draw(2, 7, 2, 3)
    y, cache = nn.local_response_norm_forward(x)
    for n, c, i, j in np.ndindex(x.shape):
        near = x[n, max(0, c - 2) : c + 3, i, j]
        assert np.isclose(y[n, c, i, j], x[n, c, i, j] / (2 + 1e-4 * np.sum(near**2)) ** 0.75, rtol=1e-13)
    dy = draw(*x.shape, seed=2)
    dx = nn.local_response_norm_backward(dy, cache)
    report = nn.check_gradient(lambda x: np.sum(nn.local_response_norm_forward(x)[0] * dy), x, dx, eps=1e-4)
    assert report.relative_error < 1e-8


def test_messages():
    x, one = draw(2, 3, 4), np.ones(3)
    with pytest.raises(ValueError, match=r"gamma has shape \(2,\), expected \(3,\): one number per channel of x"):
        nn.batch_norm_forward(x, np.ones(2), one)
    with pytest.raises(ValueError, match=r"running.variance has shape \(1,\), expected \(3,\)"):
        nn.batch_norm_forward(x, one, one, nn.RunningStatistics(one, np.ones(1)))
    with pytest.raises(ValueError, match="running is None, but training=False needs"):
        nn.batch_norm_forward(x, one, one, training=False)
    with pytest.raises(ValueError, match=r"training needs two or more values per channel.*larger batch"):
        nn.batch_norm_forward(x[:1, :, :1], one, one)
    assert nn.batch_norm_forward(x[:1, :, :1], one, one, nn.RunningStatistics(one, one), training=False)[0].size == 3
    with pytest.raises(ValueError, match=r"momentum is 1\.5, expected 0 to 1: the share of the new"):
        nn.batch_norm_forward(x, one, one, momentum=1.5)
    with pytest.raises(ValueError, match="eps is -1"):
        nn.batch_norm_forward(x, one, one, eps=-1)
    with pytest.raises(TypeError, match="one dtype for all"):
        nn.batch_norm_forward(x, one.astype(np.float32), one)
    with pytest.raises(ValueError, match=r"dy has shape \(2, 3\), expected \(2, 3, 4\)"):
        nn.batch_norm_backward(x[..., 0], nn.batch_norm_forward(x, one, one)[1])
    with pytest.raises(
        ValueError, match=r"gamma has shape \(3,\), expected \(3, 4\): one number per value of an image"
    ):
        nn.layer_norm_forward(x, one, one)
    with pytest.raises(ValueError, match="size is 4, expected an odd whole number"):
        nn.local_response_norm_forward(x, size=4)
    with pytest.raises(ValueError, match="expected k > 0"):
        nn.local_response_norm_forward(x, k=0)
