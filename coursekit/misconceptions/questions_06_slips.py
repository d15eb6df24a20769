"""More wrong thoughts about the PyTorch questions of assignment 6: slips in hooks, slopes, maps and steps.

PyTorch is imported where it is used, so that this module stays light.
"""

from typing import TYPE_CHECKING

import numpy as np

from coursekit.misconceptions.questions_06_torch import (
    _attacked,
    _climbed,
    _copy,
    _enlarged,
    _shares,
    _slopes,
    _taken,
    _weighted,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

# ------------------------------------------------ question 3: hooks


def last_hook_removed_alone(model: "nn.Module", x: "Tensor", names: list[str]) -> dict:
    """This keeps one handle in a loop over several hooks, and removes the last hook alone."""
    kept, handle = {}, None
    for name in names:

        def keep(layer, given, gave, name=name):
            kept[name] = _copy(given, gave)

        handle = model.get_submodule(name).register_forward_hook(keep)
    model(x)
    handle.remove()
    return kept


def first_picture_alone(model: "nn.Module", x: "Tensor", names: list[str]) -> dict:
    """This keeps what the layers gave for the first picture. All N are asked for."""
    kept, handles = {}, []
    for name in names:

        def keep(layer, given, gave, name=name):
            kept[name] = _copy(given, gave[0])

        handles.append(model.get_submodule(name).register_forward_hook(keep))
    model(x)
    for handle in handles:
        handle.remove()
    return kept


# ------------------------------------------------ question 5: saliency


def largest_without_size(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This takes the largest slope with its sign, so that steep falls are lost."""
    return _slopes(model, x, classes).amax(1).numpy()


def every_channel_kept(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This keeps a map for each channel. One map for each picture is asked for."""
    return _slopes(model, x, classes).abs().numpy()


def its_own_answer(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This asks about the class that the network says. The list names the classes."""
    return _slopes(model, x, model(x).argmax(1).tolist()).abs().amax(1).numpy()


def all_scores_at_once(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This adds up the scores of all classes. Each picture is asked about one."""
    return _pulled(model, x, lambda scores: scores.sum())


def every_class_for_every_picture(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This takes the columns of all named classes for every picture. Picture n has class n of the list alone."""
    return _pulled(model, x, lambda scores: scores[:, classes].sum())


def mean_of_the_scores(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This takes the mean of the N scores, so that each map is N times too weak."""
    return _slopes(model, x, classes).abs().amax(1).numpy() / len(classes)


def slopes_of_the_loss(model: "nn.Module", x: "Tensor", classes: list[int]) -> np.ndarray:
    """This asks the loss, in which softmax brings in the rivals. Saliency asks the score."""
    from torch import tensor
    from torch.nn.functional import cross_entropy

    return _pulled(model, x, lambda scores: cross_entropy(scores, tensor(classes)))


def _pulled(model, x, single):
    import torch

    pixels = x.clone().requires_grad_()
    return torch.autograd.grad(single(model(pixels)), pixels)[0].abs().amax(1).numpy()


# ------------------------------------------------ question 6: Grad-CAM


def unscaled_evidence(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This is not divided by its largest number, so that the best place has any value."""
    return _enlarged(_weighted(*_taken(model, layer, x, target)).relu().numpy(), zoom)


def stretched_evidence(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This stretches from the smallest number to the largest. The weakest evidence is then taken for none."""
    places = _weighted(*_taken(model, layer, x, target)).relu()
    places = places - places.min() if places.max() > places.min() else places
    return _enlarged(_shares(places), zoom)


def sizes_of_evidence(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This takes sizes where a ReLU belongs, so that what speaks against the class looks like evidence."""
    return _enlarged(_shares(_weighted(*_taken(model, layer, x, target)).abs()), zoom)


def unweighted_maps(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This adds the maps up as they are. The class then plays no part in it."""
    maps, _ = _taken(model, layer, x, target)
    return _enlarged(_shares(maps.sum(0).relu()), zoom)


def evidence_smoothed(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This enlarges by interpolation. Each number becomes a square of equal pixels."""
    from torch.nn.functional import interpolate

    places = _weighted(*_taken(model, layer, x, target)).relu()
    places = places / places.max() if places.max() > 0 else places
    return interpolate(places[None, None], scale_factor=zoom, mode="bilinear")[0, 0].numpy()


def evidence_hook_left(model: "nn.Module", layer: str, x: "Tensor", target: int, zoom: int) -> np.ndarray:
    """This leaves its hook in the network."""
    found = _enlarged(_shares(_weighted(*_taken(model, layer, x, target)).relu()), zoom)
    model.get_submodule(layer).register_forward_hook(lambda *said: None)
    return found


# ------------------------------------------------ question 9: activation maximisation


def decay_without_its_two(
    model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float
) -> tuple:
    """This takes decay times x for the slope of decay times the square of x."""
    return _climbed(model, target, start, steps, rate, decay / 2)


def decay_upwards(model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float) -> tuple:
    """This adds the decay's slope, which pushes pixels away from 0."""
    return _climbed(model, target, start, steps, rate, -decay)


def last_score_missing(
    model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float
) -> tuple:
    """This notes the score before each step, and forgets that of the last picture."""
    picture, scores = _climbed(model, target, start, steps, rate, decay)
    return picture, scores[:-1]


def clipped_like_a_photo(
    model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float
) -> tuple:
    """This clips to 0..1, as for photographs. Here pixels lie between -1 and 1."""
    return _climbed(model, target, start, steps, rate, decay, low=0)


def never_clipped(model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float) -> tuple:
    """This lets pixels leave the range from -1 to 1."""
    return _climbed(model, target, start, steps, rate, decay, each=False, end=False)


def score_less_decay(model: "nn.Module", target: int, start: "Tensor", steps: int, rate: float, decay: float) -> tuple:
    """This notes what is climbed, with the decay in it. The score alone is asked for."""
    scores, x = [], start
    for left in range(steps, -1, -1):
        scores.append(model(x)[0, target].item() - decay * float((x**2).sum()))
        if left:
            x = _stepped(model, target, x, rate, decay)
    return x[0].detach().numpy(), scores


def _stepped(model, target, x, rate, decay):
    from torch import from_numpy

    return from_numpy(_climbed(model, target, x, 1, rate, decay)[0])[None]


# ------------------------------------------------ question 12: FGSM


def away_from_the_score(
    model: "nn.Module", x: "Tensor", classes: "Tensor", epsilon: float, targeted: bool
) -> np.ndarray:
    """This asks the score of the class for its slopes. The loss has the rivals in it as well."""
    slopes = _slopes(model, x, classes.tolist())
    return (x + (epsilon if targeted else -epsilon) * slopes.sign()).clamp(0, 1).numpy()


def the_change_alone(model: "nn.Module", x: "Tensor", classes: "Tensor", epsilon: float, targeted: bool) -> np.ndarray:
    """This returns what was added. The attacked pictures are asked for."""
    return _attacked(model, x, classes, -epsilon if targeted else epsilon) - x.numpy()
