"""First weights: random numbers whose variance keeps the signal's size from layer to layer.

A sum of n products of independent numbers with mean 0 has n times the variance of one. So weights of variance about
1 / n keep an activation's size; with ReLU, which throws away half, it takes 2 / n.
"""

from math import prod, sqrt

import numpy as np

__all__ = ["fan_in_out", "he_init", "normal_init", "pytorch_init", "xavier_init"]


def fan_in_out(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input has.

    Parameters
    ----------
    shape : tuple of int
        (D, M) of affine weights, or (F, C, *kernel) of kernels; C is channels per group.

    Returns
    -------
    fan_in, fan_out : int
        D and M; C * taps and F * taps.

    Raises
    ------
    TypeError, ValueError
        If shape is neither, or not of whole numbers.

    >>> fan_in_out((4320, 100)), fan_in_out((30, 1, 5, 5))
    ((4320, 100), (25, 750))
    """
    if any(isinstance(size, bool) or not isinstance(size, int | np.integer) for size in shape):
        raise TypeError(f"shape is {shape}, expected whole numbers: divide by // instead of /.")
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"shape is {shape}, expected (D, M) of affine weights or (F, C, *kernel); biases start at 0.")
    if len(shape) == 2:
        return int(shape[0]), int(shape[1])
    taps = prod(shape[2:])
    return int(shape[1] * taps), int(shape[0] * taps)


def normal_init(
    shape: tuple[int, ...], std: float, *, seed: int | np.random.Generator, dtype: type = np.float32
) -> np.ndarray:
    """Normal numbers of variance std squared, whatever the layer's width.

    Parameters
    ----------
    shape : tuple of int
    std : float
        Standard deviation; 0.01 in AlexNet and in the book's SimpleConvNet.
    seed : int or Generator
    dtype : float32 or float64

    Returns
    -------
    w : ndarray of the given shape and dtype

    Raises
    ------
    TypeError, ValueError
        If dtype is another, std negative, or shape has a 0.

    >>> normal_init((3, 2), 0.01, seed=0).shape
    (3, 2)
    """
    if not std >= 0:
        raise ValueError(f"std is {std}, expected 0 or more: a standard deviation such as 0.01.")
    return _draw(shape, std, "normal", seed, dtype)


def xavier_init(
    shape: tuple[int, ...],
    *,
    seed: int | np.random.Generator,
    distribution: str = "normal",
    dtype: type = np.float32,
) -> np.ndarray:
    """Random numbers of variance 2 / (fan_in + fan_out), for sigmoid and tanh.

    A compromise between 1 / fan_in, which keeps activations, and 1 / fan_out, which keeps gradients. The book by
    Saito calls 1 / fan_in Xavier.

    Parameters
    ----------
    shape : tuple of int
        As for `fan_in_out`.
    seed : int or Generator
    distribution : {"normal", "uniform"}
        Uniform: from -a to a with a = sqrt(6 / (fan_in + fan_out)), whose variance a * a / 3 is the same.
    dtype : float32 or float64

    Returns
    -------
    w : ndarray of the given shape and dtype

    Raises
    ------
    TypeError, ValueError
        If shape, distribution or dtype is not one of those.

    Source: Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
    equations 12 and 16.

    >>> round(float(xavier_init((300, 100), seed=0).var() * 400), 1)
    2.0
    """
    return _draw(shape, sqrt(2 / sum(fan_in_out(shape))), distribution, seed, dtype)


def he_init(
    shape: tuple[int, ...],
    *,
    seed: int | np.random.Generator,
    distribution: str = "normal",
    dtype: type = np.float32,
) -> np.ndarray:
    """Random numbers of variance 2 / fan_in, for ReLU.

    Parameters
    ----------
    shape : tuple of int
        As for `fan_in_out`.
    seed : int or Generator
    distribution : {"normal", "uniform"}
        Uniform: from -a to a with a = sqrt(6 / fan_in), whose variance a * a / 3 is the same.
    dtype : float32 or float64

    Returns
    -------
    w : ndarray of the given shape and dtype

    Raises
    ------
    TypeError, ValueError
        If shape, distribution or dtype is not one of those.

    Source: He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", equation 10.

    >>> round(float(he_init((300, 100), seed=0).var() * 300), 1)
    2.0
    """
    return _draw(shape, sqrt(2 / fan_in_out(shape)[0]), distribution, seed, dtype)


def pytorch_init(shape: tuple[int, ...], *, seed: int | np.random.Generator, dtype: type = np.float32) -> np.ndarray:
    """What PyTorch's Linear and Conv start with: uniform from -1/sqrt(fan_in) to 1/sqrt(fan_in).

    Its variance is 1 / (3 fan_in), a sixth of He's: an accident of history, not a recipe for ReLU.

    Parameters
    ----------
    shape : tuple of int
        As for `fan_in_out`. PyTorch itself writes Linear's weights as (M, D).
    seed : int or Generator
    dtype : float32 or float64

    Returns
    -------
    w : ndarray of the given shape and dtype

    Raises
    ------
    TypeError, ValueError
        If shape or dtype is not one of those.

    Source: PyTorch, torch.nn.Linear, "Variables".

    >>> bool(abs(pytorch_init((100, 50), seed=0)).max() <= 0.1)
    True
    """
    return _draw(shape, sqrt(1 / (3 * fan_in_out(shape)[0])), "uniform", seed, dtype)


def _draw(shape, std, distribution, seed, dtype):
    """Numbers of mean 0 and the given standard deviation."""
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"dtype is {dtype}, expected numpy.float32 or numpy.float64: whole numbers would all be 0.")
    if 0 in shape:
        raise ValueError(f"shape is {shape}, expected no 0 in it: there would be no weights.")
    rng = np.random.default_rng(seed)
    end = sqrt(3) * std  # a uniform number from -end to end has variance end * end / 3
    draws = {"normal": lambda: rng.normal(0.0, std, shape), "uniform": lambda: rng.uniform(-end, end, shape)}
    if distribution not in draws:
        raise ValueError(f'distribution is {distribution!r}, expected "normal" or "uniform".')
    return draws[distribution]().astype(dtype)
