"""Graphs and connections: where the boxes stand, which lines are drawn, and what is refused."""

from itertools import pairwise

import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import viz
from coursekit.viz.graphs import graph_places

VALUES = {"w": (3, 12), "x": (2, 24), "a": (6, 6), "s": (8, 6), "L": (9, 1)}
ARROWS = ["wa", "xa", "as", "xs", "sL"]


def words(figure):
    return {text.get_text() for text in figure.axes[0].texts}


def test_boxes_stand_behind_all_that_lead_to_them_and_never_on_each_other():
    places = graph_places(VALUES, ARROWS)
    assert all(places[start][0] < places[end][0] for start, end in ARROWS)
    assert len(set(places.values())) == len(VALUES)
    tree = graph_places("abcdef", ["ac", "ad", "be", "bf"])  # four boxes in one column
    heights = sorted(height for column, height in tree.values() if column == 1)
    assert min(b - a for a, b in pairwise(heights)) >= 1


def test_graph_says_values_gradients_and_formulas():
    figure = viz.graph_figure(VALUES, ARROWS, formulas={"a": "w · x"})
    assert {"x = 2", "dx = 24", "L = 9", "dL = 1", "w · x"} <= words(figure)
    arrows = [text.arrow_patch for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == len(ARROWS)
    assert viz.graph_figure(VALUES, iter(ARROWS))  # any iterable will do


@pytest.mark.parametrize(
    ("arrows", "message"),
    [(["wz"], "'w' to 'z': both ends must be boxes"), (["wa", "aw"], "of w, a run in a circle")],
)
def test_impossible_graphs_are_refused(arrows, message):
    with pytest.raises(ValueError, match=message):
        viz.graph_figure({"w": (1, 1), "a": (2, 1)}, arrows)


def test_a_graph_without_boxes_is_refused():
    with pytest.raises(ValueError, match="values is empty"):
        viz.show_graph({}, [], "nothing")


def test_each_window_is_joined_to_its_inputs():
    figure = viz.connections_figure("abcdefg", "pqr", "uvw", stride=2, highlight=2)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    joined = {(line.get_xdata()[0], line.get_xdata()[1]) for line in lines}
    assert joined == {(2 * i + k, 2 * i + 1) for i in range(3) for k in range(3)}
    thick = [line for line in lines if line.get_linewidth() > 2]
    assert [line.get_xdata()[0] for line in thick] == [2, 2]  # an input that two windows share
    assert len({line.get_color() for line in lines}) == len({line.get_linestyle() for line in lines}) == 3


def test_outputs_must_be_as_many_as_windows():
    with pytest.raises(ValueError, match="outputs has 2 names: 3 taps have 3 places on 5 inputs"):
        viz.show_connections("abcde", "pq", "uvw", "too few")


def test_alt_text_is_printed_without_a_notebook(capsys):
    viz.show_graph(VALUES, ARROWS, "Five boxes.")
    viz.show_connections("ab", "p", "uv", "Two lines.")
    assert capsys.readouterr().out == "Five boxes.\nTwo lines.\n"
