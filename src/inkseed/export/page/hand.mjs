// A visitor's own hand: digits drawn with mouse or finger, or cut out of a photograph.

import { asMnist } from "./form.mjs";
import { paint } from "./paper.mjs";
import { digitsIn } from "./photograph.mjs";

const MOST = 16, SIDE = 28, WIDE = 280, PEN = 24, LARGEST = 1200; // pixels; a pen of 2.4 of MNIST's

/** Collects digits {id, ink}, and calls `changed` when there are others. */
export class OwnHand {
  constructor(find, changed) {
    Object.assign(this, { find, changed, digits: [], next: 0, stroke: null });
    this.canvas = find("hand-draw");
    this.canvas.width = this.canvas.height = WIDE;
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel"])
      this.canvas.addEventListener(kind, (event) => this.pen(event));
    find("hand-add").addEventListener("click", () => this.add());
    find("hand-wipe").addEventListener("click", () => this.wipe());
    find("hand-none").addEventListener("click", () => this.keep([]));
    find("hand-photo").addEventListener("change", (event) => this.photograph(event.target));
    this.show();
  }

  pen(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect(), scale = WIDE / width;
    const point = [(event.clientX - left) * scale, (event.clientY - top) * scale];
    if (event.type === "pointerdown") {
      this.canvas.setPointerCapture(event.pointerId);
      this.stroke = point;
    } else if (!this.stroke) return;
    this.context.lineWidth = PEN;
    this.context.lineCap = this.context.lineJoin = "round";
    this.context.strokeStyle = getComputedStyle(this.canvas).color;
    this.context.beginPath();
    this.context.moveTo(...this.stroke);
    this.context.lineTo(...point);
    this.context.stroke();
    this.stroke = event.type.endsWith("move") || event.type.endsWith("down") ? point : null;
    event.preventDefault();
  }

  wipe() {
    this.context.clearRect(0, 0, WIDE, WIDE);
  }

  /** Keep the digit on the canvas. */
  add() {
    const { data } = this.context.getImageData(0, 0, WIDE, WIDE);
    const ink = Uint8Array.from({ length: WIDE * WIDE }, (_, k) => data[k * 4 + 3]);
    const digit = asMnist({ ink, width: WIDE, height: WIDE });
    if (!digit) return this.say("Draw a digit first.");
    this.wipe();
    this.keep([...this.digits, { id: this.next++, ink: digit }]);
  }

  async photograph(input) {
    const [file] = input.files;
    if (!file) return;
    try {
      const found = digitsIn(await pixelsOf(file)).map((ink) => ({ id: this.next++, ink }));
      if (found.length) this.keep([...this.digits, ...found]);
      else this.say("No digits were found in it: dark ink on light paper, well apart, reads best.");
    } catch {
      this.say("This browser cannot read that file as a picture.");
    }
    input.value = "";
  }

  keep(digits) {
    this.digits = digits.slice(-MOST);
    this.show();
    this.changed();
  }

  say(text) {
    this.find("hand-said").textContent = text;
  }

  show() {
    const { find, digits } = this, count = digits.length;
    this.say(count ? `Written in the hand of your ${count === 1 ? "digit" : `${count} digits`}. Press one to leave it out.`
      : "Written in a hand that nobody has, drawn from the seed.");
    find("hand-none").hidden = !count;
    find("hand-digits").replaceChildren(...digits.map((digit, k) => {
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      button.type = "button";
      button.className = "digit";
      button.setAttribute("aria-label", `Leave out digit ${k + 1}`);
      paint(canvas, { ink: digit.ink, width: SIDE, height: SIDE });
      button.append(canvas);
      button.addEventListener("click", () => this.keep(digits.filter((each) => each !== digit)));
      return button;
    }));
  }
}

/** A picture file as {data, width, height}, at most LARGEST pixels a side. */
async function pixelsOf(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((each) => Math.max(1, Math.round(each * scale)));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}
