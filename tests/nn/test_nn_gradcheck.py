"""The gradient checker finds what is wrong, and says where."""

import numpy as np
import pytest

from coursekit.nn import check_gradient, numerical_gradient


def squares(x):
    return np.sum(x**2)


def test_numerical_gradient_leaves_x_as_it_was():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    kept = x.copy()
    assert np.allclose(numerical_gradient(squares, x), 2 * x, atol=1e-8)
    assert np.array_equal(x, kept)


def test_x_is_put_right_even_if_f_fails():
    x = np.ones(2)
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda x: 1 / 0, x)
    assert x.tolist() == [1, 1]


def test_f_may_look_at_x_itself():
    x = np.array([1.0, 2.0])
    assert np.allclose(numerical_gradient(lambda _: squares(x), x), [2, 4])


def test_report_names_the_worst_element():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    gradient = 2 * x
    gradient[1, 0] += 0.8
    report = check_gradient(squares, x, gradient)
    assert report.worst == (1, 0)
    assert report.checked == 4
    assert np.isclose(report.relative_error, 0.1)
    assert np.isclose(report.analytic, 6.8)
    assert np.isclose(report.numeric, 6)
    assert repr(report) == "relative error 1.0e-01 over 4 elements; worst at [1, 0]: analytic 6.8, numeric 6"
    assert check_gradient(squares, x, 2 * x).relative_error < 1e-9


def test_samples():
    x = np.random.default_rng(0).normal(size=100)
    report = check_gradient(squares, x, 2 * x, samples=7, seed=1)
    assert report.checked == 7
    assert report == check_gradient(squares, x, 2 * x, samples=7, seed=1)
    assert check_gradient(squares, x, 2 * x, samples=1000).checked == 100


def test_nan_and_zero():
    x = np.ones(3)
    assert np.isnan(check_gradient(squares, x, np.array([2, np.nan, 2])).relative_error)
    assert check_gradient(lambda x: 1.0, x, np.zeros(3)).relative_error == 0
    assert check_gradient(lambda x: 1.0, x, np.ones(3)).relative_error == np.inf


def test_messages():
    x = np.ones(2)
    with pytest.raises(TypeError, match=r"x is float32, expected float64: .*x.astype"):
        numerical_gradient(squares, x.astype(np.float32))
    with pytest.raises(TypeError, match="x is list, expected float64"):
        numerical_gradient(squares, [1.0])
    with pytest.raises(TypeError, match="gradient is float32"):
        check_gradient(squares, x, x.astype(np.float32))
    with pytest.raises(ValueError, match=r"gradient has shape \(1,\), expected \(2,\)"):
        check_gradient(squares, x, np.ones(1))
    with pytest.raises(ValueError, match=r"f returned ndarray of shape \(2,\), expected one number"):
        numerical_gradient(lambda x: x, x)
    with pytest.raises(TypeError, match="f returned float32"):
        numerical_gradient(lambda x: np.float32(1), x)
    with pytest.raises(ValueError, match=r"x has shape \(0,\): there is nothing to check"):
        check_gradient(squares, np.ones(0), np.ones(0))
    x.flags.writeable = False
    with pytest.raises(ValueError, match="x is read-only"):
        numerical_gradient(squares, x)
