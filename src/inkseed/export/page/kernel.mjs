// The arithmetic: kernel.c as WebAssembly where the browser has SIMD, or the same in JavaScript.
// Everything lies in one memory. Places in it are byte offsets, as in C.

import { scalar } from "./scalar.mjs";

const PANEL = 8;

/** A kernel with `bytes` of memory. Without a `binary` that runs here it is plain JavaScript. */
export async function openKernel(binary, bytes) {
  if (binary && typeof WebAssembly === "object" && WebAssembly.validate(binary)) {
    const { instance } = await WebAssembly.instantiate(binary, {});
    const { memory, __heap_base: base, ...functions } = instance.exports;
    memory.grow(Math.ceil(bytes / 65536));
    return new Kernel(memory.buffer, base.value, functions, "WebAssembly");
  }
  const buffer = new ArrayBuffer(Math.ceil(bytes / 65536 + 1) * 65536);
  const floats = new Float32Array(buffer), words = new Int32Array(buffer);
  return new Kernel(buffer, 16, scalar(floats, words), "JavaScript");
}

class Kernel {
  constructor(buffer, base, functions, kind) {
    this.floats = new Float32Array(buffer);
    this.words = new Int32Array(buffer);
    this.next = Math.ceil(base / 16) * 16;
    this.kind = kind;
    Object.assign(this, functions);
  }

  /** Room for `count` numbers, all 0 at first. */
  take(count) {
    const at = this.next;
    this.next += Math.ceil(count / 4) * 16;
    if (this.next > this.floats.byteLength) throw new Error("the model does not fit in memory");
    return at;
  }

  /** `count` floats at a place, to read or write. */
  at(place, count) {
    return this.floats.subarray(place / 4, place / 4 + count);
  }

  /** A place that holds these floats. */
  put(values) {
    const place = this.take(values.length);
    this.at(place, values.length).set(values);
    return place;
  }

  /** A place that holds these whole numbers: a struct of kernel.c. */
  struct(...values) {
    const place = this.take(values.length);
    this.words.set(values, place / 4);
    return place;
  }

  /** A Layer of kernel.c from weights [outputs][inputs][taps][taps] and a bias, which may be null. */
  layer(weights, bias, outputs, taps = 1) {
    const inputs = weights.length / (outputs * taps * taps), reach = taps * taps;
    const panels = Math.ceil(outputs / PANEL), step = inputs * reach;
    const place = this.take(panels * PANEL * step);
    const packed = this.at(place, panels * PANEL * step);
    for (let o = 0; o < outputs; o++) {
      const to = Math.floor(o / PANEL) * step * PANEL + (o % PANEL);
      for (let c = 0; c < inputs; c++)
        for (let tap = 0; tap < reach; tap++)
          packed[to + (tap * inputs + c) * PANEL] = weights[o * step + c * reach + tap];
    }
    const shift = this.take(panels * PANEL);
    if (bias) this.at(shift, outputs).set(bias);
    return this.struct(place, shift, taps, inputs, outputs);
  }

  /** A Norm of kernel.c with fixed factor and shift, or at places whose columns are `step` apart. */
  norm(factor, shift, { groups = 16, activate = 1, step = 0 } = {}) {
    const [a, b] = [factor, shift].map((each) => (typeof each === "number" ? each : this.put(each)));
    return this.struct(a, b, step, groups, activate);
  }
}
