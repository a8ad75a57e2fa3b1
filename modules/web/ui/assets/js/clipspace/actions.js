/** Copy, paste, open in the mask editor: what buttons all over the page do. Failures are said here. */

import { t, toast } from "../pentimento.js";
import { clipspace } from "./clip.js";
import { describeAsset, layIntoAlpha } from "./server.js";

const GONE = 404;

/** "cat.png, 512 × 512, with its mask". */
export function clipWords({ asset, mask }) {
  const kind = mask ? "clipspace.with_mask" : asset.has_alpha ? "clipspace.with_alpha" : "clipspace.without_mask";
  return t(kind, { name: asset.name || t("clipspace.untitled"), width: asset.width, height: asset.height });
}

/** Do it; returns what it gave, undefined where it failed, which is said. */
async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    toast(error.status === GONE ? t("clipspace.gone") : t("clipspace.failed", { why: error.message }), "error");
    return undefined;
  }
}

/**
 * Copy a kept picture.
 *
 * @param {string} id
 * @param {{mask: string|null, name: string}} more the mask that belongs to it, and a name where the store has none.
 * @returns {Promise<boolean>} whether that went well.
 */
export async function copyAsset(id, { mask = null, name = "" } = {}) {
  const done = await attempt(async () => {
    const asset = await describeAsset(id);
    put({ ...asset, name: asset.name || name }, mask);
    return true;
  });
  return done ?? false;
}

function put(asset, mask) {
  clipspace.put(asset, mask);
  toast(t("clipspace.copied", { what: clipWords({ asset, mask }) }));
}

/** Copy a canvas: its picture, and its mask where something is painted. */
export function copyCanvas(canvas) {
  return attempt(async () => {
    const { picture, mask } = await canvas.commit();
    if (!picture) return toast(t("clipspace.no_picture"));
    const isCleared = picture.has_alpha && !mask; // its own transparency would come back as the mask
    return put(isCleared ? await layIntoAlpha(picture.id, null) : picture, mask);
  });
}

/** What was copied, looked up anew; null where there is nothing, which is said. */
async function fetchClip() {
  const { value } = clipspace;
  if (!value) {
    toast(t("clipspace.empty"));
    return null;
  }
  const asset = await describeAsset(value.asset.id);
  return { asset: { ...asset, name: asset.name || value.asset.name }, mask: value.mask };
}

/** Paste on a canvas; the mask comes along. */
export function pasteOnCanvas(canvas) {
  return attempt(async () => {
    const clip = await fetchClip();
    if (!clip) return;
    await canvas.setPicture(clip.asset, { mask: clip.asset.has_alpha ? "alpha" : "clear", maskId: clip.mask });
    toast(t("clipspace.pasted", { what: clipWords(clip) }));
  });
}

/**
 * Paste as one file, for places that take both from it: the mask is laid into its transparency.
 *
 * @param {(asset: Object, words: string) => void} take
 */
export function pasteAsFile(take) {
  return attempt(async () => {
    const clip = await fetchClip();
    if (!clip) return;
    const asset = clip.mask ? await layIntoAlpha(clip.asset.id, clip.mask) : clip.asset;
    take({ ...asset, name: asset.name || clip.asset.name }, clipWords(clip));
  });
}

/** Paste the picture alone. */
export function pastePicture(take) {
  return attempt(async () => {
    const clip = await fetchClip();
    if (clip) take(clip.asset, clip.mask ? t("clipspace.mask_stays") : "");
  });
}

/**
 * Open a kept picture in the mask editor.
 *
 * @param {string} id
 * @param {{mask: string|null, name: string, target: Object, isEmpty: boolean}} more `target`: {workflow, title, name} of a workflow's
 *     picture, which gets what is saved; null = the clipspace does. `isEmpty`: its own transparency is not the mask.
 */
export function editMask(id, { mask = null, name = "", target = null, isEmpty = false } = {}) {
  return attempt(async () => {
    const asset = await describeAsset(id);
    await window.pentimento.maskEditor().open({ asset: { ...asset, name: asset.name || name }, mask, target, isEmpty });
  });
}
