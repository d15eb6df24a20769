"""Rows of ERRATA.md about the mathematics, layers, gradients and training: what is said and what is right, computed."""

import math

import numpy as np
import pytest
from scipy.special import erf

from coursekit import nn
from coursekit.models import table
from coursekit.shapes import conv_parameters, fc_parameters, output_size, receptive_field


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def conv(x, w, **options):
    return nn.conv_forward(x, w, **options)[0]


def test_networks_slide_and_do_not_turn(rng):
    x, w = rng.normal(size=(1, 1, 9)), rng.normal(size=(1, 1, 3))
    layer = conv(x, w)[0, 0]
    textbook = np.convolve(x[0, 0], w[0, 0], mode="valid")
    assert not np.allclose(layer, textbook)
    assert np.allclose(layer, np.correlate(x[0, 0], w[0, 0], mode="valid"))
    assert np.allclose(conv(x, w[..., ::-1].copy())[0, 0], textbook)


def test_convolution_is_equivariant(rng):
    x, w = np.zeros((1, 1, 12, 12)), rng.normal(size=(1, 1, 3, 3))
    x[..., 3:6, 3:6] = rng.normal(size=(3, 3))
    moved = np.roll(x, 2, axis=-1)
    assert not np.allclose(conv(moved, w), conv(x, w)), "invariant it is not"
    assert np.allclose(conv(moved, w), np.roll(conv(x, w), 2, axis=-1)), "the answer moves along"
    assert np.allclose(conv(moved, w).max(), conv(x, w).max()), "a maximum over all places does not move"


def test_colour_does_not_add_an_axis(rng):
    picture = rng.normal(size=(3, 8, 8))
    kernel = rng.normal(size=(3, 5, 5))
    colour = conv(picture[None], kernel[None])
    film = conv(picture[None, None], kernel[None, None, :2])  # three axes: it slides from colour to colour
    assert colour.shape == (1, 1, 4, 4)
    assert film.shape == (1, 1, 2, 4, 4)


def test_the_derivative_by_place_is_no_gradient(rng):
    x, w, dy = rng.normal(size=7), rng.normal(size=3), rng.normal(size=9)
    difference = np.array([1, -1])
    by_place = np.convolve(x, np.convolve(w, difference))
    assert np.allclose(by_place, np.convolve(np.convolve(x, w), difference)), "true, but another statement"
    gradient = nn.numerical_gradient(lambda w: float(np.convolve(x, w) @ dy), w)
    assert np.allclose(gradient, np.correlate(dy, x, mode="valid"), atol=1e-6)
    assert gradient.shape != by_place.shape


def test_a_stride_that_does_not_fit():
    assert (224 - 7 + 2 * 3) / 2 + 1 == 112.5
    with pytest.raises(ValueError, match="does not fit"):
        output_size(224, 7, stride=2, padding=3)
    assert output_size(224, 7, stride=2, padding=3, mode="floor") == 112
    assert table("INPUT 3x224x224 -> CONV7-64/S2/P3/FLOOR").rows[1].output_shape == (64, 112, 112)


def test_alexnet_does_not_take_224():
    assert (224 - 11) / 4 + 1 == 54.25
    with pytest.raises(ValueError, match="does not fit"):
        output_size(224, 11, stride=4)
    assert output_size(227, 11, stride=4) == 55
    assert output_size(224, 11, stride=4, padding=2, mode="floor") == 55


def test_dilation_counts_from_one(rng):
    x, w = rng.normal(size=(1, 1, 9)), rng.normal(size=(1, 1, 3))
    assert np.array_equal(conv(x, w, dilation=1), conv(x, w)), "1 is the ordinary layer"
    with pytest.raises(ValueError, match="dilation"):
        conv(x, w, dilation=0)
    gaps = np.array([[[w[0, 0, 0], 0, w[0, 0, 1], 0, w[0, 0, 2]]]])  # one pixel between the taps
    assert np.allclose(conv(x, w, dilation=2), conv(x, gaps))


def test_the_receptive_field_grows():
    fields = [field.size for field in receptive_field([(3, 1), (3, 1), (3, 1)])]
    assert fields == [3, 5, 7]


def test_rows_come_first():
    picture = np.arange(4 * 6).reshape(4, 6)  # 4 rows, 6 columns: 6 pixels wide
    x, y = 5, 3
    assert picture[y, x] == 4 * 6 - 1, "the pixel in the lower right corner"
    with pytest.raises(IndexError):
        picture[x, y]


def test_one_by_one_is_dense_at_each_pixel(rng):
    x, w = rng.normal(size=(1, 8, 4, 4)), rng.normal(size=(10, 8, 1, 1))
    per_pixel = np.einsum("nchw,fc->nfhw", x, w[:, :, 0, 0])
    assert np.allclose(conv(x, w), per_pixel)
    assert (conv_parameters(8, 10, 1), fc_parameters(8 * 4 * 4, 10)) == (90, 1290)
    assert conv(x, w).shape == (1, 10, 4, 4), "scores at each pixel: a mean or an FC layer has to follow"


def test_pooling_saves_weights_only_in_fc_layers():
    plain = "INPUT 3x32x32 -> CONV3-8 -> RELU -> CONV3-8 -> RELU -> FC-10"
    pooled = plain.replace("RELU -> CONV3-8", "RELU -> POOL2 -> CONV3-8")

    def weights(pattern, kind):
        return [row.parameters for row in table(pattern).rows if row.kind == kind]

    assert weights(pooled, "pool") == [0]
    assert weights(pooled, "conv") == weights(plain, "conv") == [224, 584]
    assert (weights(plain, "fc"), weights(pooled, "fc")) == ([81_930], [20_490])


