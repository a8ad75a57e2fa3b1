/** Jobs that an extension's tab starts, as its scripts watch them under A1111: an id of one's own, a bar while it lasts, a word at the end. */

import { postJson } from "./api.js";

const ASK_EVERY_MS = 500;
const GIVE_UP_S = 40;
const GALLERY_FROM_END = 3;

/** An id for a job, which the server knows by its form. */
export function randomId() {
  return `task(${Array.from({ length: 3 }, () => Math.random().toString(36).slice(2, 7)).join("")})`;
}

/** For an event's `_js`: its values, without the pictures of the gallery before, which need not travel back. */
export function create_submit_args(args) {
  const values = Array.from(args);
  const place = values.length - GALLERY_FROM_END;
  if (Array.isArray(values[place])) values[place] = null;
  return values;
}

/** The same with the number of the open tab first. */
export const submitWithTab = (tabIndex) => (tabId, args) => {
  const values = create_submit_args(args);
  values[0] = tabIndex(tabId);
  return values;
};

/**
 * Show a bar in `container` while a job waits and runs.
 *
 * @param {string} id as `randomId` gives it
 * @param {Element | null} container
 * @param {Element | null} gallery not needed: previews are the page's own
 * @param {() => void} [atEnd]
 * @param {(progress: object) => void} [onProgress]
 * @param {number} [patience] seconds to wait for a job that nobody knows
 */
export async function requestProgress(id, container, gallery, atEnd, onProgress, patience = GIVE_UP_S) {
  const bar = document.createElement("progress");
  bar.className = "progressDiv";
  container?.prepend(bar);
  const started = performance.now();
  let isKnown = false;
  for (;;) {
    const now = await postJson("internal/progress", { id_task: id, live_preview: false }).catch(() => null);
    isKnown ||= Boolean(now?.active || now?.queued);
    if (!now || now.completed || (!now.active && !now.queued && (isKnown || performance.now() - started > patience * 1000))) break;
    if (now.progress) bar.value = now.progress;
    onProgress?.(now);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  bar.remove();
  atEnd?.();
}
