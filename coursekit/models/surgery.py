"""Net surgery: the weights of a trained classifier in a network of convolutions alone, for pictures of any size."""

from collections.abc import Iterator

import torch
from torch import Tensor, fx, nn

from coursekit.models._counterparts import on_flat, on_maps
from coursekit.models.dense import copy_of, on_meta, total_stride

__all__ = ["to_convolutional"]

Shape = tuple[int, ...]


def to_convolutional(model: nn.Module, input_shape: tuple[int, int, int]) -> nn.Module:
    """Turn a classifier into a fully convolutional network with the same weights.

    The first fully connected layer becomes a convolution with a kernel as large as the map it flattened, those after
    it become 1x1 convolutions. Global average pooling becomes average pooling over a window of that size, at
    stride 1. On a picture of the design size the scores are those of the classifier; on a larger one the same window
    of that size slides over it, in steps of the network's total stride.

    The scores of a larger picture are those of its crops, taken one by one, if nothing in the network depends on
    where the crop ends: no zero padding, no pooling with ``ceil_mode``, no batch statistics. Place (i, j) of the map
    is then the crop whose corner lies at (i * S, j * S), S the total stride; crops in between are not on the map.
    Where a stride does not fit and the network never looks at the last pixels of a crop, the map can end with a place
    whose crop would lie outside by those pixels.
    With padding the two differ at every place of a larger picture: the crop sees zeros where the map sees the
    neighbouring pixels.

    Parameters
    ----------
    model : nn.Module
        Convolutions, pooling and so on, then flatten or global pooling, then fully connected layers. It stays as it
        is, but the two SHARE their weights: no memory for a second copy, and training one trains both.
    input_shape : (C, H, W)
        The size of picture that the classifier is made for.

    Returns
    -------
    dense : nn.Module
        From (N, C, H', W') to (N, classes, OH, OW); in eval mode, so without dropout and auxiliary heads. Layers keep
        their names; weights of a former fully connected layer have shape (M, C, H, W).

    Raises
    ------
    TypeError
        If model is not an nn.Module.
    ValueError
        If the model does not take pictures of this shape, or does something with the flattened numbers that has no
        counterpart on maps; the message names the layer.

    Source: Long, Shelhamer & Darrell (2015), "Fully convolutional networks for semantic segmentation", section 3.1.

    >>> classifier = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 4, 10))
    >>> dense = to_convolutional(classifier, (1, 8, 8))
    >>> dense(torch.zeros(1, 1, 8, 8)).shape, dense(torch.zeros(1, 1, 20, 14)).shape
    (torch.Size([1, 10, 1, 1]), torch.Size([1, 10, 13, 7]))
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is {type(model).__name__}, expected an nn.Module such as models.build('vgg16').")
    if len(input_shape) != 3:
        raise ValueError(f"input_shape is {tuple(input_shape)}, expected (C, H, W), such as (3, 224, 224).")
    net = copy_of(model, lambda tensor: tensor).eval()
    dtype = next((p.dtype for p in net.parameters()), torch.float32)
    pictures = torch.empty(2, *input_shape, dtype=dtype, device="meta")  # shapes alone: nothing is computed
    emptied = on_meta(net)
    graph = _graph(net, _fed_flat(emptied, pictures))
    shapes = _ShapeRecorder(emptied, graph=graph).run(pictures)
    for node, layer in list(_changes(net, graph, shapes)):
        _put(net, graph, node, layer)
    dense = fx.GraphModule(net, graph, class_name=f"Convolutional{type(model).__name__}")
    _check_growth(dense, input_shape)
    return dense.eval()


def _fed_flat(net: nn.Module, pictures: Tensor) -> set[str]:
    """Names of the layers without parts, and not PyTorch's own, that are given (N, D): they are kept whole."""
    names: set[str] = set()
    own = [
        (name, layer)
        for name, layer in net.named_modules()
        if not any(layer.children()) and not type(layer).__module__.startswith("torch.nn")
    ]
    for name, layer in own:
        layer.register_forward_pre_hook(lambda _, given, name=name: names.add(name) if given[0].ndim == 2 else None)
    try:
        net(pictures)
    except RuntimeError as error:
        raise ValueError(
            f"input_shape is {tuple(pictures.shape[1:])}, but {type(net).__name__} does not take it: {error}. Is the "
            "size the one it is made for, and is its forward method free of decisions by the values?"
        ) from error
    return names


