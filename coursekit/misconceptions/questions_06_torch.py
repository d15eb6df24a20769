"""Wrong thoughts about the PyTorch questions of assignment 6, each with the value it leads to.

PyTorch is imported where it is used, so that this module stays light.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

# ------------------------------------------------ question 3: hooks


def overwritten_in_place(model: "nn.Module", x: "Tensor", names: list[str]) -> dict:
    """This keeps the tensor itself, and the ReLU behind writes over it. Keep a copy."""
    kept = _listened(model, x, names, lambda given, gave: gave.detach())
    return {name: maps.numpy() for name, maps in kept.items()}


def hooks_left_behind(model: "nn.Module", x: "Tensor", names: list[str]) -> dict:
    """This leaves the hooks in the network, so that its next run goes into the same dictionary."""
    return _listened(model, x, names, _copy, leave=True)


def last_name_for_all(model: "nn.Module", x: "Tensor", names: list[str]) -> dict:
    """This makes its hooks in a loop, and all of them see the loop's last name."""
    kept = _listened(model, x, names, _copy)
    return {names[-1]: list(kept.values())[-1]}


def what_went_in(model: "nn.Module", x: "Tensor", names: list[str]) -> dict:
    """This keeps what the layer was given. What it gave is the hook's third argument."""
    return _listened(model, x, names, lambda given, gave: _copy(given, given[0]))


def _copy(given, gave):
    return gave.detach().clone().numpy()


def _listened(model, x, names, taken, *, leave=False):
    kept, handles = {}, []
    for name in names:

        def keep(layer, given, gave, name=name):
            kept[name] = taken(given, gave)

        handles.append(model.get_submodule(name).register_forward_hook(keep))
    model(x)
    for handle in handles if not leave else ():
        handle.remove()
    return kept


# ------------------------------------------------ question 5: saliency


