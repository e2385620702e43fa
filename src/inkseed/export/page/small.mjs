// Two small networks on one digit of 28x28: the encoder of hands, and judge A.

const SIDE = 28;

/** Convolutions of 3x3, then dense layers; `weights` has their names. */
class Small {
  constructor(kernel, weights, convolutions, dense) {
    this.kernel = kernel;
    this.padded = kernel.take((SIDE + 2) ** 2 * 128);
    [this.a, this.b] = [kernel.take(SIDE ** 2 * 128), kernel.take(SIDE ** 2 * 128)];
    this.convolutions = convolutions.map(({ name, norm, groups, ...rest }) => ({
      ...rest,
      outputs: weights[`${name}.bias`].length,
      layer: kernel.layer(weights[`${name}.weight`], weights[`${name}.bias`], weights[`${name}.bias`].length, 3),
      norm: norm && kernel.norm(weights[`${norm}.weight`], weights[`${norm}.bias`], { groups }),
    }));
    this.dense = dense.map(({ name, pixels }) => {
      const bias = weights[`${name}.bias`], matrix = weights[`${name}.weight`];
      return {
        layer: kernel.layer(pixelsFirst(matrix, bias.length, pixels), bias, bias.length),
        outputs: bias.length,
      };
    });
  }

  /** Ink from -1 to 1, row by row -> what the last layer puts out. */
  run(image) {
    const { kernel } = this;
    let side = SIDE, channels = 1;
    kernel.at(this.a, image.length).set(image);
    for (const { layer, outputs, stride, norm, pool } of this.convolutions) {
      this.border(side, channels);
      kernel.convolve(this.padded, this.b, layer, side, side);
      channels = outputs;
      side = this.thin(side, channels, stride);
      if (norm) {
        kernel.normalise(this.a, this.b, norm, side, side, channels, 0);
        kernel.at(this.a, side * side * channels).set(kernel.at(this.b, side * side * channels));
      } else this.rectify(side * side * channels);
      if (pool) side = this.pool(side, channels);
    }
    this.dense.forEach(({ layer, outputs }, k) => {
      kernel.convolve(this.a, this.b, layer, 1, 1);
      kernel.at(this.a, outputs).set(kernel.at(this.b, outputs));
      channels = outputs;
      if (k + 1 < this.dense.length) this.rectify(outputs);
    });
    return kernel.at(this.a, channels).slice();
  }

  /** `a` in a border of zeros. */
  border(side, channels) {
    const row = (side + 2) * channels, image = this.kernel.at(this.padded, row * (side + 2)).fill(0);
    const from = this.kernel.at(this.a, side * side * channels);
    for (let y = 0; y < side; y++)
      image.set(from.subarray(y * side * channels, (y + 1) * side * channels), (y + 1) * row + channels);
  }

  /** Every `stride`th pixel of `b`, in `a`; returns how many a side. */
  thin(side, channels, stride) {
    const less = Math.ceil(side / stride), { kernel } = this;
    for (let y = 0; y < less; y++)
      for (let x = 0; x < less; x++) {
        const from = this.b + (y * side + x) * stride * channels * 4;
        kernel.at(this.a + (y * less + x) * channels * 4, channels).set(kernel.at(from, channels));
      }
    return less;
  }

  rectify(count) {
    const values = this.kernel.at(this.a, count);
    for (let k = 0; k < count; k++) values[k] = Math.max(values[k], 0);
  }

  /** The largest of each 2x2 pixels of `a`; an odd last row and column are left out. */
  pool(side, channels) {
    const less = Math.floor(side / 2), values = this.kernel.at(this.a, side * side * channels);
    const most = new Float32Array(less * less * channels).fill(-Infinity);
    for (let y = 0; y < 2 * less; y++)
      for (let x = 0; x < 2 * less; x++)
        for (let c = 0; c < channels; c++) {
          const to = ((y >> 1) * less + (x >> 1)) * channels + c;
          most[to] = Math.max(most[to], values[(y * side + x) * channels + c]);
        }
    values.set(most);
    return less;
  }
}

/** A matrix whose inputs are [channel][pixel] as one whose inputs are [pixel][channel]. */
function pixelsFirst(matrix, outputs, pixels) {
  const inputs = matrix.length / outputs, channels = inputs / pixels;
  return matrix.map((_, k) => {
    const input = k % inputs, pixel = Math.floor(input / channels), c = input % channels;
    return matrix[k - input + c * pixels + pixel];
  });
}

/** (digit) -> its code, by the model's encoder (src/inkseed/nn/hand_encoder.py). */
export function encoderOf(kernel, weights) {
  const convolutions = [0, 3, 6].map((k) => ({
    name: `encoder.${k}`, norm: `encoder.${k + 1}`, groups: 8, stride: 2,
  }));
  const net = new Small(kernel, weights, convolutions, [{ name: "encoder.10", pixels: 16 }]);
  return (digit) => net.run(digit);
}

/** (digit) -> the logarithm of the probability of each of 0 to 9, by judge A. */
export function judgeOf(kernel, weights) {
  const convolutions = [2, 1, 2, 1].map((stride, k) => ({ name: `judge.${k}`, stride, pool: k === 3 }));
  const dense = [{ name: "judge.4", pixels: 9 }, { name: "judge.5", pixels: 1 }];
  const net = new Small(kernel, weights, convolutions, dense);
  return (digit) => {
    const logits = net.run(digit), most = Math.max(...logits);
    const sum = logits.reduce((total, each) => total + Math.exp(each - most), 0);
    return logits.map((each) => each - most - Math.log(sum));
  };
}
