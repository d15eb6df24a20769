"""The whole edition in a real browser without a network: nothing is asked of it, nothing sticks out, films play."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

for needed in ("jinja2", "math_core", "nbconvert"):
    pytest.importorskip(needed, reason=f"needs {needed}: python3 course.py setup")

from coursekit.book.edition import make

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    made = make(ROOT, tmp_path_factory.mktemp("책") / "a book")
    assert made.troubles == []
    return made.index.parent


@pytest.fixture
def asked(page):
    """What the page asks of a network that is cut, and what it complains of."""
    found = []
    page.context.set_offline(True)
    listeners = {
        "request": lambda request: found.append(request.url),
        "console": lambda message: found.append(message.text) if message.type in ("error", "warning") else None,
        "pageerror": lambda error: found.append(str(error)),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield lambda: [line[:200] for line in found if not line.startswith(("file:", "data:"))]
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    page.context.set_offline(False)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 1000})


class Places(HTMLParser):
    """The links, names and pictures of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.names, self.silent = [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.names.add(values.get("id"))
        self.links += [values["href"]] if tag == "a" else []
        self.silent += tag == "img" and not values.get("alt")


def test_links_lead_somewhere_and_pictures_have_words(edition):
    pages = {path: Places(path.read_text(encoding="utf-8")) for path in edition.rglob("*.html")}
    followed = 0
    for path, page in pages.items():
        assert page.silent == 0, path.name
        for link in page.links:
            file, _, name = link.partition("#")
            if not re.match("[a-z]+:", link):
                goal = (path.parent / unquote(file)).resolve() if file else path
                assert goal in pages, f"{path.name}: {link}"
                assert not name or unquote(name) in pages[goal].names, f"{path.name}: {link}"
                followed += 1
    assert followed > 500


def test_every_page_works_without_a_network(page, edition, asked):
    titles = []
    for path in sorted(edition.rglob("*.html")):
        page.goto(path.as_uri())
        page.evaluate(UNFOLD)
        for width, colours in ((375, "dark"), (1200, "light")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=colours)
            assert page.evaluate(SIDEWAYS) <= 0, f"{path.name} scrolls sideways, {width} wide"
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            assert max(ground) < 60 if colours == "dark" else min(ground) > 240
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)"), path.name
        titles.append(page.title())
    assert asked() == []
    assert len(set(titles)) == len(titles)


def test_formulas_films_and_answers(page, edition, asked):
    page.goto((edition / "notebooks" / "01_convolution_maths.html").as_uri())
    heights = "[...document.querySelectorAll('math[display=block] mo')].filter(o => o.textContent === '[').map(o =>"
    bracket = page.evaluate(f"{heights} o.getBoundingClientRect().height)[0]")
    line = page.evaluate("document.querySelector('math mn').getBoundingClientRect().height")
    assert bracket > 2 * line  # it is stretched over a matrix of three rows
    outputs = page.locator(".outputs > details").first
    assert not outputs.evaluate("box => box.open")
    outputs.locator("summary").click()
    assert outputs.locator("pre").is_visible()
    film = page.locator("[role=group]:has(button)").first
    film.evaluate("box => { const folded = box.closest('details'); if (folded) folded.open = true; }")
    before = film.locator("img").get_attribute("src")
    film.get_by_role("button", name="Next").click()
    assert film.locator("img").get_attribute("src") != before
    page.goto((edition / "notebooks" / "02_convolutional_layer.html").as_uri())
    demo = page.locator(".coursekit-demo").first
    demo.evaluate("box => { const folded = box.closest('details'); if (folded) folded.open = true; }")
    demo.get_by_role("button", name="Next").click()
    assert demo.locator("[data-part=count]").inner_text().startswith("2 / ")
    assert asked() == []
