"""More answers to assignment 6, questions 9 to 12: wrong ones, named after their thought, and right ones."""

import numpy as np
import torch
from torch.nn import functional

# ------------------------------------------------ question 9: activation maximisation


def climb_with_half_the_decay(model, target, start, steps, rate, decay):
    return climb_by_backward(model, target, start, steps, rate, decay / 2)


def climb_by_signs(model, target, start, steps, rate, decay):
    return climb_by_backward(model, target, start, steps, rate, decay, way=torch.sign)


def climb_without_clipping(model, target, start, steps, rate, decay):
    return climb_by_backward(model, target, start, steps, rate, decay, bound=1e9)


def climb_without_the_last_score(model, target, start, steps, rate, decay):
    picture, scores = climb_by_backward(model, target, start, steps, rate, decay)
    return picture, scores[:-1]


def climb_scores_with_decay(model, target, start, steps, rate, decay):
    picture, scores = climb_by_backward(model, target, start, steps, rate, decay)
    return picture, [score - decay * float((start**2).sum()) for score in scores]


def climb_to_black(model, target, start, steps, rate, decay):
    picture, scores = climb_by_backward(model, target, start, steps, rate, decay)
    return np.maximum(picture, 0), scores


def climb_by_backward(model, target, start, steps, rate, decay, *, way=lambda slopes: slopes, bound=1.0):
    """Right: the objective with its decay is written out, and PyTorch differentiates it."""
    x = start.detach().clone()
    heights = [model(x)[0, target].item()]
    for _ in range(steps):
        x.requires_grad_()
        x.grad = None
        objective = model(x)[0][target] - decay * x.pow(2).sum()
        objective.backward()
        with torch.no_grad():
            x = torch.clip(x + rate * way(x.grad), -bound, bound)
        heights.append(model(x)[0, target].item())
    return x.numpy()[0], heights


def climb_in_numpy(model, target, start, steps, rate, decay):
    """Right: the picture is an array, PyTorch is asked for scores and gradients only."""

    def asked(picture):
        leaf = torch.tensor(picture, requires_grad=True)
        score = model(leaf)[:, target].sum()
        return score.item(), torch.autograd.grad(score, leaf)[0].numpy()

    picture, scores = start.numpy().copy(), []
    for _ in range(steps):
        score, slopes = asked(picture)
        scores += [score]
        picture = np.clip((1 - 2 * rate * decay) * picture + rate * slopes, -1, 1)
    return picture[0].astype(np.float32), np.array([*scores, asked(picture)[0]])


# ------------------------------------------------ question 10: codes


def last_in_a_tie(codes, queries, k, measure):
    """The last of equally near codes comes first."""
    far = _distances(codes[::-1], queries, measure)
    return len(codes) - 1 - np.argsort(far, axis=1, kind="stable")[:, :k]


def farthest(codes, queries, k, measure):
    return np.argsort(-_distances(codes, queries, measure), axis=1, kind="stable")[:, :k]


def counted_from_one(codes, queries, k, measure):
    return np.argsort(_distances(codes, queries, measure), axis=1, kind="stable")[:, :k] + 1


def not_in_order(codes, queries, k, measure):
    return np.sort(np.argsort(_distances(codes, queries, measure), axis=1, kind="stable")[:, :k], axis=1)


def without_the_first(codes, queries, k, measure):
    return np.argsort(_distances(codes, queries, measure), axis=1, kind="stable")[:, 1 : k + 1]


def cosine_of_centred_codes(codes, queries, k, measure):
    middle = codes.mean(axis=0) if measure == "cosine" else 0
    return np.argsort(_distances(codes - middle, queries - middle, measure), axis=1, kind="stable")[:, :k]


def _distances(codes, queries, measure):
    if measure == "euclidean":
        return np.linalg.norm(queries[:, None] - codes, axis=2)
    return -(queries @ codes.T) / np.linalg.norm(queries, axis=1)[:, None] / np.linalg.norm(codes, axis=1)


def nearest_by_python(codes, queries, k, measure):
    """Right: plain sorting of pairs."""
    found = []
    for query in queries:
        if measure == "cosine":
            keys = [-float(query @ code) / float(np.sqrt(code @ code)) for code in codes]
        else:
            keys = [float(((query - code) ** 2).sum()) for code in codes]
        found.append(sorted(range(len(codes)), key=keys.__getitem__)[:k])
    return found


