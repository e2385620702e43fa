// What a visitor has set, and its form in the address: #n=00297375&seed=7 and so on.

export const MOST_DIGITS = 24;

/** What is set when the page opens. */
export function usual(card) {
  const { sampling, classes } = card, digits = classes.includes("0") || classes[0].length > 1;
  return {
    text: digits ? "00297375" : classes.slice(0, 8).join(""),
    seed: "2", slant: null, thickness: null, guideW: sampling.guideW, steps: sampling.steps,
    start: "seed", other: "3", part: 0.5,
  };
}

/** Only the characters that the model can write. */
export function legible(card, text) {
  const known = new Set(card.classes.flatMap((each) => [...each]));
  return [...text].filter((each) => known.has(each)).slice(0, MOST_DIGITS).join("");
}

/** A seed as typed, 0 to 2^63 - 1; null for anything else. */
export function seedOf(text) {
  return /^[0-9]{1,19}$/.test(text) && BigInt(text) < 2n ** 63n ? String(BigInt(text)) : null;
}

/** Another seed, drawn by the browser. */
export function anySeed() {
  return String(crypto.getRandomValues(new Uint32Array(1))[0] % 1000000);
}

const NAMES = {
  n: "text", seed: "seed", slant: "slant", thickness: "thickness", guide: "guideW", steps: "steps",
  start: "start", other: "other", part: "part",
};

/** The settings as an address's fragment, without what is as usual. */
export function fragmentOf(card, settings) {
  const own = usual(card), found = new URLSearchParams();
  for (const [short, name] of Object.entries(NAMES))
    if (name === "text" || name === "seed" || settings[name] !== own[name])
      if (settings[name] !== null) found.set(short, settings[name]);
  return `#${found}`;
}

/** The settings of a fragment; what it leaves out, or what makes no sense, is as usual. */
export function settingsOf(card, fragment) {
  const found = usual(card), given = new URLSearchParams(fragment.slice(1));
  const number = (name, least, most) => {
    const value = given.get(name)?.trim() ? Number(given.get(name)) : NaN; // of no text, Number makes 0
    return value >= least && value <= most ? value : undefined;
  };
  if (given.has("n")) found.text = legible(card, given.get("n"));
  for (const name of ["seed", "other"]) found[name] = seedOf(given.get(name) ?? "") ?? found[name];
  const ranges = Object.fromEntries(card.styles.map((style) => [style.name, rangeOf(style)]));
  for (const [name, [least, most]] of Object.entries(ranges)) found[name] = number(name, least, most) ?? null;
  found.guideW = number("guide", 0, card.sampling.mostGuideW) ?? found.guideW;
  if (Object.hasOwn(card.sampling.levels, given.get("steps"))) found.steps = Number(given.get("steps"));
  if (["between", "mirrored", ...(card.judge ? ["best"] : [])].includes(given.get("start")))
    found.start = given.get("start");
  found.part = number("part", 0, 1) ?? found.part;
  return found;
}

/** From where to where a style can be set: two deviations to either side, or as thin as strokes are. */
export function rangeOf({ mean, deviation, positive }) {
  const [low, high] = [mean - 2 * deviation, mean + 2.2 * deviation];
  return positive ? [Math.max(low, mean / 2), high].map((each) => Math.round(each * 10) / 10)
    : [low, high].map(Math.round);
}

/** The settings as the worker takes them. */
export function askedOf(settings, digits) {
  const { seed, guideW, steps, start, other, part, slant, thickness } = settings;
  const style = Object.fromEntries(Object.entries({ slant, thickness }).filter(([, each]) => each !== null));
  const begin = start === "between" ? { kind: start, other, part } : { kind: start };
  return { seed, guideW, steps, start: begin, style, digits };
}
