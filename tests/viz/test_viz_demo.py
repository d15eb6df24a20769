"""The convolution demo: every face says and shows the numbers of the recorded steps."""

import doctest
import html
import re

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit.nn import conv_backward, conv_forward, max_pool_forward
from coursekit.viz import demo as demo_module
from coursekit.viz import demo_figure, show_demo
from coursekit.viz._demo_arrays import VIEWS, B, W, X, make_demo
from coursekit.viz._demo_words import captions, chain, factor, number, short

x, w, b = np.array(X, dtype=float), np.array(W, dtype=float), np.array(B, dtype=float)


@pytest.fixture
def shown(monkeypatch):
    """What the demo sends to the notebook: pairs of HTML and alt text."""
    sent = []
    monkeypatch.setattr("coursekit.viz.demo.show_html", lambda page, alt: sent.append((page, alt)))
    return sent


def sentences(page: str) -> list[str]:
    words = re.search(r'data-part="words">(.*?)</ol>', page)[1]
    return [html.unescape(line) for line in re.findall(r"<li>(.*?)</li>", words)]


def last_number(text: str) -> float:
    return float(re.findall(r"-?[\d.]+", text.replace("−", "-").rstrip("."))[-1])


def test_the_example_is_the_course_s():
    assert (x.shape, w.shape, b.shape) == ((3, 5, 5), (2, 3, 3, 3), (2,))
    assert all(np.abs(array).max() <= 2 for array in (x, w, b))
    y, _ = conv_forward(x[None], w, b, stride=2, padding=1)
    assert y.tolist() == [[[[4, 0, 5], [-5, -5, 3], [0, 8, 3]], [[2, -4, 1], [-3, -6, 3], [-8, 6, -1]]]]


def test_the_page_says_every_output(shown):
    show_demo()
    said = sentences(shown[0][0])
    y, _ = conv_forward(x[None], w, b, stride=2, padding=1)
    assert [last_number(line) for line in said] == y.ravel().tolist()
    assert said[0] == (
        "y[0, 0, 0]: kernel 0 stands at row 0, column 0. Channel 0: (−1)·(−1) + 1·1 = 2. "
        "Channel 1: 1·1 + (−2)·1 = −1. Channel 2: (−2)·(−1) = 2. Sum 2 − 1 + 2 = 3; plus bias 1 = 4."
    )


def test_products_in_words_are_the_products():
    demo = make_demo(None, None, None, None, "forward", 2, 2, 1)
    for line, step in zip(captions(demo, "forward"), demo.steps("forward"), strict=True):
        for c, terms in re.findall(r"Channel (\d): (.*?) = ", line):
            assert eval(terms.replace("·", "*").replace("−", "-")) == step.sums[int(c)]


def test_the_page_says_the_gradients(shown):
    dy = np.arange(-4.0, 14).reshape(2, 3, 3)
    show_demo(view="backward", dy=dy)
    said = sentences(shown[0][0])
    _, cache = conv_forward(x[None], w, b, stride=2, padding=1)
    _, _, db = conv_backward(dy[None], cache)
    assert [last_number(said[8]), last_number(said[17])] == db.tolist()
    assert said[0].startswith("dy[0, 0, 0] = −4. The pixels of the window get (−4) times kernel 0")
    assert "A gradient of 0 adds nothing" in said[4]


