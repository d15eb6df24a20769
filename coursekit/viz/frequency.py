"""Filters seen by what they do to waves: which frequencies pass, which are damped."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from coursekit.viz.figure import PALETTE, new_figure, show
from coursekit.viz.grids import signed_norm
from coursekit.viz.lines import DASHES

__all__ = ["frequency_figure", "frequency_response", "show_frequencies", "spectrum"]

DECADES = 4  # of the picture's spectrum that are told apart
FINE = 129  # frequencies along an axis
GREY = {"cmap": "gray", "vmin": 0, "vmax": 1}
UNIT = "cycles per pixel"


def frequency_response(kernel, size: int = FINE) -> tuple[np.ndarray, np.ndarray]:
    """How much taller or flatter a kernel makes a wave: the magnitude of its transfer function.

    Parameters
    ----------
    kernel : array_like, shape (K,) or (KH, KW)
        Whether it is turned makes no difference to the magnitude.
    size : int
        How many frequencies along each axis, evenly from -0.5 to 0.5 cycles per pixel, both ends included; odd, so
        that 0 is among them.

    Returns
    -------
    frequencies : ndarray of shape (size,), in cycles per pixel
    gain : ndarray of shape (size,) or (size, size)
        Height out by height in; of a picture (vertical, horizontal) frequency.

    Raises
    ------
    ValueError
        If the kernel has not one or two axes, or size is not odd and 3 or more.

    Source: Oppenheim & Schafer, "Discrete-time signal processing", section 2.6.

    >>> frequencies, gain = frequency_response([-1, 3, -1], size=3)    # sharpens
    >>> frequencies.tolist(), gain.round(6).tolist()
    ([-0.5, 0.0, 0.5], [5.0, 1.0, 5.0])
    """
    kernel = np.asarray(kernel, dtype=float)
    if kernel.ndim not in (1, 2) or not kernel.size:
        raise ValueError(f"kernel has shape {kernel.shape}: expected (K,) or (KH, KW), none of them 0.")
    if size < 3 or size % 2 == 0:
        raise ValueError(f"size is {size}: expected an odd number of 3 or more, such as {FINE}.")
    frequencies = np.linspace(-0.5, 0.5, size)
    response: np.ndarray = kernel
    for length in kernel.shape:  # each turn takes the first axis away and puts its frequencies last
        waves = np.exp(-2j * np.pi * np.outer(np.arange(length), frequencies))
        response = np.tensordot(response, waves, axes=(0, 0))
    return frequencies, np.abs(response)


def spectrum(picture) -> np.ndarray:
    """How strong each wave is in a grey picture: the magnitude of its Fourier transform, frequency 0 in the middle.

    The border is faded out first (a Hann window): without, the jump from one edge to the opposite one would look like
    waves along both axes.

    Parameters
    ----------
    picture : array_like, shape (H, W)

    Returns
    -------
    strength : ndarray of shape (H, W)
        As a share of the strongest wave, its mean left out; row i is frequency (i - H // 2) / H cycles per pixel.

    Raises
    ------
    ValueError
        If the picture has not two axes.

    Source: Oppenheim & Schafer, "Discrete-time signal processing", section 10.2.

    >>> wave = np.cos(2 * np.pi * 0.25 * np.arange(16)) * np.ones((16, 1))     # 0.25 cycles per pixel, across
    >>> (np.argwhere(spectrum(wave) > 0.99) - 8) / 16                          # vertical, horizontal frequency
    array([[ 0.  , -0.25],
           [ 0.  ,  0.25]])
    """
    picture = np.asarray(picture, dtype=float)
    if picture.ndim != 2 or not picture.size:
        raise ValueError(f"picture has shape {picture.shape}: expected grey, (H, W). Take its mean over the colours.")
    if np.ptp(picture) == 0:
        return np.zeros(picture.shape)  # without its mean nothing is left but rounding
    fading = np.outer(*(np.hanning(side + 2)[1:-1] for side in picture.shape))
    strength = np.abs(np.fft.fftshift(np.fft.fft2((picture - picture.mean()) * fading)))
    return strength / (strength.max() or 1.0)


def show_frequencies(kernels: Mapping, picture=None, *, alt: str | None = None) -> None:
    """Show which waves filters let through: curves of kernels on a line, maps of kernels on a picture.

    With a picture, the filtered pictures stand above the responses, and the picture's own spectrum beside them.

    Parameters
    ----------
    kernels : dict of name to array_like, shape (K,) or (KH, KW)
        All with one axis, or all with two.
    picture : array_like, shape (H, W), optional
        Grey; for kernels with two axes.
    alt : str, optional
        What the figure shows; a sentence with the gains, if left out.

    Raises
    ------
    ValueError
        If there is no kernel, they have not all the same number of axes, or a picture is given to those with one.

    Source: as of `frequency_response`.

    >>> show_frequencies({"mean": [1 / 2, 1 / 2], "difference": [1, -1]})
    How filters change waves, by frequency in cycles per pixel. Gain of a constant and of the fastest wave: mean 1 \
and 0, difference 0 and 2.
    """
    show(frequency_figure(kernels, picture), _describe(kernels, picture) if alt is None else alt)


def frequency_figure(kernels: Mapping, picture=None) -> Figure:
    """Draw what `show_frequencies` shows.

    >>> figure = frequency_figure({"blur": np.full((3, 3), 1 / 9)}, np.eye(8))
    >>> [panel.get_title() for panel in figure.axes if panel.get_title()]
    ['picture', 'blur', 'its spectrum', 'gain of blur\\nup to 1']
    """
    axes_of = {np.ndim(kernel) for kernel in kernels.values()}
    if len(axes_of) != 1 or not axes_of <= {1, 2}:
        raise ValueError(
            f"kernels have {sorted(axes_of) or 'no'} axes: give at least one, all with 1 axis or all with 2."
        )
    if axes_of == {2}:
        return _maps(kernels, picture)
    if picture is not None:
        raise ValueError("picture needs kernels with two axes, (KH, KW); these have one.")
    return _curves(kernels)


def _curves(kernels: Mapping) -> Figure:
    figure, axes = new_figure(size=(6.4, 3.0))
    for k, (name, kernel) in enumerate(kernels.items()):
        frequencies, gain = frequency_response(kernel, 401)
        half = frequencies >= 0  # the other half mirrors it
        axes[0, 0].plot(
            frequencies[half], gain[half], DASHES[k % len(DASHES)], color=PALETTE[k % len(PALETTE)], label=name
        )
    axes[0, 0].axhline(1, color="#666666", lw=0.8, zorder=1)
    axes[0, 0].set(xlabel=f"frequency ({UNIT})", ylabel="height out / height in", xlim=(0, 0.5))
    axes[0, 0].set_ylim(bottom=0)
    axes[0, 0].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False)
    return figure


def _maps(kernels: Mapping, picture) -> Figure:
    from scipy.ndimage import correlate

    picture = None if picture is None else _as_grey(picture)
    tall = [] if picture is None else [picture.shape[0] / picture.shape[1]]
    columns = len(kernels) + len(tall)
    beside = 0.9 + 1.1 * len(tall)  # inches for the colour bars
    side = min(2.0, (7.9 - beside) / columns)
    size = (side * columns + beside, (side + 0.32) * (1 + sum(tall)) + 0.5)
    figure, axes = new_figure(1 + len(tall), columns, size=size, height_ratios=[*tall, 1])
    if picture is not None:
        _draw_picture(axes[0, 0], picture, "picture")
        strength = 1 + np.log10(np.maximum(spectrum(picture), 10.0**-DECADES)) / DECADES
        _draw_map(axes[1, 0], strength, "its spectrum", "gray", sides=picture.shape)
        for panel, (name, kernel) in zip(axes[0, 1:], kernels.items(), strict=True):
            kernel = np.asarray(kernel, dtype=float)
            changes = abs(kernel.sum()) < 1e-6 * np.abs(kernel).sum()  # brightness is lost: the sign is what is left
            _draw_picture(panel, correlate(picture, kernel, mode="nearest"), name, signed=changes)
    for panel, (name, kernel) in zip(axes[-1, columns - len(kernels) :], kernels.items(), strict=True):
        gain = frequency_response(kernel)[1]
        _draw_map(panel, gain / (gain.max() or 1.0), f"gain of {name}\nup to {gain.max():.3g}", "viridis")
    for panel in axes[-1, 1:]:
        panel.tick_params(labelleft=False)
    axes[-1, 0].set_ylabel(f"vertical ({UNIT})", fontsize=8)
    figure.supxlabel(f"horizontal frequency ({UNIT})", fontsize=9)
    _add_bars(figure, axes[-1], with_spectrum=picture is not None)
    return figure


def _as_grey(picture) -> np.ndarray:
    picture = np.asarray(picture)
    spectrum(picture)  # refuses what is not grey
    return picture / 255 if picture.dtype == np.uint8 else picture.astype(float)


def _draw_picture(panel: Axes, picture: np.ndarray, title: str, *, signed: bool = False) -> None:
    look = (
        {"cmap": "PuOr_r", "norm": signed_norm(picture, part=0.995)}
        if signed
        else {"cmap": "gray", "vmin": 0, "vmax": 1}
    )
    panel.imshow(picture, **look)
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=9)
    panel.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.5)


def _draw_map(panel: Axes, shares: np.ndarray, title: str, cmap: str, *, sides=None) -> None:
    """Shares of the largest, frequency 0 in the middle; of n places the lowest frequency is -(n // 2) / n."""
    spans = [(-0.5, 0.5)] * 2 if sides is None else [((-(n // 2) - 0.5) / n, (n - n // 2 - 0.5) / n) for n in sides]
    panel.imshow(shares, cmap=cmap, vmin=0, vmax=1, extent=(*spans[1], *spans[0][::-1]), aspect="equal")
    ticks = {"ticks": [-0.5, 0, 0.5], "labels": ["−½", "0", "½"], "fontsize": 8}
    panel.set_xticks(**ticks)
    panel.set_yticks(**ticks)
    panel.set(xlim=(-0.5, 0.5), ylim=(0.5, -0.5))
    panel.set_title(title, fontsize=9)
    panel.grid(False)


def _add_bars(figure: Figure, panels: np.ndarray, *, with_spectrum: bool) -> None:
    """Of the gains, from 0 evenly; of the spectrum, by powers of ten."""
    look = {"ax": panels, "aspect": 16, "pad": 0.02, "shrink": 0.9}
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), colormaps["viridis"]), **look)
    bar.set_ticks([0, 0.5, 1], labels=["0", "½", "1"], fontsize=8)
    bar.set_label("share of the\nlargest gain", fontsize=8)
    if with_spectrum:
        bar = figure.colorbar(ScalarMappable(Normalize(0, 1), colormaps["gray"]), location="left", **look)
        bar.set_ticks([0, 1], labels=[f"{10**-DECADES:g}", "1"], fontsize=8)
        bar.set_label("share of the\nstrongest wave", fontsize=8, labelpad=-18)


def _describe(kernels: Mapping, picture) -> str:
    gains = []
    for name, kernel in kernels.items():
        gain = frequency_response(kernel, 3)[1]
        fastest = gain.flat[-1]  # of a picture a chessboard, as fast as can be along both axes
        gains.append(f"{name} {round(gain[(1,) * gain.ndim], 3):.3g} and {round(fastest, 3):.3g}")
    what = "the fastest wave" if np.ndim(next(iter(kernels.values()))) == 1 else "a chessboard of pixels"
    beside = "" if picture is None else " A picture, its spectrum and the filtered pictures stand beside them."
    start = f"How filters change waves, by frequency in {UNIT}. Gain of a constant and of {what}"
    return f"{start}: {', '.join(gains)}.{beside}"
