"""Networks for small pictures, with everything in sight.

SimpleConvNet and DeepConvNet are those of Saito's book; AllConvNet does without pooling windows.
"""

from collections.abc import Mapping

import numpy as np

from coursekit.nn.init import he_init, normal_init
from coursekit.nn.layers import Affine, Convolution, MaxPooling, Relu
from coursekit.nn.more_layers import Dropout, GlobalAveragePooling
from coursekit.nn.sequential import Parameters, Sequential
from coursekit.shapes import output_size

__all__ = ["AllConvNet", "DeepConvNet", "Parameters", "SimpleConvNet"]

CONV_PARAM = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
DEEP_CONV_PARAMS = tuple(  # of the six convolutions; padding 2 in the fourth makes 14 pixels 16, which halve to 8 and 4
    {"filter_num": maps, "filter_size": 3, "pad": pad, "stride": 1}
    for maps, pad in ((16, 1), (16, 1), (32, 1), (32, 2), (64, 1), (64, 1))
)


class SimpleConvNet(Sequential):
    """Convolution - ReLU - pooling 2x2 - affine - ReLU - affine - softmax.

    Parameters
    ----------
    input_dim : (C, H, W)
    conv_param : dict, optional
        filter_num, filter_size, pad and stride of the convolution; 30, 5, 0 and 1 where not given.
    hidden_size, output_size : int
        Outputs of the two affine layers.
    weight_init_std : float
        Weights start as normal numbers of this standard deviation, biases as 0.
    seed : int or Generator
        Draws them.
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        W1 (F, C, K, K), b1 (F,) of the convolution; W2 (D, hidden_size), b2; W3 (hidden_size, output_size), b3.
    layers : dict
        Conv1, Relu1, Pool1, Affine1, Relu2, Affine2, in this order.
    last_layer : SoftmaxWithLoss

    Raises
    ------
    TypeError, ValueError
        If conv_param has an unknown key, or a kernel or the pooling does not fit.

    Source: Saito, "Deep Learning from Scratch", section 7.5.

    >>> SimpleConvNet().parameter_count
    433890
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: Mapping[str, int] | None = None,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
        *,
        seed: int | np.random.Generator = 0,
        dtype: type = np.float32,
    ):
        conv, rng = _complete("conv_param", conv_param, CONV_PARAM), np.random.default_rng(seed)
        pixels = [_halved(*_along(input_dim, axis), [conv]) for axis in (1, 2)]
        kernels = (conv["filter_num"], input_dim[0], conv["filter_size"], conv["filter_size"])
        widths = conv["filter_num"] * pixels[0] * pixels[1], hidden_size, output_size
        start = [
            (normal_init(shape, weight_init_std, seed=rng, dtype=dtype), np.zeros(maps, dtype))
            for shape, maps in ((kernels, kernels[0]), (widths[:2], widths[1]), (widths[1:], widths[2]))
        ]
        layers = {
            "Conv1": _convolution(*start[0], conv, first=True),
            "Relu1": Relu(),
            "Pool1": MaxPooling(2, stride=2, mode="strict"),
            "Affine1": Affine(*start[1]),
            "Relu2": Relu(),
            "Affine2": Affine(*start[2]),
        }
        super().__init__(layers, input_dim=input_dim)
        self.output_size = output_size


class DeepConvNet(Sequential):
    """Three times (conv - ReLU - conv - ReLU - pooling 2x2), then affine - ReLU - dropout - affine - dropout - softmax.

    The last dropout falls on the LOGITS, the scores before softmax, as in the book. That is unusual: in training each
    score is 0 with chance `dropout`, so the training loss stays high. The fourth convolution is padded by 2, which
    turns 14 pixels into 16 that can be halved twice.

    Parameters
    ----------
    input_dim : (C, H, W)
    conv_param_1, ..., conv_param_6 : dict, optional
        filter_num, filter_size, pad and stride of each convolution; what is not given: 16, 16, 32, 32, 64, 64 maps,
        3, pad 1 (2 in the fourth), stride 1.
    hidden_size, output_size : int
        Outputs of the two affine layers.
    dropout : float
        Share that both dropouts set to 0.
    seed : int or Generator
        Draws the first weights by He's rule (variance 2 / fan_in; biases are 0), and what is dropped.
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        W1, b1 to W6, b6 of the convolutions; W7, b7, W8, b8 of the affine layers.
    layers : dict
        Conv1, Relu1, Conv2, Relu2, Pool1, ..., Pool3, Affine1, Relu7, Dropout1, Affine2, Dropout2, in this order.
    last_layer : SoftmaxWithLoss

    Raises
    ------
    TypeError, ValueError
        If a conv_param has an unknown key, or a kernel or a pooling does not fit.

    Source: Saito, "Deep Learning from Scratch", section 8.1.

    >>> DeepConvNet().parameter_count
    123552
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: Mapping[str, int] | None = None,
        conv_param_2: Mapping[str, int] | None = None,
        conv_param_3: Mapping[str, int] | None = None,
        conv_param_4: Mapping[str, int] | None = None,
        conv_param_5: Mapping[str, int] | None = None,
        conv_param_6: Mapping[str, int] | None = None,
        hidden_size: int = 50,
        output_size: int = 10,
        *,
        dropout: float = 0.5,
        seed: int | np.random.Generator = 0,
        dtype: type = np.float32,
    ):
        given = (conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6)
        cases = enumerate(zip(given, DEEP_CONV_PARAMS, strict=True), 1)
        convs = [_complete(f"conv_param_{k}", conv, usual) for k, (conv, usual) in cases]
        height, width = (_halved(*_along(input_dim, axis), convs[:2], convs[2:4], convs[4:]) for axis in (1, 2))
        rng = np.random.default_rng(seed)
        layers = _stages(input_dim[0], convs, rng, dtype)
        layers["Affine1"] = _affine(convs[-1]["filter_num"] * height * width, hidden_size, rng, dtype)
        layers["Relu7"], layers["Dropout1"] = Relu(), Dropout(dropout, rng)
        layers["Affine2"] = _affine(hidden_size, output_size, rng, dtype)
        layers["Dropout2"] = Dropout(dropout, rng)
        super().__init__(layers, input_dim=input_dim)
        self.output_size = output_size


