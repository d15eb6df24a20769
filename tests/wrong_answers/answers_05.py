"""Answers to the questions of assignment 5: plausible wrong ones, and right ones that look different."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from coursekit.misconceptions import questions_05 as wrong
from coursekit.misconceptions import questions_05_blocks as slips
from coursekit.misconceptions import questions_05_fields as fields

# ------------------------------------------------------------------ question 2


def outermost_only(pattern):
    return wrong._unroll(pattern.replace("[RELU -> POOL2]", "RELU -> POOL2 -> RELU"), int)


def arrows_kept(pattern):
    return " -> ".join(wrong._unroll(pattern, int)).split(" ")


def once_more(pattern):
    return wrong._unroll(pattern, lambda times: times + 1)


def unrolled_by_stack(pattern):
    """Character groups on a stack, read from left to right."""
    stack, words = [[]], pattern.replace("[", " [ ").replace("]", " ] ").replace("->", " ").split()
    tokens = iter([" ".join(words[:2]), *words[2:]])
    closed = None
    for token in tokens:
        if token.startswith("*"):
            stack[-1][len(stack[-1]) - closed :] = stack[-1][len(stack[-1]) - closed :] * int(token[1:])
        elif token == "[":
            stack.append([])
        elif token == "]":
            group = stack.pop()
            closed = len(group)
            stack[-1] += group
        else:
            stack[-1].append(token)
    return stack[0]


def unrolled_by_recursion(pattern):
    """The first group is written out, then the text is read anew."""
    if "[" not in pattern:
        return [word.strip() for word in pattern.split("->") if word.strip()]
    start = end = pattern.index("[")
    depth = 1
    while depth:
        end += 1
        depth += {"[": 1, "]": -1}.get(pattern[end], 0)
    stop = end + 1
    while stop < len(pattern) and pattern[stop] in "*0123456789":
        stop += 1
    times = int(pattern[end + 2 : stop] or 1)
    inside = unrolled_by_recursion(pattern[start + 1 : end])
    return [*unrolled_by_recursion(pattern[:start]), *inside * times, *unrolled_by_recursion(pattern[stop:])]


def shapes_options_in_one_order(words):
    return wrong.read_shapes(["/".join([w.split("/")[0], *w.split("/")[1:2]]) for w in words])


def shapes_flattened(words):
    found = wrong.read_shapes(words)
    return [shape if len(shape) > 1 else (int(np.prod(found[0])),) for shape in found]


def shapes_by_pieces(words):
    """Lists in place of tuples, and a padding option read by hand."""
    shapes = []
    for word in words:
        parts, last = word.split("/"), (shapes or [[]])[-1]
        said = dict.fromkeys("SP") | {part[0]: int(part[1:]) for part in parts[1:]}
        if word[:2] == "IN":
            shapes.append([int(n) for n in parts[0][6:].split("x")])
        elif word[:2] == "FC":
            shapes.append([int(parts[0][3:])])
        elif word == "RELU":
            shapes.append(list(last))
        else:
            numbers = [int(n) for n in parts[0][4:].split("-")]
            k, is_conv = numbers[0], len(numbers) == 2
            s = said["S"] or (1 if is_conv else k)
            p = said["P"] if said["P"] is not None else (k - 1) // 2 if is_conv else 0
            shapes.append(
                [numbers[-1] if is_conv else last[0], *(len(range(0, n + 2 * p - k + 1, s)) for n in last[1:])]
            )
    return shapes


def shapes_by_package(words):
    """The course's own reader, a layer at a time."""
    from coursekit import models

    floored = [w + "/FLOOR" if w.startswith(("CONV", "POOL")) else w for w in words]
    rows = models.table(" -> ".join(floored)).rows
    return [row.output_shape for row in rows if row.kind != "flatten"]


# ------------------------------------------------------------------ question 3


def costs_as_flops(layers, shape):
    return [(n, p, 2 * macs) for n, p, macs in wrong.count_costs(layers, shape)]


def costs_pools_work(layers, shape):
    rows = wrong.count_costs(layers, shape)
    return [(n, p, m or n * layer[1] ** 2) for layer, (n, p, m) in zip(layers, rows, strict=True)]


def costs_by_convolving(layers, shape):
    """Shapes and parameters from PyTorch's own layers."""
    rows, x = [], torch.zeros(1, *shape)
    for kind, *n in layers:
        if kind == "pool":
            x = F.max_pool2d(x, *n)
            rows.append([x.numel(), 0, 0])
            continue
        if kind == "conv":
            layer = nn.Conv2d(x.shape[1], *n[:4], groups=n[4])
        else:
            x, layer = x.flatten(1), nn.Linear(x.numel(), n[0])
        x = layer(x)
        rows.append([x.numel(), sum(p.numel() for p in layer.parameters()), x.numel() * layer.weight[0].numel()])
    return rows


