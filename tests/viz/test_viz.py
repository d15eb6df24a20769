"""The pictures of the course: what they refuse, and that the alt text always travels with them."""

import base64
import io
import json
import re

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import viz
from coursekit.viz import figure as drawn
from coursekit.viz.grids import signed_norm
from coursekit.viz.images import colours
from coursekit.viz.player import PAGE, play_frames


@pytest.fixture
def page(monkeypatch):
    """The HTML that the last figure sent to the notebook."""
    sent = []
    for module in ("figure", "player"):
        monkeypatch.setattr(f"coursekit.viz.{module}.show_html", lambda page, alt: sent.append((page, alt)))
    return sent


def test_alt_text_reaches_the_html_escaped(page):
    viz.show_lines([0, 1], {"a": [1, 2]}, '5 < 6 & "quoted"', xlabel="x", ylabel="y")
    html, alt = page.pop()
    assert 'alt="5 &lt; 6 &amp; &quot;quoted&quot;"' in html
    assert alt == '5 < 6 & "quoted"'


def test_without_a_notebook_the_alt_text_is_printed(capsys):
    viz.show_grid([[1, 2]], "two cells")
    assert capsys.readouterr().out == "two cells\n"


@pytest.mark.parametrize("alt", ["", "   ", None, 3])
def test_a_figure_without_alt_text_is_refused(alt):
    with pytest.raises(ValueError, match="alt is empty"):
        viz.show_grid([[1, 2]], alt)


def test_data_uri_is_a_picture_of_the_planned_size():
    from PIL import Image

    figure, _ = viz.new_figure(size=(2, 1))
    kind, data = viz.data_uri(figure, dpi=100).split(",")
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:image/webp;base64"
    assert (picture.format, picture.size) == ("WEBP", (200, 100))


def test_style_does_not_leak_into_matplotlib():
    import matplotlib

    before = dict(matplotlib.rcParams)
    viz.new_figure()
    drawn.data_uri(viz.new_figure()[0])
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: viz.show_grid(np.zeros((2, 2, 2)), "a"), r"shape \(2, 2, 2\)"),
        (lambda: viz.show_grid(np.zeros((2, 99)), "a"), r"shape \(2, 99\).*show_images"),
        (lambda: viz.show_grid(np.zeros((0, 2)), "a"), r"shape \(0, 2\)"),
        (lambda: viz.show_places(np.zeros((2, 2)), np.zeros((3, 3)), "a"), "0 x 0 places"),
        (lambda: viz.show_places(np.zeros((9, 9)), np.zeros((2, 2)), "a"), "8 x 8 places"),
        (lambda: viz.show_images({}, "a"), "images is empty"),
        (lambda: viz.show_images({"boat": np.zeros((2, 2, 2))}, "a"), "'boat' has shape"),
        (lambda: viz.show_images({"boat": np.zeros((0, 2))}, "a"), "'boat' has shape"),
        (lambda: viz.show_lines([0, 1], {"up": [1]}, "a", xlabel="x", ylabel="y"), "'up' has shape"),
        (lambda: viz.tiles_figure(np.zeros((3, 3))), r"tiles has shape \(3, 3\)"),
        (lambda: viz.mistakes_figure(np.zeros((1, 2, 2)), np.array([1]), np.array([1])), "every prediction is right"),
        (lambda: viz.play_frames([], [], "a"), "0 figures and 0 captions"),
        (lambda: viz.play_frames([viz.new_figure()[0]], ["a"], "a", start=1), "start is 1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_every_place_shows_its_products(monkeypatch):
    shown = []
    monkeypatch.setattr("coursekit.viz.grids.show", lambda figure, alt: shown.append(figure))
    viz.show_places(np.arange(9).reshape(3, 3), [[0, 1], [2, 3]], "places")
    titles = [axes.get_title() for axes in shown[0].axes]
    assert [title.split(" = ")[1] for title in titles] == ["19", "25", "37", "43"]
    assert titles[0] == "0·0 + 1·1 + 3·2 + 4·3 = 19"


def test_mistakes_carry_label_and_reading():
    labels, readings = np.array([3, 1, 4]), np.array([3, 7, 9])
    figure = viz.mistakes_figure(np.random.default_rng(0).random((3, 4, 4)), labels, readings)
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [["1", "7"], ["4", "9"]]


def test_zero_is_the_middle_of_a_signed_scale():
    assert signed_norm(np.array([-1.0, 4.0, np.nan]))(0.0) == 0.5
    assert signed_norm(np.zeros(3))(0.0) == 0.5
    assert "norm" in colours(np.array([[-1.0, 1]]))
    assert colours(np.array([[0.0, 0.5]]))["vmax"] == 1.0
    assert colours(np.array([[0, 9]], dtype=np.uint8))["vmax"] == 255


def test_film_carries_all_frames_and_captions(page):
    figures = [viz.new_figure(size=(1, 1))[0] for _ in range(3)]
    captions = ["one", "two </script>", "셋"]
    play_frames(figures, captions, "a film", start=1)
    html, _ = page.pop()
    assert html.count("</script>") == PAGE.count("</script>")
    frames = json.loads(re.search(r"frames = (\[.*?\])", html)[1])
    assert len(frames) == 3
    assert json.loads(re.search(r"captions = (\[.*\]);", html)[1]) == captions
    assert 'max="2" value="1"' in html


def test_unknown_name_lists_what_there_is():
    with pytest.raises(AttributeError, match="show_images"):
        viz.show_video  # noqa: B018