class AllConvNet(Sequential):
    """Convolutions and ReLUs alone: where others pool, a convolution with stride 2 learns how to shrink the maps.

    Six convolutions: 3x3, 3x3 with stride 2, both again with twice the maps, then 1x1 and 1x1 to one map per class,
    whose mean is the class's score. It has no affine layer, so it takes pictures of any size.

    Parameters
    ----------
    input_dim : (C, H, W)
    width : int
        Maps of the first two convolutions; the next three have twice as many.
    output_size : int
        Classes.
    seed : int or Generator
        Draws the first weights by He's rule (variance 2 / fan_in; biases are 0).
    dtype : float32 or float64

    Attributes
    ----------
    params : dict
        W1, b1 to W6, b6 of the convolutions.
    layers : dict
        Conv1, Relu1, ..., Conv5, Relu5, Conv6, Mean, in this order.
    last_layer : SoftmaxWithLoss

    Source: Springenberg, Dosovitskiy, Brox & Riedmiller (2015), "Striving for simplicity: the all convolutional net",
    section 3 (with 96 maps, seven 3x3 convolutions and dropout, which are left out here).

    >>> AllConvNet().parameter_count
    17754
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        width: int = 16,
        output_size: int = 10,
        *,
        seed: int | np.random.Generator = 0,
        dtype: type = np.float32,
    ):
        channels, *_ = _along(input_dim, 1)[0]
        rng, layers = np.random.default_rng(seed), {}
        plan = [(width, 3, 1), (width, 3, 2), (2 * width, 3, 1), (2 * width, 3, 2), (2 * width, 1, 1)]
        for k, (maps, kernel, stride) in enumerate([*plan, (output_size, 1, 1)], 1):
            w = he_init((maps, channels, kernel, kernel), seed=rng, dtype=dtype)
            # of an even size, stride 2 leaves over one line of the padding, but never a pixel: hence no strict mode
            options = dict(stride=stride, padding=kernel // 2, input_grad=k > 1)
            layers[f"Conv{k}"], layers[f"Relu{k}"] = Convolution(w, np.zeros(maps, dtype), **options), Relu()
            channels = maps
        del layers["Relu6"]  # scores may be negative
        layers["Mean"] = GlobalAveragePooling()
        super().__init__(layers, input_dim=input_dim)
        self.output_size = output_size


def _complete(name, conv_param, usual):
    """Fill in what conv_param leaves out; refuse what it does not know."""
    unknown = set(conv_param or {}) - set(usual)
    if unknown:
        raise ValueError(
            f"{name} has unknown keys {sorted(unknown)}, expected only {', '.join(usual)}. "
            "hidden_size, output_size and weight_init_std are arguments of their own."
        )
    if conv_param and conv_param.get("filter_num", 1) < 1:
        raise ValueError(f"{name} has filter_num {conv_param['filter_num']}, expected 1 or more.")
    return {**usual, **(conv_param or {})}


def _along(input_dim, axis):
    """Name of an axis, and input_dim with it: what `_halved` needs for its message."""
    if len(input_dim) != 3:
        raise ValueError(f"input_dim is {input_dim}, expected (C, H, W).")
    return tuple(input_dim), axis


def _halved(input_dim, axis, *stages):
    """Height or width after stages of convolutions, each followed by a pooling; refuses sizes that do not divide."""
    size = input_dim[axis]
    try:
        for convs in stages:
            for conv in convs:
                size = output_size(size, conv["filter_size"], conv["stride"], conv["pad"])
            size = output_size(size, 2, 2)
    except ValueError as error:
        name, with_what = ("height", "width")[axis - 1], convs[0] if len(convs) == 1 else convs
        reason = str(error).splitlines()[0]  # what follows is advice on arguments that no network has
        raise ValueError(
            f"along the {name} {input_dim[axis]} of input_dim {input_dim} with {with_what}: {reason}\n"
            "Choose input_dim, or the filter_size, pad and stride of conv_param, so that all sizes are whole."
        ) from None
    return size


def _stages(channels, convs, rng, dtype):
    """Conv1, Relu1, Conv2, Relu2, Pool1, Conv3, ...: a pooling after each pair."""
    layers = {}
    for k, conv in enumerate(convs, 1):
        w = he_init((conv["filter_num"], channels, conv["filter_size"], conv["filter_size"]), seed=rng, dtype=dtype)
        layers[f"Conv{k}"] = _convolution(w, np.zeros(len(w), dtype), conv, first=k == 1)
        layers[f"Relu{k}"] = Relu()
        if k % 2 == 0:
            layers[f"Pool{k // 2}"] = MaxPooling(2, stride=2, mode="strict")
        channels = len(w)
    return layers


def _convolution(w, b, conv, *, first):
    """A first layer never needs the gradient of its input, the images."""
    return Convolution(w, b, stride=conv["stride"], padding=conv["pad"], mode="strict", input_grad=not first)


def _affine(inputs, outputs, rng, dtype):
    return Affine(he_init((inputs, outputs), seed=rng, dtype=dtype), np.zeros(outputs, dtype))
