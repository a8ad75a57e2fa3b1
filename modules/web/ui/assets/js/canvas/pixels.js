/** Pixels of stored pictures, as a channel's surface wants them. */

/**
 * Decode an asset.
 *
 * @param {string} address of the picture.
 * @param {"mask"|"alpha"|"sketch"} part "mask": brightness, 255 = repaint, nothing where transparent; "alpha": 255 minus alpha; "sketch": RGBA.
 * @param {number} width, height of the result, in px; the picture is scaled to them.
 * @returns {Promise<Uint8ClampedArray>} one byte a pixel, or four for a sketch.
 */
export async function readPixels(address, part, width, height) {
  const answer = await fetch(address);
  if (!answer.ok) throw Object.assign(new Error(`${address}: ${answer.status}`), { status: answer.status });
  const bitmap = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
  const rgba = scaled(bitmap, width, height);
  const pixels = part === "sketch" ? rgba : oneChannel(rgba, part);
  const isOtherSize = bitmap.width !== width || bitmap.height !== height;
  if (part === "mask" && isOtherSize && isHard(oneChannel(scaled(bitmap, bitmap.width, bitmap.height), part))) harden(pixels);
  bitmap.close();
  return pixels;
}

function scaled(bitmap, width, height) {
  const context = newCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** Nothing between untouched and repainted; scaling must not put something there. */
const isHard = (pixels) => pixels.every((value) => value === 0 || value === 255);

function harden(pixels) {
  for (let i = 0; i < pixels.length; i++) pixels[i] = pixels[i] < 128 ? 0 : 255;
}

function oneChannel(rgba, part) {
  const out = new Uint8ClampedArray(rgba.length / 4);
  if (part === "alpha") for (let i = 0; i < out.length; i++) out[i] = 255 - rgba[4 * i + 3];
  else {
    for (let i = 0; i < out.length; i++) {
      const at = 4 * i; // ITU-R BT.601, as Pillow's mode L
      out[i] = ((rgba[at] * 299 + rgba[at + 1] * 587 + rgba[at + 2] * 114) / 1000) * (rgba[at + 3] / 255);
    }
  }
  return out;
}

/** A canvas that is not on the page. */
export function newCanvas(width, height) {
  if (typeof OffscreenCanvas !== "undefined") return new OffscreenCanvas(width, height);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}
