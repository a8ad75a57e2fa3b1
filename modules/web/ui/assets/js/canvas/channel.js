/** A channel of the document at the size at which it is painted and shown: its pixels, and coloured tiles made of them. */

import { newCanvas, readPixels } from "./pixels.js";
import { Surface, union } from "./raster.js";
import { ASSETS } from "./server.js";

const MOST_PX = 2048; // a side of the surface that is painted on; the raster that travels has the picture's own size
const TILE_PX = 512; // a canvas that was drawn somewhere is copied whole when it changes: small ones cost little
const KEPT_RASTERS = 3;

export class Channel {
  #rasters = new Map();

  /** @param {"mask"|"sketch"} name */
  constructor(name) {
    this.name = name;
    this.surface = null;
    this.picture = null;
    this.tiles = [];
    this.stale = null;
    this.colour = [255, 255, 255];
  }

  /**
   * Hold what `ops` make of an empty channel over `picture`.
   *
   * @returns {Promise<Object|null>} the box that changed, in surface pixels.
   */
  async become(picture, ops) {
    let changed = this.#fit(picture);
    if (!this.surface) return changed;
    for (const op of ops.filter((one) => one.kind === "raster" && !this.#rasters.has(one.id))) {
      const { width, height } = this.surface;
      const pixels = await readPixels(`${ASSETS}${op.asset}/view`, op.part, width, height);
      if (this.surface.width === width && this.surface.height === height) this.#rasters.set(op.id, pixels);
    }
    changed = union(changed, this.surface.sync(ops, (op) => this.#rasters.get(op.id)));
    for (const id of this.#rasters.keys()) {
      if (this.#rasters.size <= KEPT_RASTERS) break;
      if (!ops.some((op) => op.id === id)) this.#rasters.delete(id);
    }
    this.touch(changed);
    return changed;
  }

  #fit(picture) {
    if (picture?.id === this.picture?.id) return null;
    this.picture = picture;
    this.#rasters.clear();
    this.tiles = [];
    this.stale = null;
    const scale = picture ? Math.min(1, MOST_PX / Math.max(picture.width, picture.height)) : 1;
    this.surface = picture ? new Surface(picture.width, picture.height, scale, this.name === "mask" ? 1 : 4) : null;
    return this.surface ? this.surface.box : { x: 0, y: 0, width: 1, height: 1 };
  }

  /** Say that pixels changed; the tiles follow when they are drawn. */
  touch(box) {
    this.stale = union(this.stale, box);
  }

  /** Paint a mask's tiles in `colour` from now on. */
  setColour(colour) {
    if (String(colour) === String(this.colour)) return;
    this.colour = colour;
    if (this.surface) this.touch(this.surface.box);
  }

  /**
   * Draw the channel.
   *
   * Tiles are put on whole device pixels: half-covered ones at their edges would show as lines.
   *
   * @param {CanvasRenderingContext2D} context in device pixels.
   * @param {{x, y, scale}} place where surface pixel (0, 0) goes, and device pixels a surface pixel.
   * @param {Object} box in surface pixels: what lies outside may be left out.
   */
  draw(context, place, box) {
    if (!this.surface) return;
    this.#refresh();
    for (const tile of this.tiles) {
      const isOutside = tile.x >= box.x + box.width || tile.y >= box.y + box.height || tile.x + tile.width <= box.x || tile.y + tile.height <= box.y;
      if (isOutside || !tile.canvas) continue;
      const x = Math.round(place.x + tile.x * place.scale);
      const y = Math.round(place.y + tile.y * place.scale);
      const right = Math.round(place.x + (tile.x + tile.width) * place.scale);
      const bottom = Math.round(place.y + (tile.y + tile.height) * place.scale);
      if (right > x && bottom > y) context.drawImage(tile.canvas, x, y, right - x, bottom - y);
    }
  }

  #refresh() {
    const { stale, surface } = this;
    if (!stale) return;
    this.stale = null;
    if (!this.tiles.length) this.#cut();
    for (const tile of this.tiles) {
      const x0 = Math.max(tile.x, stale.x);
      const y0 = Math.max(tile.y, stale.y);
      const x1 = Math.min(tile.x + tile.width, stale.x + stale.width);
      const y1 = Math.min(tile.y + tile.height, stale.y + stale.height);
      if (x1 <= x0 || y1 <= y0 || (!tile.canvas && isBlank(surface, x0, y0, x1, y1))) continue;
      tile.canvas ??= newCanvas(tile.width, tile.height);
      tile.context ??= tile.canvas.getContext("2d", { willReadFrequently: true });
      const image = tile.context.createImageData(x1 - x0, y1 - y0);
      (surface.channels === 1 ? tint : lift)(surface, image.data, x0, y0, x1, y1, this.colour);
      tile.context.putImageData(image, x0 - tile.x, y0 - tile.y);
    }
  }

  #cut() {
    const { width, height } = this.surface;
    for (let y = 0; y < height; y += TILE_PX) {
      for (let x = 0; x < width; x += TILE_PX) {
        this.tiles.push({ x, y, width: Math.min(TILE_PX, width - x), height: Math.min(TILE_PX, height - y) });
      }
    }
  }
}

function isBlank({ data, width, channels }, x0, y0, x1, y1) {
  for (let y = y0; y < y1; y++) {
    const end = (y * width + x1) * channels;
    for (let i = (y * width + x0) * channels + channels - 1; i < end; i += channels) if (data[i]) return false;
  }
  return true;
}

function tint(surface, out, x0, y0, x1, y1, [red, green, blue]) {
  let at = 0;
  for (let y = y0; y < y1; y++) {
    let from = y * surface.width + x0;
    for (let x = x0; x < x1; x++, at += 4) {
      out[at] = red;
      out[at + 1] = green;
      out[at + 2] = blue;
      out[at + 3] = surface.data[from++];
    }
  }
}

function lift(surface, out, x0, y0, x1, y1) {
  for (let y = y0; y < y1; y++) {
    const from = (y * surface.width + x0) * 4;
    out.set(surface.data.subarray(from, from + (x1 - x0) * 4), (y - y0) * (x1 - x0) * 4);
  }
}
