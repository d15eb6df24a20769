"""The image as the unknown: gradient ascent to what excites a unit most."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from coursekit.viz.pixels import Bounds, black_and_white
from coursekit.viz.probing import find_layer, output_of, undisturbed

__all__ = ["maximise_activation", "total_variation"]

FINEST = 0.3  # standard deviation of a blur, in pixels, below which it changes nothing
Progress = Callable[[Iterable[int]], Iterable[int]]  # such as tqdm


def total_variation(images: Tensor) -> Tensor:
    """Mean square of the steps between neighbouring pixels, of each image: (N, C, H, W) -> (N,).

    Source: Mahendran & Vedaldi (2015), "Understanding deep image representations by inverting them", section 2.2.

    >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))  # two steps of 1 across, two of 0 down
    tensor([1.])
    """
    across, down = images.diff(dim=3).square(), images.diff(dim=2).square()
    return across.mean(dim=(1, 2, 3)) + down.mean(dim=(1, 2, 3))


def maximise_activation(
    network: nn.Module,
    start: Tensor,
    unit: int,
    *,
    layer: str | nn.Module | None = None,
    steps: int = 64,
    rate: float = 0.08,
    jitter: int = 8,
    blur: float = 2.0,
    variation: float = 0.0,
    decay: float = 0.002,
    bounds: Bounds = (0.0, 1.0),
    seed: int = 0,
    progress: Progress = iter,
) -> Tensor:
    """An image that excites a unit, found by gradient ascent from a start: x* = argmax_x a_unit(x) - R(x).

    Without regularisers R the result is noise that excites the unit just as much. Here: the image is moved about by
    some pixels before each step (jitter), blurred every fourth, pulled towards grey (decay), and may be
    held smooth (total variation).

    Parameters
    ----------
    network : nn.Module
        Run in evaluation mode, and given back as it was.
    start : Tensor of shape (N, C, H, W), floating
        Where to begin: grey with some noise, or an image.
    unit : int
        The class, if no layer is named; else the map of that layer, of which the mean over its places counts.
    layer : str or nn.Module, optional
    steps : int
    rate : float
        Typical change of a pixel in one step, where black is 0 and white 1; it shrinks to a tenth in the end.
    jitter : int
        Largest shift, in pixels.
    blur : float
        Standard deviation of the first blur, in pixels; it falls to 0 in the end. 0 for none.
    variation : float
        Weight of the total variation.
    decay : float
        Share of the way to grey that each step goes.
    bounds : (low, high)
        The values that stand for black and white.
    seed : int
        Of the shifts.
    progress : callable
        Wraps the steps, such as ``tqdm.auto.tqdm``.

    Returns
    -------
    images : Tensor of shape (N, C, H, W), between black and white

    Raises
    ------
    TypeError, ValueError
        If start is no float batch, there is no such layer or unit, or a number is below 0.

    Source: Simonyan, Vedaldi & Zisserman (2013), section 2, with the regularisers of Yosinski et al. (2015),
    "Understanding neural networks through deep visualization", section 3, and the jitter of Mordvintsev et al. (2015).

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> network[1].weight.data = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    >>> start = torch.full((1, 1, 2, 2), 0.5)
    >>> maximise_activation(network, start, 0, jitter=0, blur=0, decay=0)
    tensor([[[[1.0000, 0.0000],
              [0.5000, 0.5000]]]])
    """
    check_numbers(steps=steps, rate=rate, jitter=jitter, blur=blur, variation=variation, decay=decay)
    generator = torch.Generator().manual_seed(seed)
    with undisturbed(network, start) as pixels:
        low, high = black_and_white(bounds, pixels)
        part = None if layer is None else find_layer(network, layer)
        images = pixels.detach()
        for step in progress(range(steps)):
            shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
            moved = images.roll(shift, dims=(2, 3)).requires_grad_()
            goal = _activation(network, part, moved.clone(), unit) - variation * total_variation(moved)
            uphill = torch.autograd.grad(goal.sum(), moved)[0].roll([-s for s in shift], dims=(2, 3))
            images = images + _typical(uphill) * rate * (high - low) * (1 - 0.9 * step / steps)
            images = images + decay * ((low + high) / 2 - images)
            deviation = blur * (1 - step / steps)
            if step % 4 == 3 and deviation > FINEST:
                images = blurred(images, deviation)
            images = images.maximum(low).minimum(high).detach()
    return images


def _activation(network: nn.Module, part: nn.Module | None, images: Tensor, unit: int) -> Tensor:
    """What is to grow, of each image: the score of a class, or the mean of a layer's map."""
    output = network(images) if part is None else features_of(network, part, images)
    if output.ndim < 2 or not 0 <= unit < output.shape[1]:
        raise ValueError(f"unit is {unit}: expected 0 to {output.shape[1] - 1}, of the output {tuple(output.shape)}.")
    return output[:, unit].flatten(1).mean(1) if output.ndim > 2 else output[:, unit]


def features_of(network: nn.Module, part: nn.Module, images: Tensor) -> Tensor:
    with output_of(part) as kept:
        network(images.clone())
    if not kept:
        raise ValueError(f"the layer {type(part).__name__} was not run: take one that the network uses.")
    return kept[0]


def _typical(gradient: Tensor) -> Tensor:
    """The gradient of each image, scaled to a root mean square of 1."""
    return gradient / gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-20)


def blurred(images: Tensor, deviation: float) -> Tensor:
    reach = max(1, round(3 * deviation))
    places = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-(places**2) / (2 * deviation**2))
    weights = (weights / weights.sum()).repeat(images.shape[1], 1, 1, 1)  # (C, 1, 1, K)
    padded = functional.pad(images, (reach,) * 4, mode="replicate")
    across = functional.conv2d(padded, weights, groups=images.shape[1])
    return functional.conv2d(across, weights.mT, groups=images.shape[1])


def check_numbers(**numbers: float) -> None:
    for name, value in numbers.items():
        if value < 0 or (name in ("steps", "octaves") and value < 1):
            least = 1 if name in ("steps", "octaves") else 0
            raise ValueError(f"{name} is {value}: expected {least} or more.")
