"""Answers to assignment 6: more wrong ones, each named after its thought, and right ones that look different."""

import numpy as np
import torch
from torch.nn import functional

from coursekit.misconceptions import questions_06 as np_wrong

# ------------------------------------------------ question 1: kernels as a picture


def gaps_around(kernels, columns, gap):
    grid = grid_by_padding(kernels, columns, gap)
    return np.pad(grid, [(gap, gap), (gap, gap), (0, 0)], constant_values=1.0)


def gaps_black(kernels, columns, gap):
    marks = grid_by_padding(np.zeros_like(kernels), columns, gap)  # 0.5 where a kernel stands
    return np.where(marks == 0.5, grid_by_padding(kernels, columns, gap), 0.0)


def channels_in_front(kernels, columns, gap):
    return grid_by_padding(kernels, columns, gap).transpose(2, 0, 1)


def flat_ones_divided_by_zero(kernels, columns, gap):
    low, high = (each(kernels, axis=(1, 2, 3), keepdims=True) for each in (np.min, np.max))
    return np_wrong._laid_out((kernels - low) / (high - low), columns, gap)


def as_few_columns_as_needed(kernels, columns, gap):
    return grid_by_padding(kernels, min(columns, len(kernels)), gap)


def grid_by_padding(kernels, columns, gap):
    """Right: each kernel gets its gap to the right and below, rows are joined, and the rim is cut off."""
    squares = []
    for kernel in kernels:
        low, high = float(kernel.min()), float(kernel.max())
        scaled = np.full_like(kernel, 0.5) if low == high else (kernel - low) / (high - low)
        scaled = np.moveaxis(scaled, 0, 2)
        squares.append(np.pad(scaled, [(0, gap), (0, gap), (0, 0)], constant_values=1))
    while len(squares) % columns:
        squares.append(np.ones_like(squares[0]))
    rows = [np.concatenate(squares[k : k + columns], axis=1) for k in range(0, len(squares), columns)]
    return np.concatenate(rows)[:-gap, :-gap]


def grid_by_pixels(kernels, columns, gap):
    """Right: every pixel of the picture asks which kernel it belongs to."""
    count, channels, height, width = kernels.shape
    rows = (count + columns - 1) // columns
    grid = np.ones((rows * height + (rows - 1) * gap, columns * width + (columns - 1) * gap, channels), np.float32)
    for y, x in np.ndindex(grid.shape[:2]):
        (row, i), (column, j) = divmod(y, height + gap), divmod(x, width + gap)
        k = row * columns + column
        if i < height and j < width and k < count:
            low, high = kernels[k].min(), kernels[k].max()
            grid[y, x] = (kernels[k, :, i, j] - low) / (high - low) if high > low else 0.5
    return grid


# ------------------------------------------------ question 2: likeness


def likeness_of_each_kernel(kernels):
    return float(np.mean([likeness_by_loops(kernel[None]) for kernel in kernels]))


def likeness_with_one_mean(kernels):
    return np_wrong.means_left_in(kernels - kernels.mean())


def likeness_around_the_corner(kernels):
    k = kernels - kernels.mean(axis=(2, 3), keepdims=True)
    other = np.stack([np.roll(k, -1, axis=3), np.roll(k, -1, axis=2)])
    return float(np.corrcoef(np.stack([k, k]).ravel(), other.ravel())[0, 1])


def likeness_by_loops(kernels):
    here, there = [], []
    for kernel in kernels[:, 0]:
        kernel = kernel - kernel.mean()
        for i, j in np.ndindex(kernel.shape):
            if j + 1 < kernel.shape[1]:
                here.append(kernel[i, j])
                there.append(kernel[i, j + 1])
            if i + 1 < kernel.shape[0]:
                here.append(kernel[i, j])
                there.append(kernel[i + 1, j])
    return np.corrcoef(here, there)[0, 1]


def likeness_in_float32(kernels):
    k = kernels.astype(np.float32)[:, 0]
    k = k - k.mean((1, 2))[:, None, None]
    a = np.hstack([k[:, :, :-1].ravel(), k[:, :-1].ravel()])
    b = np.hstack([k[:, :, 1:].ravel(), k[:, 1:].ravel()])
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


