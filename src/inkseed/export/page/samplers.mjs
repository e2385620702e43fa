// From noise to an image: denoisers, guidance and the samplers of src/inkseed/samplers.
// A level is {t, alpha, sigma} of x_t = alpha x_0 + sigma eps; Python made the list of them.

const LOG_RATIO_LIMIT = 12, MIN_ALPHA = 1e-4;

/** alpha x + beta y, in single precision. */
const mixed = (alpha, x, beta, y) => x.map((each, k) => alpha * each + beta * y[k]);

const ratio = ({ alpha, sigma }) => (alpha >= MIN_ALPHA ? sigma / alpha : Infinity);

/** How a network's output becomes x_0 (src/inkseed/diffusion/predictions.py): (x, level, ask). */
function edm({ data_mean = 0, sigma_data = 0.5 }) {
  return (x, { alpha, sigma }, ask) => {
    const variance = alpha ** 2 * sigma_data ** 2 + sigma ** 2, root = Math.sqrt(variance);
    const skip = (alpha * sigma_data ** 2) / variance, out = (sigma * sigma_data) / root;
    const log = Math.log(sigma) - Math.log(alpha);
    const noise = Math.max(-LOG_RATIO_LIMIT, Math.min(LOG_RATIO_LIMIT, log)) / 4;
    const centred = x.map((each) => each - alpha * data_mean);
    const residual = ask(centred.map((each) => each / root), noise);
    return centred.map((each, k) => data_mean + skip * each + out * residual[k]);
  };
}

const PREDICTIONS = {
  eps: () => (x, { t, alpha, sigma }, ask) => mixed(1 / alpha, x, -sigma / alpha, ask(x, t)),
  v: () => (x, { t, alpha, sigma }, ask) => {
    const square = alpha ** 2 + sigma ** 2;
    return mixed(alpha / square, x, -sigma / square, ask(x, t));
  },
  x0: () => (x, { t }, ask) => ask(x, t),
  edm,
  consistency: edm,
};

/** (x, level, condition) -> x_0, by a network and a teller of it. */
export function denoiser(network, teller, prediction) {
  const x0 = PREDICTIONS[prediction.name](prediction);
  return (x, level, condition) =>
    x0(x, level, (input, time) => network.predict(input, teller.tell(time, condition)));
}

/**
 * (x, level) -> {x0, plain, free}: x_0 under guidance, with the conditional and the unconditional
 * guess that it is made of, where there are two (Ho and Salimans, arXiv 2207.12598).
 */
export function guided(denoise, condition, { guideW, interval: [low, high], taught }) {
  if (taught) return (x, level) => ({ x0: denoise(x, level, { ...condition, guideW }) });
  return (x, level) => {
    const plain = denoise(x, level, condition), r = ratio(level);
    if (guideW === 0 || r < low || r > (high ?? Infinity)) return { x0: plain };
    const free = denoise(x, level, {});
    return { x0: mixed(1 + guideW, plain, -guideW, free), plain, free };
  };
}

/** Mean and deviation of the state at s, given that at t and x_0 (src/inkseed/samplers/steps.py). */
function posterior(x, x0, t, s, eta) {
  const added = Math.max(t.sigma ** 2 - ((t.alpha / s.alpha) * s.sigma) ** 2, 0);
  const own = (s.sigma / t.sigma) * Math.sqrt(added), drawn = eta === null ? own : eta * own;
  const kept = Math.sqrt(Math.max(s.sigma ** 2 - drawn ** 2, 0));
  const mean = mixed(kept / t.sigma, x, s.alpha - (kept * t.alpha) / t.sigma, x0);
  return [mean, eta === null ? Math.sqrt(added) : drawn];
}

function* consistency(guess, x, levels, noise) {
  for (let k = 0; k + 1 < levels.length; k++) {
    const found = guess(x, levels[k]), { alpha, sigma } = levels[k + 1];
    x = sigma > 0 ? mixed(alpha, found.x0, sigma, noise()) : found.x0;
    yield { level: levels[k + 1], x, ...found };
  }
}

const ancestral = (eta) =>
  function* (guess, x, levels, noise) {
    for (let k = 0; k + 1 < levels.length; k++) {
      const found = guess(x, levels[k]);
      const [mean, deviation] = posterior(x, found.x0, levels[k], levels[k + 1], eta);
      x = levels[k + 1].sigma > 0 && eta !== 0 ? mixed(1, mean, deviation, noise()) : mean;
      yield { level: levels[k + 1], x, ...found };
    }
  };

const solver = (eta) =>
  function* (guess, x, levels, noise) {
    let earlier = null;
    for (let k = 0; k + 1 < levels.length; k++) {
      const [t, s] = [levels[k], levels[k + 1]], found = guess(x, t);
      const h = ratio(s) > 0 ? Math.log(ratio(t) / ratio(s)) : Infinity;
      let towards = found.x0;
      if (earlier && Number.isFinite(h) && Number.isFinite(earlier.h)) {
        const half = h / (2 * earlier.h);
        towards = mixed(1 + half, found.x0, -half, earlier.x0);
      }
      const [mean, deviation] = posterior(x, towards, t, s, eta);
      x = deviation > 0 ? mixed(1, mean, deviation, noise()) : mean;
      earlier = { x0: found.x0, h };
      yield { level: s, x, ...found };
    }
  };

function* heun(guess, x, levels) {
  for (let k = 0; k + 1 < levels.length; k++) {
    const [t, s] = [levels[k], levels[k + 1]], found = guess(x, t);
    let [ahead] = posterior(x, found.x0, t, s, 0);
    if (ratio(s) > 0 && Number.isFinite(ratio(t))) {
      const y = x.map((each) => each / t.alpha), later = guess(ahead, s).x0;
      ahead = y.map((each, n) => {
        const slope = (each - found.x0[n]) / ratio(t);
        const next = (ahead[n] / s.alpha - later[n]) / ratio(s);
        return s.alpha * (each + ((ratio(s) - ratio(t)) * (slope + next)) / 2);
      });
    }
    x = ahead;
    yield { level: s, x, ...found };
  }
}

/** Samplers by name: (guess, x_T, levels, noise) -> the states at all levels but the first. */
export function samplerOf({ sampler, eta }) {
  const known = { consistency, heun, ddim: ancestral(0), ancestral: ancestral(eta) };
  return { ...known, dpm_solver: solver(0), dpm_solver_sde: solver(1) }[sampler];
}
