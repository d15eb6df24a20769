"""The important figures look as they did: coarse versions of them are kept in pictures.npz.

Every 8 pixels across and down are one number, so that another version of matplotlib or of a font changes little, and a
panel that moved, lost its colours or stayed empty changes much. After a change that is wanted, look at the figures and
write the file anew: python tests/viz/test_viz_pictures.py
"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

from coursekit import data, viz
from coursekit.nn import SimpleConvNet
from coursekit.viz.figure import STYLE

STORED = Path(__file__).with_name("pictures.npz")
DPI, BLOCK = 48, 8
CLOSE = 4.0  # of 255, mean difference: three times what hinting or another font makes


def digits():
    images, labels = data.load_mnist("test")
    return data.as_float(images[:200]), labels[:200]


def strip():
    return viz.activation_strip_figure(SimpleConvNet(seed=0), digits()[0][0])


def filters():
    weights = SimpleConvNet(seed=0).params["W1"]
    return viz.filters_figure({"before": weights, "averaged": (weights + np.roll(weights, 1, axis=3)) / 2})


def heatmaps():
    rows, columns = np.indices((60, 80))
    hill = np.exp(-((rows - 20) ** 2 + (columns - 55) ** 2) / 200)
    return viz.heatmap_figure(data.photo("chelsea")[:60, :80], {"hill": hill, "for and against": hill - hill[::-1]})


def stills():
    return viz.demo_figure(steps=[5])


def volumes():
    pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")
    from coursekit.models import table

    return viz.volumes_figure(table("lenet5"))


def mistakes():
    images, labels = digits()
    return viz.mistakes_figure(images, labels, np.where(np.arange(200) % 7, labels, (labels + 1) % 10))


def confusion():
    _, labels = digits()
    return viz.confusion_figure(viz.confusion_matrix(labels, np.where(np.arange(200) % 7, labels, 3), 10))


def overlap():
    return viz.overlap_film([1, 2, 3, -1], [1, 0, -1.5])[0][3]


def toeplitz():
    return viz.toeplitz_figure([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], (5, 5))


def frequency():
    picture = data.photo("chelsea", grey=True) / 255
    return viz.frequency_figure({"blur": np.full((5, 5), 0.04), "edges": np.array([[-1, 0, 1]] * 3)}, picture)


FIGURES = (
    strip, filters, heatmaps, stills, volumes, mistakes, confusion, overlap, toeplitz, frequency,
)  # fmt: skip


def drawn(figure) -> FigureCanvasAgg:
    with rc_context(STYLE):
        figure.set_dpi(DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return canvas


def coarse(canvas: FigureCanvasAgg) -> np.ndarray:
    """The figure in blocks, (rows, columns, 3) of uint8; what is left over at the right and below is cut off."""
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(float)
    rows, columns = (side // BLOCK for side in pixels.shape[:2])
    blocks = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def difference(one, other) -> float:
    """Mean over the blocks that are not white in both."""
    used = (np.minimum(one, other) < 250).any(axis=2)
    return float(np.abs(one.astype(float) - other)[used].mean())


@pytest.fixture(scope="module")
def stored():
    with np.load(STORED) as file:
        return dict(file)


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_figure_looks_as_it_did_and_fits_the_page(draw, stored):
    figure = draw()
    canvas = drawn(figure)
    now, then = coarse(canvas), stored[draw.__name__]
    assert now.shape == then.shape
    assert difference(now, then) < CLOSE
    width, height = figure.get_size_inches()
    assert width <= 8.0
    box = figure.get_tightbbox(canvas.get_renderer())  # of all that is drawn, in inches
    assert (box.p0 > -0.05).all()
    assert (box.p1 < np.add((width, height), 0.05)).all()


@pytest.mark.parametrize("draw", [stills, mistakes, toeplitz], ids=lambda draw: draw.__name__)
def test_what_went_wrong_is_seen(draw, stored):
    """Negative controls: colours lost, all moved by a block, and a panel gone."""
    then = stored[draw.__name__]
    grey = np.repeat(then.mean(axis=2, keepdims=True).round().astype(np.uint8), 3, axis=2)
    assert difference(np.roll(then, 1, axis=1), then) > CLOSE
    if draw is not mistakes:  # digits are grey as they are
        assert difference(grey, then) > CLOSE
    figure = draw()
    for panel in figure.axes[: (len(figure.axes) + 1) // 2]:
        panel.add_patch(Rectangle((0, 0), 0.5, 1, color="white", zorder=9, transform=panel.transAxes))
    assert difference(coarse(drawn(figure)), then) > CLOSE


if __name__ == "__main__":
    np.savez_compressed(STORED, **{draw.__name__: coarse(drawn(draw())) for draw in FIGURES})
