"""One picture on its way through a network: a column of maps for each layer, and the scores at the end."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from coursekit.nn.sequential import Sequential
from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.running import Network, one_volume, run_layers, torch_module
from coursekit.viz.tilework import GAP, draw_tiles, map_look

__all__ = ["activation_strip_figure", "default_layers", "show_activation_strip"]

MOST = 12  # columns that can still be read at the width of a notebook
USUAL = 9
WIDEST = 8.0  # inches: what a notebook has room for
BEST = 5
LINE = 10  # letters that fit above a column
BAR = 0.5  # inches from bar to bar
RECTIFIERS = ("Relu", "ReLU", "ReLU6", "LeakyReLU", "ELU", "SiLU", "GELU", "Hardswish", "PReLU")


def show_activation_strip(
    network: Network,
    image: Any,
    classes: Sequence[str] | None = None,
    *,
    layers: Sequence[str] | Mapping[str, str] | None = None,
    maps: int = 10,
    alt: str | None = None,
) -> None:
    """Show one picture through a network: a column of maps per layer, ending in the five best classes.

    Each map has a scale of its own. Where nothing is negative (behind a ReLU) black is 0; elsewhere orange is above,
    purple below zero. Of more than `maps` maps strong ones that are unlike each other are drawn, the same ones as long
    as the number of maps stays.

    Parameters
    ----------
    network : Sequential of `coursekit.nn`, torch.nn.Module, or what `coursekit.models.pretrained` returns
        Run as in use; left in the mode it was in. The scores must come out as (1, classes).
    image : ndarray or Tensor, shape (C, H, W), (1, C, H, W) or (H, W)
        As the network takes it. For a Pretrained also a photograph, (H, W, 3) of uint8.
    classes : sequence of str, optional
        Names of the classes; a Pretrained's own, or else their numbers, where not given.
    layers : sequence of str, or dict of str to str, optional
        The layers to draw, at most 12, a dict with the title of each; `default_layers` chooses where not given.
    maps : int
        Maps in a column at most.
    alt : str, optional
        What the figure shows; made from the layers and the scores where not given.

    Raises
    ------
    ValueError
        If there is no such layer, there are too many, or the names are not as many as the scores.

    Source: Stanford CS231n, notes on convolutional networks, the figure of a small VGG's activations.

    >>> from coursekit.nn import SimpleConvNet
    >>> show_activation_strip(SimpleConvNet(), np.zeros((1, 28, 28), np.float32))
    One picture through 6 layers: Conv1 (30, 24, 24), Relu1 (30, 24, 24), Pool1 (30, 12, 12), Affine1 (100,), \
