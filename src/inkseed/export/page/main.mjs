// The page: its controls, and what they do.

import { Artist } from "./artist.mjs";
import { svgOf } from "./contour.mjs";
import { OwnHand } from "./hand.mjs";
import { Pad } from "./pad.mjs";
import { paintNumber, paintStrip, pngOf } from "./paper.mjs";
import { MOST_DIGITS, anySeed, askedOf, fragmentOf, legible, rangeOf, seedOf, settingsOf } from "./settings.mjs";
import { typeset } from "./typeset.mjs";
import { Way } from "./way.mjs";

const find = (id) => document.getElementById(id);
const card = JSON.parse(find("card").textContent);
let settings = settingsOf(card, location.hash), picture = null;

const steps = Object.keys(card.sampling.levels).map(Number);
const has = {
  styles: card.styles.length === 2, taught: card.sampling.taught, unguided: card.sampling.unguided,
  jumps: card.sampling.sampler === "consistency", walks: card.sampling.sampler !== "consistency",
  judge: card.judge, hand: card.network.hand > 0, mnist: card.mnist,
};
for (const each of document.querySelectorAll("[data-if]")) each.hidden = !has[each.dataset.if];
find("styles").hidden = !has.styles;

const artist = new Artist(card, show);
window.inkseed = artist; // for the curious, and for tests
const way = new Way(card, find);
const pad = has.styles ? new Pad(find("pad"), card.styles, (style) => set(style)) : null;
const hand = has.hand ? new OwnHand(find, () => ask()) : null;

/** Change settings, and draw what they ask for. */
function set(changes) {
  settings = { ...settings, ...changes };
  ask();
}

function ask() {
  artist.ask(settings.text, askedOf(settings, hand?.digits ?? []));
  showSettings();
  clearTimeout(addressing);
  addressing = setTimeout(address, 200);
}

/** Keep the settings in the address. */
function address() {
  try {
    history.replaceState(null, "", fragmentOf(card, settings));
  } catch {
    // a browser that lets no page from disk change its address
  }
}

let waiting = false, shown = [], room = null, padShows = null;
let addressing = null, waysDue = null;

/** Show what is drawn so far, once for all that changes before the next frame. */
function show() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    showPicture();
  });
}

/** Show everything anew: the page has another size, or other colours. */
function showAgain() {
  shown = [];
  room = null;
  show();
  showPad();
}

function showPicture() {
  const { blocks, busy } = artist;
  document.body.classList.toggle("busy", busy);
  find("paper").hidden = !settings.text;
  if (blocks.length && (blocks.length !== shown.length || blocks.some((each, k) => each !== shown[k]))) {
    picture = typeset(blocks, settings.seed);
    paintNumber(find("paper"), picture, widthOf(picture));
    echo();
    shown = blocks;
    waysDue ??= setTimeout(showWays, 40); // apart, so that a keystroke waits for neither
  }
  if (!busy) find("paper").setAttribute("aria-label", `${settings.text || "Nothing"}, handwritten`);
  say();
}

function showWays() {
  const { ways } = artist;
  waysDue = null;
  way.take(ways);
  paintStrip(find("noise"), ways.slice(0, 8).map(([first]) => first.x), card.size);
}

/** The number once more, small, while its sheet is out of sight. */
function echo() {
  const { hidden } = find("echo"), most = Math.min(innerWidth - 64, 420);
  if (picture && !hidden)
    paintNumber(find("echo-paper"), picture, Math.min(most, (picture.width * 52) / picture.height));
}

/** How wide the picture is shown: as if all digits were there, so that it does not shrink as they come. */
function widthOf({ width, height }) {
  if (!room) {
    const sheet = getComputedStyle(find("paper").parentElement), inner = (side) => parseFloat(sheet[side]);
    room = [inner("width") - 2 * inner("paddingLeft"), inner("height") - 2 * inner("paddingTop")];
  }
  const whole = Math.max(width, (width / Math.max(1, artist.blocks.length)) * artist.parts.length);
  return width * Math.min(room[0] / whole, room[1] / height);
}

function say() {
  const { counted, error, kind, busy } = artist, said = find("said");
  said.classList.toggle("failed", Boolean(error));
  if (error) said.textContent = `The drawing failed: ${error}`;
  else if (!kind) said.textContent = "Unpacking the network …";
  else if (!settings.text) said.textContent = "Type a digit.";
  else if (!busy && counted.images)
    said.textContent = `${count(counted.images, card.classes[0].length > 1 ? "image" : "digit")}, ${count(counted.evaluations, "evaluation")} of the network, ` +
      `${counted.seconds.toFixed(2)} s on one thread (${kind})`;
}

