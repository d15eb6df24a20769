"""What goes on in training: gradients by depth, activations by initialisation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from coursekit.nn.sequential import Sequential
from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.lines import DASHES
from coursekit.viz.running import torch_module

__all__ = ["gradient_norms", "gradient_norms_figure", "histograms_figure", "show_gradient_norms", "show_histograms"]

NAMED = 12  # layers up to which they are named along the axis
BINS = 40


def gradient_norms(network: Any, x: Any, t: Any) -> dict[str, float]:
    """How long the loss's gradient is for each layer's weights: the root of the sum of its squares.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, or torch.nn.Module that returns scores
        Run as in training; parameters, gradients and running statistics are left as they were. For a torch module the
        loss is cross-entropy.
    x : ndarray or Tensor, shape (N, C, H, W)
    t : ndarray or Tensor of int, shape (N,)

    Returns
    -------
    norms : dict of name to float
        Of the weights of convolutions and dense layers, from the first to the last; biases and norms are left out.

    Raises
    ------
    TypeError
        If it is no network.

    >>> from coursekit.nn import SimpleConvNet
    >>> norms = gradient_norms(SimpleConvNet(), np.ones((2, 1, 28, 28), np.float32), np.array([3, 7]))
    >>> list(norms), norms["W1"] < norms["W3"]
    (['W1', 'W2', 'W3'], True)
    """
    if not isinstance(network, Sequential):
        from coursekit.viz.torch_dynamics import torch_gradients

        grads = torch_gradients(torch_module(network), x, t)
    else:
        before = {name: value.copy() for name, value in network.buffers.items()}
        try:
            grads = network.gradient(x, t)
        finally:
            network.buffers.update(before)
    return {name: float(np.linalg.norm(grad)) for name, grad in grads.items() if grad.ndim > 1}


def show_gradient_norms(norms: Mapping[str, Mapping[str, float]], *, alt: str | None = None) -> None:
    """Show gradient norms by depth, a line for each network.

    Parameters
    ----------
    norms : dict of network to dict of layer to float
        As `gradient_norms` returns it; from the first layer to the last.
    alt : str, optional
        What the figure shows; made from the norms where not given.

    Raises
    ------
    ValueError
        If there is no network, or one without a layer.

    Source: Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
    section 4.2.

    >>> show_gradient_norms({"plain": {"W1": 1e-6, "W2": 1e-3}, "with skips": {"W1": 0.02, "W2": 0.03}})
    Gradient norms from the first to the last layer. plain: 1e-06 to 0.001; with skips: 0.02 to 0.03.
    """
    figure = gradient_norms_figure(norms)
    ends = [f"{name}: {v[0]:.2g} to {v[-1]:.2g}" for name, v in ((n, list(d.values())) for n, d in norms.items())]
    show(figure, alt or f"Gradient norms from the first to the last layer. {'; '.join(ends)}.")


def gradient_norms_figure(norms: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw what `show_gradient_norms` shows.

    >>> figure = gradient_norms_figure({"plain": {"W1": 1e-6, "W2": 1e-3}})
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['W1', 'W2']
    """
    if not norms or not all(norms.values()):
        raise ValueError("norms is empty, or has a network without a layer: give {network: {layer: norm}}.")
    many = len(norms) > 4
    figure, axes = new_figure(size=(8.4 if many else 6.4, 3.2))
    panel = axes[0, 0]
    for k, (name, by_layer) in enumerate(norms.items()):
        depth = np.arange(1, len(by_layer) + 1)
        look = {"color": PALETTE[k % len(PALETTE)], "marker": "osD^v"[k % 5], "markersize": 4}
        panel.plot(depth, list(by_layer.values()), DASHES[k % len(DASHES)], label=name, **look)
    if any(value > 0 for by_layer in norms.values() for value in by_layer.values()):
        panel.set_yscale("log")
        low, high = panel.get_ylim()
        if high < 1000 * low:  # powers of ten alone would be one or two
            panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:g}")
            panel.yaxis.set_minor_formatter(NullFormatter())
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set(xlabel="layer with weights, from the input", ylabel="norm of the gradient")
    names = [tuple(by_layer) for by_layer in norms.values()]
    if len(set(names)) == 1 and len(names[0]) <= NAMED:
        panel.set_xticks(np.arange(1, len(names[0]) + 1), labels=names[0])
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if many else {}  # within, it would cover curves
    panel.legend(fontsize=9, frameon=False, **beside)
    return figure


