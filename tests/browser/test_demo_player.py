"""The convolution demo's player in a real browser: its own arithmetic, its keys, its typing."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit.nn import conv_forward
from coursekit.nn.steps import plain
from coursekit.viz._demo_arrays import VIEWS, B, W, X, make_demo
from coursekit.viz._demo_page import demo_page
from coursekit.viz._demo_words import captions

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ARRAYS = np.random.default_rng(0)
DEMO = "document.querySelector('.coursekit-demo').demo"
CASES = {
    "the course's": {},
    "not square": {
        "x": ARRAYS.normal(size=(2, 5, 7)),
        "w": ARRAYS.normal(size=(3, 2, 3, 2)),
        "stride": (2, 1),
        "padding": (0, 2),
    },
    "stride that leaves some over": {
        "x": ARRAYS.integers(-9, 9, size=(1, 6, 8)),
        "w": ARRAYS.normal(size=(1, 1, 2, 3)),
        "stride": 3,
        "padding": 0,
    },
    "one pixel": {"x": [[[2.5]]], "w": [[[[-1]]]], "b": [0.25], "stride": 1, "padding": 0},
}


def open_demo(page, view="forward", x=None, w=None, b=None, dy=None, stride=2, padding=None, window=2):
    demo = make_demo(x, w, b, dy, view, window, stride, padding)
    errors = []
    page.once("pageerror", lambda error: errors.append(error))
    page.set_content(f"<!doctype html><meta charset='utf-8'><body>{demo_page(demo, view, 'a demo')}")
    assert not errors
    return demo


def same(one, other) -> bool:
    """Whether nested lists and dictionaries agree, numbers to rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (None not in (one, other) and bool(np.isclose(one, other)))


def shown_maps(page, name="y") -> list[list[list[float]]]:
    """The numbers in the output maps, as the page shows them."""
    tables = page.evaluate(
        """name => [...document.querySelectorAll('[data-part=stage] table')]
            .filter(t => t.caption.textContent.startsWith(name + '['))
            .map(t => [...t.tBodies[0].rows].map(r => [...r.querySelectorAll('td')].map(c => c.textContent)))""",
        name,
    )
    return [[[float(text.replace("−", "-")) if text else np.nan for text in row] for row in table] for table in tables]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("view", VIEWS)
def test_the_page_computes_the_recorded_steps(page, case, view):
    arrays = dict(CASES[case])
    if view.startswith("pool"):
        arrays = {"x": arrays.get("x"), "window": (1, 1) if case == "one pixel" else (3, 2), "stride": (2, 1)}
        arrays["padding"] = (0, 0) if case == "one pixel" else (1, 1)
    demo = open_demo(page, view, **arrays)
    assert same(page.evaluate(f"{DEMO}.steps"), [plain(step) for step in demo.steps(view)])
    assert page.locator("[data-part=words] li").all_text_contents() == captions(demo, view)


def test_ties_go_to_the_first_and_overlaps_add(page):
    x = np.random.default_rng(2).integers(0, 3, size=(2, 6, 5))
    demo = open_demo(page, "pool-backward", x, window=3, stride=1)
    assert same(page.evaluate(f"{DEMO}.steps"), [plain(step) for step in demo.steps("pool-backward")])


def test_the_keyboard_steps_to_the_whole_output(page):
    open_demo(page)
    says = page.locator("[data-part=says]")
    assert says.inner_text().startswith("y[0, 0, 0]: kernel 0")
    page.get_by_role("button", name="Next").focus()
    for _ in range(17):
        page.keyboard.press("ArrowRight")
    y, _ = conv_forward(np.array([X], float), np.array(W, float), np.array(B, float), stride=2, padding=1)
    assert shown_maps(page) == y[0].tolist()
    assert says.inner_text().startswith("y[1, 2, 2]: kernel 1")
    assert says.inner_text().endswith("= −1.")
    page.keyboard.press("ArrowLeft")
    assert np.isnan(shown_maps(page)[1][2][2])
    page.keyboard.press("Home")
    assert page.locator("[data-part=count]").inner_text() == "1 / 18"
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    assert page.locator("[data-part=count]").inner_text() == "18 / 18"


def test_play_goes_on_and_pauses(page):
    open_demo(page)
    page.get_by_role("button", name="Play").click()
    assert page.locator("[data-part=says]").get_attribute("aria-live") == "off"
    page.wait_for_function("document.querySelector('[data-part=count]').textContent === '2 / 18'")
    page.get_by_role("button", name="Pause").click()
    assert page.locator("[data-part=says]").get_attribute("aria-live") == "polite"


def test_views_switch(page):
    demo = open_demo(page)
    page.get_by_role("button", name="Backward").click()
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    assert shown_maps(page, "dw") == demo.steps("backward")[-1].dw[1].tolist()
    page.get_by_role("button", name="im2col").click()
    assert page.get_by_role("button", name="im2col").get_attribute("aria-pressed") == "true"
    assert page.locator("[data-part=count]").inner_text() == "1 / 9"


