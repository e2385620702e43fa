// The worker: it draws, so that the page never waits. A new request takes the place of the last.

import { blockOf, conditionOf, walked } from "./draw.mjs";
import { crisp } from "./form.mjs";
import { openModel } from "./model.mjs";
import { bytesOf } from "./weights.mjs";

let opened = null, model = null, latest = 0;

/** Lets messages in before the work goes on. */
const pause = () =>
  new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = go;
    port2.postMessage(null);
  });

/** Codes of a writer's digits, kept for the next request. */
function codesOf(digits) {
  codesOf.known ??= new Map();
  return digits.map(({ id, ink }) => {
    if (!codesOf.known.has(id)) {
      codesOf.known.set(id, Array.from(model.encode(Float32Array.from(crisp(ink), (each) => each / 127.5 - 1))));
    }
    return codesOf.known.get(id);
  });
}

/** What the page shows of a state. */
const seen = ({ level, x, x0, plain, free, trial, candidate }) =>
  ({ ratio: level.sigma / level.alpha, x, x0, plain, free, trial, candidate });

async function draw({ id, asked, jobs }) {
  latest = id;
  model = await opened;
  if (latest !== id) return;
  const hand = asked.digits.length ? { codes: codesOf(asked.digits) } : undefined;
  const condition = conditionOf(model, { ...asked, ...(hand && { hand }) });
  for (const { image, label, digits, key } of jobs) {
    const begun = performance.now(), before = model.network.evaluations;
    let states = [];
    for (const state of walked(model, asked, image, label, condition)) {
      states.push(seen(state));
      await pause();
      if (latest !== id) return;
    }
    if (asked.start.kind === "best") states = states.filter((each) => each.trial === undefined);
    const blocks = blockOf(model.card, states.at(-1).x, digits);
    const evaluations = model.network.evaluations - before, seconds = (performance.now() - begun) / 1000;
    postMessage({ type: "drawn", id, key, image, blocks, states, evaluations, seconds });
  }
  postMessage({ type: "done", id });
}

self.onmessage = async ({ data }) => {
  try {
    if (data.type === "open") {
      opened = openModel(data.card, bytesOf(data.weights), bytesOf(data.kernel));
      postMessage({ type: "ready", kind: (await opened).kind });
    } else await draw(data);
  } catch (error) {
    postMessage({ type: "failed", message: error.message });
  }
};
