// Digits side by side on one line, as src/inkseed/writing/typesetting.py sets them. Ink is 255.

import { enlarged } from "./resize.mjs";
import { GAP, normals, stream } from "./streams.mjs";

export const SCALE = 4; // pixels of the picture for each of the model's
const CELL = 28, INK = 64, FAINT = 24, SPECK = 0.08, HELD = 0.4, CLEAR = 4, EDGE = 4;
const GAP_MEAN = 2.0, GAP_DEVIATION = 1.5;

/** Rounded to the nearest whole number, halves to the even one, as Python does. */
export function rounded(x) {
  const down = Math.floor(x), part = x - down;
  return part > 0.5 || (part === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** A network's image from -1 to 1 as ink from 0 to 255. */
export function inkOf(x) {
  return Uint8Array.from(x, (each) =>
    rounded(Math.max(0, Math.min(255, Math.fround(Math.fround(each + 1) * 127.5)))));
}

/** A function of one digit that remembers what it gave, so that typing on costs little. */
function remembering(make) {
  const known = new WeakMap();
  return (digit) => {
    if (!known.has(digit)) known.set(digit, make(digit));
    return known.get(digit);
  };
}

/** {x0, y0, x1, y1} of ink that is dark enough, half-open; null if there is none. */
export const boxOf = remembering(({ ink, width }) => {
  let x0 = Infinity, y0 = Infinity, x1 = 0, y1 = 0;
  for (let k = 0; k < ink.length; k++) {
    if (ink[k] < INK) continue;
    const x = k % width, y = Math.floor(k / width);
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x + 1);
    y0 = Math.min(y0, y);
    y1 = y + 1;
  }
  return x1 ? { x0, y0, x1, y1 } : null;
});

/** The digit on white paper, without stray marks. */
const clean = remembering(cleaned);

function cleaned({ ink, width, height }) {
  const kept = ink.map((each) => (each < FAINT ? 0 : each));
  const pieces = piecesOf(kept, width), weights = new Map();
  pieces.forEach((piece, k) => weights.set(piece, (weights.get(piece) ?? 0) + kept[k]));
  const least = SPECK * Math.max(...weights.values());
  return { ink: kept.map((each, k) => (weights.get(pieces[k]) < least ? 0 : each)), width, height };
}

/** The number of the connected piece of ink that each pixel is of. */
function piecesOf(ink, width) {
  const piece = new Int32Array(ink.length).fill(-1);
  for (let first = 0; first < ink.length; first++) {
    if (!ink[first] || piece[first] >= 0) continue;
    const open = [first];
    piece[first] = first;
    while (open.length) {
      const at = open.pop(), x = at % width;
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          const other = at + dy * width + dx;
          if (x + dx < 0 || x + dx >= width || !ink[other] || piece[other] >= 0) continue;
          piece[other] = first;
          open.push(other);
        }
    }
  }
  return piece;
}

/**
 * The picture of a number: {ink, width, height, boxes, digits}, ink 255 on paper 0; `digits` has each
 * one's own ink and where it lies.
 * blocks: a list of digits {ink, width, height} for each of the model's images.
 */
export function typeset(blocks, seed) {
  const tidy = blocks.map((block) => block.map(clean)), [[{ height }]] = tidy;
  const unit = height / CELL, edge = rounded(EDGE * unit);
  let right = edge, before = 0;
  const places = tidy.map((block, k) => {
    const drops = dropsOf(block), boxes = block.map((digit, n) => moved(fullBox(digit), drops[n]));
    const widths = boxes.map(({ x0, x1 }) => x1 - x0);
    let gap = k ? rounded((GAP_MEAN + GAP_DEVIATION * normals(stream(seed, GAP, k - 1), 1)[0]) * unit) : 0;
    gap = Math.max(gap, -Math.floor(Math.min(before, widths[0]) / CLEAR));
    const x = right + gap - Math.min(...boxes.map(({ x0 }) => x0));
    let y = height - edge - rounded(boxes.reduce((sum, { y1 }) => sum + y1, 0) / boxes.length);
    y = Math.min(y, height - Math.max(...boxes.map(({ y1 }) => y1)));
    y = Math.max(y, -Math.min(...boxes.map(({ y0 }) => y0)));
    right = x + Math.max(...boxes.map(({ x1 }) => x1));
    before = widths.at(-1);
    return { x, y, drops };
  });
  const page = { width: (right + edge) * SCALE, height: height * SCALE };
  page.ink = new Uint8Array(page.width * page.height);
  Object.assign(page, { boxes: [], digits: [] });
  tidy.forEach((block, k) => {
    const { x, y, drops } = places[k];
    enlargedBlock(block).forEach((digit, n) => {
      const left = x * SCALE, top = (y + drops[n]) * SCALE;
      print(page, digit, left, top);
      page.boxes.push(within(page, boxOf(digit), left, top));
      page.digits.push({ ...digit, left, top });
    });
  });
  return page;
}

const fullBox = (digit) => boxOf(digit) ?? { x0: 0, y0: 0, x1: digit.width, y1: digit.height };
const moved = (box, down) => ({ ...box, y0: box.y0 + down, y1: box.y1 + down });

/** How far down each digit of a block moves towards the mean of their lowest ink. */
function dropsOf(block) {
  const boxes = block.map(fullBox), mean = boxes.reduce((sum, { y1 }) => sum + y1, 0) / boxes.length;
  return boxes.map(({ y0, y1 }, k) =>
    Math.min(Math.max(rounded((1 - HELD) * (mean - y1)), -y0), block[k].height - y1));
}

const large = remembering(({ ink, width, height }) => ({
  ink: enlarged(ink, height, width, SCALE), width: width * SCALE, height: height * SCALE,
}));

/** Each digit, SCALE times as large; where two touch, neither fades, so no gap shows. */
function enlargedBlock(block) {
  const all = block.map(large);
  if (all.length === 1) return all;
  return all.map((digit) => ({
    ...digit,
    ink: digit.ink.map((each, k) => {
      if (each < Math.max(...all.map(({ ink }) => ink[k]))) return 0;
      return Math.min(255, all.reduce((sum, { ink }) => sum + ink[k], 0));
    }),
  }));
}

/** Add ink to the page; what lies beyond its edge is lost. */
function print(page, { ink, width, height }, left, top) {
  for (let y = Math.max(0, -top); y < height && y + top < page.height; y++)
    for (let x = Math.max(0, -left); x < width && x + left < page.width; x++) {
      const at = (y + top) * page.width + x + left;
      page.ink[at] = Math.max(page.ink[at], ink[y * width + x]);
    }
}

/** A box of a digit at (left, top), as far as it lies on the page; empty without ink. */
function within(page, box, left, top) {
  const { x0, y0, x1, y1 } = box ?? { x0: 0, y0: 0, x1: 0, y1: 0 };
  const [a, b] = [Math.max(x0 + left, 0), Math.max(y0 + top, 0)];
  return [a, b, Math.max(a, Math.min(x1 + left, page.width)), Math.max(b, Math.min(y1 + top, page.height))];
}
