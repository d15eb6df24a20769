"""Of looking into a network: how maps, gradients and pieces are put together rightly, and the ways it goes wrong."""

from collections.abc import Callable

import numpy as np

Score = Callable[[np.ndarray], float]

# ------------------------------------------------ saliency of a linear score, w * x summed


def linear_saliency(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The score is the sum of w * x, so its gradient is w whatever the picture is, and saliency is its size."""
    return np.abs(w)


def share_in_score(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """This is what each pixel adds to the score, w * x. Saliency asks what a small change of the pixel would do."""
    return w * x


def signed_gradient(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """This is the gradient with its sign. Saliency drops the sign: down counts as much as up."""
    return w.copy()


def bright_pixels(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """This is the brightness of the pixels. A black pixel matters too, if the score would change with it."""
    return np.abs(x)


# ------------------------------------------------ Grad-CAM from maps and gradients, both (K, h, w)


def grad_cam(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """One weight for each map, its mean gradient; add the weighted maps; keep what speaks for the class."""
    return np.maximum(unclipped(maps, gradients), 0)


def unclipped(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """This leaves out the ReLU: places that speak against the class come out below 0."""
    weights = gradients.mean(axis=(1, 2))
    return np.tensordot(weights, maps, axes=1)


def gradient_in_place(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """This multiplies each place with its own gradient. Grad-CAM takes ONE weight for a map, the mean over places."""
    return np.maximum((gradients * maps).sum(axis=0), 0)


def clipped_weights(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """This drops the maps that speak against the class before adding up. The ReLU comes after the sum."""
    weights = np.maximum(gradients.mean(axis=(1, 2)), 0)
    return np.tensordot(weights, maps, axes=1)


def swapped_roles(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """This weights the gradients by the mean of the maps. It is the maps that are weighted, by the mean gradient."""
    return np.maximum(np.tensordot(maps.mean(axis=(1, 2)), gradients, axes=1), 0)


# ------------------------------------------------ the way back through a ReLU with input z, where r arrives


def guided_rule(z: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Both gates: the input was above 0, and so is what arrives from above."""
    return np.where((z > 0) & (r > 0), r, 0)


def true_gradient(z: np.ndarray, r: np.ndarray) -> np.ndarray:
    """This is the true gradient: open where the input was above 0. Guided backprop also stops what arrives below 0."""
    return np.where(z > 0, r, 0)


def deconvnet_rule(z: np.ndarray, r: np.ndarray) -> np.ndarray:
    """This is the deconvnet: it asks whether what arrives is above 0, and forgets to ask the input."""
    return np.maximum(r, 0)


def forward_again(z: np.ndarray, r: np.ndarray) -> np.ndarray:
    """This is the ReLU on the way forward. On the way back it is the gradient that passes, not the input."""
    return np.maximum(z, 0)


# ------------------------------------------------ occlusion: (H, W) -> what the score loses at each place


def occlusion_map(score: Score, image: np.ndarray, window: int, stride: int) -> np.ndarray:
    """Cover one window of a fresh copy with 0 and note how far the score falls: the score before minus after."""
    whole = score(image)
    drops = []
    for rows in _windows(image.shape[0], window, stride):
        for columns in _windows(image.shape[1], window, stride):
            covered = image.copy()
            covered[rows, columns] = 0
            drops.append(whole - score(covered))
    return np.reshape(drops, [len(_windows(side, window, stride)) for side in image.shape])


def scores_left(score: Score, image: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This is the score that is left. The map shows what was lost: the score before minus the score after."""
    return score(image) - occlusion_map(score, image, window, stride)


def gain_for_drop(score: Score, image: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This has the sign turned round: after minus before is negative where the network needed what was hidden."""
    return -occlusion_map(score, image, window, stride)


def never_uncovered(score: Score, image: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This covers window after window of the SAME copy, so that in the end all is black: copy the picture each time."""
    whole, covered = score(image), image.copy()
    shape = [len(_windows(side, window, stride)) for side in image.shape]
    drops = []
    for rows in _windows(image.shape[0], window, stride):
        for columns in _windows(image.shape[1], window, stride):
            covered[rows, columns] = 0
            drops.append(whole - score(covered))
    return np.reshape(drops, shape)


def window_alone(score: Score, image: np.ndarray, window: int, stride: int) -> np.ndarray:
    """This shows the network the window and hides the rest. Occlusion hides the window and shows the rest."""
    scores = []
    for rows in _windows(image.shape[0], window, stride):
        for columns in _windows(image.shape[1], window, stride):
            only = np.zeros_like(image)
            only[rows, columns] = image[rows, columns]
            scores.append(score(only))
    return np.reshape(scores, [len(_windows(side, window, stride)) for side in image.shape])


def _windows(side: int, window: int, stride: int) -> list[slice]:
    return [slice(start, start + window) for start in range(0, side - window + 1, stride)]


# ------------------------------------------------ a step that raises the loss


def fgsm(image: np.ndarray, gradient: np.ndarray, epsilon: float) -> np.ndarray:
    """Each pixel goes epsilon up or down, whichever raises the loss, and stays between black and white."""
    return np.clip(image + epsilon * np.sign(gradient), 0, 1)


def downhill(image: np.ndarray, gradient: np.ndarray, epsilon: float) -> np.ndarray:
    """This goes down the loss, as training does with weights. An attack goes up."""
    return np.clip(image - epsilon * np.sign(gradient), 0, 1)


def without_sign(image: np.ndarray, gradient: np.ndarray, epsilon: float) -> np.ndarray:
    """This goes along the gradient itself: most pixels hardly move. With its sign each moves by all of epsilon."""
    return np.clip(image + epsilon * gradient, 0, 1)


def beyond_white(image: np.ndarray, gradient: np.ndarray, epsilon: float) -> np.ndarray:
    """This leaves the range of pixels: nothing is whiter than 1 or blacker than 0, so clip."""
    return image + epsilon * np.sign(gradient)


# ------------------------------------------------ how far a linear score moves


def along_all_signs(w: np.ndarray, epsilon: float) -> float:
    """Each pixel moves by epsilon in the direction that counts, so the sizes of all weights add up."""
    return _two_digits(epsilon * np.abs(w).sum())


def largest_weight(w: np.ndarray, epsilon: float) -> float:
    """This moves one pixel, the most important one. All of them may move, each by epsilon."""
    return _two_digits(epsilon * np.abs(w).max())


def typical_noise(w: np.ndarray, epsilon: float) -> float:
    """This is what random signs do: most of it cancels, and the root of the sum of squares is left."""
    return _two_digits(epsilon * np.sqrt((w**2).sum()))


def pixels_times_epsilon(w: np.ndarray, epsilon: float) -> float:
    """This counts pixels and forgets their weights: a step of epsilon moves the score by epsilon times the weight."""
    return _two_digits(epsilon * w.size)


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