def show_histograms(
    activations: Mapping[str, Mapping[str, np.ndarray]], *, xlabel: str = "activation", alt: str | None = None
) -> None:
    """Show how the activations of each layer are spread: a row for each initialisation, a panel for each layer.

    Parameters
    ----------
    activations : dict of initialisation to dict of layer to ndarray of any shape
        As `Sequential.activations` or `activations` returns them.
    xlabel : str
        What is counted.
    alt : str, optional
        What the figure shows; made from the standard deviations where not given.

    Raises
    ------
    ValueError
        If there is nothing to draw, or the rows have not the same number of layers.

    Source: Saito, "Deep Learning from Scratch", section 6.2.2; Glorot & Bengio (2010), section 4.

    >>> show_histograms({"std 0.01": {"layer 1": np.array([-0.1, 0.1]), "layer 2": np.array([0.0, 0.0])}})
    Histograms of the activation by layer. std 0.01: standard deviations 0.1, 0.
    """
    figure = histograms_figure(activations, xlabel=xlabel)
    rows = [
        f"{name}: standard deviations {', '.join(f'{np.std(values):.2g}' for values in by_layer.values())}"
        for name, by_layer in activations.items()
    ]
    show(figure, alt or f"Histograms of the {xlabel} by layer. {'; '.join(rows)}.")


def histograms_figure(activations: Mapping[str, Mapping[str, np.ndarray]], *, xlabel: str = "activation") -> Figure:
    """Draw what `show_histograms` shows.

    >>> figure = histograms_figure({"He": {"layer 1": np.array([-1.0, 1.0]), "layer 2": np.array([0.0, 3.0])}})
    >>> figure.axes[1].get_title()
    'layer 2\\nstd 1.5, zero 50 %'
    """
    rows = {name: {k: np.ravel(v) for k, v in by_layer.items()} for name, by_layer in activations.items()}
    counts = {len(by_layer) for by_layer in rows.values()}
    if len(counts) != 1 or 0 in counts or any(not v.size for by_layer in rows.values() for v in by_layer.values()):
        raise ValueError(
            f"activations has rows of {sorted(counts) or 'no'} layers: give each initialisation the same number of "
            "them, 1 or more, none empty."
        )
    columns = counts.pop()
    size = (min(8.0, 1.5 * columns + 0.9), 1.25 * len(rows) + 0.5)
    figure, axes = new_figure(len(rows), columns, size=size, sharex="row", sharey="row")
    for panels, (name, by_layer) in zip(axes, rows.items(), strict=True):
        _draw_row(panels, name, by_layer)
    for panel, layer in zip(axes[0], next(iter(rows.values())), strict=True):
        panel.set_title(f"{layer}\n{panel.get_title()}", fontsize=8)
    figure.supxlabel(xlabel, fontsize=9)
    return figure


def _draw_row(panels, name: str, by_layer: Mapping[str, np.ndarray]) -> None:
    """Share of the numbers in each bin; one range for the row, without its rarest extremes."""
    every = np.concatenate(list(by_layer.values()))
    low, high = (float(v) for v in np.quantile(every, (0.001, 0.999)))
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    for panel, values in zip(panels, by_layer.values(), strict=True):
        shares, edges = np.histogram(values, BINS, (low, high), weights=np.full(values.size, 100 / values.size))
        panel.stairs(shares, edges, fill=True, color=PALETTE[0])
        panel.set_title(f"std {values.std():.2g}, zero {100 * np.mean(values == 0):.0f} %", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.locator_params(axis="x", nbins=3)
        panel.set_yscale("symlog", linthresh=1)  # half of the numbers may be 0
        panel.set_yticks([0, 1, 10, 100], labels=["0", "1", "10", "100"])
        panel.set_ylim(0, 130)
    panels[0].set_ylabel(f"{name}\n% of numbers", fontsize=8)
