// Ink on paper: pictures on canvases, in the colours of the page.

import { curvesOf } from "./contour.mjs";

/** [red, green, blue] of one of the page's colours, such as "--ink". */
export function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}

/** Show a number as typeset.mjs sets it by its outlines, so `wide` on the page and as sharp as it can. */
export function paintNumber(canvas, { digits, width, height }, wide) {
  const scale = (wide / width) * (window.devicePixelRatio || 1);
  const context = fitted(canvas, Math.round(width * scale), Math.round(height * scale));
  canvas.style.width = `${wide}px`;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = `rgb(${colour("--ink").join(" ")})`;
  for (const digit of digits) {
    context.setTransform(scale, 0, 0, scale, digit.left * scale, digit.top * scale);
    context.fill(new Path2D(curvesOf(digit)));
  }
  context.resetTransform();
}

/** Show ink {ink, width, height}, 255 or less, on a canvas of its size. */
export function paint(canvas, { ink, width, height }) {
  const [red, green, blue] = colour("--ink"), context = fitted(canvas, width, height);
  const image = context.createImageData(width, height), { data } = image;
  for (let k = 0, n = 0; k < ink.length; k++, n += 4) {
    data[n] = red;
    data[n + 1] = green;
    data[n + 2] = blue;
    data[n + 3] = ink[k];
  }
  context.putImageData(image, 0, 0);
}

function fitted(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return canvas.getContext("2d");
}

/** Show images of a network as small sheets side by side; null leaves a sheet blank. */
export function paintStrip(canvas, images, [height, width], gap = 2) {
  const across = Math.max(1, images.length * (width + gap) - gap), context = fitted(canvas, across, height);
  const shown = context.createImageData(across, height), { data } = shown;
  const [ink, paper] = [colour("--ink"), colour("--sheet")];
  images.forEach((x, place) => {
    const scale = x ? 1 / Math.max(1, deviation(x)) : 0;
    for (let k = 0; k < width * height; k++) {
      const part = x ? Math.max(0, Math.min(1, (x[k] * scale + 1) / 2)) : 0;
      const at = 4 * (Math.floor(k / width) * across + place * (width + gap) + (k % width));
      for (let c = 0; c < 3; c++) data[at + c] = paper[c] + part * (ink[c] - paper[c]);
      data[at + 3] = 255;
    }
  });
  context.putImageData(shown, 0, 0);
}

function deviation(x) {
  let sum = 0, square = 0;
  for (const each of x) sum += each, square += each * each;
  return Math.sqrt(square / x.length - (sum / x.length) ** 2);
}

/** A picture as the bytes of a PNG: dark ink on white paper, as `inkseed write` makes it. */
export function pngOf({ ink, width, height }) {
  const canvas = document.createElement("canvas"), context = fitted(canvas, width, height);
  const image = context.createImageData(width, height);
  ink.forEach((each, k) => image.data.set([255 - each, 255 - each, 255 - each, 255], k * 4));
  context.putImageData(image, 0, 0);
  return new Promise((take) => canvas.toBlob(take, "image/png"));
}
