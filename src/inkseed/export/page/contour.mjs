// The ink's outline as an SVG: marching squares at half of its darkness, drawn as smooth curves.

const HALF = 128;

/** A picture {ink, width, height} as the text of an SVG file. */
export function svgOf({ ink, width, height }) {
  const path = loopsOf(ink, width, height).map(curveOf).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<path fill-rule="evenodd" d="${path}"/></svg>\n`;
}

/** A closed curve through the middles of a loop's sides, bent towards its corners. */
function curveOf(loop) {
  const text = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const middle = (k) => {
    const [a, b] = [loop[k % loop.length], loop[(k + 1) % loop.length]];
    return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  };
  const curves = loop.map((_, k) => `Q${text(loop[(k + 1) % loop.length])} ${text(middle(k + 1))}`);
  return `M${text(middle(0))}${curves.join("")}Z`;
}

/** Closed loops of points [x, y] where the ink is half as dark as it can be. */
function loopsOf(ink, width, height) {
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : ink[y * width + x]);
  const cross = (x, y, dx, dy) => {
    const [a, b] = [at(x, y), at(x + dx, y + dy)], part = (HALF - a) / (b - a);
    return [x + 0.5 + dx * part, y + 0.5 + dy * part];
  };
  const next = new Map(), key = (x, y, down) => (y * (width + 2) + x) * 2 + down;
  for (let y = -1; y < height; y++)
    for (let x = -1; x < width; x++) {
      const inside = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)].map((each) => each >= HALF);
      // the sides of this cell in the order top, right, bottom, left
      const sides = [
        [key(x + 1, y + 1, 0), () => cross(x, y, 1, 0)], [key(x + 2, y + 1, 1), () => cross(x + 1, y, 0, 1)],
        [key(x + 1, y + 2, 0), () => cross(x, y + 1, 1, 0)], [key(x + 1, y + 1, 1), () => cross(x, y, 0, 1)],
      ];
      const enters = [0, 1, 2, 3].filter((k) => !inside[k] && inside[(k + 1) % 4]);
      for (const enter of enters) { // keep the ink on one hand: leave by the next side that goes out
        let leave = (enter + 1) % 4;
        while (!(inside[leave] && !inside[(leave + 1) % 4])) leave = (leave + 1) % 4;
        next.set(sides[leave][0], { to: sides[enter][0], point: sides[leave][1]() });
      }
    }
  const loops = [];
  while (next.size) {
    const loop = [];
    let [side] = next.keys();
    while (next.has(side)) {
      const { to, point } = next.get(side);
      next.delete(side);
      loop.push(point);
      side = to;
    }
    loops.push(thinned(loop));
  }
  return loops;
}

/** Every second point of a loop: the enlarged ink has four for each of the model's pixels. */
function thinned(loop) {
  return loop.length < 12 ? loop : loop.filter((_, k) => k % 2 === 0);
}
