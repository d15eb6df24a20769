"""Losses of a classifier: cross-entropy after softmax, and the multiclass SVM's hinge."""

import numpy as np

from coursekit.nn._checks import one_float_type

__all__ = ["as_labels", "softmax", "softmax_cross_entropy", "svm_loss"]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn scores into probabilities: exponentials, divided by their sum.

    Subtracting the row's largest score first changes nothing but keeps exp from overflowing.

    Parameters
    ----------
    scores : ndarray of shape (..., M), float32 or float64
        Any numbers; only their differences within a row count.

    Returns
    -------
    p : ndarray of the same shape and dtype
        Each row along the last axis sums to 1.

    Raises
    ------
    TypeError, ValueError
        If scores is not float32 or float64, or has no axis of classes, or no classes.

    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    one_float_type(scores=scores)
    if not scores.ndim or not scores.shape[-1]:
        raise ValueError(f"scores has shape {scores.shape}, expected (..., M) with at least one class.")
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Minus the logarithm of the probability given to the right class, averaged over the batch.

    Parameters
    ----------
    scores : ndarray of shape (N, M), float32 or float64
        Before softmax.
    labels : ndarray of shape (N,), or one-hot (N, M)
        The right classes, whole numbers from 0 to M - 1.

    Returns
    -------
    loss : float
        ln M for scores that know nothing.
    dscores : ndarray of shape (N, M)
        Gradient: (probability - 1 for the right class) / N.

    Raises
    ------
    TypeError, ValueError
        If scores or labels have another dtype or shape, or a label names no class.

    >>> loss, dscores = softmax_cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> round(loss, 4), dscores
    (1.3863, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    _expect_scores(scores)
    labels = as_labels(labels, *scores.shape)
    shifted = scores - scores.max(axis=1, keepdims=True)  # (N, M)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, M)
    right = np.arange(len(labels)), labels
    dscores = np.exp(log_p)
    dscores[right] -= 1
    return float(-log_p[right].mean()), dscores / scores.dtype.type(len(labels))


def svm_loss(scores: np.ndarray, labels: np.ndarray, *, margin: float = 1.0) -> tuple[float, np.ndarray]:
    """Sum over the wrong classes of how far each comes within the margin of the right one, averaged over the batch.

    Once every wrong score is `margin` below the right one the loss is 0 and asks for nothing more; cross-entropy
    always does. PyTorch's `multi_margin_loss` divides by the number of classes M besides.

    Parameters
    ----------
    scores : ndarray of shape (N, M), float32 or float64
    labels : ndarray of shape (N,), or one-hot (N, M)
        The right classes, whole numbers from 0 to M - 1.
    margin : float
        Distance that is wanted, more than 0.

    Returns
    -------
    loss : float
        (M - 1) * margin for scores that know nothing.
    dscores : ndarray of shape (N, M)
        Gradient: 1 / N for each class too close, minus their number / N for the right one; 0 exactly at the margin.

    Raises
    ------
    TypeError, ValueError
        If scores or labels have another dtype or shape, a label names no class, or margin is not positive.

    Source: Weston & Watkins (1999), "Support vector machines for multi-class pattern recognition", section 3,
    without its slack variables.

    >>> svm_loss(np.array([[3.0, 2.5, -1.0]]), np.array([0]))
    (0.5, array([[-1.,  1.,  0.]]))
    """
    _expect_scores(scores)
    if not margin > 0:
        raise ValueError(f"margin is {margin}, expected more than 0: 1 is usual, only its ratio to the scores counts.")
    labels = as_labels(labels, *scores.shape)
    right = np.arange(len(labels)), labels
    excess = scores - scores[right][:, None] + margin  # (N, M)
    excess[right] = 0  # the right class is no rival of itself
    dscores = (excess > 0).astype(scores.dtype)
    dscores[right] = -dscores.sum(axis=1)
    return float(np.maximum(excess, 0).sum(axis=1).mean()), dscores / scores.dtype.type(len(labels))


def _expect_scores(scores):
    one_float_type(scores=scores)
    if scores.ndim != 2 or 0 in scores.shape:
        raise ValueError(f"scores has shape {scores.shape}, expected (N, M) with at least one image and one class.")


def as_labels(labels: np.ndarray, images: int, classes: int) -> np.ndarray:
    """Return labels as whole numbers; one-hot rows are read as the class that they mark.

    Parameters
    ----------
    labels : array_like of shape (images,) or (images, classes)
        Whole numbers, or rows of zeros with a single 1.
    images, classes : int
        How many there are.

    Returns
    -------
    labels : ndarray of shape (images,), whole numbers from 0 to classes - 1

    Raises
    ------
    TypeError, ValueError
        If they are neither.
    """
    labels = np.asarray(labels)
    if labels.shape == (images, classes):
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise ValueError("labels has one row per image, but not each is one-hot: a single 1, else zeros.")
        return labels.argmax(axis=1)
    if labels.shape != (images,):
        raise ValueError(f"labels has shape {labels.shape}, expected ({images},) or one-hot ({images}, {classes}).")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels has dtype {labels.dtype}, expected whole numbers: use labels.astype(np.int64).")
    if images and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels goes from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}.")
    return labels
