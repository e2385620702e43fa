// The weights as they lie in the page: 16-bit floats, written in base64.

/** Base64 -> bytes. */
export function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = binary.charCodeAt(k);
  return bytes;
}

/** Every 16-bit float as a 32-bit one. */
function singles() {
  const table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = half & 0x8000 ? -1 : 1, exponent = (half >> 10) & 31, fraction = half & 1023;
    if (exponent === 31) table[half] = fraction ? NaN : sign * Infinity;
    else if (exponent === 0) table[half] = sign * fraction * 2 ** -24;
    else table[half] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return table;
}

/** The tensors of a table [[name, count], ...] in bytes of 16-bit floats: name -> Float32Array. */
export function tensorsOf(bytes, table) {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const single = singles(), found = {};
  let at = 0;
  for (const [name, count] of table) {
    const values = (found[name] = new Float32Array(count));
    for (let k = 0; k < count; k++) values[k] = single[halves[at + k]];
    at += count;
  }
  return found;
}
