"""Frequent slips in assignment 6, written as learners write them; each is told what it did."""

import numpy as np
import torch
from torch.nn import functional

# ------------------------------------------------ question 1: kernels as a picture


def or_one_for_flat(kernels, columns, gap):
    """A span of 0 is replaced by 1, which leaves 0."""
    count, channels, height, width = kernels.shape
    rows = int(np.ceil(count / columns))
    grid = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, channels))
    for k in range(count):
        kernel = kernels[k].transpose(1, 2, 0)
        i, j = divmod(k, columns)
        area = grid[i * (height + gap) :, j * (width + gap) :][:height, :width]
        area[:] = (kernel - kernel.min()) / ((kernel.max() - kernel.min()) or 1)
    return grid


# ------------------------------------------------ question 3: hooks


def listen_with_one_handle(model, x, names):
    """The handle of each hook is written over by the next."""
    kept = {}
    for name in names:
        layer = dict(model.named_modules())[name]
        handle = layer.register_forward_hook(
            lambda layer, given, gave, name=name: kept.update({name: gave.detach().numpy().copy()})
        )
    model(x)
    handle.remove()
    return kept


def listen_and_copy_later(model, x, names):
    """The hook keeps the tensor with its graph; it is copied when the run is over."""
    kept, handles = {}, []
    for name in names:

        def hook(layer, given, gave, name=name):
            kept[name] = gave

        handles.append(model.get_submodule(name).register_forward_hook(hook))
    model(x)
    for handle in handles:
        handle.remove()
    return {name: gave.detach().clone().numpy() for name, gave in kept.items()}


def listen_without_copy(model, x, names):
    """No graph is kept, but the array shares its memory with the tensor."""
    kept, handles = {}, []
    for name in names:
        handles.append(
            model.get_submodule(name).register_forward_hook(
                lambda layer, given, gave, name=name: kept.__setitem__(name, gave.detach().numpy())
            )
        )
    with torch.no_grad():
        model(x)
    while handles:
        handles.pop().remove()
    return kept


def listen_to_index_0(model, x, names):
    """As for a single picture: `gave[0]`."""
    kept, handles = {}, []
    for name in names:

        def hook(layer, given, gave, name=name):
            kept[name] = np.array(gave[0].tolist())

        handles.append(model.get_submodule(name).register_forward_hook(hook))
    model(x)
    [handle.remove() for handle in handles]
    return kept


# ------------------------------------------------ question 5: saliency


def _slopes(model, x, single):
    leaf = x.detach().clone()
    leaf.requires_grad = True
    single(model(leaf)).backward()
    return leaf.grad.numpy()


def _chosen(classes):
    return lambda scores: sum(scores[n][k] for n, k in enumerate(classes))


def saliency_without_abs(model, x, classes):
    return _slopes(model, x, _chosen(classes)).max(axis=1)


def saliency_without_max(model, x, classes):
    return np.abs(_slopes(model, x, _chosen(classes)))


def saliency_crossed(model, x, classes):
    return np.abs(_slopes(model, x, lambda scores: scores[:, classes].sum())).max(axis=1)


def saliency_of_the_loss(model, x, classes):
    return np.abs(_slopes(model, x, lambda scores: functional.cross_entropy(scores, torch.tensor(classes)))).max(axis=1)


def saliency_of_the_probability(model, x, classes):
    return np.abs(_slopes(model, x, lambda scores: _chosen(classes)(torch.softmax(scores, dim=1)))).max(axis=1)


# ------------------------------------------------ question 6: Grad-CAM


def _cam(model, layer, x, target, zoom, *, combine, remove=True, over=lambda cam: cam / cam.max()):
    kept = {}

    def hook(module, given, gave):
        gave.retain_grad()
        kept["gave"] = gave

    handle = model.get_submodule(layer).register_forward_hook(hook)
    model(x.clone().requires_grad_())[0, target].backward()
    if remove:
        handle.remove()
    cam = combine(kept["gave"].detach().numpy()[0], kept["gave"].grad.numpy()[0])
    cam = over(cam) if cam.max() > 0 else cam
    return np.repeat(np.repeat(cam, zoom, axis=0), zoom, axis=1)


def _summed(maps, slopes):
    return np.tensordot(slopes.mean(axis=(1, 2)), maps, axes=1)


def cam_without_relu(model, layer, x, target, zoom):
    return _cam(model, layer, x, target, zoom, combine=_summed)


