"""Frequent slips in assignment 5, written as learners write them; each is told what it did."""

import re
from math import ceil

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# ------------------------------------------------ question 2


def unrolled_and_once_more(pattern):
    """A group, and behind it as many copies as the star says."""
    group = re.compile(r"\[([^\[\]]*)\](?:\*(\d+))?")
    while "[" in pattern:
        pattern = group.sub(lambda found: " -> ".join([found[1]] * (int(found[2] or 0) + 1)), pattern)
    return [word.strip() for word in pattern.split("->")]


def shapes_in_one_list(words):
    """One list for the volume, changed in place; only a fully connected layer makes a new one."""
    shapes, shape = [], []
    for word in words:
        if word.startswith("INPUT"):
            shape += [int(n) for n in word[6:].split("x")]
        elif word.startswith("FC"):
            shape = [int(word[3:])]
        elif word != "RELU":
            kernel, stride, padding, maps = _sizes(word)
            shape[0] = maps or shape[0]
            shape[1] = (shape[1] + 2 * padding - kernel) // stride + 1
            shape[2] = (shape[2] + 2 * padding - kernel) // stride + 1
        shapes.append(shape)
    return shapes


def shapes_by(side):
    """An answer that computes each side by this function of side, kernel, stride and padding."""

    def shapes_of(words):
        shapes = []
        for word in words:
            if word.startswith("INPUT"):
                shapes.append(tuple(int(n) for n in word[6:].split("x")))
            elif word.startswith("FC"):
                shapes.append((int(word[3:]),))
            elif word == "RELU":
                shapes.append(shapes[-1])
            else:
                kernel, stride, padding, maps = _sizes(word)
                before = shapes[-1]
                shapes.append((maps or before[0], *(side(n, kernel, stride, padding) for n in before[1:])))
        return shapes

    return shapes_of


