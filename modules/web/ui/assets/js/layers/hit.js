/** Which layer lies below a point, by the transparency of its thumbnail. */

import { frameOf, shareAt, sizeOf } from "./geometry.js";
import { thumbnailAddress } from "./server.js";
import { pixelsKey } from "./store.js";

const SEEN = 24; // of 255: less is no place to take hold of
const known = new Map(); // key -> {width, height, alpha} or null while it is fetched

function alphaOf(documentId, layer) {
  const key = `${layer.id} ${pixelsKey(layer)}`;
  if (known.has(key)) return known.get(key);
  known.set(key, null);
  const image = new Image();
  image.onload = () => known.set(key, read(image));
  image.src = thumbnailAddress(documentId, layer.id, pixelsKey(layer));
  return null;
}

function read(image) {
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return { width, height, alpha: context.getImageData(0, 0, width, height).data };
}

/** Have the thumbnails ready. */
export function prepare(store) {
  for (const layer of store.layers) alphaOf(store.id, layer);
}

/** Whether a layer shows something at a point of the canvas. */
export function covers(store, layer, point) {
  const size = sizeOf(layer);
  if (!size) return false;
  const { x, y } = shareAt(frameOf(size, layer.placement), layer.placement, point);
  if (x < 0 || y < 0 || x >= 1 || y >= 1) return false;
  const seen = alphaOf(store.id, layer);
  if (!seen) return true;
  return seen.alpha[4 * (Math.floor(y * seen.height) * seen.width + Math.floor(x * seen.width)) + 3] > SEEN;
}

/** Visible layers below a point, the topmost first; locked ones and mere differences last. */
export function layersAt(store, point) {
  const found = [...store.layers].reverse().filter((layer) => layer.is_visible && covers(store, layer, point));
  const isQuiet = (layer) => layer.is_locked || !layer.source || ["texture", "residual", "highlight", "shadow"].includes(layer.kind);
  return [...found.filter((layer) => !isQuiet(layer)), ...found.filter(isQuiet)];
}
