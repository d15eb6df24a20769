// The sentences under the picture; the same as coursekit.viz._demo_words writes.
const number = (v, digits = 3) => {
  if (v === null) return "−∞";
  const text = Number.isInteger(v) ? String(v === 0 ? 0 : v) : String(+v.toPrecision(digits));
  return text.replaceAll("-", "−");
};
// In a cell there is room for few digits; its title holds the others.
const short = (v) => {
  if (v === null || Number.isInteger(v)) return number(v);
  return number(+v.toFixed(Math.abs(v) < 10 ? 2 : Math.abs(v) < 100 ? 1 : 0), 15);
};
const factor = (v) => (v < 0 ? `(${number(v)})` : number(v));
const chain = (values) =>
  values.map((v, k) => (k ? (v < 0 ? ` − ${number(-v)}` : ` + ${number(v)}`) : number(v))).join("");

function productSentence(c, patch, kernel, sum) {
  const terms = zip(patch.flat(), kernel.flat(), (p, q) => (p && q ? `${factor(p)}·${factor(q)}` : "")).filter(Boolean);
  return terms.length ? `Channel ${c}: ${terms.join(" + ")} = ${number(sum)}.` : `Channel ${c}: every product is 0.`;
}

const WORDS = {
  forward: (s) => [
    `y[${s.map}, ${s.place.join(", ")}]: kernel ${s.map} stands at row ${s.place[0]}, column ${s.place[1]}.`,
    ...s.patch.map((plane, c) => productSentence(c, plane, s.kernel[c], s.sums[c])),
    `Sum ${chain(s.sums)} = ${number(total(s.sums))}; plus bias ${number(s.bias)} = ${number(s.value)}.`,
  ],
  backward: (s) => [
    `dy[${s.map}, ${s.place.join(", ")}] = ${number(s.dy)}. ` + (s.dy
      ? `The pixels of the window get ${factor(s.dy)} times kernel ${s.map}, the kernel gets ${factor(s.dy)} times the patch.`
      : "A gradient of 0 adds nothing."),
    `db[${s.map}] gets ${number(s.dy)} and is now ${number(s.db[s.map])}.`,
  ],
  im2col: (s, state) => {
    const sums = state.w.map((kernel) => total(zip(kernel.flat(2), s.values, (p, q) => p * q)));
    return [
      `Column ${s.column}: the window at row ${s.place[0]}, column ${s.place[1]}, stretched out to ${s.values.length} numbers.`,
      ...sums.map((sum, f) => `Row ${f} of W_row times the column is ${number(sum)}; plus bias ${number(state.b[f])} = ` +
        `${number(sum + state.b[f])}.`),
    ];
  },
  pool: (s) => {
    const values = s.patch.flat().filter((v) => v !== null);
    return [
      `y[${s.channel}, ${s.place.join(", ")}]: the largest of ${values.map((v) => number(v)).join(", ")} is ${number(s.value)}.`,
    ];
  },
  "pool-backward": (s) => [
    `dy[${s.channel}, ${s.place.join(", ")}] = ${number(s.dy)} goes to the winner, x[${s.channel}, ${s.pixel.map((v) => number(v)).join(", ")}].`,
    inside(s.dx, ...s.pixel)
      ? `There dx is now ${number(s.dx[s.channel][s.pixel[0]][s.pixel[1]])}.`
      : "It is padding: the gradient is lost.",
  ],
};