def after_softmax(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This asks the probability, in which the rivals have a say. Saliency asks the score."""
    return _slopes(lambda pixels: model(pixels).softmax(1), x, classes).abs().amax(1).numpy()


def largest_then_size(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This takes the largest slope of the channels and then its size. First the sizes."""
    return _slopes(model, x, classes).amax(1).abs().numpy()


def mean_of_channels(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This takes the mean of the channels. The largest is asked for."""
    return _slopes(model, x, classes).abs().mean(1).numpy()


def times_the_picture(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This multiplies by the picture: what pixels add to the score. Saliency is the slope alone."""
    return (_slopes(model, x, classes) * x).abs().amax(1).numpy()


def _slopes(answer, x, classes):
    import torch

    pixels = x.clone().requires_grad_()
    chosen = answer(pixels)[range(len(classes)), classes].sum()
    return torch.autograd.grad(chosen, pixels)[0]


# ------------------------------------------------ question 6: Grad-CAM


def each_place_its_own_slope(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This multiplies each place by its own slope. A map has one weight, the mean of its slopes."""
    maps, slopes = _taken(model, layer, x, target)
    return _enlarged(_shares((maps * slopes).sum(0).relu()), zoom)


def unclipped_evidence(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This keeps what speaks against the class. Only what is above 0 is evidence."""
    return _enlarged(_shares(_weighted(*_taken(model, layer, x, target))), zoom)


def against_dropped_too_early(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This drops maps with a weight below 0. The ReLU comes after the sum."""
    maps, slopes = _taken(model, layer, x, target)
    weights = slopes.mean(dim=(1, 2), keepdim=True).relu()
    return _enlarged(_shares((weights * maps).sum(0).relu()), zoom)


def slopes_after_softmax(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This asks the probability for its slopes. Grad-CAM asks the score before softmax."""
    maps, slopes = _taken(model, layer, x, target, lambda scores: scores.softmax(1))
    return _enlarged(_shares(_weighted(maps, slopes).relu()), zoom)


def tiled_evidence(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This lays copies of the map side by side. Each number becomes a square of equal pixels."""
    return np.tile(_shares(_weighted(*_taken(model, layer, x, target)).relu()), (zoom, zoom))


def _taken(model, layer, x, target, end=lambda scores: scores):
    import torch

    kept = []
    handle = model.get_submodule(layer).register_forward_hook(lambda *said: kept.append(said[2]))
    score = end(model(x))[0, target]
    handle.remove()
    (slopes,) = torch.autograd.grad(score, kept[0])
    return kept[0][0].detach(), slopes[0]


def _weighted(maps, slopes):
    return (slopes.mean(dim=(1, 2), keepdim=True) * maps).sum(0)


def _shares(places):
    return (places / places.max() if places.max() > 0 else places).numpy()


def _enlarged(places, zoom):
    return np.kron(places, np.ones((zoom, zoom)))


# ------------------------------------------------ question 9: activation maximisation


def down_the_hill(model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float) -> tuple:
    """This goes downhill, as training does with a loss. The score shall rise."""
    return _climbed(model, target, start, steps, rate, decay, sign=-1)


def without_decay(model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float) -> tuple:
    """This forgets the decay, which pulls each pixel towards 0."""
    return _climbed(model, target, start, steps, rate, 0)


def gradient_of_the_start(
    model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float
) -> tuple:
    """This takes the gradient once. It changes with the picture."""
    return _climbed(model, target, start, steps, rate, decay, anew=False)


def clipped_at_the_end(
    model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float
) -> tuple:
    """This clips once, at the end. Each step is clipped, and the next one begins there."""
    return _climbed(model, target, start, steps, rate, decay, each=False)


def sure_instead_of_liked(
    model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float
) -> tuple:
    """This climbs the probability, which rises as well if the rivals fall."""
    return _climbed(lambda x: model(x).softmax(1), target, start, steps, rate, decay)


def _climbed(model, target, start, steps, rate, decay, *, sign=1, anew=True, each=True, low=-1, end=True):
    import torch

    x, scores, uphill = start, [], None
    for _ in range(steps):
        x = x.detach().clone().requires_grad_()
        score = model(x)[0, target]
        scores.append(score.item())
        uphill = torch.autograd.grad(score, x)[0] if anew or uphill is None else uphill
        x = x + rate * (sign * uphill - 2 * decay * x)
        x = x.clamp(low, 1) if each else x
    x = x.detach().clamp(-1, 1) if end else x.detach()
    return x[0].numpy(), [*scores, model(x)[0, target].item()]


# ------------------------------------------------ question 12: FGSM


def always_away(model: "nn.Module", x: "Tensor", classes: "Tensor", epsilon: float, targeted: bool) -> np.ndarray:
    """This raises the loss of the class that it wants. Towards a class the loss falls."""
    return _attacked(model, x, classes, epsilon)


def down_the_loss(model: "nn.Module", x: "Tensor", classes: "Tensor", epsilon: float, targeted: bool) -> np.ndarray:
    """This has its signs turned round: it makes the network surer of the right class."""
    return _attacked(model, x, classes, epsilon if targeted else -epsilon)


def along_the_gradient(
    model: "nn.Module", x: "Tensor", classes: "Tensor", epsilon: float, targeted: bool
) -> np.ndarray:
    """This goes along the gradient itself. With its sign each pixel moves by all of epsilon."""
    return _attacked(model, x, classes, -epsilon if targeted else epsilon, way=lambda slopes: slopes)


def beyond_black_and_white(
    model: "nn.Module", x: "Tensor", classes: "Tensor", epsilon: float, targeted: bool
) -> np.ndarray:
    """This lets pixels leave the range from 0 to 1."""
    return _attacked(model, x, classes, -epsilon if targeted else epsilon, clip=False)


def _attacked(model, x, classes, epsilon, *, way=lambda slopes: slopes.sign(), clip=True):
    import torch

    pixels = x.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(pixels), classes)
    (slopes,) = torch.autograd.grad(loss, pixels)
    moved = x + epsilon * way(slopes)
    return (moved.clamp(0, 1) if clip else moved).numpy()