def costs_as_floats(layers, shape):
    return np.array(wrong.count_costs(layers, shape), dtype=float)


# ------------------------------------------------------------------ question 4


def lenet_affine_end(table, side):
    return fields._lenet(table, side) | {"F6": 84 * 121 + 850}


def lenet_padded(table, side):
    return fields._lenet(table, side, C5=120 * (table.shape[1] * (side // 4) ** 2 + 1))


def lenet_by_columns(table, side):
    rows, maps = len(table), len(table[0])
    c3 = sum(1 + 25 * sum(row[k] for row in table) for k in range(maps))
    last = (side - 12) // 4
    numbers = [26 * rows, 2 * rows, c3, 2 * maps, 120 + 120 * maps * last * last, 84 + 84 * 120]
    return dict(zip(("C1", "S2", "C3", "S4", "C5", "F6"), numbers, strict=True))


def lenet_in_other_order(table, side):
    return dict(reversed({k: float(v) for k, v in fields._lenet(table, side).items()}.items()))


def ungrouped_last_group(w, groups):
    return fields._spread(w, groups, lambda f: [groups - 1])


def ungrouped_averaged(w, groups):
    return fields.ungrouped_repeated(w, groups) / groups


def ungrouped_by_delta(w, groups):
    """The grouped convolution, asked what it does with a single 1 in each channel."""
    channels, (height, width) = groups * w.shape[1], w.shape[2:]
    ones = torch.eye(channels, dtype=w.dtype).reshape(channels, channels, 1, 1)
    ones = F.pad(ones, (width - 1, width - 1, height - 1, height - 1))
    return F.conv2d(ones, w, groups=groups).flip(2, 3).transpose(0, 1)


def ungrouped_by_blocks(w, groups):
    """Blocks of a diagonal, by NumPy, in float32."""
    parts = np.split(np.asarray(w, dtype=np.float32), groups)
    full = np.zeros((len(w), groups * w.shape[1], *w.shape[2:]), np.float32)
    for k, part in enumerate(parts):
        full[k * len(part) : (k + 1) * len(part), k * w.shape[1] : (k + 1) * w.shape[1]] = part
    return torch.from_numpy(full).double()


# ------------------------------------------------------------------ question 5


def seen_sizes(layers, place):
    first, last = fields._seen(layers[::-1], place)
    return 0, last - first


def seen_by_jumps(layers, place):
    """From the first layer on: where the first window of each begins, its field and its jump."""
    begin, field, jump = 0, 1, 1
    for kernel, stride, padding in layers:
        begin, field, jump = begin - padding * jump, field + (kernel - 1) * jump, jump * stride
    return [begin + place * jump, begin + place * jump + field - 1]


def seen_by_sets(layers, place):
    """All pixels, as a set."""
    pixels = {place}
    for kernel, stride, padding in layers[::-1]:
        pixels = {i * stride - padding + k for i in pixels for k in range(kernel)}
    return min(pixels), max(pixels)


# ------------------------------------------------------------------ question 6


def map_of_first_window(volume, w1, b1, w2, b2, shape, order):
    scores = fields.scores_by_kernels(volume, fields.as_kernels(w1, shape, order), b1, w2, b2)
    return np.broadcast_to(scores[:, :1, :1], scores.shape)


def map_without_bias(volume, w1, b1, w2, b2, shape, order):
    return fields.scores_by_kernels(volume, fields.as_kernels(w1, shape, order), 0 * b1, w2, b2)


def map_by_crops(volume, w1, b1, w2, b2, shape, order):
    """Each window flattened as in training."""
    _, height, width = shape
    axes = (0, 1, 2) if order == "CHW" else (1, 2, 0)
    rows = []
    for i in range(volume.shape[1] - height + 1):
        row = []
        for j in range(volume.shape[2] - width + 1):
            x = volume[:, i : i + height, j : j + width].transpose(axes).ravel()
            row.append(np.maximum(x @ w1 + b1, 0) @ w2 + b2)
        rows.append(row)
    return np.moveaxis(np.array(rows), 2, 0)


def map_by_torch(volume, w1, b1, w2, b2, shape, order):
    """PyTorch's convolutions in float32."""
    v, k, b1, w2, b2 = (torch.tensor(a).float() for a in (volume, fields.as_kernels(w1, shape, order), b1, w2, b2))
    return F.conv2d(F.relu(F.conv2d(v[None], k, b1)), w2.T[:, :, None, None], b2)[0].numpy()


# ------------------------------------------------------------------ question 7


def inception_unpooled(inputs, maps):
    return slips.make_inception(inputs, maps, unpooled=True)


def other_names(inputs, maps):
    module = slips.make_inception(inputs, maps)
    module.branch1 = module.one
    del module.one
    return module


class InceptionBySequence(nn.Module):
    """Layers made in another order, branches in a loop, ReLU as a method."""

    def __init__(self, inputs, maps):
        super().__init__()
        shapes = {"pooled": (inputs, 5, 1), "five": (maps[3], 4, 5), "reduce5": (inputs, 3, 1)}
        shapes |= {"three": (maps[1], 2, 3), "reduce3": (inputs, 1, 1), "one": (inputs, 0, 1)}
        for name, (depth, place, kernel) in shapes.items():
            setattr(self, name, nn.Conv2d(depth, maps[place], kernel, padding="same"))

    def forward(self, x):
        padded = F.pad(x, (1, 1, 1, 1), value=-np.inf)
        largest = padded.unfold(2, 3, 1).unfold(3, 3, 1).amax(dim=(4, 5))
        made = []
        for names, y in ((["one"], x), (["reduce3", "three"], x), (["reduce5", "five"], x), (["pooled"], largest)):
            for name in names:
                y = getattr(self, name)(y).clamp(min=0)
            made.append(y)
        return torch.hstack(made)


class InceptionInFloat32(nn.Module):
    """Computed in float32."""

    def __init__(self, inputs, maps):
        super().__init__()
        self.one, self.reduce3, self.reduce5, self.pooled = (nn.Conv2d(inputs, maps[k], 1) for k in (0, 1, 3, 5))
        self.three = nn.Conv2d(maps[1], maps[2], 3, padding=1)
        self.five = nn.Conv2d(maps[3], maps[4], 5, padding=2)

    def forward(self, x):
        x, relu = x.float(), F.relu
        self.float()
        branches = [relu(self.one(x)), relu(self.three(relu(self.reduce3(x)))), relu(self.five(relu(self.reduce5(x))))]
        return torch.cat([*branches, relu(self.pooled(F.max_pool2d(x, 3, 1, 1)))], 1)


def squeeze_rounded(inputs, kernel, outputs):
    return round(kernel**2 * inputs * outputs / (inputs + kernel**2 * outputs))


def squeeze_at_least_one(inputs, kernel, outputs):
    return max(1, squeeze_by_searching(inputs, kernel, outputs))


def squeeze_by_searching(inputs, kernel, outputs):
    width = 0
    while (width + 1) * (inputs + kernel * kernel * outputs) < kernel * kernel * inputs * outputs:
        width += 1
    return width


def squeeze_by_numpy(inputs, kernel, outputs):
    widths = np.arange(inputs * kernel**2 + 1)
    fewer = widths * (inputs + kernel**2 * outputs) < kernel**2 * inputs * outputs
    return widths[fewer].max()


# ------------------------------------------------------------------ question 8


def residual_always_projects(inputs, maps, stride):
    return slips.make_residual(inputs, maps, stride, always=True)


class ResidualShortcutOption:
    """Makes option A: no projection, missing maps are zeros."""

    def __new__(cls, inputs, maps, stride):
        block = slips.make_residual(inputs, maps, stride)

        def forward(x):
            few = x[:, :maps, ::stride, ::stride]
            few = F.pad(few, (0, 0, 0, 0, 0, maps - few.shape[1]))
            return F.relu(few + block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x))))))

        block.forward = forward
        return block


