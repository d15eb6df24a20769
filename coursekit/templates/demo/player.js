// Buttons, keys and typing; `root` is the demo's element, `data` the arrays and the geometry it starts from.
const PATTERN = [1, -1, 0, 2, 1, -2, 0];
const pattern = (F, H, W) => range(F).map((f) => range(H).map((i) => range(W).map((j) => PATTERN[((f * H + i) * W + j) % PATTERN.length])));

// JupyterLab's own keys (D, D deletes a cell) must not hear what is pressed here; it asks the focused element itself.
const deafen = (part) => part.querySelectorAll("button, input, select, summary, [data-edit]").forEach((one) => {
  one.dataset.lmSuppressShortcuts = "true";
});

function startDemo(root, data) {
  root.dataset.live = "";
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const slider = find("slider"), play = find("play"), says = find("says"), stage = find("stage");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const bare = "bare" in root.dataset; // one step alone, nothing to press
  let state, view, steps, k = 0, timer = null, menus = "", finish = null;

  const fits = (part) => places(state.x, part).every((n) => n > 0) && (family(view) === "conv" || part.kernel.every((n, axis) => part.padding[axis] < n));
  const count = (part) => places(state.x, part).reduce((a, b) => a * b);

  function recompute(keep) {
    const [rows, columns] = places(state.x, state[family(view)]);
    const name = family(view) === "pool" ? "dyPool" : "dy", maps = name === "dy" ? state.w.length : state.x.length;
    if (String(shape(state[name])) !== String([maps, rows, columns])) state[name] = pattern(maps, rows, columns);
    steps = record(view, state);
    slider.max = steps.length - 1;
    const texts = [steps.map((s) => Object.values(s)), state.x, state.w].flat(9).filter((v) => typeof v === "number");
    root.style.setProperty("--wide", Math.max(...new Set(texts.map((v) => short(v).length))));
    const words = steps.map((s) => WORDS[view](s, state));
    root.style.setProperty("--lines", Math.max(...words.map((lines) => lines.length)));
    find("words").innerHTML = words.map((lines) => `<li>${lines.map(escape).join(" ")}</li>`).join("");
    controls();
    go(keep ? Math.min(k, steps.length - 1) : 0);
  }

  function go(to) {
    k = to;
    slider.value = k;
    slider.setAttribute("aria-valuetext", `step ${k + 1} of ${steps.length}`);
    find("count").textContent = `${k + 1} / ${steps.length}`;
    const editing = stage.querySelector("td[tabindex='0']")?.dataset.edit;
    const focused = stage.contains(document.activeElement) && document.activeElement.dataset.edit;
    stage.innerHTML = SCENES[view](state, steps, k).join("");
    deafen(stage);
    stage.querySelectorAll("table").forEach((grid) => {
      if (bare) return;
      const first = grid.querySelector(`td[data-edit="${editing}"]`) ?? grid.querySelector("td[data-edit]");
      if (first) first.tabIndex = 0;
    });
    if (focused) stage.querySelector(`td[data-edit="${focused}"]`)?.focus();
    says.innerHTML = WORDS[view](steps[k], state).map((line) => `<span>${escape(line)}</span>`).join(" ");
  }

  function controls() {
    const part = state[family(view)];
    const select = (name, label, choices) => {
      const now = String(part[name]), all = [...new Set([...choices.map((n) => `${n},${n}`), now])];
      const options = all.map((choice) => {
        const value = choice.split(",").map(Number), trial = { ...part, [name]: value };
        const off = choice !== now && !(fits(trial) && count(trial) * Math.max(state.w.length, state.x.length) <= data.most);
        const text = value[0] === value[1] ? value[0] : value.join(" and ");
        return `<option value="${choice}"${choice === now ? " selected" : ""}${off ? " disabled" : ""}>${text}</option>`;
      });
      return `<label>${label} <select data-set="${name}">${options.join("")}</select></label>`;
    };
    const [size] = shape(state.x).slice(1), rows = places(state.x, part)[0];
    const left = (size + 2 * part.padding[0] - part.kernel[0]) % part.stride[0] ? ", rounded down" : "";
    const html = select("kernel", family(view) === "pool" ? "window" : "kernel", [1, 2, 3, 4, 5]) +
      select("stride", "stride", [1, 2, 3]) + select("padding", "padding", [0, 1, 2]) +
      `<span>(${size} + 2·${part.padding[0]} − ${part.kernel[0]})/${part.stride[0]} + 1 = ${rows} rows${left}</span>` +
      `<button type="button" data-do="reset">Reset</button>`;
    if (html !== menus) find("controls").innerHTML = menus = html; // a menu that is being opened must stay
    deafen(root);
    root.querySelectorAll("[data-view]").forEach((one) => one.setAttribute("aria-pressed", one.dataset.view === view));
  }

  function set(name, value) {
    state[family(view)][name] = value;
    const resized = (old) => range(value[0]).map((i) => range(value[1]).map((j) => old[i]?.[j] ?? 0)); // new weights are 0
    if (name === "kernel" && family(view) === "conv") state.w = state.w.map((kernel) => kernel.map(resized));
    recompute(false);
    find("controls").querySelector(`[data-set="${name}"]`).focus();
  }

  const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; says.setAttribute("aria-live", "polite"); };
  const step = (by) => go((k + by + steps.length) % steps.length);
  function toggle() {
    if (timer) return stop();
    play.textContent = "Pause";
    says.setAttribute("aria-live", "off"); // a film read aloud would never catch up
    timer = setInterval(() => (root.isConnected ? step(1) : stop()), calm.matches ? 2500 : 1100);
  }
  function show(name) { stop(); view = name; recompute(false); }
  function reset() { state = structuredClone(data); view ??= data.view; recompute(false); }

  // Typing a number into a cell
  function edit(cell, text) {
    stop();
    const path = cell.dataset.edit.split(","), old = path.reduce((a, key) => a[key], state);
    const field = document.createElement("input");
    Object.assign(field, { type: "text", inputMode: "decimal", value: text ?? String(old) });
    field.setAttribute("aria-label", `new number for ${path[0]}[${path.slice(1).join(", ")}]`);
    cell.replaceChildren(field);
    deafen(cell);
    field.focus();
    if (text === undefined) field.select();
    let done = false;
    const close = (keep, focus) => {
      if (done) return;
      done = true;
      finish = null;
      const value = Number(field.value.trim().replace(",", ".").replace("−", "-"));
      const good = field.value.trim() !== "" && Number.isFinite(value);
      if (keep && good) path.slice(0, -1).reduce((a, key) => a[key], state)[path.at(-1)] = value;
      recompute(true);
      if (keep && !good) says.innerHTML = `<span>“${escape(field.value)}” is not a number: the cell keeps ${number(old)}.</span>`;
      if (focus) stage.querySelector(`td[data-edit="${path}"]`)?.focus();
    };
    finish = close;
    field.onblur = () => close(true, false);
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Enter") close(true, true);
      if (event.key === "Escape") close(false, true);
    };
  }
  function walk(cell, key) {
    const at = cell.cellIndex, line = cell.parentElement;
    const to = { ArrowLeft: line.cells[at - 1], ArrowRight: line.cells[at + 1],
      ArrowUp: line.previousElementSibling?.cells[at], ArrowDown: line.nextElementSibling?.cells[at] }[key];
    if (!to?.dataset.edit) return;
    cell.closest("table").querySelectorAll("td[tabindex='0']").forEach((one) => { one.tabIndex = -1; });
    to.tabIndex = 0;
    to.focus();
  }

  root.onmousedown = (event) => { // from one cell to the next: the click itself would find the tables redrawn
    const path = event.target.closest("td[data-edit]")?.dataset.edit;
    if (!finish || !path || event.target.closest("input")) return;
    event.preventDefault();
    finish(true, false);
    edit(stage.querySelector(`td[data-edit="${path}"]`));
  };
  root.onclick = ({ target }) => {
    if (bare) return;
    const cell = target.closest("td[data-edit]"), button = target.closest("button");
    if (cell && !finish) return edit(cell);
    if (!button) return;
    if (button.dataset.view) return show(button.dataset.view);
    ({ play: toggle, back: () => { stop(); step(-1); }, next: () => { stop(); step(1); }, reset: () => { stop(); reset(); } })[button.dataset.do]?.();
  };
  root.onkeydown = (event) => {
    const { key, target } = event, cell = target.closest("td[data-edit]");
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("select, input[type=text]")) return;
    const moves = { ArrowLeft: () => (k + steps.length - 1) % steps.length, ArrowRight: () => (k + 1) % steps.length, Home: () => 0, End: () => steps.length - 1 };
    if (cell && key.startsWith("Arrow")) walk(cell, key);
    else if (cell && (key === "Enter" || key === "F2")) edit(cell);
    else if (cell && /^[-0-9.]$/.test(key)) edit(cell, key);
    else if (moves[key] && target !== slider) { stop(); go(moves[key]()); }
    else return;
    event.preventDefault();
  };
  slider.oninput = () => { stop(); go(+slider.value); };
  root.onchange = ({ target }) => { if (target.dataset.set) { stop(); set(target.dataset.set, target.value.split(",").map(Number)); } };

  reset();
  go(data.step ?? 0);
  find("live").hidden = find("help").hidden = root.querySelector("details").open = false; // where no script runs, words stand
  // for scripts beside the demo, and for its tests
  root.demo = { get state() { return state; }, get steps() { return steps; }, record: (name) => record(name, state) };
}
