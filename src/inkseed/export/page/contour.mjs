// The outlines of ink as smooth curves, so that a number is crisp at any size: marching squares
// where there is half as much ink as in the stroke nearby, smoothed along the line.

import { SCALE } from "./typeset.mjs";

const NEARBY = 2, LEAST = 64; // of the model's pixels to the stroke nearby; less ink than this is none
const LEAST_AREA = 4, SMOOTH = 8; // square pixels of a spot; points to either side that a point leans on

/** A number as typeset.mjs sets it, as the text of an SVG file. */
export function svgOf({ digits, width, height }) {
  const paths = digits.map((digit) => `<path transform="translate(${digit.left} ${digit.top})" d="${curvesOf(digit)}"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">\n` +
    `${paths.join("\n")}\n</svg>\n`;
}

const known = new WeakMap();

/** The outlines of a digit {ink, width, height}: a path's `d`, holes the other way round than ink. */
export function curvesOf({ ink, width, height }) {
  if (!known.has(ink)) {
    const loops = loopsOf(field(ink, width, height), width, height);
    known.set(ink, loops.filter((loop) => area(loop) > LEAST_AREA).map(smoothed).map(curve).join(""));
  }
  return known.get(ink);
}

/** Ink less half of the most ink nearby: above 0 inside. */
function field(ink, width, height) {
  const [w, h] = [width / SCALE, height / SCALE], values = new Float32Array(ink.length);
  let most = new Float32Array(w * h);
  for (let y = 0, k = 0; y < height; y++)
    for (let x = 0; x < width; x++, k++) {
      const at = Math.floor(y / SCALE) * w + Math.floor(x / SCALE);
      if (ink[k] > most[at]) most[at] = ink[k];
    }
  most = along(most, w, h, NEARBY, (window) => window.reduce((a, b) => Math.max(a, b)));
  for (let pass = 0; pass < 2; pass++)
    most = along(most, w, h, 1, (window) => window.reduce((a, b) => a + b) / window.length);
  for (let y = 0, k = 0; y < height; y++)
    for (let x = 0; x < width; x++, k++) {
      const half = between(most, w, h, (x + 0.5) / SCALE - 0.5, (y + 0.5) / SCALE - 0.5) / 2;
      values[k] = ink[k] - Math.max(LEAST, half);
    }
  return values;
}

/** The value at (x, y), between the four pixels around it. */
function between(values, width, height, x, y) {
  const left = Math.floor(x), top = Math.floor(y), a = x - left, b = y - top;
  const x0 = Math.max(0, left), x1 = Math.min(width - 1, left + 1);
  const y0 = Math.max(0, top) * width, y1 = Math.min(height - 1, top + 1) * width;
  return (1 - b) * ((1 - a) * values[y0 + x0] + a * values[y0 + x1]) +
    b * ((1 - a) * values[y1 + x0] + a * values[y1 + x1]);
}

/** What `f` makes of the `reach` pixels to either side, along rows and then along columns. */
function along(image, width, height, reach, f) {
  const across = new Float32Array(image.length), both = new Float32Array(image.length);
  const line = new Float32Array(height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const row = y * width;
      across[row + x] = f(image.subarray(row + Math.max(0, x - reach), row + Math.min(width, x + reach + 1)));
    }
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) line[y] = across[y * width + x];
    for (let y = 0; y < height; y++)
      both[y * width + x] = f(line.subarray(Math.max(0, y - reach), y + reach + 1));
  }
  return both;
}

/** Closed loops of points [x, y] where the field is 0. */
function loopsOf(values, width, height) {
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? -LEAST : values[y * width + x]);
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
  // a side of a pixel is named by its upper or left end and its direction
  const side = (x, y, k) => (((k === 2 ? y + 1 : y) + 1) * (width + 2) + (k === 1 ? x + 1 : x) + 1) * 2 + (k % 2);
  const cross = (x, y, k) => {
    const [a, b] = [corners[k], corners[(k + 1) % 4]].map(([dx, dy]) => [x + dx, y + dy]);
    const [from, to] = [at(...a), at(...b)], part = from / (from - to);
    return [a[0] + 0.5 + (b[0] - a[0]) * part, a[1] + 0.5 + (b[1] - a[1]) * part];
  };
  const next = new Map();
  for (let y = -1; y < height; y++)
    for (let x = -1; x < width; x++) {
      const first = at(x, y) > 0, second = at(x + 1, y) > 0, third = at(x + 1, y + 1) > 0;
      const fourth = at(x, y + 1) > 0, inside = [first, second, third, fourth];
      if (first === second && second === third && third === fourth) continue;
      for (let enter = 0; enter < 4; enter++) {
        if (inside[enter] || !inside[(enter + 1) % 4]) continue;
        let leave = (enter + 1) % 4; // by the next side that goes out, so that ink stays on one hand
        while (inside[(leave + 1) % 4]) leave = (leave + 1) % 4;
        next.set(side(x, y, leave), { to: side(x, y, enter), point: cross(x, y, leave) });
      }
    }
  const loops = [];
  for (const [first] of next) {
    const loop = [];
    for (let name = first; next.has(name); ) {
      const { to, point } = next.get(name);
      next.delete(name);
      loop.push(point);
      name = to;
    }
    if (loop.length) loops.push(loop);
  }
  return loops;
}

/** What a loop encloses (the shoelace formula). */
function area(loop) {
  const twice = loop.reduce((sum, [x, y], k) => {
    const [nextX, nextY] = loop[(k + 1) % loop.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/** Each point as the mean of its neighbours on the line and, lest curves shrink, what that misses. */
function smoothed(loop) {
  const smooth = mean(loop);
  const missed = mean(loop.map(([x, y], k) => [x - smooth[k][0], y - smooth[k][1]]));
  return smooth.map(([x, y], k) => [x + missed[k][0], y + missed[k][1]]);
}

/** The mean of each point's neighbours on the line, the nearest counting most. */
function mean(loop) {
  const reach = Math.min(SMOOTH, Math.floor(loop.length / 6));
  return loop.map((_, k) => {
    let x = 0, y = 0, sum = 0;
    for (let n = -reach; n <= reach; n++) {
      const weight = reach + 1 - Math.abs(n), point = loop[(k + n + loop.length) % loop.length];
      x += weight * point[0];
      y += weight * point[1];
      sum += weight;
    }
    return [x / sum, y / sum];
  });
}

/** A closed curve through the middles of every third point's sides, bent towards those points. */
function curve(points) {
  const loop = points.filter((_, k) => k % 3 === 0 || points.length < 12);
  const text = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const middle = (k) => {
    const [a, b] = [loop[k % loop.length], loop[(k + 1) % loop.length]];
    return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  };
  const pieces = loop.map((_, k) => `Q${text(loop[(k + 1) % loop.length])} ${text(middle(k + 1))}`);
  return `M${text(middle(0))}${pieces.join("")}Z`;
}
