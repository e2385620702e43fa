// Draws by the page's own modules, for tests: node page_parity.mjs FOLDER < {card, weights, kernel, asked}

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const load = (name) => import(pathToFileURL(`${folder}/${name}.mjs`));
const [{ openModel }, { bytesOf }, { typeset }, { draw }, { asMnist, crisp }, { svgOf }, { settingsOf }] = await Promise.all(
  ["model", "weights", "typeset", "draw", "form", "contour", "settings"].map(load));
const { card, weights, kernel, asked, pictures = [], fragments = [] } = JSON.parse(readFileSync(0));
const model = await openModel(card, bytesOf(weights), kernel && readFileSync(`${folder}/${kernel}`));
const base64 = (bytes) => Buffer.from(bytes).toString("base64");

const found = asked.map(({ digits, ...own }) => {
  const each = { start: { kind: "seed" }, guideW: card.sampling.guideW, steps: card.sampling.steps, ...own };
  if (digits) {
    const codes = digits.map((text) => Float32Array.from(crisp(bytesOf(text)), (ink) => ink / 127.5 - 1));
    each.hand = { codes: codes.map((digit) => Array.from(model.encode(digit))) };
  }
  const noise = Array.from(model.start({ image: 0, ...each }));
  const { blocks, candidates } = draw(model, each), page = typeset(blocks, each.seed);
  const { ink, width, height, boxes } = page, digitInk = blocks.flat().map((digit) => base64(digit.ink));
  return { width, height, boxes, ink: base64(ink), digitInk, noise, candidates, svg: svgOf(page) };
});
const forms = pictures.map(({ ink, ...size }) => base64(asMnist({ ink: bytesOf(ink), ...size })));
const settings = fragments.map((each) => settingsOf(card, each));
console.log(JSON.stringify({ settings, forms, kind: model.kind, evaluations: model.network.evaluations, found }));
