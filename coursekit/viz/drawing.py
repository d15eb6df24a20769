"""A board to draw a digit on, with the mouse, a pen or a finger; it hands the drawing over as text."""

from coursekit.viz.figure import show_html

__all__ = ["drawing_board"]

ALT = "A white board to draw a digit on, and beside it the same drawing as 14 lines of 28 characters."

PAGE = """<div id="drawing-board" role="group" aria-label="Board to draw a digit on">
<style>
#drawing-board {{ display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start; }}
#drawing-board canvas {{ border: 1px solid #888; background: white; touch-action: none; cursor: crosshair; }}
#drawing-board pre {{ font: 12px/16px monospace; margin: 0; padding: 4px; border: 1px solid #8886;
  color: inherit; background: transparent; user-select: all; }}
#drawing-board button {{ font: inherit; color: inherit; background: #8881; border: 1px solid #888a;
  border-radius: 4px; }}
#drawing-board p {{ flex-basis: 100%; margin: 0; min-height: 1.4em; }}
#drawing-board :focus-visible {{ outline: 3px solid #e69f00; outline-offset: 1px; }}
</style>
<canvas width="280" height="280" role="img" aria-label="{alt}"></canvas>
<pre aria-label="the drawing as text"></pre>
<p><button type="button">Copy</button> <button type="button">Clear</button> <span aria-live="polite"></span></p>
<script>
(() => {{
  const box = document.currentScript?.closest("#drawing-board") ?? document.getElementById("drawing-board");
  const canvas = box.querySelector("canvas"), text = box.querySelector("pre"), says = box.querySelector("span");
  const [copy, clear] = box.querySelectorAll("button");
  for (const one of [copy, clear]) one.dataset.lmSuppressShortcuts = "true";
  const pen = canvas.getContext("2d", {{ willReadFrequently: true }});
  Object.assign(pen, {{ lineWidth: 30, lineCap: "round", lineJoin: "round" }});
  const write = () => {{  // a character for each 10 by 20 pixels: # where most of them are ink, + where some are
    const data = pen.getImageData(0, 0, 280, 280).data, lines = [];
    for (let row = 0; row < 280; row += 20) {{
      let line = "";
      for (let column = 0; column < 280; column += 10) {{
        let ink = 0;
        for (let y = row; y < row + 20; y++)
          for (let x = column; x < column + 10; x++) ink += data[4 * (280 * y + x) + 3];
        line += ink > 255 * 140 ? "#" : ink > 255 * 60 ? "+" : ".";
      }}
      lines.push(line);
    }}
    const quotes = '"'.repeat(3);
    text.textContent = [`drawing = ${{quotes}}`, ...lines, quotes].join("\\n");
  }};
  let last = null;
  const place = (event) => [event.offsetX * 280 / canvas.clientWidth, event.offsetY * 280 / canvas.clientHeight];
  const line = (event) => {{
    const next = place(event);
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...next);
    pen.stroke();
    last = next;
  }};
  canvas.onpointerdown = (event) => {{
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    line(event);
  }};
  canvas.onpointermove = (event) => last && line(event);
  canvas.onpointerup = canvas.onpointercancel = () => {{ last = null; write(); }};
  clear.onclick = () => {{ pen.clearRect(0, 0, 280, 280); write(); says.textContent = ""; }};
  copy.onclick = async () => {{
    getSelection().selectAllChildren(text);
    try {{
      await navigator.clipboard.writeText(text.textContent);
      says.textContent = "Copied. Paste it over the text in the next cell.";
    }} catch {{  // no clipboard without https, and not in every frame
      const done = document.execCommand("copy");
      says.textContent = done ? "Copied. Paste it over the text in the next cell." : "Selected: press Ctrl+C (Cmd+C).";
    }}
  }};
  write();
}})();
</script>
</div>"""


def drawing_board() -> None:
    """Show a board to draw on; a button copies the drawing, as a line of Python that `data.picture_of_text` can use.

    The board needs no kernel, widget or network. Where scripts are not allowed it stays empty, and the text can be
    typed by hand.

    >>> drawing_board()
    A white board to draw a digit on, and beside it the same drawing as 14 lines of 28 characters.
    """
    show_html(PAGE.format(alt=ALT), ALT)
