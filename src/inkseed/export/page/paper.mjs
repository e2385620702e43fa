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

/** Show images of a network, side by side with `gap` pixels of paper between; null leaves a place. */
export function paintStrip(canvas, images, [height, width], gap = 2) {
  const across = Math.max(1, images.length * (width + gap) - gap), ink = new Uint8Array(across * height);
  images.forEach((x, place) => {
    if (!x) return;
    const scale = 1 / Math.max(1, deviation(x)), left = place * (width + gap);
    for (let k = 0; k < x.length; k++) {
      const value = Math.max(0, Math.min(255, (x[k] * scale + 1) * 127.5));
      ink[Math.floor(k / width) * across + left + (k % width)] = value;
    }
  });
  paint(canvas, { ink, width: across, height });
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