def cam_with_abs(model, layer, x, target, zoom):
    return _cam(model, layer, x, target, zoom, combine=lambda maps, slopes: np.abs(_summed(maps, slopes)))


def cam_without_weights(model, layer, x, target, zoom):
    return _cam(model, layer, x, target, zoom, combine=lambda maps, slopes: np.maximum(maps.mean(axis=0), 0))


def cam_with_its_hook(model, layer, x, target, zoom):
    combine = lambda maps, slopes: np.maximum(_summed(maps, slopes), 0)  # noqa: E731
    return _cam(model, layer, x, target, zoom, combine=combine, remove=False)


def cam_weights_not_averaged(model, layer, x, target, zoom):
    return _cam(model, layer, x, target, zoom, combine=lambda maps, slopes: np.maximum((maps * slopes).sum(0), 0))


# ------------------------------------------------ question 7: occlusion


def _covered(predict, image, window, stride, fill, value, *, edge=False):
    sums, times = np.zeros(image.shape[1:]), np.zeros(image.shape[1:])
    high, wide = window
    for i in range(0, image.shape[1], stride):
        for j in range(0, image.shape[2], stride):
            if edge or (i + high <= image.shape[1] and j + wide <= image.shape[2]):
                other = image.copy()
                other[:, i : i + high, j : j + wide] = fill.reshape(-1, 1, 1)
                sums[i : i + high, j : j + wide] += value(predict(image[None])[0], predict(other[None])[0])
                times[i : i + high, j : j + wide] += 1
    times[times == 0] = 1
    return sums / times


def occlusion_of_what_is_left(predict, image, label, window, stride, fill):
    return _covered(predict, image, window, stride, fill, lambda before, after: after[label])


def occlusion_after_minus_before(predict, image, label, window, stride, fill):
    return _covered(predict, image, window, stride, fill, lambda before, after: after[label] - before[label])


def occlusion_of_the_best(predict, image, label, window, stride, fill):
    return _covered(predict, image, window, stride, fill, lambda before, after: before.max() - after.max())


def occlusion_over_the_edge(predict, image, label, window, stride, fill):
    return _covered(predict, image, window, stride, fill, lambda a, b: a[label] - b[label], edge=True)


def occlusion_wide_and_high(predict, image, label, window, stride, fill):
    wide, high = window
    return _covered(predict, image, (high, wide), stride, fill, lambda a, b: a[label] - b[label])


# ------------------------------------------------ question 9: activation maximisation


def _climb(model, target, start, steps, *, step, low=-1.0, noted=lambda score, x: score):
    x, scores = start.clone(), []
    for _ in range(steps + 1):
        x.requires_grad_()
        score = model(x)[0, target]
        scores.append(noted(score.item(), x.detach()))
        if len(scores) <= steps:
            score.backward()
            x = step(x.detach(), x.grad).clip(low, 1)
    return x.detach().numpy()[0], scores


def climb_downhill(model, target, start, steps, rate, decay):
    return _climb(model, target, start, steps, step=lambda x, g: x - rate * (g + 2 * decay * x))


def climb_with_added_decay(model, target, start, steps, rate, decay):
    return _climb(model, target, start, steps, step=lambda x, g: x + rate * (g + 2 * decay * x))


def climb_with_decay_once(model, target, start, steps, rate, decay):
    return _climb(model, target, start, steps, step=lambda x, g: x + rate * (g - decay * x))


def climb_as_photos(model, target, start, steps, rate, decay):
    return _climb(model, target, start, steps, step=lambda x, g: x + rate * (g - 2 * decay * x), low=0.0)


def climb_noting_the_objective(model, target, start, steps, rate, decay):
    step = lambda x, g: x + rate * (g - 2 * decay * x)  # noqa: E731
    return _climb(model, target, start, steps, step=step, noted=lambda s, x: s - decay * x.square().sum().item())


# ------------------------------------------------ question 12: FGSM


def attack_downwards(model, x, classes, epsilon, targeted):
    """Always x - epsilon * sign, as in a step of training; right for a target alone."""
    leaf = x.clone().requires_grad_()
    functional.cross_entropy(model(leaf), classes).backward()
    sign = leaf.grad.sign() if not targeted else -leaf.grad.sign()
    return torch.clamp(x - epsilon * sign, 0, 1).numpy()
