"""The NumPy reference layers: written to be read, imported one family at a time."""

from importlib import import_module

_HOMES = {
    "conv": ("conv_forward", "conv_backward"),
    "pool": ("max_pool_forward", "max_pool_backward"),
    "activation": ("relu_forward", "relu_backward"),
    "dense": ("affine_forward", "affine_backward"),
    "loss": ("softmax", "softmax_cross_entropy"),
    "optim": ("Adam",),
    "gradcheck": ("numerical_gradient", "check_gradient"),
    "layers": ("Convolution", "Relu", "MaxPooling", "Affine", "SoftmaxWithLoss"),
    "networks": ("SimpleConvNet",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605


def __getattr__(name: str):
    """Import the module that holds `name` when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"coursekit.nn has no {name!r}: it has {', '.join(__all__)}.")
    return getattr(import_module(f"coursekit.nn.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
