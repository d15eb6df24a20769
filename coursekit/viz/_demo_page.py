"""The demo as one piece of HTML that needs neither a kernel nor a network."""

import hashlib
import html
import json
import re
from dataclasses import asdict
from functools import cache
from importlib.resources import files

from coursekit.viz._demo_arrays import FAMILIES, MOST, Demo
from coursekit.viz._demo_words import captions

NAMES = {
    "forward": "Forward",
    "backward": "Backward",
    "im2col": "im2col",
    "pool": "Max pooling",
    "pool-backward": "Pooling, backward",
}
SCRIPTS = ("steps.js", "words.js", "scenes.js", "player.js")


def demo_page(demo: Demo, view: str, alt: str, *, step: int = 0, controls: bool = True) -> str:
    """HTML of the player, opened on this view and step.

    Parameters
    ----------
    demo : Demo
    view : str
    alt : str
        What the player shows, in a sentence.
    step : int
    controls : bool
        False shows the one step alone, as a picture.
    """
    data = json.dumps(_plain(demo, view, step), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    words = "".join(f"<li>{html.escape(line)}</li>" for line in captions(demo, view))
    buttons = [f'<button type="button" data-view="{name}">{NAMES[name]}</button>' for name in demo.views]
    parts = {
        "ALT": html.escape(alt, quote=True),
        "VIEWS": " ".join(buttons),
        "FIRST": html.escape(captions(demo, view)[step]),
        "WORDS": words,
        "CSS": _text("demo.css"),
        "BARE": "" if controls else " data-bare",
        "SCRIPT": "\n".join(_text(name) for name in SCRIPTS),
        "DATA": data,
    }
    page = re.sub(r"@(\w+)@", lambda found: parts[found[1]], _text("demo.html"))
    return page.replace("#ID", "#" + (id := _id(page))).replace("@@ID", id)


def _plain(demo: Demo, view: str, step: int) -> dict:
    """What the script starts from, as plain data; whole numbers without a point."""
    family = "conv" if view in FAMILIES["conv"] else "pool"
    arrays = {name: _short(getattr(demo, name).tolist()) for name in ("x", "w", "b")}
    arrays["dy" if family == "conv" else "dyPool"] = _short(demo.dy.tolist())
    return arrays | {family: asdict(demo.geometry), "view": view, "step": step, "most": MOST}


def _short(value):
    if isinstance(value, list):
        return [_short(item) for item in value]
    return int(value) if value.is_integer() else value


def _id(page: str) -> str:
    """A name that is the same wherever the same demo is made: outputs of notebooks are compared as text."""
    return "demo-" + hashlib.sha256(page.encode()).hexdigest()[:12]


@cache
def _text(name: str) -> str:
    """A template, without the blanks and comment lines that only its authors need."""
    lines = files("coursekit").joinpath("templates", "demo", name).read_text(encoding="utf-8").splitlines()
    kept = (line.strip() for line in lines)
    return "\n".join(line for line in kept if line and not line.startswith("//"))
