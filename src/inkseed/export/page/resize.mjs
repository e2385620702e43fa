// Pillow's bicubic enlargement of 8-bit pictures, to the bit: (width, height) `times` as large.

const BITS = 22; // of the fixed point that Pillow computes in
const A = -0.5;

function cubic(x) {
  const d = Math.abs(x);
  if (d < 1) return ((A + 2) * d - (A + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * A : 0;
}

/** For each of size * times outputs: the first input that counts, and each one's weight. */
function windows(size, times) {
  return Array.from({ length: size * times }, (_, out) => {
    const centre = (out + 0.5) / times;
    const first = Math.max(0, Math.trunc(centre - 2 + 0.5));
    const last = Math.min(size, Math.trunc(centre + 2 + 0.5));
    const weights = Array.from({ length: last - first }, (_, k) => cubic(k + first - centre + 0.5));
    const sum = weights.reduce((a, b) => a + b, 0);
    const fixed = weights.map((w) => Math.trunc((w / sum) * 2 ** BITS + (w < 0 ? -0.5 : 0.5)));
    return { first, fixed };
  });
}

/** One pass along rows whose pixels are `step` apart. */
function along(image, out, { count, step, next, outStep, outNext, seen }) {
  for (let line = 0; line < count; line++)
    for (let x = 0; x < seen.length; x++) {
      const { first, fixed } = seen[x];
      let sum = 2 ** (BITS - 1);
      for (let k = 0; k < fixed.length; k++) sum += image[line * next + (first + k) * step] * fixed[k];
      out[line * outNext + x * outStep] = Math.max(0, Math.min(255, Math.floor(sum / 2 ** BITS)));
    }
}

/** An image (height, width), row by row, `times` as large. */
export function enlarged(image, height, width, times) {
  const wide = new Uint8Array(height * width * times), large = new Uint8Array(wide.length * times);
  const across = width * times;
  along(image, wide, {
    count: height, step: 1, next: width, outStep: 1, outNext: across, seen: windows(width, times),
  });
  along(wide, large, {
    count: across, step: across, next: 1, outStep: across, outNext: 1, seen: windows(height, times),
  });
  return large;
}
