"""The film of still frames in a real browser: keys, captions, and readers who want little motion."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib: python3 course.py setup")

from coursekit import viz

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def film():
    """HTML of a film of four frames."""
    sent = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coursekit.viz.player.show_html", lambda page, alt: sent.append(page))
        viz.show_overlap([1, 2, 3], [1, 1], start=0, alt="A short film.")
    return sent.pop()


def show(page, html, motion="no-preference", colours="light"):
    errors = []
    page.once("pageerror", lambda error: errors.append(error))
    page.emulate_media(reduced_motion=motion, color_scheme=colours)
    page.set_content(f"<!doctype html><meta charset='utf-8'><body>{html}")
    assert not errors


def caption(page, k=0):
    return page.locator("[role=group] p").nth(k).inner_text()


def test_the_keyboard_reaches_every_frame(page, film):
    show(page, film)
    assert caption(page) == "t = 0: 1·1 = 1"
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    assert caption(page) == "t = 1: 1·1 + 2·1 = 3"
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    assert caption(page) == "t = 3: 3·1 = 3"
    assert page.get_by_role("slider").get_attribute("aria-valuetext") == "4 of 4"
    assert page.get_by_role("img").get_attribute("alt") == "A short film. t = 3: 3·1 = 3"
    page.get_by_role("button", name="Next").click()
    assert caption(page) == "t = 0: 1·1 = 1"


def test_nothing_moves_before_play_and_captions_are_not_read_while_it_plays(page, film):
    show(page, film)
    page.wait_for_timeout(800)
    assert caption(page) == "t = 0: 1·1 = 1"
    page.get_by_role("button", name="Play").click()
    assert page.locator("[role=group] p").get_attribute("aria-live") == "off"
    page.wait_for_function("document.querySelector('[role=group] p').textContent.startsWith('t = 2')")
    page.get_by_role("button", name="Pause").click()
    assert page.locator("[role=group] p").get_attribute("aria-live") == "polite"


def test_little_motion_is_a_frame_in_two_seconds(page, film):
    waits = "window.waits = []; window.setInterval = (call, wait) => waits.push(wait);"
    for motion, wait in (("no-preference", 350), ("reduce", 2000)):
        show(page, f"<script>{waits}</script>{film}", motion)
        page.get_by_role("button", name="Play").click()
        assert page.evaluate("waits") == [wait]
    show(page, film)


def test_two_of_the_same_on_one_page_both_play(page, film):
    show(page, film * 2)
    for k in (0, 1):
        page.get_by_role("button", name="Next").nth(k).click()
        assert caption(page, k) == "t = 1: 1·1 + 2·1 = 3"


@pytest.mark.parametrize(("background", "letters"), [("#111111", "#dddddd"), ("#ffffff", "#222222")])
def test_buttons_wear_the_page_s_colours(page, film, background, letters):
    show(page, f"<style>body {{ background: {background}; color: {letters}; }}</style>{film}")
    colour = "getComputedStyle(document.querySelector('button')).color.match(/\\d+/g).map(Number)"
    wanted = [int(letters[k : k + 2], 16) for k in (1, 3, 5)]
    assert np.array_equal(page.evaluate(colour), wanted)