const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

function showSettings() {
  const { slant, thickness, guideW, start, part } = settings;
  const show = (id, value) => (document.activeElement === find(id) ? 0 : (find(id).value = value));
  show("text", settings.text);
  show("seed", settings.seed);
  show("other", settings.other);
  find("guide").value = guideW;
  find("guide-is").textContent = guideW === 0 ? "off" : guideW.toFixed(1);
  find("steps").value = steps.indexOf(settings.steps);
  find("steps-is").textContent = find("steps").ariaValueText = settings.steps;
  find("part").value = part;
  find("part-is").textContent = `${Math.round(part * 100)} %`;
  find("between").hidden = start !== "between";
  document.querySelector(`input[name=start][value=${start}]`).checked = true;
  if (!pad) return;
  for (const [name, value, unit] of [["slant", slant, "°"], ["thickness", thickness, " px"]]) {
    find(name).classList.toggle("free", value === null);
    if (value !== null) find(name).value = value;
    find(`${name}-is`).textContent = value === null ? "free" : `${value}${unit}`;
    find(name).ariaValueText = find(`${name}-is`).textContent;
  }
  find("style-free").disabled = slant === null && thickness === null;
  if (padShows !== `${slant} ${thickness}`) showPad();
  padShows = `${slant} ${thickness}`;
}

function showPad() {
  const of = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  pad?.show(settings, { accent: of("--accent"), faint: of("--faint"), paper: of("--sheet") });
}

function save(blob, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${settings.text}${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copyLink() {
  address();
  try {
    await navigator.clipboard.writeText(location.href);
    find("said").textContent = "The link is copied: whoever has this page sees the same number.";
  } catch {
    find("said").textContent = "The address of this page is the link: copy it from there.";
  }
}

function prepare() {
  find("guide").max = card.sampling.mostGuideW;
  find("steps").max = steps.length - 1;
  find("dimensions").textContent = card.size[0] * card.size[1];
  find("style-free").textContent = `Leave them to the ${has.hand ? "hand" : "seed"}`;
  find("text").maxLength = MOST_DIGITS;
  const digits = card.classes.every((each) => /^[0-9]+$/.test(each));
  if (!digits) {
    find("text").inputMode = "text";
    find("text-label").textContent = `Type any of ${card.classes.join(" ")}`;
  }
  for (const style of has.styles ? card.styles : []) {
    const [least, most] = rangeOf(style);
    Object.assign(find(style.name), { min: least, max: most, value: style.mean });
    find(style.name).addEventListener("input", (event) => set({ [style.name]: Number(event.target.value) }));
  }
  const input = (id, change) => find(id).addEventListener("input", ({ target }) => change(target.value, target));
  const click = (id, act) => find(id).addEventListener("click", act);
  input("text", (value, target) => {
    const text = legible(card, value);
    if (text !== value) target.value = text;
    set({ text });
  });
  for (const name of ["seed", "other"])
    input(name, (value, target) => {
      const seed = seedOf(value);
      target.setAttribute("aria-invalid", seed === null);
      if (seed !== null) set({ [name]: seed });
    });
  input("guide", (value) => set({ guideW: Number(value) }));
  input("steps", (value) => set({ steps: steps[value] }));
  input("part", (value) => set({ part: Number(value) }));
  for (const radio of document.querySelectorAll("input[name=start]"))
    radio.addEventListener("change", () => set({ start: radio.value }));
  click("again", () => set({ seed: anySeed() }));
  click("style-free", () => set({ slant: null, thickness: null }));
  click("png", async () => picture && save(await pngOf(picture), ".png"));
  click("svg", () => picture && save(new Blob([svgOf(picture)], { type: "image/svg+xml" }), ".svg"));
  click("link", copyLink);
  new IntersectionObserver(([{ isIntersecting }]) => {
    find("echo").hidden = isIntersecting || !settings.text;
    echo();
  }).observe(find("paper").parentElement);
  addEventListener("hashchange", () => set(settingsOf(card, location.hash)));
  addEventListener("resize", showAgain);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (showAgain(), hand?.show()));
  const [first, last] = [card.classes[0], card.classes.at(-1)], { name, sampling } = card;
  find("about").textContent = `Inside is the model ${name}, which draws ${first} to ${last} in ` +
    `${count(sampling.steps, "step")} unless you ask for other. The file holds all of it: keep it, send it on, ` +
    "open it without a network.";
}

prepare();
ask();
