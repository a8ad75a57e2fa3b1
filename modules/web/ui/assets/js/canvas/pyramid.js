/** The picture at falling sizes, so that drawing it small never touches all of its pixels. One for all views. */

import { newCanvas } from "./pixels.js";
import { viewAddress } from "./server.js";

const SMALLEST_PX = 512;

export class Pyramid {
  /** @param {ImageBitmap} bitmap of the picture's own size. */
  constructor(bitmap) {
    this.levels = [{ image: bitmap, scale: 1 }];
    let { width, height } = bitmap;
    while (Math.max(width, height) > SMALLEST_PX) {
      const above = this.levels.at(-1).image;
      width = Math.max(1, Math.round(width / 2));
      height = Math.max(1, Math.round(height / 2));
      const canvas = newCanvas(width, height);
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "medium";
      context.drawImage(above, 0, 0, width, height);
      this.levels.push({ image: canvas, scale: width / bitmap.width });
    }
  }

  /** The smallest level that still has a pixel for each device pixel. */
  level(scale) {
    return this.levels.findLast((level) => level.scale >= scale) ?? this.levels[0];
  }

  /** Colour of one pixel, as [red, green, blue, alpha]; null outside. */
  colourAt(x, y) {
    const { image } = this.levels[0];
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) return null;
    const context = newCanvas(1, 1).getContext("2d");
    context.drawImage(image, Math.floor(x), Math.floor(y), 1, 1, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  }

  close() {
    this.levels[0].image.close();
  }
}

/**
 * Load a picture.
 *
 * @param {Object} picture an asset's description.
 * @param {File|null} file the same picture where it is at hand; used if the browser can read it and sees the same size.
 * @returns {Promise<Pyramid>}
 */
export async function loadPyramid(picture, file) {
  const local = file ? await createImageBitmap(file).catch(() => null) : null;
  if (local && local.width === picture.width && local.height === picture.height) return new Pyramid(local);
  local?.close();
  const answer = await fetch(viewAddress(picture.id));
  if (!answer.ok) throw Object.assign(new Error(`${picture.name || picture.id}: HTTP ${answer.status}`), { status: answer.status });
  return new Pyramid(await createImageBitmap(await answer.blob()));
}
