// The recorder: the same steps, under the same names, as coursekit.nn.steps gives through `plain`.
const range = (n) => [...Array(n).keys()];
const zeros = (n, ...rest) => range(n).map(() => (rest.length ? zeros(...rest) : 0));
const each = (a, f) => (Array.isArray(a) ? a.map((v) => each(v, f)) : f(a));
const zip = (a, b, f) => (Array.isArray(a) ? a.map((v, k) => zip(v, b[k], f)) : f(a, b));
const total = (a) => (Array.isArray(a) ? a.reduce((sum, v) => sum + total(v), 0) : a);
const shape = (a) => (Array.isArray(a) ? [a.length, ...shape(a[0])] : []);

// Places at which the kernel can stand along each axis; what the stride leaves over is dropped.
const places = (x, g) => [0, 1].map((k) => Math.floor((shape(x)[k + 1] + 2 * g.padding[k] - g.kernel[k]) / g.stride[k]) + 1);
const inside = (x, i, j) => i >= 0 && j >= 0 && i < x[0].length && j < x[0][0].length;

function windows(x, g, fill) {
  const [rows, columns] = places(x, g), [P, Q] = g.padding;
  const at = (c, i, j) => (inside(x, i, j) ? x[c][i][j] : fill);
  return range(Math.max(rows, 0) * Math.max(columns, 0)).map((k) => {
    const place = [Math.floor(k / columns), k % columns];
    const corner = [place[0] * g.stride[0], place[1] * g.stride[1]];
    const patch = range(x.length).map((c) => range(g.kernel[0]).map((u) =>
      range(g.kernel[1]).map((v) => at(c, corner[0] + u - P, corner[1] + v - Q))));
    return { place, corner, patch };
  });
}

function convSteps({ x, w, b }, g) {
  return w.flatMap((kernel, map) => windows(x, g, 0).map(({ place, corner, patch }) => {
    const products = zip(patch, kernel, (p, q) => p * q), sums = products.map(total);
    return { map, place, corner, patch, kernel, products, sums, bias: b[map], value: total(sums) + b[map] };
  }));
}

function convBackwardSteps({ x, w, b, dy }, g) {
  let dx = zeros(...shape(x)), dw = zeros(...shape(w)), db = zeros(w.length);
  return convSteps({ x, w, b }, g).map(({ map, place, corner, patch, kernel }) => {
    const gradient = dy[map][place[0]][place[1]];
    const to_pixels = each(kernel, (v) => gradient * v), to_kernel = each(patch, (v) => gradient * v);
    dx = structuredClone(dx);
    to_pixels.forEach((plane, c) => plane.forEach((row, u) => row.forEach((v, k) => {
      const i = corner[0] + u - g.padding[0], j = corner[1] + k - g.padding[1];
      if (inside(x, i, j)) dx[c][i][j] += v;
    })));
    dw = dw.map((old, f) => (f === map ? zip(old, to_kernel, (p, q) => p + q) : old));
    db = db.map((old, f) => (f === map ? old + gradient : old));
    return { map, place, corner, dy: gradient, to_pixels, to_kernel, dx, dw, db };
  });
}

const columnSteps = ({ x }, g) =>
  windows(x, g, 0).map(({ place, corner, patch }, column) => ({ column, place, corner, values: patch.flat(2) }));

function poolSteps({ x }, g) {
  return range(x.length).flatMap((channel) => windows(x, g, -Infinity).map(({ place, corner, patch }) => {
    let winner = [0, 0];
    patch[channel].forEach((row, u) => row.forEach((v, k) => {
      if (v > patch[channel][winner[0]][winner[1]]) winner = [u, k];
    }));
    const finite = (v) => (v === -Infinity ? null : v), value = patch[channel][winner[0]][winner[1]];
    return { channel, place, corner, patch: each(patch[channel], finite), winner, value: finite(value) };
  }));
}

function poolBackwardSteps({ x, dyPool }, g) {
  let dx = zeros(...shape(x));
  return poolSteps({ x }, g).map(({ channel, place, corner, winner }) => {
    const dy = dyPool[channel][place[0]][place[1]];
    const pixel = [0, 1].map((k) => corner[k] + winner[k] - g.padding[k]);
    dx = structuredClone(dx);
    if (inside(x, ...pixel)) dx[channel][pixel[0]][pixel[1]] += dy;
    return { channel, place, pixel, dy, dx };
  });
}

const RECORDERS = {
  forward: convSteps, backward: convBackwardSteps, im2col: columnSteps, pool: poolSteps, "pool-backward": poolBackwardSteps,
};
const family = (view) => (view.startsWith("pool") ? "pool" : "conv");
const record = (view, state) => RECORDERS[view](state, state[family(view)]);
