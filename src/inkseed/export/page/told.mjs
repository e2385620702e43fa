// What the network is told: noise level, label, style, hand and guidance, as one vector a place.

import { WRITER, normals, stream } from "./streams.mjs";

const REACH = 4; // deviations from the mean, beyond which networks see no difference in style
const TYPICAL_DIGITS = 10, MOST_DIGITS = 16; // of a hand that is drawn, and of one that is given

/** Tells a network; `weights` (name -> Float32Array) are the model's. */
export class Teller {
  constructor(card, weights) {
    this.card = card;
    this.network = card.network;
    this.embedding = 4 * card.network.widths[0];
    this.time = [weights["time.weight"], weights["time.bias"]];
    this.rows = weights["label.weight"];
    this.style = weights["style.weight"];
    this.hand = weights["hand.weight"];
    this.guide = weights["guide.weight"];
    this.spread = { mean: weights.hand_mean, factor: weights.hand_factor };
  }

  /**
   * (places, embedding) for a time t and a condition {label, style, hand, guideW}: a class index,
   * {slant, thickness}, a hand's row, a strength. What is null or left out is free.
   */
  tell(t, { label = null, style = {}, hand = null, guideW = null }) {
    const { network, embedding } = this, told = new Float64Array(embedding);
    const angles = network.frequencies.map((each) => t * each);
    add(told, this.time[0], [...angles.map(Math.cos), ...angles.map(Math.sin)]);
    this.time[1].forEach((bias, k) => (told[k] += bias));
    if (this.style && label !== null) add(told, this.style, this.styleFeatures(style));
    if (this.hand && hand !== null && label !== null) add(told, this.hand, [...hand, 1]);
    if (this.guide && guideW !== null) add(told, this.guide, [Math.log1p(guideW), guideW]);
    const { places, base } = network, all = new Float32Array(places * embedding);
    for (let p = 0; p < places; p++) {
      const digit = label === null ? base : Math.floor(label / base ** (places - 1 - p)) % base;
      for (let k = 0; k < embedding; k++)
        all[p * embedding + k] = told[k] + this.rows[digit * embedding + k];
    }
    return all;
  }

  styleFeatures(style) {
    return this.network.styles.flatMap(({ name, mean, deviation }) => {
      if (style[name] === undefined || style[name] === null) return [0, 0, 0, 0];
      const z = Math.max(-REACH, Math.min(REACH, (style[name] - mean) / deviation));
      return [1, z, Math.sin(1.5 * z), Math.cos(1.5 * z)];
    });
  }

  /** A hand that nobody has, drawn from a seed. */
  drawnHand(seed) {
    const { mean, factor } = this.spread, length = mean.length;
    const noise = normals(stream(seed, WRITER), length);
    const code = Float64Array.from(mean, (middle, i) => {
      let sum = middle;
      for (let j = 0; j < length; j++) sum += factor[i * length + j] * noise[j];
      return sum;
    });
    return handOf(code, TYPICAL_DIGITS);
  }

  /** The hand of digits with these codes. */
  handOfCodes(codes) {
    const mean = codes[0].map((_, k) => codes.reduce((sum, code) => sum + code[k], 0) / codes.length);
    return handOf(mean, Math.min(codes.length, MOST_DIGITS));
  }
}

/** A mean code at mean 0 and variance 1, and one over the root of how many digits it is of. */
function handOf(code, digits) {
  const mean = code.reduce((a, b) => a + b, 0) / code.length;
  const variance = code.reduce((sum, each) => sum + (each - mean) ** 2, 0) / code.length;
  const scale = 1 / Math.sqrt(variance + 1e-5);
  return Float32Array.from([...code.map((each) => (each - mean) * scale), digits ** -0.5]);
}

/** Add a matrix [sum.length][features.length] times the features. */
function add(sum, matrix, features) {
  for (let k = 0, at = 0; k < sum.length; k++)
    for (let n = 0; n < features.length; n++, at++) sum[k] += matrix[at] * features[n];
}