def test_the_page_says_columns_pools_and_routes(shown):
    show_demo(view="im2col")
    assert "Row 0 of W_row times the column is 3; plus bias 1 = 4." in sentences(shown[-1][0])[0]
    show_demo(view="pool", window=3)
    y, _ = max_pool_forward(x[None], (3, 3), stride=2)
    assert [last_number(line) for line in sentences(shown[-1][0])] == y.ravel().tolist()
    show_demo([[[5, 1], [1, 1]]], view="pool-backward", window=1, stride=1, dy=[[[3, 0], [0, 7]]])
    said = sentences(shown[-1][0])
    assert said[0] == "dy[0, 0, 0] = 3 goes to the winner, x[0, 0, 0]. There dx is now 3."
    show_demo([[[5, 1, 1]] * 3], view="pool-backward", window=2, stride=1, dy=[[[1, 2], [3, 4]]])
    assert [last_number(line) for line in sentences(shown[-1][0])] == [1, 2, 3, 4]
    show_demo([[[0, 0, 0], [0, 9, 0], [0, 0, 0]]], view="pool-backward", window=2, stride=1, dy=[[[1, 2], [3, 4]]])
    assert [last_number(line) for line in sentences(shown[-1][0])] == [1, 3, 6, 10]  # overlapping windows add up


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_is_small_stable_and_alone(shown, view):
    show_demo(view=view)
    show_demo(view=view)
    show_demo(view=view, stride=1)
    (page, alt), again, (other, _) = shown
    assert (page, alt) == again
    names = [re.search(r'<div id="(demo-[0-9a-f]{12})"', one)[1] for one in (page, other)]
    assert names[0] != names[1]
    assert len(page.encode()) < 60_000
    assert not re.search(r"https?:|src=|@import|url\(|fetch|@[A-Z]+@|#ID|Math\.random", page)
    assert page.count("<script>") == page.count("</script>") == 1
    assert f'role="group" aria-label="{alt}"' in page
    assert 'aria-live="polite"' in page


def test_the_alt_text_is_made_or_given(shown, capsys):
    show_demo(np.ones((1, 4, 6)), np.ones((1, 1, 2, 3)), stride=(2, 1), padding=0)
    assert shown[0][1] == (
        "Convolution step by step: a 4x6 input of 1 channel, 1 kernel of 2x3, stride 2 and 1, padding 0, "
        "output 2x4 for each kernel."
    )
    show_demo(alt='5 < 6 & "quoted" </script>')
    page, alt = shown[1]
    assert 'aria-label="5 &lt; 6 &amp; &quot;quoted&quot; &lt;/script&gt;"' in page
    assert alt == '5 < 6 & "quoted" </script>'
    show_demo(np.ones((1, 3, 3)), face="stills", steps=[0], alt="one frame")
    assert capsys.readouterr().out == "one frame\n"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"x": np.ones((5, 5))}, r"x has shape \(5, 5\), expected \(C, H, W\)"),
        ({"x": np.ones((2, 5, 5)), "w": np.ones((1, 3, 2, 2))}, "w needs 2"),
        ({"x": np.ones((4, 5, 5))}, r"with more than 3 channels give w, \(F, 4, KH, KW\)"),
        ({"b": [1]}, r"b has shape \(1,\), expected \(2,\)"),
        ({"x": np.ones((3, 1, 1)), "padding": 0}, "kernel 3 is longer"),
        ({"dy": np.ones((2, 2, 2))}, r"dy has shape \(2, 2, 2\), expected \(2, 3, 3\)"),
        ({"x": np.ones((3, 28, 28))}, "cut a piece out of x"),
        ({"x": np.full((3, 5, 5), np.nan)}, "x holds inf or nan"),
        ({"view": "sideways"}, "view is 'sideways', expected one of 'forward'"),
        ({"face": "film"}, "face is 'film', expected one of 'player'"),
        ({"face": "stills", "steps": [18]}, r"steps is \[18\]: choose from 0 to 17"),
        ({"alt": " "}, "alt is empty"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        show_demo(**call)


def test_fewer_channels_take_the_kernels_first_ones(shown):
    show_demo(x[:1])
    y, _ = conv_forward(x[None, :1], w[:, :1].copy(), b, stride=2, padding=1)
    assert [last_number(line) for line in sentences(shown[0][0])] == y.ravel().tolist()


def test_numbers_read_as_written():
    assert [number(v) for v in (3.0, -2.0, 0.12345, -1234.5, -0.0, -np.inf)] == ["3", "−2", "0.123", "−1230", "0", "−∞"]
    assert chain([1.0, -2.0, 0.5]) == "1 − 2 + 0.5"
    assert factor(-2.0) == "(−2)"
    assert [short(v) for v in (0.125001, -0.004, 12.34, -123.4, 7.0)] == ["0.13", "0", "12.3", "−123", "7"]


@pytest.mark.parametrize("view", VIEWS)
def test_stills_show_the_numbers_of_their_steps(view):
    figure = demo_figure(x[:1], view=view, steps=[-1])
    demo = make_demo(x[:1], None, None, None, view, 2, 2, None)
    said, steps = captions(demo, view), demo.steps(view)
    assert [" ".join(text.get_text().split()) for text in figure.texts] == [
        f"Step {len(said)} of {len(said)}. {said[-1]}"
    ]
    grids = {axes.get_title(loc="left"): axes for axes in figure.axes}
    y = conv_forward(x[None, :1], w[:, :1].copy(), b, stride=2, padding=1)[0]
    title, wanted = {
        "forward": ("y[1]", y[0, 1]),
        "backward": ("dw[1, 0]", getattr(steps[-1], "dw", y)[-1]),
        "im2col": ("y", y.reshape(2, 9).T),
        "pool": ("y[0]", max_pool_forward(x[None, :1], (2, 2), stride=2)[0]),
        "pool-backward": ("dx[0] so far", getattr(steps[-1], "dx", y)),
    }[view]
    shown = [float(text.get_text().replace("−", "-")) for text in grids[title].texts]
    assert shown == wanted.ravel().tolist()


@pytest.mark.parametrize("view", VIEWS)
def test_stills_stay_inside_the_figure_and_off_each_other(view):
    figure = demo_figure(x[:1], view=view, steps=[0, 1])
    assert figure.get_figwidth() <= 8
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(min(box.extents) >= 0 and max(box.extents) <= 1.001 for box in boxes)
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])


