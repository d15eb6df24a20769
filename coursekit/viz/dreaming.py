"""What a layer still knows of an image, and what it would like to see more of: feature inversion and DeepDream."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from coursekit.viz.optimise import Progress, check_numbers, features_of, total_variation
from coursekit.viz.pixels import Bounds, black_and_white
from coursekit.viz.probing import find_layer, undisturbed

__all__ = ["deep_dream", "invert_features"]


def invert_features(
    network: nn.Module,
    images: Tensor,
    layer: str | nn.Module,
    *,
    steps: int = 200,
    rate: float = 0.05,
    variation: float = 0.5,
    bounds: Bounds = (0.0, 1.0),
    seed: int = 0,
    progress: Progress = iter,
) -> Tensor:
    """What a layer still knows: images, begun as noise, that it takes for the given ones.

    Minimised by Adam: |F(x) - F0|^2 / |F0|^2 + variation * TV(x), where F is what the layer gives and TV the total
    variation in pixel units.

    Parameters
    ----------
    network : nn.Module
        Run in evaluation mode, and given back as it was.
    images : Tensor of shape (N, C, H, W), floating
        Only what the layer makes of them is used.
    layer : str or nn.Module
    steps : int
    rate : float
        Adam's learning rate, where black is 0 and white 1.
    variation : float
        Weight of smoothness. More is smoother, and further from the features.
    bounds, progress
        As in `maximise_activation`.
    seed : int
        Of the noise.

    Returns
    -------
    inverted : Tensor of shape (N, C, H, W), between black and white

    Raises
    ------
    TypeError, ValueError
        If images is no float batch, there is no such layer, or a number is below 0.

    Source: Mahendran & Vedaldi (2015), "Understanding deep image representations by inverting them", section 2.

    >>> network = nn.Sequential(nn.Identity(), nn.Flatten())
    >>> image = torch.tensor([[[[0.2, 0.9], [0.4, 0.1]]]])
    >>> torch.allclose(invert_features(network, image, "0", variation=0), image, atol=0.01)
    True
    """
    check_numbers(steps=steps, rate=rate, variation=variation)
    generator = torch.Generator().manual_seed(seed)
    with undisturbed(network, images) as pixels:
        low, high = black_and_white(bounds, pixels)
        part = find_layer(network, layer)
        wanted = features_of(network, part, pixels).detach()
        size = wanted.flatten(1).square().sum(1).clamp(min=1e-12)
        noise = torch.rand(images.shape, generator=generator, dtype=images.dtype).to(images.device)
        shares = (0.5 + 0.1 * (noise - 0.5)).requires_grad_()  # the unknown, from 0 for black to 1 for white
        adam = torch.optim.Adam([shares], lr=rate)
        for _ in progress(range(steps)):
            difference = features_of(network, part, low + (high - low) * shares) - wanted
            misfit = difference.flatten(1).square().sum(1) / size
            loss = (misfit + variation * total_variation(shares)).sum()
            shares.grad = torch.autograd.grad(loss, shares)[0]
            adam.step()
            shares.data.clamp_(0, 1)
    return (low + (high - low) * shares).detach()


def deep_dream(
    network: nn.Module,
    images: Tensor,
    layer: str | nn.Module,
    *,
    octaves: int = 4,
    scale: float = 1.3,
    steps: int = 10,
    rate: float = 0.02,
    jitter: int = 16,
    bounds: Bounds = (0.0, 1.0),
    seed: int = 0,
    progress: Progress = iter,
) -> Tensor:
    """More of whatever a layer sees: gradient ascent on half the mean square of its output, from coarse to fine.

    An octave is the image at one size. The smallest dreams first; what it dreamt is enlarged and added to the next.

    Parameters
    ----------
    network : nn.Module
        Run in evaluation mode, and given back as it was. It must take smaller images than usual: of a network with
        fixed fully connected layers give the convolutional part alone.
    images : Tensor of shape (N, C, H, W), floating
    layer : str or nn.Module
    octaves : int
    scale : float
        Between the sides of two octaves.
    steps : int
        Of each octave.
    rate : float
        Mean change of a pixel in one step, where black is 0 and white 1.
    jitter : int
        Largest shift, in pixels, drawn anew for each step.
    bounds, progress
        As in `maximise_activation`; progress wraps the octaves.
    seed : int
        Of the shifts.

    Returns
    -------
    dreams : Tensor of shape (N, C, H, W), between black and white

    Raises
    ------
    TypeError, ValueError
        If images is no float batch, there is no such layer, or a number is below 0.

    Source: Mordvintsev, Olah & Tyka (2015), "Inceptionism: going deeper into neural networks".

    >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    >>> dream = deep_dream(network, torch.full((1, 1, 12, 12), 0.5), "0", octaves=2)
    >>> dream.shape, float(dream.min()) >= 0, float(dream.max()) <= 1
    (torch.Size([1, 1, 12, 12]), True, True)
    """
    check_numbers(octaves=octaves, steps=steps, rate=rate, jitter=jitter)
    if scale <= 1:
        raise ValueError(f"scale is {scale}: expected more than 1, such as 1.3.")
    generator = torch.Generator().manual_seed(seed)
    with undisturbed(network, images) as pixels:
        low, high = black_and_white(bounds, pixels)
        part, pixels = find_layer(network, layer), pixels.detach()
        dreamt = torch.zeros_like(pixels)
        for octave in progress(range(octaves)):
            sides = [max(1, round(side / scale ** (octaves - 1 - octave))) for side in pixels.shape[2:]]
            small = _resized(pixels, sides)
            image = small + _resized(dreamt, sides)
            for _ in range(steps):
                shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
                uphill = _more(network, part, image.roll(shift, dims=(2, 3))).roll([-s for s in shift], dims=(2, 3))
                image = (image + rate * (high - low) * uphill).maximum(low).minimum(high)
            dreamt = image - small
    return image


def _more(network: nn.Module, part: nn.Module, images: Tensor) -> Tensor:
    """Direction in which the layer's output grows, scaled to a mean size of 1."""
    pixels = images.requires_grad_()
    goal = features_of(network, part, pixels).square().flatten(1).mean(1) / 2
    uphill = torch.autograd.grad(goal.sum(), pixels)[0]
    return uphill / uphill.abs().mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-20)


def _resized(images: Tensor, sides: list[int]) -> Tensor:
    return functional.interpolate(images, sides, mode="bilinear", antialias=True)