def _sizes(word):
    """Kernel, stride, padding and maps of a layer; a pooling has no maps of its own."""
    kind, *options = word.split("/")
    numbers = [int(n) for n in kind[4:].split("-")]
    is_conv = len(numbers) == 2
    said = {"S": 1 if is_conv else numbers[0], "P": numbers[0] // 2 if is_conv else 0}
    for option in options:
        said[option[0]] = int(option[1:])
    return numbers[0], said["S"], said["P"], numbers[1] if is_conv else 0


shapes_ceil = shapes_by(lambda n, k, s, p: ceil((n + 2 * p - k) / s) + 1)
shapes_padding_once = shapes_by(lambda n, k, s, p: (n + p - k) // s + 1)
shapes_steps = shapes_by(lambda n, k, s, p: (n + 2 * p - k) // s)


# ------------------------------------------------ question 3


def costs_by(*, size=lambda room, stride: room // stride + 1, pooled=0, each=1, with_bias=1):
    """An answer that does some of these otherwise."""

    def costs(layers, shape):
        rows = []
        for layer in layers:
            if layer[0] == "conv":
                _, maps, kernel, stride, padding, groups = layer
                depth = shape[0] // groups
                shape = [maps, *(size(n + 2 * padding - kernel, stride) for n in shape[1:])]
                work = each * np.prod(shape) * kernel * kernel * depth
                rows.append([np.prod(shape), maps * (kernel * kernel * depth + with_bias), work])
            elif layer[0] == "pool":
                _, kernel, stride = layer
                shape = [shape[0], *(size(n - kernel, stride) for n in shape[1:])]
                rows.append([np.prod(shape), 0, pooled * np.prod(shape) * kernel**2])
            else:
                came, shape = np.prod(shape), [layer[1]]
                rows.append([layer[1], layer[1] * (came + with_bias), each * layer[1] * came])
        return rows

    return costs


costs_twice = costs_by(each=2)
costs_ceil = costs_by(size=lambda room, stride: ceil(room / stride) + 1)
costs_with_pools = costs_by(pooled=1)
costs_no_bias = costs_by(with_bias=0)

# ------------------------------------------------ questions 4 and 5


def ungrouped_interleaved(w, groups):
    """Channel c is taken for one of group c % groups."""
    full = torch.zeros(w.shape[0], w.shape[1] * groups, *w.shape[2:], dtype=w.dtype)
    for k, part in enumerate(w.chunk(groups)):
        full[k * len(part) : (k + 1) * len(part), k::groups] = part
    return full


def _begin(layers, place):
    for _, stride, padding in layers[::-1]:
        place = place * stride - padding
    return place


def seen_with_early_jump(layers, place):
    field, jump = 1, 1
    for kernel, stride, _ in layers:
        jump *= stride
        field += (kernel - 1) * jump
    begin = _begin(layers, place)
    return [begin, begin + field - 1]


def seen_without_jump(layers, place):
    """The total stride moves the field, but kernels and paddings are added up as they are."""
    begin = place
    for _, stride, _ in layers:
        begin *= stride
    for _, _, padding in layers:
        begin -= padding
    return begin, begin + sum(layer[0] for layer in layers) - len(layers)


def seen_strides_forgotten(layers, place):
    first, last = place, place
    for kernel, _, padding in layers:
        first, last = first - padding, last - padding + kernel - 1
    return first, last


# ------------------------------------------------ question 6


def map_without_any_bias(volume, w1, b1, w2, b2, shape, order):
    _, h, w = shape
    axes = (0, 1, 2) if order == "CHW" else (1, 2, 0)
    places = range(volume.shape[1] - h + 1), range(volume.shape[2] - w + 1)
    rows = [
        [np.maximum(volume[:, i : i + h, j : j + w].transpose(axes).reshape(-1) @ w1, 0) @ w2 for j in places[1]]
        for i in places[0]
    ]
    return np.array(rows).transpose(2, 0, 1)


# ------------------------------------------------ question 8


class Block(nn.Module):
    """The layers of the residual block; classes below differ in what they do with them."""

    strides = staticmethod(lambda stride: (stride, 1))

    def __init__(self, inputs, maps, stride):
        super().__init__()
        one, two = self.strides(stride)
        self.conv1 = nn.Conv2d(inputs, maps, 3, stride=one, padding=1, bias=False)
        self.conv2 = nn.Conv2d(maps, maps, 3, stride=two, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(maps), nn.BatchNorm2d(maps)
        if inputs != maps or stride != 1:
            self.project, self.bnp = nn.Conv2d(inputs, maps, 1, stride, bias=False), nn.BatchNorm2d(maps)

    def skip(self, x):
        return self.bnp(self.project(x)) if hasattr(self, "project") else x

    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + self.skip(x))


class ReluTwice(Block):
    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(y + self.skip(x))


class ReluBefore(Block):
    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y))) + self.skip(x)


class ReluForgotten(Block):
    def forward(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.skip(x)


class NormOfTheSum(Block):
    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))) + self.skip(x)))


class StrideInTheSecond(Block):
    strides = staticmethod(lambda stride: (1, stride))


# ------------------------------------------------ questions 9 and 11


def deeper_with_its_bias(layers, place):
    """The new layer is a copy of the pair in which only the weights are replaced."""
    new = list(layers)
    new.insert(place + 1, (np.identity(layers[place][0].shape[1]), layers[place][1]))
    return new


def transfer_by(reduction, sign):
    """An answer with this reduction of the loss, and this sign of a step."""

    def transfer(net, head, x, t, rate, steps):
        for p in net.parameters():
            p.requires_grad = False
        net.eval()
        net[-1] = head
        for _ in range(steps):
            head.zero_grad()
            F.cross_entropy(net(x), t, reduction=reduction).backward()
            with torch.no_grad():
                head.weight += sign * rate * head.weight.grad
                head.bias += sign * rate * head.bias.grad
        return net

    return transfer


transfer_of_the_sum = transfer_by("sum", -1)
transfer_up = transfer_by("mean", 1)
