// The page's side of the worker: asks it only for what is not drawn yet, and keeps what it draws.

import { partsOf } from "./draw.mjs";

const KEPT = 400; // drawn images, the last ones used

/** Opens the worker, and calls `changed` whenever there is more to see. */
export class Artist {
  constructor(card, changed) {
    Object.assign(this, { card, changed, drawn: new Map(), parts: [], id: 0, kind: null, error: null });
    try {
      this.open();
    } catch (error) {
      this.error = error.message;
    }
  }

  open() {
    const text = (id) => document.getElementById(id).textContent;
    const address = URL.createObjectURL(new Blob([text("worker")], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => this.hear({ type: "failed", message: event.message });
    const [weights, kernel] = [text("weights"), text("kernel")];
    this.worker.postMessage({ type: "open", card: this.card, weights, kernel });
    document.getElementById("weights").remove();
  }

  /** Draw a text as asked: {seed, start, style, digits, guideW, steps}. */
  ask(text, asked) {
    const { digits, ...rest } = asked, how = JSON.stringify([rest, digits.map(({ id }) => id)]);
    const before = this.parts;
    this.parts = partsOf(this.card, text).map((part, image) => {
      const key = `${image} ${part.label} ${part.digits} ${how}`, last = before[image];
      const stale = last?.label === part.label && last.digits === part.digits ? last.found ?? last.stale : null;
      return { ...part, image, key, stale, found: this.recall(key) };
    });
    const jobs = this.parts.filter(({ found }) => !found);
    const own = jobs.map(({ image, label, digits: count, key }) => ({ image, label, digits: count, key }));
    this.begun = performance.now();
    this.busy = jobs.length > 0;
    this.counted = { images: 0, evaluations: 0, first: null, seconds: null };
    this.id++;
    if (this.busy) this.worker?.postMessage({ type: "draw", id: this.id, asked, jobs: own });
    this.changed();
  }

  recall(key) {
    const found = this.drawn.get(key);
    if (found) this.drawn.delete(key), this.drawn.set(key, found);
    return found ?? null;
  }

  hear(data) {
    if (data.type === "ready") this.kind = data.kind;
    if (data.type === "failed") this.error = data.message;
    if (data.type === "drawn") {
      this.error = null;
      this.drawn.set(data.key, data);
      if (this.drawn.size > KEPT) this.drawn.delete(this.drawn.keys().next().value);
      if (data.id === this.id) this.count(data);
    }
    if (data.type === "done" && data.id === this.id) this.busy = false;
    this.changed();
  }

  count(data) {
    const seconds = (performance.now() - this.begun) / 1000;
    this.parts.forEach((part) => part.key === data.key && (part.found = data));
    this.counted.images++;
    this.counted.evaluations += data.evaluations;
    this.counted.first ??= seconds;
    this.counted.seconds = seconds;
  }

  /** The digits to show, image by image, as far as there are any. */
  get blocks() {
    const shown = this.parts.map(({ found, stale }) => (found ?? stale)?.blocks);
    const missing = shown.indexOf(undefined);
    return missing < 0 ? shown : shown.slice(0, missing);
  }

  /** The states of all finished images, in order. */
  get ways() {
    return this.parts.map(({ found, stale }) => (found ?? stale)?.states).filter(Boolean);
  }
}
