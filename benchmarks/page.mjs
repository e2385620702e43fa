// What the page costs in processor time, on one thread: node benchmarks/page.mjs page.html

import { readFileSync } from "node:fs";

const sources = new URL("../src/inkseed/export/page/", import.meta.url);
const load = (name) => import(new URL(`${name}.mjs`, sources));
const [{ openModel }, { bytesOf }, { draw }, { typeset }, { curvesOf }] = await Promise.all(
  ["model", "weights", "draw", "typeset", "contour"].map(load));
const page = readFileSync(process.argv[2] ?? "page.html", "utf8");
const part = (id) => page.match(new RegExp(`id="${id}">([^<]*)<`))[1];
const card = JSON.parse(part("card"));

async function timed(what, work) {
  const begun = process.cpuUsage(), found = await work(), { user, system } = process.cpuUsage(begun);
  console.log(`${((user + system) / 1000).toFixed(0).padStart(6)} ms  ${what}`);
  return found;
}

for (const kernel of [bytesOf(part("kernel")), null]) {
  console.log(kernel ? "WebAssembly" : "plain JavaScript");
  const model = await timed("unpack the network", () => openModel(card, bytesOf(part("weights")), kernel));
  const { steps, guideW } = card.sampling;
  const asked = (text, seed) => ({ text, seed, start: { kind: "seed" }, steps, guideW });
  await timed("the first digit", () => draw(model, asked("0", "1")));
  for (const seed of kernel ? ["2", "3"] : ["2"]) {
    const { blocks } = await timed("eight digits", () => draw(model, asked("00297375", seed)));
    const { digits } = await timed("set them on a line", () => typeset(blocks, seed));
    await timed("outline them", () => digits.map(curvesOf));
  }
}
