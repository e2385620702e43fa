// The functions of kernel.c in plain JavaScript, for browsers without WebAssembly's SIMD.

const PANEL = 8, HEAD = 64;

/** The kernel's functions on one memory, seen as floats and as 32-bit words. */
export function scalar(floats, words) {
  const struct = (place) => words.subarray(place / 4, place / 4 + 5);
  const silu = (x) => x / (1 + Math.exp(-x));

  /** The eight outputs of a panel for one pixel, kept in variables for speed. */
  function pixel(at, from, layer, panel, sums) {
    const [weights, bias, taps, inputs] = layer, length = taps * inputs, b = bias / 4 + panel * PANEL;
    let w = weights / 4 + panel * PANEL * taps * length;
    let s0 = floats[b], s1 = floats[b + 1], s2 = floats[b + 2], s3 = floats[b + 3];
    let s4 = floats[b + 4], s5 = floats[b + 5], s6 = floats[b + 6], s7 = floats[b + 7];
    for (let part = 0; part < taps; part++)
      for (let k = at + part * from, end = k + length; k < end; k++, w += PANEL) {
        const x = floats[k];
        s0 += x * floats[w], s1 += x * floats[w + 1], s2 += x * floats[w + 2], s3 += x * floats[w + 3];
        s4 += x * floats[w + 4], s5 += x * floats[w + 5], s6 += x * floats[w + 6], s7 += x * floats[w + 7];
      }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
    sums[4] = s4, sums[5] = s5, sums[6] = s6, sums[7] = s7;
  }

  function convolve(input, out, place, height, width) {
    const layer = struct(place), [, , taps, inputs, outputs] = layer, sums = new Float64Array(PANEL);
    const across = width + (taps === 3 ? 2 : 0), pixels = height * width;
    for (let panel = 0; panel * PANEL < outputs; panel++)
      for (let p = 0; p < pixels; p++) {
        const at = input / 4 + (Math.floor(p / width) * across + (p % width)) * inputs;
        pixel(at, across * inputs, layer, panel, sums);
        const to = out / 4 + p * outputs + panel * PANEL;
        for (let k = 0; k < PANEL && panel * PANEL + k < outputs; k++) floats[to + k] = sums[k];
      }
  }

  function moments(input, pixels, channels, groups) {
    const size = channels / groups, found = [];
    for (let group = 0; group < groups; group++) {
      let sum = 0, square = 0;
      const each = (f) => {
        for (let p = 0; p < pixels; p++)
          for (let c = 0; c < size; c++) f(floats[input / 4 + p * channels + group * size + c]);
      };
      each((x) => (sum += x));
      const mean = sum / (pixels * size);
      each((x) => (square += (x - mean) ** 2));
      found.push([mean, 1 / Math.sqrt(square / (pixels * size) + 1e-5)]);
    }
    return found;
  }

  function normalise(input, out, place, height, width, channels, border) {
    const [factor, shift, step, groups, activate] = struct(place);
    const found = moments(input, height * width, channels, groups), size = channels / groups;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const from = input / 4 + (y * width + x) * channels;
        const to = out / 4 + ((y + border) * (width + 2 * border) + x + border) * channels;
        for (let c = 0; c < channels; c++) {
          const [mean, inverse] = found[Math.floor(c / size)], own = x * step + c;
          const scale = inverse * floats[factor / 4 + own];
          const value = floats[shift / 4 + own] + (floats[from + c] - mean) * scale;
          floats[to + c] = activate ? silu(value) : value;
        }
      }
  }

  function attend(qkv, out, weights, tokens, channels) {
    const from = qkv / 4, seen = floats.subarray(weights / 4, weights / 4 + tokens);
    for (let head = 0; head < channels; head += HEAD)
      for (let i = 0; i < tokens; i++) {
        const query = from + i * 3 * channels + head;
        for (let j = 0; j < tokens; j++) {
          let dot = 0;
          const key = from + j * 3 * channels + channels + head;
          for (let c = 0; c < HEAD; c++) dot += floats[query + c] * floats[key + c];
          seen[j] = dot / 8;
        }
        const most = Math.max(...seen);
        let sum = 0;
        for (let j = 0; j < tokens; j++) sum += seen[j] = Math.exp(seen[j] - most);
        for (let c = 0; c < HEAD; c++) {
          let mix = 0;
          for (let j = 0; j < tokens; j++)
            mix += seen[j] * floats[from + j * 3 * channels + 2 * channels + head + c];
          floats[out / 4 + i * channels + head + c] = mix / sum;
        }
      }
  }

  function combine(a, b, out, count, factor) {
    for (let k = 0; k < count; k++)
      floats[out / 4 + k] = factor * (floats[a / 4 + k] + floats[b / 4 + k]);
  }

  function join(a, b, out, pixels, first, second) {
    for (let p = 0; p < pixels; p++) {
      const to = out / 4 + p * (first + second);
      floats.copyWithin(to, a / 4 + p * first, a / 4 + (p + 1) * first);
      floats.copyWithin(to + first, b / 4 + p * second, b / 4 + (p + 1) * second);
    }
  }

  function fold(input, out, height, width, channels, border) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const row = (y >> 1) + border, column = (x >> 1) + border;
        const to = (row * (width / 2 + 2 * border) + column) * channels * 4 + (y % 2) * 2 + (x % 2);
        for (let c = 0; c < channels; c++)
          floats[out / 4 + to + c * 4] = floats[input / 4 + (y * width + x) * channels + c];
      }
  }

  function unfold(input, out, height, width, channels) {
    for (let y = 0; y < 2 * height; y++)
      for (let x = 0; x < 2 * width; x++) {
        const from = ((y >> 1) * width + (x >> 1)) * channels * 4 + (y % 2) * 2 + (x % 2);
        for (let c = 0; c < channels; c++)
          floats[out / 4 + (y * 2 * width + x) * channels + c] = floats[input / 4 + from + c * 4];
      }
  }

  return { convolve, normalise, attend, combine, join, fold, unfold };
}