class ResidualByHand(nn.Module):
    """The skip as a list, in-place ReLUs, keyword arguments."""

    def __init__(self, inputs, maps, stride):
        super().__init__()
        if inputs != maps or stride != 1:
            self.bnp = nn.BatchNorm2d(maps)
            self.project = nn.Conv2d(inputs, maps, kernel_size=1, stride=stride, bias=False)
        self.bn2, self.bn1 = nn.BatchNorm2d(maps), nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, kernel_size=3, padding="same", bias=False)
        self.conv1 = nn.Conv2d(inputs, maps, kernel_size=3, stride=stride, padding=1, bias=False)

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y))
        if hasattr(self, "project"):
            x = self.bnp(self.project(x))
        return torch.maximum(x + y, torch.zeros_like(y))


class ResidualInFloat32(nn.Module):
    """Computed in float32, with layers in a Sequential beside their names."""

    def __init__(self, inputs, maps, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, maps, 3, stride, 1, bias=False), nn.BatchNorm2d(maps)
        self.conv2, self.bn2 = nn.Conv2d(maps, maps, 3, 1, 1, bias=False), nn.BatchNorm2d(maps)
        self.same = stride == 1 and inputs == maps
        if not self.same:
            self.project, self.bnp = nn.Conv2d(inputs, maps, 1, stride, bias=False), nn.BatchNorm2d(maps)

    def forward(self, x):
        self.float()
        x = x.float()
        change = nn.Sequential(self.conv1, self.bn1, nn.ReLU(), self.conv2, self.bn2)(x)
        return F.relu(change + (x if self.same else self.bnp(self.project(x))))


