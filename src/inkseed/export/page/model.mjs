// The model: the network of the page with all that draws by it, one digit at a time.

import { openKernel } from "./kernel.mjs";
import { Network } from "./network.mjs";
import { denoiser, guided, samplerOf } from "./samplers.mjs";
import { encoderOf, judgeOf } from "./small.mjs";
import { NOISE, SAMPLER, between, normals, stream } from "./streams.mjs";
import { Teller } from "./told.mjs";
import { tensorsOf } from "./weights.mjs";

const SPARE = 24e6; // bytes for what layers put out

/** The model of a card (what page.py says of it), bytes of weights, and the kernel's binary, which may be null. */
export async function openModel(card, bytes, binary) {
  const weights = tensorsOf(bytes, card.tensors);
  const kernel = await openKernel(binary, bytes.length * 2.2 + SPARE * card.room);
  return new Model(card, kernel, weights);
}

class Model {
  constructor(card, kernel, weights) {
    Object.assign(this, { card, kind: kernel.kind });
    this.network = new Network(kernel, card, weights);
    this.teller = new Teller(card, weights);
    this.denoise = denoiser(this.network, this.teller, card.prediction);
    this.walk = samplerOf(card.sampling);
    this.encode = card.network.hand ? encoderOf(kernel, weights) : null;
    this.judge = card.judge ? judgeOf(kernel, weights) : null;
  }

  /** The row of a hand: drawn from {seed}, or of {codes}. */
  handRow(hand) {
    if (hand === null || !this.card.network.hand) return null;
    return hand.codes ? this.teller.handOfCodes(hand.codes) : this.teller.drawnHand(hand.seed);
  }

  /** The unit noise that image `image` begins with. */
  start({ seed, image, candidate = 0, start }) {
    const own = (of) => normals(stream(of, NOISE, image, candidate), this.pixels);
    if (start.kind === "between") return between(own(seed), own(start.other), start.part);
    return start.kind === "mirrored" ? own(seed).map((each) => -each) : own(seed);
  }

  get pixels() {
    return this.card.size[0] * this.card.size[1];
  }

  /**
   * The states of one image on its way, {level, x, x0, plain?, free?}, the noise first.
   * asked: {seed, image, candidate, start, label, style, hand (a row), guideW, steps}.
   */
  *states(asked) {
    const { seed, image, candidate = 0, label, style, hand } = asked, { sampling } = this.card;
    const levels = sampling.levels[asked.steps].map(([t, alpha, sigma]) => ({ t, alpha, sigma }));
    const guess = guided(this.denoise, { label, style, hand }, { ...sampling, guideW: asked.guideW });
    let draw = 0;
    const noise = () => normals(stream(seed, SAMPLER, image, candidate, draw++), this.pixels);
    const x = this.start(asked).map((each) => each * sampling.startScale);
    yield { level: levels[0], x };
    yield* this.walk(guess, x, levels, noise);
  }
}
