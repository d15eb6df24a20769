"""The gradients that well-known mistakes in a convolution's backward pass would give, to recognise them by."""

import numpy as np

from coursekit.nn._checks import per_axis
from coursekit.nn.conv import conv_backward, conv_forward

__all__ = ["conv_suspects"]


def conv_suspects(
    x: np.ndarray,
    w: np.ndarray,
    dy: np.ndarray,
    *,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
) -> dict[str, dict[str, np.ndarray]]:
    """Compute wrong gradients of a convolution, named after their mistakes; for `diagnose_gradients`.

    Parameters
    ----------
    x : ndarray of shape (N, C, *spatial), float64
    w : ndarray of shape (F, C, *kernel), float64
    dy : ndarray of shape (N, F, *out), float64
        Gradient with respect to the output.
    stride, padding : int or one int per spatial axis

    Returns
    -------
    suspects : dict
        For each of "x", "w" and "b", wrong gradients by what to say of them.

    Raises
    ------
    TypeError, ValueError
        As for `conv_forward` and `conv_backward`.

    >>> sorted(conv_suspects(np.ones((1, 1, 3)), np.ones((1, 1, 2)), np.ones((1, 1, 2))))
    ['b', 'w', 'x']
    """
    b, spatial = np.zeros(len(w), w.dtype), tuple(range(2, w.ndim))
    options = dict(stride=stride, padding=padding)

    def backward(images, kernels):
        return conv_backward(dy[images], conv_forward(x[images], kernels, b, **options)[1])

    stride, padding = per_axis("stride", stride, len(spatial)), per_axis("padding", padding, len(spatial))
    turned, first, last = (
        backward(slice(None), np.flip(w, spatial)),
        backward(slice(1), w),
        backward(slice(-1, None), w),
    )
    ones = (1,) * len(spatial)
    return {
        "x": {
            "the kernel is turned round: dx wants it the other way": turned[0],
            "`=` for `+=`: where windows overlap only the last one counted": _scatter(x, w, dy, stride, padding, False),
            "the stride was forgotten: windows are set down side by side": _scatter(x, w, dy, ones, padding, True),
        },
        "w": _of_one_image(1, first, last)
        | {"the kernel is turned round: dw flips nothing": np.flip(backward(slice(None), w)[1], spatial)},
        "b": _of_one_image(2, first, last) | {"averaged over places where one sums": dy.mean(axis=(0, *spatial))},
    }


def _of_one_image(which, first, last):
    return {
        "the batch is not summed: only the last image counted (`=` for `+=`)": last[which],
        "the batch is not summed: only the first image counted": first[which],
    }


def _scatter(x, w, dy, stride, padding, add):
    """dx, window by window, added up or overwritten."""
    padded = np.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))), x.dtype)
    for place in np.ndindex(dy.shape[2:]):
        window = tuple(slice(i * s, i * s + k) for i, s, k in zip(place, stride, w.shape[2:], strict=True))
        share = np.tensordot(dy[:, :, *place], w, axes=1)  # (N, C, *kernel)
        padded[:, :, *window] = share + (padded[:, :, *window] if add else 0)
    return padded[:, :, *(slice(p, p + n) for n, p in zip(x.shape[2:], padding, strict=True))]
