"""Activations, dropout and the SVM's loss: against PyTorch, by differences, at the ends of the number line."""

import numpy as np
import pytest

import coursekit.nn as nn

KINDS = {
    "relu": ((), lambda f, x: f.relu(x)),
    "leaky_relu": ((0.2,), lambda f, x: f.leaky_relu(x, 0.2)),
    "elu": ((1.5,), lambda f, x: f.elu(x, 1.5)),
    "sigmoid": ((), lambda f, x: x.sigmoid()),
    "tanh": ((), lambda f, x: x.tanh()),
}


def functions(name):
    return getattr(nn, f"{name}_forward"), getattr(nn, f"{name}_backward")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_agree_with_pytorch(name, dtype, tolerance):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    (forward, backward), (args, theirs) = functions(name), KINDS[name]
    x = np.concatenate([np.random.default_rng(0).normal(size=(3, 4)) * 5, [[0.0, -0.0, 500.0, -500.0]]]).astype(dtype)
    x = np.repeat(x, 2, axis=1)[:, ::2]  # not contiguous
    x.flags.writeable = False
    y, cache = forward(x, *args)
    dy = np.random.default_rng(1).normal(size=x.shape).astype(dtype)
    dx = backward(dy, cache)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    out = theirs(torch.nn.functional, tensor)
    out.backward(torch.from_numpy(dy))
    for mine, other in ((y, out.detach()), (dx, tensor.grad)):
        assert mine.dtype == dtype
        assert np.abs(mine - other.numpy()).max() <= tolerance * np.abs(other.numpy()).max()


@pytest.mark.parametrize("name", KINDS)
def test_gradient_check_and_messages(name):
    (forward, backward), (args, _) = functions(name), KINDS[name]
    x = np.random.default_rng(2).normal(size=(2, 3, 4)) * 2
    _, cache = forward(x, *args)
    dy = np.random.default_rng(3).normal(size=x.shape)
    report = nn.check_gradient(lambda x: np.sum(forward(x, *args)[0] * dy), x, backward(dy, cache))
    assert report.relative_error < 1e-8
    with pytest.raises(TypeError, match="x has dtype int64"):
        forward(np.array([1]), *args)
    with pytest.raises(ValueError, match=rf"dy has shape \(3, 4\), expected \(2, 3, 4\): the shape of {name}_forward"):
        backward(dy[0], cache)


def test_option_messages():
    x = np.ones(2)
    with pytest.raises(ValueError, match="slope is 2, expected 0 to 1"):
        nn.leaky_relu_forward(x, 2)
    with pytest.raises(ValueError, match="alpha is -1, expected 0 or more"):
        nn.elu_forward(x, -1)
    with pytest.raises(ValueError, match="rate is 1, expected 0 or more and less than 1: the share that is DROPPED"):
        nn.dropout_forward(x, 1, 0)
    with pytest.raises(ValueError, match="margin is 0, expected more than 0"):
        nn.svm_loss(np.ones((1, 2)), np.array([0]), margin=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout(dtype):
    x = np.full((200, 300), 3, dtype)
    x.flags.writeable = False
    y, cache = nn.dropout_forward(x, 0.25, seed=1)
    assert y.dtype == dtype
    assert np.array_equal(np.unique(y), np.array([0, 4], dtype))
    assert abs(np.mean(y == 0) - 0.25) < 0.01
    assert np.array_equal(nn.dropout_backward(x, cache), y)  # what was dropped gets no gradient
    assert np.array_equal(nn.dropout_forward(x, 0.25, seed=1)[0], y)
    assert not np.array_equal(nn.dropout_forward(x, 0.25, seed=2)[0], y)
    rng = np.random.default_rng(1)
    assert not np.array_equal(*(nn.dropout_forward(x, 0.25, rng)[0] for _ in range(2)))
    y, cache = nn.dropout_forward(x, 0.25, seed=1, training=False)
    assert np.array_equal(y, x)
    assert y is not x
    assert np.array_equal(nn.dropout_backward(x, cache), x)
    with pytest.raises(ValueError, match=r"dy has shape \(300,\), expected \(200, 300\)"):
        nn.dropout_backward(x[0], cache)


def test_dropout_gradient():
    x = np.random.default_rng(0).normal(size=(4, 5))
    y, cache = nn.dropout_forward(x, 0.5, seed=3)
    report = nn.check_gradient(
        lambda x: np.sum(nn.dropout_forward(x, 0.5, seed=3)[0] ** 2), x, nn.dropout_backward(2 * y, cache)
    )
    assert report.relative_error < 1e-8


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
@pytest.mark.parametrize("images", [1, 5])
def test_svm_loss_is_pytorchs_times_the_classes(dtype, tolerance, images):
    torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(images, 7)).astype(dtype), rng.integers(0, 7, images)
    scores.flags.writeable = False
    loss, dscores = nn.svm_loss(scores, labels, margin=0.8)
    tensor = torch.from_numpy(scores.copy()).requires_grad_()
    theirs = 7 * torch.nn.functional.multi_margin_loss(tensor, torch.from_numpy(labels), margin=0.8)
    theirs.backward()
    assert np.isclose(loss, theirs.item(), rtol=tolerance)
    assert dscores.dtype == dtype
    assert np.abs(dscores - tensor.grad.numpy()).max() < tolerance
    assert nn.svm_loss(scores, np.eye(7)[labels], margin=0.8)[0] == loss


def test_svm_loss_at_the_start_by_differences_and_far_away():
    labels = np.array([3, 0, 9])
    assert nn.svm_loss(np.zeros((3, 10)), labels)[0] == 9
    scores = np.random.default_rng(0).normal(size=(3, 10))
    report = nn.check_gradient(lambda s: nn.svm_loss(s, labels)[0], scores, nn.svm_loss(scores, labels)[1])
    assert report.relative_error < 1e-8
    loss, dscores = nn.svm_loss(np.eye(10)[labels] * 1e30, labels)
    assert loss == 0
    assert not dscores.any()
    with pytest.raises(ValueError, match=r"scores has shape \(0, 10\), expected \(N, M\)"):
        nn.svm_loss(np.zeros((0, 10)), np.zeros(0, int))