def test_max_pooling_does_not_pad_with_zeros(rng):
    x = -1 - rng.random(size=(1, 1, 4, 4))
    zeros = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    wrong, right = nn.max_pool_forward(zeros, 2)[0], nn.max_pool_forward(x, 2, padding=1)[0]
    assert wrong[0, 0, 0, 0] == 0, "a pixel that is not there has won"
    assert right[0, 0, 0, 0] == x[0, 0, 0, 0]
    assert output_size(4, 2, stride=2) == 2, "what the book allocates, its pad left out"
    assert right.shape == (1, 1, 3, 3)


def test_only_the_input_gradient_turns_the_kernel(rng):
    x, w, dy = (rng.normal(size=shape) for shape in [(1, 1, 6, 6), (1, 1, 3, 3), (1, 1, 4, 4)])
    dx, dw, _ = nn.conv_backward(dy, nn.conv_forward(x, w)[1])
    assert np.allclose(dx, conv(dy, w[..., ::-1, ::-1].copy(), padding=2)), "full correlation with the turned kernel"
    assert np.allclose(dw, conv(x, dy)), "input with output gradient, nothing turned"
    assert not np.allclose(dw, conv(x, dy[..., ::-1, ::-1].copy()))
    assert np.allclose(dw, nn.numerical_gradient(lambda w: float((conv(x, w) * dy).sum()), w), atol=1e-6)


def test_a_tie_has_one_winner():
    x = np.ones((1, 1, 2, 2))
    dx = nn.max_pool_backward(np.ones((1, 1, 1, 1)), nn.max_pool_forward(x, 2)[1])
    shared = nn.average_pool_backward(np.ones((1, 1, 1, 1)), nn.average_pool_forward(x, 2)[1])
    assert dx.ravel().tolist() == [1, 0, 0, 0]
    assert shared.ravel().tolist() == [0.25] * 4


def test_a_thousand_digits_are_few():
    def standard_error(images):  # in points, where 99 % are right
        return 100 * math.sqrt(0.99 * 0.01 / images)

    assert round(standard_error(1_000), 2) == 0.31
    assert round(standard_error(10_000), 2) == 0.10


def normed(x, **options):
    ones = np.ones(x.shape[1])
    return nn.batch_norm_forward(x, ones, 0 * ones, eps=0.0, **options)[0]


def test_batch_norm_divides_by_the_deviation(rng):
    x = rng.normal(scale=3, size=(64, 1))
    by_variance = (x - x.mean()) / x.var()
    assert np.allclose(normed(x), (x - x.mean()) / x.std())
    assert np.isclose(normed(x).std(), 1)
    assert by_variance.std() < 0.5


def test_unit_variance_is_no_range(rng):
    assert round(100 * erf(1 / math.sqrt(2)), 1) == 68.3
    assert np.abs(normed(rng.normal(size=(1000, 1)))).max() > 2


def test_sigmoid_from_minus_one_to_one():
    low, high = nn.sigmoid_forward(np.array([-1.0, 1.0]))[0]
    assert (round(low, 3), round(high, 3)) == (0.269, 0.731)
    assert (round(low, 1), round(high, 1)) != (0.2, 0.7)


def test_running_variance_and_momentum(rng):
    x = rng.normal(size=(5, 1))
    start = nn.RunningStatistics(np.zeros(1), np.ones(1))
    one = np.ones(1)
    running = nn.batch_norm_forward(x, one, 0 * one, start, momentum=0.1)[1].running
    assert np.isclose(running.variance[0], 0.9 * 1 + 0.1 * x.var(ddof=1)), "0.1 is the new batch's share"
    assert not np.isclose(running.variance[0], 0.9 * 1 + 0.1 * x.var())
    assert not np.isclose(running.variance[0], 0.1 * 1 + 0.9 * x.var(ddof=1))


def test_batch_norm_adds_noise(rng):
    x = rng.normal(size=(1, 3))
    answers = [normed(np.concatenate([x, rng.normal(size=(7, 3))]))[0] for _ in range(2)]
    assert not np.allclose(*answers), "the same picture in other company has another answer"
    assert np.std([normed(np.concatenate([x, rng.normal(size=(7, 3))]))[0] for _ in range(50)], axis=0).min() > 0.05


def test_a_bias_before_batch_norm_is_lost(rng):
    x = rng.normal(size=(8, 3, 4, 4))
    assert np.allclose(normed(x + np.array([5.0, -2, 9])[:, None, None]), normed(x))


def test_first_weights_of_pytorch():
    inputs = 100
    drawn = nn.pytorch_init((inputs, 2000), seed=0, dtype=np.float64)
    assert np.isclose(drawn.var(), 1 / (3 * inputs), rtol=0.02)
    assert drawn.var() < 3 / inputs / 8


def test_alpha_of_the_response_norm(rng):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    torch.set_num_threads(1)
    x = rng.normal(scale=30, size=(1, 8, 2, 2))
    ours = nn.local_response_norm_forward(x, size=5, alpha=1e-4, beta=0.75, k=2.0)[0]

    def theirs(alpha):
        return torch.nn.functional.local_response_norm(torch.tensor(x), 5, alpha, 0.75, 2.0).numpy()

    assert np.allclose(ours, theirs(5e-4))
    assert not np.allclose(ours, theirs(1e-4))
