"""What all networks here share: widths, sizes computed and not typed, first weights, errors that name a layer."""

from collections.abc import Iterable
from itertools import count

import torch
from torch import nn

from coursekit.shapes import output_size

__all__ = ["Network", "Staged", "he_start", "scaled", "size_after"]

Named = tuple[str, nn.Module]


def scaled(channels: int, width: float, *, multiple: int = 1) -> int:
    """A number of channels, made narrower or wider, at least 1 and a multiple of `multiple`.

    >>> scaled(64, 0.25), scaled(6, 0.01), scaled(96, 0.03, multiple=2)
    (16, 1, 2)
    """
    return max(1, round(channels * width / multiple)) * multiple


def size_after(layers: Iterable[Named], size: int) -> int:
    """Side of the square map that a row of layers leaves of a square input.

    Parameters
    ----------
    layers : iterable of (name, module)
        In forward order; those without a kernel (ReLU, dropout, norm) are passed over.
    size : int
        Pixels along the input's side.

    Raises
    ------
    ValueError
        If a layer runs out of pixels; the message names it, and the least size that is enough.
    """
    windows = [(name, layer) for name, layer in layers if hasattr(layer, "kernel_size")]
    pixels = size
    for name, layer in windows:
        try:
            pixels = _size(layer, pixels)
        except ValueError:
            raise ValueError(f"{_ran_out(name, layer, (pixels, pixels))} {_way_out(windows, size)}") from None
    return pixels


def he_start(model: nn.Module) -> None:
    """Draw first weights: variance 2 / fan_in for kernels and matrices, 0 for biases; norms keep 1 and 0.

    Source: He et al., "Delving Deep into Rectifiers", section 2.2.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Network(nn.Module):
    """A classifier of images (N, C, H, W) that says which layer could not take them."""

    def __call__(self, images: torch.Tensor):
        """Run the network; a ValueError names the layer for which the images are too small or of the wrong size."""
        try:
            return super().__call__(images)
        except RuntimeError as error:
            message = _reason(self, images)
            if message is None:
                raise
            raise ValueError(message) from error


class Staged(Network):
    """Features, pooling to a fixed size where there is one, then the classifier.

    Parameters
    ----------
    features, classifier : Sequential
        (N, C, H, W) -> (N, K, H', W'), and (N, K*H'*W') -> (N, classes).
    avgpool : Module, optional
        Between the two.
    """

    def __init__(self, features: nn.Sequential, classifier: nn.Sequential, avgpool: nn.Module | None = None):
        super().__init__()
        self.features = features
        if avgpool is not None:
            self.avgpool = avgpool
        self.flatten = nn.Flatten()
        self.classifier = classifier
        he_start(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (N, C, H, W)
        maps = self.features(images)  # (N, K, H', W')
        if hasattr(self, "avgpool"):
            maps = self.avgpool(maps)
        return self.classifier(self.flatten(maps))  # (N, classes)


def _size(layer: nn.Module, pixels: int, axis: int = 0) -> int:
    """Output size of a convolution or pooling along one axis, as PyTorch rounds it."""
    kernel, stride, padding, dilation = (
        value if isinstance(value, int) else value[axis]
        for value in (layer.kernel_size, layer.stride, layer.padding, getattr(layer, "dilation", 1))
    )
    mode = "ceil" if getattr(layer, "ceil_mode", False) else "floor"
    return output_size(pixels, kernel, stride, padding, dilation, mode=mode)


def _ran_out(name: str, layer: nn.Module, sides: Iterable[int]) -> str:
    kernel = layer.kernel_size if isinstance(layer.kernel_size, tuple) else (layer.kernel_size,) * 2
    padding = layer.padding if isinstance(layer.padding, tuple) else (layer.padding,) * 2
    with_padding = f" and padding {padding[0]}" if any(padding) else ""
    height, width = sides
    return (
        f"{name} ({type(layer).__name__}) ran out of pixels: its input is {height}x{width}, "
        f"its kernel {kernel[0]}x{kernel[1]}{with_padding}."
    )


def _way_out(windows: list[Named], size: int) -> str:
    for larger in count(size + 1):
        pixels = larger
        try:
            for _, layer in windows:
                pixels = _size(layer, pixels)
        except ValueError:
            continue
        return f"size is {size}: use {larger} or more."


def _reason(network: Network, images: torch.Tensor) -> str | None:
    """Run again up to where it failed, and say why if the images' size is why."""
    if not isinstance(images, torch.Tensor) or images.ndim != 4:
        shape = tuple(images.shape) if isinstance(images, torch.Tensor) else type(images).__name__
        return f"images are {shape}: expected a tensor (N, C, H, W). One image needs images[None]."
    entered: list[tuple[str, nn.Module, torch.Size]] = []
    hooks = [
        layer.register_forward_pre_hook(lambda layer, x, name=name: entered.append((name, layer, x[0].shape)))
        for name, layer in network.named_modules()
        if not any(True for _ in layer.children())
    ]
    try:
        with torch.no_grad():
            network.forward(images)
    except (RuntimeError, ValueError):
        return _sentence(*entered[-1], tuple(images.shape)) if entered else None
    finally:
        for hook in hooks:
            hook.remove()
    return None


def _sentence(name: str, layer: nn.Module, shape: torch.Size, images: tuple[int, ...]) -> str | None:
    if isinstance(layer, nn.Conv2d) and shape[1] != layer.in_channels:
        return (
            f"{name} takes {layer.in_channels} channels and got {shape[1]}: images are {images}. "
            f"Build the network with channels={shape[1]}."
        )
    if isinstance(layer, nn.Linear) and shape[-1] != layer.in_features:
        return (
            f"{name} takes {layer.in_features} numbers an image and got {shape[-1]}: images are {images}, and the "
            f"network was built for another size. Build it with size={images[2]}, or resize the images."
        )
    if hasattr(layer, "kernel_size"):
        try:
            for axis in (0, 1):
                _size(layer, shape[2 + axis], axis)
        except ValueError:
            return f"{_ran_out(name, layer, shape[2:])} Images are {images}: use larger ones."
    return None
