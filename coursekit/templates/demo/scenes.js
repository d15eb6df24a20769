// What each view shows at a step, as HTML tables.
const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const largest = (a) => Math.max(1e-9, ...[a].flat(9).map((v) => Math.abs(v || 0)));
const tint = (v, top) => {
  const part = (0.08 + 0.37 * Math.min(1, Math.abs(v) / top)).toFixed(2);
  return `background:rgba(${v > 0 ? "230,140,0" : "120,90,215"},${part})`;
};

const BLANK = "";

// The orange frame around a window: the edges of cell (i, j) that lie on it.
function frame(i, j, [top, left], [rows, columns], colour = "var(--window)") {
  if (i < top || j < left || i >= top + rows || j >= left + columns) return "";
  const edges = [];
  if (i === top) edges.push("0 2px");
  if (i === top + rows - 1) edges.push("0 -2px");
  if (j === left) edges.push("2px 0");
  if (j === left + columns - 1) edges.push("-2px 0");
  return edges.length ? `box-shadow:${edges.map((edge) => `inset ${edge} ${colour}`).join()}` : "";
}

// cell(i, j, v) may give: style, kind (classes), edit (a path into the state), tip (its title); all optional.
function table(title, rows, cell = () => ({}), options = {}) {
  const top = options.top ?? largest(rows), first = options.first ?? 0;
  const label = (k, name, words) => (words ? words(k) : `${name} ${number(k + first)}`);
  const head = range(rows[0].length).map((j) => `<th scope="col"><span>${label(j, "column", options.columns)}</span></th>`).join("");
  const body = rows.map((row, i) => `<tr><th scope="row"><span>${label(i, "row", options.rows)}</span></th>` + row.map((v, j) => {
    const { style = "", kind = "", edit = "", tip = short(v || 0) === number(v || 0, 9) ? "" : number(v, 9) } = cell(i, j, v);
    const text = v === undefined || v === BLANK ? "" : short(v);
    const look = [v ? tint(v, top) : "", style].filter(Boolean).join(";");
    return `<td${kind && ` class="${kind}"`}${look && ` style="${look}"`}${edit && ` data-edit="${edit}" tabindex="-1"`}` +
      `${tip && ` title="${escape(tip)}"`}>${text}</td>`;
  }).join("") + "</tr>").join("");
  return `<table><caption>${title}</caption><thead><tr><td></td>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

const sign = (text) => `<span class="sign" aria-hidden="true">${text}</span>`;
const row = (...parts) => `<div class="row">${parts.join("")}</div>`;
const whole = (...parts) => `<div class="row whole">${parts.join("")}</div>`;
const stack = (...parts) => `<div class="stack">${parts.join("")}</div>`;

// An input channel with its ring of padding and the window on it; values may be x or the gradient for it.
function plane(title, values, g, corner, { ring = 0, name = "", top, kind = () => "" } = {}) {
  const [P, Q] = g.padding, [H, W] = [values.length, values[0].length];
  const within = (i, j) => i >= P && j >= Q && i < H + P && j < W + Q;
  const rows = range(H + 2 * P).map((i) => range(W + 2 * Q).map((j) => (within(i, j) ? values[i - P][j - Q] : ring)));
  const cell = (i, j, v) => {
    const real = within(i, j);
    return {
      kind: [real ? "" : "pad", kind(i, j), name && real ? "edit" : ""].filter(Boolean).join(" "),
      style: corner ? frame(i, j, corner, g.kernel) : "",
      edit: real && name ? `${name},${i - P},${j - Q}` : "",
    };
  };
  return table(title, rows, cell, { top, rows: (k) => `row ${number(k - P)}`, columns: (k) => `column ${number(k - Q)}` });
}

// Output maps, filled up to this step; the current place is marked.
function maps(name, count, state, steps, k, of) {
  const [rows, columns] = places(state.x, state[of]);
  const known = steps.slice(0, k + 1), now = steps[k], grids = range(count).map(() => zeros(rows, columns).map((r) => r.map(() => undefined)));
  known.forEach((s) => { grids[s.map ?? s.channel][s.place[0]][s.place[1]] = s.value; });
  const top = largest(steps.map((s) => s.value));
  return grids.map((grid, f) => table(`${name}[${f}]`, grid, (i, j) => ({
    kind: f === (now.map ?? now.channel) && i === now.place[0] && j === now.place[1] ? "now" : "",
  }), { top }));
}

// The gradient that comes from above, editable, with the current place marked.
const incoming = (name, values, now, index) => values.map((grid, f) => table(`dy[${f}]`, grid, (i, j) => ({
  kind: "edit" + (f === index && i === now.place[0] && j === now.place[1] ? " now" : ""), edit: `${name},${f},${i},${j}`,
}), { top: largest(values) }));

const bias = (state, f) => table("b", [state.b], (i, j) => ({ kind: j === f ? "edit now" : "edit", edit: `b,${j}` }), { columns: (k) => `kernel ${k}` });
const kernelTable = (state, f, c) => table(`w[${f}, ${c}]`, state.w[f][c], (i, j) => ({
  kind: "edit", style: frame(i, j, [0, 0], state.conv.kernel, "var(--kernel)"), edit: `w,${f},${c},${i},${j}`,
}), { top: largest(state.w) });
const framed = (title, values, g) => table(title, values, (i, j) => ({ style: frame(i, j, [0, 0], g.kernel) }));

const SCENES = {
  forward(state, steps, k) {
    const s = steps[k], g = state.conv, top = largest(state.x);
    const channels = state.x.map((values, c) => row(
      plane(`x[${c}]`, values, g, s.corner, { name: `x,${c}`, top }), sign("×"), kernelTable(state, s.map, c), sign("="),
      table("products", s.products[c], (i, j) => ({ tip: `${factor(s.patch[c][i][j])}·${factor(s.kernel[c][i][j])}` }), { top: largest(s.products) }),
      sign("→"), table("sum", [[s.sums[c]]]),
    ));
    const sum = `<p class="sum">y[${s.map}, ${s.place.join(", ")}] = ${chain(s.sums)}${s.bias < 0 ? " − " : " + "}<b>${number(Math.abs(s.bias))}</b> = <b class="now">${number(s.value)}</b></p>`;
    return [stack(...channels), stack(bias(state, s.map), sum, row(...maps("y", state.w.length, state, steps, k, "conv")))];
  },
  backward(state, steps, k) {
    const s = steps[k], g = state.conv, last = steps.at(-1), patch = windows(state.x, g, 0).find((one) => String(one.place) === String(s.place)).patch;
    const channels = state.x.map((_, c) => row(
      plane(`dx[${c}] so far`, s.dx[c], g, s.corner, { ring: BLANK, top: largest(last.dx) }), sign("←"),
      stack(kernelTable(state, s.map, c), framed(`${factor(s.dy)}·w`, s.to_pixels[c], g)),
      stack(framed("patch", patch[c], g), table(`${factor(s.dy)}·patch`, s.to_kernel[c], (i, j) => ({ style: frame(i, j, [0, 0], g.kernel, "var(--kernel)") }))),
      sign("→"),
      table(`dw[${s.map}, ${c}]`, s.dw[s.map][c], (i, j) => ({ style: frame(i, j, [0, 0], g.kernel, "var(--kernel)") }), { top: largest(last.dw) }),
    ));
    const db = table("db so far", [s.db], (i, j) => ({ kind: j === s.map ? "now" : "" }), { top: largest(last.db), columns: (f) => `kernel ${f}` });
    return [stack(...channels), stack(row(...incoming("dy", state.dy, s, s.map)), db)];
  },
  im2col(state, steps, k) {
    const s = steps[k], g = state.conv, F = state.w.length, [KH, KW] = g.kernel, top = largest(state.x);
    const rowName = (r) => `channel ${Math.floor(r / KH / KW)}, kernel row ${Math.floor(r / KW) % KH}, kernel column ${r % KW}`;
    const cut = (i) => (i && i % (KH * KW) === 0 ? "cut" : "");
    const channels = state.x.map((values, c) => plane(`x[${c}]`, values, g, s.corner, { name: `x,${c}`, top }));
    const upright = state.w.map((kernel) => kernel.flat(2));
    const weights = table("W_row<sup>T</sup>", s.values.map((_, i) => upright.map((flat) => flat[i])), (i, f) => ({
      kind: `edit ${cut(i)}`, edit: `w,${f},${Math.floor(i / KH / KW)},${Math.floor(i / KW) % KH},${i % KW}`,
    }), { top: largest(state.w), rows: rowName, columns: (f) => `kernel ${f}` });
    const columns = table("X_col", s.values.map((_, i) => steps.map((one, j) => (j <= k ? one.values[i] : undefined))), (i, j) => ({
      kind: cut(i), style: frame(i, j, [0, k], [s.values.length, 1]),
    }), { top });
    const product = upright.map((flat, f) => steps.map((one, j) => (j <= k ? total(zip(flat, one.values, (p, q) => p * q)) + state.b[f] : undefined)));
    const out = table("W_row X_col + b", product, (i, j) => ({ kind: j === k ? "now" : "" }), { rows: (f) => `kernel ${f}` });
    return [stack(...channels), stack(whole(weights, columns), out)];
  },
  pool(state, steps, k) {
    const s = steps[k], g = state.pool, outputs = maps("y", state.x.length, state, steps, k, "pool");
    const won = (c) => (i, j) => (c === s.channel && i === s.corner[0] + s.winner[0] && j === s.corner[1] + s.winner[1] ? "won" : "");
    return state.x.map((values, c) => row(
      plane(`x[${c}]`, values, g, c === s.channel ? s.corner : null, { name: `x,${c}`, ring: null, top: largest(state.x), kind: won(c) }),
      sign("→"), outputs[c]));
  },
  "pool-backward"(state, steps, k) {
    const s = steps[k], g = state.pool, dys = incoming("dyPool", state.dyPool, s, s.channel), top = largest(steps.at(-1).dx);
    const hit = (c) => (i, j) => (c === s.channel && i === s.pixel[0] + g.padding[0] && j === s.pixel[1] + g.padding[1] ? "won" : "");
    const corner = [0, 1].map((axis) => s.place[axis] * g.stride[axis]);
    return state.x.map((values, c) => {
      const at = c === s.channel ? corner : null;
      return row(
        plane(`x[${c}]`, values, g, at, { name: `x,${c}`, ring: null, top: largest(state.x), kind: hit(c) }), sign("←"), dys[c], sign("→"),
        plane(`dx[${c}] so far`, s.dx[c], g, at, { ring: BLANK, top, kind: hit(c) }));
    });
  },
};
