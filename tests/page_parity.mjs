// Draws with the page's own modules, for tests: node page_parity.mjs FOLDER < {card, weights, asked}

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const load = (name) => import(pathToFileURL(`${folder}/${name}`));
const [{ openModel }, { bytesOf }, { inkOf, typeset }, streams, { draw }] = await Promise.all(
  ["model.mjs", "weights.mjs", "typeset.mjs", "streams.mjs", "draw.mjs"].map(load));
const { card, weights, kernels, asked } = JSON.parse(readFileSync(0));
const binaries = kernels.map((name) => readFileSync(`${folder}/${name}`));
const model = await openModel(card, bytesOf(weights), binaries);
const found = [];
for (const each of asked) {
  const begun = performance.now();
  const noise = Array.from(model.start({ start: { kind: "seed" }, image: 0, ...each }));
  const { blocks, judged } = draw(model, each);
  const seconds = (performance.now() - begun) / 1000;
  const { ink, ...page } = typeset(blocks, each.seed);
  found.push({ ...page, ink: Buffer.from(ink).toString("base64"), noise, judged, seconds });
}
console.log(JSON.stringify({ kind: model.kind, evaluations: model.network.evaluations, found }));
