"""A film of still frames that plays in a notebook and in an exported page, without a kernel or a network."""

import hashlib
import html
import json
from collections.abc import Sequence

from matplotlib.figure import Figure

from coursekit.viz.figure import data_uri, img_tag, require_alt, show_html

FRAME_DPI = 96
CALM = 2000  # milliseconds between frames where the reader's system asks for little motion

PAGE = """<div id="{id}" role="group" aria-label="{alt}">
<style>
#{id} button {{ font: inherit; color: inherit; background: #8881; border: 1px solid #888a; border-radius: 4px; }}
#{id} button:hover {{ background: #8883; }}
#{id} :focus-visible {{ outline: 3px solid #e69f00; outline-offset: 1px; }}
#{id} input {{ width: 16em; max-width: 100%; vertical-align: middle; accent-color: #0a84c6; }}
#{id} img {{ max-width: 100%; height: auto; }}
</style>
{still}
<p aria-live="polite" style="min-height: 1.4em; margin: 0.3em 0">{caption}</p>
<button type="button">Back</button> <button type="button">Play</button> <button type="button">Next</button>
<input type="range" min="0" max="{last}" value="{start}" aria-label="frame"
 aria-valuetext="{number} of {count}">
<script>
(() => {{
  const box = document.currentScript?.closest("[id]") ?? document.getElementById("{id}");  // shown twice: the nearer
  const frames = {frames}, captions = {captions};
  const [back, play, next] = box.querySelectorAll("button");
  const slider = box.querySelector("input"), says = box.querySelector("p"), image = box.querySelector("img");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  for (const one of [back, play, next, slider]) one.dataset.lmSuppressShortcuts = "true";  // D twice deletes a cell
  let timer = null;
  const go = (k) => {{
    slider.value = k;
    slider.setAttribute("aria-valuetext", `${{k + 1}} of ${{frames.length}}`);
    image.src = frames[k];
    image.alt = `${{box.getAttribute("aria-label")}} ${{captions[k]}}`;
    says.textContent = captions[k];
  }};
  const stop = () => {{
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    says.setAttribute("aria-live", "polite");
  }};
  const step = (by) => go((+slider.value + by + frames.length) % frames.length);
  back.onclick = () => {{ stop(); step(-1); }};
  next.onclick = () => {{ stop(); step(1); }};
  slider.oninput = () => {{ stop(); go(+slider.value); }};
  play.onclick = () => {{
    if (timer) return stop();
    play.textContent = "Pause";
    says.setAttribute("aria-live", "off");  // a film read aloud would never catch up
    timer = setInterval(() => box.isConnected ? step(1) : stop(), calm.matches ? {calm} : {interval});
  }};
}})();
</script>
</div>"""


def play_frames(
    figures: Sequence[Figure], captions: Sequence[str], alt: str, *, start: int = 0, interval: int = 350
) -> None:
    """Show figures as a film with Back, Play, Next and a slider, all of which the keyboard reaches.

    Where scripts are not allowed, frame ``start`` stands still, with its alt text. Nothing moves before
    Play is pressed.

    Parameters
    ----------
    figures : sequence of matplotlib.figure.Figure
        All of one size.
    captions : sequence of str
        A sentence for each frame; screen readers read it out when the frame changes.
    alt : str
        What the film shows, in a sentence.
    start : int
        The frame shown first.
    interval : int
        Milliseconds between frames; 2,000 at least where the reader's system asks for little motion.

    Raises
    ------
    ValueError
        If there are no frames, not as many captions as frames, or no frame ``start``.

    >>> from coursekit.viz import new_figure
    >>> figures = [new_figure(size=(1, 1))[0] for _ in range(2)]
    >>> play_frames(figures, ["one", "two"], alt="A film of two frames.")  # in a notebook: the film; elsewhere its text
    A film of two frames.
    """
    if not figures or len(figures) != len(captions):
        raise ValueError(
            f"{len(figures)} figures and {len(captions)} captions: give one caption for each figure, at least one."
        )
    if not 0 <= start < len(figures):
        raise ValueError(f"start is {start}; the frames are numbered 0 to {len(figures) - 1}.")
    frames = [data_uri(figure, dpi=FRAME_DPI) for figure in figures]
    page = PAGE.format(
        id="film-" + hashlib.sha256("\n".join([alt, *captions]).encode()).hexdigest()[:12],
        alt=html.escape(require_alt(alt), quote=True),
        still=img_tag(frames[start], f"{alt} {captions[start]}", figures[start]),
        caption=html.escape(captions[start]),
        frames=json.dumps(frames),
        captions=json.dumps(list(captions), ensure_ascii=False).replace("<", "\\u003c"),
        last=len(figures) - 1,
        start=start,
        number=start + 1,
        count=len(figures),
        interval=interval,
        calm=max(interval, CALM),
    )
    show_html(page, alt)
