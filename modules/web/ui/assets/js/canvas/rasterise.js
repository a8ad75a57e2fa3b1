/** The full-size raster of a channel, made once a commit: runs in the worker, or on the page where there are none. */

import { encodePng } from "./png.js";
import { readPixels } from "./pixels.js";
import { Surface } from "./raster.js";

const KEPT_RASTERS = 2;
const surfaces = new Map(); // channel -> {key, surface}

/**
 * Bring a channel up to date and write it as PNG.
 *
 * @param {Object} job `{channel: "mask"|"sketch", picture: id, width, height, ops, assets: base address, encode: boolean}`
 * @returns {Promise<{png: Blob|null, isEmpty: boolean, isSoft: boolean}>} `png` is null where nothing is painted or `encode` is false.
 */
export async function rasterise({ channel, picture, width, height, ops, assets, encode }) {
  const surface = surfaceFor(channel, picture, width, height);
  const rasters = surface.rasters;
  for (const op of ops.filter((one) => one.kind === "raster" && !rasters.has(one.id))) {
    rasters.set(op.id, await readPixels(`${assets}${op.asset}/view`, op.part, surface.width, surface.height));
  }
  for (const id of rasters.keys()) {
    if (rasters.size <= KEPT_RASTERS) break;
    if (!ops.some((op) => op.id === id)) rasters.delete(id);
  }
  surface.sync(ops, (op) => rasters.get(op.id));
  const found = inspect(surface);
  const png = encode && !found.isEmpty ? await encodePng(surface.data, surface.width, surface.height, surface.channels) : null;
  return { ...found, png };
}

function surfaceFor(channel, picture, width, height) {
  const key = `${picture} ${width} ${height}`;
  const known = surfaces.get(channel);
  if (known?.key === key) return known.surface;
  const surface = new Surface(width, height, 1, channel === "mask" ? 1 : 4);
  surface.rasters = new Map(); // operation id -> pixels
  surfaces.set(channel, { key, surface });
  return surface;
}

function inspect({ data, channels }) {
  let [isEmpty, isSoft] = [true, false];
  for (let i = channels - 1; i < data.length; i += channels) {
    if (data[i] === 0) continue;
    isEmpty = false;
    if (data[i] !== 255) {
      isSoft = true;
      break;
    }
  }
  return { isEmpty, isSoft };
}
