"""Adversarial examples: changes too small to see that make a network read another class."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from coursekit.viz.pixels import Bounds, black_and_white
from coursekit.viz.probing import Targets, as_targets, undisturbed

__all__ = ["fgsm", "pgd"]


def fgsm(
    network: nn.Module,
    images: Tensor,
    labels: Targets = None,
    *,
    epsilon: float = 2 / 255,
    towards: Targets = None,
    bounds: Bounds = (0.0, 1.0),
) -> Tensor:
    """One step of size epsilon for every pixel, up the loss: x + epsilon * sign(dL/dx), kept between black and white.

    Parameters
    ----------
    network : nn.Module
        (N, C, H, W) -> scores (N, classes). Run in evaluation mode, and given back as it was.
    images : Tensor of shape (N, C, H, W), floating
    labels : Tensor or sequence of int of shape (N,), int, optional
        The true classes, away from which the step goes; what the network reads now if left out.
    epsilon : float
        How far a pixel may change, where black is 0 and white 1. 1/255 is one step of an 8-bit picture.
    towards : like labels, optional
        Classes to go to instead: down THEIR loss.
    bounds : (low, high)
        The values that stand for black and white, as `coursekit.viz.pixel_bounds` gives them.

    Returns
    -------
    attacked : Tensor of shape (N, C, H, W)

    Raises
    ------
    TypeError, ValueError
        If the images are no float batch inside the bounds, a label is no class, or epsilon is below 0.

    Source: Goodfellow, Shlens & Szegedy (2014), "Explaining and harnessing adversarial examples", section 4.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False))
    >>> network[1].weight.data = torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    >>> fgsm(network, torch.tensor([[[[0.5, 0.5, 0.95]]]]), labels=0, epsilon=0.1)
    tensor([[[[0.4000, 0.6000, 0.9500]]]])
    """
    return pgd(
        network, images, labels, epsilon=epsilon, towards=towards, bounds=bounds, steps=1, rate=epsilon, seed=None
    )


def pgd(
    network: nn.Module,
    images: Tensor,
    labels: Targets = None,
    *,
    epsilon: float = 2 / 255,
    towards: Targets = None,
    bounds: Bounds = (0.0, 1.0),
    steps: int = 10,
    rate: float | None = None,
    seed: int | None = 0,
) -> Tensor:
    """Several smaller steps as of `fgsm`, each followed by a way back into the box of +-epsilon around the image.

    Parameters
    ----------
    network, images, labels, epsilon, towards, bounds
        As in `fgsm`.
    steps : int
    rate : float, optional
        Size of one step, in the unit of epsilon; 2.5 epsilon / steps if left out.
    seed : int, optional
        Of the place in the box where the steps begin; None begins at the image itself.

    Returns
    -------
    attacked : Tensor of shape (N, C, H, W)

    Raises
    ------
    TypeError, ValueError
        As `fgsm`, or if steps is below 1.

    Source: Madry et al. (2017), "Towards deep learning models resistant to adversarial attacks", section 2.1.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False))
    >>> network[1].weight.data = torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    >>> pgd(network, torch.tensor([[[[0.5, 0.5, 0.95]]]]), labels=0, epsilon=0.1, seed=None)
    tensor([[[[0.4000, 0.6000, 0.9500]]]])
    """
    if epsilon < 0 or steps < 1:
        raise ValueError(f"epsilon is {epsilon} and steps {steps}: expected 0 or more, and 1 or more.")
    with undisturbed(network, images) as pixels:
        low, high = black_and_white(bounds, pixels)
        _check_inside(pixels, low, high)
        with torch.no_grad():
            classes = as_targets(network(pixels.clone()), labels if towards is None else towards)
        unit = high - low  # one, in pixel units
        floor, ceiling = (
            (pixels.detach() - epsilon * unit).maximum(low),
            (pixels.detach() + epsilon * unit).minimum(high),
        )
        step = (2.5 * epsilon / steps if rate is None else rate) * unit * (1 if towards is None else -1)
        attacked = pixels.detach() if seed is None else floor + (ceiling - floor) * _uniform(pixels, seed)
        for _ in range(steps):
            uphill = _loss_gradient(network, attacked, classes).sign()
            attacked = (attacked + step * uphill).maximum(floor).minimum(ceiling)
    return attacked


def _loss_gradient(network: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    pixels = images.clone().requires_grad_()
    loss = functional.cross_entropy(network(pixels.clone()), classes, reduction="sum")
    return torch.autograd.grad(loss, pixels)[0]


def _uniform(images: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(images.shape, generator=generator, dtype=images.dtype).to(images.device)


def _check_inside(images: Tensor, low: Tensor, high: Tensor) -> None:
    slack = 1e-5 * (high - low)
    if (images < low - slack).any() or (images > high + slack).any():
        raise ValueError(
            f"images go from {images.min():.3g} to {images.max():.3g}, outside of black {low.min():.3g} and white "
            f"{high.max():.3g}: give bounds=, as pixel_bounds(pretrained()) has them."
        )
