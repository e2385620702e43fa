// Digits in MNIST's form, as the encoder of hands knows them (src/inkseed/data/form.py, crisp.py).

import { enlarged } from "./resize.mjs";
import { boxOf, rounded } from "./typeset.mjs";

const SIDE = 28, INNER = 20, SOFT = 0.9, FINER = 8, STEEP = 3;

/** One digit's ink {ink, width, height} -> Uint8Array of 28x28: 20 pixels long, on its centre of mass. */
export function asMnist({ ink, width, height }) {
  const box = boxOf({ ink, width });
  if (!box) return null;
  const [w, h] = [box.x1 - box.x0, box.y1 - box.y0], scale = INNER / Math.max(w, h);
  const [columns, rows] = [w, h].map((each) => Math.max(1, rounded(each * scale)));
  const small = averaged((x, y) => ink[(y + box.y0) * width + x + box.x0], w, h, columns, rows);
  let mass = 0, mx = 0, my = 0;
  small.forEach((each, k) => {
    mass += each;
    mx += each * ((k % columns) + 0.5);
    my += each * (Math.floor(k / columns) + 0.5);
  });
  const place = (middle, size) =>
    Math.max(0, Math.min(SIDE - size, rounded((SIDE + 1) / 2 - middle / Math.max(mass, 1e-9))));
  const [left, top] = [place(mx, columns), place(my, rows)], found = new Uint8Array(SIDE * SIDE);
  small.forEach((each, k) => {
    found[(top + Math.floor(k / columns)) * SIDE + left + (k % columns)] = rounded(each);
  });
  return found;
}

/** `w` by `h` pixels as `columns` by `rows`, as Pillow does: boxes to shrink, lines to enlarge. */
function averaged(at, w, h, columns, rows) {
  const across = shares(w, columns), down = shares(h, rows), found = new Float64Array(columns * rows);
  down.forEach((ys, row) => across.forEach((xs, column) => {
    let sum = 0;
    for (const [y, b] of ys) for (const [x, a] of xs) sum += a * b * at(x, y);
    found[row * columns + column] = sum;
  }));
  return found;
}

/** For each of `count` pixels along a line of `size`: [which, how much] it is made of. */
function shares(size, count) {
  const scale = size / count, shrink = scale > 1, support = shrink ? scale / 2 : 1;
  return Array.from({ length: count }, (_, k) => {
    const middle = (k + 0.5) * scale, found = [];
    const first = Math.max(0, Math.trunc(middle - support + 0.5));
    for (let n = first; n < Math.min(size, Math.trunc(middle + support + 0.5)); n++) {
      const away = (n + 0.5 - middle) / (shrink ? scale : 1);
      const weight = shrink ? Number(away > -0.5 && away <= 0.5) : Math.max(0, 1 - Math.abs(away));
      if (weight) found.push([n, weight]);
    }
    const sum = found.reduce((total, [, weight]) => total + weight, 0);
    return found.map(([n, weight]) => [n, weight / sum]);
  });
}

/** The digit with edges as crisp as MNIST's, if it is blurred: the encoder takes a blur for a trait. */
export function crisp(ink) {
  if (softness(ink) <= SOFT) return ink;
  const fine = enlarged(ink, SIDE, SIDE, FINER), most = Math.max(...ink, 1), wide = SIDE * FINER;
  return ink.map((_, k) => {
    let sum = 0;
    for (let n = 0; n < FINER * FINER; n++) {
      const y = Math.floor(k / SIDE) * FINER + Math.floor(n / FINER), x = (k % SIDE) * FINER + (n % FINER);
      sum += Math.max(0, Math.min(1, (fine[y * wide + x] / most - 0.5) * STEEP + 0.5));
    }
    return rounded((sum / (FINER * FINER)) * 255);
  });
}

/** How grey edges are: the sum of 4 p (1 - p) for each pixel of outline, p being ink from 0 to 1. */
export function softness(ink) {
  const p = (x, y) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : ink[y * SIDE + x] / 255);
  let grey = 0, outline = 0;
  for (let y = -1; y < SIDE; y++)
    for (let x = -1; x < SIDE; x++) {
      grey += 4 * p(x, y) * (1 - p(x, y));
      outline += Math.hypot(p(x, y + 1) - p(x, y), p(x + 1, y) - p(x, y));
    }
  return grey / Math.max(outline, 1e-9);
}
