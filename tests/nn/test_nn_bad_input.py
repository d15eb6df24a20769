"""What goes in wrong is refused with a sentence; what is merely extreme gives numbers."""

import numpy as np
import pytest

import coursekit.nn as nn

ONE = np.ones(3)
BATCH, PICTURES = np.ones((2, 3)), np.ones((2, 3, 4, 4))
LABELS = np.array([0, 2])
RUNNING = nn.RunningStatistics(ONE, ONE)


def network():
    return nn.Sequential([nn.Affine(np.ones((3, 2)), np.zeros(2))], input_dim=(3,))


REFUSED = {
    "one image alone": (
        lambda: nn.affine_forward(ONE, np.ones((3, 2)), np.ones(2)),
        r"x has shape \(3,\), expected \(N, ",
    ),
    "weights of one axis": (lambda: nn.affine_forward(BATCH, ONE, ONE), r"w has shape \(3,\), expected \(3, M\)"),
    "features": (
        lambda: nn.affine_forward(BATCH, np.ones((4, 2)), np.ones(2)),
        r"w has shape \(4, 2\), expected \(3, M\)",
    ),
    "integers": (lambda: nn.batch_norm_forward(BATCH.astype(int), ONE, ONE), "x has dtype int64, expected float32"),
    "objects": (lambda: nn.layer_norm_forward(BATCH.astype(object), ONE, ONE), "x has dtype object, expected float32"),
    "a list": (lambda: nn.relu_forward([1.0]), "x is a list, expected a NumPy array"),
    "object labels": (
        lambda: nn.svm_loss(BATCH, np.array([None, 1])),
        "labels has dtype object, expected whole numbers",
    ),
    "float labels": (lambda: nn.svm_loss(BATCH, LABELS * 1.0), "labels has dtype float64, expected whole numbers"),
    "labels too large": (lambda: nn.svm_loss(BATCH, LABELS + 1), "labels goes from 1 to 3, expected 0 to 2"),
    "no classes": (lambda: nn.softmax(np.ones((2, 0))), r"scores has shape \(2, 0\), expected \(..., M\)"),
    "a single score": (lambda: nn.softmax(np.array(1.0)), r"scores has shape \(\), expected \(..., M\)"),
    "rate 1": (lambda: nn.Dropout(1.0, seed=0), r"rate is 1\.0, expected 0 or more and less than 1"),
    "rate below 0": (lambda: nn.dropout_forward(ONE, -0.1, 0), r"rate is -0\.1, expected 0 or more"),
    "rate as text": (lambda: nn.Dropout("half", seed=0), r"rate is 'half' \(str\), expected a number"),
    "momentum": (lambda: nn.BatchNorm(ONE, ONE, momentum=2).forward(BATCH), "momentum is 2, expected 0 to 1"),
    "eps": (lambda: nn.layer_norm_forward(BATCH, ONE, ONE, eps=-1), "eps is -1, expected a small number"),
    "empty batch": (lambda: nn.batch_norm_forward(BATCH[:0], ONE, ONE), "needs two or more values per channel"),
    "eval before training": (lambda: nn.batch_norm_forward(BATCH, ONE, ONE, training=False), "train first"),
    "state of another shape": (
        lambda: nn.batch_norm_forward(BATCH, ONE, ONE, nn.RunningStatistics(ONE[:2], ONE)),
        r"running.mean has shape \(2,\), expected \(3,\): one number per channel",
    ),
    "negative variance": (
        lambda: nn.batch_norm_forward(BATCH, ONE, ONE, nn.RunningStatistics(ONE, -ONE), training=False),
        "running.variance goes down to -1, expected 0 or more",
    ),
    "gamma": (lambda: nn.BatchNorm(ONE, ONE[:2]).forward(BATCH), r"beta has shape \(2,\), expected \(3,\)"),
    "response norm": (lambda: nn.local_response_norm_forward(ONE), r"x has shape \(3,\), expected \(N, C, ...\)"),
    "whitening nothing": (lambda: nn.whiten(BATCH[:0]), r"x has shape \(0, 3\), expected \(N, D\)"),
    "half a pixel": (lambda: nn.shift_and_stitch(abs, PICTURES, 3, 1.5), r"factor is 1\.5 \(float\), expected a whole"),
    "whole weights": (lambda: nn.he_init((3, 3), seed=0, dtype=int), "dtype is .*int.*, expected numpy.float32"),
    "negative spread": (lambda: nn.normal_init((3,), -1, seed=0), "std is -1, expected 0 or more"),
    "no weights": (lambda: nn.SimpleConvNet(hidden_size=0), r"shape is \(4320, 0\), expected no 0 in it"),
    "half a map": (lambda: nn.fan_in_out((2.5, 3)), r"shape is \(2\.5, 3\), expected whole numbers"),
    "no filters": (lambda: nn.SimpleConvNet(conv_param={"filter_num": 0}), "conv_param has filter_num 0, expected 1"),
    "no layer": (lambda: nn.Sequential([nn.Relu, nn.Affine(BATCH, ONE)]), "type1: not a Layer"),
    "network, list": (lambda: network().predict([[1.0, 2.0, 3.0]]), "x is list, expected float64"),
    "network, one image": (lambda: network().predict(ONE), r"x has shape \(3,\), expected \(N, ...\): use x\[None\]"),
    "network, features": (lambda: network().predict(PICTURES[0, 0]), r"x has shape \(4, 4\), expected \(4, 3\)"),
    "network, empty": (
        lambda: network().gradient(BATCH[:0], LABELS[:0]),
        r"scores has shape \(0, 2\), expected \(N, M\)",
    ),
    "no step": (lambda: nn.numerical_gradient(np.sum, ONE.copy(), eps=0), "eps is 0, expected a small number"),
    "no samples": (lambda: nn.check_gradient(np.sum, ONE.copy(), ONE, samples=0), "samples is 0, expected 1 or more"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_sentence(name):
    call, message = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=message):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_as_large_as_ten_thousand(dtype):
    scores = np.array([[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4], [0, 1e4, -1e4]], dtype)
    p = nn.softmax(scores)
    assert p.dtype == dtype
    assert np.allclose(p, [[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3], [0, 1, 0]])
    loss, dscores = nn.softmax_cross_entropy(scores, np.array([1, 0, 1]))
    assert np.isclose(loss, (20000 + np.log(2) + np.log(3)) / 3)
    assert np.allclose(dscores * 3, [[0.5, -1, 0.5], [-2 / 3, 1 / 3, 1 / 3], [0, 0, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [0.0, 1e4 / 3, -1e-6])
def test_a_constant_channel_gives_its_shift(dtype, level):
    x, gamma, beta = np.full((4, 2, 3, 3), level, dtype), np.array([2, 3], dtype), np.array([0.5, -1], dtype)
    running = nn.RunningStatistics(np.zeros(2, dtype), np.ones(2, dtype))
    y, cache = nn.batch_norm_forward(x, gamma, beta, running)
    assert np.allclose(y, beta[:, None, None], atol=1e-3)
    assert np.allclose(cache.running.variance, 0.9)
    gradients = nn.batch_norm_backward(np.ones_like(x), cache)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert np.allclose(gradients[0], 0, atol=1e-3)
    assert np.allclose(gradients[2], 36)


def test_before_any_training_batch_norm_in_use_is_nearly_the_identity():
    layer, x = nn.BatchNorm(ONE, np.zeros(3)), np.random.default_rng(0).normal(size=(5, 3))
    layer.training = False
    assert np.allclose(layer.forward(x), x / np.sqrt(1 + 1e-5), rtol=1e-12)  # running mean 0, variance 1