# ------------------------------------------------------------------ question 9


def deeper_by_nothing(layers, place):
    return layers


def deeper_always_last(layers, place):
    (w, b), same = layers[-1], np.eye(layers[-1][0].shape[1])
    doubled = (np.hstack([w, -w]), np.hstack([b, -b])), (np.vstack([same, -same]), 0 * b)
    return [*layers[:-1], *doubled]


def deeper_halved(layers, place):
    """Always the doubled layer, halved and doubled again, as a tuple of lists."""
    w, b = layers[place]
    both = np.concatenate([w, -w], axis=1) / 2, np.concatenate([b, -b]) / 2
    back = 2 * np.concatenate([np.eye(len(b)), -np.eye(len(b))]), np.zeros(len(b))
    if place + 1 < len(layers):
        both, back = (w, b), (np.diag(np.ones(len(b))), 0.0 * b)
    return (*layers[:place], both, back, *layers[place + 1 :])


def deeper_interleaved(layers, place):
    """At the end a and -a side by side, number by number."""
    w, b = layers[place]
    if place < len(layers) - 1:
        return [*layers[: place + 1], (np.identity(w.shape[1]), np.zeros(w.shape[1])), *layers[place + 1 :]]
    signs = np.kron(np.eye(len(b)), [1, -1])
    return [*layers[:place], (w @ signs, b @ signs), (signs.T, np.zeros(len(b)))]


# ------------------------------------------------------------------ question 11


def transfer_keeps_old_head(net, head, x, t, rate, steps):
    return net.requires_grad_(False).eval()


def transfer_by_sum(net, head, x, t, rate, steps):
    return slips.make_transfer(net, head, x, t, rate * len(x), steps)


def transfer_on_features(net, head, x, t, rate, steps):
    """Features once, then the head by hand: softmax minus one."""
    new = nn.Sequential(*net[:-1], head).eval()
    for p in net.parameters():
        p.requires_grad = False
    with torch.no_grad():
        features = new[:-1](x)
        for _ in range(steps):
            slope = (torch.softmax(head(features), dim=1) - F.one_hot(t, head.out_features)) / len(t)
            head.weight -= rate * slope.T @ features
            head.bias -= rate * slope.sum(dim=0)
    return new


def transfer_by_backward(net, head, x, t, rate, steps):
    for layer in list(net)[:-1]:
        layer.requires_grad_(False).eval()
    net = nn.Sequential(*list(net)[:-1], head)
    for _ in range(steps):
        head.zero_grad()
        F.nll_loss(F.log_softmax(net(x), dim=1), t).backward()
        head.weight.data = head.weight.data - rate * head.weight.grad
        head.bias.data = head.bias.data - rate * head.bias.grad
    return net


def transfer_by_optimiser(net, head, x, t, rate, steps):
    """As most would write it; the first step of an optimiser takes PyTorch seconds to import what it needs."""
    net.requires_grad_(False)
    net[-1] = head
    net.eval()
    optimiser = torch.optim.SGD(head.parameters(), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(net(x), t).backward()
        optimiser.step()
    return net


# ------------------------------------------------------------------ question 12


def keeps_by_sum(table):
    return np.flatnonzero(table.sum(axis=1) == table.sum(axis=1).min()).tolist()


def keeps_beaten(table):
    return [k for k in range(len(table)) if k not in keeps_by_loops(table)]


def keeps_by_loops(table):
    keep = []
    for i in range(len(table)):
        for j in range(len(table)):
            pairs = list(zip(table[j].tolist(), table[i].tolist(), strict=True))
            if all(a <= b for a, b in pairs) and pairs != [(b, b) for _, b in pairs]:
                break
        else:
            keep.append(i)
    return keep


def keeps_at_once(table):
    no_worse = (table[:, None] <= table[None]).all(axis=2)
    return np.flatnonzero(~(no_worse & ~no_worse.T).any(axis=0))