Relu2 (100,), Affine2 (10,). Best classes: 0 10 %, 1 10 %, 2 10 %, 3 10 %, 4 10 %.
    """
    columns, scores, picture = _collect(network, image, layers)
    names = _class_names(network, classes, len(scores))
    show(_draw(columns, scores, picture, names, maps), alt or _describe(columns, scores, names))


def activation_strip_figure(
    network: Network,
    image: Any,
    classes: Sequence[str] | None = None,
    *,
    layers: Sequence[str] | Mapping[str, str] | None = None,
    maps: int = 10,
) -> Figure:
    """Draw what `show_activation_strip` shows.

    >>> from coursekit.nn import SimpleConvNet
    >>> figure = activation_strip_figure(SimpleConvNet(), np.zeros((1, 28, 28), np.float32))
    >>> [panel.get_title().split("\\n")[0] for panel in figure.axes][::3]
    ['input', 'Pool1', 'Affine2']
    """
    columns, scores, picture = _collect(network, image, layers)
    return _draw(columns, scores, picture, _class_names(network, classes, len(scores)), maps)


def default_layers(volumes: Mapping[str, np.ndarray], kinds: Mapping[str, str] | None = None) -> list[str]:
    """Which layers to draw where nobody says: all if they are few, else evenly spread ones.

    Parameters
    ----------
    volumes : dict of name to ndarray, in the order of the layers
    kinds : dict of name to the layer's class, optional
        If there are many layers and among them at least four rectifiers, only these are chosen from.

    >>> default_layers({f"relu{k}": np.zeros((1, 2, 3, 3)) for k in range(18)})
    ['relu0', 'relu2', 'relu4', 'relu6', 'relu8', 'relu11', 'relu13', 'relu15', 'relu17']
    """
    names = list(volumes)
    if len(names) <= MOST:
        return names
    with_places = [name for name in names if volumes[name].ndim == 4]
    fired = [name for name in with_places if (kinds or {}).get(name) in RECTIFIERS]
    pool = fired if len(fired) >= 4 else with_places or names
    places = np.linspace(0, len(pool) - 1, min(USUAL, len(pool))).round().astype(int)
    return [pool[place] for place in places]


def _collect(network: Network, image: Any, layers) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Title to volume without batch axis for each column, the probabilities, and the picture that went in."""
    batch = one_volume(network, image)
    volumes = run_layers(network, batch)
    scores = list(volumes.values())[-1]
    if scores.ndim != 2:
        raise ValueError(f"the last layer returns shape {scores.shape}: expected scores (1, classes) of a classifier.")
    if layers is None:
        layers = default_layers(volumes, _kinds(network, volumes))
    elif missing := [name for name in layers if name not in volumes]:
        volumes |= run_layers(network, batch, missing)  # whole blocks of a torch module, which are no layers
    if not 1 <= len(layers) <= MOST:
        raise ValueError(f"layers are {len(layers)}: expected 1 to {MOST}, or they cannot be read. Choose some.")
    titles = layers if isinstance(layers, Mapping) else {name: name for name in layers}
    picture = np.asarray(batch.detach().cpu() if hasattr(batch, "detach") else batch, dtype=float)[0]
    return {title: volumes[name][0] for name, title in titles.items()}, _softmax(scores[0]), picture


def _kinds(network: Network, volumes: Mapping[str, np.ndarray]) -> dict[str, str]:
    if isinstance(network, Sequential):
        return {name: type(layer).__name__ for name, layer in network.layers.items()}
    modules = dict(torch_module(network).named_modules())
    return {name: type(modules[name.split(" (")[0]]).__name__ for name in volumes}


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores.astype(float) - scores.max())
    return powers / powers.sum()


def _class_names(network: Network, classes: Sequence[str] | None, count: int) -> list[str]:
    names = classes if classes is not None else getattr(network, "categories", range(count))
    if len(names) != count:
        raise ValueError(f"classes has {len(names)} names, the network {count} scores: expected one name for each.")
    return [str(name) for name in names]


def _draw(columns: dict, scores: np.ndarray, picture: np.ndarray, names: list[str], maps: int) -> Figure:
    if maps < 1:
        raise ValueError(f"maps is {maps}: expected at least 1 in a column.")
    widths = [1.0 if volume.ndim == 3 else 0.8 for volume in columns.values()]
    chosen = _same_maps(list(columns.values()), maps)
    cells = max((len(places) for places in chosen if places is not None), default=maps)
    side = min(0.6, (WIDEST - 2.75 - 0.09 * len(widths)) / sum(widths))
    size = (side * sum(widths) + 0.09 * len(widths) + 2.75, max(2.4, side * cells * (1 + GAP) + 0.62))
    ratios = [1.15 / side, *widths, 1.35 / side]
    figure, axes = new_figure(1, len(ratios), size=size, width_ratios=ratios)
    _draw_picture(axes[0, 0], picture)
    for panel, (title, volume), places in zip(axes[0, 1:], columns.items(), chosen, strict=False):
        _draw_column(panel, volume, places)
        panel.set_title(_wrapped(title, volume), fontsize=7, linespacing=1.15)
    _draw_best(axes[0, -1], scores, names, size[1])
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.03, wspace=0.012)
    return figure


def _same_maps(volumes: list[np.ndarray], maps: int) -> list[np.ndarray | None]:
    """Which maps of each volume are drawn: one choice as long as the number of maps stays, made at the run's end."""
    chosen: list[np.ndarray | None] = [None] * len(volumes)
    for k in reversed(range(len(volumes))):
        if volumes[k].ndim != 3:
            continue
        following = volumes[k + 1] if k + 1 < len(volumes) else None
        if following is not None and following.ndim == 3 and len(following) == len(volumes[k]):
            chosen[k] = chosen[k + 1]
        else:
            chosen[k] = _unlike(volumes[k], maps)
    return chosen


