// The network: inkseed's PatchUnet (src/inkseed/nn/patch_unet.py), one image at a time.

const PATCH = 4; // channels that a 2x2 patch of pixels is folded into
const BLEND = 0.25; // of a place's width, over which two neighbours' conditions blend

/** The network that `card` describes, with `weights` (name -> Float32Array), in a kernel. */
export class Network {
  constructor(kernel, card, weights) {
    const { widths: [high, low], blocks, places, waves } = card.network;
    const [height, width] = card.size.map((side) => side / 2), pixels = height * width;
    Object.assign(this, { kernel, weights, high, low, places, height, width, pixels });
    this.embedding = 4 * high;
    this.evaluations = 0;
    this.reserve(blocks);
    this.mix = this.layer("mix", this.embedding);
    this.into = this.layer("into", high, 3);
    this.downHigh = this.blocks("down_high", blocks, high, high);
    this.shrink = this.layer("shrink", low);
    this.downLow = this.blocks("down_low", blocks, low, low);
    this.normSeen = kernel.norm(...this.pair("attention.norm"), { activate: 0 });
    this.qkv = this.layer("attention.to_qkv", 3 * low);
    this.outOfSeen = this.layer("attention.out", low);
    this.upLow = this.blocks("up_low", blocks, 2 * low, low);
    this.grow = this.layer("grow", high * PATCH);
    this.upHigh = this.blocks("up_high", blocks, 2 * high, high);
    this.normOut = kernel.norm(...this.pair("norm_out"));
    this.out = this.layer("out", PATCH, 3);
    this.where = waves ? kernel.put(this.positions(waves)) : null;
    delete this.weights;
  }

  /** Room for what layers put out. */
  reserve(blocks) {
    const { high, low, height, width, pixels, places } = this, most = Math.max(high, low);
    const bordered = (h, w, channels) => (h + 2) * (w + 2) * channels;
    const image = Math.max(pixels * 2 * high, (pixels / 4) * 4 * Math.max(high, low));
    const room = {
      a: image, b: image, seen: image,
      padded: Math.max(bordered(height, width, 2 * high), bordered(height / 2, width / 2, 2 * low)),
      attention: pixels / 4, told: places * this.embedding, condition: places * this.embedding,
      adapted: places * 2 * most, columns: width * 2 * most,
    };
    for (const [name, count] of Object.entries(room)) this[name] = this.kernel.take(count);
    this.skips = Array.from({ length: 2 * blocks }, () => this.kernel.take(image));
  }

  /** A layer's weight and bias. */
  pair(name) {
    return [this.weights[`${name}.weight`], this.weights[`${name}.bias`]];
  }

  layer(name, outputs, taps = 1) {
    return this.kernel.layer(...this.pair(name), outputs, taps);
  }

  blocks(name, count, inputs, outputs) {
    const { kernel, columns } = this, step = this.places > 1 ? 2 * outputs : 0;
    return Array.from({ length: count }, (_, k) => ({
      inputs, outputs,
      normIn: kernel.norm(...this.pair(`${name}.${k}.norm_in`)),
      convIn: this.layer(`${name}.${k}.conv_in`, outputs, 3),
      adapt: this.layer(`${name}.${k}.adapt`, 2 * outputs),
      normMid: kernel.norm(columns, columns + outputs * 4, { step }),
      convMid: this.layer(`${name}.${k}.conv_mid`, outputs, 3),
      skip: inputs === outputs ? null : this.layer(`${name}.${k}.skip`, outputs),
    }));
  }

  /** What `waves` cosines over the width add to every pixel, (height, width, high). */
  positions(waves) {
    const { high, height, width } = this, [matrix] = this.pair("where");
    const added = new Float32Array(height * width * high);
    for (let k = 0; k < added.length; k++) {
      const x = Math.floor(k / high) % width, row = (k % high) * waves;
      for (let n = 0; n < waves; n++)
        added[k] += matrix[row + n] * Math.cos(((x + 0.5) / width) * (n + 1) * Math.PI);
    }
    return added;
  }

