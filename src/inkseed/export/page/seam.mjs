// Two digits that were drawn in one image, parted by a seam of least ink (src/inkseed/writing/seam.py).

const STRAY = 40; // the cost of being off the middle by a quarter of the width, in strokes' ink

/** Ink (height, width) of two digits -> both, each by itself: {ink, width, height}. */
export function part(ink, width, height) {
  const away = (x) => (Math.abs(x - (width - 1) / 2) / (width / 4)) * (STRAY / height);
  const cost = (x, y) => ink[y * width + x] / 255 + away(x);
  let total = Array.from({ length: width }, (_, x) => cost(x, 0));
  const moves = [];
  for (let y = 1; y < height; y++) {
    const before = total, row = [];
    total = before.map((_, x) => {
      const ways = [-1, 0, 1].map((dx) => before[x + dx] ?? Infinity);
      const least = Math.min(...ways);
      row.push(ways.indexOf(least) - 1);
      return least + cost(x, y);
    });
    moves.push(row);
  }
  const left = new Uint8Array(ink.length), right = new Uint8Array(ink.length);
  let seam = total.indexOf(Math.min(...total));
  for (let y = height - 1; y >= 0; y--) {
    for (let x = 0; x < width; x++) (x <= seam ? left : right)[y * width + x] = ink[y * width + x];
    if (y) seam += moves[y - 1][seam];
  }
  return [left, right].map((each) => ({ ink: each, width, height }));
}
