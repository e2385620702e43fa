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

/** The mean of what each of `columns` by `rows` pixels covers of `w` by `h`. */
function averaged(at, w, h, columns, rows) {
  const shares = (size, count) => Array.from({ length: count }, (_, k) => {
    const [from, to] = [(k * size) / count, ((k + 1) * size) / count], found = [];
    for (let n = Math.floor(from); n < Math.min(size, Math.ceil(to)); n++)
      found.push([n, Math.min(to, n + 1) - Math.max(from, n)]);
    return found;
  });
  const across = shares(w, columns), down = shares(h, rows), area = (w / columns) * (h / rows);
  const found = new Float64Array(columns * rows);
  down.forEach((ys, row) => across.forEach((xs, column) => {
    let sum = 0;
    for (const [y, b] of ys) for (const [x, a] of xs) sum += a * b * at(x, y);
    found[row * columns + column] = sum / area;
  }));
  return found;
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
