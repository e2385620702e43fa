// A whole number: each of its images drawn, and its digits' ink, ready to be set on a line.

import { drawnStyle } from "./styles.mjs";
import { part } from "./seam.mjs";
import { inkOf } from "./typeset.mjs";

const FILLER = "1", BESIDE_1 = "3"; // beside an odd last digit of a model of pairs (docs/numbers.md)
export const CANDIDATES = 8;

/** The images that a text is made of: {label (an index), digits}. */
export function partsOf(card, text) {
  const index = (label) => card.classes.indexOf(label);
  if (card.classes[0].length === 1) return [...text].map((digit) => ({ label: index(digit), digits: 1 }));
  const pairs = text.match(/..?/gs) ?? [];
  return pairs.map((pair) => {
    const filler = pair === FILLER ? BESIDE_1 : FILLER;
    return { label: index(pair.padEnd(2, filler)), digits: pair.length };
  });
}

/** What is told of all images of a number: its hand, or where the model knows none its style. */
export function conditionOf(model, { seed, style = {}, hand = { seed } }) {
  if (model.card.network.hand) return { hand: model.handRow(hand), style };
  const given = Object.entries(style).filter(([, value]) => value !== null && value !== undefined);
  return { hand: null, style: { ...drawnStyle(model.card.styles, seed), ...Object.fromEntries(given) } };
}

/** The digits' ink of one of the model's images. */
export function blockOf(card, x, digits) {
  const [height, width] = card.size, ink = inkOf(x);
  return card.classes[0].length === 1 ? [{ ink, width, height }] : part(ink, width, height).slice(0, digits);
}

/**
 * Walks one image of a number, and yields its states. asked: {seed, start, style, hand, guideW, steps}.
 * With `best`, eight candidates are drawn to the end and the judge's favourite is walked again.
 */
export function* walked(model, asked, image, label, condition) {
  const own = { start: { kind: "seed" }, ...model.card.sampling, ...asked, ...condition, image, label };
  if (own.start.kind !== "best") return yield* model.states(own);
  let best = { score: -Infinity };
  for (let candidate = 0; candidate < CANDIDATES; candidate++) {
    const states = [];
    for (const state of model.states({ ...own, candidate })) {
      states.push(state);
      yield { ...state, trial: candidate };
    }
    const clipped = states.at(-1).x.map((each) => Math.max(-1, Math.min(1, each)));
    const score = model.judge(clipped)[Number(model.card.classes[label])];
    if (score > best.score) best = { score, states, candidate };
  }
  for (const state of best.states) yield { ...state, candidate: best.candidate };
}

/** All images of a number at once: {blocks, candidates}, which candidate each began with. */
export function draw(model, asked) {
  const condition = conditionOf(model, asked), blocks = [], candidates = [];
  partsOf(model.card, asked.text).forEach(({ label, digits }, image) => {
    let last = null;
    for (const state of walked(model, asked, image, label, condition)) last = state;
    blocks.push(blockOf(model.card, last.x, digits));
    candidates.push(last.candidate ?? 0);
  });
  return { blocks, candidates };
}
