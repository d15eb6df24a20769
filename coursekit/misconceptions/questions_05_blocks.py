"""Of assignment 5, questions 7, 8 and 11, in PyTorch: wrong answers with their thoughts."""

from typing import Any

# ------------------------------------------------ question 7


class _Slips:
    """What a module does otherwise."""

    def __init__(self, **slips: bool):
        self.slips = slips

    def __getattr__(self, name: str) -> bool:
        return self.slips.get(name, False)


def make_inception(inputs: int, maps: Any, **slips: bool) -> Any:
    """The module of question 7, with these slips in it."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    one, reduce3, three, reduce5, five, pooled = maps
    does = _Slips(**slips)

    class Inception(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.reduce3 = nn.Conv2d(inputs, one, 1), nn.Conv2d(inputs, reduce3, 1)
            self.three, self.reduce5 = nn.Conv2d(reduce3, three, 3, padding=1), nn.Conv2d(inputs, reduce5, 1)
            self.five, self.pooled = nn.Conv2d(reduce5, five, 5, padding=2), nn.Conv2d(inputs, pooled, 1)

        def forward(self, x: Any) -> Any:
            bend = (lambda y: y) if does.bare_squeeze else F.relu
            pool = F.avg_pool2d if does.average else F.max_pool2d
            small = self.three(bend(self.reduce3(x)))
            read = small[:, :1].expand(x.shape) if does.in_a_row else x
            branches = [self.one(x), small, self.five(bend(self.reduce5(read)))]
            branches.append(self.pooled(x if does.unpooled else pool(x, 3, stride=1, padding=1)))
            stacked = torch.cat(branches[::-1] if does.reverse else branches, dim=1)
            return stacked if does.linear_end else F.relu(stacked)

    return Inception()


def inception_bare_squeeze(inputs: int, maps: Any) -> Any:
    """This has no ReLU behind the reducing layers, so that two layers are one linear one."""
    return make_inception(inputs, maps, bare_squeeze=True)


def inception_linear_end(inputs: int, maps: Any) -> Any:
    """This has no ReLU behind the last convolution of each branch."""
    return make_inception(inputs, maps, linear_end=True)


def inception_other_order(inputs: int, maps: Any) -> Any:
    """This stacks the branches in another order."""
    return make_inception(inputs, maps, reverse=True)


def inception_average_pool(inputs: int, maps: Any) -> Any:
    """This averages where the maximum is taken."""
    return make_inception(inputs, maps, average=True)


def inception_in_a_row(inputs: int, maps: Any) -> Any:
    """This lets the third branch read the second; all branches read the same input."""
    return make_inception(inputs, maps, in_a_row=True)


def inception_unpooled(inputs: int, maps: Any) -> Any:
    """This has no pooling in front of the fourth branch."""
    return make_inception(inputs, maps, unpooled=True)


def squeeze_equal_counts(inputs: int, kernel: int, outputs: int) -> int:
    """This allows equal counts; fewer is asked for."""
    return kernel**2 * inputs * outputs // (inputs + kernel**2 * outputs)


def squeeze_for_free(inputs: int, kernel: int, outputs: int) -> int:
    """This takes the 1x1 layer for free: any width below that of the input would save."""
    return inputs - 1


def squeeze_one_tap(inputs: int, kernel: int, outputs: int) -> int:
    """This gives a kernel of K as many taps as it is wide."""
    return (kernel * inputs * outputs - 1) // (inputs + kernel * outputs)


def squeeze_to_the_nearest(inputs: int, kernel: int, outputs: int) -> int:
    """This rounds to the nearest width; a width above the limit saves nothing."""
    return round(kernel**2 * inputs * outputs / (inputs + kernel**2 * outputs))


def squeeze_to_one(inputs: int, kernel: int, outputs: int) -> int:
    """This takes one map at the least; where even that saves nothing the answer is 0."""
    return max(1, (kernel**2 * inputs * outputs - 1) // (inputs + kernel**2 * outputs))


# ------------------------------------------------ question 8


def make_residual(inputs: int, maps: int, stride: int, **slips: bool) -> Any:
    """The block of question 8, with these slips in it."""
    from torch import nn
    from torch.nn import functional as F

    does = _Slips(**slips)

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first, second = (1, stride) if does.late_stride else (stride, 1)
            self.conv1, self.bn1 = nn.Conv2d(inputs, maps, 3, first, 1, bias=False), nn.BatchNorm2d(maps)
            self.conv2, self.bn2 = nn.Conv2d(maps, maps, 3, second, 1, bias=False), nn.BatchNorm2d(maps)
            self.projects = does.always or stride > 1 or inputs != maps
            if self.projects:
                self.project, self.bnp = nn.Conv2d(inputs, maps, 1, stride, bias=False), nn.BatchNorm2d(maps)

        def forward(self, x: Any) -> Any:
            middle = self.bn1(self.conv1(x))
            change = self.conv2(middle if does.no_middle else F.relu(middle))
            change = change if does.late_norm else self.bn2(change)
            skip = x
            if self.projects:
                skip = self.project(x)
                skip = skip if does.bare_skip else self.bnp(skip)
            if does.no_skip:
                return F.relu(change)
            if does.late_norm:
                return F.relu(self.bn2(change + skip))
            if does.relu_before:
                return F.relu(change) + skip
            change = F.relu(change) if does.relu_twice else change
            return change + skip if does.open_end else F.relu(change + skip)

    return Residual()


def residual_without_skip(inputs: int, maps: int, stride: int) -> Any:
    """This adds nothing: a plain block."""
    return make_residual(inputs, maps, stride, no_skip=True)


def residual_relu_before(inputs: int, maps: int, stride: int) -> Any:
    """This bends the change and then adds; the ReLU belongs behind the addition."""
    return make_residual(inputs, maps, stride, relu_before=True)


def residual_open_end(inputs: int, maps: int, stride: int) -> Any:
    """This has no ReLU behind the addition."""
    return make_residual(inputs, maps, stride, open_end=True)


def residual_relu_twice(inputs: int, maps: int, stride: int) -> Any:
    """This bends the change before it is added, so that a block can only add."""
    return make_residual(inputs, maps, stride, relu_twice=True)


def residual_norm_behind_sum(inputs: int, maps: int, stride: int) -> Any:
    """This normalises the sum; the second batch norm belongs to the change alone."""
    return make_residual(inputs, maps, stride, late_norm=True)


def residual_stride_in_second(inputs: int, maps: int, stride: int) -> Any:
    """This strides in the second convolution; the first one has the stride."""
    return make_residual(inputs, maps, stride, late_stride=True)


def residual_no_norm_on_skip(inputs: int, maps: int, stride: int) -> Any:
    """This projects without the batch norm."""
    return make_residual(inputs, maps, stride, bare_skip=True)


def residual_early_relu_only_once(inputs: int, maps: int, stride: int) -> Any:
    """This has no ReLU between the two convolutions."""
    return make_residual(inputs, maps, stride, no_middle=True)


# ------------------------------------------------ question 11


def make_transfer(net: Any, head: Any, x: Any, t: Any, rate: float, steps: int, **slips: bool) -> Any:
    """The training of question 11, with these slips in it."""
    import torch
    from torch.nn import functional as F

    does = _Slips(**slips)
    if not does.all_trained:
        net.requires_grad_(False)
    net[-1] = head
    if not does.training_mode:
        net.eval()
    parameters = list((net if does.all_trained else head).parameters())
    sums = [torch.zeros_like(p) for p in parameters]
    for _ in range(1 if does.one_step else steps):
        slopes = torch.autograd.grad(F.cross_entropy(net(x), t), parameters)
        sums = [s + g if does.keep_gradients else g for s, g in zip(sums, slopes, strict=True)]
        for p, slope in zip(parameters, sums, strict=True):
            p.data -= rate * slope
    return net.requires_grad_(False) if does.all_frozen else net


def transfer_in_training_mode(net, head, x, t, rate, steps):
    """This leaves batch norm in training mode: freezing weights does not freeze its running means."""
    return make_transfer(net, head, x, t, rate, steps, training_mode=True)


def transfer_trains_all(net, head, x, t, rate, steps):
    """This trains the old layers along."""
    return make_transfer(net, head, x, t, rate, steps, all_trained=True)


def transfer_keeps_gradients(net, head, x, t, rate, steps):
    """This adds the gradients of all steps up."""
    return make_transfer(net, head, x, t, rate, steps, keep_gradients=True)


def transfer_freezes_head_too(net, head, x, t, rate, steps):
    """This leaves nothing that asks for gradients."""
    return make_transfer(net, head, x, t, rate, steps, all_frozen=True)


def transfer_by_sum(net, head, x, t, rate, steps):
    """This adds the losses of all pictures up; their mean is asked for."""
    return make_transfer(net, head, x, t, rate * len(x), steps)


def transfer_uphill(net, head, x, t, rate, steps):
    """This adds the gradient; the loss rises."""
    return make_transfer(net, head, x, t, -rate, steps)


def transfer_one_step(net, head, x, t, rate, steps):
    """This takes one step."""
    return make_transfer(net, head, x, t, rate, steps, one_step=True)
