"""Layers as plain as their formulas: loops, one output number after the other.

Slow, on purpose. Every faster version in this package is tested against these.
"""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "conv": ("conv2d_naive", "conv2d_naive_backward"),
        "pool": (
            "max_pool2d_naive",
            "max_pool2d_naive_backward",
            "average_pool2d_naive",
            "average_pool2d_naive_backward",
            "l2_pool2d_naive",
            "l2_pool2d_naive_backward",
        ),
        "norm": (
            "batch_norm2d_naive",
            "batch_norm2d_naive_backward",
            "local_response_norm2d_naive",
            "local_response_norm2d_naive_backward",
        ),
    },
)