def _unlike(volume: np.ndarray, count: int) -> np.ndarray:
    """Maps that are unlike each other: the next is always the one of which those before explain least.

    The strongest alone would often be ten times the same. This is how a QR decomposition chooses its pivots.
    """
    rest = volume.reshape(len(volume), -1).astype(np.float64)
    rest = rest - rest.mean(axis=1, keepdims=True)
    chosen: list[int] = []
    for _ in range(min(count, len(volume))):
        left = (rest**2).sum(axis=1)
        left[chosen] = -1.0
        chosen.append(int(left.argmax()))
        direction = rest[chosen[-1]] / (np.linalg.norm(rest[chosen[-1]]) or 1.0)
        rest = rest - np.outer(rest @ direction, direction)
    return np.sort(chosen)


def _draw_picture(panel: Axes, picture: np.ndarray) -> None:
    low, high = picture.min(), picture.max()
    shares = (picture - low) / ((high - low) or 1.0)
    if len(picture) == 3:
        panel.imshow(shares.transpose(1, 2, 0))
    else:
        panel.imshow(shares[0], cmap="gray", vmin=0, vmax=1)
    panel.set(xticks=[], yticks=[], anchor="N")
    panel.set_title(f"input\n{_size(picture)}", fontsize=7, linespacing=1.15)
    panel.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.5)


def _draw_column(panel: Axes, volume: np.ndarray, places: np.ndarray | None) -> None:
    if places is None:  # no maps, but single numbers: one stripe each
        look = map_look(volume, signed=volume.min() < 0)
        panel.imshow(volume.reshape(-1, 1), aspect="auto", interpolation="nearest", **look)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.5)
        panel.grid(False)
        return
    tiles = [volume[place] for place in places]
    draw_tiles(panel, tiles, columns=1, looks=[map_look(tile, signed=volume.min() < 0) for tile in tiles])


def _wrapped(title: str, volume: np.ndarray) -> str:
    """The layer's name, broken behind dots where it is long, over its size."""
    lines = []
    for given in title.split("\n"):
        line = ""
        for part in given.replace(".", ".\n").replace(" (", "\n (").split("\n"):
            if line and len(line + part) > LINE:
                lines.append(line)
                line = ""
            line += part if line else part.lstrip()
        lines.append(line)
    size = _size(volume) if volume.ndim == 1 else f"{len(volume)} ×\n{_size(volume[0])}"
    return "\n".join([*lines, size])


def _size(volume: np.ndarray) -> str:
    return "×".join(map(str, volume.shape))


def _percent(share: float) -> str:
    return "< 1 %" if share < 0.005 else f"{100 * share:.0f} %"


def _best(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind="stable")[:BEST]


def _draw_best(panel: Axes, scores: np.ndarray, names: list[str], height: float) -> None:
    best = _best(scores)
    rows = np.arange(len(best))
    panel.barh(rows, scores[best], height=0.36, color=[PALETTE[1], *[PALETTE[0]] * (len(best) - 1)])
    for row, place in enumerate(best):
        name = names[place] if len(names[place]) <= 22 else names[place][:21] + "…"
        panel.text(0, row - 0.27, name, fontsize=8, va="bottom")
        panel.text(scores[place] + 0.03, row, _percent(scores[place]), fontsize=8, va="center")
    panel.set(xlim=(0, 1.35), ylim=(max(len(best) - 0.5, height / BAR - 0.7), -0.7), xticks=[], yticks=[])
    panel.set_title("best classes", fontsize=7)
    panel.spines[["bottom", "left"]].set_visible(False)
    panel.grid(False)


def _describe(columns: dict, scores: np.ndarray, names: list[str]) -> str:
    layers = ", ".join(f"{title} {volume.shape}".replace("\n", " ") for title, volume in columns.items())
    best = ", ".join(f"{names[place]} {_percent(scores[place])}" for place in _best(scores))
    count = "1 layer" if len(columns) == 1 else f"{len(columns)} layers"
    return f"One picture through {count}: {layers}. Best classes: {best}."
