// The way from noise to digits: real states, and what the network guesses from each.

import { paintStrip } from "./paper.mjs";

const MOST = 8; // digits of which the way is shown

/** Shows the states of the first digits at one place on their way. */
export class Way {
  constructor(card, find) {
    Object.assign(this, { card, find, ways: [], at: null, playing: null });
    this.slider = find("way-at");
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
    find("way-play").addEventListener("click", () => (this.playing ? this.stop() : this.play()));
  }

  /** New states of all digits. Whoever was half-way stays half-way, where a visitor begins. */
  take(ways) {
    this.ways = ways.slice(0, MOST);
    const last = Math.max(0, ...this.ways.map((way) => way.length - 1));
    const before = Number(this.slider.max), part = this.at === null ? 0.5 : this.at / Math.max(1, before);
    this.slider.max = last;
    if (last === 0) return;
    this.show(last === before && this.at !== null ? this.at : Math.floor(part * last));
  }

  show(at) {
    const { find, card, ways } = this, last = Number(this.slider.max);
    this.at = at;
    this.slider.value = at;
    const states = ways.map((way) => way[Math.min(at, way.length - 1)]);
    const guesses = ways.map((way) => way[Math.min(at + 1, way.length - 1)]);
    paintStrip(find("way-x"), states.map((each) => each?.x), card.size);
    const end = at === last;
    paintStrip(find("way-x0"), (end ? states : guesses).map((each) => (end ? each?.x : each?.x0)), card.size);
    const two = !card.sampling.taught && ways.some((way) => way.some((each) => each.free));
    find("way-two").hidden = !two;
    if (two) {
      paintStrip(find("way-plain"), guesses.map((each) => (end ? null : each?.plain)), card.size);
      paintStrip(find("way-free"), guesses.map((each) => (end ? null : each?.free)), card.size);
      const none = end ? "At the end nothing is left to guess." :
        "At this noise level the guess is not guided, so there is only one.";
      find("way-none").textContent = end || !guesses.some((each) => each?.free) ? none : "";
    }
    const said = this.words(states[0], at, last);
    find("way-said").textContent = said;
    this.slider.setAttribute("aria-valuetext", said);
  }

  words(state, at, last) {
    if (!state) return "";
    if (at === 0) return `Start: noise alone, ${state.ratio.toFixed(0)} times as much as there will be signal.`;
    const step = `After step ${at} of ${last}`;
    return at === last ? `${step}: the digits.` :
      `${step}: ${state.ratio < 10 ? state.ratio.toPrecision(2) : state.ratio.toFixed(0)} times as much noise as signal.`;
  }

  play() {
    this.find("way-play").textContent = "Stop";
    this.show(0);
    const last = Math.max(1, Number(this.slider.max));
    this.playing = setInterval(() => {
      if (this.at >= Number(this.slider.max)) this.stop();
      else this.show(this.at + 1);
    }, Math.max(180, 3000 / last));
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.find("way-play").textContent = "Play";
  }
}