def nearest_on_the_sphere(codes, queries, k, measure):
    """Right: the cosine as a distance between codes of length 1."""
    if measure == "cosine":
        codes, queries = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (codes, queries))
    far = [[np.sum((query - code) ** 2) for code in codes] for query in queries]
    return np.argsort(far, axis=-1, kind="mergesort")[..., :k].astype(np.int32)


# ------------------------------------------------ question 11: rank correlation


def ranks_turned_round(a, b):
    return -rank_by_sorting(a, b)


def ranks_of_one_alone(a, b):
    flat = np.ravel(b).astype(float)
    ranks = _mean_ranks(a)
    return float(np.corrcoef(ranks, flat)[0, 1]) if flat.std() and ranks.std() else 0.0


def lowest_rank_in_a_tie(a, b):
    ranks = [np.searchsorted(np.sort(each, axis=None), np.ravel(each)) for each in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1]) if min(np.std(each) for each in ranks) else 0.0


def nan_for_flat(a, b):
    with np.errstate(invalid="ignore"):
        return float(np.corrcoef(_mean_ranks(a), _mean_ranks(b))[0, 1])


def one_for_flat(a, b):
    return rank_by_sorting(a, b) if np.ptp(a) and np.ptp(b) else 1.0


def _mean_ranks(values):
    flat = np.ravel(values)
    ordered = np.sort(flat)
    return (np.searchsorted(ordered, flat, "left") + np.searchsorted(ordered, flat, "right") + 1) / 2


def rank_by_sorting(a, b):
    """Right: the mean of the first and the last place in the sorted row."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0
    return np.corrcoef(_mean_ranks(a), _mean_ranks(b))[0, 1]


def rank_by_counting(a, b):
    """Right: a value's rank from the signs of its differences to all others."""
    signs = [np.sign(np.subtract.outer(np.ravel(each), np.ravel(each))).sum(axis=1) for each in (a, b)]
    size = np.sqrt(np.square(signs[0]).sum() * np.square(signs[1]).sum())
    return np.float32(signs[0] @ signs[1] / size) if size else np.float32(0)


# ------------------------------------------------ question 12: FGSM


def attack_moves_all_pixels(model, x, classes, epsilon, targeted):
    return attack_by_backward(model, x, classes, epsilon, targeted, signs=lambda s: torch.where(s < 0, -1.0, 1.0))


def attack_on_the_score(model, x, classes, epsilon, targeted):
    def score(scores, classes):
        return -scores.gather(1, classes[:, None]).sum()

    return attack_by_backward(model, x, classes, epsilon, targeted, loss=score)


def attack_clipped_to_a_sign(model, x, classes, epsilon, targeted):
    return attack_by_backward(model, x, classes, epsilon, targeted, low=-1.0)


def attack_the_first_class(model, x, classes, epsilon, targeted):
    return attack_by_backward(model, x, classes[:1].expand(len(classes)), epsilon, targeted)


def the_step_alone(model, x, classes, epsilon, targeted):
    return attack_by_backward(model, x, classes, epsilon, targeted) - x.numpy()


def _sum_of_losses(scores, classes):
    return functional.cross_entropy(scores, classes, reduction="sum")


def attack_by_backward(model, x, classes, epsilon, targeted, *, signs=torch.sign, loss=_sum_of_losses, low=0.0):
    """Right: the sum of the losses in place of their mean has the same signs."""
    picture = x.detach().clone()
    picture.requires_grad = True
    loss(model(picture), classes).backward()
    direction = signs(picture.grad) * (-1 if targeted else 1)
    return torch.clip(picture.detach() + epsilon * direction, low, 1).numpy()


def attack_one_by_one(model, x, classes, epsilon, targeted):
    """Right: the loss of each picture written out, the step in NumPy, float32 at the end."""
    found = []
    for picture, label in zip(x, classes.tolist(), strict=True):
        leaf = picture[None].clone().requires_grad_()
        scores = model(leaf)[0]
        surprise = torch.logsumexp(scores, 0) - scores[label]
        slopes = torch.autograd.grad(-surprise if targeted else surprise, leaf)[0][0].numpy()
        moved = picture.numpy() + epsilon * ((slopes > 0) * 1.0 - (slopes < 0))
        found.append(np.minimum(np.maximum(moved, 0), 1))
    return np.array(found, np.float32)
