"""The bubble plot and the history plot: what is drawn is what was given, and no name lies on another."""

from itertools import combinations

import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")
pytest.importorskip("torch", reason="needs PyTorch: python3 course.py setup")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from coursekit import models, viz
from coursekit.models.comparison import Compared, Comparison
from coursekit.viz.bubbles import AREA, bubble_alt, history_alt

# name, title, parameters in million, GMAC, top-5 error: near what compare() counts
NETWORKS = [
    ("alexnet", "AlexNet", 61, 0.72, 18.2),
    ("zfnet", "ZFNet", 62, 1.17, 16.5),
    ("vgg16", "VGG-16", 138, 15.5, 8.1),
    ("vgg19", "VGG-19", 144, 19.6, 8.0),
    ("googlenet", "GoogLeNet", 7, 1.58, 10.07),
    ("resnet18", "ResNet-18", 12, 1.81, None),
    ("resnet34", "ResNet-34", 22, 3.66, 7.46),
    ("resnet50", "ResNet-50", 26, 4.09, 6.71),
    ("resnet101", "ResNet-101", 45, 7.8, 6.05),
    ("resnet152", "ResNet-152", 60, 11.5, 5.71),
    ("preact-resnet152", "Pre-activation ResNet-152", 60, 11.5, 5.5),
]


@pytest.fixture(scope="module")
def comparison():
    rows = [
        Compared(name, title, 2014, 8, int(size * 1e6), int(cost * 1e9), 0, 0, error, "one network", None)
        for name, title, size, cost, error in NETWORKS
    ]
    return Comparison(tuple(rows), None)


def boxes(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    (axes,) = figure.axes
    return axes, {text.get_text(): text.get_window_extent(renderer) for text in axes.texts}


def test_bubbles_are_where_the_numbers_say(comparison):
    (axes,) = viz.bubble_figure(comparison).axes
    (bubbles,) = axes.collections
    drawn = {
        tuple(map(float, place)): area for place, area in zip(bubbles.get_offsets(), bubbles.get_sizes(), strict=True)
    }
    wanted = {(cost, error): AREA * size for *_, size, cost, error in NETWORKS if error}
    assert drawn == pytest.approx(wanted)


@pytest.mark.parametrize("count", [1, 4, len(NETWORKS)])
def test_names_lie_clear_of_each_other_and_inside(comparison, count):
    axes, names = boxes(viz.bubble_figure(Comparison(comparison.rows[:count], None)))
    assert len(names) == sum(row.top5 is not None for row in comparison.rows[:count])
    assert "AlexNet, 61 M" in names
    for (one, box), (other, second) in combinations(names.items(), 2):
        assert not box.overlaps(second), f"{one} lies on {other}"
    for name, box in names.items():
        assert axes.bbox.x0 <= box.x0 < box.x1 <= axes.bbox.x1, name
        assert axes.bbox.y0 <= box.y0 < box.y1 <= axes.bbox.y1, name


def test_a_network_without_a_published_error_is_left_out_or_refused(comparison):
    assert "ResNet-18" not in bubble_alt(comparison)
    without = Comparison(tuple(row for row in comparison.rows if row.top5 is None), None)
    with pytest.raises(ValueError, match="none of resnet18 has a published top-5 error"):
        viz.bubble_figure(without)


def test_history_bars_are_the_errors_and_names_lie_clear():
    history = models.history()
    axes, names = boxes(viz.history_figure())
    assert [bar.get_height() for bar in axes.patches] == [entry.top5 for entry in history.entries]
    for (one, box), (other, second) in combinations(names.items(), 2):
        assert not box.overlaps(second), f"{one} lies on {other}"
    line = axes.transData.transform((0, history.human))[1]
    assert not [name for name, box in names.items() if box.y0 < line < box.y1]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert [labels[2], labels[5]] == ["ISI\n2012\nsecond", "VGG\n2014\nsecond"]


def test_the_words_carry_every_number(comparison, capsys):
    viz.bubble_plot(comparison)
    said = capsys.readouterr().out
    for _, title, size, cost, error in NETWORKS:
        if error:
            assert f"{title} {cost:.2g}, {error} %, {size} million" in said
    viz.history_plot()
    said = capsys.readouterr().out
    assert said == history_alt(models.history()) + "\n"
    for entry in models.history().entries:
        assert f"{entry.year} {entry.team}" in said
        assert f"{entry.top5:.2f} %" in said
    viz.history_plot(alt="bars")
    assert capsys.readouterr().out == "bars\n"
    with pytest.raises(ValueError, match="alt is empty"):
        viz.bubble_plot(comparison, alt=" ")
