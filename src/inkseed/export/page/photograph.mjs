// Digits cut out of a photograph, much as inkseed.data.read_digits does it but simpler: ink is what
// is darker than the paper around it, each connected piece of it is a digit, and what is far smaller
// or larger than the others is none. Ruled lines and digits in several pieces are not mended.

import { asMnist } from "./form.mjs";

const AROUND = 1 / 12, SPECK = 0.35, SHEET = 4; // parts of the picture, and of a usual digit's height

/** Pixels {data (RGBA), width, height} -> the digits, Uint8Arrays of 28x28, in reading order. */
export function digitsIn({ data, width, height }) {
  const dark = darkness(data, width, height), least = threshold(dark);
  const pieces = piecesOf(dark, least, width, height).filter(({ count }) => count >= 12);
  const heights = pieces.map((each) => Math.max(each.y1 - each.y0, (each.x1 - each.x0) / 2));
  const usual = heights.map((h, k) => [h, pieces[k].count]).sort((a, b) => b[1] - a[1]);
  const middle = usual.slice(0, Math.ceil(usual.length / 2)).map(([h]) => h).sort((a, b) => a - b);
  const typical = middle[Math.floor(middle.length / 2)] ?? 0;
  const digits = pieces.filter((_, k) => heights[k] > SPECK * typical && heights[k] < SHEET * typical);
  digits.sort((a, b) => Math.round((a.y0 + a.y1 - b.y0 - b.y1) / (2 * typical)) || a.x0 - b.x0);
  return digits.map((piece) => asMnist(cut(piece, dark, least, width))).filter(Boolean);
}

/** How much darker than the paper around it each pixel is, 0 to 1. */
function darkness(data, width, height) {
  const grey = new Float32Array(width * height);
  for (let k = 0; k < grey.length; k++)
    grey[k] = (0.299 * data[4 * k] + 0.587 * data[4 * k + 1] + 0.114 * data[4 * k + 2]) / 255;
  const paper = means(grey, width, height, Math.ceil(Math.max(width, height) * AROUND));
  const dark = grey.map((each, k) => Math.max(0, 1 - each / Math.max(paper[k], 0.05)));
  const most = dark.reduce((a, b) => Math.max(a, b), 1e-6);
  return dark.map((each) => each / most);
}

/** The mean of the square around each pixel, from sums over rectangles. */
function means(grey, width, height, reach) {
  const sums = new Float64Array((width + 1) * (height + 1)), across = width + 1;
  for (let y = 0; y < height; y++)
    for (let x = 0, row = 0; x < width; x++) {
      row += grey[y * width + x];
      sums[(y + 1) * across + x + 1] = sums[y * across + x + 1] + row;
    }
  return grey.map((_, k) => {
    const x = k % width, y = Math.floor(k / width);
    const [x0, x1] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
    const [y0, y1] = [Math.max(0, y - reach), Math.min(height, y + reach + 1)];
    const sum = sums[y1 * across + x1] - sums[y0 * across + x1] - sums[y1 * across + x0] + sums[y0 * across + x0];
    return sum / ((x1 - x0) * (y1 - y0));
  });
}

/** Otsu's threshold (1979): the one that parts dark from light with the least spread in both. */
function threshold(dark) {
  const bins = new Float64Array(64);
  for (const each of dark) bins[Math.min(63, Math.floor(each * 64))]++;
  const all = bins.reduce((sum, n, k) => sum + n * k, 0);
  let below = 0, moment = 0, best = [0, 0.5];
  for (let k = 0; k < 63; k++) {
    below += bins[k];
    moment += bins[k] * k;
    const above = dark.length - below;
    if (!below || !above) continue;
    const apart = below * above * (moment / below - (all - moment) / above) ** 2;
    if (apart > best[0]) best = [apart, (k + 1) / 64];
  }
  return Math.max(best[1], 0.15);
}

/** The connected pieces of ink: their boxes, pixels and number. */
function piecesOf(dark, least, width, height) {
  const seen = new Int32Array(dark.length), found = [];
  for (let first = 0; first < dark.length; first++) {
    if (seen[first] || dark[first] < least) continue;
    const piece = { number: found.length + 1, count: 0, x0: width, y0: height, x1: 0, y1: 0, seen };
    const open = [first];
    seen[first] = piece.number;
    while (open.length) {
      const at = open.pop(), x = at % width, y = Math.floor(at / width);
      piece.count++;
      piece.x0 = Math.min(piece.x0, x), piece.x1 = Math.max(piece.x1, x + 1);
      piece.y0 = Math.min(piece.y0, y), piece.y1 = Math.max(piece.y1, y + 1);
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          const other = at + dy * width + dx;
          if (x + dx < 0 || x + dx >= width || !(dark[other] >= least) || seen[other]) continue;
          seen[other] = piece.number;
          open.push(other);
        }
    }
    found.push(piece);
  }
  return found;
}

/** A piece's ink by itself, from 0 to 255. */
function cut({ number, x0, y0, x1, y1, seen }, dark, least, width) {
  const wide = x1 - x0, ink = new Uint8Array(wide * (y1 - y0));
  for (let k = 0; k < ink.length; k++) {
    const at = (y0 + Math.floor(k / wide)) * width + x0 + (k % wide);
    if (seen[at] === number) ink[k] = Math.min(255, 128 + ((dark[at] - least) / (1 - least)) * 255);
  }
  return { ink, width: wide, height: y1 - y0 };
}