# ------------------------------------------------ question 3: hooks


def listen_to_the_first_picture(model, x, names):
    return listen_by_modules(model, x[:1], names)


def listen_before_the_bias(model, x, names):
    return {name: np.maximum(maps, 0) for name, maps in listen_by_modules(model, x, names).items()}


def listen_to_its_mean(model, x, names):
    return {name: maps.mean(axis=0) for name, maps in listen_by_modules(model, x, names).items()}


def listen_by_modules(model, x, names):
    """Right: one hook function for all, which finds the layer's name by the layer."""
    names_of = {layer: name for name, layer in model.named_modules() if name in names}
    kept, handles = {}, []

    def note(layer, given, gave):
        kept[names_of[layer]] = np.array(gave.tolist())

    for layer in names_of:
        handles.append(layer.register_forward_hook(note))
    try:
        with torch.no_grad():
            model(x)
    finally:
        while handles:
            handles.pop().remove()
    return kept


def listen_one_at_a_time(model, x, names):
    """Right: a run for each name."""
    found = {}
    for name in names:
        said = []
        layer = dict(model.named_modules())[name]
        handle = layer.register_forward_hook(lambda layer, given, gave, said=said: said.append(gave.clone()))
        model(x)
        handle.remove()
        found[name] = said[0].detach().numpy().astype(np.float32)
    return found


# ------------------------------------------------ question 5: saliency


def saliency_of_the_best_class(model, x, classes):
    return saliency_one_by_one(model, x, model(x).argmax(1).tolist())


def saliency_of_the_first_class(model, x, classes):
    return saliency_one_by_one(model, x, [classes[0]] * len(classes))


def saliency_of_all_scores(model, x, classes):
    pixels = x.clone().requires_grad_()
    return torch.autograd.grad(model(pixels).sum(), pixels)[0].abs().amax(1).numpy()


def saliency_divided_by_count(model, x, classes):
    return saliency_one_by_one(model, x, classes) / len(classes)


def saliency_one_by_one(model, x, classes):
    """Right: a run and a backward pass for each picture."""
    maps = []
    for picture, label in zip(x, classes, strict=True):
        leaf = picture[None].detach().clone()
        leaf.requires_grad = True
        model(leaf)[0][label].backward()
        maps.append(np.abs(leaf.grad.numpy()[0]).max(axis=0))
    return np.stack(maps)


def saliency_by_gather(model, x, classes):
    """Right: the scores asked about are gathered; the map leaves as float32."""
    x = x.detach().clone().requires_grad_(True)
    asked = model(x).gather(1, torch.tensor(classes)[:, None])
    asked.sum().backward()
    return x.grad.abs().max(dim=1).values.float()


# ------------------------------------------------ question 6: Grad-CAM


def cam_unscaled(model, layer, x, target, zoom):
    return cam_by_backward(model, layer, x, target, zoom, scaled=False)


def cam_of_absolute_weights(model, layer, x, target, zoom):
    return cam_by_backward(model, layer, x, target, zoom, weigh=np.abs)


def cam_stretched_from_its_smallest(model, layer, x, target, zoom):
    found = cam_by_backward(model, layer, x, target, zoom)
    low, high = found.min(), found.max()
    return (found - low) / (high - low) if high > low else found


def cam_of_slopes_only(model, layer, x, target, zoom):
    return cam_by_backward(model, layer, x, target, zoom, maps_too=False)


def cam_interpolated(model, layer, x, target, zoom):
    small = torch.from_numpy(cam_by_backward(model, layer, x, target, 1))[None, None]
    options = {"scale_factor": zoom, "mode": "bilinear", "align_corners": False}
    return functional.interpolate(small, **options)[0, 0].numpy()