def test_examples_in_the_docstrings():
    assert doctest.testmod(demo_module).failed == 0


def test_without_ipywidgets_the_widgets_say_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    with pytest.raises(ModuleNotFoundError, match="ipywidgets: python3 course"):
        show_demo(face="widgets")


@pytest.fixture
def box(monkeypatch):
    pytest.importorskip("ipywidgets", reason="needs ipywidgets: python3 course.py setup")
    boxes = []
    monkeypatch.setattr("IPython.display.display", boxes.append)
    show_demo(face="widgets")
    return boxes[0]


def test_widgets_draw_the_step_that_was_asked_for(box):
    (view, stride, padding), slider, picture = box.children[0].children, box.children[1], box.children[2]
    demo = make_demo(None, None, None, None, "forward", 2, 2, 1)
    said = captions(demo, "forward")
    slider.value = 4
    data = picture.outputs[0]["data"]
    assert data["text/plain"] == said[4]
    assert "data-bare" in data["text/html"]
    assert '"step":4' in data["text/html"]
    stride.value = (1, 1)
    assert (slider.value, slider.max) == (0, 49)
    view.value = "backward"
    assert picture.outputs[0]["data"]["text/plain"].startswith("dy[0, 0, 0] = 1.")
    padding.value = (0, 0)
    assert slider.max == 17


def test_widgets_say_why_a_choice_does_not_fit(monkeypatch):
    pytest.importorskip("ipywidgets", reason="needs ipywidgets: python3 course.py setup")
    boxes = []
    monkeypatch.setattr("IPython.display.display", boxes.append)
    show_demo(x[:, :2, :2], face="widgets")
    padding, picture = boxes[0].children[0].children[2], boxes[0].children[2]
    padding.value = (0, 0)
    assert "kernel 3 is longer" in picture.outputs[0]["text"]
    padding.value = (1, 1)
    assert "text/html" in picture.outputs[0]["data"]