class _Tracer(fx.Tracer):
    """Read a network as a list of calls, with some layers kept whole besides PyTorch's own."""

    def __init__(self, whole: set[str]):
        super().__init__()
        self.whole = whole

    def is_leaf_module(self, layer: nn.Module, name: str) -> bool:
        return name in self.whole or super().is_leaf_module(layer, name)


def _graph(net: nn.Module, whole: set[str]) -> fx.Graph:
    """What the network computes, as a list of calls."""
    try:
        return _Tracer(whole).trace(net)
    except fx.proxy.TraceError as error:
        raise ValueError(
            f"the forward method of {type(net).__name__} decides by the values or the shape of its input, so it "
            f"cannot be read as a fixed list of layers ({error}). Take the check out of forward."
        ) from error


class _ShapeRecorder(fx.Interpreter):
    """Run the calls one by one and note the shape that each gives; None for what is no tensor."""

    def run(self, *arguments) -> dict[fx.Node, Shape | None]:
        self.shapes: dict[fx.Node, Shape | None] = {}
        super().run(*arguments)
        return self.shapes

    def run_node(self, node: fx.Node):
        value = super().run_node(node)
        self.shapes[node] = tuple(value.shape) if isinstance(value, Tensor) else None
        return value


def _changes(
    net: nn.Module, graph: fx.Graph, shapes: dict[fx.Node, Shape | None]
) -> Iterator[tuple[fx.Node, nn.Module | None]]:
    """Each call that has to change, with the layer that takes its place, or None where it is to be left out."""
    flat: dict[fx.Node, Shape] = {}  # calls that give (N, D), with the (C, H, W) that their D numbers are in truth
    for node in graph.nodes:
        sources = [source for source in node.all_input_nodes if shapes[source] is not None]
        if node.op == "output":
            _check_output(sources, shapes, flat)
        if node.op == "output" or shapes[node] is None or not sources:
            continue
        if sources[0] in flat:
            layer, flat[node] = on_flat(node, _layer(net, node), flat[sources[0]], shapes[node])
        else:
            layer = on_maps(node, _layer(net, node), shapes[sources[0]], shapes[node])
            if len(shapes[node]) == 2:
                flat[node] = shapes[sources[0]][1:] if layer is None else (shapes[node][1], 1, 1)
        if layer != _layer(net, node):
            yield node, layer


def _layer(net: nn.Module, node: fx.Node) -> nn.Module | str:
    """The layer that is called, or the name of the function or method."""
    if node.op == "call_module":
        return net.get_submodule(node.target)
    return node.target if node.op == "call_method" else getattr(node.target, "__name__", str(node.target))


def _check_output(sources: list[fx.Node], shapes: dict[fx.Node, Shape | None], flat: dict[fx.Node, Shape]) -> None:
    last = sources[0] if sources else None
    block = flat.get(last) or (shapes.get(last) or ())[1:]
    if len(sources) != 1 or len(block) != 3 or block[1:] != (1, 1):
        got = [shapes[source] for source in sources]
        raise ValueError(f"the model gives shape {got}, expected one tensor (N, classes): is it a classifier?")


def _check_growth(dense: nn.Module, input_shape: Shape) -> None:
    try:
        total_stride(dense, input_shape)
    except RuntimeError as error:
        raise ValueError(
            f"the network does not take larger pictures ({error}): does it pool the whole map in the middle, "
            "as squeeze-and-excitation does? The scores of a crop then hang on the whole crop, and no map holds them."
        ) from error


def _put(net: nn.Module, graph: fx.Graph, node: fx.Node, layer: nn.Module | None) -> None:
    """Put the layer in the place of a call, under the name of the old one where it had one."""
    source = node.all_input_nodes[0]
    if layer is None:
        node.replace_all_uses_with(source)
        graph.erase_node(node)
        return
    name = node.target if node.op == "call_module" else node.name
    if any(other is not node and other.target == name for other in graph.nodes):
        name = node.name  # the old layer is called elsewhere too, perhaps on another shape
    net.set_submodule(name, layer)
    node.op, node.target, node.args, node.kwargs = "call_module", name, (source,), {}