def cam_by_backward(model, layer, x, target, zoom, *, scaled=True, weigh=lambda w: w, maps_too=True):
    """Right: the layer's answer keeps its gradient, and the rest is NumPy."""
    store = {}

    def keep(module, inputs, output):
        output.retain_grad()
        store["maps"] = output

    handle = dict(model.named_modules())[layer].register_forward_hook(keep)
    picture = x.detach().clone().requires_grad_()
    model(picture)[0, target].backward()
    handle.remove()
    maps, slopes = store["maps"].detach().numpy()[0], store["maps"].grad.numpy()[0]
    weights = weigh(slopes.mean(axis=(1, 2)))
    cam = np.maximum(np.einsum("k,kij->ij", weights, maps if maps_too else np.ones_like(maps)), 0)
    cam = cam / cam.max() if scaled and cam.max() > 0 else cam
    return cam.repeat(zoom, axis=0).repeat(zoom, axis=1)


def cam_by_loops(model, layer, x, target, zoom):
    """Right: maps and slopes one after the other, and float32 at the end."""
    caught = []
    hook = model.get_submodule(layer).register_forward_hook(lambda a, b, c: caught.append(c))
    scores = model(x)
    hook.remove()
    (slopes,) = torch.autograd.grad(scores[0][target], caught[0])
    total = sum(float(s.mean()) * m for s, m in zip(slopes[0], caught[0][0].detach(), strict=True))
    total[total < 0] = 0
    total /= total.max().item() or 1
    return functional.interpolate(total[None, None], scale_factor=zoom, mode="nearest")[0, 0].float()


# ------------------------------------------------ question 7: occlusion


def occlusion_of_a_square(predict, image, label, window, stride, fill):
    return occlusion_in_one_batch(predict, image, label, (window[0], window[0]), stride, fill)


def occlusion_without_stride(predict, image, label, window, stride, fill):
    return occlusion_in_one_batch(predict, image, label, window, 1, fill)


def occlusion_of_another_class(predict, image, label, window, stride, fill):
    return occlusion_in_one_batch(predict, image, (label + 1) % 3, window, stride, fill)


def occlusion_in_the_first_channel(predict, image, label, window, stride, fill):
    fills = image * 1.0
    fills[0] = fill[0]
    return occlusion_in_one_batch(predict, image, label, window, stride, fills)


def occlusion_that_keeps_the_patch(predict, image, label, window, stride, fill):
    shown = np.broadcast_to(fill[:, None, None], image.shape)
    return occlusion_in_one_batch(predict, shown, label, window, stride, image)


def occlusion_divided_by_all(predict, image, label, window, stride, fill):
    sums = np_wrong.sums_of_drops(predict, image, label, window, stride, fill)
    return sums / (window[0] * window[1])


def occlusion_in_one_batch(predict, image, label, window, stride, fill):
    """Right: all covered pictures at once, with a mask for each window."""
    height, width = image.shape[1:]
    masks = []
    for top in range(0, height - window[0] + 1, stride):
        for left in range(0, width - window[1] + 1, stride):
            mask = np.zeros((height, width), bool)
            mask[top : top + window[0], left : left + window[1]] = True
            masks.append(mask)
    masks = np.array(masks)
    colour = fill[:, None, None] if np.ndim(fill) == 1 else fill
    covered = np.where(masks[:, None], colour, image)
    drops = predict(image[None])[0, label] - predict(covered)[:, label]
    sums, counts = np.tensordot(drops, masks, axes=1), masks.sum(axis=0)
    return np.divide(sums, counts, out=np.zeros((height, width)), where=counts > 0)


def occlusion_by_pixels(predict, image, label, window, stride, fill):
    """Right: each pixel collects the drops of its windows in a list."""
    channels, height, width = image.shape
    found = [[[] for _ in range(width)] for _ in range(height)]
    top = 0
    while top + window[0] <= height:
        left = 0
        while left + window[1] <= width:
            other = np.array(image)
            for c in range(channels):
                other[c, top : top + window[0], left : left + window[1]] = fill[c]
            before, after = predict(np.stack([image, other]))[:, label]
            for i, j in np.ndindex(*window):
                found[top + i][left + j].append(before - after)
            left += stride
        top += stride
    return np.array([[np.mean(drops) if drops else 0 for drops in row] for row in found], np.float32)
