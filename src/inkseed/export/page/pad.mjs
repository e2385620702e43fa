// The pad of slant by thickness: a field of strokes, each as it would lean and as thick.

import { rangeOf } from "./settings.mjs";

const COLUMNS = 7, ROWS = 5;

/** Draws the pad on a canvas, and calls `chosen({slant, thickness})` where it is touched. */
export class Pad {
  constructor(canvas, styles, chosen) {
    Object.assign(this, { canvas, chosen, place: null });
    this.ranges = Object.fromEntries(styles.map((style) => [style.name, rangeOf(style)]));
    const touched = (event) => {
      if (event.type === "pointermove" && !(event.buttons & 1)) return;
      const { left, top, width, height } = canvas.getBoundingClientRect();
      if (event.type === "pointerdown") canvas.setPointerCapture(event.pointerId);
      const across = Math.max(0, Math.min(1, (event.clientX - left) / width));
      const up = Math.max(0, Math.min(1, 1 - (event.clientY - top) / height));
      const at = ([least, most], part) => Math.round((least + (most - least) * part) * 10) / 10;
      chosen({ slant: at(this.ranges.slant, across), thickness: at(this.ranges.thickness, up) });
    };
    canvas.addEventListener("pointerdown", touched);
    canvas.addEventListener("pointermove", touched);
  }

  /** Show the field, and a style on it, which may be free (null). */
  show(place, colours) {
    const { canvas } = this, ratio = window.devicePixelRatio || 1;
    const { width, height } = canvas.getBoundingClientRect();
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.lineCap = "round";
    const { slant, thickness } = this.ranges, mix = ([least, most], part) => least + (most - least) * part;
    for (let row = 0; row < ROWS; row++)
      for (let column = 0; column < COLUMNS; column++) {
        const parts = [(column + 0.5) / COLUMNS, 1 - (row + 0.5) / ROWS];
        const style = { slant: mix(slant, parts[0]), thickness: mix(thickness, parts[1]) };
        this.stroke(context, parts[0] * width, (1 - parts[1]) * height, style, colours.faint);
      }
    if (place.slant === null && place.thickness === null) return;
    const part = ([least, most], value) => (value === null ? 0.5 : (value - least) / (most - least));
    const x = part(slant, place.slant) * width, y = (1 - part(thickness, place.thickness)) * height;
    context.fillStyle = colours.paper;
    context.beginPath();
    context.arc(Math.max(18, Math.min(width - 18, x)), Math.max(18, Math.min(height - 18, y)), 18, 0, 7);
    context.fill();
    const own = { slant: place.slant ?? mix(slant, 0.5), thickness: place.thickness ?? mix(thickness, 0.5) };
    this.stroke(context, Math.max(18, Math.min(width - 18, x)), Math.max(18, Math.min(height - 18, y)), own, colours.accent);
  }

  stroke(context, x, y, { slant, thickness }, colour) {
    const half = 10, lean = Math.tan((slant * Math.PI) / 180) * half;
    context.strokeStyle = colour;
    context.lineWidth = thickness * 1.4;
    context.beginPath();
    context.moveTo(x - lean, y + half);
    context.lineTo(x + lean, y - half);
    context.stroke();
  }
}
