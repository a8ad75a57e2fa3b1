/** What of the document outlives a reload: ids, and the strokes while they are few. */

const KEY = "pentimento_document";
const VERSION = 1;
const MOST_CHARACTERS = 600_000;

/**
 * Remember a document.
 *
 * In `sessionStorage` for this tab, so that two open tabs do not disturb each other, and in `localStorage` for the next one.
 *
 * @param {Object} state `{picture, alpha, frame, mask: ops, sketch: ops, isAlphaAsked}`
 * @param {Object} committed channel -> asset id or null of what was last committed; stands in for strokes that are too many.
 */
export function remember(state, committed) {
  const kept = { version: VERSION, picture: state.picture, alpha: state.alpha, frame: state.frame, isAlphaAsked: state.isAlphaAsked };
  let text = JSON.stringify({ ...kept, mask: state.mask, sketch: state.sketch });
  if (text.length > MOST_CHARACTERS) text = JSON.stringify({ ...kept, mask: standIn(committed.mask, "mask"), sketch: standIn(committed.sketch, "sketch") });
  for (const storage of storages()) {
    try {
      storage.setItem(KEY, text);
    } catch {
      storage.removeItem(KEY); // full: half a document would be worse than none
    }
  }
}

const standIn = (asset, part) => (asset ? [{ id: `${part} ${asset}`, kind: "raster", asset, part }] : []);

/** The document of the last visit, or null. */
export function recall() {
  for (const storage of storages()) {
    try {
      const kept = JSON.parse(storage.getItem(KEY));
      if (kept?.version === VERSION && kept.picture) return kept;
    } catch {
      storage.removeItem(KEY);
    }
  }
  return null;
}

function storages() {
  try {
    return [sessionStorage, localStorage];
  } catch {
    return []; // the browser forbids both
  }
}
