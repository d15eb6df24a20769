"""The NumPy reference layers: written to be read, imported one family at a time."""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "conv": ("conv_forward", "conv_backward"),
        "pool": ("max_pool_forward", "max_pool_backward"),
        "activation": ("relu_forward", "relu_backward"),
        "dense": ("affine_forward", "affine_backward"),
        "loss": ("softmax", "softmax_cross_entropy"),
        "optim": ("Adam",),
        "gradcheck": ("numerical_gradient", "check_gradient"),
        "layers": ("Convolution", "Relu", "MaxPooling", "Affine", "SoftmaxWithLoss"),
        "networks": ("SimpleConvNet",),
        "steps": (
            "conv_steps",
            "conv_backward_steps",
            "im2col_steps",
            "pool_steps",
            "pool_backward_steps",
        ),
    },
)
