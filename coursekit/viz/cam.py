"""Grad-CAM: where the evidence for a class lies, on the maps of the last layer that still has places."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from coursekit.viz.probing import Targets, chosen_scores, find_layer, last_maps, output_of, undisturbed

__all__ = ["grad_cam"]


def grad_cam(
    network: nn.Module,
    images: Tensor,
    targets: Targets = None,
    *,
    layer: str | nn.Module | None = None,
    resize: bool = True,
) -> Tensor:
    """Maps of a layer, weighted by how much each counts for the class: relu(sum_k alpha_k A_k).

    A_k is the k-th map of the layer, alpha_k the mean over its places of dS_c / dA_k. For a network that ends in
    global average pooling and one fully connected layer that is the class activation map, but for a factor.

    Parameters
    ----------
    network, images, targets
        As in `coursekit.viz.input_gradient`.
    layer : str or nn.Module, optional
        Whose maps: a name as in `named_modules`. The last maps before pooling or flattening if left out.
    resize : bool
        True for a map as large as the image, by bilinear interpolation; False for one as large as the layer's.

    Returns
    -------
    maps : Tensor of shape (N, H, W), or of the layer's (N, h, w); 0 and above
        All 0 where nothing speaks for the class.

    Raises
    ------
    TypeError, ValueError
        As `input_gradient`, or if there is no such layer, or it gives no maps.

    Source: Selvaraju et al. (2017), "Grad-CAM: visual explanations from deep networks", equations 1 and 2; Zhou et
    al. (2016), "Learning deep features for discriminative localization", section 2, for class activation maps.

    >>> network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1))
    >>> network[0].weight.data.fill_(1), network[3].weight.data.fill_(8)
    (tensor([[[[1.]]]]), tensor([[8.]]))
    >>> grad_cam(network, torch.tensor([[[[1.0, 0.0], [-1.0, 3.0]]]]))
    tensor([[[2., 0.],
             [0., 6.]]])
    """
    with undisturbed(network, images) as pixels:
        part = last_maps(network, images) if layer is None else find_layer(network, layer)
        with output_of(part) as kept:
            scores = network(pixels.clone())
        if not kept or kept[0].ndim != 4:
            gave = f"gives {tuple(kept[0].shape)}" if kept else "was not run"
            raise ValueError(f"layer {layer!r} {gave}, expected maps (N, K, h, w): take a layer before the flattening.")
        (maps,) = kept
        gradients = torch.autograd.grad(chosen_scores(scores, targets).sum(), maps)[0]
        alphas = gradients.mean(dim=(2, 3), keepdim=True)  # (N, K, 1, 1)
        evidence = (alphas * maps.detach()).sum(dim=1, keepdim=True).relu()  # (N, 1, h, w)
    if resize:
        evidence = functional.interpolate(evidence, images.shape[2:], mode="bilinear")
    return evidence[:, 0]
