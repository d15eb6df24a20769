"""Guided backpropagation and the deconvnet: gradients that pass a ReLU by a rule of their own.

Both give sharp pictures, and both hardly ask the upper layers: see `coursekit.viz.sanity_check`.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from coursekit.viz.probing import Targets, chosen_scores, undisturbed

__all__ = ["deconvnet", "guided_backprop"]


def guided_backprop(network: nn.Module, images: Tensor, targets: Targets = None) -> Tensor:
    """Gradient that passes a ReLU only where its input was above 0 AND the gradient itself is above 0.

    With R the gradient that arrives at a ReLU of input z, [z > 0] * [R > 0] * R is passed on; the true gradient is
    [z > 0] * R. Of ReLU6, z < 6 is asked, too.

    The rule is put in the place of ReLU and ReLU6 while the network runs, whether they are modules or functions, in
    place or not. It cannot reach a ReLU that is written otherwise (``x.clamp(min=0)``, ``x * (x > 0)``, compiled or
    scripted code), and says nothing of smooth functions such as SiLU, which keep their true gradient; a network
    without any ReLU is refused.

    Parameters
    ----------
    network, images, targets
        As in `coursekit.viz.input_gradient`.

    Returns
    -------
    maps : Tensor of shape (N, C, H, W)
        It FAILS the test with random weights: what it shows is mostly edges of the image, and hardly what the
        network has learned.

    Raises
    ------
    TypeError, ValueError
        As `input_gradient`, or if no ReLU was met.

    Source: Springenberg et al. (2014), "Striving for simplicity: the all convolutional net", section 3.4. On what it
    cannot say: Adebayo et al. (2018), "Sanity checks for saliency maps".

    >>> network = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(3, 1, bias=False))
    >>> network[2].weight.data = torch.tensor([[1.0, -1.0, 1.0]])
    >>> guided_backprop(network, torch.tensor([[[[2.0, 2.0, -2.0]]]]))
    tensor([[[[1., 0., 0.]]]])
    """
    return _gradient(network, images, targets, guided=True)


def deconvnet(network: nn.Module, images: Tensor, targets: Targets = None) -> Tensor:
    """Gradient that passes a ReLU where the gradient itself is above 0, whatever the input was: [R > 0] * R.

    Parameters
    ----------
    network, images, targets
        As in `coursekit.viz.input_gradient`; which ReLU it reaches stands at `guided_backprop`.

    Returns
    -------
    maps : Tensor of shape (N, C, H, W)

    Raises
    ------
    TypeError, ValueError
        As `input_gradient`, or if no ReLU was met.

    Source: Zeiler & Fergus (2013), "Visualizing and understanding convolutional networks", section 2.1; as a rule
    for gradients: Springenberg et al. (2014), section 3.4.

    >>> network = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(3, 1, bias=False))
    >>> network[2].weight.data = torch.tensor([[1.0, -1.0, 1.0]])
    >>> deconvnet(network, torch.tensor([[[[2.0, 2.0, -2.0]]]]))
    tensor([[[[1., 0., 1.]]]])
    """
    return _gradient(network, images, targets, guided=False)


def _gradient(network: nn.Module, images: Tensor, targets: Targets, *, guided: bool) -> Tensor:
    with undisturbed(network, images) as pixels:
        with _GatedReLU(guided) as gates:
            scores = network(pixels.clone())
        if not gates.met:
            raise ValueError(
                f"{type(network).__name__} ran without a ReLU or ReLU6 that can be seen: guided backpropagation and "
                "the deconvnet are rules for ReLU alone. Use nn.ReLU, not clamp or compiled code; for SiLU or GELU "
                "take saliency or integrated_gradients."
            )
        return torch.autograd.grad(chosen_scores(scores, targets).sum(), pixels)[0]


class _Gate(torch.autograd.Function):
    """ReLU, or ReLU6, on the way forward; the rule of guided backpropagation or the deconvnet on the way back."""

    @staticmethod
    def forward(ctx, z: Tensor, highest: float, guided: bool) -> Tensor:
        ctx.open = (z > 0) & (z < highest) if guided else None
        return z.clamp(0, highest)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        gradient = gradient.clamp(min=0)
        return gradient if ctx.open is None else gradient * ctx.open, None, None


RELUS = {functional.relu, torch.relu, Tensor.relu, torch.relu_, Tensor.relu_}
IN_PLACE = {torch.relu_, Tensor.relu_, functional.hardtanh_}


class _GatedReLU(TorchFunctionMode):
    """Puts `_Gate` in the place of every ReLU and ReLU6, as module or function, while it is open."""

    def __init__(self, guided: bool):
        super().__init__()
        self.guided = guided
        self.met = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        highest = _highest(func, *args, **kwargs)
        if highest is None:
            return func(*args, **kwargs)
        self.met += 1
        z = args[0] if args else kwargs["input"]
        output = _Gate.apply(z, highest, self.guided)
        in_place = func in IN_PLACE or (len(args) > 1 and args[-1] is True) or kwargs.get("inplace", False)
        return z.copy_(output) if in_place else output


def _highest(func, input=None, min_val=-1.0, max_val=1.0, *_, **__) -> float | None:
    """Where the function cuts off above, if it is a ReLU: 6 for ReLU6, which PyTorch runs as a hardtanh from 0."""
    if func in RELUS:
        return math.inf
    if func is functional.relu6:
        return 6.0
    if func in (functional.hardtanh, functional.hardtanh_) and min_val == 0:
        return float(max_val)
    return None