  /** The network's own prediction for an image (row by row), `told` as told.mjs tells it. */
  predict(image, told) {
    const { kernel, height, width, pixels, high, low } = this, h = height / 2, w = width / 2;
    const kept = [], free = [...this.skips];
    const down = (blocks, rows, columns) => {
      for (const block of blocks) {
        this.run(block, rows, columns);
        kept.push(free.pop());
        const count = rows * columns * block.outputs;
        kernel.at(kept.at(-1), count).set(kernel.at(this.a, count));
      }
    };
    const up = (blocks, rows, columns) => {
      for (const block of blocks) {
        kernel.join(this.a, kept.pop(), this.b, rows * columns, block.outputs, block.outputs);
        this.swap();
        this.run(block, rows, columns);
      }
    };
    this.evaluations++;
    this.hear(told);
    kernel.at(this.b, image.length).set(image);
    kernel.fold(this.b, this.bordered(height, width, PATCH), 2 * height, 2 * width, 1, 1);
    kernel.convolve(this.padded, this.a, this.into, height, width);
    if (this.where !== null) kernel.combine(this.a, this.where, this.a, pixels * high, 1);
    down(this.downHigh, height, width);
    kernel.fold(this.a, this.b, height, width, high, 0);
    kernel.convolve(this.b, this.a, this.shrink, h, w);
    down(this.downLow, h, w);
    this.attend(h * w, low);
    up(this.upLow, h, w);
    kernel.convolve(this.a, this.b, this.grow, h, w);
    kernel.unfold(this.b, this.a, h, w, high);
    up(this.upHigh, height, width);
    kernel.normalise(this.a, this.bordered(height, width, high), this.normOut, height, width, high, 1);
    kernel.convolve(this.padded, this.b, this.out, height, width);
    kernel.unfold(this.b, this.a, height, width, 1);
    return kernel.at(this.a, image.length).slice();
  }

  swap() {
    [this.a, this.b] = [this.b, this.a];
  }

  /** Turn what is told into the condition of every block. */
  hear(told) {
    const { kernel, places, embedding } = this, silu = (x) => x / (1 + Math.exp(-x));
    kernel.at(this.told, told.length).set(told.map(silu));
    kernel.convolve(this.told, this.condition, this.mix, 1, places);
    const condition = kernel.at(this.condition, places * embedding);
    condition.set(condition.map(silu));
  }

  /** Run a block, from `a` to `a`. */
  run(block, height, width) {
    const { kernel } = this, { inputs, outputs } = block;
    const padded = this.bordered(height, width, inputs);
    kernel.normalise(this.a, padded, block.normIn, height, width, inputs, 1);
    kernel.convolve(padded, this.b, block.convIn, height, width);
    this.adapt(block, width);
    this.bordered(height, width, outputs);
    kernel.normalise(this.b, padded, block.normMid, height, width, outputs, 1);
    if (block.skip !== null) {
      kernel.convolve(this.a, this.b, block.skip, height, width);
      this.swap();
    }
    kernel.convolve(padded, this.b, block.convMid, height, width);
    kernel.combine(this.a, this.b, this.a, height * width * outputs, Math.SQRT1_2);
  }

  /** The image with a border that is about to be filled: its border is made zero. */
  bordered(height, width, channels) {
    const row = (width + 2) * channels, image = this.kernel.at(this.padded, (height + 2) * row);
    image.fill(0, 0, row + channels);
    image.fill(0, (height + 1) * row - channels);
    for (let y = 2; y <= height; y++) image.fill(0, y * row - channels, y * row + channels);
    return this.padded;
  }

  /** What the condition says to a block: 1 + scale and shift, for each column if there are places. */
  adapt(block, width) {
    const { kernel, places } = this, two = 2 * block.outputs;
    kernel.convolve(this.condition, this.adapted, block.adapt, 1, places);
    const said = kernel.at(this.adapted, places * two), wide = places > 1 ? width : 1;
    const columns = kernel.at(this.columns, wide * two);
    for (let x = 0; x < wide; x++) {
      const shares = sharesAt(x, width, places);
      for (let c = 0; c < two; c++) {
        let sum = c < block.outputs ? 1 : 0;
        for (let p = 0; p < places; p++) if (shares[p]) sum += shares[p] * said[p * two + c];
        columns[x * two + c] = sum;
      }
    }
  }

  /** Self-attention over `a`, added to it. */
  attend(tokens, channels) {
    const { kernel } = this;
    kernel.normalise(this.a, this.b, this.normSeen, 1, tokens, channels, 0);
    kernel.convolve(this.b, this.seen, this.qkv, 1, tokens);
    kernel.attend(this.seen, this.b, this.attention, tokens, channels);
    kernel.convolve(this.b, this.seen, this.outOfSeen, 1, tokens);
    kernel.combine(this.a, this.seen, this.a, tokens * channels, 1);
  }
}

/** How much each place counts in column x: equally wide places, blended around their borders. */
function sharesAt(x, width, places) {
  const middle = ((x + 0.5) * places) / width;
  const passed = (border) =>
    border === 0 ? 1 : border === places ? 0 : Math.max(0, Math.min(1, (middle - border) / BLEND + 0.5));
  return Array.from({ length: places }, (_, p) => passed(p) - passed(p + 1));
}