def test_typing_a_number_changes_the_output_as_numpy_says(page):
    open_demo(page)
    x, w, b = np.array([X], float), np.array(W, float), np.array(B, float)
    page.locator("td[data-edit='x,1,2,3']").click()
    page.keyboard.type("7.5")
    page.keyboard.press("Enter")
    x[0, 1, 2, 3] = 7.5
    page.keyboard.press("ArrowLeft")  # the cell has the focus again, so this walks to its neighbour
    page.keyboard.type("-3")
    page.keyboard.press("Enter")
    x[0, 1, 2, 2] = -3
    page.locator("td[data-edit='w,0,2,1,1']").click()
    page.keyboard.type("2")
    page.locator("td[data-edit='b,1']").click()  # leaving a cell keeps what was typed
    page.keyboard.type("10")
    page.keyboard.press("Enter")
    w[0, 2, 1, 1], b[1] = 2, 10
    page.locator("td[data-edit='x,2,4,4']").click()
    page.keyboard.type("-1")
    page.get_by_role("button", name="Next").click()
    x[0, 2, 4, 4] = -1
    assert page.locator("[data-part=count]").inner_text() == "2 / 18"
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    y, _ = conv_forward(x, w, b, stride=2, padding=1)
    assert np.allclose(shown_maps(page), y[0], rtol=0.05)  # cells show two digits
    values = page.evaluate(f"{DEMO}.steps.map(step => step.value)")
    assert np.allclose(values, y.ravel())
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate(f"{DEMO}.state.x") == X


def test_what_is_no_number_is_refused(page):
    open_demo(page)
    for text in ("seven", "", "1e999"):
        page.locator("td[data-edit='x,0,0,0']").click()
        page.keyboard.press("Delete")
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        assert "is not a number" in page.locator("[data-part=says]").inner_text()
    page.locator("td[data-edit='x,0,0,0']").click()
    page.keyboard.type("5")
    page.keyboard.press("Escape")
    assert page.evaluate(f"{DEMO}.state.x") == X


def test_stride_padding_and_kernel_size_can_be_chosen(page):
    open_demo(page)
    page.get_by_label("stride").select_option("1")
    page.get_by_label("padding").select_option("2")
    page.locator("select[data-set=kernel]").select_option("2")
    y, _ = conv_forward(np.array([X], float), np.array(W, float)[..., :2, :2].copy(), np.array(B, float), padding=2)
    assert np.allclose(page.evaluate(f"{DEMO}.steps.map(step => step.value)"), y.ravel())
    page.get_by_role("button", name="Backward").click()
    assert page.evaluate(f"{DEMO}.state.dy[0].length") == y.shape[2]
    page.locator("select[data-set=kernel]").select_option("5")
    assert page.evaluate(f"{DEMO}.state.w[0][0].length") == 5
    assert page.evaluate(f"{DEMO}.state.w[1][2][4]") == [0] * 5


def test_the_keys_of_jupyterlab_do_not_hear_what_is_pressed_in_the_demo(page):
    """JupyterLab asks the focused element alone: unmarked, D pressed twice deletes a cell of the notebook."""
    open_demo(page)
    page.get_by_role("button", name="Backward").click()
    page.locator("td[data-edit='dy,0,0,0']").click()
    for _ in range(40):
        page.keyboard.press("Tab")
        marked = "document.activeElement === document.body || 'lmSuppressShortcuts' in document.activeElement.dataset"
        assert page.evaluate(marked)


def test_two_of_the_same_on_one_page_both_play(page):
    demo = make_demo(None, None, None, None, "forward", 2, 2, 1)
    one = demo_page(demo, "forward", "a demo")
    page.set_content(f"<!doctype html><meta charset='utf-8'><body>{one}{one}")
    for k in (0, 1):
        page.get_by_role("button", name="Next").nth(k).click()
        assert page.locator("[data-part=count]").nth(k).inner_text() == "2 / 18"


@pytest.mark.parametrize("width", [380, 700])
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_sticks_out_of_the_page(page, view, width):
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    try:
        open_demo(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("(s => s.scrollWidth - s.clientWidth)(document.querySelector('[data-part=stage]'))") <= 0
    finally:
        page.set_viewport_size(before)


def test_little_motion_makes_the_demo_play_slowly(page):
    for motion, wait in (("no-preference", 1100), ("reduce", 2500)):
        page.emulate_media(reduced_motion=motion)
        open_demo(page)
        page.evaluate(
            "window.waits = []; window.setInterval = (call, wait) => { if (wait) waits.push(wait); return 1; }"
        )
        page.get_by_role("button", name="Play").click()
        assert page.evaluate("waits") == [wait]
        page.goto("about:blank")  # a window with a clock of its own
    page.emulate_media(reduced_motion="no-preference")
