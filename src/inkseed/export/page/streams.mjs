// The same noise as in Python (docs/streams.md): Philox 4x32-10, and normal numbers from it.
// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

export const NOISE = 0;
export const SAMPLER = 1;
export const STYLE = 4;
export const GAP = 5;
export const WRITER = 16;
const ROUNDS = 10;

/** The high 32 bits of the product of two 32-bit numbers. */
function high(a, b) {
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  return (a1 * b1 + Math.floor(middle / 65536) + (((middle & 0xffff) + a0 * b1) / 65536)) >>> 0;
}

/** Four counter words and two key words -> four random words. */
export function philox(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const h0 = high(0xd2511f53, c0), l0 = Math.imul(0xd2511f53, c0);
    const h1 = high(0xcd9e8d57, c2), l1 = Math.imul(0xcd9e8d57, c2);
    c0 = (h1 ^ c1 ^ k0) >>> 0;
    c2 = (h0 ^ c3 ^ k1) >>> 0;
    c1 = l1 >>> 0;
    c3 = l0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A stream's name: a seed (number or text), a purpose, an image, a candidate and a draw. */
export function stream(seed, purpose, image = 0, candidate = 0, draw = 0) {
  const whole = BigInt(seed);
  const key = [Number(whole & 0xffffffffn), Number(whole >> 32n)];
  return { key, rest: [image, candidate, purpose + 256 * draw] };
}

/** `count` numbers in (0, 1) of a stream: (word + 1/2) / 2^32, exactly. */
export function uniforms({ key, rest }, count) {
  const found = new Float64Array(count);
  for (let n = 0; n < count; n += 4) {
    const words = philox([n / 4, ...rest], key);
    for (let k = 0; k < 4 && n + k < count; k++) found[n + k] = (words[k] + 0.5) / 4294967296;
  }
  return found;
}

/** `count` unit normal numbers of a stream (Box and Muller, 1958), rounded to single. */
export function normals(named, count) {
  const u = uniforms(named, count + (count % 2)), found = new Float32Array(count);
  for (let n = 0; n < count; n += 2) {
    const radius = Math.sqrt(-2 * Math.log(u[n])), angle = 2 * Math.PI * u[n + 1];
    found[n] = radius * Math.cos(angle);
    if (n + 1 < count) found[n + 1] = radius * Math.sin(angle);
  }
  return found;
}

/** The point at `part` (0 to 1) of the way between two noises, along the great circle. */
export function between(a, b, part) {
  let dot = 0, aa = 0, bb = 0;
  for (let k = 0; k < a.length; k++) dot += a[k] * b[k], aa += a[k] * a[k], bb += b[k] * b[k];
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / Math.sqrt(aa * bb))));
  if (part === 0 || angle === 0) return a;
  const p = Math.sin((1 - part) * angle) / Math.sin(angle), q = Math.sin(part * angle) / Math.sin(angle);
  return a.map((value, k) => p * value + q * b[k]);
}
