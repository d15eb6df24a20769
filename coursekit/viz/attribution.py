"""Which pixels did a network look at? Answers by gradients: saliency, SmoothGrad, integrated gradients."""

import torch
from torch import Tensor, nn

from coursekit.viz.probing import Targets, as_targets, chosen_scores, undisturbed

__all__ = ["input_gradient", "integrated_gradients", "saliency", "smooth_grad"]


def input_gradient(network: nn.Module, images: Tensor, targets: Targets = None) -> Tensor:
    """How the score of a class changes with each number of the image: the gradient dS_c / dx.

    Parameters
    ----------
    network : nn.Module
        (N, C, H, W) -> scores (N, classes), before softmax. Run in evaluation mode, and given back as it was.
    images : Tensor of shape (N, C, H, W), floating
        As the network wants them.
    targets : Tensor or sequence of int of shape (N,), int, optional
        The class c of each image, or of all; the one with the highest score if left out.

    Returns
    -------
    gradients : Tensor of shape (N, C, H, W), in score units per unit of the input

    Raises
    ------
    TypeError, ValueError
        If the images are no float batch, or a target is no class of the network.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> network[1].weight.data = torch.tensor([[1.0, -2.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    >>> input_gradient(network, torch.ones(1, 1, 2, 2), targets=0)
    tensor([[[[ 1., -2.],
              [ 0.,  3.]]]])
    """
    with undisturbed(network, images) as pixels:
        score = chosen_scores(network(pixels.clone()), targets)  # a copy, for a first layer that works in place
        return torch.autograd.grad(score.sum(), pixels)[0]  # images do not meet, so the sum keeps them apart


def saliency(network: nn.Module, images: Tensor, targets: Targets = None) -> Tensor:
    """Where a small change of a pixel changes the score most: max over channels of |dS_c / dx|.

    Parameters
    ----------
    network, images, targets
        As in `input_gradient`.

    Returns
    -------
    maps : Tensor of shape (N, H, W), 0 and above

    Raises
    ------
    TypeError, ValueError
        As `input_gradient`.

    Source: Simonyan, Vedaldi & Zisserman (2013), "Deep inside convolutional networks", section 3.1.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> network[1].weight.data = torch.tensor([[1.0, -2.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    >>> saliency(network, torch.ones(1, 1, 2, 2), targets=0)  # of a linear network: |w|
    tensor([[[1., 2.],
             [0., 3.]]])
    """
    return input_gradient(network, images, targets).abs().amax(dim=1)


def smooth_grad(
    network: nn.Module,
    images: Tensor,
    targets: Targets = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
) -> Tensor:
    """Gradient, averaged over noisy copies of the image: 1/n sum_i dS_c / dx at x + N(0, sigma^2).

    Parameters
    ----------
    network, images, targets
        As in `input_gradient`. Without targets the class is the best of the image without noise.
    samples : int
        Number n of noisy copies; time grows with it.
    noise : float
        sigma as a share of the image's range, largest minus smallest value. The paper uses 0.1 to 0.2.
    seed : int
        Of the noise. PyTorch's own generator is left alone.

    Returns
    -------
    maps : Tensor of shape (N, C, H, W)

    Raises
    ------
    TypeError, ValueError
        As `input_gradient`, or if samples is below 1 or noise below 0.

    Source: Smilkov et al. (2017), "SmoothGrad: removing noise by adding noise", section 2.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> image = torch.rand(1, 1, 2, 2)  # a linear network has one gradient everywhere
    >>> torch.allclose(smooth_grad(network, image), input_gradient(network, image))
    True
    """
    _require_positive("samples", samples)
    if noise < 0:
        raise ValueError(f"noise is {noise}: expected 0 or more, such as 0.15 for 15 % of the image's range.")
    with undisturbed(network, images) as pixels, torch.no_grad():
        targets = as_targets(network(pixels.clone()), targets)
    images = images.detach()
    spread = noise * (images.amax(dim=(1, 2, 3), keepdim=True) - images.amin(dim=(1, 2, 3), keepdim=True))
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(images)
    for _ in range(samples):
        draw = torch.randn(images.shape, generator=generator, dtype=images.dtype).to(images.device)
        total += input_gradient(network, images + spread * draw, targets)
    return total / samples


def integrated_gradients(
    network: nn.Module,
    images: Tensor,
    targets: Targets = None,
    *,
    baseline: float | Tensor = 0.0,
    steps: int = 32,
) -> Tensor:
    """Share of each number of the image in the score: (x - x') times the mean gradient on the way from x' to x.

    The way is straight, and the integral is a sum over the middles of its steps. What makes the method special is
    completeness: the map's sum is S_c(x) - S_c(x'), but for the error of the sum.

    Parameters
    ----------
    network, images, targets
        As in `input_gradient`.
    baseline : float or Tensor
        The image x' that stands for "nothing there", of any shape that fits (N, C, H, W). For a network that
        takes centred values 0 is mid-grey.
    steps : int
        Steps of the sum; time grows with it.

    Returns
    -------
    maps : Tensor of shape (N, C, H, W), in score units

    Raises
    ------
    TypeError, ValueError
        As `input_gradient`, or if steps is below 1.

    Source: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks", equations 1 and 3.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> image = torch.rand(1, 1, 2, 2)
    >>> share = integrated_gradients(network, image, targets=1)
    >>> torch.allclose(share.sum(), (network(image) - network(torch.zeros(1, 1, 2, 2)))[0, 1])
    True
    """
    _require_positive("steps", steps)
    with undisturbed(network, images) as pixels, torch.no_grad():
        targets = as_targets(network(pixels.clone()), targets)
    images = images.detach()
    way = images - baseline
    total = torch.zeros_like(images)
    for step in range(steps):
        total += input_gradient(network, baseline + way * (step + 0.5) / steps, targets)
    return way * total / steps


def _require_positive(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} is {value}: expected 1 or more.")
