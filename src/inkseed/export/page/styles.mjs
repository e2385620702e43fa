// The style of a number whose model knows no hand, drawn from the seed (src/inkseed/model/style.py).

import { STYLE, stream, uniforms } from "./streams.mjs";

const LOW = 0.05, HIGH = 0.95; // quantiles of the data between which a style is unremarkable

/** {slant, thickness} of a seed, for a model's styles [{name, mean, deviation, positive}]. */
export function drawnStyle(styles, seed) {
  const drawn = uniforms(stream(seed, STYLE), styles.length);
  const found = {};
  styles.forEach(({ name, mean, deviation, positive }, k) => {
    const z = quantile(LOW + (HIGH - LOW) * drawn[k]);
    const spread = Math.log1p((deviation / mean) ** 2);
    found[name] = positive
      ? Math.exp(Math.log(mean) - spread / 2 + Math.sqrt(spread) * z)
      : mean + deviation * z;
  });
  return found;
}

/** The quantile of a unit normal number in the middle of the distribution, by Newton's method. */
function quantile(u) {
  let z = 0;
  for (let k = 0; k < 40; k++) {
    const step = (below(z) - u) * Math.sqrt(2 * Math.PI) * Math.exp((z * z) / 2);
    z -= step;
    if (Math.abs(step) < 1e-14) break;
  }
  return z;
}

/** The probability that a unit normal number is below z, by its power series (Marsaglia, 2004). */
function below(z) {
  let term = z, sum = z;
  for (let n = 3; Math.abs(term) > 1e-17 && n < 300; n += 2) sum += term = (term * z * z) / n;
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
